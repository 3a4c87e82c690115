package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestMigrationGuideErrorTexts(t *testing.T) {
	t.Parallel()
	notStarted := &livetranscode.Job{JobID: "j"}
	explained := &livetranscode.APIError{
		StatusCode: 403, Code: "NoPermission", AccessDenied: &livetranscode.AccessDeniedDetail{AuthAction: "ice:GetLiveTranscodeJob"},
	}
	for want, err := range map[string]error{
		"ok":                        nil,
		"has stopped":               &livetranscode.WaitError{Last: notStarted, Err: livetranscode.ErrJobStopped},
		"TemplateID is empty":       &livetranscode.ParamError{Field: "TemplateID", Reason: "is empty"},
		"another job has this name": fmt.Errorf("ensure: %w", livetranscode.ErrNameConflict),
		"still not started":         &livetranscode.WaitError{Last: notStarted, Err: context.DeadlineExceeded},
		"canceled or too late":      &livetranscode.WaitError{Err: context.DeadlineExceeded},
		"no such job":               &livetranscode.WaitError{Last: notStarted, Err: &livetranscode.APIError{StatusCode: 404, Code: "JobNotFound"}},
		"try again later":           &livetranscode.WaitError{Err: &livetranscode.APIError{StatusCode: 503, Code: "ServiceUnavailable"}},
		"may have been submitted: search for it before submitting again": livetranscode.ErrAmbiguous,
		"grant ice:GetLiveTranscodeJob":                                  explained,
		"NoPermission (status 403, request id r)":                        &livetranscode.APIError{StatusCode: 403, Code: "NoPermission", RequestID: "r"},
		"no usable response: livetranscode: no credentials":              errors.New("livetranscode: no credentials"),
	} {
		if got := afterErrors(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := afterErrors(&livetranscode.CallError{Err: context.Canceled}); got != "canceled or too late" {
		t.Errorf("canceled: %q", got)
	}
}

// The table of HTTP statuses has every kind, as httpStatus does.
func TestMigrationGuideHTTPStatus(t *testing.T) {
	t.Parallel()
	errs := []error{
		livetranscode.ErrAmbiguous, context.Canceled, context.DeadlineExceeded, livetranscode.ErrNoCredentials,
		livetranscode.ErrAuthentication, livetranscode.ErrForbidden, livetranscode.ErrNotFound, livetranscode.ErrThrottled,
		livetranscode.ErrJobStopped, livetranscode.ErrNameConflict, livetranscode.ErrBadEndpoint, livetranscode.ErrInvalidRequest,
		livetranscode.ErrBadResponse, livetranscode.ErrUnavailable, errors.New("other"),
	}
	statuses := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\| (\\d{3}) \\|").FindAllStringSubmatch(readFile(t, migrationGuide), -1) {
		for _, kind := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
			statuses[kind[1]] = row[2]
		}
	}
	for _, err := range errs {
		kind := livetranscode.ErrorKind(err)
		if got := fmt.Sprint(httpStatus(err)); got != statuses[kind] {
			t.Errorf("the status of %s is %s, and in the table %q", kind, got, statuses[kind])
		}
	}
	kinds := regexp.MustCompile(`(?m)^\t\{\S+, "(\w+)"\},`).FindAllString(readFile(t, "../error_codes.go"), -1)
	if len(statuses) != len(errs) || len(errs) != len(kinds)+1 {
		t.Errorf("%d kinds in the table, %d here, %d in error_codes.go", len(statuses), len(errs), len(kinds))
	}
	if got := httpStatus(errors.Join(livetranscode.ErrThrottled, context.DeadlineExceeded)); got != 503 || httpStatus(nil) != 200 {
		t.Errorf("throttled for too long is %d", got)
	}
}

// A caller who disconnects ends a read and no stop.
func TestMigrationGuideHandlers(t *testing.T) {
	t.Parallel()
	emulator := livetranscodetest.NewServer()
	id := emulator.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusInProgress})
	mux := http.NewServeMux()
	afterHandlers(emulator.Client(), mux)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx    context.Context
		method string
		id     string
		status int
		body   string
	}{
		{t.Context(), "GET", id, 200, "show is in progress\n"},
		{t.Context(), "GET", "unknown", 404, "JobNotFound"},
		{gone, "GET", id, 503, "canceled"},
		{gone, "DELETE", id, 200, ""},
		{t.Context(), "DELETE", "unknown", 404, "JobNotFound"},
		{t.Context(), "GET", id, 200, "show is stopped\n"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(test.ctx, test.method, "/jobs/"+test.id, http.NoBody))
		if body, _ := io.ReadAll(w.Body); w.Code != test.status || !strings.Contains(string(body), test.body) {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.id, w.Code, body, test.status, test.body)
		}
	}
}

// The loop that notices changes continues after the end of a watch.
func TestMigrationGuideChangeLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		emulator := livetranscodetest.NewServer()
		id := emulator.AddJob(livetranscode.Job{Name: "show"})
		deleted := emulator.AddJob(livetranscode.Job{Name: "deleted", Status: livetranscode.JobStatusInProgress})
		var changes []string
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			afterChangeLoop(ctx, emulator.Client(), func(job *livetranscode.Job, what string) {
				what, _, _ = strings.Cut(what, ":")
				changes = append(changes, job.Name+" "+what)
			})
		}()
		time.Sleep(time.Second)
		emulator.SetStatus(id, livetranscode.JobStatusInProgress)
		time.Sleep(time.Minute)
		creds := emulator.Credentials()
		emulator.SetCredentials()
		time.Sleep(time.Minute)
		emulator.SetCredentials(creds)
		emulator.RemoveJob(deleted)
		emulator.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(3 * time.Minute)
		cancel()
		<-ended
		slices.Sort(changes[:2])
		slices.Sort(changes[3:])
		want := []string{
			"deleted is in progress", "show is not started", "show was not started, is in progress",
			"deleted is lost", "show has stopped",
		}
		if !slices.Equal(changes, want) {
			t.Errorf("changes\n%q, want\n%q", changes, want)
		}
	})
}

func TestMigrationGuideTests(t *testing.T) {
	t.Parallel()
	t.Run("emulator", afterTest)
	client := afterHTTPTest(t)
	if _, err := client.GetLiveTranscodeJob(t.Context(), "unknown"); !errors.Is(err, livetranscode.ErrNotFound) {
		t.Error(err)
	}
	direct, err := json.Marshal(livetranscode.Job{Status: livetranscode.JobStatusUnknown})
	if err != nil || !strings.Contains(string(direct), `"Status":-1`) || !strings.Contains(string(direct), `"Name":"","JobId":""`) {
		t.Errorf("JSON %s, error %v", direct, err)
	}
	got, err := afterJSON(&livetranscode.Job{JobID: "1", Name: "show", Status: livetranscode.JobStatusInProgress})
	if want := `{"id":"1","name":"show","status":"in progress"}`; string(got) != want || err != nil {
		t.Errorf("JSON %s, want %s, error %v", got, want, err)
	}
}
