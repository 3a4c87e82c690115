package livetranscode

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
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

// A call is one execution of an operation, with all its attempts.
type call struct {
	client     *Client
	op         *operation
	query      string
	resourceID string
	began      time.Time
	phase      phase

	// The current attempt.
	endAttempt  func(AttemptEnd)
	status      int
	requestID   string
	creds       Credentials
	clockOffset time.Duration // that it was signed with
	started     time.Time
	req         *http.Request

	sent      int   // requests handed to the transport
	retryCost int   // quota taken for the next retry
	spent     int   // quota that earlier retries took
	last      error // the previous attempt's error, if the service or the network caused it
	unknown   bool  // an earlier attempt may have been executed

	repaired [numRetryReasons]bool // what was repaired, once each
	rejected Credentials           // that the service refused, if expiredToken was repaired
}

// do executes one operation: it validates and encodes the parameters, makes attempts until one succeeds or
// another is not worth it, and decodes the response into out.
func (c *Client) do(ctx context.Context, op *operation, in params, out responseDecoder) error {
	values, err := encodeParams(op, in)
	if err != nil {
		return err
	}
	call := &call{client: c, op: op, query: acs3.EncodeQuery(values), resourceID: values.Get(op.idParam), began: time.Now()}
	if c.hooks.Call == nil {
		err = call.run(ctx, out)
		call.logEnd(ctx, err)
		return err
	}
	ctx, end := startHook(ctx, c.hooks.Call, CallStart{Operation: op.name, Host: c.template.Host, ResourceID: call.resourceID})
	err = call.run(ctx, out)
	call.logEnd(ctx, err)
	endHook(end, CallEnd{Attempts: call.sent, RequestID: call.redact(call.requestID, maxSnippet), ResourceID: call.resourceID, Err: err})
	return err
}

// run makes attempts until one succeeds or another is not worth it.
func (c *call) run(ctx context.Context, out responseDecoder) error {
	for {
		attemptCtx := ctx
		if c.client.hooks.Attempt != nil {
			start := AttemptStart{Operation: c.op.name, Host: c.client.template.Host, Number: c.sent + 1}
			attemptCtx, c.endAttempt = startHook(ctx, c.client.hooks.Attempt, start)
		}
		body, failed := c.attempt(attemptCtx)
		if failed == nil {
			failed = c.decode(attemptCtx, body, out)
		}
		if failed == nil {
			c.observeEnd(nil, false, 0)
			return nil
		}
		if err := c.retryOrFail(ctx, failed); err != nil {
			return err
		}
	}
}

// observeEnd tells the hooks how an attempt ended.
func (c *call) observeEnd(err error, retry bool, delay time.Duration) {
	if c.endAttempt == nil {
		return
	}
	end := AttemptEnd{StatusCode: c.status, RequestID: c.redact(c.requestID, maxSnippet), Err: err, Retry: retry, Delay: delay}
	c.endAttempt(end)
	c.endAttempt = nil
}

// retryOrFail returns nil when it is time for another attempt, otherwise the error that the call returns.
func (c *call) retryOrFail(ctx context.Context, f *failure) error {
	delay, retry := c.nextDelay(ctx, f)
	c.logFailure(ctx, f, delay, retry)
	c.observeEnd(f.err, retry, delay)
	if !retry {
		return c.finish(f)
	}
	if !f.clientSide {
		c.last = f.err
	}
	c.unknown = c.unknown || f.maybeExecuted
	c.phase = phaseBackoff
	if err := sleep(ctx, delay); err != nil {
		return c.finish(c.clientFailure(ctx, err))
	}
	return nil
}

// finish completes the error that ends the call. A failure on the client's side that follows one of the service
// does not replace it but becomes its cause, so that the caller sees both.
func (c *call) finish(f *failure) error {
	c.client.quota.giveBack(c.retryCost) // of a retry that was not sent
	err, ambiguous := f.err, !c.op.idempotent && f.maybeExecuted
	if f.clientSide && c.last != nil && !ambiguous {
		if call := (*CallError)(nil); errors.As(err, &call) {
			err = addCause(c.last, call.Err)
		}
	}
	if e := callError(nil); errors.As(err, &e) {
		e.complete(c.sent, ambiguous)
	}
	if api := (*APIError)(nil); errors.As(err, &api) {
		api.unknownPast = c.unknown
	}
	return err
}

// decode reads a success into out. It fails if the response cannot be used.
func (c *call) decode(ctx context.Context, b *body, out responseDecoder) *failure {
	defer b.release()
	if err := decodeResponse(b, out); err != nil {
		f := c.unusable(ctx, b, err)
		if id := c.redact(partialID(b.bytes, out), maxSnippet); id != "" {
			addNote(f.err, "the response names the id "+id+", perhaps not all of it")
		}
		return f
	}
	c.client.quota.giveBack(max(1, c.spent))
	if c.client.credentialsRefused.Load() && c.client.credentialsRefused.CompareAndSwap(true, false) {
		c.client.logger.LogAttrs(ctx, slog.LevelInfo, "livetranscode: the service accepts the credentials again", c.logAttrs(time.Time{})...)
	}
	c.requestID = *out.requestID()
	if created, ok := out.(newResponse); ok {
		c.resourceID = created.newID()
	}
	c.logSuccess(ctx)
	return nil
}

// unusable is the failure of an attempt whose successful response cannot be used.
func (c *call) unusable(ctx context.Context, b *body, err error) *failure {
	if b.err != nil {
		return c.cutOffFailure(ctx, b, b.err)
	}
	api := c.newAPIError(b)
	c.requestID = api.RequestID
	api.cause = err
	return &failure{err: api, maybeExecuted: true}
}

// refusedAfterUnknown reports whether an operation was refused, or did not find its job or template, after an earlier
// attempt of the same call that may have been executed: the refusal may be the effect of that attempt.
func refusedAfterUnknown(err error) bool {
	var api *APIError
	if !errors.As(err, &api) || !api.unknownPast {
		return false
	}
	kind := api.kind()
	return kind == ErrNotFound || kind == ErrForbidden || kind == ErrInvalidRequest //nolint:errorlint // the kinds themselves
}

// isGone reports whether the error of a Get says that the job or template does not exist, and returns the request id.
func isGone(err error) (requestID string, gone bool) {
	var api *APIError
	if errors.Is(err, ErrNotFound) && errors.As(err, &api) {
		return api.RequestID, true
	}
	return "", false
}

// logFailure logs a failed attempt, and the delay before the next.
func (c *call) logFailure(ctx context.Context, f *failure, delay time.Duration, retry bool) {
	if !c.client.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := append(c.logAttrs(c.started), slog.Int("attempt", c.sent), slog.String("error_kind", ErrorKind(f.err)))
	var api *APIError
	if errors.As(f.err, &api) {
		attrs = append(attrs, slog.Int("status", api.StatusCode), slog.String("code", api.Code), slog.String("request_id", api.RequestID))
	} else {
		attrs = append(attrs, slog.String("error", f.err.Error()))
	}
	if retry {
		attrs = append(attrs, slog.Duration("delay", delay))
	}
	c.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt failed", attrs...)
}

// logSuccess logs the attempt that succeeded.
func (c *call) logSuccess(ctx context.Context) {
	if !c.client.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	c.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt succeeded", append(c.logAttrs(c.started),
		slog.Int("attempt", c.sent), slog.Int("status", c.status), slog.String("request_id", c.redact(c.requestID, maxSnippet)))...)
}

// logEnd logs the end of the call.
func (c *call) logEnd(ctx context.Context, err error) {
	if !c.client.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := append(c.logAttrs(c.began), slog.Int("attempts", c.sent), slog.String("request_id", c.redact(c.requestID, maxSnippet)))
	if err != nil {
		attrs = append(attrs, slog.String("error_kind", ErrorKind(err)), slog.String("error", err.Error()))
	}
	c.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: call ended", attrs...)
}

// logAttrs returns the attributes of every record about the call.
func (c *call) logAttrs(since time.Time) []slog.Attr {
	attrs := []slog.Attr{slog.String("operation", c.op.name)}
	if c.resourceID != "" {
		attrs = append(attrs, slog.String("resource_id", redact.OneLine(redact.Truncate(c.resourceID, maxSnippet))))
	}
	if !since.IsZero() {
		attrs = append(attrs, slog.Duration("duration", time.Since(since)))
	}
	return attrs
}
