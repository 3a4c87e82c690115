package interop

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
	"github.com/rs/zerolog"
)

var trouble = flag.Duration("network", 3*time.Second, "how long TestNetworkTrouble lasts")

// toxins are the troubles of the network, one after the other, as toxiproxy describes them.
var toxins = []string{
	`{"name":"t","type":"latency","attributes":{"latency":50,"jitter":50}}`,
	`{"name":"t","type":"latency","attributes":{"latency":2000,"jitter":1900}}`, // most attempts time out
	`{"name":"t","type":"slow_close","attributes":{"delay":300}}`,
	`{"name":"t","type":"reset_peer","attributes":{"timeout":20}}`,
	`{"name":"t","type":"reset_peer","stream":"upstream","attributes":{"timeout":20}}`,
	`{"name":"t","type":"bandwidth","attributes":{"rate":2}}`,
	`{"name":"t","type":"limit_data","attributes":{"bytes":700}}`, // somewhere in the second answer of a connection
	`{"name":"t","type":"limit_data","stream":"upstream","attributes":{"bytes":900}}`,
	`{"name":"t","type":"timeout","attributes":{"timeout":0}}`, // nothing comes back
}

// Between client and emulator stands a proxy that spoils the connection in every way it knows, while 64
// goroutines call. Every call ends in success or a typed error, and no job is submitted twice.
func TestNetworkTrouble(t *testing.T) {
	t.Parallel()
	zerolog.SetGlobalLevel(zerolog.Disabled) // the toxics log to a logger of their own
	emulator := livetranscodetest.NewServer()
	srv := httptest.NewServer(emulator)
	t.Cleanup(srv.Close)
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "p", "127.0.0.1:0", srv.Listener.Addr().String())
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	creds := emulator.Credentials()
	client, err := livetranscode.NewClient(
		livetranscode.WithEndpoint("http://"+proxy.Listen),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, "")),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{AttemptTimeout: 400 * time.Millisecond, BaseDelay: 5 * time.Millisecond, MaxDelay: 50 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	jobID := emulator.AddJob(livetranscode.Job{Status: livetranscode.JobStatusInProgress})

	var (
		stop      atomic.Bool
		callers   sync.WaitGroup
		mu        sync.Mutex
		submitted = map[string]error{} // by name
		tally     = map[string]int{}
	)
	for caller := range 64 {
		callers.Go(func() {
			for n := 0; !stop.Load(); n++ {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				name, kind := fmt.Sprintf("job-%d-%d-", caller, n), "Get"
				var err error
				if n%2 == 0 {
					kind = "Submit"
					_, err = client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
						Name: name, TemplateID: "template", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://in/app/key"},
					})
				} else {
					_, err = client.GetLiveTranscodeJob(ctx, jobID)
				}
				cancel()
				mu.Lock()
				if kind == "Submit" {
					submitted[name] = err
				}
				tally[kind+": "+outcome(err)]++
				mu.Unlock()
			}
		})
	}
	for _, toxin := range toxins {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxin)); err != nil {
			t.Fatal(toxin, err)
		}
		time.Sleep(*trouble / time.Duration(len(toxins))) // real time: the network is real
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := proxy.Toxics.RemoveToxic(ctx, "t"); err != nil {
			t.Fatal(toxin, err)
		}
		cancel()
	}
	stop.Store(true)
	callers.Wait()

	// When the trouble ends, calls succeed again: at the latest when broken connections are used up.
	client.CloseIdleConnections()
	for range 10 {
		if _, err := client.GetLiveTranscodeJob(t.Context(), jobID); err != nil {
			t.Errorf("after the trouble: %v", err)
		}
	}
	jobs := map[string]int{}
	for job, err := range emulator.Client().AllLiveTranscodeJobs(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		jobs[job.Name]++
	}
	for name, err := range submitted {
		switch n := jobs[name]; {
		case n > 1:
			t.Errorf("%s was submitted %d times; the call returned %v", name, n, err)
		case n == 0 && err == nil:
			t.Errorf("%s was not submitted, and the call succeeded", name)
		case n == 1 && err != nil && !errors.Is(err, livetranscode.ErrAmbiguous):
			t.Errorf("%s was submitted, and the call says that it was not: %v", name, err)
		}
	}
	for what, n := range tally {
		if strings.HasSuffix(what, "untyped") {
			t.Errorf("%s: %d", what, n)
		}
		t.Logf("%6d %s", n, what)
	}
	if len(submitted) < 100 || tally["Get: success"] == 0 || tally["Submit: ambiguous"] == 0 {
		t.Errorf("%d submits in all: too few, or too little trouble, to say anything", len(submitted))
	}
}

// outcome names how a call ended.
func outcome(err error) string {
	var api *livetranscode.APIError
	var call *livetranscode.CallError
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, livetranscode.ErrAmbiguous):
		return "ambiguous"
	case errors.As(err, &api), errors.As(err, &call):
		for _, kind := range []error{livetranscode.ErrUnavailable, livetranscode.ErrBadResponse, livetranscode.ErrAuthentication, context.DeadlineExceeded} {
			if errors.Is(err, kind) {
				return kind.Error()
			}
		}
	}
	return "untyped"
}
