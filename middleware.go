package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// WithMiddleware wraps the client's transport, for tracing or logging of HTTP. The parameters of a request travel in
// its query, stream keys included; the wrapper sees a request whose query values, security token and signature are
// redacted, and next sends the real ones. So are the Request of the response, the error of next, and what an
// [httptrace.ClientTrace] is told of headers. The body of a response is the real one, with the URLs of streams.
//
// The wrapper calls next once: a signed request is sent once, and a second call is an error, since it could submit a
// job twice. Retries are the client's, see [WithRetryPolicy]. An attempt whose wrapper does not call next, but returns
// an error or a response of its own, was not executed.
//
// Of the request that is given to next, its context and the headers that were added are used, except for names that
// begin with x-acs-; all else is that of the real request. The context must be derived from that of the request that
// was seen. For a request on a new connection (see [WithHTTPClient]) a trace's GotConn is not called.
//
// wrap is called once, by [NewClient]; a nil result is a [*ParamError]. The wrapper must be safe for concurrent use.
// That of a later option runs inside that of an earlier one. A nil wrap is ignored. Defaults to none.
func WithMiddleware(wrap func(next http.RoundTripper) http.RoundTripper) Option {
	return func(c *config) error {
		if wrap != nil {
			c.middleware = append(c.middleware, wrap)
		}
		return nil
	}
}

// A redactingTransport shows redacted requests to a middleware.
type redactingTransport struct {
	middleware http.RoundTripper // around a restoringTransport
}

func newRedactingTransport(s *sender, wraps []func(http.RoundTripper) http.RoundTripper) (*redactingTransport, error) {
	var rt http.RoundTripper = &restoringTransport{s}
	for _, wrap := range slices.Backward(wraps) {
		if rt = wrap(rt); isNil(rt) {
			return nil, &ParamError{Operation: "WithMiddleware", Field: "wrap", Reason: "returned nil"}
		}
	}
	return &redactingTransport{rt}, nil
}

// roundTrip sends a request through the middleware, and reports how far it got.
func (t *redactingTransport) roundTrip(req *http.Request, newConn bool, secrets []string) (*http.Response, delivery, error) {
	signed := &signedRequest{req: req, newConn: newConn, secrets: secrets, delivery: notDelivered}
	shown := req.WithContext(context.WithValue(req.Context(), realRequest{}, signed))
	u := *req.URL
	u.RawQuery = redactQuery(u.RawQuery)
	shown.URL = &u
	shown.Header = maps.Clone(req.Header)
	for _, name := range []string{acs3.HeaderAuthorization, acs3.HeaderSecurityToken} {
		if shown.Header[name] != nil {
			shown.Header[name] = []string{redact.Marker}
		}
	}
	resp, err := t.middleware.RoundTrip(shown)
	return resp, signed.close(), err
}

// A restoringTransport sends the real request behind a redacted one.
type restoringTransport struct{ sender *sender }

func (t *restoringTransport) RoundTrip(shown *http.Request) (*http.Response, error) {
	if shown.Body != nil {
		defer shown.Body.Close() // that of the real request is sent
	}
	ctx := shown.Context()
	signed, ok := ctx.Value(realRequest{}).(*signedRequest)
	if !ok {
		return nil, errors.New("livetranscode: the middleware sent a request whose context is not derived from the original one")
	}
	if err := ctx.Err(); err != nil { // of a context of the middleware's own
		return nil, err
	}
	if err := signed.open(); err != nil {
		return nil, err
	}
	resp, err := t.sender.send(signed.restore(shown), signed.newConn)
	if err != nil {
		err = &shownError{err, signed.secrets}
	}
	if resp != nil {
		resp.Request = shown
	}
	signed.finish(resp, err)
	return resp, err
}

// A shownError is an error of a transport whose text a middleware may log.
type shownError struct {
	err     error
	secrets []string
}

func (e *shownError) Error() string { return newTransportError(e.err, e.secrets).text }
func (e *shownError) Unwrap() error { return withoutURL(e.err) }

// Format implements [fmt.Formatter]. It prints the text for every verb, and never the cause.
func (e *shownError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.Error()) }

// realRequest is the key of a context that holds the *signedRequest behind a redacted request.
type realRequest struct{}

// A signedRequest is a real request. It is sent once, and not after its attempt is over.
type signedRequest struct {
	req     *http.Request
	newConn bool
	secrets []string

	mu       sync.Mutex
	closed   bool
	delivery delivery
	err      error // why it may not be sent again
}

// open begins the sending of the request. It returns an error if that is not allowed.
func (r *signedRequest) open() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err != nil:
		return r.err
	case r.closed:
		return errors.New("livetranscode: the middleware sent a request after its attempt was over")
	}
	r.delivery, r.err = deliveryPending, &resentError{}
	return nil
}

// finish ends the sending of the request.
func (r *signedRequest) finish(resp *http.Response, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delivery = delivered
	if err == nil && resp != nil {
		err = fmt.Errorf("a response of status %d", resp.StatusCode)
	}
	r.err = &resentError{first: err}
}

// close ends the attempt.
func (r *signedRequest) close() delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.delivery
}

// restore returns the real request with the context and the additional headers of the shown one.
func (r *signedRequest) restore(shown *http.Request) *http.Request {
	req := r.req.WithContext(withRedactedTrace(shown.Context()))
	req.Header = maps.Clone(r.req.Header)
	for name, values := range shown.Header {
		if _, ours := req.Header[name]; !ours && !strings.HasPrefix(strings.ToLower(name), "x-acs-") {
			req.Header[name] = values
		}
	}
	return req
}

// A resentError refuses to send a request again. Its cause is the error of the first time.
type resentError struct{ first error } // nil as long as the first time is not over

func (e *resentError) Error() string {
	const once = "livetranscode: the middleware may send a request only once; "
	if e.first == nil {
		return once + "the first is still in flight"
	}
	return once + "the first result was: " + e.first.Error()
}

func (e *resentError) Unwrap() error { return e.first }

// delivery is how far a request got.
type delivery int

const (
	delivered       delivery = iota // to the transport, which tells the rest; always so without a middleware
	notDelivered                    // the middleware has not sent it
	deliveryPending                 // the middleware returned before the transport did
)

// mayBeExecuted corrects what a failure says of whether a request may have been executed.
func (d delivery) mayBeExecuted(known bool) bool {
	switch d {
	case notDelivered:
		return false
	case deliveryPending:
		return true
	default:
		return known
	}
}

// withRedactedTrace returns ctx with a trace, if it has one, that is not told of secrets in headers.
func withRedactedTrace(ctx context.Context) context.Context {
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil || trace.WroteHeaderField == nil {
		return ctx
	}
	redacted := *trace
	redacted.WroteHeaderField = func(name string, values []string) {
		for _, secret := range []string{acs3.HeaderAuthorization, acs3.HeaderSecurityToken, ":path"} { // HTTP/2's has the query
			if strings.EqualFold(name, secret) {
				values = []string{redact.Marker}
			}
		}
		trace.WroteHeaderField(name, values)
	}
	return &tracedContext{ctx, &redacted}
}

// A tracedContext is a context with another trace. To add one to a context would not replace the one there.
type tracedContext struct {
	context.Context
	trace *httptrace.ClientTrace
}

func (c *tracedContext) Value(key any) any {
	value := c.Context.Value(key)
	if _, ok := value.(*httptrace.ClientTrace); ok {
		return c.trace
	}
	return value
}

// redactQuery returns a query with its names and redacted values.
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
