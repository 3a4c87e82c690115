package livetranscodetest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

type fault = livetranscodetest.Fault

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  fault
		status int
		code   string
		body   string // expected whole, if not empty
	}{
		{"throttling", fault{Code: "Throttling.User"}, 400, "Throttling.User", ""},
		{"unavailable", fault{Code: "ServiceUnavailable"}, 503, "ServiceUnavailable", ""},
		{"internal", fault{Code: "InternalError"}, 500, "InternalError", ""},
		{"forbidden", fault{Code: "Forbidden.RAM"}, 403, "Forbidden.RAM", ""},
		{"forbidden in one word", fault{Code: "Forbidden"}, 403, "Forbidden", ""},
		{"not found", fault{Code: "InvalidParameter.ResourceNotFound"}, 404, "InvalidParameter.ResourceNotFound", ""},
		{"not found, in one word", fault{Code: "JobNotFound"}, 404, "JobNotFound", ""},
		{"other code", fault{Code: "Odd"}, 400, "Odd", ""},
		{"code and status", fault{Code: "Forbidden", StatusCode: 400}, 400, "Forbidden", ""},
		{"page of a proxy", fault{StatusCode: 502, Body: "<html>bad gateway</html>"}, 502, "", "<html>bad gateway</html>"},
		{"page without a status", fault{Body: "<html>"}, 502, "", "<html>"},
		{"garbage with 200", fault{StatusCode: 200, Body: "{"}, 200, "", "{"},
		{"status alone", fault{StatusCode: 404}, 404, "", ""},
		{"impossible status", fault{StatusCode: 42, Code: "Odd"}, 500, "Odd", ""},
		{"header only", fault{Header: http.Header{"X-Extra": {"1"}}}, 200, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			srv.Inject(tt.fault)
			req := call{action: "ListLiveTranscodeJobs"}.sign(t)
			r := send(t, srv.Transport(), req)
			wantCode(t, r, tt.status, tt.code, "")
			if tt.body != "" && r.body != tt.body {
				t.Errorf("body %q", r.body)
			}
			if c := srv.Calls()[0]; c.StatusCode != tt.status || c.Code != tt.code {
				t.Errorf("recorded as %d %q", c.StatusCode, c.Code)
			}
			mustDo(t, srv, "ListLiveTranscodeJobs") // hit once
		})
	}
}

// TestForbiddenOnGet: the one error that is documented for the operation.
func TestForbiddenOnGet(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	srv.Inject(fault{Code: "Forbidden"})
	wantCode(t, do(t, srv, "GetLiveTranscodeJob", "JobId", "j"), 400, "Forbidden", "")
}

func TestFaultHeader(t *testing.T) {
	t.Parallel()
	header := http.Header{"X-Acs-Request-Id": nil, "Retry-After": {"7"}}
	srv := livetranscodetest.NewServer()
	srv.Inject(fault{Code: "Throttling", Message: "slow down", RetryAfter: 1500 * time.Millisecond, Header: header})
	header.Set("Retry-After", "changed later")
	r := do(t, srv, "ListLiveTranscodeJobs")
	wantCode(t, r, 400, "Throttling", "slow down")
	if r.header.Get("X-Acs-Retry-After") != "1500" || r.header.Get("Retry-After") != "7" {
		t.Error(r.header)
	}
	if _, there := r.header["X-Acs-Request-Id"]; there {
		t.Error("the request id is not taken off")
	}
}

func TestFaultSelection(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	a, b := srv.AddJob(livetranscode.Job{}), srv.AddJob(livetranscode.Job{})
	srv.Inject(fault{JobID: a, Code: "A", Times: 2})
	srv.Inject(fault{Operation: "GetLiveTranscodeJob", Code: "First"})
	srv.Inject(fault{Operation: "GetLiveTranscodeJob", Code: "Second", Times: -1})
	get := func(id string) string { return do(t, srv, "GetLiveTranscodeJob", "JobId", id).Code }

	mustDo(t, srv, "ListLiveTranscodeJobs")
	for i, step := range []struct{ id, code string }{
		{b, "First"}, {a, "A"}, {b, "Second"}, {a, "A"}, {a, "Second"}, {b, "Second"},
	} {
		if got := get(step.id); got != step.code {
			t.Errorf("step %d: %q, want %q", i, got, step.code)
		}
	}
	// A refused request takes no fault.
	srv.ClearFaults()
	srv.Inject(fault{Code: "Left"})
	wantCode(t, send(t, srv.Transport(), call{date: "2000-01-01T00:00:00Z"}.sign(t)), 400, "InvalidTimeStamp.Expired", "")
	if got := get(a); got != "Left" {
		t.Errorf("a refused request took the fault: %q", got)
	}
	if got := get(a); got != "" {
		t.Errorf("after all faults: %q", got)
	}
}

func TestFaultDrop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   fault
		is      error
		deleted bool
	}{
		{"drop", fault{Drop: true}, syscall.ECONNRESET, false},
		{"drop answer", fault{DropAnswer: true}, io.ErrUnexpectedEOF, true},
		{"both", fault{Drop: true, DropAnswer: true}, syscall.ECONNRESET, false},
		{"drop an error's answer", fault{DropAnswer: true, Code: "Throttling"}, io.ErrUnexpectedEOF, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			tcp := httptest.NewServer(srv)
			t.Cleanup(tcp.Close)
			for _, over := range []http.RoundTripper{srv.Transport(), tcp.Client().Transport} {
				id := srv.AddJob(livetranscode.Job{})
				srv.Inject(tt.fault)
				err := lose(t, over, call{action: "DeleteLiveTranscodeJob", params: []string{"JobId", id}, url: tcp.URL + "/"}.sign(t))
				if over == srv.Transport() && !errors.Is(err, tt.is) {
					t.Errorf("in memory: %v", err)
				}
				if _, there := srv.Job(id); there == tt.deleted {
					t.Errorf("the job is there: %t", there)
				}
			}
			for _, c := range srv.Calls() {
				if c.StatusCode != 0 || c.Code != "" || c.Operation != "DeleteLiveTranscodeJob" {
					t.Errorf("recorded as %+v", c)
				}
			}
		})
	}

	srv := livetranscodetest.NewServer()
	srv.Inject(fault{Drop: true})
	err := lose(t, srv.Transport(), call{}.sign(t))
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "read" {
		t.Errorf("%#v", err)
	}
}

func TestFaultLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		id := srv.AddJob(livetranscode.Job{Name: "slow"})

		srv.Inject(fault{Latency: time.Minute})
		start := time.Now()
		if r := mustDo(t, srv, "GetLiveTranscodeJob", "JobId", id); r.Job["Name"] != "slow" {
			t.Error(r.body)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %s", took)
		}

		// A client that gives up: its request has been done.
		srv.Inject(fault{Latency: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		err := lose(t, srv.Transport(), call{action: "DeleteLiveTranscodeJob", params: []string{"JobId", id}}.sign(t).WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if _, there := srv.Job(id); there {
			t.Error("the operation was not carried out")
		}
	})
}

func TestTransport(t *testing.T) {
	t.Parallel()
	t.Run("ended context", func(t *testing.T) {
		t.Parallel()
		srv := livetranscodetest.NewServer()
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		body := &closeRecorder{Reader: strings.NewReader("")}
		req := call{}.sign(t).WithContext(ctx)
		req.Body = body
		if err := lose(t, srv.Transport(), req); err != cause { //nolint:errorlint // the cause itself, as from http.Transport
			t.Errorf("got %v", err)
		}
		if !body.closed || len(srv.Calls()) != 0 {
			t.Errorf("body closed: %t, calls: %v", body.closed, srv.Calls())
		}
	})
	t.Run("leaves the request alone", func(t *testing.T) {
		t.Parallel()
		srv := livetranscodetest.NewServer()
		req := call{action: "ListLiveTranscodeJobs"}.sign(t)
		body := &closeRecorder{Reader: strings.NewReader("")}
		req.Body, req.ContentLength = body, -1
		before := req.Clone(t.Context())
		if r := send(t, srv.Transport(), req); r.status != 200 {
			t.Error(r.body)
		}
		if req.URL.String() != before.URL.String() || len(req.Header) != len(before.Header) || req.ContentLength != -1 || req.Body != io.ReadCloser(body) || !body.closed {
			t.Error("the request was changed, or its body left open")
		}
	})
	t.Run("broken body", func(t *testing.T) {
		t.Parallel()
		req := call{}.sign(t)
		req.Body = io.NopCloser(brokenReader{})
		_ = lose(t, livetranscodetest.NewServer().Transport(), req)
	})
}

// lose sends a request that gets no answer, and returns why.
func lose(t *testing.T, rt http.RoundTripper, req *http.Request) error {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if err == nil {
		res.Body.Close()
		t.Fatal("an answer arrived")
	}
	return err
}

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }
