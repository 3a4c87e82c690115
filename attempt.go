package livetranscode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
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
	if err := c.waitLimiter(ctx); err != nil {
		return nil, c.clientFailure(ctx, err)
	}
	attemptCtx, cancel := context.WithTimeout(ctx, c.client.policy.AttemptTimeout)
	defer cancel()
	if err := c.fetchCredentials(attemptCtx); err != nil {
		return nil, c.clientFailure(ctx, err)
	}
	written, err := c.newRequest(attemptCtx)
	if err != nil {
		return nil, c.clientFailure(ctx, err)
	}
	resp, err := c.send()
	if err != nil {
		return nil, c.transportFailure(ctx, err, written)
	}
	body, err := readBody(resp)
	return c.classify(ctx, body, err)
}

// waitLimiter waits until the limiter permits a request.
func (c *call) waitLimiter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.client.limiter == nil {
		return nil
	}
	return c.client.limiter.Wait(ctx)
}

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
	if err != nil {
		if invalid := (*ParamError)(nil); errors.As(err, &invalid) {
			invalid.Operation = c.op.name
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
	resp, err := c.client.transport().RoundTrip(c.req)
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

// classify returns the body of a successful response, and the failure of any other. readErr is what ended the
// reading of the body.
func (c *call) classify(ctx context.Context, b *body, readErr error) (*body, *failure) {
	if isSuccess(b.resp) && readErr == nil {
		return b, nil
	}
	defer b.release()
	api := c.newAPIError(b)
	f := &failure{err: api, reason: reasonFor(api), maybeExecuted: maybeExecuted(api), retryAfter: api.RetryAfter}
	switch cutOff := readErr != nil && api.Code == ""; {
	case cutOff && ctx.Err() != nil && isSuccess(b.resp):
		f = c.clientFailure(ctx, ctx.Err())
		f.maybeExecuted = true
	case cutOff && ctx.Err() != nil:
		api.cause, f.reason, f.maybeExecuted = contextError(ctx), noRetry, true
	case cutOff:
		f.maybeExecuted = true
		if reason, timedOut := classifyTransportError(readErr); f.reason == noRetry && !errors.Is(readErr, errTooLarge) {
			f.reason, f.timedOut = reason, timedOut
		}
		api.cause = newTransportError(readErr, c.creds)
		if isContextError(readErr) {
			api.cause = &opaqueError{text: "the body did not arrive in time"}
		}
	case clockCodes[api.Code]:
		f.clockOffset, f.hasOffset = measureClockOffset(b.resp.Header, c.started, time.Now())
	}
	return nil, f
}

// clientFailure is the failure of an attempt that the client's side ended: the context, the provider, the limiter.
func (c *call) clientFailure(ctx context.Context, err error) *failure {
	var invalid *ParamError
	switch {
	case ctx.Err() != nil:
		err = contextError(ctx)
	case errors.As(err, &invalid):
		return &failure{err: err, clientSide: true}
	case isContextError(err): // of a context that is not the caller's
		kind := error(nil)
		if errors.Is(err, ErrNoCredentials) {
			kind = ErrNoCredentials
		}
		err = &opaqueError{text: redact.Text(err.Error()), kind: kind}
	}
	return &failure{err: &CallError{Operation: c.op.name, Err: err}, clientSide: true}
}

// transportFailure is the failure of an attempt whose transport returned an error.
func (c *call) transportFailure(ctx context.Context, err error, written *writeTrace) *failure {
	maybeExecuted := written.mayBeWritten(err)
	if ctx.Err() != nil {
		f := c.clientFailure(ctx, err)
		f.maybeExecuted = maybeExecuted
		return f
	}
	f := &failure{maybeExecuted: maybeExecuted}
	f.reason, f.timedOut = classifyTransportError(err)
	if c.req.Context().Err() != nil {
		err = fmt.Errorf("no response in %v: %w", c.client.policy.AttemptTimeout, err)
	}
	f.err = &CallError{Operation: c.op.name, Err: newNetworkError(c.req.Host, err, c.creds)}
	return f
}

// maybeExecuted reports whether the service may have executed an operation although it returned this error: it
// did not clearly refuse it.
func maybeExecuted(e *APIError) bool {
	return errors.Is(e, ErrUnavailable) || errors.Is(e, ErrBadResponse) || e.Code == "SignatureNonceUsed"
}
