package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
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

// timeoutErr is a timeout by its method alone, as those of net/http are.
type timeoutErr struct{}

func (timeoutErr) Error() string { return "net/http: timeout awaiting response headers" }

func (timeoutErr) Timeout() bool { return true }

func TestTransportErrors(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	system := func(call string, errno syscall.Errno) error { return os.NewSyscallError(call, errno) }
	repeated := map[string]error{
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
		"timeout of net/http":   timeoutErr{},
		"connection timed out":  dial(system("connect", syscall.ETIMEDOUT)),
		"DNS, temporary":        dial(&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}),
		"DNS, timeout":          dial(&net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true, IsTemporary: true}),
		"closed while idle":     errors.New("http: server closed idle connection"),
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
		"certificate, dialled": dial(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{Cert: certificate}}),
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
	final := map[string]error{
		"DNS, not found":      dial(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}),
		"bad address":         dial(&net.AddrError{Err: "missing port in address", Addr: "h"}),
		"unknown":             errors.New("something else"),
		"unknown, in an URL":  &url.Error{Op: "Post", URL: "https://h/", Err: errors.New("something else")},
		"cancelled elsewhere": fmt.Errorf("proxy: %w", context.Canceled),
		"disk":                &os.PathError{Op: "open", Path: "/p", Err: syscall.ENOENT},
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
				if errors.Is(got, ErrBadEndpoint) != (kind == ErrBadEndpoint) {
					t.Errorf("the error %q is of the wrong kind", got)
				}
				if errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled) {
					t.Errorf("the error %q reads as the end of the caller's context", got)
				}

				// The same in the middle of the body.
				rt = newScript(respondThenFail(`{"RequestId":"r",`, err))
				got = getJob(t.Context(), clientOver(t, rt))
				if err == io.EOF { //nolint:errorlint // a wrapped one is no end of the body
					want = 1 // it is the end of the body
				}
				rt.wantRequests(t, want)
				wantKind(t, got, ErrBadResponse)
				if errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled) {
					t.Errorf("the error %q reads as the end of the caller's context", got)
				}
			})
		})
	}
	for name, err := range repeated {
		check(name, err, 3, ErrUnavailable)
	}
	for name, err := range final {
		check(name, err, 1, ErrUnavailable)
	}
	for name, err := range badEndpoint {
		check(name, err, 1, ErrBadEndpoint)
	}
}

// TestHandshakeFails: a server without TLS, or without a certificate that is trusted, does not get better by
// asking again, and has seen nothing of the request.
func TestHandshakeFails(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"no TLS": (*httptest.Server).Start, "unknown authority": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("a request arrived")
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			start(server)
			t.Cleanup(server.Close)
			for _, op := range allOperations {
				c, err := NewClient(WithEndpoint("https://"+server.Listener.Addr().String()),
					WithCredentials(StaticCredentials(testKeyID, testSecret, "")))
				if err != nil {
					t.Fatal(err)
				}
				err = op.call(t.Context(), c)
				if call, ok := errors.AsType[*CallError](err); !ok || call.Attempts != 1 || errors.Is(err, ErrAmbiguous) || !errors.Is(err, ErrBadEndpoint) || errors.Is(err, ErrUnavailable) {
					t.Errorf("%s: the error is %#v", op.name, err)
				}
			}
		})
	}
}

// TestNetworkErrorsOfTheStandardTransport: what net/http itself returns.
func TestNetworkErrorsOfTheStandardTransport(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close() // so that the port refuses
	c, err := NewClient(WithEndpoint("http://"+ln.Addr().String()), WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
		WithRetryPolicy(RetryPolicy{BaseDelay: time.Microsecond}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ListLiveTranscodeJobs(t.Context(), &ListLiveTranscodeJobsRequest{KeyWord: "secret-keyword"})
	call, ok := errors.AsType[*CallError](err)
	if !ok || call.Attempts != 3 || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the error is %#v, want a *CallError after 3 attempts", err)
	}
	wantKind(t, err, ErrUnavailable)
	wantNone(t, err.Error(), "secret-keyword")
}
