package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// WithMiddleware wraps the client's transport, to trace or log HTTP requests. The parameters of a request, including
// stream keys, are sent in its query. The wrapper sees a request whose query values, security token and signature are
// redacted; next sends the real one. The Request of the response, the error of next and the headers passed to an
// [httptrace.ClientTrace] are redacted too. The body of the response is not: it contains the URLs of streams.
//
// The wrapper may call next once. A second call returns an error, since it could submit a job twice: only the client
// retries, see [WithRetryPolicy]. The second call returns after the first, so that the real result comes first if calls
// are concurrent. If the wrapper does not call next, the request was not executed. If it calls next but returns another
// error or status, the result of next decides whether the operation may have been executed.
//
// next uses only the context and the added headers of the request that it is given, and ignores added headers whose
// names begin with x-acs-. The context must be derived from that of the request that the wrapper received. For a
// request on a new connection (see [WithHTTPClient]), GotConn of a trace is not called.
//
// [NewClient] calls wrap once; a nil result is a [*ParamError]. The wrapper must be safe for concurrent use. The
// wrapper of a later option runs inside that of an earlier one. A nil wrap is ignored. Defaults to none.
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

// roundTrip sends a request through the middleware, which may panic. The request is not sent later.
func (t *redactingTransport) roundTrip(signed *signedRequest) (*http.Response, error) {
	defer signed.close()
	return t.middleware.RoundTrip(signed.redacted())
}

// A restoringTransport sends the real request behind a redacted one.
type restoringTransport struct{ sender *sender }

func (t *restoringTransport) RoundTrip(shown *http.Request) (resp *http.Response, err error) {
	if shown.Body != nil {
		defer shown.Body.Close() // the body of the real request is sent
	}
	ctx := shown.Context()
	signed, ok := ctx.Value(realRequest{}).(*signedRequest)
	if !ok {
		return nil, errors.New("livetranscode: the middleware sent a request whose context is not derived from the original one")
	}
	if err = ctx.Err(); err != nil { // of a context that the middleware derived
		return nil, err
	}
	if err = signed.open(ctx); err != nil {
		return nil, err
	}
	err = errAborted
	defer func() { signed.finish(resp, err) }() // deferred because the transport may panic
	resp, err = t.sender.send(signed.restore(withRedactedTrace(ctx), shown.Header), signed.newConn)
	if err != nil {
		err = &shownError{err, signed.secrets}
	}
	if resp != nil {
		resp.Request = shown
	}
	return resp, err
}

// A shownError is a transport error whose text a middleware may log.
type shownError struct {
	err     error
	secrets []string
}

func (e *shownError) Error() string { return newTransportError(e.err, e.secrets).text }
func (e *shownError) Unwrap() error { return withoutURL(e.err) }

// Format implements [fmt.Formatter]. It prints the text for every verb, and never the cause.
func (e *shownError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.Error()) }

// withRedactedTrace returns ctx, with a redacted trace in place of its [httptrace.ClientTrace], if it has one.
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

// A tracedContext replaces the trace of a context; [httptrace.WithClientTrace] would call both.
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
