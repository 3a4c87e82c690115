package livetranscode_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var ensureWorlds = flag.Int("ensure.worlds", 200, "how many random worlds TestEnsureNeverDuplicates tries")

// TestEnsureAfterAnAmbiguousCall checks that a call that waits for one whose Submit was ambiguous does not submit
// again.
func TestEnsureAfterAnAmbiguousCall(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   livetranscodetest.Fault
		visible time.Duration
		cancel  time.Duration // of the first call
		found   bool          // by the second
	}{
		"canceled in the Submit":   {livetranscodetest.Fault{Latency: 10 * time.Second}, 5 * time.Second, 5 * time.Second, true},
		"response lost, listed":    {livetranscodetest.Fault{DropResponse: true}, 10 * time.Second, 2 * time.Second, true},
		"response lost, not found": {livetranscodetest.Fault{DropResponse: true}, time.Hour, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(tt.visible))
				tt.fault.Operation = "SubmitLiveTranscodeJob"
				srv.Inject(tt.fault)
				client := srv.Client()
				first, cancel := context.WithTimeout(t.Context(), tt.cancel)
				defer cancel()
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := client.EnsureLiveTranscodeJob(first, ensureRequest("show")); !errors.Is(err, livetranscode.ErrAmbiguous) {
						t.Errorf("the first call returned %v", err)
					}
				})
				synctest.Wait()
				resp, err := client.EnsureLiveTranscodeJob(t.Context(), ensureRequest("show"))
				if (err == nil) != tt.found || err != nil && !errors.Is(err, livetranscode.ErrAmbiguous) {
					t.Errorf("the second call returned %+v, %v", resp, err)
				}
				wg.Wait()
				if n := jobsNamed(srv, "show"); n > 1 {
					t.Errorf("there are %d jobs", n)
				}
			})
		})
	}
}

// TestEnsureNeverDuplicates runs callers that lose responses, are killed, and return after the visibility delay.
func TestEnsureNeverDuplicates(t *testing.T) {
	t.Parallel()
	for seed := range uint64(*ensureWorlds) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			delay := time.Duration(r.IntN(20)) * time.Second
			srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(delay))
			operations := []string{"SubmitLiveTranscodeJob", "ListLiveTranscodeJobs", ""}
			for range r.IntN(6) {
				fault := livetranscodetest.Fault{Operation: operations[r.IntN(len(operations))], Times: 1 + r.IntN(3)}
				switch r.IntN(4) {
				case 0:
					fault.DropResponse = true
				case 1:
					fault.Code = []string{"InternalError", "Throttling.User", "ServiceUnavailable", "SystemBusy"}[r.IntN(4)]
				case 2:
					fault.Latency = time.Duration(r.IntN(40)) * time.Second
				case 3:
					fault.Code, fault.StatusCode = "FlowControl", 503
				}
				srv.Inject(fault)
			}
			client := srv.Client()
			for range 4 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+r.IntN(90))*time.Second)
				_, err := client.EnsureLiveTranscodeJob(ctx, ensureRequest("show"))
				cancel()
				if r.IntN(2) == 0 {
					client = srv.Client() // another process
				}
				if err != nil {
					time.Sleep(delay + time.Second)
				}
				if err == nil {
					time.Sleep(delay + time.Second)
				}
			}
			if n := jobsNamed(srv, "show"); n > 1 {
				t.Fatalf("seed %d: there are %d jobs of one name", seed, n)
			}
		})
	}
}

// TestEnsureDuplicates shows the duplicate that it cannot prevent: a second process that calls before the first job is
// listed.
func TestEnsureDuplicates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(10 * time.Second))
		for range 2 {
			if _, err := srv.Client().EnsureLiveTranscodeJob(t.Context(), ensureRequest("show")); err != nil {
				t.Fatal(err)
			}
		}
		if n := jobsNamed(srv, "show"); n != 2 {
			t.Errorf("there are %d jobs: if that is 1, the doc comment is too modest", n)
		}
	})
}
