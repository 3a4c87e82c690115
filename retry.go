package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// A RetryPolicy says how often and how patiently a call is repeated; see the package comment for when. A zero
// field has its default, a negative one is an error.
type RetryPolicy struct {
	// MaxAttempts is the number of attempts in all; 1 is no retry. Default 3.
	MaxAttempts int
	// BaseDelay is the unit of the delays: before attempt n it is random up to BaseDelay x 2^n. After a
	// throttled attempt the unit is at least 1 s. Default 100 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest delay, unless the service names a longer one. Default 20 s.
	MaxDelay time.Duration
	// AttemptTimeout bounds one attempt, from asking for credentials to the last byte of the answer.
	// Default 30 s.
	AttemptTimeout time.Duration
}

func (p RetryPolicy) withDefaults() (RetryPolicy, error) {
	if p.MaxAttempts < 0 {
		return p, &ParamError{Operation: "WithRetryPolicy", Field: "MaxAttempts", Reason: "is negative"}
	}
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 3
	}
	for _, f := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"BaseDelay", &p.BaseDelay, 100 * time.Millisecond},
		{"MaxDelay", &p.MaxDelay, 20 * time.Second},
		{"AttemptTimeout", &p.AttemptTimeout, 30 * time.Second},
	} {
		if *f.value < 0 {
			return p, &ParamError{Operation: "WithRetryPolicy", Field: f.name, Reason: "is negative"}
		}
		if *f.value == 0 {
			*f.value = f.zero
		}
	}
	return p, nil
}

const (
	// throttleDelay is the least BaseDelay, and the least delay, after a throttled attempt.
	throttleDelay = time.Second
	// maxServerDelay is the longest delay that a call waits for because the service asks for it.
	maxServerDelay = 60 * time.Second
	// clockTolerance is the difference of clocks that is let be; the service accepts 15 minutes.
	clockTolerance = 4 * time.Minute

	quotaSize     = 500
	quotaRetry    = 5  // what a retry costs
	quotaTimedOut = 10 // what it costs after an attempt that timed out
)

// A remedy is what could make another attempt succeed.
type retryReason int

const (
	noRetry      retryReason = iota
	transient                // the trouble may pass
	throttled                // the service asks for fewer requests
	clockSkew                // the clock can be set
	expiredToken             // temporary credentials can be fetched again
	nonceUsed
)

// plan says whether another attempt is worth it, and after what delay. It makes the repair that the remedy
// needs.
func (t *call) nextDelay(ctx context.Context, f *failure) (delay time.Duration, ok bool) {
	c := t.client
	t.reportRejected(f)
	if f.clientSide || !t.op.idempotent && f.maybeExecuted {
		return 0, false
	}
	if ctx.Err() != nil && f.reason != noRetry {
		_ = addCause(f.err, contextError(ctx))
		return 0, false
	}
	switch f.reason {
	case noRetry:
		return 0, false
	case clockSkew:
		if !t.setClock(ctx, f) {
			return 0, false
		}
	case expiredToken:
		if t.refetched || !t.creds.temporary() {
			return 0, false
		}
		t.refetched, t.refused = true, t.creds
	case nonceUsed:
		if t.renewed {
			return 0, false
		}
		t.renewed = true
	case transient:
		delay = jitter(0, backoff(c.policy.BaseDelay, c.policy.MaxDelay, t.sent+1))
	case throttled:
		longest := backoff(max(c.policy.BaseDelay, throttleDelay), c.policy.MaxDelay, t.sent+1)
		delay = jitter(min(throttleDelay, longest), longest)
	}
	if t.sent >= c.policy.MaxAttempts {
		return 0, false
	}
	if f.retryAfter > 0 {
		left := time.Duration(math.MaxInt64)
		if deadline, has := ctx.Deadline(); has {
			left = time.Until(deadline)
		}
		if left < f.retryAfter {
			_ = addCause(f.err, fmt.Errorf("the wait that the service asks for is too long: %w", context.DeadlineExceeded))
			return 0, false
		}
		if f.retryAfter > maxServerDelay {
			return 0, false
		}
		if delay = jitter(f.retryAfter, f.retryAfter+f.retryAfter/10); delay > left {
			delay = f.retryAfter
		}
	}
	cost := quotaRetry
	if f.timedOut {
		cost = quotaTimedOut
	}
	if !c.quota.take(cost) {
		return 0, false
	}
	t.cost = cost
	return delay, true
}

// backoff returns the longest delay before attempt n.
func backoff(base, longest time.Duration, n int) time.Duration {
	if n >= 32 || base > longest>>n {
		return longest
	}
	return base << n
}

// jitter returns a random duration from least to most.
func jitter(least, most time.Duration) time.Duration {
	if most <= least {
		return most
	}
	return least + rand.N(most-least+1)
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}

// setClock adopts the service's clock, as the failed attempt saw it, and reports whether that changes what
// the next attempt sends.
func (t *call) setClock(ctx context.Context, f *failure) bool {
	if t.clockSet || !f.offsetSeen || (f.offset-t.clock).Abs() < clockTolerance {
		return false
	}
	t.clockSet = true
	before := time.Duration(t.client.clock.Swap(int64(f.offset)))
	if (f.offset - before).Abs() >= clockTolerance { // else another call has said it already
		t.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: this machine's clock differs from the service's",
			slog.Duration("ahead", f.offset.Round(time.Second)))
	}
	return true
}

func isCredentialsCode(code string) bool {
	return isTokenCode(code) || inFamily(code, "InvalidAccessKeyId") ||
		code == "Forbidden.AccessKeyDisabled" || code == "SignatureDoesNotMatch"
}

func isTokenCode(code string) bool {
	return code == "MissingSecurityToken" || inFamily(code, "InvalidSecurityToken")
}

// temporary reports whether the credentials come from STS and so may have been replaced.
func (c Credentials) temporary() bool {
	return c.SecurityToken != "" || strings.HasPrefix(c.AccessKeyID, "STS.")
}

// remedyOf says what could help against an error of the service.
func reasonFor(e *APIError) retryReason {
	switch {
	case clockCodes[e.Code]:
		return clockSkew
	case e.Code == "SignatureNonceUsed":
		return nonceUsed
	case isTokenCode(e.Code):
		return expiredToken
	case errors.Is(e, ErrThrottled):
		return throttled
	case errors.Is(e, ErrUnavailable):
		return transient
	}
	return noRetry
}

// A quota is a token bucket that all calls of a client retry from, so that a service in trouble is not
// held down by retries. The zero value is full.
type quota struct {
	mu   sync.Mutex
	used int
}

func (q *quota) take(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used+n > quotaSize {
		return false
	}
	q.used += n
	return true
}

func (q *quota) giveBack(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used = max(0, q.used-n)
}
