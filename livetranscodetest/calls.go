package livetranscodetest

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxCalls is the number of calls that are kept.
const maxCalls = 10_000

// Call is a request that the server received. It never holds a secret, a token or a signature. Query holds what the
// client sent, including stream URLs, which may contain stream keys.
type Call struct {
	// Operation is the value of x-acs-action, which need not be an operation of the service.
	Operation string
	// Query is the query of the URL without parameters named Signature or SecurityToken.
	Query url.Values
	// Time is when the request arrived, by the server's clock.
	Time time.Time
	// StatusCode is the HTTP status of the response; 0 if the connection was closed without one.
	StatusCode int
	// Code is the error code of the response; empty for a success and for a response without a code.
	Code string
	// RequestID is the request id of the response.
	RequestID string
	// UserAgent is the request's User-Agent.
	UserAgent string
	// AccessKeyID is the id that the request claims to be signed with; StatusCode says whether the server accepted it.
	AccessKeyID string
}

// Calls returns the last 10,000 requests received, oldest first, including those whose response an injected latency
// still delays. The caller owns the result.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	calls := s.calls.all()
	s.mu.Unlock()
	for i := range calls {
		calls[i].Query = cloneValues(calls[i].Query) // recorded maps never change, so this needs no lock
	}
	return calls
}

// ResetCalls forgets the requests received so far.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = callLog{}
}

func newCall(r *request, resp *response, err *apiError) Call {
	c := Call{
		Operation:   r.operation,
		Query:       withoutSecrets(r.query),
		Time:        resp.date,
		StatusCode:  resp.status,
		RequestID:   resp.requestID,
		UserAgent:   r.UserAgent(),
		AccessKeyID: r.auth.keyID,
	}
	switch {
	case resp.connErr != nil:
		c.StatusCode = 0
	case err != nil:
		c.Code = err.code
	}
	return c
}

func withoutSecrets(v url.Values) url.Values {
	c := maps.Clone(v)
	maps.DeleteFunc(c, func(name string, _ []string) bool {
		return strings.EqualFold(name, "Signature") || strings.EqualFold(name, "SecurityToken")
	})
	return c
}

func cloneValues(v url.Values) url.Values {
	c := make(url.Values, len(v))
	for name, values := range v {
		c[name] = slices.Clone(values)
	}
	return c
}

// callLog is a ring of the last maxCalls calls.
type callLog struct {
	ring []Call
	next int // index of the oldest, once the ring is full
}

func (l *callLog) add(c Call) {
	if len(l.ring) < maxCalls {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % maxCalls
}

func (l *callLog) all() []Call { return slices.Concat(l.ring[l.next:], l.ring[:l.next]) }
