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

// An operation is what a call needs to know about the operation that it calls.
type operation struct {
	name       string
	action     []string // the value of x-acs-action
	idParam    string   // the parameter with the id of the job or template; "" for none
	idempotent bool     // else it is retried only if it was certainly not executed
}

func idempotentOperation(name, idParam string) *operation {
	return &operation{name: name, action: []string{name}, idParam: idParam, idempotent: true}
}

func nonIdempotentOperation(name string) *operation {
	return &operation{name: name, action: []string{name}}
}

// An attempt is one attempt of a call.
type attempt struct {
	client     *Client
	op         *operation
	query      string
	resourceID string
	began      time.Time   // the call
	number     int         // from 1
	rejected   Credentials // that the service has refused in an earlier attempt

	phase       phase
	creds       Credentials
	clockOffset time.Duration // that the request was signed with
	started     time.Time     // when it was signed
	req         *http.Request
	sent        bool // handed to the transport
	status      int
	requestID   string
}

// run sends the request once, with a date, nonce and credentials of its own.
func (a *attempt) run(ctx context.Context) (*body, *failure) {
	a.phase = phaseLimiter
	if err := a.waitLimiter(ctx); err != nil {
		return nil, a.clientFailure(ctx, err)
	}
	attemptCtx, cancel := context.WithTimeout(ctx, a.client.policy.AttemptTimeout)
	defer cancel()
	a.phase = phaseCredentials
	if err := a.fetchCredentials(attemptCtx); err != nil {
		return nil, a.clientFailure(ctx, err)
	}
	a.phase = phaseRequest
	written, err := a.newRequest(attemptCtx)
	if err != nil {
		return nil, a.clientFailure(ctx, err)
	}
	resp, err := a.send()
	if err != nil {
		return nil, a.transportFailure(ctx, err, written)
	}
	a.status, a.requestID = resp.StatusCode, resp.Header.Get(headerRequestID)
	a.phase = phaseBody
	body, err := readBody(resp)
	return a.classify(ctx, body, err)
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
func (a *attempt) contextError(ctx context.Context) error {
	return fmt.Errorf("%w (phase %s, attempt %d, after %v, %s)", contextError(ctx),
		a.phase, a.number, time.Since(a.began).Round(time.Millisecond), a.client.template.Host)
}

// waitLimiter waits until the limiter permits a request. A limiter may return early if its wait would exceed the
// deadline of ctx; the one of golang.org/x/time/rate says so in its text only.
func (a *attempt) waitLimiter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.client.limiter == nil {
		return nil
	}
	err := a.client.limiter.Wait(ctx)
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
func (a *attempt) fetchCredentials(ctx context.Context) error {
	creds, err := a.client.provider.Credentials(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("no credentials in %v: %w", a.client.policy.AttemptTimeout, err)
	case err != nil && isContextError(err):
		return fmt.Errorf("the context of the credentials provider ended: %w", err)
	case err != nil && !strings.Contains(err.Error(), "credentials"):
		return fmt.Errorf("credentials: %w", err)
	case err != nil:
		return err
	case creds.AccessKeyID == "" && creds.AccessKeySecret == "":
		return fmt.Errorf("%w: the provider returned an empty access key", ErrNoCredentials)
	case creds == a.rejected:
		return errSameCredentials
	}
	a.creds = creds
	return nil
}

// newRequest makes and signs the request of this attempt, with the service's time as far as it is known. The
// way of a request that is not idempotent to the network is traced.
func (a *attempt) newRequest(ctx context.Context) (*writeTrace, error) {
	var written *writeTrace
	if !a.op.idempotent {
		ctx, written = traceWrite(ctx)
	}
	req := a.client.template.WithContext(ctx)
	u := *req.URL // the signer sets its query
	req.URL = &u
	req.Header = maps.Clone(req.Header)
	req.Header[acs3.HeaderAction] = a.op.action

	a.clockOffset = time.Duration(a.client.clockOffset.Load())
	a.started = time.Now()
	err := a.client.signer.sign(req, a.query, acs3.EmptyBodyHash, a.creds, a.started.Add(a.clockOffset), rand.Text())
	if err != nil { // of the credentials: other ones may come next time, so it is no *ParamError
		if invalid := (*ParamError)(nil); errors.As(err, &invalid) {
			err = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)
		}
		return nil, err
	}
	a.req = req
	return written, nil
}

// send hands the request to the transport. It copes with transports that break their contract.
func (a *attempt) send() (*http.Response, error) {
	a.sent = true
	resp, err := a.roundTrip()
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

func (a *attempt) roundTrip() (*http.Response, error) {
	if a.client.redacting != nil {
		return a.client.redacting.roundTrip(a.req, !a.op.idempotent)
	}
	return a.client.transport(!a.op.idempotent).RoundTrip(a.req)
}

// classify returns the body of a successful response, and the failure of any other. readErr is what ended the
// reading of the body. That of a Submit or Create is decoded as far as it was read: it may hold the new id.
func (a *attempt) classify(ctx context.Context, b *body, readErr error) (*body, *failure) {
	if isSuccess(b.resp) && (readErr == nil || !a.op.idempotent) {
		b.err = readErr
		return b, nil
	}
	defer b.release()
	if api := a.newAPIError(b); readErr == nil || api.Code != "" {
		return nil, a.apiFailure(api, b.resp)
	}
	return nil, a.cutOffFailure(ctx, b, readErr)
}

// apiFailure is the failure of an attempt that the service responded to with an error.
func (a *attempt) apiFailure(api *APIError, resp *http.Response) *failure {
	f := a.failure(api)
	f.maybeExecuted = api.maybeExecuted()
	if f.reason == clockSkew {
		f.clockOffset, f.hasOffset = measureClockOffset(resp.Header, a.started, time.Now())
	}
	return f
}

// cutOffFailure is the failure of an attempt whose response was cut off.
func (a *attempt) cutOffFailure(ctx context.Context, b *body, readErr error) *failure {
	if ctx.Err() != nil && isSuccess(b.resp) {
		f := a.clientFailure(ctx, ctx.Err())
		f.maybeExecuted = true
		return f
	}
	api := a.newAPIError(b)
	f := a.failure(api)
	f.maybeExecuted = true
	switch class := classifyTransportError(readErr); {
	case ctx.Err() != nil:
		api.cause, f.reason = a.contextError(ctx), noRetry
		return f
	case f.reason == noRetry && !errors.Is(readErr, errTooLarge):
		f.reason, f.timedOut = retryReasonFor(class), class == transportTimeout
	}
	api.cause = newTransportError(readErr, a.secrets())
	if isContextError(readErr) {
		api.cause = &opaqueError{text: "the body did not arrive in time"}
	}
	return f
}

// failure is the failure of an attempt with an error response.
func (a *attempt) failure(api *APIError) *failure {
	return &failure{err: api, reason: reasonFor(api), retryAfter: api.RetryAfter, creds: a.creds, signedOffset: a.clockOffset}
}

// newAPIError makes an error of a response.
func (a *attempt) newAPIError(b *body) *APIError {
	api := newAPIError(respondedRequest{a.op.name, a.resourceID, a.req, a.secrets()}, b.resp, b.bytes)
	api.RetryAfter = retryAfter(b.resp.Header, time.Now())
	api.askedToRetry = millis(b.resp.Header.Get("X-Acs-Retry-After")) > 0
	a.requestID = api.RequestID
	return api
}

func (a *attempt) secrets() []string { return []string{a.creds.AccessKeySecret, a.creds.SecurityToken} }

// clientFailure is the failure of an attempt that the client's side ended: the context, the provider, the limiter.
func (a *attempt) clientFailure(ctx context.Context, err error) *failure {
	var deadline *limiterDeadlineError
	switch {
	case ctx.Err() != nil:
		err = a.contextError(ctx)
	case errors.As(err, &deadline):
	case errors.Is(err, ErrNoCredentials):
		err = &opaqueError{text: redact.Text(err.Error()), kind: ErrNoCredentials, err: &foreignError{err}}
	case isContextError(err): // of a context that is not the caller's
		err = &opaqueError{text: redact.Text(err.Error())}
	default:
		err = &opaqueError{text: redact.Text(err.Error()), err: &foreignError{err}}
	}
	return &failure{err: &CallError{Operation: a.op.name, ResourceID: a.resourceID, Err: err}, clientSide: true}
}

// transportFailure is the failure of an attempt whose transport returned an error.
func (a *attempt) transportFailure(ctx context.Context, err error, written *writeTrace) *failure {
	maybeExecuted := written.mayBeWritten(err)
	if ctx.Err() != nil {
		switch {
		case written != nil && written.wrote.Load():
			a.phase = phaseResponse
		case written != nil && written.reports.Load():
			a.phase = phaseConnect
		}
		f := a.clientFailure(ctx, err)
		f.maybeExecuted = maybeExecuted
		return f
	}
	class := classifyTransportError(err)
	if refusal, ok := asProxyError(err); ok {
		err = refusal
	}
	if a.req.Context().Err() != nil {
		err = fmt.Errorf("no response in %v: %w", a.client.policy.AttemptTimeout, withoutURL(err))
	}
	kind := ErrUnavailable
	if class == transportBadEndpoint {
		kind = ErrBadEndpoint
	}
	return &failure{
		err:           &CallError{Operation: a.op.name, ResourceID: a.resourceID, Err: newNetworkError(a.req.Host, kind, err, a.secrets())},
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
