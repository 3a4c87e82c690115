package livetranscode

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// This file has a matrix of what can happen to a request on the wire, and faults_retries_test.go has one of what a
// transport returns. Each row spans several files: transport.go and error_codes.go classify the failure, attempt.go
// decides whether the service may have executed the request, retry.go whether to retry, call.go and errors.go what the
// caller learns.

// anySuccess is a success of each of the faultOperations.
const anySuccess = `{"RequestId":"body-id","JobId":"j","Job":{"JobId":"j","Status":1}}`

// faultOperations are operations that read, write idempotently, and write.
var faultOperations = []testOperation{
	{"Get", true, anySuccess, getJob},
	{"Stop", true, anySuccess, stopJob},
	{"Submit", false, anySuccess, submitJob},
}

// An outcome is how a call ends that fails in the same way each time.
type outcome struct {
	kind      error  // nil: success
	requestID string // of the *APIError; empty: a *CallError
	attempts  int    // of an operation that is retried
	ambiguous bool   // a Submit may have been executed; it is not retried
	is        error  // what else errors.Is finds, or nil
	submitted bool   // a Submit succeeds, for its id was read
}

var (
	succeeds = outcome{}
	// noResponse is a transient failure after the request was sent.
	noResponse = outcome{ErrUnavailable, "", 3, true, nil, false}
	// notHTTP is an unknown error of net/http's transport.
	notHTTP = outcome{ErrUnavailable, "", 1, true, nil, false}
	// cutOff is a success whose body did not arrive.
	cutOff = outcome{ErrBadResponse, "header-id", 3, true, nil, false}
	// proxyFailure is an error of a proxy.
	proxyFailure = outcome{ErrUnavailable, "header-id", 3, true, nil, false}
	// unusable is a response that a retry would not change.
	unusable = outcome{ErrBadResponse, "header-id", 1, true, nil, false}
)

func (o outcome) withID(id string) outcome { o.requestID = id; return o }

func (o outcome) with(is error) outcome { o.is = is; return o }

// check checks the error of a call, and returns how many attempts the call should have made.
func (o outcome) check(t *testing.T, err error, idempotent bool) (attempts int) {
	t.Helper()
	if o.kind == nil || o.submitted && !idempotent {
		if err != nil {
			t.Errorf("the error is %v, want success", err)
		}
		return 1
	}
	if err == nil {
		t.Fatal("there is no error")
	}
	wantKind(t, err, o.kind)
	wantOneLine(t, err)
	wantNoContextError(t, err)
	wantNone(t, err.Error(), "streamkey")
	_, isErrno := errors.AsType[syscall.Errno](o.is)
	onWindows := isErrno && runtime.GOOS == "windows" // its sockets have error numbers of their own
	if o.is != nil && !onWindows && !errors.Is(err, o.is) {
		t.Errorf("the error %v is not %v", err, o.is)
	}
	ambiguous := o.ambiguous && !idempotent
	if got := errors.Is(err, ErrAmbiguous); got != ambiguous {
		t.Errorf("errors.Is(%q, ErrAmbiguous) is %t", err, got)
	}
	if attempts = o.attempts; ambiguous {
		attempts = 1
	}
	if o.requestID == "" {
		if call, ok := errors.AsType[*CallError](err); !ok || call.Attempts != attempts {
			t.Errorf("the error is %#v, want a *CallError after %d attempts", err, attempts)
		}
		return attempts
	}
	if api, ok := errors.AsType[*APIError](err); !ok || api.Attempts != attempts || api.RequestID != o.requestID {
		t.Errorf("the error is %#v, want an *APIError of request %s after %d attempts", err, o.requestID, attempts)
	}
	return attempts
}

// withHeaderID is a response with a request id in its header.
func withHeaderID(status int, body string, header ...string) string {
	return rawResponse(status, body, append(header, "X-Acs-Request-Id", "header-id")...)
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// TestFaultMatrix has a row for each thing that a server, or something in its place, can do to a request.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	const half = `{"RequestId":"body-id","Job":{"JobId":"j"`
	head := rawHead(200, 100, "X-Acs-Request-Id", "header-id")
	packed := gzipped(anySuccess + strings.Repeat(" ", 100))
	packedHead := rawHead(200, len(packed), "X-Acs-Request-Id", "header-id", "Content-Encoding", "gzip")
	html := []string{"Content-Type", "text/html"}
	tests := map[string]struct {
		raw  string
		then connectionEnd
		want outcome
	}{
		"closed before the head":       {"", closeConn, noResponse.with(io.EOF)},
		"closed in the head":           {"HTTP/1.1 200 OK\r\nContent-Length: 1", closeConn, noResponse},
		"closed after a line":          {"HTTP/1.1 200 OK\r\n", closeConn, noResponse.with(io.ErrUnexpectedEOF)},
		"closed in a header's name":    {"HTTP/1.1 200 OK\r\nContent-Le", closeConn, notHTTP}, // net/http calls it malformed
		"closed after the head":        {head, closeConn, cutOff.with(io.ErrUnexpectedEOF)},
		"closed in the body":           {head + half, closeConn, cutOff.withID("body-id").with(io.ErrUnexpectedEOF)},
		"closed in a chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Acs-Request-Id: header-id\r\n\r\n40\r\n{", closeConn, cutOff},
		"closed in gzip":               {packedHead + packed[:len(packed)/2], closeConn, cutOff.withID("body-id")},
		"closed in the head of gzip":   {packedHead + packed[:5], closeConn, cutOff},
		"gzip that ends early":         {withHeaderID(200, packed[:len(packed)/2], "Content-Encoding", "gzip"), keepOpen, cutOff.withID("body-id")},
		"gzip with a wrong checksum":   {withHeaderID(200, packed[:len(packed)-8]+"12345678", "Content-Encoding", "gzip"), keepOpen, outcome{ErrBadResponse, "body-id", 1, false, nil, true}},
		"gzip":                         {packedHead + packed, keepOpen, succeeds},
		"closed after the id":          {head + anySuccess[:strings.Index(anySuccess, `,"Job"`)], closeConn, outcome{ErrBadResponse, "body-id", 3, true, nil, true}}, //nolint:gocritic // the text is there
		"closed after the whole":       {head + anySuccess, closeConn, outcome{ErrBadResponse, "body-id", 3, true, nil, true}},
		"reset after the whole":        {head + anySuccess, resetConn, outcome{ErrBadResponse, "body-id", 3, true, nil, true}},
		"followed by something":        {withHeaderID(200, anySuccess+"}"), keepOpen, outcome{ErrBadResponse, "body-id", 1, true, nil, true}},
		"not gzip":                     {withHeaderID(200, anySuccess, "Content-Encoding", "gzip"), keepOpen, unusable},
		"reset before the head":        {"", resetConn, noResponse.with(syscall.ECONNRESET)},
		"reset in the head":            {"HTTP/1.1 200 OK\r\n", resetConn, noResponse},
		"1xx flood":                    {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 20_000) + withHeaderID(200, anySuccess), stallConn, notHTTP},
		"header of 1 MiB":              {withHeaderID(200, anySuccess, "X-Large", strings.Repeat("x", 1<<20)), stallConn, notHTTP},
		"headers of 1 MiB":             {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: x\r\n", 100_000) + "\r\n", stallConn, notHTTP},
		"not HTTP":                     {"SSH-2.0-OpenSSH_9.6\r\n", closeConn, notHTTP},
		"redirect to the same host":    {withHeaderID(302, "moved", "Location", "/again"), keepOpen, unusable},
		"redirect to another host":     {withHeaderID(307, "", "Location", "https://elsewhere.example/"), keepOpen, unusable},
		"redirect to http":             {withHeaderID(308, "", "Location", "http://ice.cn-shanghai.aliyuncs.com/"), keepOpen, unusable},
		"HTML with 502":                {withHeaderID(502, "<html>Bad Gateway</html>", html...), keepOpen, proxyFailure},
		"HTML with 404":                {withHeaderID(404, "<html>Not Found</html>", html...), keepOpen, unusable},
		"HTML with 200":                {withHeaderID(200, "<html>Log in</html>", html...), keepOpen, unusable},
		"InternalError":                {rawResponse(500, errorBodyJSON("InternalError", "m")), keepOpen, proxyFailure.withID("req-1")},
		"error with 200":               {withHeaderID(200, errorBodyJSON("Throttling.User", "slow down")), keepOpen, unusable.withID("req-1")},
		"error in lower case with 200": {withHeaderID(200, `{"code":"InternalError","message":"m","requestId":"body-id"}`), keepOpen, unusable.withID("body-id")},
		"null":                         {withHeaderID(200, "null"), keepOpen, unusable},
		"array":                        {withHeaderID(200, "[]"), keepOpen, unusable},
		"byte order mark":              {withHeaderID(200, "\xef\xbb\xbf"+anySuccess), keepOpen, succeeds},
		"wrong Content-Type":           {withHeaderID(200, anySuccess, "Content-Type", "image/png"), keepOpen, succeeds},
		"invalid UTF-8":                {withHeaderID(200, `{"Job":{"Name":"`+"\xff\xc0"+`"},"JobId":"j"}`), keepOpen, succeeds},
		"duplicate fields":             {withHeaderID(200, `{"RequestId":"q","Job":null,"JobId":"",`+anySuccess[1:]), keepOpen, succeeds},
		"numbers for strings":          {withHeaderID(200, `{"RequestId":1,"JobId":2,"Job":{"JobId":3}}`), keepOpen, succeeds},
		"strings for numbers":          {withHeaderID(200, strings.ReplaceAll(anySuccess, `"Status":1`, `"Status":"1","StartMode":"0"`)), keepOpen, succeeds},
		"nested 100,000 deep":          {withHeaderID(200, `{"X":`+nested(100_000)+`,`+anySuccess[1:]), keepOpen, unusable},
		"an error nested 100,000 deep": {withHeaderID(400, `{"Code":"Forbidden","X":`+nested(100_000)+`}`), keepOpen, outcome{ErrForbidden, "header-id", 1, false, nil, false}},
	}
	for name, tt := range tests {
		for _, op := range faultOperations {
			s := newRawServer(t, always(tt.raw, tt.then))
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				var conns connCounter
				c := s.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
				s.wantRequests(t, tt.want.check(t, op.call(t.Context(), c), op.idempotent))
				conns.wantNoneOpen(t, c)
			})
		}
	}
}

// TestStalledResponses has the faults that only the timeout of the attempt ends, over connections without a network.
func TestStalledResponses(t *testing.T) {
	t.Parallel()
	const half = `{"RequestId":"body-id","Job":{"JobId":"j"`
	head := rawHead(200, 100, "X-Acs-Request-Id", "header-id")
	packed := gzipped(anySuccess + strings.Repeat(" ", 100))
	spaces := strings.Repeat(" ", 5000) // of which fewer than 2,000 arrive in time
	dribble := func(head bool) func(net.Conn) net.Conn {
		return func(conn net.Conn) net.Conn { return dribblingConn{conn, head} }
	}
	for name, tt := range map[string]struct {
		raw  string
		conn func(net.Conn) net.Conn // nil: as it is
		want outcome
	}{
		"before the head":      {"", nil, noResponse},
		"in the head":          {"HTTP/1.1 200 OK\r\nContent-Le", nil, noResponse},
		"after the head":       {head, nil, cutOff},
		"in the body":          {head + half, nil, cutOff.withID("body-id")},
		"in gzip":              {rawHead(200, len(packed), "X-Acs-Request-Id", "header-id", "Content-Encoding", "gzip") + packed[:len(packed)/2], nil, cutOff.withID("body-id")},
		"in an error":          {rawHead(500, 100, "X-Acs-Request-Id", "header-id") + "<html>", nil, proxyFailure},
		"bytes of a long head": {"HTTP/1.1 200 OK\r\nX-Long: " + spaces, dribble(true), noResponse},
		"bytes of a long body": {withHeaderID(200, spaces), dribble(false), cutOff},
	} {
		for _, op := range faultOperations {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					wrap := tt.conn
					if wrap == nil {
						wrap = func(conn net.Conn) net.Conn { return conn }
					}
					s := newPipeServer(t, always(tt.raw, stallConn))
					conns := connCounter{dial: func() (net.Conn, error) { return s.dial(wrap) }}
					c := s.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
					start := time.Now()
					attempts := tt.want.check(t, op.call(t.Context(), c), op.idempotent)
					if late := time.Since(start) - time.Duration(attempts)*30*time.Second; late < 0 || late > time.Second {
						t.Errorf("%d attempts took %v, want 30s each", attempts, time.Since(start))
					}
					s.wantRequests(t, attempts)
					conns.wantNoneOpen(t, c)
				})
			})
		}
	}
}

// TestRefusedConnection checks that nothing was sent if nothing listens.
func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations {
		s := newRawServer(t, nil)
		s.close()
		var conns connCounter
		c := s.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
		err := op.call(t.Context(), c)
		conns.wantNoneOpen(t, c)
		outcome{ErrUnavailable, "", 3, false, syscall.ECONNREFUSED, false}.check(t, err, op.idempotent)
	}
}
