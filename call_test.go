package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusedBeforeSending checks that an invalid request sends nothing and asks for no credentials. What is invalid is
// tested beside the requests.
func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		operation, field string
		call             func(context.Context, *Client) (any, error)
	}{
		"no job id": {"GetLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) (any, error) {
			resp, err := c.GetLiveTranscodeJob(ctx, "")
			return resp, err
		}},
		"no request": {"SubmitLiveTranscodeJob", "req", func(ctx context.Context, c *Client) (any, error) {
			resp, err := c.SubmitLiveTranscodeJob(ctx, nil)
			return resp, err
		}},
		"not UTF-8": {"UpdateLiveTranscodeJob", "StreamInput.InputURL", func(ctx context.Context, c *Client) (any, error) {
			resp, err := c.UpdateLiveTranscodeJob(ctx, &UpdateLiveTranscodeJobRequest{JobID: "j", StreamInput: &StreamInput{InputURL: "rtmp://h/\xff"}})
			return resp, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(success)
			c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				t.Error("the provider was asked")
				return Credentials{}, errors.New("must not be asked")
			})))
			resp, err := tt.call(t.Context(), c)
			param, ok := errors.AsType[*ParamError](err)
			if !ok || param.Operation != tt.operation || param.Field != tt.field || !errors.Is(err, ErrInvalidRequest) {
				t.Errorf("the error is %#v, want a *ParamError of %s.%s", err, tt.operation, tt.field)
			}
			if text := fmt.Sprint(resp); text != "<nil>" {
				t.Errorf("there is a response beside the error: %s", text)
			}
			rt.wantRequests(t, 0)
		})
	}
}

// TestOneKindAfterARetry checks that a client-side error that ends the retries adds no kind to that of the last
// response.
func TestOneKindAfterARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		rt := newScript(respondError(400, "Throttling.User"))
		err := getJob(t.Context(), clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
			asked++
			return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret + strings.Repeat(" ", asked-1)}, nil
		}))))
		wantKind(t, err, ErrThrottled)
		if param, ok := errors.AsType[*ParamError](err); ok || !strings.Contains(err.Error(), "AccessKeySecret") {
			t.Errorf("the error %v does not say what ended the retries, or has %v", err, param)
		}
		rt.wantRequests(t, 1)
	})
}

// TestSuccessWithoutID checks that a Submit or Create whose response lacks the id is ambiguous.
func TestSuccessWithoutID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"RequestId":"r"}`, `{"RequestId":"r","JobId":"","TemplateId":""}`, `{"RequestId":"r","JobId":null,"TemplateId":null}`,
		`{"RequestId":"r","Data":{"JobId":"j"}}`, `{"RequestId":"r","JobId":{},"TemplateId":{}}`, `null`, `[]`,
		errorBodyJSON("InternalError", "m"),
	} {
		for _, op := range allOperations {
			if op.idempotent {
				continue
			}
			rt := newScript(respond(200, body, "X-Acs-Request-Id", "header-id"))
			err := op.call(t.Context(), clientOver(t, rt))
			api, ok := errors.AsType[*APIError](err)
			if !ok || !errors.Is(err, ErrAmbiguous) || api.StatusCode != 200 || api.RequestID == "" || api.Attempts != 1 {
				t.Errorf("%s with %s: the error is %#v", op.name, body, err)
			}
			wantKind(t, err, ErrBadResponse)
			rt.wantRequests(t, 1)
		}
	}
}

func TestDebugLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := new(logRecorder)
		rt := newScript(
			respondError(400, "Throttling.User", "X-Acs-Retry-After", "2000"),
			failWith(fmt.Errorf("with %s to https://h/?KeyWord=secret-value: %w", testToken, io.EOF)),
			respond(200, `{"RequestId":"req-2","Job":{}}`),
		)
		if err := getJob(t.Context(), clientOver(t, rt, log.option(), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))); err != nil {
			t.Fatal(err)
		}
		entries := log.entries(t, slog.LevelDebug)
		if len(entries) != 4 {
			t.Fatalf("there are %d entries, want one for each attempt and one for the call:\n%s", len(entries), log.text())
		}
		gaps := rt.gaps(t)
		want := []map[string]any{
			{"msg": "livetranscode: attempt failed", "operation": "GetLiveTranscodeJob", "resource_id": "job-1", "attempt": 1.0, "status": 400.0, "code": "Throttling.User", "error_kind": "throttled", "request_id": "req-1", "delay": float64(gaps[0]), "duration": 0.0},
			{"msg": "livetranscode: attempt failed", "operation": "GetLiveTranscodeJob", "resource_id": "job-1", "attempt": 2.0, "error_kind": "unavailable", "delay": float64(gaps[1]), "duration": 0.0},
			{"msg": "livetranscode: attempt succeeded", "operation": "GetLiveTranscodeJob", "resource_id": "job-1", "attempt": 3.0, "status": 200.0, "request_id": "req-2", "duration": 0.0},
			{"msg": "livetranscode: call ended", "operation": "GetLiveTranscodeJob", "resource_id": "job-1", "attempts": 3.0, "request_id": "req-2", "duration": float64(gaps[0] + gaps[1])},
		}
		for i, entry := range entries {
			for key, value := range want[i] {
				if entry[key] != value {
					t.Errorf("entry %d has %s %v, want %v", i+1, key, entry[key], value)
				}
			}
			if _, has := entry["delay"]; has && i >= 2 {
				t.Error("the last entry has a delay")
			}
			if _, has := entry["error"]; has != (i == 1) {
				t.Errorf("entry %d: an error is logged: %t", i+1, has)
			}
		}
		wantNone(t, log.text(), testSecret, testToken, "secret-value", "Signature=", "Credential=")

		// The last failure of a call, and a response that cannot be used, are attempts too.
		log = new(logRecorder)
		getJob(t.Context(), clientOver(t, newScript(respondError(403, "Forbidden")), log.option()))
		getJob(t.Context(), clientOver(t, newScript(respond(200, "{}", "X-Acs-Request-Id", "header-id")), log.option()))
		entries = log.entries(t, slog.LevelDebug)
		if len(entries) != 4 || entries[0]["code"] != "Forbidden" || entries[1]["error_kind"] != "forbidden" ||
			entries[2]["request_id"] != "header-id" || entries[2]["status"] != 200.0 || entries[3]["error_kind"] != "bad_response" {
			t.Errorf("the log is\n%s", log.text())
		}
	})
}

// TestOperatorLogs checks that what an operator acts on is logged once each time, and its end.
func TestOperatorLogs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		steps []step
		calls int
		warns []string
		infos []string
	}{
		"credentials refused, twice, and accepted": {
			[]step{respondError(403, "InvalidAccessKeyId.Inactive"), respondError(403, "InvalidAccessKeyId.Inactive"), success, respondError(400, "SignatureDoesNotMatch"), success},
			5,
			[]string{"the service refuses the credentials", "the service refuses the credentials"},
			[]string{"accepts the credentials again", "accepts the credentials again"},
		},
		"retry quota used up": {[]step{respondError(503, "ServiceUnavailable")}, 60, []string{"the retry quota is used up"}, nil},
		"success":             {[]step{success}, 3, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := new(logRecorder)
				c := clientOver(t, newScript(tt.steps...), log.option())
				for range tt.calls {
					_ = getJob(t.Context(), c)
				}
				for level, want := range map[slog.Level][]string{slog.LevelWarn: tt.warns, slog.LevelInfo: tt.infos} {
					entries := log.entries(t, level)
					if len(entries) != len(want) {
						t.Fatalf("%v: %v, want %q", level, entries, want)
					}
					for i, entry := range entries {
						if !strings.Contains(entry["msg"].(string), want[i]) || entry["operation"] != "GetLiveTranscodeJob" {
							t.Errorf("%v: %v, want %q", level, entry, want[i])
						}
					}
				}
			})
		})
	}
}

// TestDefaultLogger checks that nothing is logged without a logger.
func TestDefaultLogger(t *testing.T) {
	t.Parallel()
	for _, c := range []*Client{clientOver(t, newScript(success)), clientOver(t, newScript(success), WithLogger(nil))} {
		if c.logger.Enabled(t.Context(), slog.LevelError+100) {
			t.Error("the default logger logs")
		}
	}
}

// TestErrorsAreSeparate checks that calls that fail concurrently do not write into each other's errors.
func TestErrorsAreSeparate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		c := clientOver(t, failWith(shared), attempts(2))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if call, ok := errors.AsType[*CallError](getJob(ctx, c)); !ok || call.Attempts < 1 {
					t.Errorf("the error is %#v", call)
				}
			})
		}
		wg.Wait()
	})
}

// TestCallAllocations limits what calls allocate, including the share of the transport: upper bounds, to be lowered
// when they can be. It is not parallel because testing.AllocsPerRun counts the whole process.
//
//nolint:paralleltest // see above
func TestCallAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	job := strings.TrimSuffix(strings.SplitN(documentedJob, `"Job":`, 2)[1], "}")
	jobs := make([]string, 100)
	for i := range jobs {
		jobs[i] = strings.ReplaceAll(job, "20b48fb04483915d4f2cd8ac", fmt.Sprintf("%024d", i))
	}
	page := `{"RequestId":"r","TotalCount":100,"JobList":[` + strings.Join(jobs, ",") + `]}`
	client := func(body string) *Client {
		return clientOver(t, step(func(req *http.Request) (*http.Response, error) { // five allocations
			return &http.Response{
				StatusCode: http.StatusOK, ContentLength: int64(len(body)), Request: req,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
			}, nil
		}))
	}
	get, list := client(documentedJob), client(page)
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		most float64
		call func() error
	}{
		{"GetLiveTranscodeJob", 28, func() error { _, err := get.GetLiveTranscodeJob(ctx, "job"); return err }},
		{"ListLiveTranscodeJobs, 100 jobs", 440, func() error { _, err := list.ListLiveTranscodeJobs(ctx, nil); return err }},
	} {
		n := testing.AllocsPerRun(200, func() {
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %v allocations", tt.name, n)
		if n > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, n, tt.most)
		}
	}
}

// TestRefusedAfterUnknown checks that a Stop or Delete whose first response was lost is not reported as refused if it
// was executed.
func TestRefusedAfterUnknown(t *testing.T) {
	t.Parallel()
	const (
		stoppedJob = `{"RequestId":"get-id","Job":{"JobId":"j","Status":2}}`
		runningJob = `{"RequestId":"get-id","Job":{"JobId":"j","Status":1}}`
		template   = `{"RequestId":"get-id","TemplateContent":{"TemplateId":"t"}}`
	)
	stop := func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.SendLiveTranscodeJobCommand(ctx, "j", JobCommandStop)
		if err != nil {
			return "", err
		}
		return resp.RequestID, nil
	}
	deleteJob := func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.DeleteLiveTranscodeJob(ctx, "j")
		if err != nil {
			return "", err
		}
		return resp.RequestID, nil
	}
	deleteTemplate := func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.DeleteLiveTranscodeTemplate(ctx, "t")
		if err != nil {
			return "", err
		}
		return resp.RequestID, nil
	}
	lost, gone := failWith(io.EOF), respondError(404, "JobNotFound")
	denied, state := respondError(403, "OperationDenied"), respondError(409, "JobAlreadyStarted")
	for name, tt := range map[string]struct {
		call     func(context.Context, *Client) (string, error)
		steps    []step
		id       string // of a success
		requests int
	}{
		"stop, executed, refused":               {stop, []step{lost, denied, respond(200, stoppedJob)}, "get-id", 3},
		"stop, executed, in the wrong state":    {stop, []step{lost, state, respond(200, stoppedJob)}, "get-id", 3},
		"stop, executed, job gone":              {stop, []step{respondError(500, "InternalError"), gone, gone}, "req-1", 3},
		"stop, refused, job runs":               {stop, []step{lost, denied, respond(200, runningJob)}, "", 3},
		"stop, refused, Get fails":              {stop, []step{lost, denied, respondError(403, "Forbidden")}, "", 3},
		"stop, refused at once":                 {stop, []step{denied}, "", 1},
		"stop, throttled first":                 {stop, []step{respondError(400, "Throttling"), denied}, "", 2},
		"stop, lost and executed again":         {stop, []step{lost, respond(200, `{"RequestId":"second"}`)}, "second", 2},
		"stop, lost, then the access key fails": {stop, []step{lost, respondError(403, "InvalidAccessKeyId.NotFound")}, "", 2},
		"delete, executed, not found":           {deleteJob, []step{lost, gone, gone}, "req-1", 3},
		"delete, refused, job stopped":          {deleteJob, []step{lost, denied, respond(200, stoppedJob)}, "", 3},
		"delete, not found at once":             {deleteJob, []step{gone}, "", 1},
		"delete template, executed":             {deleteTemplate, []step{lost, respondError(404, "TemplateNotFound"), respondError(404, "TemplateNotFound")}, "req-1", 3},
		"delete template, refused":              {deleteTemplate, []step{lost, denied, respond(200, template)}, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.steps...)
				id, err := tt.call(t.Context(), clientOver(t, rt))
				if id != tt.id || (err == nil) != (tt.id != "") {
					t.Errorf("got %q, %v, want %q", id, err, tt.id)
				}
				if strings.Contains(name, "refused, ") && err != nil { // after a lost response
					if text := err.Error(); !strings.Contains(text, "may have succeeded") || strings.Contains(text, "activate") {
						t.Errorf("the error %q does not say that the outcome is unknown", text)
					}
				}
				rt.wantRequests(t, tt.requests)
			})
		})
	}
}
