package livetranscodetest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestAddedJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(time.Hour))
		a, b := srv.AddJob(livetranscode.Job{}), srv.AddJob(livetranscode.Job{})
		if len(a) != 32 || a == b {
			t.Errorf("ids %q and %q", a, b)
		}
		if j, ok := srv.Job(a); !ok || !j.CreateTime.Equal(time.Now()) || j.CreateTime.Location() != time.UTC {
			t.Errorf("created at %s", j.CreateTime)
		}
		time.Sleep(48 * time.Hour)
		wantStatus(t, srv, a, notStarted)

		unknown := srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusUnknown, StartMode: livetranscode.StartModeUnknown})
		r := mustDo(t, srv, "GetLiveTranscodeJob", "JobId", unknown)
		for _, field := range []string{"Status", "StartMode"} {
			if v, there := r.Job[field]; there {
				t.Errorf("%s is %v", field, v)
			}
		}
		srv.SetStatus(unknown, 7)
		if r := mustDo(t, srv, "GetLiveTranscodeJob", "JobId", unknown); r.Job["Status"] != 7.0 {
			t.Error(r.body)
		}
		if srv.SetStatus("none", stopped) || srv.RemoveJob("none") {
			t.Error("an unknown job was found")
		}
		if !srv.RemoveJob(a) {
			t.Error("RemoveJob found no job")
		}
		wantCode(t, do(t, srv, "GetLiveTranscodeJob", "JobId", a), 404, "JobNotFound", "job")

		srv.AddJob(livetranscode.Job{JobID: b, Name: "again"})
		if r := mustDo(t, srv, "ListLiveTranscodeJobs", "KeyWord", b); r.TotalCount != 1 || r.JobList[0].Name != "again" {
			t.Errorf("a replaced job: %s", r.body)
		}
	})
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		now := mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID
		wantStatus(t, srv, now, inProgress)

		set := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", "1", "TimedConfig", timed(60, 120))...).JobID
		open := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", "1", "TimedConfig", timed(60, 0))...).JobID
		timedJob := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", "1", "TimedConfig", timed(60, 120))...).JobID
		wantStatus(t, srv, timedJob, notStarted)
		time.Sleep(59 * time.Second)
		wantStatus(t, srv, timedJob, notStarted)
		srv.SetStatus(set, notStarted)
		time.Sleep(time.Second)
		wantStatus(t, srv, timedJob, inProgress)
		time.Sleep(60 * time.Second)
		wantStatus(t, srv, timedJob, stopped)
		wantStatus(t, srv, open, inProgress)
		time.Sleep(240 * time.Hour)
		wantStatus(t, srv, now, inProgress)
		wantStatus(t, srv, open, inProgress)
		wantStatus(t, srv, set, notStarted)

		mustDo(t, srv, "SendLiveTranscodeJobCommand", "JobId", now, "Command", "stop")
		wantStatus(t, srv, now, stopped)
		mustDo(t, srv, "SendLiveTranscodeJobCommand", "JobId", now, "Command", "stop")
		wantStatus(t, srv, now, stopped)
	})
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(90 * time.Second))
		id := mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID
		early := mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID
		time.Sleep(89 * time.Second)
		wantStatus(t, srv, id, notStarted)
		mustDo(t, srv, "SendLiveTranscodeJobCommand", "JobId", early, "Command", "stop")
		time.Sleep(time.Second)
		wantStatus(t, srv, id, inProgress)
		wantStatus(t, srv, early, stopped)
		// The server's clock decides.
		id = mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID
		wantStatus(t, srv, id, notStarted)
		srv.SetClockOffset(2 * time.Minute)
		wantStatus(t, srv, id, inProgress)
	})
}

func TestWithVisibilityDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, start := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(10*time.Second)), time.Now()
		want := func(visible bool, id string) {
			t.Helper()
			if got := do(t, srv, "GetLiveTranscodeJob", "JobId", id).status == http.StatusOK; got != visible {
				t.Errorf("after %s: job read: %t, want %t", time.Since(start), got, visible)
			}
			if got := mustDo(t, srv, "ListLiveTranscodeJobs", "KeyWord", id).TotalCount == 1; got != visible {
				t.Errorf("after %s: job listed: %t, want %t", time.Since(start), got, visible)
			}
		}
		want(true, srv.AddJob(livetranscode.Job{}))

		submit := func() string { return mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID }
		id, set, stoppedEarly, deleted := submit(), submit(), submit(), submit()
		srv.SetStatus(set, stopped)
		mustDo(t, srv, "SendLiveTranscodeJobCommand", "JobId", stoppedEarly, "Command", "stop")
		mustDo(t, srv, "UpdateLiveTranscodeJob", "JobId", id, "Name", "renamed")
		mustDo(t, srv, "DeleteLiveTranscodeJob", "JobId", deleted)
		if j, ok := srv.Job(id); !ok || j.Name != "renamed" {
			t.Error("Server.Job does not show the job at once")
		}
		if n := len(srv.Jobs()); n != 4 {
			t.Errorf("Server.Jobs has %d jobs, want 4", n)
		}
		want(false, id)
		wantCode(t, do(t, srv, "GetLiveTranscodeJob", "JobId", id), 404, "JobNotFound", "job")
		time.Sleep(10*time.Second - time.Nanosecond)
		for _, id := range []string{id, set, stoppedEarly, deleted} {
			want(false, id)
		}
		time.Sleep(time.Nanosecond)
		for _, id := range []string{id, set, stoppedEarly} {
			want(true, id)
		}
		want(false, deleted)
		wantStatus(t, srv, id, inProgress)
		wantStatus(t, srv, stoppedEarly, stopped)
	})
}

func TestJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		if got := srv.Jobs(); len(got) != 0 {
			t.Errorf("a new server has jobs: %v", got)
		}
		id := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", "1", "TimedConfig", timed(60, 120))...).JobID
		srv.AddJob(livetranscode.Job{JobID: "older", CreateTime: time.Unix(1, 0)})
		time.Sleep(time.Minute)
		for range 2 { // a caller's change does not come back
			got := srv.Jobs()
			if len(got) != 2 || got[0].JobID != "older" || got[1].JobID != id || got[1].Status != inProgress {
				t.Fatalf("Jobs() = %+v", got)
			}
			if url := got[1].OutputStream.StreamInfos[0].OutputURL; url != "rtmp://out/app/"+id {
				t.Errorf("the output is %s", url)
			}
			got[1].OutputStream.StreamInfos[0].OutputURL = "changed"
		}
	})
}

var listTests = []struct {
	params string
	total  int
	want   string
}{
	{"", 5, "e d c b a-Key-A"},
	{"SortBy=desc", 5, "e d c b a-Key-A"},
	{"SortBy=asc", 5, "a-Key-A b c d e"},
	{"PageSize=2", 5, "e d"},
	{"PageSize=2&PageNo=2", 5, "c b"},
	{"PageSize=2&PageNo=3", 5, "a-Key-A"},
	{"PageSize=2&PageNo=4", 5, ""},
	{"PageSize=2&PageNo=2&SortBy=asc", 5, "c d"},
	{"PageSize=100&PageNo=2147483647", 5, ""},
	{"Status=0", 1, "a-Key-A"},
	{"Status=1", 2, "c b"},
	{"Status=1&PageSize=1&PageNo=2", 2, "b"},
	{"Status=2", 1, "d"},
	{"StartMode=0", 2, "c b"},
	{"StartMode=1", 2, "d a-Key-A"},
	{"StartMode=1&Status=2", 1, "d"},
	{"Type=narrow-band", 1, "a-Key-A"},
	{"Type=normal&StartMode=1", 0, ""},
	{"KeyWord=key", 2, "b a-Key-A"}, // the id of one, part of the name of the other
	{"KeyWord=KE", 1, "a-Key-A"},
	{"KeyWord=none", 0, ""},
}

func TestList(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	at := func(sec float64) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(sec*1000)) }
	for _, j := range []livetranscode.Job{ // b and c have the same second and were added in this order
		{Name: "d", CreateTime: at(9), StartMode: 1, Status: stopped, TemplateType: "origin"},
		{Name: "b", CreateTime: at(3.9), Status: inProgress, TemplateType: "normal", JobID: "KEY"},
		{Name: "gone", CreateTime: at(4)},
		{Name: "c", CreateTime: at(3.1), Status: inProgress, TemplateType: "normal"},
		{Name: "a-Key-A", CreateTime: at(1), StartMode: 1, TemplateType: "narrow-band"},
		{Name: "e", CreateTime: at(20), Status: livetranscode.JobStatusUnknown, StartMode: livetranscode.StartModeUnknown},
	} {
		id := srv.AddJob(j)
		if j.Name == "gone" {
			srv.RemoveJob(id)
		}
	}
	for _, tt := range listTests {
		t.Run(tt.params, func(t *testing.T) {
			t.Parallel()
			var params []string
			for pair := range strings.SplitSeq(tt.params, "&") {
				if name, value, ok := strings.Cut(pair, "="); ok {
					params = append(params, name, value)
				}
			}
			r := mustDo(t, srv, "ListLiveTranscodeJobs", params...)
			if r.TotalCount != tt.total || names(r) != tt.want {
				t.Errorf("%d: %s, want %d: %s", r.TotalCount, names(r), tt.total, tt.want)
			}
			if tt.want == "" && !strings.Contains(r.body, `"JobList":[]`) {
				t.Errorf("no jobs: %s", r.body)
			}
		})
	}
	for _, bad := range []string{"PageNo=0", "PageNo=-1", "PageNo=x", "PageSize=0", "PageSize=101", "PageSize=1.5", "SortBy=up", "Status=3", "Status=-1", "StartMode=2", "Type=unlisted"} {
		name, value, _ := strings.Cut(bad, "=")
		wantCode(t, do(t, srv, "ListLiveTranscodeJobs", name, value), 400, "InvalidParameter", name)
	}
	many := livetranscodetest.NewServer()
	for range 11 {
		many.AddJob(livetranscode.Job{})
	}
	if n := len(mustDo(t, many, "ListLiveTranscodeJobs").JobList); n != 10 {
		t.Errorf("the default page has %d jobs", n)
	}
}

// All pages share the selection of the first one, which must not survive a change.
func TestListFollowsChanges(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	running := func() int { return mustDo(t, srv, "ListLiveTranscodeJobs", "Status", "1").TotalCount }
	want := func(n int, after string) {
		t.Helper()
		if got := running(); got != n {
			t.Errorf("after %s: %d jobs, want %d", after, got, n)
		}
	}
	want(0, "start")
	id := srv.AddJob(livetranscode.Job{Status: inProgress})
	want(1, "AddJob")
	srv.SetStatus(id, stopped)
	want(0, "SetStatus")
	id = mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID
	want(1, "Submit")
	mustDo(t, srv, "SendLiveTranscodeJobCommand", "JobId", id, "Command", "stop")
	want(0, "stop")
	id = srv.AddJob(livetranscode.Job{Status: inProgress, Name: "x"})
	want(1, "AddJob")
	mustDo(t, srv, "ListLiveTranscodeJobs", "KeyWord", "y")
	mustDo(t, srv, "UpdateLiveTranscodeJob", "JobId", id, "Name", "y")
	if r := mustDo(t, srv, "ListLiveTranscodeJobs", "KeyWord", "y"); r.TotalCount != 1 {
		t.Error("after Update: the new name is not found")
	}
	mustDo(t, srv, "DeleteLiveTranscodeJob", "JobId", id)
	want(0, "Delete")
	for i := range 50 { // more filters than the server keeps
		mustDo(t, srv, "ListLiveTranscodeJobs", "KeyWord", fmt.Sprint(i))
	}
	want(0, "many filters")
}

func TestListFollowsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		for _, start := range []int{180, 60, 120} {
			mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", "1", "TimedConfig", timed(start, start+150))...)
		}
		// The jobs run from 60 to 210, 120 to 270 and 180 to 330 seconds.
		for i, want := range []int{0, 0, 1, 1, 2, 2, 3, 2, 2, 1, 1, 0} {
			if got := mustDo(t, srv, "ListLiveTranscodeJobs", "Status", "1").TotalCount; got != want {
				t.Errorf("after %d s: %d jobs, want %d", i*30, got, want)
			}
			time.Sleep(30 * time.Second)
		}
		srv.SetClockOffset(-4 * time.Minute) // back to 120 s
		if got := mustDo(t, srv, "ListLiveTranscodeJobs", "Status", "1").TotalCount; got != 2 {
			t.Errorf("after the clock went back: %d jobs, want 2", got)
		}
	})
}

func TestPagingThroughManyJobs(t *testing.T) {
	t.Parallel()
	n := 30_000
	if testing.Short() {
		n = 1_000
	}
	srv, seen := manyJobs(n), map[string]bool{}
	for no := 1; no <= n/100; no++ {
		for _, j := range mustDo(t, srv, "ListLiveTranscodeJobs", "Status", "1", "PageSize", "100", "PageNo", strconv.Itoa(no)).JobList {
			seen[j.JobID] = true
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d jobs", len(seen), n)
	}
}

func manyJobs(n int) *livetranscodetest.Server {
	srv := livetranscodetest.NewServer()
	for i := range n {
		srv.AddJob(livetranscode.Job{JobID: strconv.Itoa(i), Status: inProgress, CreateTime: time.Unix(int64(i)*7919%int64(n), 0)})
	}
	return srv
}

func BenchmarkList(b *testing.B) {
	srv := manyJobs(100_000)
	for i := 0; b.Loop(); i++ {
		mustDo(b, srv, "ListLiveTranscodeJobs", "Status", "1", "PageSize", "100", "PageNo", strconv.Itoa(i%1000+1))
	}
}

func BenchmarkGet(b *testing.B) {
	srv := manyJobs(100_000)
	for i := 0; b.Loop(); i++ {
		if r := mustDo(b, srv, "GetLiveTranscodeJob", "JobId", strconv.Itoa(i%100_000)); r.status != http.StatusOK {
			b.Fatal(r.body)
		}
	}
}
