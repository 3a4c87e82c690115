package livetranscode

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// A call is one execution of an operation, with all its attempts.
type call struct {
	client  *Client
	first   attempt // the template of every attempt
	attempt attempt // the current one
	retrier retrier

	last    callError // the previous attempt's error
	unknown bool      // an earlier attempt may have been executed
}

// do executes one operation: it validates and encodes the parameters, makes attempts until one succeeds or
// another is not worth it, and decodes the response into out.
func (c *Client) do(caller context.Context, op *operation, in params, out responseDecoder) error {
	query, id, err := encodeParams(op.name, op.idParam, in)
	if err != nil {
		return err
	}
	call := &call{
		client: c,
		first: attempt{
			client: c, op: op, query: query, resourceID: id, began: time.Now(), newConn: !op.idempotent,
		},
		retrier: retrier{client: c, operation: op.name, resourceID: id, idempotent: op.idempotent},
	}
	call.retrier.deadline, _ = caller.Deadline()
	start := CallStart{Operation: op.name, Host: c.template.Host}
	if c.hooks.Call != nil {
		start.ResourceID = presentableID(id)
	}
	ctx, hook := startHook(caller, c.hooks.Call, start)
	err = errAborted
	defer func() { call.end(ctx, hook, err) }() // deferred because user code may panic
	err = call.run(caller, ctx, out)
	return err
}

// end ends the call: it gives back the quota of a retry that was not sent, logs, and calls the hook.
func (c *call) end(ctx context.Context, hook func(CallEnd), err error) {
	c.retrier.giveBack()
	if hook != nil {
		id := c.requestID()
		if api := (*APIError)(nil); errors.As(err, &api) && api.RequestID != "" {
			id = api.RequestID // of an earlier attempt, if the last one had no response
		}
		defer hook(CallEnd{Attempts: c.retrier.sent, RequestID: id, ResourceID: presentableID(c.attempt.resourceID), Err: err})
	}
	c.logEnd(ctx, err)
}

// run makes attempts until one succeeds or another is not worth it. ctx is derived from the caller's context by a hook,
// and may end before it.
func (c *call) run(caller, ctx context.Context, out responseDecoder) error {
	for {
		failed, end := c.makeAttempt(caller, ctx, out)
		if failed == nil {
			return nil
		}
		if !end.Retry {
			return c.finish(failed)
		}
		c.last, c.unknown = failed.err, c.unknown || failed.maybeExecuted
		c.first.newConn = c.first.newConn || failed.broken // other connections of the pool may be as dead as this one
		if sleep(ctx, end.Delay) != nil {
			return c.finish(c.attempt.clientFailure(caller, hookContextError(ctx)))
		}
	}
}

// makeAttempt makes one attempt, and decides whether another is worth it.
func (c *call) makeAttempt(caller, ctx context.Context, out responseDecoder) (failed *failure, end AttemptEnd) {
	c.attempt = c.first
	c.attempt.number, c.attempt.rejected = c.retrier.made+1, c.retrier.rejected
	start := AttemptStart{Operation: c.first.op.name, Host: c.client.template.Host, Number: c.attempt.number}
	attemptCtx, hook := startHook(ctx, c.client.hooks.Attempt, start)
	end.Err = errAborted
	defer func() { c.endAttempt(hook, end) }() // deferred because user code may panic

	body, failed := c.attempt.run(caller, attemptCtx)
	c.retrier.count(c.attempt.sent)
	if failed == nil {
		failed = c.decode(caller, body, out)
	}
	if end.Err = nil; failed == nil {
		return nil, end
	}
	failed.maybeExecuted = c.attempt.delivery.mayBeExecuted(failed.maybeExecuted)
	c.attempt.phase = phaseBackoff
	end.Delay, end.Retry = c.retrier.nextDelay(ctx, failed, c.attempt.contextEnd(caller, ctx))
	end.Err = failed.err
	c.logFailure(ctx, failed, end.Delay, end.Retry)
	return failed, end
}

// endAttempt calls the hook of an attempt that has ended.
func (c *call) endAttempt(hook func(AttemptEnd), end AttemptEnd) {
	if hook != nil {
		end.StatusCode, end.RequestID = c.attempt.status, c.requestID()
		hook(end)
	}
}

// finish completes the error that ends the call. A failure on the client's side that follows one of the service
// does not replace it but becomes its cause, so that the caller sees both.
func (c *call) finish(f *failure) error {
	ambiguous := c.ambiguous(f)
	if call, ok := f.err.(*CallError); ok && f.clientSide && c.last != nil && !ambiguous {
		return c.last.withCause(call.Err).completed(c.retrier.sent, false, c.unknown)
	}
	return f.err.completed(c.retrier.sent, ambiguous, c.unknown)
}

// ambiguous reports whether a failed attempt leaves it unknown whether the operation was executed.
func (c *call) ambiguous(f *failure) bool { return !c.first.op.idempotent && f.maybeExecuted }

// decode reads a success into out. It fails if the response cannot be used.
func (c *call) decode(ctx context.Context, b *body, out responseDecoder) *failure {
	defer b.release()
	if err := decodeResponse(b, out); err != nil {
		f := c.unusable(ctx, b, err)
		if id := redact.Bounded(partialID(b.bytes, out), maxSnippet, c.attempt.secrets()...); id != "" {
			f.err = f.err.withNote("the response names the id " + id + ", perhaps not all of it")
		}
		return f
	}
	c.retrier.succeeded(ctx)
	c.attempt.requestID = *out.requestID()
	if created, ok := out.(newResponse); ok {
		c.attempt.resourceID = created.newID()
	}
	c.logSuccess(ctx)
	return nil
}

// unusable is the failure of an attempt whose successful response cannot be used.
func (c *call) unusable(ctx context.Context, b *body, err error) *failure {
	if b.err != nil {
		return c.attempt.cutOffFailure(ctx, b, b.err)
	}
	api := c.attempt.newAPIError(b)
	api.cause = err
	return &failure{err: api, maybeExecuted: true}
}

// requestID returns the request id of the current attempt, as it can be shown.
func (c *call) requestID() string {
	if c.attempt.requestID == "" {
		return ""
	}
	return redact.Bounded(c.attempt.requestID, maxSnippet, c.attempt.secrets()...)
}

// refusedAfterUnknown reports whether an operation was refused, or did not find its job or template, after an earlier
// attempt of the same call that may have been executed: the refusal may be the effect of that attempt.
func refusedAfterUnknown(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.maybeEffectOfPast()
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
	attrs := append(callAttrs(c.first.op.name, c.attempt.resourceID, c.attempt.started), slog.Int("attempt", c.retrier.sent), slog.String("error_kind", ErrorKind(f.err)))
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
	c.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt succeeded", append(
		callAttrs(c.first.op.name, c.attempt.resourceID, c.attempt.started),
		slog.Int("attempt", c.retrier.sent), slog.Int("status", c.attempt.status), slog.String("request_id", c.requestID()))...)
}

// logEnd logs the end of the call.
func (c *call) logEnd(ctx context.Context, err error) {
	if !c.client.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := append(callAttrs(c.first.op.name, c.attempt.resourceID, c.first.began),
		slog.Int("attempts", c.retrier.sent), slog.String("request_id", c.requestID()))
	if err != nil {
		attrs = append(attrs, slog.String("error_kind", ErrorKind(err)), slog.String("error", err.Error()))
	}
	c.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: call ended", attrs...)
}
