package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// otlpExporters sends spans, and metrics once a minute, to the collector at OTEL_EXPORTER_OTLP_ENDPOINT.
func otlpExporters(ctx context.Context) (sdktrace.SpanProcessor, sdkmetric.Reader, error) {
	spans, spansErr := otlptracehttp.New(ctx)
	metrics, metricsErr := otlpmetrichttp.New(ctx)
	if err := errors.Join(spansErr, metricsErr); err != nil {
		return nil, nil, err
	}
	return sdktrace.NewBatchSpanProcessor(spans), sdkmetric.NewPeriodicReader(metrics), nil
}

// TestReadmeOfLivetranscodeotel checks that the functions in the README are those of this directory.
func TestReadmeOfLivetranscodeotel(t *testing.T) {
	t.Parallel()
	source, readme := readFile(t, "service.go")+readFile(t, "otlp_test.go"), readFile(t, "../../livetranscodeotel/README.md")
	functions := regexp.MustCompile(`(?ms)^// \w+ [^\n]*\nfunc .*?^}\n`).FindAllString(readme, -1)
	if len(functions) != 2 {
		t.Errorf("the README has the functions %q", functions)
	}
	for _, function := range functions {
		if !strings.Contains(source, function) {
			t.Errorf("the code does not have this function of the README:\n%s", function)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^\t(?:\w+ )?"(?:go\.opentelemetry\.io|github\.com)/.*$`).FindAllString(readme, -1) {
		if !strings.Contains(source, line+"\n") {
			t.Errorf("the code does not have this import of the README: %s", line)
		}
	}
}

// TestCollector checks that the shutdown sends what was not sent yet. It is not parallel: it sets the environment.
func TestCollector(t *testing.T) {
	var mu sync.Mutex
	received := map[string]string{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		received[r.URL.Path] += string(body)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	spans, metrics, err := otlpExporters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics))
	hooks, err := livetranscodeotel.Hooks(livetranscodeotel.WithTracerProvider(tracers), livetranscodeotel.WithMeterProvider(meters))
	if err != nil {
		t.Fatal(err)
	}
	client := livetranscodetest.NewServer().Client(livetranscode.WithHooks(hooks))
	if _, err := client.ListLiveTranscodeJobs(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tracers.Shutdown(t.Context()), meters.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for path, want := range map[string]string{"/v1/traces": "ice/ListLiveTranscodeJobs", "/v1/metrics": "rpc.client.call.duration"} {
		if !strings.Contains(received[path], want) {
			t.Errorf("the collector received %q at %s, want %s", received[path], path, want)
		}
	}
}
