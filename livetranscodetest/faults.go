package livetranscodetest

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fault makes the server misbehave. It meets only requests that the server accepts: of the right shape, signed
// and dated well.
//
// With a StatusCode, a Code or a Body the answer is an error and the operation is not carried out. Otherwise it
// is carried out and answered as usual, but for Header, RetryAfter, Latency and DropAnswer.
type Fault struct {
	// Operation is the operation that is hit, such as GetLiveTranscodeJob; empty: any.
	Operation string
	// JobID is the job whose requests are hit; empty: any, also requests that name no job.
	JobID string
	// Times is how many requests are hit. 0 means one; a negative number, all until ClearFaults.
	Times int

	// StatusCode is the HTTP status of the answer. 0 means the usual one of Code: 400 for Throttling, 503 for
	// ServiceUnavailable, 500 for InternalError, 403 for Forbidden, with their families, but 400 for Forbidden on
	// GetLiveTranscodeJob, as documented; 404 for codes that end in NotFound, and 400 for others; without a Code,
	// 502. A number outside 200 to 599 is answered as 500. Without Code and Body the answer is
	// empty, as some proxies have it.
	StatusCode int
	// Code and Message are those of the error in JSON. An empty Message is a text of the emulator's own.
	Code, Message string
	// Body is sent as it is in place of the JSON error, say the HTML page of a proxy.
	Body string
	// Header is set on the answer. A name without values takes that header off, such as X-Acs-Request-Id, which
	// no proxy sends.
	Header http.Header
	// RetryAfter asks the client to wait, in the header x-acs-retry-after; it has milliseconds.
	RetryAfter time.Duration

	// Latency holds the answer back. What there was to do is done when the request arrives: a client that gives
	// up meanwhile does not undo it.
	Latency time.Duration
	// Drop closes the connection without an answer. The operation is not carried out.
	Drop bool
	// DropAnswer carries the operation out and then closes the connection without an answer. With a StatusCode,
	// Code or Body, which stop the operation, it is the same as Drop.
	DropAnswer bool
}

// Inject adds a fault. A request is hit by at most one fault, the first that matches in the order injected.
// The server keeps a copy.
func (s *Server) Inject(f Fault) {
	f.Header = f.Header.Clone()
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault that hits r, nil if there is none. The caller holds the lock.
func (s *Server) takeFault(r *request) *Fault {
	i := slices.IndexFunc(s.faults, func(f *Fault) bool {
		return (f.Operation == "" || f.Operation == r.operation) && (f.JobID == "" || f.JobID == r.params.Get("JobId"))
	})
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.Times > 0 {
		f.Times--
		if f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	return f
}

func (f *Fault) isError() bool { return f.StatusCode != 0 || f.Code != "" || f.Body != "" }

// replacesAnswer reports whether the operation is not to be carried out.
func (f *Fault) replacesAnswer() bool { return f != nil && (f.Drop || f.isError()) }

// shape puts the fault on a, and returns what a is refused with in the end; refused is the operation's own.
func (f *Fault) shape(a *answer, operation string, refused *refusal) *refusal {
	a.latency = f.Latency
	a.header = f.Header.Clone()
	if f.RetryAfter > 0 {
		if a.header == nil {
			a.header = http.Header{}
		}
		a.header.Set("X-Acs-Retry-After", strconv.FormatInt(f.RetryAfter.Milliseconds(), 10))
	}
	switch {
	case f.Drop:
		a.lost = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	case f.DropAnswer:
		a.lost = io.ErrUnexpectedEOF
	}
	if !f.isError() {
		return refused
	}
	status := f.status(operation)
	if f.Body == "" && f.Code != "" {
		return &refusal{status, f.Code, cmp.Or(f.Message, "The emulator was told to answer so.")}
	}
	a.status, a.raw = status, f.Body
	return nil
}

func (f *Fault) status(operation string) int {
	family, _, _ := strings.Cut(f.Code, ".")
	if f.StatusCode == 0 && f.Code == "Forbidden" && operation == "GetLiveTranscodeJob" {
		return http.StatusBadRequest
	}
	if f.StatusCode == 0 && strings.HasSuffix(f.Code, "NotFound") {
		return http.StatusNotFound
	}
	usual := map[string]int{
		"":                   http.StatusBadGateway,
		"ServiceUnavailable": http.StatusServiceUnavailable,
		"InternalError":      http.StatusInternalServerError,
		"Forbidden":          http.StatusForbidden,
	}
	status := cmp.Or(f.StatusCode, usual[family], http.StatusBadRequest)
	if status < 200 || status > 599 {
		return http.StatusInternalServerError
	}
	return status
}
