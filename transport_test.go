package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestConnectionsAreKept checks that as many idle connections are kept as there are concurrent callers.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 8
	var opened atomic.Int32
	var gates [rounds]chan struct{} // closed when every caller has its request of the round in flight
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	var arrived atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		n := int(arrived.Add(1))
		gate := gates[(n-1)/callers]
		if n%callers == 0 {
			close(gate)
		}
		<-gate
		fmt.Fprint(rw, documentedJob)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c, err := NewClient(WithEndpoint(server.URL), WithCredentials(StaticCredentials(testKeyID, testSecret, "")), attempts(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	for range rounds { // between rounds all connections are idle at once
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if err := getJob(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if got := opened.Load(); got != callers {
		t.Errorf("%d callers opened %d connections", callers, got)
	}
}

// timeoutError is a timeout by its method alone, as those of net/http are.
type timeoutError struct{}

func (timeoutError) Error() string { return "net/http: timeout awaiting response headers" }
func (timeoutError) Timeout() bool { return true }

// TestTransportErrors checks that known transient errors are retried, before the response and in the middle of its
// body.
func TestTransportErrors(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	system := func(call string, errno syscall.Errno) error { return os.NewSyscallError(call, errno) }
	retried := map[string]error{
		"refused":               dial(system("connect", syscall.ECONNREFUSED)),
		"refused, bare":         syscall.ECONNREFUSED,
		"reset":                 &net.OpError{Op: "read", Net: "tcp", Err: system("read", syscall.ECONNRESET)},
		"reset, bare":           syscall.ECONNRESET,
		"aborted":               syscall.ECONNABORTED,
		"broken pipe":           &net.OpError{Op: "write", Net: "tcp", Err: system("write", syscall.EPIPE)},
		"broken pipe, bare":     syscall.EPIPE,
		"EOF":                   io.EOF,
		"unexpected EOF":        io.ErrUnexpectedEOF,
		"EOF of net/http":       fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", io.EOF),
		"dial timeout":          dial(os.ErrDeadlineExceeded),
		"timeout of net/http":   timeoutError{},
		"connection timed out":  dial(system("connect", syscall.ETIMEDOUT)),
		"DNS, temporary":        dial(&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}),
		"DNS, timeout":          dial(&net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true, IsTemporary: true}),
		"closed while idle":     errors.New("http: server closed idle connection"),
		"no route":              dial(system("connect", syscall.EHOSTUNREACH)),
		"no route, read":        &net.OpError{Op: "read", Net: "tcp", Err: system("read", syscall.EHOSTUNREACH)},
		"no route, write":       &net.OpError{Op: "write", Net: "tcp", Err: system("write", syscall.EHOSTUNREACH)},
		"through a proxy":       &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(system("connect", syscall.ECONNREFUSED))},
		"proxy, 502":            &proxyError{proxy: "p:3128", status: 502},
		"proxy, 429":            &proxyError{proxy: "p:3128", status: 429},
		"proxy, 503, text":      errors.New("Service Unavailable"),
		"SOCKS":                 &net.OpError{Op: "socks connect", Err: errors.New("unknown error general SOCKS server failure")},
		"SOCKS, EOF":            &net.OpError{Op: "socks connect", Err: io.EOF},
		"TLS, server failed":    &net.OpError{Op: "remote error", Err: tls.AlertError(80)},
		"HTTP/2 stream reset":   errors.New("stream error: stream ID 1; INTERNAL_ERROR; received from peer"),
		"HTTP/2 GOAWAY":         errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=\"\""),
		"HTTP/2 connection":     errors.New("http2: client connection lost"),
		"in a url.Error":        &url.Error{Op: "Post", URL: "https://h/?JobId=j", Err: syscall.ECONNRESET},
		"closed, in url.Error":  &url.Error{Op: "Post", URL: "https://h/?JobId=j", Err: errors.New("http: server closed idle connection")},
		"of a context not ours": context.DeadlineExceeded,
	}
	certificate := &x509.Certificate{}
	badEndpoint := map[string]error{
		"certificate":          &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{Cert: certificate}},
		"certificate, dialed":  dial(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{Cert: certificate}}),
		"unknown authority":    x509.UnknownAuthorityError{Cert: certificate},
		"wrong host":           x509.HostnameError{Certificate: certificate, Host: "h"},
		"expired":              x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired},
		"not TLS":              tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"refused by TLS":       &net.OpError{Op: "remote error", Err: tls.AlertError(40)},
		"not TLS, by a client": http.ErrSchemeMismatch,
		"SOCKS, not allowed":   &net.OpError{Op: "socks connect", Err: errors.New("unknown error connection not allowed by ruleset")},
		"SOCKS, password":      &net.OpError{Op: "socks connect", Err: errors.New("username/password authentication failed")},
		"proxy, 403":           &proxyError{proxy: "p:3128", status: 403},
		"proxy, 407, text":     errors.New("Proxy Authentication Required"),
	}
	permanent := map[string]error{
		"DNS, not found":     dial(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}),
		"bad address":        dial(&net.AddrError{Err: "missing port in address", Addr: "h"}),
		"unknown":            errors.New("something else"),
		"unknown, in an URL": &url.Error{Op: "Post", URL: "https://h/", Err: errors.New("something else")},
		"canceled elsewhere": fmt.Errorf("proxy: %w", context.Canceled),
		"disk":               &os.PathError{Op: "open", Path: "/p", Err: syscall.ENOENT},
	}
	check := func(name string, err error, want int, kind error) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(failWith(err))
				got := getJob(t.Context(), clientOver(t, rt))
				rt.wantRequests(t, want)
				wantKind(t, got, kind)
				wantOneLine(t, got)
				wantNoContextError(t, got)

				rt = newScript(respondThenFail(200, `{"RequestId":"r",`, err))
				got = getJob(t.Context(), clientOver(t, rt))
				if err == io.EOF { //nolint:errorlint // a wrapped one is not the end of the body
					want = 1
				}
				rt.wantRequests(t, want)
				wantKind(t, got, ErrBadResponse)
				wantNoContextError(t, got)
			})
		})
	}
	for name, err := range retried {
		check(name, err, 3, ErrUnavailable)
	}
	for name, err := range permanent {
		check(name, err, 1, ErrUnavailable)
	}
	for name, err := range badEndpoint {
		check(name, err, 1, ErrBadEndpoint)
	}
}

// TestHandshakeErrors checks that a connection that fails before the end of the handshake has not carried the request.
func TestHandshakeErrors(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	now := time.Now()
	permanent := outcome{ErrBadEndpoint, "", 1, false, nil, false}
	wrap := func(f func(net.Conn) net.Conn) func(net.Listener, tls.Certificate) net.Listener {
		return func(ln net.Listener, _ tls.Certificate) net.Listener { return connListener{ln, f} }
	}
	withTLS := func(ln net.Listener, certificate tls.Certificate) net.Listener {
		return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	for name, tt := range map[string]struct {
		host     string
		from, to time.Time
		distrust bool
		listener func(net.Listener, tls.Certificate) net.Listener
		want     outcome
	}{
		"good":              {"127.0.0.1", now.Add(-year), now.Add(year), false, withTLS, succeeds},
		"wrong host":        {"elsewhere.example", now.Add(-year), now.Add(year), false, withTLS, permanent},
		"expired":           {"127.0.0.1", now.Add(-year), now.Add(-time.Hour), false, withTLS, permanent},
		"not yet valid":     {"127.0.0.1", now.Add(time.Hour), now.Add(year), false, withTLS, permanent},
		"unknown authority": {"127.0.0.1", now.Add(-year), now.Add(year), true, withTLS, permanent},
		"reset": {
			"127.0.0.1", now.Add(-year), now.Add(year), false,
			wrap(func(conn net.Conn) net.Conn { return resettingConn{conn} }),
			outcome{ErrUnavailable, "", 3, false, nil, false},
		},
		"no TLS": {"127.0.0.1", now.Add(-year), now.Add(year), false, wrap(func(conn net.Conn) net.Conn {
			io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") // as net/http's server does
			return conn
		}), permanent},
	} {
		certificate, roots := certify(t, tt.host, tt.from, tt.to)
		if tt.distrust {
			roots = x509.NewCertPool()
		}
		for _, op := range faultOperations {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				ln := tt.listener(listen(t), certificate)
				s := newRawServerOn(t, ln, always(rawResponse(200, anySuccess), keepOpen))
				var conns connCounter
				c := s.client(t, WithEndpoint("https://"+ln.Addr().String()),
					WithHTTPClient(&http.Client{Transport: conns.transport(roots)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
				attempts := tt.want.check(t, op.call(t.Context(), c), op.idempotent)
				if got := int(conns.opened.Load()); got != attempts {
					t.Errorf("%d connections were opened, want %d", got, attempts)
				}
				if tt.want.kind != nil {
					s.wantRequests(t, 0)
				}
				conns.wantNoneOpen(t, c)
			})
		}
	}
}

// TestSubmitOnTheWire checks that the errors and traces of net/http's transport decide whether a Submit is retried.
func TestSubmitOnTheWire(t *testing.T) {
	t.Parallel()
	submitted := rawResponse(200, `{"RequestId":"r","JobId":"j"}`)
	t.Run("throttled", func(t *testing.T) {
		t.Parallel()
		s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 0 {
				return rawResponse(400, errorBodyJSON("Throttling.User", "m"), "x-acs-retry-after", "1"), keepOpen
			}
			return submitted, keepOpen
		})
		if err := submitJob(t.Context(), s.client(t)); err != nil {
			t.Error(err)
		}
		if heads, conns := s.seen(); len(heads) != 2 || conns != 2 {
			t.Errorf("%d requests arrived on %d connections, want 2 on 2", len(heads), conns)
		}
	})
	t.Run("canceled while dialing", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			cancel() // net/http does not cancel the context of the dial
			return nil, errors.New("the dial comes too late")
		}}
		err := submitJob(ctx, clientOver(t, transport))
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want one that is not ambiguous", err)
		}
	})
	t.Run("canceled after the write", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		s := newRawServer(t, func(int, string) (string, connectionEnd) { cancel(); return "", stallConn })
		err := submitJob(ctx, s.client(t))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want context.Canceled and ErrAmbiguous", err)
		}
		s.wantRequests(t, 1)
	})
	// net/http resends a POST on a connection that the server closed while it was idle, but only if nothing of it was
	// written.
	t.Run("closed while idle", func(t *testing.T) {
		t.Parallel()
		s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 1 {
				return "", closeConn
			}
			return submitted, keepOpen
		})
		c := s.client(t)
		if err := submitJob(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := submitJob(t.Context(), c); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want ErrAmbiguous", err)
		}
		s.wantRequests(t, 2)
	})
}

// TestIdleConnectionIsReset resets the connection of an earlier call while it is idle. Whether the next call notices in
// time is a race. Either way it must succeed, or be an ambiguous Submit that is not retried.
func TestIdleConnectionIsReset(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
					if n == 0 {
						return rawResponse(200, anySuccess), resetConn
					}
					return rawResponse(200, anySuccess), keepOpen
				})
				var conns connCounter
				c := s.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
				if err := getJob(t.Context(), c); err != nil && !errors.Is(err, ErrBadResponse) {
					t.Fatal(err) // the reset may overtake the response
				}
				before, _ := s.seen()
				err := op.call(t.Context(), c)
				heads, _ := s.seen()
				switch {
				case err == nil:
				case !op.idempotent && errors.Is(err, ErrAmbiguous) && errors.Is(err, ErrUnavailable):
				default:
					t.Errorf("the error is %v", err)
				}
				if len(heads)-len(before) > 1 {
					t.Errorf("%d requests arrived", len(heads)-len(before))
				}
				conns.wantNoneOpen(t, c)
				s.close()
			}
		})
	}
}
