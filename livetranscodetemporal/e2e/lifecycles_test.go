//go:build unix

package e2e

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var lifecycles = flag.Int("lifecycles", 1000, "number of jobs in TestLifecycles")

// TestLifecycles runs many jobs with a fleet, and reports what they cost. It is not parallel: the others wait for it.
func TestLifecycles(t *testing.T) {
	server, err := startServer(shared.path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.kill)
	w := newWorld(t, server, livetranscodetest.WithStartDelay(5*time.Second))
	var mu sync.Mutex
	requests := make(map[string]int)
	w.before = func(operation string) {
		mu.Lock()
		defer mu.Unlock()
		requests[operation]++
	}
	w.startWorker()
	w.startFleet()
	began := time.Now()
	runs := make([]client.WorkflowRun, *lifecycles)
	var group errgroup.Group
	group.SetLimit(20)
	for i := range runs {
		group.Go(func() (err error) {
			spec := livetranscodetemporal.JobSpec{Name: fmt.Sprint("job-", i), Live: 30 * time.Second, ByFleet: true}
			runs[i], err = livetranscodetemporal.StartJob(t.Context(), w.temporal, taskQueue, spec)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	started := time.Since(began)
	for _, run := range runs {
		if result, err := w.result(run, 15*time.Minute); err != nil || !result.StoppedByUs || result.LiveAt.IsZero() {
			t.Errorf("%s: result %+v, %v; want stopped by us", run.GetID(), result, err)
		}
	}
	t.Logf("%d lifecycles: all started after %v, all ended after %v", len(runs), started.Round(time.Second), time.Since(began).Round(time.Second))

	mu.Lock()
	defer mu.Unlock()
	total := 0
	for _, operation := range slices.Sorted(maps.Keys(requests)) {
		t.Logf("%6d %s", requests[operation], operation)
		total += requests[operation]
	}
	signals, events := w.countSignals()
	t.Logf("%d requests, %d signals of the fleet, %d events in histories", total, signals, events)
	names := make(map[string]bool)
	for _, job := range w.Jobs() {
		if names[job.Name] || !job.Status.Final() {
			t.Errorf("job %v is a duplicate, or runs", job)
		}
		names[job.Name] = true
	}
	if n := len(runs); len(names) != n || requests[opSubmit] != n || requests[opStop] != n {
		t.Errorf("%d jobs, %d Submits, %d Stops; want %d of each", len(names), requests[opSubmit], requests[opStop], n)
	}
	if signals < len(runs) || signals > 4*len(runs) { // the last change often comes after the end of the workflow
		t.Errorf("%d signals, want 1 to 4 for each job", signals)
	}
}

// countSignals returns the number of signals, and of events, in all histories.
func (w *world) countSignals() (signals, events int) {
	for _, runs := range w.histories() {
		for _, h := range runs {
			for _, event := range h.GetEvents() {
				events++
				if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
					signals++
				}
			}
		}
	}
	return signals, events
}
