package livetranscode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// A failure is an attempt that did not succeed.
type failure struct {
	err           error // what the call returns if it ends here
	reason        retryReason
	retryAfter    time.Duration // the delay that the service asks for
	clockOffset   time.Duration // how far the service's clock is ahead
	hasOffset     bool          // clockOffset is known
	timedOut      bool
	clientSide    bool // caused by the context, the provider or the limiter
	maybeExecuted bool // the service may have executed the request
}

// attempt sends the request once, with a date, nonce and credentials of its own.
func (c *call) attempt(ctx context.Context) (*body, *failure) {
	c.status, c.requestID = 0, ""
	c.phase = phaseLimiter
	if err := c.waitLimiter(ctx); err != nil {
		return nil, c.clientFailure(ctx, err)
	}
	attemptCtx, cancel := context.WithTimeout(ctx, c.client.policy.AttemptTimeout)
	defer cancel()
	c.phase = phaseCredentials
	if err := c.fetchCredentials(attemptCtx); err != nil {
		return nil, c.clientFailure(ctx, err)
	}
	c.phase = phaseRequest
	written, err := c.newRequest(attemptCtx)
	if err != nil {
		return nil, c.clientFailure(ctx, err)
	}
	resp, err := c.send()
	if err != nil {
		return nil, c.transportFailure(ctx, err, written)
	}
	c.status, c.requestID = resp.StatusCode, resp.Header.Get(headerRequestID)
	c.phase = phaseBody
	body, err := readBody(resp)
	return c.classify(ctx, body, err)
}

// A phase is what a call is doing. The error of a call that the caller's context ended names it.
type phase string

const (
	phaseLimiter     phase = "limiter"
	phaseCredentials phase = "credentials"
	phaseRequest     phase = "request" // connect or response, where the request is traced
	phaseConnect     phase = "connect"
	phaseResponse    phase = "response"
	phaseBody        phase = "body"
	phaseBackoff     phase = "backoff"
)

// contextError returns the error of the caller's ended context, and where it ended the call.
func (c *call) contextError(ctx context.Context) error {
	return fmt.Errorf("%w (phase %s, attempt %d, after %v, %s)", contextError(ctx),
		c.phase, max(1, c.sent), time.Since(c.began).Round(time.Millisecond), c.client.template.Host)
}

// waitLimiter waits until the limiter permits a request. A limiter may return early if its wait would exceed the
// deadline of ctx; the one of golang.org/x/time/rate says so in its text only.
func (c *call) waitLimiter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.client.limiter == nil {
		return nil
	}
	err := c.client.limiter.Wait(ctx)
	if _, hasDeadline := ctx.Deadline(); err != nil && hasDeadline && strings.Contains(err.Error(), "would exceed context deadline") {
		return &limiterDeadlineError{err}
	}
	return err
}

// A limiterDeadlineError is a limiter's refusal to wait longer than the caller's deadline.
type limiterDeadlineError struct{ err error }

func (e *limiterDeadlineError) Error() string        { return e.err.Error() }
func (e *limiterDeadlineError) Is(target error) bool { return target == context.DeadlineExceeded }
func (e *limiterDeadlineError) Unwrap() error        { return e.err }

// errSameCredentials ends a call whose provider returns the credentials that the service has just refused.
var errSameCredentials = errors.New("the provider returned the refused credentials again")

// fetchCredentials sets the credentials of this attempt.
func (c *call) fetchCredentials(ctx context.Context) error {
	creds, err := c.client.provider.Credentials(ctx)
	switch {
	case err != nil && isContextError(err):
		return fmt.Errorf("no credentials in %v: %w", c.client.policy.AttemptTimeout, err)
	case err != nil:
		return err
	case creds.AccessKeyID == "" || creds.AccessKeySecret == "":
		return fmt.Errorf("%w: the provider returned an empty access key", ErrNoCredentials)
	case c.repaired[expiredToken] && creds == c.rejected:
		return errSameCredentials
	}
	c.creds = creds
	return nil
}

// newRequest makes and signs the request of this attempt, with the service's time as far as it is known. The
// way of a request that is not idempotent to the network is traced.
func (c *call) newRequest(ctx context.Context) (*writeTrace, error) {
	var written *writeTrace
	if !c.op.idempotent {
		ctx, written = traceWrite(ctx)
	}
	req := c.client.template.WithContext(ctx)
	u := *req.URL // the signer sets its query
	req.URL = &u
	req.Header = maps.Clone(req.Header)
	req.Header[acs3.HeaderAction] = c.op.action

	c.clockOffset = time.Duration(c.client.clockOffset.Load())
	c.started = time.Now()
	err := c.client.signer.sign(req, c.query, acs3.EmptyBodyHash, c.creds, c.started.Add(c.clockOffset), rand.Text())
	if err != nil { // of the credentials: other ones may come next time, so it is no *ParamError
		if invalid := (*ParamError)(nil); errors.As(err, &invalid) {
			err = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)
		}
		return nil, err
	}
	c.req = req
	return written, nil
}

// send hands the request to the transport. It copes with transports that break their contract.
func (c *call) send() (*http.Response, error) {
	c.sent++
	c.spent, c.retryCost = c.spent+c.retryCost, 0
	resp, err := c.roundTrip()
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither a response nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

func (c *call) roundTrip() (*http.Response, error) {
	if c.client.redacting != nil {
		return c.client.redacting.roundTrip(c.req, c.op)
	}
	return c.client.transport(c.op).RoundTrip(c.req)
}

// classify returns the body of a successful response, and the failure of any other. readErr is what ended the
// reading of the body. That of a Submit or Create is decoded as far as it was read: it may hold the new id.
func (c *call) classify(ctx context.Context, b *body, readErr error) (*body, *failure) {
	if isSuccess(b.resp) && (readErr == nil || !c.op.idempotent) {
		b.err = readErr
		return b, nil
	}
	defer b.release()
	if api := c.newAPIError(b); readErr == nil || api.Code != "" {
		c.requestID = api.RequestID
		return nil, c.apiFailure(api, b.resp)
	}
	return nil, c.cutOffFailure(ctx, b, readErr)
}

// apiFailure is the failure of an attempt that the service responded to with an error.
func (c *call) apiFailure(api *APIError, resp *http.Response) *failure {
	f := &failure{err: api, reason: reasonFor(api), maybeExecuted: api.maybeExecuted(), retryAfter: api.RetryAfter}
	if f.reason == clockSkew {
		f.clockOffset, f.hasOffset = measureClockOffset(resp.Header, c.started, time.Now())
	}
	return f
}

// cutOffFailure is the failure of an attempt whose response was cut off.
func (c *call) cutOffFailure(ctx context.Context, b *body, readErr error) *failure {
	if ctx.Err() != nil && isSuccess(b.resp) {
		f := c.clientFailure(ctx, ctx.Err())
		f.maybeExecuted = true
		return f
	}
	api := c.newAPIError(b)
	f := &failure{err: api, reason: reasonFor(api), maybeExecuted: true, retryAfter: api.RetryAfter}
	switch class := classifyTransportError(readErr); {
	case ctx.Err() != nil:
		api.cause, f.reason = c.contextError(ctx), noRetry
		return f
	case f.reason == noRetry && !errors.Is(readErr, errTooLarge):
		f.reason, f.timedOut = retryReasonFor(class), class == transportTimeout
	}
	api.cause = newTransportError(readErr, c.creds)
	if isContextError(readErr) {
		api.cause = &opaqueError{text: "the body did not arrive in time"}
	}
	return f
}

// clientFailure is the failure of an attempt that the client's side ended: the context, the provider, the limiter.
func (c *call) clientFailure(ctx context.Context, err error) *failure {
	var deadline *limiterDeadlineError
	switch {
	case ctx.Err() != nil:
		err = c.contextError(ctx)
	case errors.As(err, &deadline):
	case errors.Is(err, ErrNoCredentials):
		err = &opaqueError{text: redact.Text(err.Error()), kind: ErrNoCredentials, err: &foreignError{err}}
	case isContextError(err): // of a context that is not the caller's
		err = &opaqueError{text: redact.Text(err.Error())}
	default:
		err = &foreignError{err}
	}
	return &failure{err: &CallError{Operation: c.op.name, ResourceID: c.resourceID, Err: err}, clientSide: true}
}

// transportFailure is the failure of an attempt whose transport returned an error.
func (c *call) transportFailure(ctx context.Context, err error, written *writeTrace) *failure {
	maybeExecuted := written.mayBeWritten(err)
	if ctx.Err() != nil {
		if written != nil {
			c.phase = written.phase()
		}
		f := c.clientFailure(ctx, err)
		f.maybeExecuted = maybeExecuted
		return f
	}
	class := classifyTransportError(err)
	if refusal, ok := asProxyError(err); ok {
		err = refusal
	}
	if c.req.Context().Err() != nil {
		err = fmt.Errorf("no response in %v: %w", c.client.policy.AttemptTimeout, withoutURL(err))
	}
	kind := ErrUnavailable
	if class == transportBadEndpoint {
		kind = ErrBadEndpoint
	}
	return &failure{
		err:           &CallError{Operation: c.op.name, ResourceID: c.resourceID, Err: newNetworkError(c.req.Host, kind, err, c.creds)},
		reason:        retryReasonFor(class),
		timedOut:      class == transportTimeout,
		maybeExecuted: maybeExecuted,
	}
}

// retryReasonFor returns why another attempt can succeed after an error of a transport.
func retryReasonFor(class transportClass) retryReason {
	if class == transportTransient || class == transportTimeout {
		return transient
	}
	return noRetry
}
