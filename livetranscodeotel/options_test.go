package livetranscodeotel

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		opts []Option
		want string // a part of the error; "" for none
	}{
		"none":                   {},
		"nil option":             {opts: []Option{nil}},
		"nil tracer provider":    {opts: []Option{WithTracerProvider(nil)}, want: "WithTracerProvider: the provider is nil"},
		"nil *TracerProvider":    {opts: []Option{WithTracerProvider((*sdktrace.TracerProvider)(nil))}, want: "WithTracerProvider: the provider is nil"},
		"nil meter provider":     {opts: []Option{WithMeterProvider(nil)}, want: "WithMeterProvider: the provider is nil"},
		"nil *MeterProvider":     {opts: []Option{WithMeterProvider((*sdkmetric.MeterProvider)(nil))}, want: "WithMeterProvider: the provider is nil"},
		"name, then no name":     {opts: []Option{WithWatcherName("a"), WithWatcherName("")}},
		"invalid, then a valid":  {opts: []Option{WithMeterProvider(nil), WithMeterProvider(sdkmetric.NewMeterProvider())}, want: "nil"},
		"providers by interface": {opts: []Option{WithTracerProvider(otel.GetTracerProvider()), WithMeterProvider(otel.GetMeterProvider())}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooks, err := Hooks(tt.opts...)
			if tt.want == "" && (err != nil || hooks.Call == nil || hooks.Attempt == nil || hooks.Sweep == nil) {
				t.Errorf("hooks %+v, error %v", hooks, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || hooks.Call != nil) {
				t.Errorf("hooks %+v, error %v, want %q", hooks, err, tt.want)
			}
		})
	}
}

func TestWatcherName(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string][]Option{
		"":                             {WithWatcherName("a"), WithWatcherName("")},
		"livetranscode.watcher.name=b": {WithWatcherName("a"), WithWatcherName("b")},
	} {
		c, err := newConfig(opts)
		if got := encode(attribute.NewSet(c.watcher...)); err != nil || got != want {
			t.Errorf("the attributes are %q, error %v, want %q", got, err, want)
		}
	}
}

// TestGlobalProviders is not parallel: it sets the global providers.
func TestGlobalProviders(t *testing.T) { //nolint:paralleltest // see above
	tracers, meters := otel.GetTracerProvider(), otel.GetMeterProvider()
	t.Cleanup(func() {
		otel.SetTracerProvider(tracers)
		otel.SetMeterProvider(meters)
	})
	r := newRecorder()
	otel.SetTracerProvider(r.tracers)
	otel.SetMeterProvider(r.meters)
	hooks, err := Hooks()
	if err != nil {
		t.Fatal(err)
	}
	srv := livetranscodetest.NewServer()
	if _, err := srv.Client(livetranscode.WithHooks(hooks)).ListLiveTranscodeJobs(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if spans, metrics := r.spans.GetSpans(), r.metrics(t); len(spans) != 2 || len(metrics) != 2 {
		t.Errorf("%d spans and %d metrics are recorded, want 2 and 2", len(spans), len(metrics))
	}
}
