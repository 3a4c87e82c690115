package livetranscode_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func ensureRequest(name string) *livetranscode.SubmitLiveTranscodeJobRequest {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: name, TemplateID: "template-1", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://domain/app/stream"},
	}
}

// jobsNamed returns how many jobs of a name the service has.
func jobsNamed(srv *livetranscodetest.Server, name string) (n int) {
	for _, job := range srv.Jobs() {
		if job.Name == name {
			n++
		}
	}
	return n
}

func TestFindLiveTranscodeJob(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusStopped})
	srv.AddJob(livetranscode.Job{Name: "show-2"})
	srv.AddJob(livetranscode.Job{Name: "my-show"})
	twin := srv.AddJob(livetranscode.Job{Name: "twins"})
	srv.AddJob(livetranscode.Job{Name: "twins"})
	job, err := client.FindLiveTranscodeJob(t.Context(), "show")
	if err != nil || job.JobID != id || job.Status != livetranscode.JobStatusStopped {
		t.Errorf("found %v, %v, want the stopped job", job, err)
	}
	for name, want := range map[string]error{
		"sho": livetranscode.ErrNotFound, "Show": livetranscode.ErrNotFound, "twins": livetranscode.ErrNameConflict,
		"": livetranscode.ErrInvalidRequest, "caf\xe9": livetranscode.ErrInvalidRequest,
	} {
		job, err := client.FindLiveTranscodeJob(t.Context(), name)
		if job != nil || !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: found %v, %v, want %v", name, job, err, want)
		}
		if name == "twins" && !strings.Contains(err.Error(), twin) {
			t.Errorf("%v does not name the ids", err)
		}
		if param := (*livetranscode.ParamError)(nil); errors.As(err, &param) && param.Field != "name" {
			t.Errorf("%v names the field %s", err, param.Field)
		}
	}
}

func TestEnsureLiveTranscodeJob(t *testing.T) {
	t.Parallel()
	other := ensureRequest("show")
	other.TemplateID = "template-2"
	otherInput := ensureRequest("show")
	otherInput.StreamInput.InputURL = "rtmp://domain/app/other"
	for name, tt := range map[string]struct {
		jobs    []livetranscode.Job
		req     *livetranscode.SubmitLiveTranscodeJobRequest
		fault   *livetranscodetest.Fault
		delay   time.Duration // until a new job is listed
		created bool
		want    error
		jobsEnd int
		took    time.Duration // at most
	}{
		"none yet":              {req: ensureRequest("show"), created: true, jobsEnd: 1},
		"others have its parts": {jobs: []livetranscode.Job{{Name: "show-2"}, {Name: "my-show"}}, req: ensureRequest("show"), created: true, jobsEnd: 1},
		"one exists":            {jobs: []livetranscode.Job{{Name: "show", TemplateID: "template-1"}}, req: ensureRequest("show"), jobsEnd: 1},
		"one has stopped":       {jobs: []livetranscode.Job{{Name: "show", Status: livetranscode.JobStatusStopped}}, req: ensureRequest("show"), jobsEnd: 1},
		"two exist":             {jobs: []livetranscode.Job{{Name: "show"}, {Name: "show"}}, req: ensureRequest("show"), want: livetranscode.ErrNameConflict, jobsEnd: 2},
		"another template":      {jobs: []livetranscode.Job{{Name: "show", TemplateID: "template-1"}}, req: other, want: livetranscode.ErrNameConflict, jobsEnd: 1},
		"another input": {
			jobs: []livetranscode.Job{{Name: "show", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://domain/app/stream"}}}, req: otherInput,
			want: livetranscode.ErrNameConflict, jobsEnd: 1,
		},
		"invalid": {req: ensureRequest(""), want: livetranscode.ErrInvalidRequest},
		"nil":     {want: livetranscode.ErrInvalidRequest},
		"response lost": {
			req: ensureRequest("show"), fault: &livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", DropResponse: true}, created: true, jobsEnd: 1, took: time.Second,
		},
		"response lost, listed late": {
			req: ensureRequest("show"), fault: &livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", DropResponse: true}, delay: 20 * time.Second,
			created: true, jobsEnd: 1, took: 30 * time.Second,
		},
		"response lost, listed too late": {
			req: ensureRequest("show"), fault: &livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", DropResponse: true}, delay: time.Minute,
			want: livetranscode.ErrAmbiguous, jobsEnd: 1, took: 31 * time.Second,
		},
		"never executed": {
			req: ensureRequest("show"), fault: &livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", Code: "InternalError"},
			want: livetranscode.ErrAmbiguous, took: 31 * time.Second,
		},
		"refused":       {req: ensureRequest("show"), fault: &livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", Code: "Forbidden"}, want: livetranscode.ErrForbidden},
		"may not list":  {req: ensureRequest("show"), fault: &livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden"}, want: livetranscode.ErrForbidden},
		"throttled":     {req: ensureRequest("show"), fault: &livetranscodetest.Fault{Code: "Throttling.User", Times: 2}, created: true, jobsEnd: 1, took: 30 * time.Second},
		"twice, stored": {jobs: []livetranscode.Job{{Name: "show", TemplateID: "template-1", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://domain/app/stream"}}}, req: ensureRequest("show"), jobsEnd: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(tt.delay))
				for _, job := range tt.jobs {
					srv.AddJob(job)
				}
				if tt.fault != nil {
					srv.Inject(*tt.fault)
				}
				start := time.Now()
				resp, err := srv.Client().EnsureLiveTranscodeJob(t.Context(), tt.req)
				if took := time.Since(start); took > tt.took {
					t.Errorf("it took %v, want at most %v", took, tt.took)
				}
				if n := jobsNamed(srv, "show"); n != tt.jobsEnd {
					t.Errorf("there are %d jobs of that name, want %d", n, tt.jobsEnd)
				}
				if tt.want != nil {
					if !errors.Is(err, tt.want) || resp != nil || livetranscode.Retryable(err) != (tt.want == livetranscode.ErrAmbiguous) { //nolint:errorlint // the kinds themselves are compared
						t.Errorf("got %v, %v, want %v", resp, err, tt.want)
					}
					return
				}
				if err != nil || resp.JobID == "" || resp.Created != tt.created || (resp.Existing == nil) != tt.created {
					t.Errorf("got %+v, %v, want Created %t", resp, err, tt.created)
				}
			})
		})
	}
}

// TestEnsureConcurrently checks that concurrent calls of one client share one Submit, and survive the end of the one
// that made it.
func TestEnsureConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(time.Second))
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Latency: 5 * time.Second})
		client := srv.Client()
		leader, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := client.EnsureLiveTranscodeJob(leader, ensureRequest("show")); !errors.Is(err, context.Canceled) {
				t.Errorf("the canceled call returned %v", err)
			}
		})
		synctest.Wait()
		ids := make(chan string, 20)
		for range cap(ids) {
			wg.Go(func() {
				resp, err := client.EnsureLiveTranscodeJob(t.Context(), ensureRequest("show"))
				if err != nil || !resp.Created {
					t.Errorf("got %+v, %v", resp, err)
					return
				}
				ids <- resp.JobID
			})
		}
		other := ensureRequest("show")
		other.TemplateID = "template-2"
		wg.Go(func() {
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if _, err := client.EnsureLiveTranscodeJob(ctx, other); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a call that waits for another one returned %v", err)
			}
		})
		wg.Wait()
		close(ids)
		first := <-ids
		for id := range ids {
			if id != first {
				t.Errorf("the calls returned %s and %s", first, id)
			}
		}
		if n := jobsNamed(srv, "show"); n != 1 {
			t.Errorf("there are %d jobs", n)
		}
	})
}

// TestEnsureShares checks that concurrent calls that find one job get copies of their own.
func TestEnsureShares(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.AddJob(livetranscode.Job{Name: "show", OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{{Type: "rtmp"}}}})
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Latency: time.Second, Times: -1})
		client, found := srv.Client(), make([]*livetranscode.Job, 4)
		var wg sync.WaitGroup
		for i := range found {
			wg.Go(func() {
				req := ensureRequest("show")
				resp, err := client.EnsureLiveTranscodeJob(t.Context(), req)
				if err != nil || resp.Existing == nil {
					t.Errorf("got %+v, %v", resp, err)
					return
				}
				found[i] = resp.Existing
			})
		}
		wg.Wait()
		for i, job := range found[1:] {
			if job == nil || job == found[0] {
				t.Fatalf("call %d has the job of the first", i+1)
			}
			if len(job.OutputStream.StreamInfos) == 0 || &job.OutputStream.StreamInfos[0] == &found[0].OutputStream.StreamInfos[0] {
				t.Errorf("call %d shares the outputs with the first: %+v", i+1, job)
			}
		}
	})
}

// TestEnsurePanic checks that a panic of the caller's code does not leave others waiting.
func TestEnsurePanic(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	panics := true
	client := srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		if panics {
			panic("transport")
		}
		return srv.Transport().RoundTrip(req)
	})}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		client.EnsureLiveTranscodeJob(t.Context(), ensureRequest("show"))
	}()
	panics = false
	if resp, err := client.EnsureLiveTranscodeJob(t.Context(), ensureRequest("show")); err != nil || !resp.Created {
		t.Errorf("got %+v, %v", resp, err)
	}
}
