package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestJobLifecycle(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		client := i.stream("")
		id := i.post()
		synctest.Wait() // the first poll is immediate
		equal(t, "after the first poll", []string{i.status(id)}, "not started")
		if jobs, err := load(file); err != nil || len(jobs) != 1 || jobs[0].JobID != id {
			t.Errorf("the file has %v, error %v", jobs, err)
		}

		time.Sleep(90 * time.Second) // the job has started, and sweeps are at most 30 s apart
		equal(t, "after the start", []string{i.status(id)}, "in progress")
		srv.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(40 * time.Second)
		equal(t, "after the stop", []string{i.status(id)}, "stopped")
		if jobs, err := load(file); err != nil || len(jobs) != 0 {
			t.Errorf("the file still has %v, error %v", jobs, err)
		}
		got, _ := client.statuses(t, id)
		equal(t, "events", got, "not started", "in progress", "stopped")

		// Reads make no calls.
		calls := len(srv.Calls())
		for range 10 {
			_, _, text := i.do(http.MethodGet, "/jobs", "")
			if !strings.Contains(text, `"name":"show","status":"stopped","template":"t","input_host":"in.example.net","created_at":"2000-`) {
				t.Errorf("GET /jobs: %s", text)
			}
		}
		if n := len(srv.Calls()); n != calls {
			t.Errorf("reads made %d calls", n-calls)
		}

		time.Sleep(2 * time.Hour) // the next change drops an ended job
		i.post()
		equal(t, "two hours later", []string{i.status(id)}, "")
		i.stop()
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		first := start(t, srv, file)
		client := first.stream("")
		kept, ended, deleted := first.post(), first.post(), first.post()
		synctest.Wait()
		srv.SetStatus(ended, livetranscode.JobStatusStopped)
		time.Sleep(15 * time.Second)
		_, last := client.statuses(t, kept)
		first.stop()
		srv.RemoveJob(deleted) // while no service watches
		srv.SetStatus(kept, livetranscode.JobStatusInProgress)

		time.Sleep(time.Minute)
		srv.Inject(livetranscodetest.Fault{Latency: time.Second, Times: 4})
		second := start(t, srv, file)
		equal(t, "before the first poll", []string{second.status(kept), second.status(ended), second.status(deleted)}, "not started", "", "not started")
		time.Sleep(time.Minute)
		equal(t, "after the first poll", []string{second.status(kept), second.status(deleted)}, "in progress", "lost")
		got, _ := second.stream(last).statuses(t, kept) // a client resumes its stream
		equal(t, "events", got, "in progress")
		second.stop()
		if jobs, err := load(file); err != nil || len(jobs) != 1 || jobs[0].JobID != kept || jobs[0].Job.Status != livetranscode.JobStatusInProgress {
			t.Errorf("the file has %v, error %v", jobs, err)
		}
		if names, err := os.ReadDir(filepath.Dir(file)); err != nil || len(names) != 1 {
			t.Errorf("other files are left over: %v, error %v", names, err)
		}
	})
}
