package livetranscodeotel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const onWatcher = "livetranscode.watcher.name=jobs"

// startWatch watches n jobs in progress and one that has stopped, until the end of the test. It calls body with each
// event.
func startWatch(t *testing.T, r *recorder, srv *livetranscodetest.Server, n int, body func()) (stop func() error) {
	t.Helper()
	watcher := r.client(t, srv).NewWatcher()
	for range n {
		watcher.Add(srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusInProgress}))
	}
	watcher.Add(srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusStopped}))
	stop, err := Watch(watcher, append(slices.Clone(r.options), WithWatcherName("jobs"))...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, err := range watcher.Events(ctx) {
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			body()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return stop
}

// byStatus are the points of livetranscode.watcher.jobs.
func byStatus(inProgress, notStarted, stopped, unknown int) (all []point) {
	for i, n := range []int{inProgress, notStarted, stopped, unknown} {
		status := []string{"in progress", "not started", "stopped", "unknown"}[i]
		all = append(all, point{"livetranscode.job.status=" + status + "," + onWatcher, 0, float64(n)})
	}
	return all
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 150
		r, srv := newRecorder(), livetranscodetest.NewServer()
		srv.Inject(livetranscodetest.Fault{Latency: time.Second})
		stop := startWatch(t, r, srv, n, func() {})
		r.wantPoints(t, "livetranscode.watcher.jobs", byStatus(0, 0, 0, n+1)...)
		r.wantPoints(t, "livetranscode.watcher.oldest_poll", point{onWatcher, 0, 0}) // since Add
		time.Sleep(5 * time.Second)

		sweeps := r.named("livetranscode.sweep")
		if len(sweeps) != 1 {
			t.Fatalf("the spans are %+v", r.spans.GetSpans())
		}
		requests := map[string]int{}
		for _, call := range r.children(sweeps[0]) {
			requests[call.Name]++
		}
		gets, pages := requests["ice/GetLiveTranscodeJob"], requests["ice/ListLiveTranscodeJobs"]
		if gets == 0 || pages < 2 || gets+pages != len(srv.Calls()) {
			t.Errorf("the sweep's calls are %v, the service had %d", requests, len(srv.Calls()))
		}
		wantSpan(t, sweeps[0], trace.SpanKindInternal, codes.Unset, fmt.Sprintf("livetranscode.sweep.events=%d,"+
			"livetranscode.sweep.failed=0,livetranscode.sweep.full=true,livetranscode.sweep.gets=%d,livetranscode.sweep.jobs=%d,"+
			"livetranscode.sweep.pages=%d,livetranscode.sweep.throttled=0,livetranscode.sweep.unread=0,%s", n+1, gets, n+1, pages, onWatcher))
		r.wantPoints(t, "livetranscode.watcher.requests", point{"livetranscode.request.type=get," + onWatcher, 0, float64(gets)},
			point{"livetranscode.request.type=list," + onWatcher, 0, float64(pages)})
		r.wantPoints(t, "livetranscode.watcher.sweep.duration", point{onWatcher, 1, sweeps[0].EndTime.Sub(sweeps[0].StartTime).Seconds()})
		r.wantPoints(t, "livetranscode.watcher.unread", point{onWatcher, 0, 0})
		r.wantPoints(t, "livetranscode.watcher.pending", point{onWatcher, 0, 0})
		r.wantPoints(t, "livetranscode.watcher.oldest_pending", point{onWatcher, 0, 0})
		r.wantPoints(t, "livetranscode.watcher.jobs", byStatus(n, 0, 0, 0)...) // the stopped one has left

		for range 2 { // the second does nothing
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
		for _, name := range []string{"jobs", "pending", "oldest_poll", "oldest_pending"} {
			if all := points(r.metrics(t)["livetranscode.watcher."+name]); len(all) > 0 {
				t.Errorf("after stop, %s is still measured: %+v", name, all)
			}
		}
	})
}

// TestStaleWatcher checks that a watcher that is throttled for an hour shows so from the first sweep on, until it has
// recovered.
func TestStaleWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n, sweep = 20, 90 * time.Second // a sweep in which first List and then the Gets are throttled takes less
		r, srv := newRecorder(), livetranscodetest.NewServer()
		startWatch(t, r, srv, n, func() {})
		oldest := func() float64 { return points(r.metrics(t)["livetranscode.watcher.oldest_poll"])[0].value }
		time.Sleep(sweep)
		r.wantPoints(t, "livetranscode.watcher.unread", point{onWatcher, 0, 0})
		if age := oldest(); age > sweep.Seconds() {
			t.Errorf("the oldest poll is %v s old", age)
		}

		throttled := time.Now()
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Times: -1})
		for time.Since(throttled) < time.Hour {
			time.Sleep(sweep)
			r.wantPoints(t, "livetranscode.watcher.unread", point{onWatcher, 0, n})
			if age, d := oldest(), time.Since(throttled); age < d.Seconds() || age > (d+sweep).Seconds() {
				t.Errorf("after %v of throttling, the oldest poll is %v s old", d, age)
			}
		}
		r.wantPoints(t, "livetranscode.watcher.jobs", byStatus(n, 0, 0, 0)...)

		srv.ClearFaults()
		time.Sleep(sweep)
		r.wantPoints(t, "livetranscode.watcher.unread", point{onWatcher, 0, 0})
		if age := oldest(); age > sweep.Seconds() {
			t.Errorf("after the recovery, the oldest poll is %v s old", age)
		}
	})
}

// TestSlowReader checks the count of undelivered events, and the unit and kind of what Watch measures.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, srv := newRecorder(), livetranscodetest.NewServer()
		startWatch(t, r, srv, 3, func() { time.Sleep(time.Hour) })
		time.Sleep(time.Second)
		r.wantPoints(t, "livetranscode.watcher.pending", point{onWatcher, 0, 3}) // of 4, one is being delivered
		r.wantPoints(t, "livetranscode.watcher.oldest_pending", point{onWatcher, 0, 1})
		for name, want := range map[string]string{
			"jobs": "{job}, up-down counter", "pending": "{event}, up-down counter", "oldest_poll": "s, gauge",
			"oldest_pending": "s, gauge",
		} {
			if got := describe(r.metrics(t)["livetranscode.watcher."+name]); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
	})
}

func TestTwoWatchers(t *testing.T) {
	t.Parallel()
	r, client := newRecorder(), livetranscodetest.NewServer().Client()
	for i, name := range []string{"a", "b"} {
		w := client.NewWatcher()
		w.Add([]string{"1", "2"}[:i+1]...)
		if _, err := Watch(w, append(slices.Clone(r.options), WithWatcherName(name))...); err != nil {
			t.Fatal(err)
		}
	}
	var unknown []point
	for _, p := range points(r.metrics(t)["livetranscode.watcher.jobs"]) {
		if strings.Contains(p.attributes, "unknown") {
			unknown = append(unknown, p)
		}
	}
	want := []point{
		{"livetranscode.job.status=unknown,livetranscode.watcher.name=a", 0, 1},
		{"livetranscode.job.status=unknown,livetranscode.watcher.name=b", 0, 2},
	}
	if !slices.Equal(unknown, want) {
		t.Errorf("the jobs are %+v, want %+v", unknown, want)
	}
}

func TestWatchErrors(t *testing.T) {
	t.Parallel()
	w := livetranscodetest.NewServer().Client().NewWatcher()
	for name, tt := range map[string]struct {
		watcher *livetranscode.Watcher
		opts    []Option
		want    string // a part of the error; "" for none
	}{
		"nil watcher":        {nil, nil, "Watch: the watcher is nil"},
		"nil meter provider": {w, []Option{WithMeterProvider(nil)}, "WithMeterProvider: the provider is nil"},
		"nil option":         {w, []Option{nil}, ""},
		"global providers":   {w, nil, ""},
	} {
		stop, err := Watch(tt.watcher, tt.opts...)
		switch {
		case tt.want == "" && (err != nil || stop == nil || stop() != nil):
			t.Errorf("%s: error %v", name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || stop != nil):
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

func TestJobsByStatus(t *testing.T) {
	t.Parallel()
	got := jobsByStatus(livetranscode.WatcherStats{Jobs: map[livetranscode.JobStatus]int{livetranscode.JobStatusInProgress: 2, 7: 3, 8: 4}})
	want := map[string]int64{"unknown": 0, "not started": 0, "in progress": 2, "stopped": 0, "other": 7}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the counts are %v, want %v", got, want)
	}
}
