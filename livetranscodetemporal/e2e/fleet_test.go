//go:build unix

package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// byFleet is a job without an end, whose changes a fleet reports.
var byFleet = livetranscodetemporal.JobSpec{Name: "match", ByFleet: true}

// TestFleet is a job that a fleet watches. A second fleet is refused.
func TestFleet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared, livetranscodetest.WithStartDelay(15*time.Second))
	w.startWorker()
	w.startFleet()
	_, err := livetranscodetemporal.StartFleet(t.Context(), w.temporal, taskQueue)
	if started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); !errors.As(err, &started) || !strings.Contains(err.Error(), "the fleet is already running") {
		t.Errorf("second fleet: %v, want it refused", err)
	}
	w.await("List", time.Minute, func() bool { return w.count(opList) > 2 })
	spec := byFleet
	spec.Live = 5 * time.Second
	run := w.start(spec)
	w.awaitState("match", livetranscode.JobStatusInProgress, 2*time.Minute)
	if result, err := w.result(run, time.Minute); err != nil || !result.StoppedByUs {
		t.Errorf("result %+v, %v; want stopped by us", result, err)
	}
	w.checkOnce(1)
	w.cancelFleet()
}

// cancelFleet ends the fleet.
func (w *world) cancelFleet() {
	w.t.Helper()
	if err := w.temporal.CancelWorkflow(w.t.Context(), livetranscodetemporal.FleetID, ""); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.temporal.GetWorkflow(ctx, livetranscodetemporal.FleetID, "").Get(ctx, nil); err == nil || ctx.Err() != nil {
		w.t.Errorf("the canceled fleet: %v", err)
	}
}

// TestFleetKilledInSweep: the worker is killed in the middle of a sweep, and the job ends while no worker runs.
func TestFleetKilledInSweep(t *testing.T) {
	t.Parallel()
	for name, deleted := range map[string]bool{"stopped": false, "deleted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shared)
			first := w.startWorker()
			w.startFleet()
			run := w.start(byFleet)
			w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
			killed := make(chan time.Time)
			w.once(&w.before, opList, func() {
				w.kill(first)
				killed <- time.Now()
			})
			at := <-killed
			if id := w.only().JobID; deleted {
				w.RemoveJob(id)
			} else {
				w.SetStatus(id, livetranscode.JobStatusStopped)
			}
			w.startWorker()
			result, err := w.result(run, 3*time.Minute)
			if deleted { // known only when it has not been found for 30 s, by a read and by a Stop
				w.checkKind(err, "not_found")
				return
			}
			if err != nil || result.StoppedByUs {
				t.Errorf("result %+v, %v; want not stopped by us", result, err)
			}
			if after := result.EndedAt.Sub(at); after > takeover+15*time.Second {
				t.Errorf("known %v after the kill, want at most %v and a sweep", after, takeover)
			}
		})
	}
}

// TestFleetKilledBeforeSignal: the worker is killed between an event and its signal.
func TestFleetKilledBeforeSignal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		on   string // what the signal contains
		from time.Duration
	}{
		"live":    {on: `"Status":1`, from: 20 * time.Second},
		"stopped": {on: `"Status":2`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shared, livetranscodetest.WithStartDelay(test.from))
			w.config.KillOnSignal = test.on
			first := w.startWorker()
			w.startFleet()
			run := w.start(byFleet)
			if name == "stopped" {
				w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
				w.SetStatus(w.only().JobID, livetranscode.JobStatusStopped)
			}
			_ = first.Wait() // it kills itself
			killed := time.Now()
			w.config.KillOnSignal = ""
			w.startWorker()
			var after time.Duration
			if name == "live" {
				w.awaitState("match", livetranscode.JobStatusInProgress, 2*time.Minute)
				after = time.Since(killed)
				if err := livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); err != nil {
					t.Fatal(err)
				}
			}
			result, err := w.result(run, 2*time.Minute)
			if err != nil || result.StoppedByUs != (name == "live") {
				t.Errorf("result %+v, %v", result, err)
			}
			if name == "stopped" {
				after = result.EndedAt.Sub(killed)
			}
			if after > takeover+15*time.Second {
				t.Errorf("known %v after the kill, want at most %v and a sweep", after, takeover)
			}
		})
	}
}

// TestContinuesAsNew: the history of a workflow that gets many signals does not grow without end, and nothing is
// submitted, stopped or forgotten in between.
func TestContinuesAsNew(t *testing.T) {
	t.Parallel()
	server, err := startServer(shared.path, "", "--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.kill)
	w := newWorld(t, server)
	w.startWorker()
	w.startFleet()
	run := w.start(byFleet)
	w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
	for range 60 { // changes of another job with the name
		other := map[string]any{"Job": livetranscode.Job{Name: "match", JobID: "other", Status: livetranscode.JobStatusStopped}}
		if err := w.temporal.SignalWorkflow(t.Context(), run.GetID(), "", "livetranscode.change", other); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
	if err := livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); err != nil {
		t.Fatal(err)
	}
	if result, err := w.result(run, time.Minute); err != nil || !result.StoppedByUs || result.LiveAt.IsZero() {
		t.Errorf("result %+v, %v; want stopped by us, after it was live", result, err)
	}
	w.checkOnce(1)
	if runs := w.histories()[run.GetID()]; len(runs) < 2 {
		t.Errorf("%d runs, want several", len(runs))
	}
}
