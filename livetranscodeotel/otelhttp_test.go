package livetranscodeotel

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestOtelhttp checks that the spans of otelhttp, which has the URL in them, are within those of attempts, and that the
// URL that it sees has no values.
func TestOtelhttp(t *testing.T) {
	t.Parallel()
	r, srv := newRecorder(), livetranscodetest.NewServer()
	c := r.client(t, srv, livetranscode.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(r.tracers), otelhttp.WithMeterProvider(r.meters),
			otelhttp.WithPropagators(propagation.TraceContext{}))
	}))
	if err := submit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if job := srv.Jobs()[0]; !strings.Contains(job.StreamInput.InputURL, "inputKey4c2d") {
		t.Errorf("the service received %s", job.StreamInput.InputURL)
	}
	call := r.named("ice/SubmitLiveTranscodeJob")
	if len(call) != 1 || len(r.children(call[0])) != 1 || len(r.children(r.children(call[0])[0])) != 1 {
		t.Fatalf("the spans are %+v", r.spans.GetSpans())
	}
	span := fmt.Sprintf("%+v", r.children(r.children(call[0])[0])[0])
	if !strings.Contains(span, "StreamInput=redacted") || !strings.Contains(span, "otelhttp") {
		t.Errorf("the span of otelhttp is %s", span)
	}
	for _, canary := range []string{"inputKey4c2d", "inputQuery77b0", "in.example"} {
		if spans := fmt.Sprintf("%+v", r.spans.GetSpans()); strings.Contains(spans, canary) {
			t.Errorf("the spans have %s: %s", canary, spans)
		}
	}
}
