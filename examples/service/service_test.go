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
		client := i.stream()
		id := i.post("show")
		synctest.Wait() // the first poll is immediate
		equal(t, "after the first poll", []string{i.status(id)}, "not started")
		equal(t, "stored", i.stored(), id)

		time.Sleep(90 * time.Second) // the job has started, and sweeps are at most 30 s apart
		equal(t, "after the start", []string{i.status(id)}, "in progress")
		srv.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(40 * time.Second)
		equal(t, "after the stop", []string{i.status(id)}, "stopped")
		equal(t, "stored after the stop", i.stored())
		got := client.statuses(t, id)
		equal(t, "events", got, "not started", "in progress", "stopped")

		// Reads make no calls.
		calls := len(srv.Calls())
		for range 10 {
			_, _, text := i.do(http.MethodGet, "/jobs", "")
			if !strings.Contains(text, `"name":"show","status":"stopped","code":2,"template":"t","input_host":"in.example.net","created_at":"2000-`) {
				t.Errorf("GET /jobs: %s", text)
			}
		}
		if n := len(srv.Calls()); n != calls {
			t.Errorf("reads made %d calls", n-calls)
		}

		time.Sleep(2 * time.Hour)
		if _, _, text := i.do(http.MethodGet, "/jobs", ""); text != `{"jobs":[]}`+"\n" {
			t.Errorf("two hours later, GET /jobs: %s", text)
		}
		i.stop()
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		first := start(t, srv, file)
		kept, ended, deleted, same := first.post("kept"), first.post("ended"), first.post("deleted"), first.post("same")
		synctest.Wait()
		srv.SetStatus(ended, livetranscode.JobStatusStopped)
		srv.SetStatus(same, livetranscode.JobStatusInProgress)
		time.Sleep(15 * time.Second)
		first.stop()
		srv.RemoveJob(deleted) // while no service watches
		srv.SetStatus(kept, livetranscode.JobStatusInProgress)

		time.Sleep(time.Minute)
		srv.Inject(livetranscodetest.Fault{Latency: time.Second, Times: 4})
		second := start(t, srv, file)
		equal(t, "before the first poll", []string{second.status(kept), second.status(ended), second.status(deleted)}, "not started", "stopped", "not started")
		time.Sleep(time.Minute)
		equal(t, "after the first poll", []string{second.status(kept), second.status(deleted)}, "in progress", "lost")
		got := second.stream().statuses(t, kept)
		equal(t, "events", got, "in progress")
		// A job that has not changed has no change, although what is stored has no URLs to compare.
		changes, err := second.store.states(t.Context(), "changes WHERE id = ?", same)
		if err != nil || len(changes) != 3 {
			t.Errorf("the changes of a job that did not change meanwhile: %v, error %v", changes, err)
		}
		// Fields that the poll of a lost job does not return are kept.
		if changes, err := second.store.states(t.Context(), "changes WHERE id = ?", deleted); err != nil || changes[len(changes)-1].Name != "deleted" || changes[len(changes)-1].InputHost != "in.example.net" {
			t.Errorf("the lost job is %v, error %v", changes, err)
		}
		equal(t, "stored", second.stored(), same, kept)
		second.stop()
		if names, err := os.ReadDir(filepath.Dir(file)); err != nil || len(names) != 1 {
			t.Errorf("other files are left over: %v, error %v", names, err)
		}
	})
}

// A list that lags after a restart does not bring back a job that has stopped.
func TestRestartWhileListLags(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		id := i.post("show")
		time.Sleep(2 * time.Minute)
		job, _ := srv.Job(id)
		srv.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(time.Minute)
		i.stop()
		srv.SetStatus(id, job.Status) // as a replica lists it
		i = start(t, srv, file)
		time.Sleep(10 * time.Second)
		srv.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(time.Minute)
		equal(t, "status", []string{i.status(id)}, "stopped")
		if changes, err := i.store.states(t.Context(), "changes WHERE id = ?", id); err != nil || len(changes) != 4 {
			t.Errorf("the changes are %+v, error %v", values(changes), err)
		}
		i.stop()
	})
}

// Location leads to the job, whatever its ID, which is opaque.
func TestLocation(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		srv.AddJob(livetranscode.Job{JobID: "a/b ?c#é%41", Name: "show", Status: livetranscode.JobStatusInProgress})
		_, header, _ := i.do(http.MethodPost, "/jobs", someJob("show"))
		if status, _, text := i.do(http.MethodGet, header.Get("Location"), ""); status != http.StatusOK {
			t.Errorf("Location %s: %d %s", header.Get("Location"), status, text)
		}
		i.stop()
	})
}
