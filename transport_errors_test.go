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
	"net/url"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

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
		"SOCKS":                 &net.OpError{Op: "socks connect", Err: errors.New("unknown error general SOCKS server failure")},
		"SOCKS, EOF":            &net.OpError{Op: "socks connect", Err: io.EOF},
		"TLS, server failed":    &net.OpError{Op: "remote error", Err: tls.AlertError(80)},
		"TLS, bad MAC, remote":  &net.OpError{Op: "remote error", Err: tls.AlertError(20)},
		"TLS, bad MAC, local":   &net.OpError{Op: "local error", Err: tls.AlertError(20)},
		"TLS, unexpected":       &net.OpError{Op: "remote error", Err: tls.AlertError(10)},
		"TLS, bad record":       tls.RecordHeaderError{Msg: "oversized record received with length 20527"},
		"HTTP/2 stream reset":   errors.New("stream error: stream ID 1; INTERNAL_ERROR; received from peer"),
		"HTTP/2 GOAWAY":         errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=\"\""),
		"HTTP/2 GOAWAY, first":  errors.New("http2: Transport received GOAWAY from server ErrCode:ENHANCE_YOUR_CALM"),
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
		"not TLS":              tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake", Conn: new(net.TCPConn)},
		"not TLS, by a client": http.ErrSchemeMismatch,
		"SOCKS, not allowed":   &net.OpError{Op: "socks connect", Err: errors.New("unknown error connection not allowed by ruleset")},
		"SOCKS, password":      &net.OpError{Op: "socks connect", Err: errors.New("username/password authentication failed")},
		"proxy, 403":           &proxyError{proxy: "p:3128", status: 403},
	}
	for name, alert := range map[string]tls.AlertError{
		"handshake failure": 40, "bad certificate": 42, "certificate revoked": 44, "unknown CA": 48, "access denied": 49,
		"protocol version": 70, "server name": 112, "certificate required": 116, "application protocol": 120,
	} {
		badEndpoint["alert, "+name] = &net.OpError{Op: "remote error", Err: alert}
	}
	permanent := map[string]error{
		"DNS, not found":     dial(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}),
		"bad address":        dial(&net.AddrError{Err: "missing port in address", Addr: "h"}),
		"unknown":            errors.New("something else"),
		"Forbidden":          errors.New("Forbidden"), // by a transport other than net/http's it is no proxy's
		"no proxy's 503":     errors.New("Service Unavailable"),
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
