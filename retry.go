package livetranscode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

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

// A try is one call on its way through its attempts.
type try struct {
	client *Client
	op     *operation
	query  string

	// Of the current attempt.
	creds   Credentials
	clock   time.Duration // the offset that it was signed with
	started time.Time
	req     *http.Request

	sent  int   // requests handed to the transport
	cost  int   // quota that the next retry costs
	spent int   // quota that the retries have cost
	last  error // the failure of the attempt before, if it was answered or came from the network

	// Repairs that are made once.
	clockSet, refetched, renewed bool
	refused                      Credentials // if refetched
}

// A remedy is what could make another attempt succeed.
type remedy int

const (
	none             remedy = iota
	patience                // the trouble may pass
	slowness                // the service asks for fewer requests
	theTime                 // the clock can be set
	freshCredentials        // temporary credentials can be fetched again
	anotherNonce
)

// A failure is an attempt that did not succeed.
type failure struct {
	err        error // what the call returns if it ends here
	remedy     remedy
	retryAfter time.Duration // the delay that the service asks for
	offset     time.Duration // how far the service's clock was seen to be ahead
	offsetSeen bool
	timedOut   bool
	local      bool // ended by the context, the provider or the limiter, not by the service or the network
	uncertain  bool // the request may have been carried out
}

// local is the failure of an attempt that ended before, or because, the caller's side gave up.
func (t *try) local(ctx context.Context, err error) *failure {
	var refused *ParamError
	switch {
	case ctx.Err() != nil:
		err = contextError(ctx)
	case errors.As(err, &refused):
		return &failure{err: err, local: true}
	case isContextError(err): // of a context that is not the caller's
		err = &hiddenError{text: scrub(err.Error()), is: hiddenKind(err)}
	}
	return &failure{err: &CallError{Operation: t.op.name, Err: err}, local: true}
}

// unanswered is the failure of an attempt for which the transport returned an error.
func (t *try) unanswered(ctx context.Context, err error, written *writeTrace) *failure {
	uncertain := written.mayBeWritten(err)
	if ctx.Err() != nil {
		f := t.local(ctx, err)
		f.uncertain = uncertain
		return f
	}
	f := &failure{uncertain: uncertain}
	f.remedy, f.timedOut = networkRemedy(err)
	if t.req.Context().Err() != nil {
		err = fmt.Errorf("no answer in %v: %w", t.client.policy.AttemptTimeout, err)
	}
	f.err = &CallError{Operation: t.op.name, Err: newNetworkError(t.req.Host, err, t.creds)}
	return f
}

// again decides what follows a failure. It returns nil when it is time for another attempt, otherwise the
// error that the call returns.
func (t *try) again(ctx context.Context, f *failure) error {
	delay, ok := t.plan(ctx, f)
	t.logFailure(ctx, f, delay, ok)
	if !ok {
		t.client.quota.giveBack(t.cost) // for a retry that was not sent
		return t.result(f)
	}
	if !f.local {
		t.last = f.err
	}
	if err := sleep(ctx, delay); err != nil {
		t.client.quota.giveBack(t.cost) // for a retry that is not made
		return t.result(t.local(ctx, err))
	}
	return nil
}

// result completes the error that ends the call. A failure of the caller's own side after one of the service
// does not replace it but becomes its cause, so that both are known.
func (t *try) result(f *failure) error {
	err, ambiguous := f.err, t.op.once && f.uncertain
	if f.local && t.last != nil && !ambiguous {
		// A *ParamError's kind must not come beside that of the answer.
		cause := error(&hiddenError{text: err.Error()})
		if call := (*CallError)(nil); errors.As(err, &call) {
			cause = call.Err
		}
		err = addCause(t.last, cause)
	}
	if e := callError(nil); errors.As(err, &e) {
		e.complete(t.sent, ambiguous)
	}
	return err
}

// plan says whether another attempt is worth it, and after what delay. It makes the repair that the remedy
// needs.
func (t *try) plan(ctx context.Context, f *failure) (delay time.Duration, ok bool) {
	c := t.client
	t.reportRefused(f)
	if f.local || t.op.once && f.uncertain {
		return 0, false
	}
	if ctx.Err() != nil && f.remedy != none {
		_ = addCause(f.err, contextError(ctx))
		return 0, false
	}
	switch f.remedy {
	case none:
		return 0, false
	case theTime:
		if !t.setClock(ctx, f) {
			return 0, false
		}
	case freshCredentials:
		if t.refetched || !t.creds.temporary() {
			return 0, false
		}
		t.refetched, t.refused = true, t.creds
	case anotherNonce:
		if t.renewed {
			return 0, false
		}
		t.renewed = true
	case patience:
		delay = jitter(0, backoff(c.policy.BaseDelay, c.policy.MaxDelay, t.sent+1))
	case slowness:
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
func (t *try) setClock(ctx context.Context, f *failure) bool {
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

// A refusable provider keeps credentials, and drops them when the service does not accept them.
type refusable interface{ refused(Credentials) }

// reportRefused tells a provider that keeps credentials that the service does not accept the current ones.
func (t *try) reportRefused(f *failure) {
	var api *APIError
	p, keeps := t.client.provider.(refusable)
	if keeps && errors.As(f.err, &api) && refusesCredentials(api.Code) {
		p.refused(t.creds)
	}
}

func refusesCredentials(code string) bool {
	return refusesToken(code) || inFamily(code, "InvalidAccessKeyId") ||
		code == "Forbidden.AccessKeyDisabled" || code == "SignatureDoesNotMatch"
}

func refusesToken(code string) bool {
	return code == "MissingSecurityToken" || inFamily(code, "InvalidSecurityToken")
}

// temporary reports whether the credentials come from STS and so may have been replaced.
func (c Credentials) temporary() bool {
	return c.SecurityToken != "" || strings.HasPrefix(c.AccessKeyID, "STS.")
}

// remedyOf says what could help against an error of the service.
func remedyOf(e *APIError) remedy {
	switch {
	case clockCodes[e.Code]:
		return theTime
	case e.Code == "SignatureNonceUsed":
		return anotherNonce
	case refusesToken(e.Code):
		return freshCredentials
	case errors.Is(e, ErrThrottled):
		return slowness
	case errors.Is(e, ErrUnavailable):
		return patience
	}
	return none
}

// isUncertain reports whether an operation may have been carried out although this error came back: the
// service did not clearly refuse it.
func isUncertain(e *APIError) bool {
	return errors.Is(e, ErrUnavailable) || errors.Is(e, ErrBadResponse) || e.Code == "SignatureNonceUsed"
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

// logFailure logs an attempt that failed, and the delay before the next.
func (t *try) logFailure(ctx context.Context, f *failure, delay time.Duration, again bool) {
	if !t.client.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("operation", t.op.name), slog.Int("attempt", t.sent)}
	var api *APIError
	if errors.As(f.err, &api) {
		attrs = append(attrs, slog.Int("status", api.StatusCode), slog.String("code", api.Code), slog.String("request_id", api.RequestID))
	} else {
		attrs = append(attrs, slog.String("error", f.err.Error()))
	}
	if again {
		attrs = append(attrs, slog.Duration("delay", delay))
	}
	t.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt failed", attrs...)
}

// succeeded pays back to the quota and logs the attempt.
func (t *try) succeeded(ctx context.Context, resp *http.Response, requestID string) {
	t.client.quota.giveBack(max(1, t.spent))
	if t.client.logger.Enabled(ctx, slog.LevelDebug) {
		t.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt succeeded",
			slog.String("operation", t.op.name), slog.Int("attempt", t.sent), slog.Int("status", resp.StatusCode),
			slog.String("code", ""), slog.String("request_id", cmp.Or(clip(scrub(requestID, t.creds.AccessKeySecret, t.creds.SecurityToken), maxSnippet), "-")))
	}
}
