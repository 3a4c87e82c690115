package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// realRequest is the context key of the *signedRequest behind a redacted request.
type realRequest struct{}

// A signedRequest is a real request. It is sent at most once, and never after the end of its attempt.
type signedRequest struct {
	req     *http.Request
	newConn bool
	secrets []string
	written *writeTrace   // nil if the request is not traced
	over    chan struct{} // closed when the request was sent and the transport has returned

	mu       sync.Mutex
	closed   bool
	delivery delivery
	status   int   // of the transport's response; 0 for none
	err      error // why it may not be sent again
}

func newSignedRequest(req *http.Request, newConn bool, secrets []string, written *writeTrace) *signedRequest {
	return &signedRequest{
		req: req, newConn: newConn, secrets: secrets, written: written, over: make(chan struct{}), delivery: notExecuted,
	}
}

// redacted returns the request as the middleware sees it.
func (r *signedRequest) redacted() *http.Request {
	shown := r.req.WithContext(context.WithValue(r.req.Context(), realRequest{}, r))
	u := *r.req.URL
	u.RawQuery = redactQuery(u.RawQuery)
	shown.URL = &u
	shown.Header = r.req.Header.Clone()
	for _, name := range []string{acs3.HeaderAuthorization, acs3.HeaderSecurityToken} {
		if shown.Header[name] != nil {
			shown.Header[name] = []string{redact.Marker}
		}
	}
	return shown
}

// open marks the request as being sent. It returns an error if the request must not be sent. While the request is in
// flight, open blocks: a middleware that uses the first result of several calls then uses the real one.
func (r *signedRequest) open(ctx context.Context) error {
	if resent, err := r.begin(); !resent {
		return err
	}
	select {
	case <-r.over:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// begin is like open, but does not block.
func (r *signedRequest) begin() (resent bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err != nil:
		return true, r.err
	case r.closed:
		return false, errors.New("livetranscode: the middleware sent a request after its attempt was over")
	}
	r.delivery, r.err = maybeExecuted, &resentError{}
	return false, nil
}

// finish records the result of the transport.
func (r *signedRequest) finish(resp *http.Response, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(r.over)
	executed := true
	switch {
	case err == nil && resp == nil:
		err = errNoResult
	case err == nil:
		r.status = resp.StatusCode
		err = fmt.Errorf("a response of status %d", r.status)
		executed = (&APIError{StatusCode: r.status}).maybeExecuted() // its body is the middleware's to read
	default:
		executed = r.written.mayBeExecuted(err)
	}
	if !executed {
		r.delivery = notExecuted
	}
	r.err = &resentError{first: err}
}

// close ends the attempt.
func (r *signedRequest) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// deliveryOf returns whether the request may have been executed, given the result of the middleware. If that has the
// status of the real response, the result itself says more.
func (r *signedRequest) deliveryOf(resp *http.Response, err error) delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && resp != nil && resp.StatusCode == r.status && r.status != 0 {
		return asReported
	}
	return r.delivery
}

// restore returns the real request with the context and the added headers of the request that the middleware sent.
func (r *signedRequest) restore(ctx context.Context, additional http.Header) *http.Request {
	req := r.req.WithContext(ctx)
	req.Header = maps.Clone(r.req.Header)
	for name, values := range additional {
		if _, ours := req.Header[name]; !ours && !strings.HasPrefix(strings.ToLower(name), "x-acs-") {
			req.Header[name] = values
		}
	}
	return req
}

// A resentError is returned for a request that was sent before. It wraps the first error.
type resentError struct{ first error } // nil as long as the first time is not over

func (e *resentError) Error() string {
	const once = "livetranscode: the middleware may send a request only once; "
	if e.first == nil {
		return once + "the first is still in flight"
	}
	return once + "the first result was: " + e.first.Error()
}

func (e *resentError) Unwrap() error { return e.first }

// delivery is what is known about a request besides the result of its attempt, which a middleware may have replaced.
type delivery int

const (
	asReported    delivery = iota // the result tells; always so without a middleware
	notExecuted                   // the middleware has not sent it, or the real result proves it
	maybeExecuted                 // likewise, or the middleware returned before the transport did
)

// mayBeExecuted reports whether the request may have been executed; known is what the failure says about it.
func (d delivery) mayBeExecuted(reported bool) bool {
	switch d {
	case notExecuted:
		return false
	case maybeExecuted:
		return true
	default:
		return reported
	}
}

// redactQuery returns a query with redacted values.
func redactQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return ""
	}
	for name := range values {
		values[name] = []string{"redacted"}
	}
	return acs3.EncodeQuery(values)
}
