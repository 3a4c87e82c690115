package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"golang.org/x/time/rate"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A limiter of golang.org/x/time/rate limits all calls of the client, retries included. A call that would have to
// wait past its deadline fails at once.
func ExampleWithLimiter() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	limiter := rate.NewLimiter(rate.Every(time.Minute), 2) // one request a minute, and a burst of two
	client := srv.Client(livetranscode.WithLimiter(limiter))

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range 3 {
		resp, err := client.GetLiveTranscodeJob(ctx, id)
		if err != nil {
			fmt.Println("too late:", errors.Is(err, context.DeadlineExceeded))
			return
		}
		fmt.Println(resp.Job.Name)
	}
	// Output:
	// evening-show
	// evening-show
	// too late: true
}

// The client logs each attempt at level Debug. This example leaves out times and ids because they
// differ from run to run.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			switch attr.Key {
			case slog.TimeKey, "resource_id", "request_id", "delay", "duration":
				return slog.Attr{}
			}
			return attr
		},
	}))
	srv := livetranscodetest.NewServer()
	client := srv.Client(
		livetranscode.WithLogger(logger),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: time.Millisecond}),
	)
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})

	if _, err := client.GetLiveTranscodeJob(context.Background(), id); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=DEBUG msg="livetranscode: attempt failed" operation=GetLiveTranscodeJob attempt=1 error_kind=unavailable status=503 code=ServiceUnavailable
	// level=DEBUG msg="livetranscode: attempt succeeded" operation=GetLiveTranscodeJob attempt=2 status=200
	// level=DEBUG msg="livetranscode: call ended" operation=GetLiveTranscodeJob attempts=2
}

// A program with its own retries turns the client's off.
func ExampleWithRetryPolicy() {
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{
		MaxAttempts:    1,
		AttemptTimeout: 5 * time.Second,
	}))
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	fmt.Println("unavailable:", errors.Is(err, livetranscode.ErrUnavailable))
	fmt.Println("requests:", len(srv.Calls()))
	// Output:
	// unavailable: true
	// requests: 1
}
