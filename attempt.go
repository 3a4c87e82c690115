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

// attempt sends the request once, with a date, nonce and credentials of its own.
func (t *call) attempt(ctx context.Context) (*body, *failure) {
	if err := t.waitLimiter(ctx); err != nil {
		return nil, t.clientFailure(ctx, err)
	}
	attemptCtx, cancel := context.WithTimeout(ctx, t.client.policy.AttemptTimeout)
	defer cancel()
	if err := t.fetchCredentials(attemptCtx); err != nil {
		return nil, t.clientFailure(ctx, err)
	}
	req, written := t.newRequest(attemptCtx)
	if err := t.sign(req); err != nil {
		return nil, t.clientFailure(ctx, err)
	}
	t.req = req
	resp, err := t.send(req)
	if err != nil {
		return nil, t.transportFailure(ctx, err, written)
	}
	reply, err := readBody(resp)
	return t.classify(ctx, resp, reply, err)
}

// wait asks the limiter.
func (t *call) waitLimiter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.client.limiter == nil {
		return nil
	}
	return t.client.limiter.Wait(ctx)
}

// errSameCredentials ends a call whose credentials were refused and then offered again.
var errSameCredentials = errors.New("the provider returned the refused credentials again")

// authorize asks for the credentials of this attempt.
func (t *call) fetchCredentials(ctx context.Context) error {
	creds, err := t.client.provider.Credentials(ctx)
	switch {
	case err != nil && isContextError(err):
		return fmt.Errorf("no credentials in %v: %w", t.client.policy.AttemptTimeout, err)
	case err != nil:
		return err
	case creds.AccessKeyID == "" || creds.AccessKeySecret == "":
		return fmt.Errorf("%w: the provider returned an empty access key", ErrNoCredentials)
	case t.refetched && creds == t.refused:
		return errSameCredentials
	}
	t.creds = creds
	return nil
}

// newRequest returns the request of one attempt, not yet signed. If the operation must not be repeated
// blindly, its headers' way to the network is traced.
func (t *call) newRequest(ctx context.Context) (*http.Request, *writeTrace) {
	var written *writeTrace
	if !t.op.idempotent {
		ctx, written = traceWrite(ctx)
	}
	req := t.client.template.WithContext(ctx)
	u := *req.URL // its query comes with the signature
	req.URL = &u
	req.Header = maps.Clone(req.Header)
	req.Header[acs3.HeaderAction] = t.op.action
	return req, written
}

// sign signs the request with the service's time, as far as it is known.
func (t *call) sign(req *http.Request) error {
	t.clock = time.Duration(t.client.clock.Load())
	t.started = time.Now()
	err := t.client.signer.sign(req, t.query, acs3.EmptyBodyHash, t.creds, t.started.Add(t.clock), rand.Text())
	if err != nil {
		var refused *ParamError
		if errors.As(err, &refused) {
			refused.Operation = t.op.name
		}
	}
	return err
}

// send hands the request to the transport, and guards against transports that break their contract.
func (t *call) send(req *http.Request) (*http.Response, error) {
	t.sent++
	t.spent, t.cost = t.spent+t.cost, 0
	resp, err := t.client.transport().RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

// classify returns the reply of an attempt that the service answered with success, and what is wrong with
// any other. readErr is what ended the reading of the body.
func (t *call) classify(ctx context.Context, resp *http.Response, r *body, readErr error) (*body, *failure) {
	if isSuccess(resp) && readErr == nil {
		return r, nil
	}
	defer r.release()
	api := t.newAPIError(r)
	f := &failure{err: api, reason: reasonFor(api), maybeExecuted: maybeExecuted(api), retryAfter: api.RetryAfter}
	switch cutOff := readErr != nil && api.Code == ""; {
	case cutOff && ctx.Err() != nil && isSuccess(resp):
		f = t.clientFailure(ctx, ctx.Err())
		f.maybeExecuted = true
	case cutOff && ctx.Err() != nil:
		api.cause, f.reason, f.maybeExecuted = contextError(ctx), noRetry, true
	case cutOff:
		f.maybeExecuted = true
		if passing, timedOut := classifyTransportError(readErr); f.reason == noRetry && !errors.Is(readErr, errTooLarge) {
			f.reason, f.timedOut = passing, timedOut
		}
		api.cause = newScrubbedError(readErr, t.creds)
		if isContextError(readErr) {
			api.cause = &opaqueError{text: "the body did not arrive in time"}
		}
	case clockCodes[api.Code]:
		f.offset, f.offsetSeen = clockOffset(resp.Header, t.started, time.Now())
	}
	return nil, f
}

// A failure is an attempt that did not succeed.
type failure struct {
	err           error // what the call returns if it ends here
	reason        retryReason
	retryAfter    time.Duration // the delay that the service asks for
	offset        time.Duration // how far the service's clock was seen to be ahead
	offsetSeen    bool
	timedOut      bool
	clientSide    bool // ended by the context, the provider or the limiter, not by the service or the network
	maybeExecuted bool // the request may have been carried out
}

// local is the failure of an attempt that ended before, or because, the caller's side gave up.
func (t *call) clientFailure(ctx context.Context, err error) *failure {
	var refused *ParamError
	switch {
	case ctx.Err() != nil:
		err = contextError(ctx)
	case errors.As(err, &refused):
		return &failure{err: err, clientSide: true}
	case isContextError(err): // of a context that is not the caller's
		err = &opaqueError{text: redact.Text(err.Error()), is: hiddenKind(err)}
	}
	return &failure{err: &CallError{Operation: t.op.name, Err: err}, clientSide: true}
}

// unanswered is the failure of an attempt for which the transport returned an error.
func (t *call) transportFailure(ctx context.Context, err error, written *writeTrace) *failure {
	uncertain := written.mayBeWritten(err)
	if ctx.Err() != nil {
		f := t.clientFailure(ctx, err)
		f.maybeExecuted = uncertain
		return f
	}
	f := &failure{maybeExecuted: uncertain}
	f.reason, f.timedOut = classifyTransportError(err)
	if t.req.Context().Err() != nil {
		err = fmt.Errorf("no answer in %v: %w", t.client.policy.AttemptTimeout, err)
	}
	f.err = &CallError{Operation: t.op.name, Err: newNetworkError(t.req.Host, err, t.creds)}
	return f
}

// A refusable provider keeps credentials, and drops them when the service does not accept them.
type credentialsRejecter interface{ refused(Credentials) }

// reportRefused tells a provider that keeps credentials that the service does not accept the current ones.
func (t *call) reportRejected(f *failure) {
	var api *APIError
	p, keeps := t.client.provider.(credentialsRejecter)
	if keeps && errors.As(f.err, &api) && isCredentialsCode(api.Code) {
		p.refused(t.creds)
	}
}

// isUncertain reports whether an operation may have been carried out although this error came back: the
// service did not clearly refuse it.
func maybeExecuted(e *APIError) bool {
	return errors.Is(e, ErrUnavailable) || errors.Is(e, ErrBadResponse) || e.Code == "SignatureNonceUsed"
}
