//go:build !race

// The race detector allocates on its own, and its speed says nothing.

package livetranscode_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A pageServer is a transport that answers Lists of jobs in progress with pages that were made before, so that
// the service's work does not count. The first job has another name in every poll: each sweep is one event.
type pageServer struct {
	jobs     int
	prepared [][]byte // the pages; nil: each is made when it is asked for
	other    []byte   // the first page, seen the next time
	requests atomic.Int64
	firsts   atomic.Int64 // requests for the first page
}

const perPage = 100

func newPageServer(jobs int) *pageServer {
	s := &pageServer{jobs: jobs, other: appendPage(nil, jobs, 1, "other")}
	for no := range (jobs + perPage - 1) / perPage {
		s.prepared = append(s.prepared, appendPage(nil, jobs, no+1, "job"))
	}
	return s
}

func watchedID(i int) string { return fmt.Sprintf("20b48fb04483915d4f2c%012d", i) }

// appendPage appends a page as the service answers it.
func appendPage(b []byte, jobs, no int, firstName string) []byte {
	b = fmt.Appendf(b, `{"RequestId":"12345678-0E1A-586A-AC29-742247000000","TotalCount":%d,"JobList":[`, jobs)
	for i := (no - 1) * perPage; i < min(no*perPage, jobs); i++ {
		if i%perPage > 0 {
			b = append(b, ',')
		}
		name, id := "job", watchedID(i)
		if i == 0 {
			name = firstName
		}
		for _, part := range []string{
			`{"Name":"`, name, id[20:], `","JobId":"`, id, `","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic"`,
			`,"StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream`, id[20:], `"}`,
			`,"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/`, id, `"}]},"CreateTime":"2022-07-20T02:48:58Z"}`,
		} {
			b = append(b, part...)
		}
	}
	return append(b, "]}"...)
}

var (
	noJobs     = []byte(`{"RequestId":"12345678-0E1A-586A-AC29-742247000000","TotalCount":0,"JobList":[]}`)
	pageHeader = http.Header{"Content-Type": {"application/json;charset=utf-8"}}
)

func (s *pageServer) respond(req *http.Request) (*http.Response, error) {
	s.requests.Add(1)
	q := req.URL.Query()
	no, err := strconv.Atoi(q.Get("PageNo"))
	if err != nil || q.Get("PageSize") != strconv.Itoa(perPage) || req.Header.Get("X-Acs-Action") != "ListLiveTranscodeJobs" {
		return nil, fmt.Errorf("not a List of pages of %d", perPage)
	}
	var body []byte
	switch {
	case q.Get("Status") != "1", (no-1)*perPage >= s.jobs:
		body = noJobs
	case s.prepared == nil:
		body = appendPage(nil, s.jobs, no, "job")
	case no == 1 && s.firsts.Add(1)%2 == 0:
		body = s.other
	default:
		body = s.prepared[no-1]
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: pageHeader, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: req,
	}, nil
}

func (s *pageServer) client(tb testing.TB) *livetranscode.Client {
	tb.Helper()
	client, err := livetranscode.NewClient(
		livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(s.respond)}),
		livetranscode.WithCredentials(livetranscode.StaticCredentials("id", "secret", "")),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

func watchedIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = watchedID(i)
	}
	return ids
}

// BenchmarkSweep is what one sweep costs when almost nothing has changed. One request at a time, so that the
// time that passes is the time of a processor.
func BenchmarkSweep(b *testing.B) {
	for _, jobs := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint("jobs=", jobs), func(b *testing.B) {
			srv := newPageServer(jobs)
			w := srv.client(b).NewWatcher(livetranscode.PollInterval(1, 1), livetranscode.Concurrency(1))
			w.Add(watchedIDs(jobs)...)
			pull, stop := iter.Pull2(w.Events(b.Context()))
			defer stop()
			event := func() {
				if event, err, ok := pull(); !ok || err != nil || event.Err != nil {
					b.Fatal(event, err)
				}
			}
			began := time.Now()
			for range jobs {
				event() // the first sight, and while that lasts the interval may be over again
			}
			var spent time.Duration
			var before, after, sum runtime.MemStats
			requests := int64(0)
			sweeps := 0
			for b.Loop() {
				b.StopTimer()
				time.Sleep(time.Since(began) + time.Millisecond) // the Watcher's pause, as long as the sweep before
				asked := srv.requests.Load()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				began = time.Now()
				event()
				spent += time.Since(began)
				b.StopTimer()
				runtime.ReadMemStats(&after)
				sum.Mallocs += after.Mallocs - before.Mallocs
				sum.TotalAlloc += after.TotalAlloc - before.TotalAlloc
				requests += srv.requests.Load() - asked
				sweeps++
				b.StartTimer()
			}
			polls := float64(sweeps) * float64(jobs)
			b.ReportMetric(float64(requests)/float64(sweeps), "requests/sweep")
			b.ReportMetric(float64(spent.Nanoseconds())/polls, "ns/job")
			b.ReportMetric(float64(sum.TotalAlloc)/polls, "B/job")
			b.ReportMetric(float64(sum.Mallocs)/polls, "allocs/job")
		})
	}
}

// TestWatchMemory measures what a Watcher keeps of a job, beside the job's own text.
//
//nolint:paralleltest // it measures the memory of the whole process
func TestWatchMemory(t *testing.T) {
	const jobs, most = 10_000, 400
	srv := &pageServer{jobs: jobs}
	client, ids := srv.client(t), watchedIDs(jobs)
	before := heap()
	w := client.NewWatcher()
	w.Add(ids...)
	var last livetranscode.Job
	text, seen := 0, 0
	for event, err := range w.Events(t.Context()) {
		if err != nil || event.Err != nil {
			t.Fatal(err, event.Err)
		}
		text += ownText(event.Job, &last)
		last = *event.Job
		if seen++; seen == jobs {
			break
		}
	}
	last = livetranscode.Job{}
	kept := heap() - before - int64(text)
	runtime.KeepAlive(w)
	runtime.KeepAlive(ids)
	t.Logf("%d requests; a job takes %d bytes, and %d of text", srv.requests.Load(), kept/jobs, text/jobs)
	if kept > most*jobs {
		t.Errorf("a watched job takes %d bytes beside its text, want at most %d", kept/jobs, most)
	}
}

// TestWatchResumeCost: 5,000 jobs that have not changed are no event, and no more requests than their pages.
func TestWatchResumeCost(t *testing.T) {
	t.Parallel()
	srv := newPageServer(5000)
	client := srv.client(t)
	w := client.NewWatcher(livetranscode.PollInterval(time.Hour, time.Hour))
	for no := 1; no <= 5000/perPage; no++ {
		resp, err := client.ListLiveTranscodeJobs(t.Context(), &livetranscode.ListLiveTranscodeJobsRequest{Status: new(inProgress), PageNo: no, PageSize: perPage})
		if err != nil {
			t.Fatal(err)
		}
		w.Resume(resp.Jobs...)
	}
	srv.requests.Store(0)
	srv.firsts.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for w.Stats().LastComplete.IsZero() && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	events := 0
	for _, err := range w.Events(ctx) {
		if err == nil {
			events++
		}
	}
	if n := srv.requests.Load(); n > 53 || events > 0 {
		t.Errorf("%d requests and %d events", n, events)
	}
}

// heap returns the bytes in use. What sync.Pools keep is gone after the second collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// ownText returns the bytes of a job's strings, but for those that it shares with the job before.
func ownText(job, before *livetranscode.Job) (n int) {
	texts := func(j *livetranscode.Job) []string {
		all := []string{j.Name, j.JobID, string(j.TemplateType), j.TemplateID, j.TemplateName, j.StreamInput.Type, j.StreamInput.InputURL, "", ""}
		for _, info := range j.OutputStream.StreamInfos {
			all[7], all[8] = info.Type, info.OutputURL
		}
		return all
	}
	old := texts(before)
	for i, s := range texts(job) {
		if len(old[i]) != len(s) || unsafe.StringData(old[i]) != unsafe.StringData(s) {
			n += len(s)
		}
	}
	return n
}

// TestTimeFromChangeToEvent measures, in virtual time, how long the stop of one of 100,000 jobs takes to become an
// event when each request takes 50 ms. With -simulation.full.
func TestTimeFromChangeToEvent(t *testing.T) {
	t.Parallel()
	if !*simulationFull {
		t.Skip("it takes long")
	}
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		const jobs, changes = 100_000, 100
		ids := addJobs(srv, jobs, inProgress)
		delay := func(req *http.Request) (*http.Response, error) { return nil, pause(req.Context(), 50*time.Millisecond) }
		w := srv.Client(intercept(srv, delay)).NewWatcher()
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		var mu sync.Mutex
		changed := make(map[string]time.Time)
		go func() {
			for i := range changes { // spread evenly over the sweeps' time and the pages
				time.Sleep(2473 * time.Millisecond)
				_, at := math.Modf(float64(i) * 0.7548776662)
				id := ids[int(at*jobs)]
				mu.Lock()
				changed[id] = time.Now()
				mu.Unlock()
				srv.SetStatus(id, stopped)
			}
		}()
		var late []time.Duration
		for range changes {
			event := next(t, pull)
			mu.Lock()
			late = append(late, time.Since(changed[event.JobID]))
			mu.Unlock()
		}
		slices.Sort(late)
		median, most := late[changes/2], late[changes*99/100]
		t.Logf("median %v, 99th percentile %v", median, most)
		if median > 6500*time.Millisecond || most > 13*time.Second {
			t.Error("want at most 6.5s and 13s")
		}
	})
}
