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
	fmt.Println(err)
	// Output:
	// kind: bad_endpoint
	// livetranscode: GetLiveTranscodeJob some-id: ice.cn-shanghai.aliyuncs.com: the proxy refused to connect: 407 Proxy Authentication Required
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
