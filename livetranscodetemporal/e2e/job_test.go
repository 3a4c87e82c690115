//go:build unix

package e2e

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const (
	opSubmit = "SubmitLiveTranscodeJob"
	opList   = "ListLiveTranscodeJobs"
	opGet    = "GetLiveTranscodeJob"
	opStop   = "SendLiveTranscodeJobCommand"

	// takeover is the heartbeat timeout, and time for the rest on a busy machine.
	takeover = 30*time.Second + 15*time.Second
	// submitTimeout is the StartToCloseTimeout of Submit, the search before the second Submit, and time for the rest.
	submitTimeout = 2*time.Minute + 30*time.Second + 30*time.Second
)

var match = livetranscodetemporal.JobSpec{Name: "match", Live: 5 * time.Second, Args: map[string]string{"channel": "one"}}

// untilStopped is match without an end.
var untilStopped = livetranscodetemporal.JobSpec{Name: "match"}

// TestLifecycle is a job without faults. The name is then used, and JobState shows no stream key.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared, livetranscodetest.WithStartDelay(3*time.Second))
	w.startWorker()
	run := w.start(match)
	w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
	_, err := livetranscodetemporal.StartJob(t.Context(), w.temporal, taskQueue, match)
	if started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); !errors.As(err, &started) || !strings.Contains(err.Error(), "match") {
		t.Errorf("second start: %v, want it refused", err)
	}
	result, err := w.result(run, time.Minute)
	if err != nil || !result.StoppedByUs || result.JobID != w.only().JobID {
		t.Errorf("result %+v, %v; want stopped by us", result, err)
	}
	if live := result.EndedAt.Sub(result.LiveAt); live < match.Live || live > match.Live+15*time.Second {
		t.Errorf("it was live for %v, want %v", live, match.Live)
	}
	w.checkOnce(1)
	job, err := livetranscodetemporal.JobState(t.Context(), w.temporal, "match")
	if err != nil || !job.Status.Final() || !strings.HasPrefix(job.StreamInput.InputURL, "rtmp://push.example.com/live/") ||
		strings.Contains(job.StreamInput.InputURL, streamKey) {
		t.Errorf("state %+v, %v; want it stopped, with a redacted URL", job, err)
	}
	if _, err = livetranscodetemporal.StartJob(t.Context(), w.temporal, taskQueue, match); err == nil {
		t.Error("the name of a job that has ended was used again")
	}
	var notFound *serviceerror.NotFound
	if err = livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); !errors.As(err, &notFound) {
		t.Errorf("StopJob of a job that has ended: %v, want not found", err)
	}
}

// TestKilledAfterSubmit: the worker is killed after the service has executed the Submit and before it responds, and the
// job is listed late.
func TestKilledAfterSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared, livetranscodetest.WithVisibilityDelay(20*time.Second))
	first := w.startWorker()
	w.once(&w.after, opSubmit, func() { w.kill(first) })
	run := w.start(match)
	w.await("Submit", time.Minute, func() bool { return w.count(opSubmit) > 0 })
	w.startWorker()
	result, err := w.result(run, submitTimeout+time.Minute)
	if err != nil || result.JobID != w.only().JobID {
		t.Errorf("result %+v, %v; want the job that was submitted", result, err)
	}
	w.checkOnce(1)
}

// TestResponseLost: the response of the Submit is lost, and the job is listed late.
func TestResponseLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared, livetranscodetest.WithVisibilityDelay(20*time.Second))
	w.Inject(livetranscodetest.Fault{Operation: opSubmit, DropResponse: true})
	w.startWorker()
	if result, err := w.result(w.start(match), 2*time.Minute); err != nil || result.JobID != w.only().JobID {
		t.Errorf("result %+v, %v; want the job that was submitted", result, err)
	}
	if n := len(w.Jobs()); n != 1 {
		t.Errorf("%d jobs, want one", n)
	}
}

// TestFrozenBeforeSubmit: the worker is frozen between looking for the name and the Submit, is replaced, and continues.
func TestFrozenBeforeSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	first := w.startWorker()
	var frozen time.Time
	w.once(&w.after, opList, func() {
		if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
		frozen = time.Now()
	})
	run := w.start(untilStopped)
	w.await("List", time.Minute, func() bool { return w.count(opList) > 0 })
	w.startWorker()
	w.await("Submit by the second worker", submitTimeout, func() bool { return w.count(opSubmit) > 0 })
	if after := time.Since(frozen); after < 2*time.Minute {
		t.Errorf("a Submit %v after the freeze, want none before the timeout of the first attempt", after)
	}
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
	time.Sleep(10 * time.Second) // for the first worker to do what it should not
	if err := livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.result(run, time.Minute); err != nil {
		t.Error(err)
	}
	w.checkOnce(1)
}

// TestKilledInWait: the worker is killed while it waits, and the job changes while no worker runs.
func TestKilledInWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared, livetranscodetest.WithStartDelay(time.Hour))
	first := w.startWorker()
	run := w.start(match)
	w.awaitState("match", livetranscode.JobStatusUnknown, time.Minute)
	w.await("Get", time.Minute, func() bool { return w.count(opGet) > 0 })
	w.kill(first)
	killed := time.Now()
	w.SetStatus(w.only().JobID, livetranscode.JobStatusInProgress)
	w.startWorker()
	result, err := w.result(run, 2*time.Minute)
	if err != nil || !result.StoppedByUs {
		t.Errorf("result %+v, %v; want stopped by us", result, err)
	}
	if after := result.LiveAt.Sub(killed); after > takeover {
		t.Errorf("known to be live %v after the kill, want at most %v", after, takeover)
	}
	w.checkOnce(1)
}

// TestEndedWithoutWorker: the job is stopped, or deleted, while no worker runs.
func TestEndedWithoutWorker(t *testing.T) {
	t.Parallel()
	for name, deleted := range map[string]bool{"stopped": false, "deleted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shared)
			first := w.startWorker()
			run := w.start(untilStopped)
			w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
			w.kill(first)
			id := w.only().JobID
			if deleted {
				w.RemoveJob(id)
			} else {
				w.SetStatus(id, livetranscode.JobStatusStopped)
			}
			w.startWorker()
			result, err := w.result(run, takeover+2*time.Minute)
			switch {
			case deleted:
				w.checkKind(err, "not_found")
			case err != nil || result.StoppedByUs || result.JobID != id:
				t.Errorf("result %+v, %v; want %s, not stopped by us", result, err, id)
			}
		})
	}
}

// TestCanceled: the Stop is sent and confirmed, also if the Submit was under way.
func TestCanceled(t *testing.T) {
	t.Parallel()
	t.Run("while it is live", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, shared)
		w.startWorker()
		run := w.start(untilStopped)
		w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
		w.cancelAndCheck(run.GetID(), run.GetRunID())
	})
	t.Run("during the Submit", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, shared)
		w.startWorker()
		run := w.startDuringSubmit()
		w.cancelAndCheck(run.GetID(), run.GetRunID())
	})
	t.Run("StopJob during the Submit", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, shared)
		w.startWorker()
		run := w.startDuringSubmit()
		if err := livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); err != nil {
			t.Fatal(err)
		}
		if result, err := w.result(run, time.Minute); err != nil || !result.StoppedByUs {
			t.Errorf("result %+v, %v; want stopped by us", result, err)
		}
		w.checkOnce(1)
	})
}

// startDuringSubmit starts a workflow and returns while its Submit, which takes 5 s, is in flight.
func (w *world) startDuringSubmit() client.WorkflowRun {
	w.t.Helper()
	submitted := make(chan struct{})
	w.once(&w.before, opSubmit, func() {
		close(submitted)
		time.Sleep(5 * time.Second)
	})
	run := w.start(untilStopped)
	<-submitted
	return run
}

// cancelAndCheck cancels a workflow and checks that it stops the job.
func (w *world) cancelAndCheck(id, run string) {
	w.t.Helper()
	if err := w.temporal.CancelWorkflow(w.t.Context(), id, run); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.result(w.temporal.GetWorkflow(w.t.Context(), id, run), time.Minute); !temporal.IsCanceledError(err) {
		w.t.Errorf("error %v, want canceled", err)
	}
	w.checkOnce(1)
}

// TestRefusedRead: a poll that the service refuses once neither ends the workflow nor stops its job.
func TestRefusedRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared, livetranscodetest.WithStartDelay(time.Hour))
	w.startWorker()
	run := w.start(match)
	w.await("Get", time.Minute, func() bool { return w.count(opGet) > 0 })
	w.Inject(livetranscodetest.Fault{Operation: opGet, Code: "InvalidParameter"})
	polls := w.count(opGet)
	w.await("another Get", 3*time.Minute, func() bool { return w.count(opGet) > polls+1 })
	if n := w.count(opStop); n != 0 {
		t.Errorf("%d Stops", n)
	}
	if err := livetranscodetemporal.StopJob(t.Context(), w.temporal, "match"); err != nil {
		t.Fatal(err)
	}
	if result, err := w.result(run, 2*time.Minute); err != nil || !result.StoppedByUs {
		t.Errorf("result %+v, %v; want stopped by us", result, err)
	}
	w.checkOnce(1)
}

// TestTerminated: a terminated workflow leaves its job running, and JobsWithoutWorkflow finds it.
func TestTerminated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.startWorker()
	run := w.start(untilStopped)
	w.awaitState("match", livetranscode.JobStatusInProgress, time.Minute)
	orphans := func() (names []string) {
		for job, err := range livetranscodetemporal.JobsWithoutWorkflow(t.Context(), w.service, w.temporal) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, job.Name)
		}
		return names
	}
	if got := orphans(); len(got) != 0 {
		t.Errorf("jobs without a workflow: %q, want none while it runs", got)
	}
	if err := w.temporal.TerminateWorkflow(t.Context(), run.GetID(), "", "test"); err != nil {
		t.Fatal(err)
	}
	if got := orphans(); len(got) != 1 || got[0] != "match" {
		t.Errorf("jobs without a workflow: %q, want match", got)
	}
}
