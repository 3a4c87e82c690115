package livetranscodetemporal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/livetranscode/livetranscode-go"
)

var (
	byFleet     = JobSpec{Name: "match", Live: time.Hour, ByFleet: true}
	readAlways  = readRequest{JobID: "job-1"}
	unlessFleet = readRequest{JobID: "job-1", UnlessFleet: true}
)

func newFleetTest(t *testing.T) *workflowTest {
	t.Helper()
	w := newWorkflowTest(t, WorkflowID("match"))
	w.on(ActivitySubmit, byFleet, 10*time.Second, created, nil).Once()
	w.on(ActivityStop, stopByID, 5*time.Second, stopped, nil)
	return w
}

func (w *workflowTest) signalAt(d time.Duration, news change) {
	w.at(d, func() { w.SignalWorkflow(signalChange, news) })
}

// TestRunJobByFleet: signals of a fleet drive the workflow, also those that come before Submit has returned.
func TestRunJobByFleet(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		signals map[time.Duration]change
		live    time.Duration // 0: never
		ended   time.Duration
		stopped bool
		kind    string
	}{
		{
			name:    "live after Submit",
			signals: map[time.Duration]change{20 * time.Second: {Job: notStarted}, 30 * time.Second: {Job: inProgress}},
			live:    30 * time.Second, ended: time.Hour + 35*time.Second, stopped: true,
		},
		{
			name:    "live before Submit has returned",
			signals: map[time.Duration]change{5 * time.Second: {Job: inProgress}},
			live:    10 * time.Second, ended: time.Hour + 15*time.Second, stopped: true,
		},
		{
			name:    "ended",
			signals: map[time.Duration]change{20 * time.Second: {Job: inProgress}, 10 * time.Minute: {Job: stopped}},
			live:    20 * time.Second, ended: 10 * time.Minute,
		},
		{
			name:    "ended before Submit has returned",
			signals: map[time.Duration]change{5 * time.Second: {Job: inProgress}, 6 * time.Second: {Job: stopped}},
			live:    10 * time.Second, ended: 10 * time.Second,
		},
		{
			name: "an older state comes later",
			signals: map[time.Duration]change{
				20 * time.Second: {Job: inProgress}, 21 * time.Second: {Job: notStarted}, 22 * time.Second: {Job: inProgress},
			},
			live: 20 * time.Second, ended: time.Hour + 25*time.Second, stopped: true,
		},
		{
			name: "another job of the name",
			signals: map[time.Duration]change{
				20 * time.Second: {Job: &livetranscode.Job{Name: "match", JobID: "job-2", Status: livetranscode.JobStatusStopped}},
				21 * time.Second: {GoneJobID: "job-2"},
				30 * time.Second: {Job: inProgress},
			},
			live: 30 * time.Second, ended: time.Hour + 35*time.Second, stopped: true,
		},
		{name: "never live", signals: map[time.Duration]change{20 * time.Second: {Job: stopped}}, kind: "job_stopped"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newFleetTest(t)
			w.on(activityReadJob, unlessFleet, time.Second, readResult{}, nil) // a fleet runs
			for at, news := range test.signals {
				w.signalAt(at, news)
			}
			w.at(21500*time.Millisecond, func() {
				if got := w.state().Status; strings.HasPrefix(test.name, "an older state") && got != livetranscode.JobStatusInProgress {
					t.Errorf("state %v, want in progress", got)
				}
			})
			result, err := w.result(byFleet)
			checkKind(t, err, test.kind)
			if err != nil {
				return
			}
			if live, ended := w.after(result.LiveAt), w.after(result.EndedAt); live != test.live || ended != test.ended {
				t.Errorf("live after %v, ended after %v; want %v and %v", live, ended, test.live, test.ended)
			}
			if result.StoppedByUs != test.stopped {
				t.Errorf("StoppedByUs is %t, want %t", result.StoppedByUs, test.stopped)
			}
			if strings.Contains(w.logs.String(), "no fleet is running") {
				t.Errorf("a log record says that no fleet is running:\n%s", &w.logs)
			}
		})
	}
}

func TestRunJobDeletedByFleet(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, WorkflowID("match"))
	w.on(ActivitySubmit, byFleet, time.Second, created, nil)
	w.on(ActivityStop, stopByID, 30*time.Second, noJob, nil).Once()
	w.signalAt(20*time.Second, change{Job: inProgress})
	w.signalAt(30*time.Second, change{GoneJobID: "job-1"})
	_, err := w.result(byFleet)
	checkKind(t, err, "not_found")
	w.AssertExpectations(t)
}

// TestRunJobWithoutFleet: a workflow whose fleet does not run polls its job every 15 minutes, and logs it.
func TestRunJobWithoutFleet(t *testing.T) {
	t.Parallel()
	w := newFleetTest(t)
	var polls []time.Duration
	w.on(activityReadJob, unlessFleet, 0, readResult{Job: notStarted, NoFleet: true}, nil).Times(2)
	w.on(activityReadJob, unlessFleet, 0, readResult{Job: inProgress, NoFleet: true}, nil)
	w.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name == activityReadJob {
			polls = append(polls, w.after(w.Now()))
		}
	})
	result, err := w.result(byFleet)
	if err != nil {
		t.Fatal(err)
	}
	if live := w.after(result.LiveAt); live != 45*time.Minute+10*time.Second {
		t.Errorf("live after %v, want 45m10s", live)
	}
	for i, at := range polls {
		if want := time.Duration(i+1)*fleetTimeout + 10*time.Second; at != want {
			t.Errorf("poll %d after %v, want %v", i+1, at, want)
		}
	}
	if len(polls) < 6 || strings.Count(w.logs.String(), "level=WARN") != len(polls) {
		t.Errorf("%d polls; want at least 6, with a warning each:\n%s", len(polls), &w.logs)
	}
}

// TestRunJobUnseen: a workflow whose job the fleet does not see reads it.
func TestRunJobUnseen(t *testing.T) {
	t.Parallel()
	w := newFleetTest(t)
	w.on(activityReadJob, readAlways, time.Second, readResult{Job: stopped}, nil).Once()
	w.signalAt(20*time.Second, change{Job: inProgress})
	w.signalAt(time.Minute, change{})
	result, err := w.result(byFleet)
	if err != nil || result.StoppedByUs || w.after(result.EndedAt) != 61*time.Second {
		t.Errorf("result %+v, %v; want ended by itself after 1m1s", result, err)
	}
}

// TestRunJobContinuesAsNew: signals that have arrived are not lost, and the new run submits nothing.
func TestRunJobContinuesAsNew(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		news *change // arrives with the Submit's response
		stop bool
		kind string // how the workflow ends instead of continuing
	}{
		{name: "no signal"},
		{name: "live", news: &change{Job: inProgress}},
		{name: "ended", news: &change{Job: stopped}, kind: "job_stopped"},
		{name: "gone", news: &change{GoneJobID: "job-1"}, kind: "not_found"},
		{name: "StopJob", stop: true},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkflowTest(t, WorkflowID("match"))
			w.on(ActivitySubmit, byFleet, 10*time.Second, created, nil).Once()
			w.on(ActivityStop, stopByID, time.Second, noJob, nil)
			w.on(ActivityStop, stopByName, time.Second, stopped, nil)
			w.SetContinueAsNewSuggested(true)
			if test.news != nil {
				w.signalAt(5*time.Second, *test.news)
			}
			if test.stop {
				w.at(10*time.Second, func() { w.SignalWorkflow(signalStop, nil) })
			}
			_, err := w.result(byFleet)
			var again *workflow.ContinueAsNewError
			if continues := errors.As(err, &again); continues == (test.kind != "" || test.stop) {
				t.Fatalf("error %v; want kind %q", err, test.kind)
			}
			if again == nil {
				checkKind(t, err, test.kind)
				return
			}
			next := newWorkflowTest(t, WorkflowID("match"))
			next.on(ActivityStop, stopByID, time.Second, stopped, nil)
			next.on(activityReadJob, unlessFleet, time.Second, readResult{}, nil)
			next.signalAt(time.Minute, change{Job: inProgress})
			var spec JobSpec
			var from progress
			if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &spec, &from); err != nil {
				t.Fatal(err)
			}
			next.ExecuteWorkflow(workflowRunJob, spec, from)
			var result JobResult
			if err := next.GetWorkflowResult(&result); err != nil || !result.StoppedByUs || result.JobID != "job-1" {
				t.Errorf("result %+v, %v; want job-1, stopped by us", result, err)
			}
			if test.news != nil && !result.LiveAt.Equal(from.LiveAt) {
				t.Errorf("live at %v, want that of the first run, %v", result.LiveAt, from.LiveAt)
			}
		})
	}
}

// TestRunJobStoppedBeforeItContinues: a StopJob that has arrived before the workflow continues as new is not lost.
func TestRunJobStoppedBeforeItContinues(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, WorkflowID("match"))
	w.on(ActivityStop, stopByID, time.Second, stopped, nil).Once()
	w.SetContinueAsNewSuggested(true)
	w.at(0, func() { w.SignalWorkflow(signalStop, nil) })
	w.ExecuteWorkflow(workflowRunJob, byFleet, progress{Job: inProgress, LiveAt: w.start})
	var result JobResult
	if err := w.GetWorkflowResult(&result); err != nil || !result.StoppedByUs {
		t.Errorf("result %+v, %v; want stopped by us", result, err)
	}
}

// TestRunJobCanceledBeforeItContinues: a cancellation that arrives before the workflow continues as new is not lost.
func TestRunJobCanceledBeforeItContinues(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, WorkflowID("match"))
	w.on(ActivityStop, stopByID, time.Second, stopped, nil).Once()
	w.SetContinueAsNewSuggested(true)
	w.at(0, w.CancelWorkflow)
	w.ExecuteWorkflow(workflowRunJob, byFleet, progress{Job: inProgress, LiveAt: w.start})
	if err := w.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("error %v, want canceled", err)
	}
	w.AssertExpectations(t)
}

// TestRunJobEndedBeforeItContinues: a workflow that would continue as new ends at once if its job has ended.
func TestRunJobEndedBeforeItContinues(t *testing.T) {
	t.Parallel()
	w := newFleetTest(t)
	w.SetContinueAsNewSuggested(true)
	w.signalAt(5*time.Second, change{Job: inProgress})
	w.signalAt(6*time.Second, change{Job: stopped})
	result, err := w.result(byFleet)
	if ended := w.after(result.EndedAt); err != nil || result.StoppedByUs || ended != 10*time.Second {
		t.Errorf("result %+v, %v, ended after %v; want ended by itself after 10s", result, err, ended)
	}
}

// TestRunJobBadSignal: a signal that cannot be decoded is ignored, and blocks nothing.
func TestRunJobBadSignal(t *testing.T) {
	t.Parallel()
	w := newFleetTest(t)
	w.on(activityReadJob, unlessFleet, time.Second, readResult{}, nil)
	w.at(20*time.Second, func() { w.SignalWorkflow(signalChange, "not a change") })
	w.signalAt(30*time.Second, change{Job: inProgress})
	w.at(10*time.Minute, func() { w.SignalWorkflow(signalChange, "not a change") })
	w.at(20*time.Hour, func() { w.SignalWorkflow(signalStop, nil) })
	result, err := w.result(byFleet)
	if ended := w.after(result.EndedAt); err != nil || ended != time.Hour+35*time.Second {
		t.Errorf("ended after %v, %v; want 1h0m35s", ended, err)
	}
}
