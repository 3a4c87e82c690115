package livetranscodeotel

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/rpcconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/livetranscode/livetranscode-go"
)

// Hooks returns hooks for [livetranscode.WithHooks] that record the spans and metrics of a client. Several clients may
// share them. The error is that of an option, or of a meter that refuses an instrument.
func Hooks(opts ...Option) (livetranscode.Hooks, error) {
	c, err := newConfig(opts)
	if err != nil {
		return livetranscode.Hooks{}, err
	}
	h, err := newHooks(c)
	if err != nil {
		return livetranscode.Hooks{}, err
	}
	return livetranscode.Hooks{Call: h.call, Attempt: h.attempt, Sweep: h.sweep}, nil
}

type hooks struct {
	tracer     trace.Tracer
	watcher    []attribute.KeyValue
	operations sync.Map // *operation by operationKey

	callDuration    rpcconv.ClientCallDuration
	attemptDuration metric.Float64Histogram
	retries         metric.Int64Counter
	sweepDuration   metric.Float64Histogram
	sweepLag        metric.Float64Histogram
	requests        metric.Int64Counter
	unread          metric.Int64Gauge
}

// Bounds of the buckets in seconds. Those of rpc.client.call.duration are the convention's.
var (
	attemptBounds = metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30)
	sweepBounds   = metric.WithExplicitBucketBoundaries(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
)

func newHooks(c *config) (*hooks, error) {
	h := &hooks{tracer: c.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), watcher: c.watcher}
	meter, errs := c.meter(), make([]error, 7)
	h.callDuration, errs[0] = rpcconv.NewClientCallDuration(meter)
	h.attemptDuration, errs[1] = meter.Float64Histogram("livetranscode.client.attempt.duration", metric.WithUnit("s"), attemptBounds,
		metric.WithDescription("Duration of an attempt of a call, from the limiter to the decoded response."))
	h.retries, errs[2] = meter.Int64Counter("livetranscode.client.retries", metric.WithUnit("{retry}"),
		metric.WithDescription("Number of attempts that failed and that another one follows."))
	h.sweepDuration, errs[3] = meter.Float64Histogram("livetranscode.watcher.sweep.duration", metric.WithUnit("s"), sweepBounds,
		metric.WithDescription("Duration of a sweep."))
	h.sweepLag, errs[4] = meter.Float64Histogram("livetranscode.watcher.sweep.lag", metric.WithUnit("s"), sweepBounds,
		metric.WithDescription("Time from when a sweep of all jobs was due to its start."))
	h.requests, errs[5] = meter.Int64Counter("livetranscode.watcher.requests", metric.WithUnit("{request}"),
		metric.WithDescription("Number of calls of sweeps."))
	h.unread, errs[6] = meter.Int64Gauge("livetranscode.watcher.unread", metric.WithUnit("{job}"),
		metric.WithDescription("Number of jobs that the last sweep of all jobs could not poll."))
	return h, errors.Join(errs...)
}

// call begins the span of a call.
func (h *hooks) call(ctx context.Context, s livetranscode.CallStart) (context.Context, func(livetranscode.CallEnd)) {
	began, op := time.Now(), h.operation(s.Operation, s.Host)
	ctx, span := h.tracer.Start(ctx, op.method, op.callSpan...)
	return ctx, func(e livetranscode.CallEnd) {
		if span.IsRecording() {
			setID(span, resourceIDKey(s.Operation), e.ResourceID)
			setID(span, requestIDKey, e.RequestID)
			if api := (*livetranscode.APIError)(nil); errors.As(e.Err, &api) {
				setID(span, semconv.RPCResponseStatusCodeKey, api.Code)
			}
			setError(span, e.Err)
		}
		span.End()
		h.callDuration.Inst().Record(ctx, time.Since(began).Seconds(), op.outcome(0, e.Err))
	}
}

// attempt begins the span of an attempt. A retry is an event of the span around it, that of its call.
func (h *hooks) attempt(ctx context.Context, s livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
	began, op, call := time.Now(), h.operation(s.Operation, s.Host), trace.SpanFromContext(ctx)
	ctx, span := h.tracer.Start(ctx, "POST", op.attemptSpan...)
	return ctx, func(e livetranscode.AttemptEnd) {
		if span.IsRecording() {
			if s.Number > 1 {
				span.SetAttributes(semconv.HTTPRequestResendCount(s.Number - 1))
			}
			if e.StatusCode != 0 {
				span.SetAttributes(semconv.HTTPResponseStatusCode(e.StatusCode))
			}
			setID(span, requestIDKey, e.RequestID)
			setError(span, e.Err)
		}
		span.End()
		h.attemptDuration.Record(ctx, time.Since(began).Seconds(), op.outcome(e.StatusCode, e.Err))
		if e.Retry {
			call.AddEvent(retryEvent, trace.WithAttributes(retryDelayKey.Float64(e.Delay.Seconds()), errorType(e.Err)))
			h.retries.Add(ctx, 1, op.outcome(0, e.Err))
		}
	}
}

// sweep begins the span of a sweep. It is the root of a trace, because the range that it belongs to may run for months.
func (h *hooks) sweep(ctx context.Context, s livetranscode.SweepStart) (context.Context, func(livetranscode.SweepEnd)) {
	began := time.Now()
	ctx, span := h.tracer.Start(ctx, sweepSpan, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)),
		trace.WithAttributes(sweepJobsKey.Int(s.Jobs), sweepFullKey.Bool(s.Full)), trace.WithAttributes(h.watcher...))
	return ctx, func(e livetranscode.SweepEnd) {
		span.SetAttributes(sweepGetsKey.Int(e.Gets), sweepPagesKey.Int(e.Pages), sweepFailedKey.Int(e.Failed),
			sweepThrottleKey.Int(e.Throttled), sweepUnreadKey.Int(e.Unread), sweepEventsKey.Int(e.Events))
		setError(span, e.Err)
		span.End()
		watcher, failure := metric.WithAttributes(h.watcher...), metric.WithAttributes()
		if e.Err != nil {
			failure = metric.WithAttributes(errorType(e.Err))
		}
		h.sweepDuration.Record(ctx, time.Since(began).Seconds(), watcher, failure)
		h.requests.Add(ctx, int64(e.Gets), watcher, metric.WithAttributes(requestTypeKey.String("get")))
		h.requests.Add(ctx, int64(e.Pages), watcher, metric.WithAttributes(requestTypeKey.String("list")))
		if s.Full && ctx.Err() == nil { // a sweep of added jobs says nothing of the others, nor does one that was cut short
			h.sweepLag.Record(ctx, s.Late.Seconds(), watcher)
			h.unread.Record(ctx, int64(e.Unread), watcher)
		}
	}
}

type operationKey struct{ name, host string }

func (h *hooks) operation(name, host string) *operation {
	key := operationKey{name, host}
	if op, ok := h.operations.Load(key); ok {
		return op.(*operation)
	}
	op, _ := h.operations.LoadOrStore(key, newOperation(name, host))
	return op.(*operation)
}

// setID sets an attribute unless it is empty.
func setID(span trace.Span, key attribute.Key, id string) {
	if id != "" {
		span.SetAttributes(key.String(id))
	}
}

// setError makes a span one that failed. The text of an error of package livetranscode is redacted.
func setError(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(errorType(err))
		span.SetStatus(codes.Error, err.Error())
	}
}
