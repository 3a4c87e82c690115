package livetranscode

import (
	"errors"
	"math"
	"time"
)

// A PollOption tunes a wait or a [Watcher]. A nil option is ignored. A negative argument is a *ParamError: of the wait,
// or of the first range over the Watcher.
type PollOption func(*pollConfig)

type pollConfig struct {
	first       time.Duration // the shortest interval
	max         time.Duration // the longest interval
	tolerate    int
	onPoll      func(*Job)
	concurrency int
	grace       time.Duration
	err         error // the first option that is invalid
}

// PollInterval sets the time between polls: first at the beginning, rising to max. 0 leaves either unchanged, and a max
// below first is taken as first. Defaults to 2 s for a wait and 10 s for a Watcher, rising to 30 s for both: of a wait
// by the time since it began, of a Watcher by the time since the last event or Add. It is first for 30 s, and max from
// 10 minutes on, both with 10 % jitter.
func PollInterval(first, max time.Duration) PollOption {
	return func(c *pollConfig) {
		c.checkNegative(first < 0, "PollInterval", "first")
		c.checkNegative(max < 0, "PollInterval", "max")
		if first > 0 {
			c.first = first
		}
		if max > 0 {
			c.max = max
		}
		if c.max < c.first {
			c.max = c.first
		}
	}
}

// TolerateErrors sets how many consecutive transient failures are tolerated; the next one ends the wait or the watch.
// For a wait, a failure is a call that failed after all its retries; for a Watcher, a sweep without any response.
// Defaults to 5.
func TolerateErrors(inARow int) PollOption {
	return func(c *pollConfig) {
		c.checkNegative(inARow < 0, "TolerateErrors", "inARow")
		c.tolerate = inARow
	}
}

// OnPoll calls f with every job that [Client.WaitUntil] or [Client.WaitForStatus] reads, changed or not, from the
// goroutine of the wait. f must not change the job. Of a [Watcher] it is a [*ParamError]. A nil f is ignored.
func OnPoll(f func(*Job)) PollOption {
	return func(c *pollConfig) {
		if f != nil {
			c.onPoll = f
		}
	}
}

// Concurrency sets how many requests a Watcher sends concurrently; 0 leaves it unchanged. It has no effect on a wait
// for one job. Defaults to 8.
func Concurrency(n int) PollOption {
	return func(c *pollConfig) {
		c.checkNegative(n < 0, "Concurrency", "n")
		if n > 0 {
			c.concurrency = n
		}
	}
}

// NotFoundGrace sets for how long, from the start of a wait or from Add, a job that has never been read may be not
// found; 0 is not at all. Whether the service finds a job as soon as it is submitted is not documented. Defaults to
// 30 s.
func NotFoundGrace(d time.Duration) PollOption {
	return func(c *pollConfig) {
		c.checkNegative(d < 0, "NotFoundGrace", "d")
		c.grace = d
	}
}

// checkNegative records the first argument that is negative.
func (c *pollConfig) checkNegative(negative bool, operation, field string) {
	if negative && c.err == nil {
		c.err = &ParamError{Operation: operation, Field: field, Reason: "is negative"}
	}
}

func newPollConfig(first time.Duration, opts []PollOption) pollConfig {
	c := pollConfig{first: first, max: 30 * time.Second, tolerate: 5, concurrency: 8, grace: 30 * time.Second}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	return c
}

const (
	rampStart = 30 * time.Second // until then the interval is the shortest
	rampEnd   = 10 * time.Minute // from then on it is the longest
)

// interval returns the time to the next poll, given for how long nothing has happened: on average the shortest
// interval, rising to the longest, with 10 % jitter.
func (c *pollConfig) interval(elapsed time.Duration) time.Duration {
	d := c.first
	switch {
	case elapsed >= rampEnd:
		d = c.max
	case elapsed > rampStart:
		d += time.Duration(float64(c.max-c.first) * float64(elapsed-rampStart) / float64(rampEnd-rampStart))
	}
	d = min(d, math.MaxInt64/2) // so that the jitter cannot overflow
	return jitter(d-d/10, d+d/10)
}

// maxRetryAfter is the longest delay that a wait or a watch grants: a longer one is taken for a mistake.
const maxRetryAfter = time.Hour

// retryAfterOf returns the Retry-After delay of a transient error, 0 for none.
func retryAfterOf(err error) time.Duration {
	var api *APIError
	if err != nil && !isPermanent(err) && errors.As(err, &api) {
		return min(api.RetryAfter, maxRetryAfter)
	}
	return 0
}
