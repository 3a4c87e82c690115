package livetranscode

import (
	"errors"
	"math"
	"time"
)

// A PollOption tunes a wait or a Watcher. A negative argument is a *ParamError: of the wait, or of the first
// range over the Watcher.
type PollOption func(*pollConfig)

type pollConfig struct {
	first       time.Duration // the interval in the beginning
	max         time.Duration // the interval in the end
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

// TolerateErrors sets how many failures in a row that may pass, each a call with all its retries, a wait
// tolerates, and after how many sweeps in a row without any answer a watch ends. If not set, it is 5.
func TolerateErrors(inARow int) PollOption {
	return func(c *pollConfig) {
		c.checkNegative(inARow < 0, "TolerateErrors", "inARow")
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
		c.checkNegative(n < 0, "Concurrency", "n")
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
		c.checkNegative(d < 0, "NotFoundGrace", "d")
		c.grace = d
	}
}

// refuse keeps the first argument that is negative.
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
	rampStart = 30 * time.Second // for this long the interval is the first
	rampEnd   = 10 * time.Minute // from here on it is the longest
)

// interval returns the time to the next look, by how long nothing has happened: on average the first, rising
// to the longest, give or take a tenth.
func (c *pollConfig) interval(quiet time.Duration) time.Duration {
	d := c.first
	switch {
	case quiet >= rampEnd:
		d = c.max
	case quiet > rampStart:
		d += time.Duration(float64(c.max-c.first) * float64(quiet-rampStart) / float64(rampEnd-rampStart))
	}
	d = min(d, math.MaxInt64/2) // so that a tenth more is still a duration
	return jitter(d-d/10, d+d/10)
}

// longestAsked is the longest delay that a wait or watch grants. More is taken for a mistake, which would end it.
const maxRetryAfter = time.Hour

// askedDelay returns the delay that the service asked for with an error, 0 for none.
func retryAfterOf(err error) time.Duration {
	var api *APIError
	if errors.As(err, &api) && errors.Is(err, ErrThrottled) {
		return min(api.RetryAfter, maxRetryAfter)
	}
	return 0
}
