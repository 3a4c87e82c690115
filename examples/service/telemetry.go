package main

import (
	"context"
	"errors"
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

// telemetry is what the service shows of its calls and its watch: metrics to Prometheus and, if there is a collector,
// metrics and spans over OTLP.
type telemetry struct {
	handler  http.Handler // of /metrics
	options  []livetranscodeotel.Option
	close    []func(context.Context) error
	requests atomic.Int64 // to Alibaba Cloud
}

func newTelemetry(ctx context.Context, collector bool) (*telemetry, error) {
	reader, handler, err := prometheusReader()
	if err != nil {
		return nil, err
	}
	t := &telemetry{handler: handler}
	readers := []sdkmetric.Option{sdkmetric.WithReader(reader)}
	if collector {
		spans, metrics, err := otlpExporters(ctx)
		if err != nil {
			return nil, err
		}
		tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		t.options = append(t.options, livetranscodeotel.WithTracerProvider(tracers))
		t.close = append(t.close, tracers.Shutdown)
		readers = append(readers, sdkmetric.WithReader(metrics))
	}
	meters := sdkmetric.NewMeterProvider(readers...)
	t.options = append(t.options, livetranscodeotel.WithMeterProvider(meters))
	t.close = append(t.close, meters.Shutdown)
	return t, nil
}

// prometheusReader returns a reader of metrics and the handler that serves them.
func prometheusReader() (sdkmetric.Reader, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	return reader, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), err
}

// otlpExporters sends spans, and metrics once a minute, to the collector at OTEL_EXPORTER_OTLP_ENDPOINT.
func otlpExporters(ctx context.Context) (sdktrace.SpanProcessor, sdkmetric.Reader, error) {
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	metrics, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	return sdktrace.NewBatchSpanProcessor(spans), sdkmetric.NewPeriodicReader(metrics), nil
}

// hooks returns the option that makes a client show and count its calls.
func (t *telemetry) hooks() (livetranscode.Option, error) {
	hooks, err := livetranscodeotel.Hooks(t.options...)
	attempt := hooks.Attempt
	hooks.Attempt = func(ctx context.Context, start livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
		t.requests.Add(1)
		return attempt(ctx, start)
	}
	return livetranscode.WithHooks(hooks), err
}

// shutdown sends what has not been sent yet, also after the end of ctx.
func (t *telemetry) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	var errs []error
	for _, closeProvider := range t.close {
		errs = append(errs, closeProvider(ctx))
	}
	return errors.Join(errs...)
}
