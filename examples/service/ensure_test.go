package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The same POST twice is one job, also concurrently, after a restart, and while the service does not list the job yet.
func TestSamePostIsOneJob(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"listed at once": 0, "listed after a while": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, _ *livetranscodetest.Server, file string) {
				srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(delay), livetranscodetest.WithStartDelay(time.Hour))
				i := start(t, srv, file)
				synctest.Wait()
				id := i.post("show")
				again := func() {
					t.Helper()
					status, header, text := i.do(http.MethodPost, "/jobs", someJob("show"))
					if status != http.StatusOK || header.Get("Location") != "/jobs/"+id {
						t.Errorf("the second POST: %d %s", status, text)
					}
				}
				again()
				i.stop()
				i = start(t, srv, file)
				again()
				time.Sleep(time.Minute)
				again()
				equal(t, "status", []string{i.status(id)}, "not started")

				var posts sync.WaitGroup
				for range 10 {
					posts.Go(func() { i.do(http.MethodPost, "/jobs", someJob("another")) })
				}
				posts.Wait()
				if jobs := srv.Jobs(); len(jobs) != 2 {
					t.Errorf("%d jobs, want 2", len(jobs))
				}
				i.stop()
			})
		})
	}
}

// Another job of the same name is a conflict, whether the service lists the first one or not.
func TestNameConflict(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"listed at once": 0, "listed after a while": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, _ *livetranscodetest.Server, file string) {
				srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(delay))
				i := start(t, srv, file)
				i.post("show")
				other := strings.Replace(someJob("show"), "in.example.net", "other.example.net", 1)
				for range 2 {
					if status, _, text := i.do(http.MethodPost, "/jobs", other); status != http.StatusConflict {
						t.Errorf("another input: %d %s", status, text)
					}
					time.Sleep(time.Minute)
				}
				i.stop()
			})
		})
	}
}

// A job of the name that has stopped counts.
func TestPostOfStoppedJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusStopped})
		i := start(t, srv, file)
		status, _, text := i.do(http.MethodPost, "/jobs", someJob("show"))
		if status != http.StatusOK || !strings.Contains(text, `"id":"`+id+`"`) || !strings.Contains(text, `"status":"stopped"`) {
			t.Errorf("%d %s", status, text)
		}
		i.stop()
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		id := i.post("show")
		for range 2 { // twice is no error
			if status, _, text := i.do(http.MethodDelete, "/jobs/"+id, ""); status != http.StatusAccepted {
				t.Errorf("DELETE: %d %s", status, text)
			}
		}
		if job, _ := srv.Job(id); job.Status != livetranscode.JobStatusStopped {
			t.Errorf("the job is %v", job.Status)
		}
		time.Sleep(time.Minute)
		equal(t, "status", []string{i.status(id)}, "stopped")
		if status, _, text := i.do(http.MethodDelete, "/jobs/none", ""); status != http.StatusNotFound {
			t.Errorf("DELETE of an unknown job: %d %s", status, text)
		}
		srv.Inject(livetranscodetest.Fault{Operation: "SendLiveTranscodeJobCommand", Code: "Throttling.User", Times: -1})
		if status, _, text := i.do(http.MethodDelete, "/jobs/"+id, ""); status != http.StatusServiceUnavailable {
			t.Errorf("DELETE while throttled: %d %s", status, text)
		}
		i.stop()
	})
}
