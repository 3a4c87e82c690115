package main

import (
	"context"
	"net/http"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// hooksRow: the call of callRow with hooks: some that do nothing, and those of livetranscodeotel with providers that do
// nothing, with metrics, and with metrics and a span for the call and for the attempt, which is dropped when it has
// ended: exporting is not measured.
func hooksRow() row {
	hc := &http.Client{Transport: canned(func(*http.Request) []byte { return jobResponse })}
	side := func(name string, opts ...livetranscode.Option) candidate {
		client := newClient(append(opts, livetranscode.WithHTTPClient(hc))...)
		return candidate{name, func(n int) {
			for range n {
				callClient(client)
			}
		}}
	}
	noTraces, noMetrics := tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(dropped{}))
	return row{name: "hooks, canned response", candidates: []candidate{
		{"http floor", func(n int) {
			for range n {
				callFloor(context.Background(), hc, endpoint+"/?"+rawQuery)
			}
		}},
		side("livetranscode, no hooks"),
		side("livetranscode, empty hooks", livetranscode.WithHooks(livetranscode.Hooks{
			Call: func(context.Context, livetranscode.CallStart) (context.Context, func(livetranscode.CallEnd)) {
				return nil, nil
			},
			Attempt: func(context.Context, livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
				return nil, nil
			},
		})),
		side("livetranscodeotel, no-op providers", otelHooks(livetranscodeotel.WithTracerProvider(noTraces), livetranscodeotel.WithMeterProvider(noMetrics))),
		side("livetranscodeotel, metrics", otelHooks(livetranscodeotel.WithTracerProvider(noTraces), livetranscodeotel.WithMeterProvider(metrics))),
		side("livetranscodeotel, metrics and traces", otelHooks(livetranscodeotel.WithTracerProvider(traces), livetranscodeotel.WithMeterProvider(metrics))),
	}}
}

func otelHooks(opts ...livetranscodeotel.Option) livetranscode.Option {
	return livetranscode.WithHooks(must(livetranscodeotel.Hooks(opts...)))
}

// dropped is a span processor that drops what has ended.
type dropped struct{}

func (dropped) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (dropped) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (dropped) Shutdown(context.Context) error                  { return nil }
func (dropped) ForceFlush(context.Context) error                { return nil }
