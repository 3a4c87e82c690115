package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// lastLook is how long before the deadline of its context a wait looks for the last time.
const lastPollMargin = 500 * time.Millisecond

// A WaitError is a wait that did not get what it waited for. errors.Is finds the context's error if it ended
// the wait, the kind of the failure if the last look failed, and ErrUnreachable.
type WaitError struct {
	// JobID is the job that was waited for.
	JobID string
	// Last is the job as it was seen last; nil if it never was.
	Last *Job
	// Polls is how often the job was looked at, failures included. For WaitForAll a page that has the job is a look
	// at it; one that could not be read is none.
	Polls int
	// Err is what ended the wait.
	Err error
}

// Error returns one line: the job, its last status, the number of looks and what ended the wait.
func (e *WaitError) Error() string {
	last := "never seen"
	if e.Last != nil {
		last = "last seen " + e.Last.Status.String()
	}
	looks := "1 look"
	if e.Polls != 1 {
		looks = fmt.Sprint(e.Polls, " looks")
	}
	return redact.OneLine(fmt.Sprintf("livetranscode: wait for job %s: %s, %s: %v", e.JobID, last, looks, e.Err))
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// endedWait is the error of a context that ended a wait, with that of the last look.
type contextAndPollError struct{ ended, look error }

func (e *contextAndPollError) Error() string {
	return fmt.Sprintf("%v; last look: %v", e.ended, e.look)
}

func (e *contextAndPollError) Unwrap() []error { return []error{e.ended, e.look} }

// WaitForStatus waits until the job has the status want, and returns it. It looks at once, so a job that is
// there already is returned at once. ctx is the only limit of time: see WaitUntil for how it looks, and how it
// fails. A stopped job never changes again: then the wait for another status ends at once with ErrUnreachable.
// A status that was passed between two looks is not seen.
func (c *Client) WaitForStatus(ctx context.Context, jobID string, want JobStatus, opts ...PollOption) (*Job, error) {
	if want < 0 {
		return nil, &ParamError{Operation: "WaitForStatus", Field: "want", Reason: "is no status that a job can have"}
	}
	return c.waitUntil(ctx, "WaitForStatus", jobID, func(job *Job) (bool, error) {
		if job.Status == JobStatusStopped && want != JobStatusStopped {
			return false, ErrUnreachable
		}
		return job.Status == want, nil
	}, opts...)
}

// WaitUntil looks at a job until cond returns true, and returns the job; the *Job is nil with an error. cond
// is called with every job that is read, stopped ones too, in the caller's goroutine; its error ends the wait.
//
// The first look is at once. The next are 2 s apart for the first 30 s, then less often, from 10 minutes on 30
// s apart, all of it jittered; the last is half a second before the deadline of ctx. Each look is a call with
// its retries. Beyond those, 5 failures in a row that may pass are tolerated, which is an outage of some 12 s
// in the beginning and of minutes later on (TolerateErrors); one that will not pass ends the wait at once. A job that was never seen and is not found in the first 30 s is looked for again (NotFoundGrace): if
// it may have been deleted before the wait, pass NotFoundGrace(0).
//
// ctx is the only limit of time: without a deadline the wait can last for ever. A wait that ctx ends returns an error
// even if the last look was good. Every error but a *ParamError is a *WaitError, with the job as it was seen
// last.
func (c *Client) WaitUntil(ctx context.Context, jobID string, cond func(*Job) (bool, error), opts ...PollOption) (*Job, error) {
	return c.waitUntil(ctx, "WaitUntil", jobID, cond, opts...)
}

// waitUntil is WaitUntil under the name of the method that was called.
func (c *Client) waitUntil(ctx context.Context, method, jobID string, cond func(*Job) (bool, error), opts ...PollOption) (*Job, error) {
	cfg := newPollConfig(2*time.Second, opts)
	switch {
	case cfg.err != nil:
		return nil, cfg.err
	case jobID == "":
		return nil, &ParamError{Operation: method, Field: "jobID", Reason: "is empty"}
	case cond == nil:
		return nil, &ParamError{Operation: method, Field: "cond", Reason: "is nil"}
	}
	var (
		start    = time.Now()
		wait     = &WaitError{JobID: jobID}
		failures = 0
		lookErr  error // of the last look
	)
	fail := func(err error) (*Job, error) {
		wait.Err = err
		return nil, wait
	}
	for {
		if ctx.Err() != nil {
			return fail(endOfWait(ctx, lookErr))
		}
		wait.Polls++
		asked := time.Now()
		var resp *GetLiveTranscodeJobResponse
		resp, lookErr = c.GetLiveTranscodeJob(ctx, jobID)
		switch {
		case lookErr == nil:
			failures, wait.Last = 0, resp.Job
			if cfg.onPoll != nil {
				cfg.onPoll(resp.Job)
			}
			done, err := cond(resp.Job)
			switch {
			case err != nil:
				return fail(err)
			case ctx.Err() != nil:
				return fail(contextError(ctx))
			case done:
				return resp.Job, nil
			}
		case ctx.Err() != nil:
			return fail(endOfWait(ctx, lookErr))
		case errors.Is(lookErr, ErrNotFound) && wait.Last == nil && asked.Sub(start) < cfg.grace:
			failures = 0 // an answer all the same
		case isPermanent(lookErr):
			return fail(lookErr)
		default:
			if failures++; failures > cfg.tolerate {
				return fail(lookErr)
			}
		}
		pause := max(cfg.interval(time.Since(start)), retryAfterOf(lookErr))
		if deadline, ok := ctx.Deadline(); ok {
			left := time.Until(deadline) - lastPollMargin
			if left <= 0 { // that was the last look
				<-ctx.Done()
				continue
			}
			pause = min(pause, left)
		}
		_ = sleep(ctx, pause)
	}
}

// endOfWait returns the error of a context that ended a wait, with that of the last look.
func endOfWait(ctx context.Context, look error) error {
	switch {
	case look == nil:
		return contextError(ctx)
	case errors.Is(look, ctx.Err()):
		return look
	}
	return &contextAndPollError{ended: contextError(ctx), look: look}
}

// WatchJobs yields what happens to the given jobs until all have ended, as Watcher.Events does, and ends then.
// Each range starts afresh.
func (c *Client) WatchJobs(ctx context.Context, jobIDs []string, opts ...PollOption) iter.Seq2[JobEvent, error] {
	ids := slices.Clone(jobIDs)
	return func(yield func(JobEvent, error) bool) {
		if slices.Contains(ids, "") {
			yield(JobEvent{}, &ParamError{Operation: "WatchJobs", Field: "jobIDs", Reason: "has an empty id"})
			return
		}
		w := c.NewWatcher(opts...)
		w.Add(ids...)
		w.events(ctx, true)(yield)
	}
}

// WaitForAll waits until each of the jobs has the status want or can no longer have it. It returns the jobs
// that arrived, by id, and if any did not, WaitErrors with one *WaitError for each. One job's trouble does not end the wait
// for the others; what ends the watch of all (see Watcher.Events) and the end of ctx do. It looks as a Watcher
// does, and once more half a second before the deadline of ctx.
func (c *Client) WaitForAll(ctx context.Context, jobIDs []string, want JobStatus, opts ...PollOption) (map[string]*Job, error) {
	switch {
	case want < 0:
		return nil, &ParamError{Operation: "WaitForAll", Field: "want", Reason: "is no status that a job can have"}
	case slices.Contains(jobIDs, ""):
		return nil, &ParamError{Operation: "WaitForAll", Field: "jobIDs", Reason: "has an empty id"}
	}
	w := c.NewWatcher(opts...)
	if w.cfg.err != nil {
		return nil, w.cfg.err
	}
	w.Add(jobIDs...)
	all := maps.Clone(w.jobs) // each keeps its last job and its looks
	arrived := make(map[string]*Job)
	var failed WaitErrors
	fail := func(id string, err error) {
		failed = append(failed, &WaitError{JobID: id, Last: all[id].job, Polls: int(all[id].polls), Err: err})
		delete(all, id)
	}
	var end error
	for event, err := range w.events(ctx, true) {
		switch {
		case err != nil:
			end = err
		case event.Err != nil:
			fail(event.JobID, event.Err)
		case event.Job.Status == want:
			arrived[event.JobID] = event.Job
			delete(all, event.JobID)
			w.Remove(event.JobID)
		case event.Job.Status == JobStatusStopped:
			fail(event.JobID, ErrUnreachable)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if err := end; all[id].target && w.lastErr != nil && !errors.Is(err, w.lastErr) {
			fail(id, &contextAndPollError{ended: err, look: w.lastErr}) // the last look at it failed
		} else {
			fail(id, end)
		}
	}
	if len(failed) > 0 {
		return arrived, failed
	}
	return arrived, nil
}

// WaitErrors are the failures of a WaitForAll, one for each job that did not arrive. errors.Is and errors.As
// look through all of them.
type WaitErrors []*WaitError

// Error returns one line: the first failure, and how many more there are.
func (e WaitErrors) Error() string {
	switch len(e) {
	case 0:
		return "livetranscode: no wait failed"
	case 1:
		return e[0].Error()
	}
	return fmt.Sprintf("%v (and %d more jobs)", e[0], len(e)-1)
}

// Unwrap returns the failures.
func (e WaitErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}
