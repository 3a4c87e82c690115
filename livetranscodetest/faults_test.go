package livetranscodetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// fault is a short name for the tables of the tests.
type fault = livetranscodetest.Fault

func TestFaultResponse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  fault
		status int
		code   string
		body   string // the whole body, if not empty
	}{
		{"throttling", fault{Code: "Throttling.User"}, 400, "Throttling.User", ""},
		{"unavailable", fault{Code: "ServiceUnavailable"}, 503, "ServiceUnavailable", ""},
		{"internal", fault{Code: "InternalError"}, 500, "InternalError", ""},
		{"forbidden", fault{Code: "Forbidden.RAM"}, 403, "Forbidden.RAM", ""},
		{"forbidden without a family", fault{Code: "Forbidden"}, 403, "Forbidden", ""},
		{"resource not found", fault{Code: "InvalidParameter.ResourceNotFound"}, 404, "InvalidParameter.ResourceNotFound", ""},
		{"domain not found", fault{Code: "InvalidDomain.NotFound"}, 404, "InvalidDomain.NotFound", ""},
		{"stream not found", fault{Code: "StreamNotFound"}, 400, "StreamNotFound", ""},
		{"no permission", fault{Code: "NoPermission"}, 403, "NoPermission", ""},
		{"operation denied", fault{Code: "OperationDenied"}, 403, "OperationDenied", ""},
		{"user disabled", fault{Code: "UserDisable"}, 403, "UserDisable", ""},
		{"job already started", fault{Code: "JobAlreadyStarted"}, 409, "JobAlreadyStarted", ""},
		{"internal server error", fault{Code: "InternalServerError"}, 500, "InternalServerError", ""},
		{"unavailable family", fault{Code: "ServiceUnavailable.Backend"}, 503, "ServiceUnavailable.Backend", ""},
		{"job not found", fault{Code: "JobNotFound"}, 404, "JobNotFound", ""},
		{"other code", fault{Code: "Unlisted"}, 400, "Unlisted", ""},
		{"code and status", fault{Code: "Forbidden", StatusCode: 400}, 400, "Forbidden", ""},
		{"HTML page of a proxy", fault{StatusCode: 502, Body: "<html>bad gateway</html>"}, 502, "", "<html>bad gateway</html>"},
		{"page without a status", fault{Body: "<html>"}, 502, "", "<html>"},
		{"malformed JSON with 200", fault{StatusCode: 200, Body: "{"}, 200, "", "{"},
		{"only a status", fault{StatusCode: 404}, 404, "", ""},
		{"status out of range", fault{StatusCode: 42, Code: "Unlisted"}, 500, "Unlisted", ""},
		{"only a header", fault{Header: http.Header{"X-Extra": {"1"}}}, 200, "", ""},
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
			mustDo(t, srv, "ListLiveTranscodeJobs") // the fault applied once
		})
	}
}

// Forbidden is the one error that is documented for GetLiveTranscodeJob, with status 400.
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
		t.Error("the request id was not removed")
	}
}

// Header names of any spelling set, replace and remove the response's headers, in memory as over TCP.
func TestFaultHeaderNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-Acs-Request-Id", "x-acs-request-id", "X-ACS-REQUEST-ID"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			tcp := httptest.NewServer(srv)
			t.Cleanup(tcp.Close)
			for _, over := range []http.RoundTripper{srv.Transport(), tcp.Client().Transport} {
				for _, values := range [][]string{nil, {"changed"}, {"a", "b"}} {
					srv.Inject(fault{Header: http.Header{name: values, "retry-after": {"7"}}})
					r := send(t, over, call{action: "ListLiveTranscodeJobs", url: tcp.URL + "/"}.sign(t))
					if got := r.header["X-Acs-Request-Id"]; !slices.Equal(got, values) {
						t.Errorf("%T: the request id is %q, want %q", over, got, values)
					}
					if got := r.header.Get("Retry-After"); got != "7" {
						t.Errorf("%T: Retry-After is %q", over, got)
					}
				}
			}
		})
	}
}

// Names that differ only in case are one header.
func TestFaultHeaderNamesAreJoined(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	srv.Inject(fault{Header: http.Header{"x-extra": {"3"}, "X-EXTRA": {"1"}, "X-Extra": {"2"}}})
	if got := do(t, srv, "ListLiveTranscodeJobs").header["X-Extra"]; !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("X-Extra is %q", got)
	}
}

func TestInjectPanicsOnUnknownOperation(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"GetLiveTranscodeJobs", "getlivetranscodejob", " "} {
		func() {
			srv := livetranscodetest.NewServer()
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, fmt.Sprintf("unknown operation %q", operation)) {
					t.Errorf("%q: panic %s", operation, text)
				}
				if n := len(srv.UnusedFaults()); n != 0 {
					t.Errorf("%q: %d faults were injected", operation, n)
				}
			}()
			srv.Inject(fault{Operation: operation})
		}()
	}
}

func TestUnusedFaults(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	if got := srv.UnusedFaults(); len(got) != 0 {
		t.Errorf("a new server has %v", got)
	}
	id := srv.AddJob(livetranscode.Job{})
	srv.Inject(fault{Code: "Once", JobID: id})
	srv.Inject(fault{Code: "Twice", JobID: id, Times: 2})
	srv.Inject(fault{Code: "Forever", Operation: "ListLiveTranscodeJobs", Times: -1})
	srv.Inject(fault{Code: "Never", JobID: "none", Times: 3, Header: http.Header{"x-extra": {"1"}}})
	srv.Inject(fault{Code: "NeverToo", Operation: "DeleteLiveTranscodeJob", Times: -1})
	want := func(codes ...string) {
		t.Helper()
		var got []string
		for _, f := range srv.UnusedFaults() {
			got = append(got, f.Code)
		}
		if !slices.Equal(got, codes) {
			t.Errorf("unused faults %q, want %q", got, codes)
		}
	}
	want("Once", "Twice", "Forever", "Never", "NeverToo")
	do(t, srv, "GetLiveTranscodeJob", "JobId", id)
	want("Twice", "Forever", "Never", "NeverToo")
	do(t, srv, "GetLiveTranscodeJob", "JobId", id) // a fault that has applied once is used, although not used up
	do(t, srv, "ListLiveTranscodeJobs")
	want("Never", "NeverToo")

	unused := srv.UnusedFaults()[0]
	if unused.Times != 3 || unused.Header.Get("X-Extra") != "1" {
		t.Errorf("the fault is returned as %+v", unused)
	}
	unused.Header.Set("X-Extra", "changed")
	if got := srv.UnusedFaults()[0].Header.Get("X-Extra"); got != "1" {
		t.Error("UnusedFaults returns the server's own header")
	}
	srv.ClearFaults()
	want()
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
	// A refused request uses no fault.
	srv.ClearFaults()
	srv.Inject(fault{Code: "Left"})
	wantCode(t, send(t, srv.Transport(), call{date: "2000-01-01T00:00:00Z"}.sign(t)), 400, "InvalidTimeStamp.Expired", "")
	if got := get(a); got != "Left" {
		t.Errorf("a refused request used the fault: %q", got)
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
		{"drop response", fault{DropResponse: true}, io.ErrUnexpectedEOF, true},
		{"both", fault{Drop: true, DropResponse: true}, syscall.ECONNRESET, false},
		{"drop the response of an error", fault{DropResponse: true, Code: "Throttling"}, io.ErrUnexpectedEOF, false},
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
					t.Errorf("the job exists: %t", there)
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

		// The client stops waiting, but its request was executed.
		srv.Inject(fault{Latency: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		err := lose(t, srv.Transport(), call{action: "DeleteLiveTranscodeJob", params: []string{"JobId", id}}.sign(t).WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if _, there := srv.Job(id); there {
			t.Error("the operation was not executed")
		}
	})
}
