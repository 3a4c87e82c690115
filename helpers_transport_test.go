package livetranscode

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// This file has transports that respond and fail as a test says.

// A step is what a transport does with one request.
type step func(*http.Request) (*http.Response, error)

// RoundTrip makes a step a transport.
func (s step) RoundTrip(req *http.Request) (*http.Response, error) { return s(req) }

// A scriptedTransport takes one step for each request, the last one repeatedly, and records the requests.
type scriptedTransport struct {
	steps []step

	mu   sync.Mutex
	seen []sentRequest
	open atomic.Int32 // bodies that were not closed
}

type sentRequest struct {
	at     time.Time
	query  string
	header http.Header
}

func newScript(steps ...step) *scriptedTransport { return &scriptedTransport{steps: steps} }

func (s *scriptedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	next := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, sentRequest{time.Now(), req.URL.RawQuery, req.Header.Clone()})
	s.mu.Unlock()
	resp, err := next(req)
	if resp != nil && resp.Body != nil {
		s.open.Add(1)
		resp.Body = &countedBody{ReadCloser: resp.Body, open: &s.open}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	once sync.Once
	open *atomic.Int32
}

func (b *countedBody) Close() error {
	b.once.Do(func() { b.open.Add(-1) })
	return b.ReadCloser.Close()
}

// requests returns the requests that were sent, and checks that every body was closed.
func (s *scriptedTransport) requests(t *testing.T) []sentRequest {
	t.Helper()
	if n := s.open.Load(); n != 0 {
		t.Errorf("%d bodies were not closed", n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// wantRequests checks how many requests were sent.
func (s *scriptedTransport) wantRequests(t *testing.T, want int) {
	t.Helper()
	if got := len(s.requests(t)); got != want {
		t.Errorf("%d requests were sent, want %d", got, want)
	}
}

// gaps returns the times between the requests.
func (s *scriptedTransport) gaps(t *testing.T) []time.Duration {
	t.Helper()
	seen := s.requests(t)
	var gaps []time.Duration
	for i := 1; i < len(seen); i++ {
		gaps = append(gaps, seen[i].at.Sub(seen[i-1].at))
	}
	return gaps
}

// respond responds with a status, a body, and headers given as alternating names and values.
func respond(status int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, strings.NewReader(body), header...), nil
	}
}

// respondTo responds with 200 and the body that f returns.
func respondTo(f func(*http.Request) string) step {
	return func(req *http.Request) (*http.Response, error) { return respond(200, f(req))(req) }
}

// respondError responds with an error as the service writes it.
func respondError(status int, code string, header ...string) step {
	return respond(status, errorBodyJSON(code, "text of "+code), header...)
}

func errorBodyJSON(code, message string) string {
	b, _ := json.Marshal(map[string]string{
		"RequestId": "req-1", "HostId": "ice.cn-shanghai.aliyuncs.com", "Code": code, "Message": message,
		"Recommend": "https://api.example.com/troubleshoot?q=" + code,
	})
	return string(b)
}

func responseTo(req *http.Request, status int, body io.Reader, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Header: h, Body: io.NopCloser(body), Request: req,
	}
}

// respondAhead responds with an error whose Date is ahead of this machine's clock.
func respondAhead(status int, code string, ahead time.Duration, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		date := time.Now().Add(ahead).UTC().Format(http.TimeFormat)
		return respondError(status, code, append([]string{"Date", date}, header...)...)(req)
	}
}

// failWith returns an error instead of a response, and reports nothing to a trace.
func failWith(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// block does not respond until the request's context ends.
func block(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// respondThenFail responds with the beginning of a body, then err.
func respondThenFail(status int, beginning string, err error) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, io.MultiReader(strings.NewReader(beginning), readerFunc(func() error { return err }))), nil
	}
}

// respondThenBlock responds with the beginning of a body, and blocks until the request's context ends.
func respondThenBlock(status int, beginning string) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, io.MultiReader(strings.NewReader(beginning), readerFunc(func() error {
			<-req.Context().Done()
			return req.Context().Err()
		}))), nil
	}
}

// A readerFunc is a reader that returns no byte, only an error.
type readerFunc func() error

func (f readerFunc) Read([]byte) (int, error) { return 0, f() }

// unwritten is next on a transport that reports to a trace that it got no further than asking for a connection.
func unwritten(next step) step { return traced(next, func(*httptrace.ClientTrace) {}) }

// written is next on a transport that reports to a trace that the headers were sent.
func written(next step) step {
	return traced(next, func(trace *httptrace.ClientTrace) { trace.WroteHeaders() })
}

// traced is next on a transport that reports to a trace that it asked for a connection, and whatever report does.
func traced(next step, report func(*httptrace.ClientTrace)) step {
	return func(req *http.Request) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
			trace.GetConn(req.URL.Host)
			report(trace)
		}
		return next(req)
	}
}
