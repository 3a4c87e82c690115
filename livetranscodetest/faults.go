package livetranscodetest

import (
	"cmp"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fault makes the server fail a request, or delay or change its response. It applies only to requests that the server
// accepts: well-formed, correctly signed, and of a valid date.
//
// With a StatusCode, a Code or a Body, the response is an error and the operation is not executed. Otherwise the
// operation is executed, and the response is the usual one except for Header, RetryAfter, Latency and DropResponse.
type Fault struct {
	// Operation is the operation that the fault applies to, such as GetLiveTranscodeJob. Empty means any.
	Operation string
	// JobID is the job whose requests the fault applies to. Empty means any, including requests that name no job.
	JobID string
	// Times is how many requests the fault applies to. 0 means one, a negative number all until ClearFaults.
	Times int

	// StatusCode is the HTTP status of the response. Defaults to the usual status of Code: 503 for
	// ServiceUnavailable, 500 for InternalError and InternalServerError, 403 for Forbidden, NoPermission,
	// OperationDenied and UserDisable, 409 for JobAlreadyStarted, each with its family (Forbidden.RAM), 404 for other
	// codes that end in NotFound, and 400 for all others, for StreamNotFound, and for Forbidden of
	// GetLiveTranscodeJob; without a Code, to 502. A number outside 200 to 599 is sent as 500. Without Code and Body
	// the body is empty, as from some proxies.
	StatusCode int
	// Code and Message are those of the JSON error. Message defaults to a text of the emulator's own.
	Code, Message string
	// Body is sent as is instead of a JSON error, such as the HTML page of a proxy. Responses of status 204 and 304
	// have no body.
	Body string
	// Header is set on the response. A name without values removes that header, such as X-Acs-Request-Id, which no
	// proxy sends. The case of names does not matter. With a Content-Length other than the body's, the body breaks off.
	Header http.Header
	// RetryAfter is the delay that the response asks for in the header x-acs-retry-after, in whole milliseconds.
	RetryAfter time.Duration

	// Latency delays the response. The operation is executed when the request arrives: a client that stops waiting
	// does not undo it.
	Latency time.Duration
	// Drop closes the connection without a response. The operation is not executed.
	Drop bool
	// DropResponse executes the operation and then closes the connection without a response. With a StatusCode, Code
	// or Body, which prevent the operation, it is the same as Drop.
	DropResponse bool
}

// fault is an injected Fault and what is left of it.
type fault struct {
	Fault
	left int  // requests that it still applies to; negative: all
	used bool // it has applied to a request
}

// Inject adds a fault. At most one fault applies to a request: the first that matches, in the order injected. The
// server keeps a copy of f.
//
// Inject panics if f.Operation is not an operation of the service, since such a fault would never apply.
func (s *Server) Inject(f Fault) {
	if f.Operation != "" && operations[f.Operation] == nil {
		panic("livetranscodetest: Inject: unknown operation " + strconv.Quote(f.Operation))
	}
	f.Header = canonicalHeader(f.Header)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{Fault: f, left: cmp.Or(f.Times, 1)})
}

// canonicalHeader returns a copy of h with canonical names, nil if h is empty. Names that differ only in case are
// joined in the order of their spelling.
func canonicalHeader(h http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	c := make(http.Header, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		key := http.CanonicalHeaderKey(name)
		c[key] = append(c[key], h[name]...)
	}
	return c
}

// UnusedFaults returns the injected faults that have applied to no request, in the order injected. A test that ends
// with an unused fault has not tested what it meant to:
//
//	if unused := srv.UnusedFaults(); len(unused) > 0 {
//		t.Errorf("faults that applied to no request: %+v", unused)
//	}
//
// ClearFaults forgets unused faults too. The caller owns the result.
func (s *Server) UnusedFaults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unused []Fault
	for _, f := range s.faults {
		if !f.used {
			f := f.Fault
			f.Header = f.Header.Clone()
			unused = append(unused, f)
		}
	}
	return unused
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault that applies to r, or nil. The caller holds the lock.
func (s *Server) takeFault(r *request) *fault {
	i := slices.IndexFunc(s.faults, func(f *fault) bool {
		return (f.Operation == "" || f.Operation == r.operation) && (f.JobID == "" || f.JobID == r.params.Get("JobId"))
	})
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	f.used = true
	if f.left > 0 {
		f.left--
		if f.left == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	return f
}

func (f *fault) isError() bool { return f.StatusCode != 0 || f.Code != "" || f.Body != "" }

// replacesOperation reports whether the operation is not to be executed. A nil fault replaces nothing.
func (f *fault) replacesOperation() bool { return f != nil && (f.Drop || f.isError()) }

// applyTo changes the response and returns the error to respond with, given that of the operation.
func (f *fault) applyTo(r *response, operation string, err *apiError) *apiError {
	r.latency = f.Latency
	r.header = f.Header.Clone()
	if f.RetryAfter > 0 {
		if r.header == nil {
			r.header = http.Header{}
		}
		r.header.Set("X-Acs-Retry-After", strconv.FormatInt(f.RetryAfter.Milliseconds(), 10))
	}
	switch {
	case f.Drop:
		r.connErr = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	case f.DropResponse:
		r.connErr = io.ErrUnexpectedEOF
	}
	if !f.isError() {
		return err
	}
	status := f.status(operation)
	if f.Body == "" && f.Code != "" {
		return &apiError{status, f.Code, cmp.Or(f.Message, "Injected by a test.")}
	}
	r.status, r.body = status, f.Body
	return nil
}

// usualStatus is the HTTP status of codes and of their families, where it is not 400.
var usualStatus = map[string]int{
	"":                    http.StatusBadGateway,
	"ServiceUnavailable":  http.StatusServiceUnavailable,
	"InternalError":       http.StatusInternalServerError,
	"InternalServerError": http.StatusInternalServerError,
	"Forbidden":           http.StatusForbidden,
	"NoPermission":        http.StatusForbidden,
	"OperationDenied":     http.StatusForbidden,
	"UserDisable":         http.StatusForbidden,
	"JobAlreadyStarted":   http.StatusConflict,
}

func (f *fault) status(operation string) int {
	family, _, _ := strings.Cut(f.Code, ".")
	status := cmp.Or(f.StatusCode, usualStatus[family], http.StatusBadRequest)
	switch {
	case f.StatusCode != 0:
	case f.Code == "Forbidden" && operation == "GetLiveTranscodeJob": // as documented
		status = http.StatusBadRequest
	case strings.HasSuffix(f.Code, "NotFound") && f.Code != "StreamNotFound":
		status = http.StatusNotFound
	}
	if status < 200 || status > 599 {
		return http.StatusInternalServerError
	}
	return status
}
