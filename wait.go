package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// A PollOption tunes a wait or a Watcher. A negative argument is a *ParamError: of the wait, or of the first
// range over the Watcher.
type PollOption func(*pollConfig)

type pollConfig struct {
	first       time.Duration // the interval in the beginning
	longest     time.Duration // the interval in the end
	tolerate    int
	onPoll      func(*Job)
	concurrency int
	grace       time.Duration
	err         error // the first option that is invalid
}

// PollInterval sets how often to look: every first in the beginning, later less often, up to max. 0 leaves
// either as it is, and a max below first is first. If not set, a wait looks every 2 s for 30 s, then less
// often, from 10 minutes on every 30 s; a Watcher every 10 s to 30 s, by the time since the last event or Add.
func PollInterval(first, max time.Duration) PollOption {
	return func(c *pollConfig) {
		c.refuse(first < 0, "PollInterval", "first")
		c.refuse(max < 0, "PollInterval", "max")
		if first > 0 {
			c.first = first
		}
		if max > 0 {
			c.longest = max
		}
		if c.longest < c.first {
			c.longest = c.first
		}
	}
}

// TolerateErrors sets how many failures in a row that may pass, each a call with all its retries, a wait
// tolerates, and after how many sweeps in a row without any answer a watch ends. If not set, it is 5.
func TolerateErrors(inARow int) PollOption {
	return func(c *pollConfig) {
		c.refuse(inARow < 0, "TolerateErrors", "inARow")
		c.tolerate = inARow
	}
}

// OnPoll calls f with every job that was read, changed or not, from the goroutine of the wait or of the range
// loop, one at a time. f must not change the job. If not set, nothing is called.
func OnPoll(f func(*Job)) PollOption {
	return func(c *pollConfig) {
		if f != nil {
			c.onPoll = f
		}
	}
}

// Concurrency sets how many requests a Watcher sends side by side; 0 leaves it as it is. It does not concern a
// wait for one job. If not set, it is 8.
func Concurrency(n int) PollOption {
	return func(c *pollConfig) {
		c.refuse(n < 0, "Concurrency", "n")
		if n > 0 {
			c.concurrency = n
		}
	}
}

// NotFoundGrace sets for how long, from the start of a wait or from Add, a job that was never seen may be not
// found; 0 is not at all. Whether the service knows a job as soon as it is submitted is not documented. If not
// set, it is 30 s.
func NotFoundGrace(d time.Duration) PollOption {
	return func(c *pollConfig) {
		c.refuse(d < 0, "NotFoundGrace", "d")
		c.grace = d
	}
}

// refuse keeps the first argument that is negative.
func (c *pollConfig) refuse(negative bool, operation, field string) {
	if negative && c.err == nil {
		c.err = &ParamError{Operation: operation, Field: field, Reason: "is negative"}
	}
}

func newPollConfig(first time.Duration, opts []PollOption) pollConfig {
	c := pollConfig{first: first, longest: 30 * time.Second, tolerate: 5, concurrency: 8, grace: 30 * time.Second}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	return c
}

const (
	steady = 30 * time.Second // for this long the interval is the first
	risen  = 10 * time.Minute // from here on it is the longest
)

// interval returns the time to the next look, by how long nothing has happened: on average the first, rising
// to the longest, give or take a tenth.
func (c *pollConfig) interval(quiet time.Duration) time.Duration {
	d := c.first
	switch {
	case quiet >= risen:
		d = c.longest
	case quiet > steady:
		d += time.Duration(float64(c.longest-c.first) * float64(quiet-steady) / float64(risen-steady))
	}
	d = min(d, math.MaxInt64/2) // so that a tenth more is still a duration
	return jitter(d-d/10, d+d/10)
}

// lastLook is how long before the deadline of its context a wait looks for the last time.
const lastLook = 500 * time.Millisecond

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
	return oneLine(fmt.Sprintf("livetranscode: wait for job %s: %s, %s: %v", e.JobID, last, looks, e.Err))
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// endedWait is the error of a context that ended a wait, with that of the last look.
type endedWait struct{ ended, look error }

func (e *endedWait) Error() string   { return fmt.Sprintf("%v; last look: %v", e.ended, e.look) }
func (e *endedWait) Unwrap() []error { return []error{e.ended, e.look} }

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
		pause := max(cfg.interval(time.Since(start)), askedDelay(lookErr))
		if deadline, ok := ctx.Deadline(); ok {
			left := time.Until(deadline) - lastLook
			if left <= 0 { // that was the last look
				<-ctx.Done()
				continue
			}
			pause = min(pause, left)
		}
		_ = sleep(ctx, pause)
	}
}

// longestAsked is the longest delay that a wait or watch grants. More is taken for a mistake, which would end it.
const longestAsked = time.Hour

// askedDelay returns the delay that the service asked for with an error, 0 for none.
func askedDelay(err error) time.Duration {
	var api *APIError
	if errors.As(err, &api) && errors.Is(err, ErrThrottled) {
		return min(api.RetryAfter, longestAsked)
	}
	return 0
}

// endOfWait returns the error of a context that ended a wait, with that of the last look.
func endOfWait(ctx context.Context, look error) error {
	switch {
	case look == nil:
		return contextError(ctx)
	case errors.Is(look, ctx.Err()):
		return look
	}
	return &endedWait{ended: contextError(ctx), look: look}
}

// isPermanent reports whether an error of a call will not pass by waiting.
func isPermanent(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrNoCredentials} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
