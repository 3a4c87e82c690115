package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
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

// A Get can find the job before a List does. The watch has then stored a status other than "submitted".
func TestGetBeforeList(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *livetranscodetest.Server, file string) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(20*time.Second), livetranscodetest.WithStartDelay(time.Hour))
		i := start(t, srv, file)
		synctest.Wait()
		id := i.post("show")
		if _, err := i.store.put(t.Context(), state{ID: id, Name: "show", Status: "not started"}, true); err != nil {
			t.Fatal(err)
		}
		if status, _, text := i.do(http.MethodPost, "/jobs", someJob("show")); status != http.StatusOK || len(srv.Jobs()) != 1 {
			t.Errorf("the second POST: %d %s, %d jobs", status, text, len(srv.Jobs()))
		}
		i.stop()
	})
}

// Another request with the same name is a conflict, whether the service lists the first job or not.
func TestNameConflict(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"listed at once": 0, "listed after a while": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, _ *livetranscodetest.Server, file string) {
				srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(delay))
				i := start(t, srv, file)
				i.post("show")
				for range 2 {
					for what, other := range map[string]string{
						"host":     strings.Replace(someJob("show"), "in.example.net", "other.example.net", 1),
						"stream":   strings.Replace(someJob("show"), "/app/", "/other/", 1),
						"template": strings.Replace(someJob("show"), `"t"`, `"u"`, 1),
						"domain":   strings.Replace(someJob("show"), `"t"`, `"t","TranscodeOutput":{"DomainName":"example.net"}`, 1),
						"times":    strings.Replace(someJob("show"), `"t"`, `"t","StartMode":1,"TimedConfig":{"StartTime":"2000-01-02T00:00:00Z"}`, 1),
					} {
						if status, _, text := i.do(http.MethodPost, "/jobs", other); status != http.StatusConflict {
							t.Errorf("another %s: %d %s", what, status, text)
						}
					}
					time.Sleep(time.Minute)
				}
				time.Sleep(10 * time.Minute) // the submission has expired: Ensure compares the request with the job
				for body, want := range map[string]int{
					someJob("show"): http.StatusOK,
					strings.Replace(someJob("show"), `"t"`, `"u"`, 1): http.StatusConflict,
				} {
					if status, _, text := i.do(http.MethodPost, "/jobs", body); status != want {
						t.Errorf("later: %d %s, want %d", status, text, want)
					}
				}
				if n := len(srv.Jobs()); n != 1 {
					t.Errorf("%d jobs, want 1", n)
				}
				i.stop()
			})
		})
	}
}

// A request whose job has ended is not that of another job that has the name by then.
func TestNameIsTaken(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"at once": time.Minute, "later": time.Hour + time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
				i := start(t, srv, file)
				id := i.post("show")
				time.Sleep(10 * time.Minute)
				if status, _, text := i.do(http.MethodDelete, "/jobs/"+id, ""); status != http.StatusAccepted {
					t.Fatalf("%d %s", status, text)
				}
				time.Sleep(time.Minute)
				other, err := srv.Client().SubmitLiveTranscodeJob(t.Context(), &livetranscode.SubmitLiveTranscodeJobRequest{
					Name: "show", TemplateID: "u", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://other.example.net/a/b"},
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(pause)
				if status, _, text := i.do(http.MethodPost, "/jobs", someJob("show")); status != http.StatusConflict {
					t.Errorf("%d %s, want a conflict with %s", status, text, other.JobID)
				}
				i.stop()
			})
		})
	}
}

// Of concurrent requests with the same name and different streams, only one is submitted.
func TestConcurrentNameConflict(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *livetranscodetest.Server, file string) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(20 * time.Second))
		i := start(t, srv, file)
		var posts sync.WaitGroup
		var created, conflicts atomic.Int32
		for n := range 10 {
			posts.Go(func() {
				status, _, _ := i.do(http.MethodPost, "/jobs", strings.Replace(someJob("show"), "/app/", fmt.Sprintf("/app%d/", n), 1))
				switch status {
				case http.StatusCreated:
					created.Add(1)
				case http.StatusConflict:
					conflicts.Add(1)
				}
			})
		}
		posts.Wait()
		if n := len(srv.Jobs()); n != 1 || created.Load() != 1 || conflicts.Load() != 9 {
			t.Errorf("%d jobs, %d created, %d conflicts", n, created.Load(), conflicts.Load())
		}
		i.stop()
	})
}

// A job is submitted only after its request is stored.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		synctest.Wait()
		if _, err := i.store.db.Exec("PRAGMA query_only(1)"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			status, _, text := i.do(http.MethodPost, "/jobs", someJob("show"))
			if status != http.StatusInternalServerError || len(srv.Jobs()) != 0 {
				t.Errorf("%d %s, %d jobs", status, text, len(srv.Jobs()))
			}
		}
		if _, err := i.store.db.Exec("PRAGMA query_only(0)"); err != nil {
			t.Fatal(err)
		}
		i.post("show")
		i.stop()
	})
}

// A process that ended between the Submit and its result leaves behind a stored request: the next one submits the job
// again only if the service does not list it some minutes later.
func TestKilledDuringSubmit(t *testing.T) {
	t.Parallel()
	for name, submitted := range map[string]bool{"submitted": true, "not submitted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, _ *livetranscodetest.Server, file string) {
				srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(20 * time.Second))
				i := start(t, srv, file)
				synctest.Wait()
				// As if the process had been killed before it stored the job, or before it submitted it.
				id := i.post("show")
				i.stop()
				if !submitted {
					srv.RemoveJob(id)
				}
				execute(t, file, "DELETE FROM changes; DELETE FROM jobs; UPDATE submissions SET job = NULL")
				i = start(t, srv, file)
				status, _, text := i.do(http.MethodPost, "/jobs", someJob("show"))
				if status != http.StatusGatewayTimeout || !strings.Contains(text, "send the request again in a few minutes") {
					t.Errorf("at once: %d %s", status, text)
				}
				time.Sleep(time.Minute)
				if status, _, text := i.do(http.MethodPost, "/jobs", someJob("show")); status != http.StatusGatewayTimeout {
					t.Errorf("a minute later: %d %s", status, text)
				}
				time.Sleep(5 * time.Minute) // the submission has expired
				want := map[bool]int{true: http.StatusOK, false: http.StatusCreated}[submitted]
				if status, _, text := i.do(http.MethodPost, "/jobs", someJob("show")); status != want || len(srv.Jobs()) != 1 {
					t.Errorf("later: %d %s, want %d; %d jobs", status, text, want, len(srv.Jobs()))
				}
				i.stop()
			})
		})
	}
}

// A request that was refused can be corrected at once.
func TestPostAfterRefusal(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		srv.Inject(livetranscodetest.Fault{Operation: submitOperation, Code: "InvalidParameter.TemplateId", Times: 1})
		if status, _, text := i.do(http.MethodPost, "/jobs", strings.Replace(someJob("show"), `"t"`, `"u"`, 1)); status != http.StatusBadRequest {
			t.Errorf("refused: %d %s", status, text)
		}
		i.post("show")
		i.stop()
	})
}

// A stopped job with the same name counts.
func TestPostOfStoppedJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusStopped})
		i := start(t, srv, file)
		status, _, text := i.do(http.MethodPost, "/jobs", someJob("show"))
		if status != http.StatusOK || !strings.Contains(text, `"id":"`+id+`"`) || !strings.Contains(text, `"status":"stopped"`) {
			t.Errorf("%d %s", status, text)
		}
		time.Sleep(time.Minute)
		for _, call := range srv.Calls() {
			if call.Operation == "GetLiveTranscodeJob" {
				t.Error("a job that has stopped is polled")
			}
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

// A job that was lost soon after its POST is not returned: it may not exist. Later, the service is asked again.
func TestPostOfJobLostAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		id := i.post("show")
		time.Sleep(time.Minute)
		srv.RemoveJob(id)
		time.Sleep(2 * time.Minute)
		equal(t, "status", []string{i.status(id)}, "lost")
		if status, _, text := i.do(http.MethodPost, "/jobs", someJob("show")); status != http.StatusGatewayTimeout {
			t.Errorf("%d %s", status, text)
		}
		time.Sleep(2 * time.Minute)
		if again := i.post("show"); again == id {
			t.Errorf("the job has the id %s again", id)
		}
		i.stop()
	})
}

// A job that could not be read for a while, and so was lost, is watched again when a POST finds it.
func TestPostOfLostJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		id := i.post("show")
		time.Sleep(2 * time.Minute)
		srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Code: "JobNotFound", Times: -1})
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "ServiceUnavailable", Times: -1})
		time.Sleep(10 * time.Minute)
		equal(t, "status", []string{i.status(id)}, "lost")
		srv.ClearFaults()
		status, header, text := i.do(http.MethodPost, "/jobs", someJob("show"))
		if status != http.StatusOK || header.Get("Location") != "/jobs/"+id || !strings.Contains(text, `"status":"in progress"`) {
			t.Errorf("%d %s", status, text)
		}
		srv.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(time.Minute)
		equal(t, "status", []string{i.status(id)}, "stopped")
		i.stop()
	})
}

// A POST that only found a job leaves nothing behind.
func TestPostThatFoundAJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusInProgress})
		i := start(t, srv, file)
		synctest.Wait()
		other := strings.Replace(someJob("show"), `"t"`, `"t","TranscodeOutput":{"DomainName":"example.net"}`, 1)
		for _, body := range []string{someJob("show"), other} {
			if status, _, text := i.do(http.MethodPost, "/jobs", body); status != http.StatusOK {
				t.Errorf("%d %s", status, text)
			}
		}
		srv.RemoveJob(id)
		time.Sleep(2 * time.Minute)
		equal(t, "status", []string{i.status(id)}, "lost")
		if again := i.post("show"); again == id {
			t.Error("the job that was deleted is returned")
		}
		i.stop()
	})
}

// The same POST returns its own job, whoever else has the name meanwhile or had it before.
func TestPostReturnsItsJob(t *testing.T) {
	t.Parallel()
	submitOther := func(t *testing.T, srv *livetranscodetest.Server) string {
		t.Helper()
		other, err := srv.Client().SubmitLiveTranscodeJob(t.Context(), &livetranscode.SubmitLiveTranscodeJobRequest{
			Name: "show", TemplateID: "u", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://other.example.net/a/b"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return other.JobID
	}
	for name, test := range map[string]struct{ before, after bool }{"before": {before: true}, "after": {after: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
				i := start(t, srv, file)
				if test.before { // deleted when the job is submitted, and lost when the watch has seen that
					id := submitOther(t, srv)
					time.Sleep(time.Minute)
					srv.RemoveJob(id)
				}
				id := i.post("show")
				if test.after {
					submitOther(t, srv)
				}
				time.Sleep(2 * time.Minute)
				if len(i.jobs()) != 2 {
					t.Errorf("the jobs are %+v", i.jobs())
				}
				if status, header, text := i.do(http.MethodPost, "/jobs", someJob("show")); status != http.StatusOK || header.Get("Location") != "/jobs/"+id {
					t.Errorf("%d %s, want %s", status, text, id)
				}
				i.stop()
			})
		})
	}
}

// A job of somebody else that has the name after a Submit of unknown outcome is not returned.
func TestPostOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		srv.Inject(livetranscodetest.Fault{Operation: submitOperation, StatusCode: 502, Times: 1})
		for minutes, want := range []int{504, 504, 504, 504, 504, 409, 409} {
			status, _, text := i.do(http.MethodPost, "/jobs", someJob("show"))
			if status != want {
				t.Errorf("after %d minutes: %d %s, want %d", minutes, status, text, want)
			}
			if minutes == 0 {
				srv.AddJob(livetranscode.Job{Name: "show", TemplateID: "u", Status: livetranscode.JobStatusInProgress})
			}
			time.Sleep(time.Minute)
		}
		i.stop()
	})
}
