//go:build unix

package e2e

import (
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestServerKilled: the server is killed for 5 s after a request was executed and before its response, so that the
// worker cannot report what it has done.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	for name, operation := range map[string]string{"Submit": opSubmit, "wait": opGet, "Stop": opStop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := startServer(shared.path, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.kill() })
			w := newWorld(t, server)
			w.startWorker()
			restarted := make(chan struct{})
			w.once(&w.after, operation, func() {
				server.kill()
				go func() {
					defer close(restarted)
					time.Sleep(5 * time.Second)
					if err := server.start(); err != nil {
						t.Error(err)
					}
				}()
			})
			run := w.start(match)
			<-restarted
			if result, err := w.result(run, submitTimeout+time.Minute); err != nil || !result.StoppedByUs {
				t.Errorf("result %+v, %v; want stopped by us", result, err)
			}
			w.checkOnce(1)
		})
	}
}

// TestRestored: the service refuses all requests, or some, for 100 s: before the Submit, and while the job is live.
func TestRestored(t *testing.T) {
	t.Parallel()
	always := func(w *world, f livetranscodetest.Fault) {
		f.Times = -1
		w.Inject(f)
	}
	cases := map[string]struct{ begin, end func(w *world) }{
		"throttled": {
			begin: func(w *world) {
				always(w, livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 20 * time.Second})
			},
			end: func(w *world) { w.ClearFaults() },
		},
		"permission withdrawn": {
			begin: func(w *world) { always(w, livetranscodetest.Fault{Code: "Forbidden.RAM"}) },
			end:   func(w *world) { w.ClearFaults() },
		},
		"key revoked": {
			begin: func(w *world) { w.SetCredentials() },
			end: func(w *world) {
				key := w.config.Credentials
				w.SetCredentials(livetranscode.Credentials{AccessKeyID: key[0], AccessKeySecret: key[1], SecurityToken: key[2]})
			},
		},
		"List forbidden": {
			begin: func(w *world) { always(w, livetranscodetest.Fault{Operation: opList, Code: "Forbidden.RAM"}) },
			end:   func(w *world) { w.ClearFaults() },
		},
	}
	for name, fault := range cases {
		for phase, live := range map[string]bool{"before the Submit": false, "live": true} {
			t.Run(name+" "+phase, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, shared)
				w.startWorker()
				spec := untilStopped
				spec.ByFleet = name == "List forbidden"
				if spec.ByFleet {
					w.startFleet()
				}
				if !live {
					fault.begin(w)
				}
				run := w.start(spec)
				if live {
					w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
					fault.begin(w)
				}
				time.Sleep(100 * time.Second)
				if n := len(w.Jobs()); live != (n == 1) {
					t.Errorf("%d jobs during the fault", n)
				}
				fault.end(w)
				w.awaitState("match", livetranscode.JobStatusInProgress, 3*time.Minute)
				w.SetStatus(w.only().JobID, livetranscode.JobStatusStopped)
				if result, err := w.result(run, 3*time.Minute); err != nil || result.StoppedByUs {
					t.Errorf("result %+v, %v; want ended by itself", result, err)
				}
				w.checkOnce(0)
			})
		}
	}
}

// TestStopRestored: a Stop that the service refuses is retried until it is allowed.
func TestStopRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.startWorker()
	run := w.start(untilStopped)
	w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
	w.Inject(livetranscodetest.Fault{Operation: opStop, Code: "Forbidden.RAM", Times: -1})
	if err := livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Second)
	w.ClearFaults()
	if result, err := w.result(run, 2*time.Minute); err != nil || !result.StoppedByUs {
		t.Errorf("result %+v, %v; want stopped by us", result, err)
	}
	w.checkOnce(1)
}
