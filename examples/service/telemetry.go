package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
)

const sendTimeout = 5 * time.Second // for the last metrics and spans, at shutdown

// telemetry has the metrics for Prometheus and, if there is a collector, sends metrics and spans over OTLP.
type telemetry struct {
	handler  http.Handler // of /metrics
	tracers  *sdktrace.TracerProvider
	meters   *sdkmetric.MeterProvider
	options  []livetranscodeotel.Option
	hooks    livetranscode.Option // measures and counts the calls of a client
	requests atomic.Int64         // sent to Alibaba Cloud
}

func newTelemetry(ctx context.Context, collector bool) (*telemetry, error) {
	reader, handler, err := prometheusReader()
	if err != nil {
		return nil, err
	}
	readers, tracing := []sdkmetric.Option{sdkmetric.WithReader(reader)}, sdktrace.WithSampler(sdktrace.NeverSample())
	if collector {
		spans, metrics, otlpErr := otlpExporters(ctx)
		if otlpErr != nil {
			return nil, otlpErr
		}
		readers, tracing = append(readers, sdkmetric.WithReader(metrics)), sdktrace.WithSpanProcessor(spans)
	}
	t := &telemetry{
		handler: handler, tracers: sdktrace.NewTracerProvider(tracing), meters: sdkmetric.NewMeterProvider(readers...),
	}
	t.options = []livetranscodeotel.Option{
		livetranscodeotel.WithTracerProvider(t.tracers), livetranscodeotel.WithMeterProvider(t.meters),
	}
	hooks, err := livetranscodeotel.Hooks(t.options...)
	attempt := hooks.Attempt
	hooks.Attempt = func(ctx context.Context, start livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
		t.requests.Add(1)
		return attempt(ctx, start)
	}
	t.hooks = livetranscode.WithHooks(hooks)
	return t, err
}

// prometheusReader returns a reader of metrics and the handler that serves them.
func prometheusReader() (sdkmetric.Reader, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	return reader, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), err
}

// otlpExporters sends spans, and metrics once a minute, to the collector at OTEL_EXPORTER_OTLP_ENDPOINT.
func otlpExporters(ctx context.Context) (sdktrace.SpanProcessor, sdkmetric.Reader, error) {
	spans, spansErr := otlptracehttp.New(ctx)
	metrics, metricsErr := otlpmetrichttp.New(ctx)
	if err := errors.Join(spansErr, metricsErr); err != nil {
		return nil, nil, err
	}
	return sdktrace.NewBatchSpanProcessor(spans), sdkmetric.NewPeriodicReader(metrics), nil
}

// shutdown sends the remaining metrics and spans, even after the end of ctx.
func (t *telemetry) shutdown(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	if err := errors.Join(t.tracers.Shutdown(ctx), t.meters.Shutdown(ctx)); err != nil {
		log.Warn("sending the last metrics and spans failed", "error", err)
	}
}
