package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// A RetryPolicy sets how often a call is attempted and how long it waits in between. The package comment lists
// what is retried. A zero field means its default; a negative one is an error.
type RetryPolicy struct {
	// MaxAttempts is the total number of attempts; 1 means no retry. Defaults to 3.
	MaxAttempts int
	// BaseDelay is the unit of the backoff: the delay before attempt n is random, up to BaseDelay x 2^n. After a
	// throttled attempt the unit is at least 1 s. Defaults to 100 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest delay, unless the service asks for a longer one. Defaults to 20 s.
	MaxDelay time.Duration
	// AttemptTimeout limits one attempt, from the request for credentials to the last byte of the response.
	// Defaults to 30 s.
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
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"BaseDelay", &p.BaseDelay, 100 * time.Millisecond},
		{"MaxDelay", &p.MaxDelay, 20 * time.Second},
		{"AttemptTimeout", &p.AttemptTimeout, 30 * time.Second},
	} {
		if *f.value < 0 {
			return p, &ParamError{Operation: "WithRetryPolicy", Field: f.name, Reason: "is negative"}
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	return p, nil
}

const (
	// minThrottleDelay is the shortest BaseDelay, and the shortest delay, after a throttled attempt.
	minThrottleDelay = time.Second
	// maxCallDelay is the longest Retry-After delay that a call waits for.
	maxCallDelay = 60 * time.Second
	// clockTolerance is the smallest clock skew that is corrected; the service accepts 15 minutes.
	clockTolerance = 4 * time.Minute
)

// A retryReason is why a retry can succeed.
type retryReason int

const (
	noRetry            retryReason = iota
	transient                      // the failure is transient
	throttled                      // the service asks for fewer requests
	clockSkew                      // the clock can be corrected
	refusedCredentials             // the provider may have newer credentials
	nonceUsed                      // the next attempt has a new nonce
	numRetryReasons
)

// A failure describes an attempt that failed.
type failure struct {
	err           callError // what the call returns if it ends here
	reason        retryReason
	retryAfter    time.Duration // the delay that the service asks for
	creds         Credentials   // used to sign the attempt
	signedOffset  time.Duration // the clock offset used to sign the attempt
	clockOffset   time.Duration // how far the service's clock is ahead
	hasOffset     bool          // clockOffset is known
	timedOut      bool
	clientSide    bool // caused by the context, the provider or the limiter
	maybeExecuted bool // the service may have executed the request
	broken        bool // the connection failed, or may have
}

// A retrier decides on the retries of one call.
type retrier struct {
	client                *Client
	operation, resourceID string
	idempotent            bool
	deadline              time.Time // of the caller's context; zero: none

	made     int                   // attempts
	sent     int                   // requests handed to the transport
	cost     int                   // quota taken for the next retry
	spent    int                   // quota taken by earlier retries
	repaired [numRetryReasons]bool // reasons that were repaired, once each
	rejected Credentials           // refused by the service, if refusedCredentials was repaired
}

// count counts an attempt. One that was not sent costs nothing.
func (r *retrier) count(sent bool) {
	if r.made++; !sent {
		r.giveBack()
		return
	}
	r.sent++
	r.spent, r.cost = r.spent+r.cost, 0
}

// giveBack gives back the quota of a retry that was not sent.
func (r *retrier) giveBack() {
	if r.cost > 0 {
		r.client.quota.giveBack(r.cost)
		r.cost = 0
	}
}

// succeeded gives back the quota that the call has spent, at least 1, and records that the credentials are accepted.
func (r *retrier) succeeded(ctx context.Context) {
	r.client.quota.giveBack(max(1, r.spent))
	if r.client.credentialsRefused.Load() && r.client.credentialsRefused.CompareAndSwap(true, false) {
		r.client.logger.LogAttrs(ctx, slog.LevelInfo, "livetranscode: the service accepts the credentials again", r.attrs()...)
	}
}

// attrs returns the attributes of a record about the call.
func (r *retrier) attrs() []slog.Attr { return callAttrs(r.operation, r.resourceID, time.Time{}) }

// callAttrs returns the attributes of every record about a call: its operation, its job or template, and the time
// passed since a time, if that is not zero.
func callAttrs(operation, resourceID string, since time.Time) []slog.Attr {
	attrs := []slog.Attr{slog.String("operation", operation)}
	if resourceID != "" {
		attrs = append(attrs, slog.String("resource_id", presentableID(resourceID)))
	}
	if !since.IsZero() {
		attrs = append(attrs, slog.Duration("duration", time.Since(since)))
	}
	return attrs
}

// presentableID returns the id of a job or template as hooks and logs show it: as one line, truncated if it is long.
func presentableID(id string) string { return redact.OneLine(redact.Truncate(id, maxSnippet)) }

// reasonFor returns why a retry can succeed after an error response.
func reasonFor(e *APIError) retryReason {
	if e.rejectsCredentials() {
		return refusedCredentials
	}
	switch e.class() {
	case classClock:
		return clockSkew
	case classNonce:
		return nonceUsed
	case classThrottled:
		return throttled
	case classUnavailable:
		return transient
	default:
	}
	return noRetry
}

// nextDelay decides whether to retry, and returns the delay before the retry. It repairs what made the attempt fail,
// and takes the retry's cost from the quota. ended is the error of an ended context, which prevents the retry, or nil.
func (r *retrier) nextDelay(ctx context.Context, f *failure, ended error) (delay time.Duration, retry bool) {
	r.reportRejected(ctx, f)
	if f.clientSide || f.reason == noRetry || !r.idempotent && f.maybeExecuted {
		return 0, false
	}
	if ended != nil {
		f.err = f.err.withCause(ended)
		return 0, false
	}
	if !r.repair(ctx, f) || r.made >= r.client.policy.MaxAttempts {
		return 0, false
	}
	if delay, retry = r.delay(f); !retry {
		return 0, false
	}
	return delay, r.takeQuota(ctx, f)
}

// repair removes the cause of a failure if the client can, and reports whether a retry can succeed. Clock, credentials
// and nonce are each repaired once per call.
func (r *retrier) repair(ctx context.Context, f *failure) bool {
	switch {
	case f.reason == transient, f.reason == throttled:
		return true
	case r.repaired[f.reason]:
		return false
	case f.reason == clockSkew && !r.correctClock(ctx, f):
		return false
	case f.reason == refusedCredentials && r.client.hasStaticCredentials():
		return false
	case f.reason == refusedCredentials:
		r.rejected = f.creds
	}
	r.repaired[f.reason] = true
	return true
}

// correctClock adopts the service's clock as the failed attempt measured it, and reports whether that changes the date
// of the next attempt.
func (r *retrier) correctClock(ctx context.Context, f *failure) bool {
	if !f.hasOffset || (f.clockOffset-f.signedOffset).Abs() < clockTolerance {
		return false
	}
	before := time.Duration(r.client.clockOffset.Swap(int64(f.clockOffset)))
	if (f.clockOffset - before).Abs() >= clockTolerance { // otherwise a concurrent call has logged it
		r.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: this machine's clock differs from the service's",
			slog.Duration("ahead", f.clockOffset.Round(time.Second)))
	}
	return true
}

// delay returns the delay before the next attempt: the one that the service asks for, or the backoff. It reports false
// if the service asks for more than a call waits.
func (r *retrier) delay(f *failure) (time.Duration, bool) {
	if f.retryAfter <= 0 {
		return r.backoff(f.reason), true
	}
	left := time.Duration(math.MaxInt64)
	if !r.deadline.IsZero() {
		left = time.Until(r.deadline)
	}
	switch {
	case left < f.retryAfter:
		f.err = f.err.withCause(fmt.Errorf("the delay that the service asks for is too long: %w", context.DeadlineExceeded))
		return 0, false
	case f.retryAfter > maxCallDelay:
		return 0, false
	}
	if delay := jitter(f.retryAfter, f.retryAfter+f.retryAfter/10); delay <= left {
		return delay, true
	}
	return f.retryAfter, true
}

// backoff returns a random delay that grows with the number of attempts.
func (r *retrier) backoff(reason retryReason) time.Duration {
	p := r.client.policy
	switch reason {
	case transient:
		return jitter(0, maxBackoff(p.BaseDelay, p.MaxDelay, r.made+1))
	case throttled:
		longest := maxBackoff(max(p.BaseDelay, minThrottleDelay), p.MaxDelay, r.made+1)
		return jitter(min(minThrottleDelay, longest), longest)
	default:
	}
	return 0 // retried at once after a repair
}

// maxBackoff returns the longest delay before attempt n.
func maxBackoff(base, longest time.Duration, n int) time.Duration {
	if n >= 32 || base > longest>>n {
		return longest
	}
	return base << n
}

// jitter returns a random duration from least through most.
func jitter(least, most time.Duration) time.Duration {
	if most <= least {
		return most
	}
	return least + rand.N(most-least+1)
}

// sleep returns after d, or earlier with the error of ctx if ctx ends.
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

// A credentialsRejecter is a provider that caches credentials and drops them when the service refuses them.
type credentialsRejecter interface{ refused(Credentials) }

// reportRejected logs that the service refuses the credentials, and tells a provider that caches them.
func (r *retrier) reportRejected(ctx context.Context, f *failure) {
	var api *APIError
	if !errors.As(f.err, &api) || !api.rejectsCredentials() {
		return
	}
	if p, keeps := r.client.provider.(credentialsRejecter); keeps {
		p.refused(f.creds)
	}
	if !r.client.credentialsRefused.Swap(true) {
		r.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: the service refuses the credentials",
			append(r.attrs(), slog.String("code", api.Code), slog.String("request_id", api.RequestID))...)
	}
}

// hasStaticCredentials reports whether the provider can never return other credentials than the refused ones.
func (c *Client) hasStaticCredentials() bool {
	_, ok := c.provider.(staticCredentials)
	return ok
}

// takeQuota takes the cost of a retry from the quota, and reports whether enough was left.
func (r *retrier) takeQuota(ctx context.Context, f *failure) bool {
	cost := retryCost
	if f.timedOut {
		cost = timeoutRetryCost
	}
	ok, exhausted := r.client.quota.take(cost)
	if exhausted {
		r.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: the retry quota is used up; calls are not retried until others succeed",
			append(r.attrs(), slog.Int("quota", quotaSize), slog.String("error_kind", ErrorKind(f.err)))...)
	}
	if ok {
		r.cost = cost
	}
	return ok
}
