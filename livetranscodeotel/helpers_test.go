package livetranscodeotel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A recorder keeps the spans and metrics of a test in memory.
type recorder struct {
	spans   *tracetest.InMemoryExporter
	tracers *sdktrace.TracerProvider
	meters  *sdkmetric.MeterProvider
	reader  *sdkmetric.ManualReader
	options []Option
}

func newRecorder() *recorder {
	r := &recorder{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	r.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	r.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))
	r.options = []Option{WithTracerProvider(r.tracers), WithMeterProvider(r.meters)}
	return r
}

// client returns a client whose calls are recorded.
func (r *recorder) client(t *testing.T, srv *livetranscodetest.Server, opts ...livetranscode.Option) *livetranscode.Client {
	t.Helper()
	return srv.Client(append(opts, livetranscode.WithHooks(r.hooks(t)))...)
}

func (r *recorder) hooks(t *testing.T) livetranscode.Hooks {
	t.Helper()
	hooks, err := Hooks(r.options[0], r.options[1], WithWatcherName("jobs"))
	if err != nil {
		t.Fatal(err)
	}
	return hooks
}

// named returns the ended spans of a name in the order of their ends.
func (r *recorder) named(name string) (spans tracetest.SpanStubs) {
	for _, span := range r.spans.GetSpans() {
		if span.Name == name {
			spans = append(spans, span)
		}
	}
	return spans
}

// children returns the ended spans within a span.
func (r *recorder) children(parent tracetest.SpanStub) (spans tracetest.SpanStubs) {
	for _, span := range r.spans.GetSpans() {
		if span.Parent.SpanID() == parent.SpanContext.SpanID() {
			spans = append(spans, span)
		}
	}
	return spans
}

// metrics returns the metrics of this package by name, and checks their scope.
func (r *recorder) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]metricdata.Metrics)
	for _, scoped := range all.ScopeMetrics {
		if scoped.Scope.Name != scope || !strings.HasSuffix(scoped.Scope.SchemaURL, "/1.43.0") {
			t.Errorf("the scope of the metrics is %+v", scoped.Scope)
		}
		for _, m := range scoped.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

// A point is a measurement as a test compares it: attributes as text, and a number or the sum of a histogram.
type point struct {
	attributes string
	count      uint64 // of a histogram
	value      float64
}

// points returns the points of a metric in the order of their attributes.
func points(m metricdata.Metrics) (all []point) {
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			all = append(all, point{encode(p.Attributes), p.Count, p.Sum})
		}
	case metricdata.Sum[int64]:
		all = numbers(data.DataPoints)
	case metricdata.Gauge[int64]:
		all = numbers(data.DataPoints)
	case metricdata.Gauge[float64]:
		all = numbers(data.DataPoints)
	}
	slices.SortFunc(all, func(a, b point) int { return strings.Compare(a.attributes, b.attributes) })
	return all
}

func numbers[N int64 | float64](data []metricdata.DataPoint[N]) (all []point) {
	for _, p := range data {
		all = append(all, point{encode(p.Attributes), 0, float64(p.Value)})
	}
	return all
}

// wantPoints checks the points of a metric.
func (r *recorder) wantPoints(t *testing.T, name string, want ...point) {
	t.Helper()
	m, ok := r.metrics(t)[name]
	if got := points(m); !ok || !slices.EqualFunc(got, want, samePoint) {
		t.Errorf("%s is\n%+v, want\n%+v", name, got, want)
	}
}

// samePoint compares points. Sums of seconds are not exact.
func samePoint(a, b point) bool {
	return a.attributes == b.attributes && a.count == b.count && a.value-b.value < 1e-6 && b.value-a.value < 1e-6
}

func encode(set attribute.Set) string { return set.Encoded(attribute.DefaultEncoder()) }

// wantSpan checks the kind, the status and the attributes of a span, which are sorted in want.
func wantSpan(t *testing.T, span tracetest.SpanStub, kind trace.SpanKind, code codes.Code, want string) {
	t.Helper()
	if got := encode(attribute.NewSet(span.Attributes...)); span.SpanKind != kind || span.Status.Code != code || got != want {
		t.Errorf("the span %q, %v, with status %v, has\n%s, want %v, %v and\n%s", span.Name, span.SpanKind, span.Status, got, kind, code, want)
	}
}

// describe returns the unit and the kind of a metric that has a description.
func describe(m metricdata.Metrics) string {
	if m.Description == "" {
		return "without a description"
	}
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		bounds := data.DataPoints[0].Bounds
		return fmt.Sprintf("%s, histogram from %v to %v", m.Unit, bounds[0], bounds[len(bounds)-1])
	case metricdata.Sum[int64]:
		return m.Unit + map[bool]string{true: ", counter", false: ", up-down counter"}[data.IsMonotonic]
	}
	return m.Unit + ", gauge"
}
