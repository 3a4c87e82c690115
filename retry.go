package livetranscode

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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
	spent int   // quota that the retries have cost
	last  error // the failure of the attempt before, if it was answered or came from the network

	// Repairs that are made once.
	clockSet, refetched, renewed bool
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
	uncertain := !neverWritten(err) && !written.isClean()
	if ctx.Err() != nil {
		f := t.local(ctx, err)
		f.uncertain = uncertain
		return f
	}
	f := &failure{uncertain: uncertain}
	f.remedy, f.timedOut = networkRemedy(err)
	if time.Since(t.started) >= t.client.policy.AttemptTimeout {
		err = fmt.Errorf("no answer in %v: %w", t.client.policy.AttemptTimeout, err)
	}
	f.err = &CallError{Operation: t.op.name, Err: newNetworkError(err, t.creds)}
	return f
}

// again decides what follows a failure. It returns nil when it is time for another attempt, otherwise the
// error that the call returns.
func (t *try) again(ctx context.Context, f *failure) error {
	delay, ok := t.plan(ctx, f)
	t.logFailure(ctx, f, delay, ok)
	if !ok {
		return t.result(f)
	}
	if !f.local {
		t.last = f.err
	}
	if err := sleep(ctx, delay); err != nil {
		return t.result(t.local(ctx, err))
	}
	return nil
}

// result completes the error that ends the call. A failure of the caller's own side after one of the service
// does not replace it but becomes its cause, so that both are known.
func (t *try) result(f *failure) error {
	err := f.err
	if f.local && t.last != nil && !(t.op.once && f.uncertain) {
		cause := err
		if call, ok := err.(*CallError); ok {
			cause = call.Err
		}
		err = addCause(t.last, cause)
	}
	uncertain := t.op.once && f.uncertain
	switch e := err.(type) {
	case *APIError:
		e.Attempts, e.ambiguous = t.sent, uncertain
	case *CallError:
		e.Attempts, e.ambiguous = t.sent, uncertain
	}
	return err
}

// plan says whether another attempt is worth it, and after what delay. It makes the repair that the remedy
// needs.
func (t *try) plan(ctx context.Context, f *failure) (delay time.Duration, ok bool) {
	c := t.client
	t.reportRefused(f)
	if f.local || f.remedy == none || t.op.once && f.uncertain {
		return 0, false
	}
	if ctx.Err() != nil {
		addCause(f.err, contextError(ctx))
		return 0, false
	}
	switch f.remedy {
	case theTime:
		if !t.setClock(ctx, f) {
			return 0, false
		}
	case freshCredentials:
		if t.refetched || !t.creds.temporary() {
			return 0, false
		}
		t.refetched = true
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
	if t.sent >= c.policy.MaxAttempts || f.retryAfter > maxServerDelay {
		return 0, false
	}
	if f.retryAfter > 0 {
		delay = jitter(f.retryAfter, f.retryAfter+f.retryAfter/10)
		if deadline, has := ctx.Deadline(); has && time.Until(deadline) < delay {
			addCause(f.err, fmt.Errorf("the wait that the service asks for is too long: %w", context.DeadlineExceeded))
			return 0, false
		}
	}
	cost := quotaRetry
	if f.timedOut {
		cost = quotaTimedOut
	}
	if !c.quota.take(cost) {
		return 0, false
	}
	t.spent += cost
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
	api, ok := f.err.(*APIError)
	if !ok {
		return
	}
	if p, keeps := t.client.provider.(refusable); keeps && refusesCredentials(api.Code) {
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
	switch kind := e.kind(); {
	case clockCodes[e.Code]:
		return theTime
	case e.Code == "SignatureNonceUsed":
		return anotherNonce
	case kind == ErrAuthentication && refusesToken(e.Code):
		return freshCredentials
	case kind == ErrThrottled:
		return slowness
	case kind == ErrUnavailable:
		return patience
	}
	return none
}

// isUncertain reports whether an operation may have been carried out although this error came back: the
// service did not clearly refuse it.
func isUncertain(e *APIError) bool {
	kind := e.kind()
	return kind == ErrUnavailable || kind == ErrBadResponse || e.Code == "SignatureNonceUsed"
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

// networkRemedy says whether trouble of the network may pass: what is known to, never what is unknown.
func networkRemedy(err error) (r remedy, timedOut bool) {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
	)
	switch {
	case isTLSRefusal(err):
		return none, false
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return patience, true
	case errors.As(err, &dns):
		if dns.IsTemporary {
			return patience, false
		}
		return none, false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return patience, false
	case errors.As(err, &op) && slices.Contains([]string{"dial", "read", "write"}, op.Op):
		var address *net.AddrError
		if errors.As(err, &address) {
			return none, false
		}
		return patience, false
	case errors.As(err, &errno):
		switch errno {
		case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
			return patience, false
		}
	case strings.Contains(err.Error(), "http: server closed idle connection"):
		// net/http has no other name for it: the server closed the connection just as it was used again.
		return patience, false
	}
	return none, false
}

// isTLSRefusal reports whether a TLS handshake failed for a reason that stays.
func isTLSRefusal(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		invalid     x509.CertificateInvalidError
		hostname    x509.HostnameError
		record      tls.RecordHeaderError
	)
	return errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &invalid) ||
		errors.As(err, &hostname) || errors.As(err, &record)
}

// neverWritten reports whether an error of a transport proves that no byte of the request was sent.
func neverWritten(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return isTLSRefusal(err) || errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// A writeTrace knows whether a request's headers were written. It is safe for concurrent use; a nil one,
// like one that a transport does not report to, knows nothing.
type writeTrace struct{ reports, wrote atomic.Bool }

func traceWrite(ctx context.Context) (context.Context, *writeTrace) {
	w := new(writeTrace)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { w.reports.Store(true) },
		WroteHeaders: func() { w.wrote.Store(true) },
	}), w
}

// isClean reports whether the request surely was not written.
func (w *writeTrace) isClean() bool { return w != nil && w.reports.Load() && !w.wrote.Load() }

// A hiddenError is an error whose chain must not be seen through errors.Is: it would read as the end of the
// caller's context, or print the address of the request.
type hiddenError struct {
	text string
	is   error // the one sentinel that it is, or nil
}

func (e *hiddenError) Error() string        { return e.text }
func (e *hiddenError) Is(target error) bool { return e.is != nil && target == e.is }

// hiddenKind keeps ErrNoCredentials, which a provider may wrap together with a timeout.
func hiddenKind(err error) error {
	if errors.Is(err, ErrNoCredentials) {
		return ErrNoCredentials
	}
	return nil
}

// A networkError is a failure of the network. It is ErrUnavailable, and unwraps to what the transport said.
type networkError struct {
	text string
	err  error
}

func (e *networkError) Error() string        { return e.text }
func (e *networkError) Is(target error) bool { return target == ErrUnavailable }
func (e *networkError) Unwrap() error        { return e.err }

// newNetworkError makes an error of a transport presentable: without the address of the request, which
// shows the whole query, without secrets, and not to be taken for the end of the caller's context.
func newNetworkError(err error, creds Credentials) error {
	var address *url.Error
	for errors.As(err, &address) {
		err = address.Err
	}
	text := scrub(err.Error(), creds.AccessKeySecret, creds.SecurityToken)
	if isContextError(err) {
		return &hiddenError{text: text, is: ErrUnavailable}
	}
	return &networkError{text: text, err: err}
}

func isContextError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// contextError returns the error of an ended context, with its cause where that says more.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == err {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
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
			slog.String("code", ""), slog.String("request_id", cmp.Or(requestID, "-")))
	}
}
