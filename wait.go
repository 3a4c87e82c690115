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

// lastPollMargin is how long before the deadline of its context a wait polls for the last time.
const lastPollMargin = 500 * time.Millisecond

// A WaitError is the error of a wait for a job. errors.Is and errors.As see through it: to the context's error if
// ctx ended the wait, to the error of the last poll if that failed, and to ErrJobStopped.
type WaitError struct {
	// JobID is the job that was waited for.
	JobID string
	// Last is the job as it was last read; nil if it was never read.
	Last *Job
	// Polls is the number of polls, failed ones included. For [Client.WaitForAll], a page that lists the job is a
	// poll of it; a page that could not be read is none.
	Polls int
	// Err is what ended the wait.
	Err error
}

// Error returns one line: the job, its last status, the number of polls, and what ended the wait.
func (e *WaitError) Error() string {
	last := "never read"
	if e.Last != nil {
		last = "last read as " + e.Last.Status.String()
	}
	polls := "1 poll"
	if e.Polls != 1 {
		polls = fmt.Sprint(e.Polls, " polls")
	}
	return redact.OneLine(fmt.Sprintf("livetranscode: wait for job %s: %s, %s: %v", e.JobID, last, polls, e.Err))
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

func (*WaitError) ownError() {}

// contextAndPollError is the error of a context that ended a wait whose last poll had failed.
type contextAndPollError struct{ ctx, poll error }

func (e *contextAndPollError) Error() string { return fmt.Sprintf("%v; last poll: %v", e.ctx, e.poll) }

func (e *contextAndPollError) Unwrap() []error { return []error{e.ctx, e.poll} }

// WaitForStatus waits until the job has the status want, and returns it. It polls as [Client.WaitUntil] does, and
// fails as it does. A stopped job never changes again: a wait for another status then ends at once with
// ErrJobStopped. A status that the job had only between two polls is not seen.
func (c *Client) WaitForStatus(ctx context.Context, jobID string, want JobStatus, opts ...PollOption) (*Job, error) {
	if want < 0 {
		return nil, &ParamError{Operation: "WaitForStatus", Field: "want", Reason: "is no status that a job can have"}
	}
	return c.waitUntil(ctx, "WaitForStatus", jobID, func(job *Job) (bool, error) {
		if job.Status == JobStatusStopped && want != JobStatusStopped {
			return false, ErrJobStopped
		}
		return job.Status == want, nil
	}, opts...)
}

// WaitUntil polls a job until cond returns true, and returns the job; with an error the *Job is nil. cond is called
// with every job that is read, stopped ones included, in the caller's goroutine; an error that it returns ends the
// wait.
//
// The first poll is immediate. The next ones are 2 s apart for the first 30 s, then less frequent, and 30 s apart from
// 10 minutes on, with jitter ([PollInterval]); the last one is half a second before the deadline of ctx. Each poll is
// a call with its retries. Beyond those, 5 consecutive transient failures are tolerated and the next one ends the wait
// ([TolerateErrors]): that is an outage of some 12 s at the beginning of a wait, and of minutes later. A failure with a
// Retry-After delay is not counted: the wait polls again after that delay, which is cut at an hour. A permanent failure
// ends the wait at once, with two exceptions: a job that has not been read yet may be not found for 30 s
// ([NotFoundGrace]; pass 0 if the job may have been deleted before the wait), and a job that has been read may be not
// found once, as the service's replicas can disagree.
//
// ctx is the only limit of time: without a deadline, a wait for a status that never comes does not end. A wait that
// ctx ends returns an error even if the last poll succeeded. Every error except a *ParamError is a [*WaitError], which
// holds the job as it was last read.
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
	w := &wait{WaitError: WaitError{JobID: jobID}, client: c, cfg: cfg, cond: cond, start: time.Now()}
	done, err := false, w.contextError(ctx)
	for !done && err == nil {
		if done, err = w.poll(ctx); !done && err == nil {
			err = w.pause(ctx)
		}
	}
	if err != nil {
		w.Err = err
		return nil, &w.WaitError
	}
	return w.Last, nil
}

// A wait is one WaitUntil. Its WaitError is what is known so far.
type wait struct {
	WaitError
	client *Client
	cfg    pollConfig
	cond   func(*Job) (bool, error)
	start  time.Time

	pollErr  error // of the last poll
	failures int   // consecutive transient failures
	notFound bool  // the last response was that the job is not found
}

// poll reads the job once. It returns whether the wait has succeeded, or the error that ends it.
func (w *wait) poll(ctx context.Context) (done bool, err error) {
	began := time.Since(w.start)
	w.Polls++
	resp, err := w.client.GetLiveTranscodeJob(ctx, w.JobID)
	if w.pollErr = err; err != nil {
		if ended := w.contextError(ctx); ended != nil {
			return false, ended
		}
		return false, w.permanent(err, began)
	}
	w.Last, w.failures, w.notFound = resp.Job, 0, false
	if w.cfg.onPoll != nil {
		w.cfg.onPoll(resp.Job)
	}
	if done, err = w.cond(resp.Job); err != nil {
		return false, err
	}
	return done, w.contextError(ctx)
}

// permanent returns the error of a poll that began at a time since the start, or nil if the wait continues despite it.
func (w *wait) permanent(err error, began time.Duration) error {
	tolerated := false
	switch {
	case errors.Is(err, ErrNotFound):
		tolerated = w.Last == nil && began < w.cfg.grace || w.Last != nil && !w.notFound
		w.failures, w.notFound = 0, true // a response all the same
	case isPermanent(err):
	case retryAfterOf(err) > 0:
		tolerated = true
	default:
		w.failures++
		tolerated = w.failures <= w.cfg.tolerate
	}
	if tolerated {
		return nil
	}
	return err
}

// pause waits until the next poll is due, the last one just before the deadline of ctx.
func (w *wait) pause(ctx context.Context) error {
	d := w.cfg.interval(time.Since(w.start))
	if asked := retryAfterOf(w.pollErr); asked > 0 {
		d = max(d, jitter(asked, asked+asked/10))
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline) - lastPollMargin
		if left <= 0 { // that was the last poll
			<-ctx.Done()
		}
		d = min(d, left)
	}
	_ = sleep(ctx, d)
	return w.contextError(ctx)
}

// contextError returns nil unless ctx has ended: then its error, with that of the last poll if it failed.
func (w *wait) contextError(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case w.pollErr == nil:
		return contextError(ctx)
	case errors.Is(w.pollErr, ctx.Err()):
		return w.pollErr
	}
	return &contextAndPollError{ctx: contextError(ctx), poll: w.pollErr}
}

// WatchJobs yields the events of the given jobs, as [Watcher.Events] does, and ends when all of them have ended. Each
// range starts from the beginning.
func (c *Client) WatchJobs(ctx context.Context, jobIDs []string, opts ...PollOption) iter.Seq2[JobEvent, error] {
	ids := slices.Clone(jobIDs)
	return func(yield func(JobEvent, error) bool) {
		if slices.Contains(ids, "") {
			yield(JobEvent{}, &ParamError{Operation: "WatchJobs", Field: "jobIDs", Reason: "has an empty id"})
			return
		}
		w := c.NewWatcher(opts...)
		w.Add(ids...)
		if w.err == nil && w.isEmpty() {
			return
		}
		for event, err := range w.Events(ctx) {
			if err != nil { // no later range will deliver what is left
				for last, ok := w.dequeue(); ok; last, ok = w.dequeue() {
					if !yield(last, nil) {
						return
					}
				}
			}
			if !yield(event, err) || w.isEmpty() {
				return
			}
		}
	}
}

// WaitForAll waits until each of the jobs has the status want or can no longer reach it. It returns the jobs that did,
// by id, and if any did not, [WaitErrors] with one *WaitError for each. A failure of one job does not end the wait for
// the others; the end of ctx, and what ends the watch of all (see [Watcher.Events]), do. It polls as a Watcher does,
// and once more half a second before the deadline of ctx.
func (c *Client) WaitForAll(ctx context.Context, jobIDs []string, want JobStatus, opts ...PollOption) (map[string]*Job, error) {
	switch {
	case want < 0:
		return nil, &ParamError{Operation: "WaitForAll", Field: "want", Reason: "is no status that a job can have"}
	case slices.Contains(jobIDs, ""):
		return nil, &ParamError{Operation: "WaitForAll", Field: "jobIDs", Reason: "has an empty id"}
	}
	w := c.NewWatcher(opts...)
	if w.err != nil {
		return nil, w.err
	}
	w.Add(jobIDs...)
	all := maps.Clone(w.jobs)
	arrived := make(map[string]*Job)
	if len(all) == 0 {
		return arrived, nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		defer time.AfterFunc(time.Until(deadline)-lastPollMargin, w.sweepNow).Stop()
	}
	var end error
	for event, err := range w.Events(ctx) {
		if end = err; err == nil && event.Kind != EventLost && event.Job.Status == want {
			arrived[event.JobID] = event.Job
			w.Remove(event.JobID)
		}
		if w.isEmpty() {
			break
		}
	}
	var failed WaitErrors
	for _, id := range slices.Sorted(maps.Keys(all)) { // nothing runs any more, so that they can be read
		switch j := all[id]; {
		case arrived[id] != nil:
		case !j.lost && j.job != nil && j.job.Status == want:
			arrived[id] = j.job
		default:
			failed = append(failed, &WaitError{JobID: id, Last: j.job, Polls: int(j.polls), Err: w.waitEnd(j, end)})
		}
	}
	if len(failed) > 0 {
		return arrived, failed
	}
	return arrived, nil
}

// waitEnd returns what ended the wait for a job in a watch that has ended, with the error of its last poll if that
// failed.
func (w *Watcher) waitEnd(j *trackedJob, end error) error {
	var (
		watch *WatchError
		poll  error
	)
	switch {
	case j.lost:
		return j.failure.err
	case j.ended:
		return ErrJobStopped
	case errors.As(end, &watch):
		end = watch.Err
	}
	if j.failure != nil {
		poll = j.failure.err
	} else if j.job == nil {
		poll = w.sweepErr
	}
	if poll == nil || errors.Is(end, poll) {
		return end
	}
	return &contextAndPollError{ctx: end, poll: poll}
}

// WaitErrors are the failures of a WaitForAll, one for each job that did not reach the status. errors.Is and errors.As
// see through all of them.
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

func (WaitErrors) ownError() {}
