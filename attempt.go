package livetranscode

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// An operation describes an operation of the service.
type operation struct {
	name       string
	idParam    string // the parameter with the id of the job or template; "" for none
	idempotent bool   // if not, it is retried only if it was certainly not executed
}

func idempotentOperation(name, idParam string) *operation {
	return &operation{name: name, idParam: idParam, idempotent: true}
}

func nonIdempotentOperation(name string) *operation {
	return &operation{name: name}
}

// An attempt is one attempt of a call.
type attempt struct {
	client     *Client
	op         *operation
	query      string
	resourceID string
	began      time.Time   // when the call began
	number     int         // from 1
	rejected   Credentials // refused by the service in an earlier attempt
	newConn    bool        // the request is sent on a new connection

	phase       phase
	creds       Credentials
	timed       time.Time     // when its timeout began
	clockOffset time.Duration // used to sign the request
	started     time.Time     // when it was signed
	req         *http.Request
	sent        bool // handed to the transport
	delivery    delivery
	status      int
	requestID   string
}

// run sends the request once, with a new date and nonce and the current credentials. ctx is derived from the caller's
// context by a hook, and may end before it.
func (a *attempt) run(caller, ctx context.Context) (*body, *failure) {
	a.phase = phaseLimiter
	if err := a.waitLimiter(caller, ctx); err != nil {
		return nil, a.clientFailure(caller, err)
	}
	a.timed = time.Now()
	ctx, cancel := context.WithDeadline(ctx, a.timed.Add(a.client.policy.AttemptTimeout))
	defer cancel()
	a.phase = phaseCredentials
	if failed := a.fetchCredentials(caller, ctx); failed != nil {
		return nil, failed
	}
	a.phase = phaseRequest
	written, err := a.newRequest(ctx)
	if err != nil {
		return nil, a.clientFailure(caller, err)
	}
	resp, err := a.send(written) //nolint:contextcheck // the request has it
	if err != nil {
		return nil, a.transportFailure(caller, err, written)
	}
	a.status, a.requestID = resp.StatusCode, resp.Header.Get(headerRequestID)
	a.phase = phaseBody
	body, err := readBody(resp)
	return a.classify(caller, body, err)
}

// A phase is a step of a call. If the caller's context ends the call, the error names the phase.
type phase string

const (
	phaseLimiter     phase = "limiter"
	phaseCredentials phase = "credentials"
	phaseRequest     phase = "request" // connect or response, if the request is traced
	phaseConnect     phase = "connect"
	phaseResponse    phase = "response"
	phaseBody        phase = "body"
	phaseBackoff     phase = "backoff"
)

// contextEnd returns what ends the call between two attempts: the caller's context or that of a hook; nil if neither
// has ended.
func (a *attempt) contextEnd(caller, ctx context.Context) error {
	switch {
	case caller.Err() != nil:
		return a.contextError(caller)
	case ctx.Err() != nil:
		return hookContextError(ctx)
	}
	return nil
}

// contextError returns the error of the caller's ended context, and where it ended the call.
func (a *attempt) contextError(caller context.Context) error {
	return fmt.Errorf("%w (phase %s, attempt %d, after %v, %s)", contextError(caller),
		a.phase, a.number, time.Since(a.began).Round(time.Millisecond), a.client.template.Host)
}

// took returns how long the attempt took until its timeout, or the context of a hook, ended it.
func (a *attempt) took() time.Duration { return time.Since(a.timed).Round(10 * time.Millisecond) }

// waitLimiter waits until the limiter permits a request. A limiter may return early if its wait would exceed the
// deadline of ctx; that of golang.org/x/time/rate says so only in its text.
func (a *attempt) waitLimiter(caller, ctx context.Context) error {
	if ctx.Err() != nil {
		return hookContextError(ctx)
	}
	if a.client.limiter == nil {
		return nil
	}
	err := a.client.limiter.Wait(ctx)
	if err == nil {
		return nil
	}
	var kind error
	deadline, ok := caller.Deadline()
	if end, _ := ctx.Deadline(); ok && end.Equal(deadline) && strings.Contains(err.Error(), "would exceed context deadline") {
		kind = context.DeadlineExceeded
	}
	return newForeignError(kind, err)
}

// errSameCredentials ends a call whose provider returns the credentials that the service has just refused again.
var errSameCredentials = errors.New("the provider returned the refused credentials again")

// fetchCredentials fetches the credentials of this attempt.
func (a *attempt) fetchCredentials(caller, ctx context.Context) *failure {
	creds, err := a.client.provider.Credentials(ctx)
	switch {
	case errors.Is(err, ErrNoCredentials):
		err = newForeignError(ErrNoCredentials, err)
	case ctx.Err() != nil:
		return a.credentialsTimeout(caller, ctx, cmp.Or(err, ctx.Err()))
	case err != nil && isContextError(err):
		err = newForeignError(nil, fmt.Errorf("the context of the credentials provider ended: %w", err))
	case err != nil && !strings.Contains(err.Error(), "credentials"):
		err = newForeignError(nil, fmt.Errorf("credentials: %w", err))
	case err != nil:
		err = newForeignError(nil, err)
	case creds.AccessKeyID == "" && creds.AccessKeySecret == "":
		err = fmt.Errorf("%w: the provider returned an empty access key", ErrNoCredentials)
	case creds == a.rejected:
		err = errSameCredentials
	default:
		a.creds = creds
		return nil
	}
	return a.clientFailure(caller, err)
}

// credentialsTimeout returns the failure of an attempt whose provider returned no credentials before ctx ended.
func (a *attempt) credentialsTimeout(caller, ctx context.Context, err error) *failure {
	presentable := newForeignError(ErrUnavailable, err)
	reason := strings.TrimRight(strings.TrimSuffix(presentable.text, ctx.Err().Error()), ": ")
	if presentable.text = fmt.Sprintf("no credentials in %v", a.took()); reason != "" {
		presentable.text += ": " + reason
	}
	f := a.clientFailure(caller, presentable)
	if caller.Err() == nil {
		f.reason, f.timedOut, f.clientSide = transient, true, false
	}
	return f
}

// newRequest makes and signs the request of this attempt, with the service's time if it is known. If the operation is
// not idempotent, a trace records whether the request is written.
func (a *attempt) newRequest(ctx context.Context) (*writeTrace, error) {
	var written *writeTrace
	if !a.op.idempotent {
		ctx, written = traceWrite(ctx)
	}
	req := a.client.template.WithContext(ctx)
	u := *req.URL // the signer sets its query
	req.URL = &u
	req.Header = a.client.newHeader(a.op.name)

	a.clockOffset = time.Duration(a.client.clockOffset.Load())
	a.started = time.Now()
	err := a.client.signer.sign(req, a.query, acs3.EmptyBodyHash, a.creds, a.started.Add(a.clockOffset), rand.Text())
	if err != nil { // of the credentials: the provider may return others next time, so this is no *ParamError
		if invalid := (*ParamError)(nil); errors.As(err, &invalid) {
			err = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)
		}
		return nil, err
	}
	a.req = req
	return written, nil
}

var errNoResult = errors.New("the transport returned neither a response nor an error")

// send passes the request to the transport. It tolerates transports that violate the contract of [http.RoundTripper].
func (a *attempt) send(written *writeTrace) (*http.Response, error) {
	a.sent = true
	resp, err := a.roundTrip(written)
	switch {
	case err != nil && resp != nil && resp.Body != nil:
		resp.Body.Close()
		return nil, err
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errNoResult
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

func (a *attempt) roundTrip(written *writeTrace) (*http.Response, error) {
	if a.client.redacting == nil {
		return a.client.sender.send(a.req, a.newConn)
	}
	signed := newSignedRequest(a.req, a.newConn, a.secrets(), written)
	resp, err := a.client.redacting.roundTrip(signed)
	a.delivery = signed.deliveryOf(resp, err)
	return resp, err
}

// classify returns the body of a successful response, or the failure of any other. readErr is the error of reading the
// body. The body of a Submit or Create is decoded as far as it was read: it may contain the new id.
func (a *attempt) classify(caller context.Context, b *body, readErr error) (*body, *failure) {
	if isSuccess(b.resp) && (readErr == nil || !a.op.idempotent) {
		b.err = readErr
		return b, nil
	}
	defer b.release()
	if api := a.newAPIError(b); readErr == nil || api.Code != "" {
		return nil, a.apiFailure(api, b.resp)
	}
	return nil, a.cutOffFailure(caller, b, readErr)
}

// apiFailure returns the failure of an attempt with a complete error response.
func (a *attempt) apiFailure(api *APIError, resp *http.Response) *failure {
	f := a.failure(api)
	f.maybeExecuted = api.maybeExecuted()
	if f.reason == clockSkew {
		f.clockOffset, f.hasOffset = measureClockOffset(resp.Header, a.started, time.Now())
	}
	return f
}

// cutOffFailure returns the failure of an attempt whose response was cut off.
func (a *attempt) cutOffFailure(caller context.Context, b *body, readErr error) *failure {
	if caller.Err() != nil && isSuccess(b.resp) {
		f := a.clientFailure(caller, readErr)
		f.maybeExecuted = true
		return f
	}
	api := a.newAPIError(b)
	f := a.failure(api)
	f.maybeExecuted, f.broken = api.maybeExecuted(), true
	switch class := classifyTransportError(readErr); {
	case caller.Err() != nil:
		api.cause, f.reason = a.contextError(caller), noRetry
		return f
	case f.reason == noRetry && !errors.Is(readErr, errTooLarge):
		f.reason, f.timedOut = retryReasonFor(class), class == transportTimeout
	}
	cause := newTransportError(readErr, a.secrets())
	if isContextError(readErr) {
		cause.text = "the body did not arrive in time"
	}
	api.cause = cause
	return f
}

// failure returns the failure of an attempt with an error response.
func (a *attempt) failure(api *APIError) *failure {
	return &failure{err: api, reason: reasonFor(api), retryAfter: api.RetryAfter, creds: a.creds, signedOffset: a.clockOffset}
}

// newAPIError returns the error of a response.
func (a *attempt) newAPIError(b *body) *APIError {
	api := newAPIError(respondedRequest{a.op.name, a.resourceID, a.req, a.secrets()}, b.resp, b.bytes)
	a.requestID = api.RequestID
	return api
}

func (a *attempt) secrets() []string { return []string{a.creds.AccessKeySecret, a.creds.SecurityToken} }

// clientFailure returns the failure of an attempt that ended on the client's side: by the caller's context, or with the
// error of the provider or the limiter, which must be safe to print.
func (a *attempt) clientFailure(caller context.Context, err error) *failure {
	if caller.Err() != nil {
		err = a.contextError(caller)
	}
	return &failure{err: &CallError{Operation: a.op.name, ResourceID: a.resourceID, Err: err}, clientSide: true}
}

// transportFailure returns the failure of an attempt whose transport returned an error.
func (a *attempt) transportFailure(caller context.Context, err error, written *writeTrace) *failure {
	maybeExecuted := written.mayBeExecuted(err)
	if caller.Err() != nil {
		switch connect := (*connectError)(nil); {
		case written != nil && written.wrote.Load():
			a.phase = phaseResponse
		case written != nil && written.reports.Load(), errors.As(err, &connect):
			a.phase = phaseConnect
		}
		f := a.clientFailure(caller, err)
		f.maybeExecuted = maybeExecuted
		return f
	}
	class := classifyTransportError(err)
	if a.req.Context().Err() != nil {
		err = fmt.Errorf("no response in %v: %w", a.took(), withoutURL(err))
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
		broken:        true,
	}
}

// retryReasonFor returns why a retry can succeed after a transport error.
func retryReasonFor(class transportClass) retryReason {
	if class == transportTransient || class == transportTimeout {
		return transient
	}
	return noRetry
}
