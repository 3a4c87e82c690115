package livetranscodeotel_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The spans of a call that is retried once: the call, and two attempts within it. The emulator stands in for the
// service, and an exporter in memory for that of the tracing system.
func ExampleHooks() {
	exporter := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	hooks, err := livetranscodeotel.Hooks(livetranscodeotel.WithTracerProvider(tracers))
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := livetranscodetest.NewServer()
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})
	client := srv.Client(livetranscode.WithHooks(hooks))

	if _, err := client.ListLiveTranscodeJobs(context.Background(), nil); err != nil {
		fmt.Println(err)
	}
	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name, span.Status.Code)
		for _, event := range span.Events {
			fmt.Println("\t" + event.Name)
		}
	}
	// Output:
	// POST Error
	// POST Unset
	// ice/ListLiveTranscodeJobs Unset
	// 	livetranscode.retry
}
