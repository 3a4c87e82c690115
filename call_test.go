package livetranscode

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestEveryOperationOnTheWire checks what all requests share, and that what was signed is what travelled.
func TestEveryOperationOnTheWire(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return rawResponse(200, op.success), keepOpen })
			if err := op.call(t.Context(), w.client(t)); err != nil {
				t.Fatal(err)
			}
			heads, _ := w.seen()
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(heads[0])))
			if err != nil {
				t.Fatal(err)
			}
			if req.Method != "POST" || req.Proto != "HTTP/1.1" || req.URL.Path != "/" || !strings.Contains(heads[0], "\r\nContent-Length: 0\r\n") {
				t.Errorf("the request starts with %q", heads[0])
			}
			if _, ok := req.Header["Content-Type"]; ok {
				t.Error("Content-Type is sent without a body")
			}
			if got := req.Header.Get("x-acs-action"); got != op.name {
				t.Errorf("x-acs-action is %q", got)
			}
			at, err := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("x-acs-date is %q", req.Header.Get("x-acs-date"))
			}
			travelled, authorization := req.URL.RawQuery, req.Header.Get("Authorization")
			creds := Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}
			if err := new(Signer).Sign(req, nil, creds, at, req.Header.Get("x-acs-signature-nonce")); err != nil {
				t.Fatal(err)
			}
			if req.URL.RawQuery != travelled {
				t.Errorf("the query %q travels, not its canonical form %q", travelled, req.URL.RawQuery)
			}
			if got := req.Header.Get("Authorization"); got != authorization {
				t.Errorf("Authorization is %q; signing what arrived gives %q", authorization, got)
			}
		})
	}
}

// TestRefusedBeforeSending: what cannot be meant costs no request and no credentials.
func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	submit := func(change func(*SubmitLiveTranscodeJobRequest)) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			req := &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: "rtmp://d/a/s"}}
			change(req)
			_, err := c.SubmitLiveTranscodeJob(ctx, req)
			return err
		}
	}
	tests := map[string]struct {
		operation, field string
		call             func(context.Context, *Client) error
	}{
		"no job id": {"GetLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) error {
			resp, err := c.GetLiveTranscodeJob(ctx, "")
			if resp != nil {
				t.Error("there is an answer beside the error")
			}
			return err
		}},
		"delete nothing": {"DeleteLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) error {
			_, err := c.DeleteLiveTranscodeJob(ctx, "")
			return err
		}},
		"no command": {"SendLiveTranscodeJobCommand", "Command", func(ctx context.Context, c *Client) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, "j", "")
			return err
		}},
		"page too large": {"ListLiveTranscodeJobs", "PageSize", func(ctx context.Context, c *Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{PageSize: 101})
			return err
		}},
		"unknown status": {"ListLiveTranscodeJobs", "Status", func(ctx context.Context, c *Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{Status: new(JobStatusUnknown)})
			return err
		}},
		"nil submit": {"SubmitLiveTranscodeJob", "req", func(ctx context.Context, c *Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, nil)
			return err
		}},
		"no name":  {"SubmitLiveTranscodeJob", "Name", submit(func(r *SubmitLiveTranscodeJobRequest) { r.Name = "" })},
		"no input": {"SubmitLiveTranscodeJob", "StreamInput.InputURL", submit(func(r *SubmitLiveTranscodeJobRequest) { r.StreamInput.InputURL = "" })},
		"no schedule": {"SubmitLiveTranscodeJob", "TimedConfig", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.StartMode = StartModeTimed
		})},
		"nil update": {"UpdateLiveTranscodeJob", "req", func(ctx context.Context, c *Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, nil)
			return err
		}},
		"no template id": {"GetLiveTranscodeTemplate", "TemplateID", func(ctx context.Context, c *Client) error {
			_, err := c.GetLiveTranscodeTemplate(ctx, "")
			return err
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(respond(200, documentedJob))
			asked := false
			c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				asked = true
				return Credentials{}, errors.New("must not be asked")
			})))
			err := tt.call(t.Context(), c)
			param, ok := errors.AsType[*ParamError](err)
			if !ok || param.Operation != tt.operation || param.Field != tt.field || !errors.Is(err, ErrInvalidRequest) {
				t.Errorf("the error is %#v, want a *ParamError of %s.%s", err, tt.operation, tt.field)
			}
			if asked {
				t.Error("the provider was asked")
			}
			rt.wantRequests(t, 0)
		})
	}
}

// cannedAnswer is a transport that has the answer ready, with five allocations.
type cannedAnswer []byte

func (a cannedAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(a)), Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(a)),
	}, nil
}

// TestCallAllocations gates what calls allocate, the canned transport's share included: upper bounds, to be
// lowered when they can be. It is not parallel, for testing.AllocsPerRun counts the whole process.
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
	client := func(answer string) *Client {
		c, err := NewClient(
			WithCredentials(StaticCredentials("testid", "testsecret", "")),
			WithHTTPClient(&http.Client{Transport: cannedAnswer(answer)}))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	get, list := client(documentedJob), client(page)
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		most float64
		call func() error
	}{
		{"GetLiveTranscodeJob", 31, func() error { _, err := get.GetLiveTranscodeJob(ctx, "job"); return err }},
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

func TestDebugLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := new(logRecorder)
		rt := newScript(
			respondError(400, "Throttling.User", "X-Acs-Retry-After", "2000"),
			failWith(fmt.Errorf("with %s to https://h/?KeyWord=secret-value: %w", testToken, io.EOF)),
			respond(200, `{"RequestId":"req-2","Job":{}}`),
		)
		c := clientOver(t, rt, book.option(), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
		if _, err := c.GetLiveTranscodeJob(t.Context(), "job-1"); err != nil {
			t.Fatal(err)
		}
		entries := book.entries(t, slog.LevelDebug)
		if len(entries) != 3 {
			t.Fatalf("there are %d entries, want one for each attempt:\n%s", len(entries), book.text())
		}
		gaps := rt.gaps(t)
		want := []map[string]any{
			{"operation": "GetLiveTranscodeJob", "attempt": 1.0, "status": 400.0, "code": "Throttling.User", "request_id": "req-1", "delay": float64(gaps[0])},
			{"operation": "GetLiveTranscodeJob", "attempt": 2.0, "delay": float64(gaps[1])},
			{"operation": "GetLiveTranscodeJob", "attempt": 3.0, "status": 200.0, "code": "", "request_id": "req-2"},
		}
		for i, entry := range entries {
			for key, value := range want[i] {
				if entry[key] != value {
					t.Errorf("entry %d has %s %v, want %v", i+1, key, entry[key], value)
				}
			}
			if _, has := entry["delay"]; has && i == 2 {
				t.Error("the last entry has a delay")
			}
		}
		wantNone(t, book.text(), testSecret, testToken, "secret-value", "Signature=", "Credential=")
		if got := slices.Sorted(maps.Keys(entries[1])); !slices.Contains(got, "error") {
			t.Errorf("the entry of an attempt without an answer has %v and no error", got)
		}

		// The last failure of a call, and an answer that cannot be used, are attempts too.
		book = new(logRecorder)
		getJob(t.Context(), clientOver(t, newScript(respondError(403, "Forbidden")), book.option()))
		getJob(t.Context(), clientOver(t, newScript(respond(200, "{}", "X-Acs-Request-Id", "header-id")), book.option()))
		entries = book.entries(t, slog.LevelDebug)
		if len(entries) != 2 || entries[0]["code"] != "Forbidden" || entries[1]["request_id"] != "header-id" || entries[1]["status"] != 200.0 {
			t.Errorf("the log is\n%s", book.text())
		}
	})
}

// TestSilence: without a logger nothing is logged.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, c := range []*Client{clientOver(t, newScript(success)), clientOver(t, newScript(success), WithLogger(nil))} {
		if c.logger.Enabled(t.Context(), slog.LevelError+100) {
			t.Error("the default logger is not silent")
		}
	}
}

// TestErrorsAreTheirOwn: calls that fail at the same time do not write into each other's errors.
func TestErrorsAreTheirOwn(t *testing.T) {
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

// TestContextEndsTheCall: at whatever point, at once, with the context's error and the last failure.
func TestContextEndsTheCall(t *testing.T) {
	t.Parallel()
	unavailable := respondError(503, "ServiceUnavailable")
	always := func(_ int, ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	later := func(n int, ctx context.Context) error {
		if n == 1 {
			return nil
		}
		return always(n, ctx)
	}
	for name, tt := range map[string]struct {
		steps    []step
		limiter  func(n int, ctx context.Context) error
		provider func(n int, ctx context.Context) error
		requests int
		kind     error // of the failure before, if there is one
	}{
		"in the limiter":            {[]step{success}, always, nil, 0, nil},
		"in the provider":           {[]step{success}, nil, always, 0, nil},
		"while sending":             {[]step{block}, nil, nil, 1, nil},
		"while reading":             {[]step{respondThenBlock(`{"Job":`)}, nil, nil, 1, nil},
		"in the delay":              {[]step{respondError(400, "Throttling.User", "X-Acs-Retry-After", "5000")}, nil, nil, 1, ErrThrottled},
		"in the delay, network":     {[]step{failWith(syscall.ECONNRESET)}, nil, nil, 1, ErrUnavailable},
		"in the limiter, later":     {[]step{unavailable}, later, nil, 1, ErrUnavailable},
		"in the provider, later":    {[]step{unavailable}, nil, later, 1, ErrUnavailable},
		"while sending, later":      {[]step{unavailable, block}, nil, nil, 2, ErrUnavailable},
		"while sending, after both": {[]step{failWith(io.EOF), unavailable, block}, nil, nil, 3, ErrUnavailable},
		"while reading an error": {[]step{func(req *http.Request) (*http.Response, error) {
			resp, _ := respondThenBlock(errorBodyJSON("ServiceUnavailable", "m")[:20])(req)
			resp.StatusCode = 503
			return resp, nil
		}}, nil, nil, 1, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				stage := func(f func(int, context.Context) error) func(context.Context) error {
					return func(ctx context.Context) error {
						if f == nil {
							return nil
						}
						asked++
						return f(asked, ctx)
					}
				}
				limit, provide := stage(tt.limiter), stage(tt.provider)
				policy := RetryPolicy{BaseDelay: time.Nanosecond}
				if strings.HasPrefix(name, "in the delay") {
					policy.BaseDelay, policy.MaxDelay = 1<<62, 1<<62 // a random delay that is surely longer than 2 s
				}
				rt := newScript(tt.steps...)
				c := clientOver(t, rt, WithRetryPolicy(policy), WithLimiter(limiterFunc(limit)),
					WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
						return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, provide(ctx)
					})))
				ctx, cancel := context.WithCancelCause(t.Context())
				why := errors.New("the user has left")
				time.AfterFunc(2*time.Second, func() { cancel(why) })
				start := time.Now()
				err := getJob(ctx, c)
				if got := time.Since(start); got != 2*time.Second {
					t.Errorf("the call ended after %v, want 2s", got)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error %q is not the context's, with its cause", err)
				}
				wantOneLine(t, err)
				wantKind(t, err, tt.kind)
				rt.wantRequests(t, tt.requests)
				got := -1
				if call, ok := errors.AsType[*CallError](err); ok {
					got = call.Attempts
				}
				if api, ok := errors.AsType[*APIError](err); ok {
					got = api.Attempts
					if tt.kind != nil && api.Code != "" && api.RequestID != "req-1" {
						t.Errorf("the error %v lost the request id", err)
					}
				}
				if got != tt.requests {
					t.Errorf("the error %#v names %d attempts, want %d", err, got, tt.requests)
				}
			})
		})
	}
}

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel2 := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel2()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, expired: context.DeadlineExceeded} {
		for _, op := range allOperations {
			rt := newScript(respond(200, op.success))
			c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				t.Error("the provider was asked")
				return Credentials{}, nil
			})), WithLimiter(limiterFunc(func(context.Context) error {
				t.Error("the limiter was asked")
				return nil
			})))
			err := op.call(ctx, c)
			if call, ok := errors.AsType[*CallError](err); !ok || !errors.Is(err, want) || call.Attempts != 0 || errors.Is(err, ErrAmbiguous) {
				t.Errorf("%s: the error is %#v, want %v", op.name, err, want)
			}
			wantKind(t, err, nil)
			rt.wantRequests(t, 0)
		}
	}
}

// TestContextEndsAWrite: after the request was written nobody knows, before that everybody does.
func TestContextEndsAWrite(t *testing.T) {
	t.Parallel()
	blockUntilDone := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tt := range map[string]struct {
		steps     []step
		limiter   bool // blocks
		provider  bool // blocks
		requests  int
		ambiguous bool
	}{
		"in the limiter":                  {[]step{block}, true, false, 0, false},
		"in the provider":                 {[]step{block}, false, true, 0, false},
		"before the write":                {[]step{unwritten(block)}, false, false, 1, false},
		"after the write":                 {[]step{written(block)}, false, false, 1, true},
		"unreported":                      {[]step{block}, false, false, 1, true},
		"in the body":                     {[]step{written(respondThenBlock(`{"RequestId":`))}, false, false, 1, true},
		"in the delay":                    {[]step{respondError(400, "Throttling", "X-Acs-Retry-After", "50000")}, false, false, 1, false},
		"before the write, after another": {[]step{respondError(400, "Throttling", "X-Acs-Retry-After", "1"), unwritten(block)}, false, false, 2, false},
		"after the write, after another":  {[]step{respondError(400, "Throttling", "X-Acs-Retry-After", "1"), written(block)}, false, false, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, op := range allOperations {
					if !op.once {
						continue
					}
					rt := newScript(tt.steps...)
					c := clientOver(t, rt,
						WithLimiter(limiterFunc(func(ctx context.Context) error {
							if tt.limiter {
								return blockUntilDone(ctx)
							}
							return nil
						})),
						WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
							if tt.provider {
								return Credentials{}, blockUntilDone(ctx)
							}
							return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, nil
						})))
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(5*time.Second, cancel)
					start := time.Now()
					err := op.call(ctx, c)
					if got := time.Since(start); got != 5*time.Second {
						t.Errorf("%s ended after %v, want 5s", op.name, got)
					}
					if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) != tt.ambiguous {
						t.Errorf("%s: the error is %v, want one that is ambiguous: %t", op.name, err, tt.ambiguous)
					}
					wantOneLine(t, err)
					rt.wantRequests(t, tt.requests)
				}
			})
		})
	}
}

// TestSuccessWithoutID: the id is lost, the job is not.
func TestSuccessWithoutID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"RequestId":"r"}`, `{"RequestId":"r","JobId":"","TemplateId":""}`, `{"RequestId":"r","JobId":null,"TemplateId":null}`,
		`{"RequestId":"r","Data":{"JobId":"j"}}`, `{"RequestId":"r","JobId":{},"TemplateId":{}}`, `null`, `[]`,
		errorBodyJSON("InternalError", "m"),
	} {
		for _, op := range allOperations {
			if !op.once {
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
