package interop

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var network = flag.Duration("network", 3*time.Second, "how long TestNetworkFaults lasts")

// toxics are the faults of the network, one after the other, in toxiproxy's format.
var toxics = []string{
	`{"name":"t","type":"latency","attributes":{"latency":50,"jitter":50}}`,
	`{"name":"t","type":"latency","attributes":{"latency":2000,"jitter":1900}}`, // most attempts time out
	`{"name":"t","type":"slow_close","attributes":{"delay":300}}`,
	`{"name":"t","type":"reset_peer","attributes":{"timeout":20}}`,
	`{"name":"t","type":"reset_peer","stream":"upstream","attributes":{"timeout":20}}`,
	`{"name":"t","type":"bandwidth","attributes":{"rate":2}}`,
	`{"name":"t","type":"limit_data","attributes":{"bytes":700}}`, // within the second response of a connection
	`{"name":"t","type":"limit_data","stream":"upstream","attributes":{"bytes":900}}`,
	`{"name":"t","type":"timeout","attributes":{"timeout":0}}`, // no response
}

// While 64 goroutines make calls, a proxy between client and emulator injects every fault that it has. Every call ends
// in success or a typed error, and no job is submitted twice.
func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	emulator := livetranscodetest.NewServer()
	proxy := newProxy(t, emulator)
	c := &callers{client: newClient(t, emulator, "http://"+proxy.Listen), submitted: map[string]error{}, outcomes: map[string]int{}}
	c.jobID = emulator.AddJob(livetranscode.Job{Status: livetranscode.JobStatusInProgress})

	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for caller := range 64 {
		group.Go(func() { c.run(ctx, caller) })
	}
	for range 5 { // a busy machine needs more time
		if injectToxics(t, proxy); c.conclusive() {
			break
		}
	}
	stop()
	group.Wait()

	// Without the faults, calls succeed again. On a busy machine some still exceed the short timeout at first.
	c.client.CloseIdleConnections()
	start := time.Now()
	for successes := 0; successes < 10; successes++ {
		_, err := c.client.GetLiveTranscodeJob(t.Context(), c.jobID)
		if err != nil && time.Since(start) > 20*time.Second {
			t.Fatalf("after the faults: %v", err)
		}
		if err != nil {
			successes = -1
		}
	}
	c.checkSubmitted(t, emulator)
	for what, n := range c.outcomes {
		if strings.HasSuffix(what, "untyped") {
			t.Errorf("%s: %d", what, n)
		}
		t.Logf("%6d %s", n, what)
	}
	if !c.conclusive() {
		t.Errorf("%d submits, %v: too few calls or faults to be conclusive", len(c.submitted), c.outcomes)
	}
}

// newProxy starts a proxy in front of the emulator.
func newProxy(t *testing.T, emulator *livetranscodetest.Server) *toxiproxy.Proxy {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // the toxics have a logger of their own
	srv := httptest.NewServer(emulator)
	t.Cleanup(srv.Close)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "p", "127.0.0.1:0", srv.Listener.Addr().String())
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

func newClient(t *testing.T, emulator *livetranscodetest.Server, endpoint string) *livetranscode.Client {
	t.Helper()
	creds := emulator.Credentials()
	client, err := livetranscode.NewClient(
		livetranscode.WithEndpoint(endpoint),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, "")),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{
			AttemptTimeout: 400 * time.Millisecond, BaseDelay: 5 * time.Millisecond, MaxDelay: 50 * time.Millisecond,
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// injectToxics injects each toxic for its share of the test's duration.
func injectToxics(t *testing.T, proxy *toxiproxy.Proxy) {
	t.Helper()
	for _, toxic := range toxics {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(toxic, err)
		}
		time.Sleep(*network / time.Duration(len(toxics))) // real time: the network is real
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := proxy.Toxics.RemoveToxic(ctx, "t"); err != nil {
			t.Fatal(toxic, err)
		}
		cancel()
	}
}

// callers make calls concurrently and record how they end.
type callers struct {
	client *livetranscode.Client
	jobID  string

	mu        sync.Mutex
	submitted map[string]error // by the name of the job
	outcomes  map[string]int
}

// run calls Submit and Get in turn until ctx ends. Each call has a context of its own and is not canceled.
func (c *callers) run(ctx context.Context, caller int) {
	for n := 0; ctx.Err() == nil; n++ {
		callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		if n%2 == 0 {
			name := fmt.Sprintf("job-%d-%d-", caller, n)
			_, err := c.client.SubmitLiveTranscodeJob(callCtx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: name, TemplateID: "template", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://in/app/key"},
			})
			c.record("Submit", name, err)
		} else {
			_, err := c.client.GetLiveTranscodeJob(callCtx, c.jobID)
			c.record("Get", "", err)
		}
		cancel()
	}
}

func (c *callers) record(operation, name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "" {
		c.submitted[name] = err
	}
	c.outcomes[operation+": "+outcome(err)]++
}

// conclusive reports whether there were enough calls, and faults among them.
func (c *callers) conclusive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.submitted) >= 100 && c.outcomes["Get: success"] > 0 && c.outcomes["Submit: ambiguous"] > 0
}

// checkSubmitted compares what the calls returned with the jobs of the emulator.
func (c *callers) checkSubmitted(t *testing.T, emulator *livetranscodetest.Server) {
	t.Helper()
	jobs := map[string]int{}
	for _, job := range emulator.Jobs() {
		jobs[job.Name]++
	}
	for name, err := range c.submitted {
		switch n := jobs[name]; {
		case n > 1:
			t.Errorf("%s was submitted %d times; the call returned %v", name, n, err)
		case n == 0 && err == nil:
			t.Errorf("%s was not submitted, but the call succeeded", name)
		case n == 1 && err != nil && !errors.Is(err, livetranscode.ErrAmbiguous):
			t.Errorf("%s was submitted, but the call failed without ErrAmbiguous: %v", name, err)
		}
	}
}

// outcome returns how a call ended, for the summary.
func outcome(err error) string {
	var apiErr *livetranscode.APIError
	var callErr *livetranscode.CallError
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, livetranscode.ErrAmbiguous):
		return "ambiguous"
	case errors.As(err, &apiErr), errors.As(err, &callErr):
		for _, kind := range []error{
			livetranscode.ErrUnavailable, livetranscode.ErrBadResponse, livetranscode.ErrAuthentication, context.DeadlineExceeded,
		} {
			if errors.Is(err, kind) {
				return kind.Error()
			}
		}
	}
	return "untyped"
}
