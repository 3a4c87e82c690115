package livetranscode

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// anyAnswer is a success for each of the operations of the matrix.
const anyAnswer = `{"RequestId":"body-id","JobId":"j","Job":{"JobId":"j","Status":1}}`

// stallTimeout is the attempt timeout of the rows that stall: long enough for all else on a busy machine.
const stallTimeout = 400 * time.Millisecond

var faultyOperations = []struct {
	name string
	call func(context.Context, *Client) error
	once bool
}{
	{"Get", getJob, false},
	{"Stop", func(ctx context.Context, c *Client) error {
		_, err := c.SendLiveTranscodeJobCommand(ctx, "job-1", JobCommandStop)
		return err
	}, false},
	{"Submit", submitJob, true},
}

// A verdict is what a row of the matrix expects.
type verdict struct {
	kind     error  // nil: success
	id       string // the request id of the *APIError; empty: a *CallError
	attempts int    // of an operation that can be repeated
	// Of a Submit: its attempts, and whether its outcome is unknown. What is not repeated has one attempt.
	submits   int // 0: success, for the id was read
	ambiguous bool
}

var (
	fine = verdict{}
	// noAnswer is a failure that may pass, after the request was sent.
	noAnswer = verdict{ErrUnavailable, "", 3, 1, true}
	// noHTTP is an answer that does not get better.
	noHTTP = verdict{ErrUnavailable, "", 1, 1, true}
	// cutOff is a success whose body did not arrive.
	cutOff = verdict{ErrBadResponse, "header-id", 3, 1, true}
	// unusable is an answer that would be the same again.
	unusable = verdict{ErrBadResponse, "header-id", 1, 1, true}
	// noTrust is a connection that was not made, for a reason that stays.
	noTrust = verdict{ErrBadEndpoint, "", 1, 1, false}
)

func (v verdict) withID(id string) verdict { v.id = id; return v }

// check compares the error of a call.
func (v verdict) check(t *testing.T, err error, once bool) (attempts int) {
	t.Helper()
	if v.kind == nil || once && v.submits == 0 {
		if err != nil {
			t.Errorf("the error is %v, want success", err)
		}
		return 1
	}
	if err == nil {
		t.Fatal("there is no error")
	}
	wantKind(t, err, v.kind)
	wantOneLine(t, err)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("the error %q reads as the end of the caller's context", err)
	}
	attempts = v.attempts
	if once {
		attempts = v.submits
	}
	if got := errors.Is(err, ErrAmbiguous); got != (once && v.ambiguous) {
		t.Errorf("errors.Is(%q, ErrAmbiguous) is %t", err, got)
	}
	if v.id == "" {
		if call, ok := errors.AsType[*CallError](err); !ok || call.Attempts != attempts {
			t.Errorf("the error is %#v, want a *CallError after %d attempts", err, attempts)
		}
		return attempts
	}
	if api, ok := errors.AsType[*APIError](err); !ok || api.Attempts != attempts || api.RequestID != v.id {
		t.Errorf("the error is %#v, want an *APIError of request %s after %d attempts", err, v.id, attempts)
	}
	return attempts
}

// A connCount is a transport's dialler that knows how many of its connections are open.
type connCount struct{ open, opened atomic.Int32 }

type countedConn struct {
	net.Conn
	count  *connCount
	closed atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.count.open.Add(-1)
	}
	return c.Conn.Close()
}

// transport returns the transport of a client that was not given one, with its connections counted.
func (c *connCount) transport(roots *x509.CertPool) *http.Transport {
	t := newTransport()
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.opened.Add(1)
		c.open.Add(1)
		return &countedConn{Conn: conn, count: c}, nil
	}
	t.TLSClientConfig.RootCAs = roots
	return t
}

// wantNoneOpen checks that no connection outlives the calls that are over.
func (c *connCount) wantNoneOpen(t *testing.T, client *Client) {
	t.Helper()
	client.CloseIdleConnections()
	for range 200 { // net/http closes them in its own time
		if c.open.Load() == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
		client.CloseIdleConnections()
	}
	t.Errorf("%d connections are still open", c.open.Load())
}

// headOf returns the head of a success with a body of a length.
func headOf(length int, header ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Acs-Request-Id: header-id\r\n", length)
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	return b.String() + "\r\n"
}

// answers is a whole answer with a request id in its header.
func answers(status int, body string, header ...string) string {
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

// TestFaultMatrix has a row for each thing that a server, or whatever stands in for it, can do to a request.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	packed := gzipped(anyAnswer + strings.Repeat(" ", 100))
	packedHead := headOf(len(packed), "Content-Encoding", "gzip")
	half := `{"RequestId":"body-id","Job":{"JobId":"j"`
	tests := map[string]struct {
		raw  string
		then connectionEnd
		want verdict
	}{
		"closed before the head":       {"", closeConn, noAnswer},
		"closed in the head":           {"HTTP/1.1 200 OK\r\nContent-Length: 1", closeConn, noAnswer},
		"closed in a header's name":    {"HTTP/1.1 200 OK\r\nContent-Le", closeConn, noHTTP}, // net/http takes it for a malformed one
		"closed after the head":        {headOf(100), closeConn, cutOff},
		"closed in the body":           {headOf(100) + half, closeConn, cutOff.withID("body-id")},
		"closed in a chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Acs-Request-Id: header-id\r\n\r\n40\r\n{", closeConn, cutOff},
		"closed in gzip":               {packedHead + packed[:len(packed)/2], closeConn, cutOff.withID("body-id")},
		"closed in the head of gzip":   {packedHead + packed[:5], closeConn, cutOff},
		"gzip that ends early":         {answers(200, packed[:len(packed)/2], "Content-Encoding", "gzip"), keepOpen, cutOff.withID("body-id")},
		"gzip with a wrong checksum":   {answers(200, packed[:len(packed)-8]+"12345678", "Content-Encoding", "gzip"), keepOpen, verdict{ErrBadResponse, "body-id", 1, 0, false}},
		"gzip that is none":            {answers(200, anyAnswer, "Content-Encoding", "gzip"), keepOpen, unusable},
		"reset before the head":        {"", resetConn, noAnswer},
		"reset in the head":            {"HTTP/1.1 200 OK\r\n", resetConn, noAnswer},
		"stalled before the head":      {"", stallConn, noAnswer},
		"stalled in the head":          {"HTTP/1.1 200 OK\r\nContent-Le", stallConn, noAnswer},
		"stalled after the head":       {headOf(100), stallConn, cutOff},
		"stalled in the body":          {headOf(100) + half, stallConn, cutOff.withID("body-id")},
		"stalled in gzip":              {packedHead + packed[:len(packed)/2], stallConn, cutOff.withID("body-id")},
		"stalled in an error":          {"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\nX-Acs-Request-Id: header-id\r\n\r\n<html>", stallConn, verdict{ErrUnavailable, "header-id", 3, 1, true}},
		"1xx flood":                    {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 20_000) + answers(200, anyAnswer), stallConn, noHTTP},
		"header of 1 MiB":              {headOf(len(anyAnswer), "X-Large", strings.Repeat("x", 1<<20)) + anyAnswer, stallConn, noHTTP},
		"headers of 1 MiB":             {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: x\r\n", 100_000) + "\r\n", stallConn, noHTTP},
		"not HTTP":                     {"SSH-2.0-OpenSSH_9.6\r\n", closeConn, noHTTP},
		"redirect to the same host":    {answers(302, "moved", "Location", "/again"), keepOpen, unusable},
		"redirect to another host":     {answers(307, "", "Location", "https://elsewhere.example/"), keepOpen, unusable},
		"redirect to http":             {answers(308, "", "Location", "http://ice.cn-shanghai.aliyuncs.com/"), keepOpen, unusable},
		"HTML with 502":                {answers(502, "<html>Bad Gateway</html>", "Content-Type", "text/html"), keepOpen, verdict{ErrUnavailable, "header-id", 3, 1, true}},
		"HTML with 404":                {answers(404, "<html>Not Found</html>", "Content-Type", "text/html"), keepOpen, unusable},
		"HTML with 200":                {answers(200, "<html>Log in</html>", "Content-Type", "text/html"), keepOpen, unusable},
		"error with 200":               {answers(200, errorBodyJSON("Throttling.User", "slow down")), keepOpen, unusable.withID("req-1")},
		"error in lower case with 200": {answers(200, `{"code":"InternalError","message":"m","requestId":"body-id"}`), keepOpen, unusable.withID("body-id")},
		"nothing with 200":             {answers(200, ""), keepOpen, unusable},
		"204":                          {"HTTP/1.1 204 No Content\r\nX-Acs-Request-Id: header-id\r\n\r\n", keepOpen, unusable},
		"null":                         {answers(200, "null"), keepOpen, unusable},
		"array":                        {answers(200, "[]"), keepOpen, unusable},
		"byte order mark":              {answers(200, "\xef\xbb\xbf"+anyAnswer), keepOpen, fine},
		"wrong Content-Type":           {answers(200, anyAnswer, "Content-Type", "image/png"), keepOpen, fine},
		"invalid UTF-8":                {answers(200, `{"Job":{"Name":"`+"\xff\xc0"+`"},"JobId":"j"}`), keepOpen, fine},
		"duplicate keys":               {answers(200, `{"RequestId":"q","Job":null,"JobId":"",`+anyAnswer[1:]), keepOpen, fine},
		"numbers for strings":          {answers(200, `{"RequestId":1,"JobId":2,"Job":{"JobId":3}}`), keepOpen, unusable.withID("1")},
		"strings for numbers":          {answers(200, strings.ReplaceAll(anyAnswer, `"Status":1`, `"Status":"1","StartMode":"0"`)), keepOpen, fine},
		"nested 100,000 deep":          {answers(200, `{"X":`+nested(100_000)+`,`+anyAnswer[1:]), keepOpen, unusable},
		"an error nested 100,000 deep": {answers(400, `{"Code":"Forbidden","X":`+nested(100_000)+`}`), keepOpen, verdict{ErrForbidden, "header-id", 1, 1, false}},
	}
	for name, tt := range tests {
		for _, op := range faultyOperations {
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return tt.raw, tt.then })
			policy := RetryPolicy{BaseDelay: 1}
			if strings.HasPrefix(name, "stalled") {
				policy.AttemptTimeout = stallTimeout
			}
			call := w.begin(t, op.call, policy)
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				attempts := tt.want.check(t, call(t), op.once)
				if heads, _ := w.seen(); len(heads) != attempts {
					t.Errorf("%d requests arrived, want %d", len(heads), attempts)
				}
			})
		}
	}
}

// begin makes a call of the wire, at once if it will take its time. The result waits for its end, checks how long
// it took and that it left no connection behind, and returns its error.
func (w *rawServer) begin(t *testing.T, op func(context.Context, *Client) error, policy RetryPolicy) func(*testing.T) error {
	var conns connCount
	c := w.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(policy))
	var took time.Duration
	call := sync.OnceValue(func() error {
		start := time.Now()
		err := op(context.Background(), c)
		took = time.Since(start)
		return err
	})
	if policy.AttemptTimeout > 0 {
		go call()
	}
	return func(t *testing.T) error {
		err := call()
		if policy.AttemptTimeout > 0 && took > 3*policy.AttemptTimeout+time.Second {
			t.Errorf("the call took %v", took)
		}
		conns.wantNoneOpen(t, c)
		return err
	}
}

// TestEmptyObject: it lacks what Get and Submit are for; of a command it says enough if the service's gateway has
// signed it with an id.
func TestEmptyObject(t *testing.T) {
	t.Parallel()
	for _, op := range faultyOperations {
		for id, raw := range map[string]string{"header-id": answers(200, "{}"), "": rawResponse(200, "{}")} {
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return raw, keepOpen })
			err := op.call(t.Context(), w.client(t))
			if good := op.name == "Stop" && id != ""; good {
				fine.check(t, err, false)
			} else if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, ErrBadResponse) || api.RequestID != id || api.Attempts != 1 {
				t.Errorf("%s: the error is %#v", op.name, err)
			}
		}
	}
}

// dribbling is a listener whose connections send the head at once, and the rest, or all, byte by byte.
type dribbling struct {
	net.Listener
	head bool // that too
}

type dribblingConn struct {
	net.Conn
	head bool
}

func (l dribbling) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return dribblingConn{conn, l.head}, err
}

func (c dribblingConn) Write(p []byte) (int, error) {
	n := 0
	if !c.head {
		n = bytes.Index(p, []byte("\r\n\r\n")) + 4
		if _, err := c.Conn.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	for ; n < len(p); n++ {
		if _, err := c.Conn.Write(p[n : n+1]); err != nil {
			return n, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return n, nil
}

// TestDribble: bytes that keep coming do not keep an attempt alive.
func TestDribble(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		head bool
		want verdict
	}{"in the head": {true, noAnswer}, "in the body": {false, cutOff}} {
		for _, op := range faultyOperations {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			w := newRawServerOn(t, dribbling{ln, tt.head}, func(int, string) (string, connectionEnd) { return headOf(1000) + strings.Repeat(" ", 1000), keepOpen })
			call := w.begin(t, op.call, RetryPolicy{BaseDelay: 1, AttemptTimeout: stallTimeout})
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				tt.want.check(t, call(t), op.once)
			})
		}
	}
}

// TestRefusedConnection: nothing listens, and nothing was sent.
func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	for _, op := range faultyOperations {
		w := newRawServer(t, nil)
		w.close()
		var conns connCount
		c := w.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
		verdict{ErrUnavailable, "", 3, 3, false}.check(t, op.call(t.Context(), c), op.once)
		conns.wantNoneOpen(t, c)
	}
}

// TestIdleConnectionIsReset: the connection of an earlier call dies while nobody uses it. Whether the next call
// notices in time is a race; it must end well either way, and a Submit must not be sent twice in the dark.
func TestIdleConnectionIsReset(t *testing.T) {
	t.Parallel()
	for _, op := range faultyOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				w := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
					if n == 0 {
						return answers(200, anyAnswer), resetConn
					}
					return answers(200, anyAnswer), keepOpen
				})
				var conns connCount
				c := w.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
				if err := getJob(t.Context(), c); err != nil && !errors.Is(err, ErrBadResponse) {
					t.Fatal(err) // the reset may overtake the answer
				}
				before, _ := w.seen()
				err := op.call(t.Context(), c)
				heads, _ := w.seen()
				switch {
				case err == nil:
				case op.once && errors.Is(err, ErrAmbiguous) && errors.Is(err, ErrUnavailable):
				default:
					t.Errorf("the error is %v", err)
				}
				if len(heads)-len(before) > 1 {
					t.Errorf("%d requests arrived", len(heads)-len(before))
				}
				conns.wantNoneOpen(t, c)
				w.close()
			}
		})
	}
}

// certify returns a certificate for a host, and the roots that trust it.
func certify(t *testing.T, host string, from, to time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// resetting is a listener whose connections are reset as soon as something was read.
type resetting struct{ net.Listener }

type resettingConn struct{ net.Conn }

func (l resetting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return resettingConn{conn}, err
}

func (c resettingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:1])
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
	return n, err
}

// TestTLSFaults: what fails before the handshake is over has not seen the request.
func TestTLSFaults(t *testing.T) {
	t.Parallel()
	year := 365 * 24 * time.Hour
	now := time.Now()
	for name, tt := range map[string]struct {
		host     string
		from, to time.Time
		distrust bool
		wrap     func(net.Listener) net.Listener
		want     verdict
	}{
		"good":              {"127.0.0.1", now.Add(-year), now.Add(year), false, nil, fine},
		"wrong host":        {"elsewhere.example", now.Add(-year), now.Add(year), false, nil, noTrust},
		"expired":           {"127.0.0.1", now.Add(-year), now.Add(-time.Hour), false, nil, noTrust},
		"not yet valid":     {"127.0.0.1", now.Add(time.Hour), now.Add(year), false, nil, noTrust},
		"unknown authority": {"127.0.0.1", now.Add(-year), now.Add(year), true, nil, noTrust},
		"reset": {
			"127.0.0.1", now.Add(-year), now.Add(year), false, func(ln net.Listener) net.Listener { return resetting{ln} },
			verdict{ErrUnavailable, "", 3, 3, false},
		},
		"no TLS": {"127.0.0.1", now.Add(-year), now.Add(year), false, func(ln net.Listener) net.Listener { return ln }, noTrust},
	} {
		certificate, roots := certify(t, tt.host, tt.from, tt.to)
		for _, op := range faultyOperations {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case name == "no TLS": // the client's greeting is answered with an error page
					ln = greeting{ln}
				case tt.wrap != nil:
					ln = tt.wrap(ln)
				default:
					ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate}})
				}
				w := newRawServerOn(t, ln, func(int, string) (string, connectionEnd) { return answers(200, anyAnswer), keepOpen })
				trusted := roots
				if tt.distrust {
					trusted = x509.NewCertPool()
				}
				var conns connCount
				c := w.client(t, WithEndpoint("https://"+ln.Addr().String()),
					WithHTTPClient(&http.Client{Transport: conns.transport(trusted)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
				err = op.call(t.Context(), c)
				attempts := tt.want.check(t, err, op.once)
				if got := int(conns.opened.Load()); got != attempts {
					t.Errorf("%d connections were opened, want %d", got, attempts)
				}
				if heads, _ := w.seen(); len(heads) > 0 && tt.want.kind != nil {
					t.Errorf("a request arrived: %q", heads)
				}
				conns.wantNoneOpen(t, c)
			})
		}
	}
}

// greeting is a listener of a server of plain HTTP that is spoken to in TLS.
type greeting struct{ net.Listener }

func (l greeting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
	}
	return conn, err
}

// A flood is a body that comes from nowhere: prefix, then the same piece for as often as it takes.
type flood struct {
	prefix string
	piece  []byte
	times  int
}

func (f *flood) Read(p []byte) (int, error) {
	if f.prefix != "" {
		n := copy(p, f.prefix)
		f.prefix = f.prefix[n:]
		return n, nil
	}
	if f.times == 0 {
		return 0, io.EOF
	}
	f.times--
	if len(p) < len(f.piece) {
		panic("a piece does not fit")
	}
	return copy(p, f.piece), nil
}

// serveFlood is a server that answers every request with a head and a flood, with little memory of its own.
func serveFlood(t *testing.T, head string, body func() *flood) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			for n := 0; !bytes.Contains(buf[:n], []byte("\r\n\r\n")); {
				more, err := conn.Read(buf[n:])
				if n += more; err != nil {
					break
				}
			}
			io.WriteString(conn, head)
			io.CopyBuffer(struct{ io.Writer }{conn}, body(), buf) // until the client has had enough
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return "http://" + ln.Addr().String()
}

// TestMemoryIsBounded: whatever comes, a call takes less than 32 MiB. All that it allocates is counted, also
// what was garbage already, and what the server of the test allocates: the peak is lower still.
//
// Not parallel: the allocations of other tests would count.
func TestMemoryIsBounded(t *testing.T) { //nolint:paralleltest // see above
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	var chunk []byte // of 32 KiB
	chunk = fmt.Appendf(chunk, "%x\r\n%s\r\n", 32<<10, bytes.Repeat([]byte(" "), 32<<10))
	zeros := gzipped(strings.Repeat("0", 1<<20))
	member := []byte(fmt.Sprintf("%x\r\n%s\r\n", len(zeros), zeros))
	opening := gzipped(`{"RequestId":"r","Job":{"Name":"`)
	opening = fmt.Sprintf("%x\r\n%s\r\n", len(opening), opening)
	const gz = "Content-Encoding: gzip\r\n"
	for _, tt := range []struct { //nolint:paralleltest // see above
		name, head string
		body       func() *flood
		kind       error
	}{
		{"100 MiB", "HTTP/1.1 200 OK\r\n" + chunked, func() *flood { return &flood{"", chunk, 3200} }, ErrBadResponse},
		{"100 MiB, announced", "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", func() *flood { return &flood{"", chunk, 3200} }, ErrBadResponse},
		{"a bomb of 1 GiB", "HTTP/1.1 200 OK\r\n" + gz + chunked, func() *flood { return &flood{opening, member, 1024} }, ErrBadResponse},
		{"an error of 100 MiB", "HTTP/1.1 400 No\r\n" + chunked, func() *flood { return &flood{"", chunk, 3200} }, ErrBadResponse},
		{"an error that is a bomb", "HTTP/1.1 400 No\r\n" + gz + chunked, func() *flood { return &flood{opening, member, 1024} }, ErrBadResponse},
		{"a head without an end", "HTTP/1.1 200 OK\r\nX: ", func() *flood { return &flood{"", chunk, 3200} }, ErrUnavailable},
		{"brackets", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", func() *flood { return &flood{`{"Job":`, bytes.Repeat([]byte("["), 32<<10), 255} }, ErrBadResponse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var conns connCount
			c, err := NewClient(WithEndpoint(serveFlood(t, tt.head, tt.body)), WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
				WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), attempts(1))
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range faultyOperations {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := op.call(t.Context(), c)
				runtime.ReadMemStats(&after)
				wantKind(t, err, tt.kind)
				wantOneLine(t, err)
				if used := after.TotalAlloc - before.TotalAlloc; used >= 32<<20 {
					t.Errorf("%s allocates %d MiB", op.name, used>>20)
				}
			}
			conns.wantNoneOpen(t, c)
		})
	}
}

// TestWritesOnTheWire: the same with net/http's own transport and real connections.
func TestWritesOnTheWire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		raw      string
		then     connectionEnd
		timeout  time.Duration // of an attempt
		requests int
		is       error
	}{
		"closed after the request": {"", closeConn, 0, 1, io.EOF},
		"reset after the request":  {"", resetConn, 0, 1, syscall.ECONNRESET},
		"no answer":                {"", stallConn, 50 * time.Millisecond, 1, ErrUnavailable},
		"half a head":              {"HTTP/1.1 200 OK\r\n", closeConn, 0, 1, io.ErrUnexpectedEOF},
		"half a body":              {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"RequestId\":", closeConn, 0, 1, io.ErrUnexpectedEOF},
		"half a body, stalled":     {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"RequestId\":", stallConn, 50 * time.Millisecond, 1, ErrBadResponse},
		"redirect":                 {rawResponse(307, "", "Location", "/"), keepOpen, 0, 1, ErrBadResponse},
		"InternalError":            {rawResponse(500, errorBodyJSON("InternalError", "m")), keepOpen, 0, 1, ErrUnavailable},
		"not HTTP":                 {"SSH-2.0-OpenSSH\r\n", closeConn, 0, 1, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return tt.raw, tt.then })
			err := submitJob(t.Context(), w.client(t, WithRetryPolicy(RetryPolicy{AttemptTimeout: tt.timeout, BaseDelay: 1})))
			if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, tt.is) {
				t.Errorf("the error is %v, want ErrAmbiguous and %v", err, tt.is)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error %q reads as the caller's deadline", err)
			}
			wantNone(t, err.Error(), "streamkey")
			if heads, _ := w.seen(); len(heads) != tt.requests {
				t.Errorf("%d requests arrived, want %d", len(heads), tt.requests)
			}
		})
	}
	t.Run("throttled", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 0 {
				return rawResponse(400, errorBodyJSON("Throttling.User", "m"), "x-acs-retry-after", "1"), keepOpen
			}
			return rawResponse(200, `{"RequestId":"r","JobId":"j"}`), keepOpen
		})
		if err := submitJob(t.Context(), w.client(t)); err != nil {
			t.Error(err)
		}
		if heads, conns := w.seen(); len(heads) != 2 || conns != 2 {
			t.Errorf("%d requests arrived on %d connections, want 2 on 2", len(heads), conns)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, nil)
		c := w.client(t, WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
		w.close()
		err := submitJob(t.Context(), c)
		if call, ok := errors.AsType[*CallError](err); !ok || call.Attempts != 3 || errors.Is(err, ErrAmbiguous) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the error is %#v", err)
		}
	})
	t.Run("cancelled while dialling", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			cancel() // net/http's context for the dial lives on
			return nil, errors.New("the dial comes too late")
		}}
		err := submitJob(ctx, clientOver(t, transport))
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want one that is not ambiguous", err)
		}
	})
	t.Run("cancelled after the write", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		w := newRawServer(t, func(int, string) (string, connectionEnd) { cancel(); return "", stallConn })
		err := submitJob(ctx, w.client(t))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want context.Canceled and ErrAmbiguous", err)
		}
		if heads, _ := w.seen(); len(heads) != 1 {
			t.Errorf("%d requests arrived, want 1", len(heads))
		}
	})
	// A connection that the server closed while it was idle: net/http sends a POST again by itself only if
	// nothing of it was written.
	t.Run("closed while idle", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 1 {
				return "", closeConn
			}
			return rawResponse(200, `{"RequestId":"r","JobId":"j"}`), keepOpen
		})
		c := w.client(t)
		if err := submitJob(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := submitJob(t.Context(), c); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want ErrAmbiguous", err)
		}
		if heads, _ := w.seen(); len(heads) != 2 {
			t.Errorf("%d requests arrived, want 2", len(heads))
		}
	})
}
