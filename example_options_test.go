package livetranscode_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I limit the rate of requests? A limiter of golang.org/x/time/rate limits all calls of the client, retries
// included. A call that would have to wait past its deadline fails at once.
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

// How do replicas share the account's quota? Each takes its share, and one limiter limits all clients of a process.
func ExampleWithLimiter_replicas() {
	const perMinute, replicas = 600, 4 // what the account may use; nobody else tells the replicas of each other
	limiter := rate.NewLimiter(rate.Limit(perMinute/60.0/replicas), 3)

	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	api := srv.Client(livetranscode.WithLimiter(limiter))
	watcher := srv.Client(livetranscode.WithLimiter(limiter)).NewWatcher()
	watcher.Add(id)

	if _, err := api.GetLiveTranscodeJob(context.Background(), id); err != nil {
		log.Fatal(err)
	}
	for range watcher.Events(context.Background()) {
		break
	}
	fmt.Println("requests a second:", limiter.Limit())
	fmt.Println("requests:", len(srv.Calls()), "left of the burst:", int(limiter.Tokens()))
	// Output:
	// requests a second: 2.5
	// requests: 2 left of the burst: 1
}

// How do I call through a proxy? The client's own transport uses HTTPS_PROXY and NO_PROXY. For another proxy, or a
// private certificate authority, pass a transport.
func ExampleWithHTTPClient() {
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired) // a proxy that wants a password
	}))
	defer proxy.Close()
	proxyURL, err := url.Parse(proxy.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	roots, err := x509.SystemCertPool()
	if err != nil {
		fmt.Println(err)
		return
	}
	roots.AddCert(proxy.Certificate()) // a program: AppendCertsFromPEM, with the authority's file

	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(proxyURL) // with user:password@ in the URL, if the proxy wants one
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	client, err := livetranscode.NewClient(
		livetranscode.WithHTTPClient(&http.Client{Transport: transport}),
		livetranscode.WithCredentials(livetranscode.StaticCredentials("key-id", "key-secret", "")),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.GetLiveTranscodeJob(context.Background(), "some-id")
	fmt.Println("kind:", livetranscode.ErrorKind(err))
	_, reason, _ := strings.Cut(err.Error(), "ice.cn-shanghai.aliyuncs.com: ")
	fmt.Println(strings.Replace(reason, proxyURL.Host, "proxy.example:3129", 1))
	// Output:
	// kind: bad_endpoint
	// the proxy proxy.example:3129 refused to connect: 407 Proxy Authentication Required
}

// How do I log what the client does? With a slog.Logger: each attempt is a record of level Debug. This example leaves
// out times and ids, which differ from run to run.
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

// How do I turn retries off? With one attempt a call, for a program with retries of its own.
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

// How do I count calls and attempts? Package livetranscodeotel has hooks for OpenTelemetry; these count by hand.
func ExampleWithHooks() {
	calls, attempts := map[string]int{}, 0
	hooks := livetranscode.Hooks{
		Call: func(ctx context.Context, call livetranscode.CallStart) (context.Context, func(livetranscode.CallEnd)) {
			return ctx, func(end livetranscode.CallEnd) { calls[call.Operation+" "+livetranscode.ErrorKind(end.Err)]++ }
		},
		Attempt: func(ctx context.Context, _ livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
			attempts++
			return ctx, nil // nothing to do at the end
		},
	}
	srv := livetranscodetest.NewServer()
	client := srv.Client(
		livetranscode.WithHooks(hooks),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: time.Millisecond}),
	)
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	fmt.Println("error:", err != nil)
	fmt.Println(calls, "with", attempts, "attempts")
	// Output:
	// error: true
	// map[GetLiveTranscodeJob not_found:1] with 2 attempts
}

// How do I trace HTTP without stream keys in the traces? A middleware sees requests whose parameters, token and
// signature are redacted.
func ExampleWithMiddleware() {
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return tracingTransport{next}
	}))
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})

	if _, err := client.GetLiveTranscodeJob(context.Background(), id); err != nil {
		log.Fatal(err)
	}
	// Output:
	// POST /?JobId=redacted
	// Authorization: [redacted]
	// status 200
}

// tracingTransport prints what it sees, as otelhttp and others record it.
type tracingTransport struct{ next http.RoundTripper }

func (t tracingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	fmt.Println(req.Method, req.URL.RequestURI())
	fmt.Println("Authorization:", req.Header.Get("Authorization"))
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		fmt.Println("status", resp.StatusCode)
	}
	return resp, err
}
