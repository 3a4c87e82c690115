package livetranscodetemporal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A fleet is the activities of a fleet, an emulator and a fake of Temporal.
type fleet struct {
	*fleetActivities
	*livetranscodetest.Server
	temporal *fakeClient
}

func newFleet(running ...string) *fleet {
	srv, temporal := livetranscodetest.NewServer(), &fakeClient{running: running}
	return &fleet{
		fleetActivities: &fleetActivities{client: srv.Client(), temporal: temporal, period: 9 * time.Minute},
		Server:          srv, temporal: temporal,
	}
}

func (f *fleet) add(name string, status livetranscode.JobStatus) string {
	return f.AddJob(livetranscode.Job{
		Name: name, Status: status, StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://push.example.com/live/" + streamKey},
	})
}

// watch runs WatchAll for its period, shorter than the 10 minutes of the test environment, and calls steps at times
// since the start.
func (f *fleet) watch(t *testing.T, steps map[time.Duration]func()) error {
	t.Helper()
	for at, step := range steps {
		time.AfterFunc(at, step)
	}
	_, err := f.activityEnvironment().ExecuteActivity(activityWatchAll)
	return err
}

func (f *fleet) activityEnvironment() *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(discard)
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(24 * time.Hour)
	env.RegisterActivityWithOptions(f.fleetActivities, prefixed)
	return env
}

// text describes the signals: name, status or what else.
func text(signals []signaled) (texts []string) {
	for _, s := range signals {
		switch {
		case s.news.GoneJobID != "":
			texts = append(texts, s.name+" gone")
		case s.news.Job == nil:
			texts = append(texts, s.name+" unseen")
		default:
			texts = append(texts, s.name+" "+s.news.Job.Status.String())
		}
	}
	return texts
}

func TestWatchAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("match", "news", "ended before", "late")
		match := f.add("match", livetranscode.JobStatusNotStarted)
		news := f.add("news", livetranscode.JobStatusInProgress)
		f.add("ended before", livetranscode.JobStatusStopped)
		f.add("of someone else", livetranscode.JobStatusInProgress)
		err := f.watch(t, map[time.Duration]func(){
			time.Minute:     func() { f.SetStatus(match, livetranscode.JobStatusInProgress) },
			2 * time.Minute: func() { f.RemoveJob(news) },
			5 * time.Minute: func() { f.SetStatus(match, livetranscode.JobStatusStopped) },
			6 * time.Minute: func() { f.add("late", livetranscode.JobStatusNotStarted) },
		})
		if err != nil {
			t.Fatalf("error %v, want none after the period", err)
		}
		got := f.temporal.signaled()
		want := []string{
			"ended before unseen", "late not started", "late unseen", "match in progress", "match not started", "match stopped",
			"news gone", "news in progress",
		}
		texts := text(got)
		if slices.Sort(texts); !slices.Equal(texts, want) {
			t.Errorf("signals %q, want %q", texts, want)
		}
		for _, s := range got {
			if s.news.Job != nil && strings.Contains(s.news.Job.StreamInput.InputURL, streamKey) {
				t.Errorf("a signal has the stream key: %+v", s)
			}
		}
	})
}

// TestReconcileLoop: a workflow whose job has ended is asked every 15 minutes to read it, but not at first if it
// started after the watch.
func TestReconcileLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("match", "ended before", "young")
		f.add("match", livetranscode.JobStatusInProgress)
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
		defer cancel()
		watcher := f.client.NewWatcher()
		watcher.AddAll(livetranscode.JobFilter{})
		go f.reconcileLoop(ctx, watcher, time.Now())
		for _, err := range watcher.Events(ctx) {
			if err != nil {
				break
			}
		}
		if got := text(f.temporal.signaled()); !slices.Equal(got, []string{
			"ended before unseen", "ended before unseen", "young unseen", "ended before unseen", "young unseen",
		}) {
			t.Errorf("signals %q, want three to the old workflow whose job has ended, and two to the young one", got)
		}
	})
}

// TestWatchAllRequests: sweeps of 1,000 jobs cost pages, not Gets.
func TestWatchAllRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		for i := range 1000 {
			name := fmt.Sprint("job-", i)
			f.add(name, livetranscode.JobStatusInProgress)
			f.temporal.running = append(f.temporal.running, name)
		}
		if err := f.watch(t, nil); err != nil {
			t.Fatal(err)
		}
		sweeps := 0 // each reads the last page of jobs in progress
		calls := f.Calls()
		for _, call := range calls {
			if call.Query.Get("PageNo") == "10" && call.Query.Get("Status") == "1" {
				sweeps++
			}
		}
		if sweeps < 15 || len(calls) > 13*sweeps {
			t.Errorf("%d requests in %d sweeps, want at most 13 a sweep", len(calls), sweeps)
		}
		for _, call := range calls {
			if call.Operation != "ListLiveTranscodeJobs" {
				t.Errorf("request %s", call.Operation)
			}
		}
		if got := f.temporal.signaled(); len(got) != 1000 {
			t.Errorf("%d signals, want one a job", len(got))
		}
	})
}

// TestWatchAllFails lists what ends the activity, which is then started again.
func TestWatchAllFails(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		setup func(f *fleet)
		kind  string
		want  error
	}{
		{name: "List is forbidden", kind: "forbidden", setup: func(f *fleet) {
			f.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		}},
		{name: "List is invalid", kind: "invalid_request", setup: func(f *fleet) {
			f.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "InvalidParameter"})
		}},
		{name: "a key that is revoked", kind: "authentication", setup: func(f *fleet) { f.SetCredentials() }},
		{name: "a signal that cannot be sent", kind: "other", setup: func(f *fleet) {
			f.temporal.refuse = map[string]error{"match": serviceerror.NewUnavailable("no server")}
		}},
		{name: "a signal that is refused", setup: func(f *fleet) {
			f.temporal.refuse = map[string]error{"match": serviceerror.NewInvalidArgument("too many signals")}
		}},
		{name: "an option that is not for watchers", kind: "invalid_request", setup: func(f *fleet) {
			f.poll = []livetranscode.PollOption{livetranscode.OnPoll(func(*livetranscode.Job) {})}
		}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet("match")
				f.add("match", livetranscode.JobStatusInProgress)
				test.setup(f)
				err := f.watch(t, nil)
				checkKind(t, err, test.kind)
				if app := (*temporal.ApplicationError)(nil); errors.As(err, &app) && app.NonRetryable() {
					t.Errorf("error %v would end the fleet", err)
				}
			})
		})
	}
}

func TestReadJobRefused(t *testing.T) {
	t.Parallel()
	f := newFleet()
	req := readRequest{JobID: f.add("match", livetranscode.JobStatusInProgress)}
	f.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Code: "InvalidParameter"})
	_, err := f.activityEnvironment().ExecuteActivity(activityReadJob, req)
	checkRetried(t, err, "invalid_request")
	f.poll = []livetranscode.PollOption{livetranscode.NotFoundGrace(0)}
	_, err = f.activityEnvironment().ExecuteActivity(activityReadJob, readRequest{JobID: "unknown"})
	checkPermanent(t, err, "not_found")
}

func TestReadJob(t *testing.T) {
	t.Parallel()
	const started, retried = enums.PENDING_ACTIVITY_STATE_STARTED, enums.PENDING_ACTIVITY_STATE_SCHEDULED
	cases := []struct {
		name        string
		unlessFleet bool
		fleet       enums.PendingActivityState
		err         error
		read        bool
		failed      bool
	}{
		{name: "always", read: true, fleet: started},
		{name: "a fleet runs", unlessFleet: true, fleet: started},
		{name: "the activity of the fleet is retried", unlessFleet: true, fleet: retried, read: true},
		{name: "no fleet", unlessFleet: true, read: true},
		{name: "no client of Temporal", unlessFleet: true, read: true},
		{name: "Temporal fails", unlessFleet: true, err: errTransient, failed: true},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet()
			f.temporal.fleet, f.temporal.err = test.fleet, test.err
			if test.name == "no client of Temporal" {
				f.fleetActivities.temporal = nil
			}
			id := f.add("match", livetranscode.JobStatusInProgress)
			value, err := f.activityEnvironment().ExecuteActivity(activityReadJob, readRequest{JobID: id, UnlessFleet: test.unlessFleet})
			if failed := err != nil; failed != test.failed {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			var got readResult
			if err = value.Get(&got); err != nil {
				t.Fatal(err)
			}
			if read := got.Job != nil; read != test.read || got.NoFleet != (test.read && test.unlessFleet) {
				t.Errorf("result %+v, want a job: %t", got, test.read)
			}
			if got.Job != nil && strings.Contains(got.Job.StreamInput.InputURL, streamKey) {
				t.Errorf("the result has the stream key: %q", got.Job.StreamInput.InputURL)
			}
		})
	}
}
