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
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// newTransport returns the transport of a client that was not given one. HTTP/2 is off: all calls would share
// one connection, and a stalled one would delay them all until their timeouts.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		TLSClientConfig:        &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        8 * time.Second, // the gateway closes at about 10 s: be first
		MaxResponseHeaderBytes: 256 << 10,
		OnProxyConnectResponse: onProxyConnect,
	}
}

// onProxyConnect gives the refusal of a proxy a type: net/http has only its text.
func onProxyConnect(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy: proxy.Host, status: resp.StatusCode}
}

// A proxyError is a proxy's refusal of a CONNECT request. Nothing was sent to the service.
type proxyError struct {
	proxy  string // host and port
	status int
}

func (e *proxyError) Error() string {
	text := fmt.Sprintf("the proxy refused to connect: %d %s", e.status, http.StatusText(e.status))
	if e.proxy != "" {
		text = fmt.Sprintf("the proxy %s refused to connect: %d %s", e.proxy, e.status, http.StatusText(e.status))
	}
	return text
}

// class returns what the status of a proxy's refusal means.
func (e *proxyError) class() transportClass {
	switch {
	case e.status >= 500, e.status == http.StatusTooManyRequests, e.status == http.StatusRequestTimeout, e.status == http.StatusTooEarly:
		return transportTransient
	}
	return transportBadEndpoint
}

// asProxyError finds the refusal of a proxy in an error of a transport. Of a caller's transport it knows the text of
// the status only, which is the whole text of net/http's error.
func asProxyError(err error) (refusal *proxyError, ok bool) {
	if errors.As(err, &refusal) {
		return refusal, true
	}
	err = withoutURL(err)
	for status := 300; status < 600; status++ {
		if text := http.StatusText(status); text != "" && strings.EqualFold(err.Error(), text) {
			return &proxyError{status: status}, true
		}
	}
	return nil, false
}

// A transportClass is what an error of a transport means.
type transportClass int

const (
	transportUnknown     transportClass = iota // never retried
	transportTransient                         // may pass by itself
	transportTimeout                           // likewise, after a long time
	transportBadEndpoint                       // permanent: ErrBadEndpoint
)

// transientErrnos are the transient connection errors of transports that return no *net.OpError.
var transientErrnos = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}

// transientTexts are parts of the texts of transient errors that have no exported type: those of HTTP/2 streams and
// connections, and of a connection that the server closed just as it was used again.
var transientTexts = []string{
	"stream error: stream ID", "http2: server sent GOAWAY", "http2: client connection lost", "http2: client connection force closed",
	"http2: Transport received Server's graceful shutdown GOAWAY", "http2: client conn not usable", "connection error: ",
	"http: server closed idle connection",
}

// classifyTransportError returns what an error of a transport means.
func classifyTransportError(err error) transportClass {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
	)
	if refusal, ok := asProxyError(err); ok {
		return refusal.class()
	}
	switch {
	case isPermanentTLS(err):
		return transportBadEndpoint
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return transportTimeout
	case errors.As(err, &dns):
		if dns.IsTemporary {
			return transportTransient
		}
		return transportUnknown
	case errors.As(err, &op) && op.Op != "":
		if class := classifyOpError(op); class != transportUnknown {
			return class
		}
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &errno) && slices.Contains(transientErrnos, errno), containsAny(err.Error(), transientTexts...):
		return transportTransient
	}
	return transportUnknown
}

// classifyOpError returns what an error of a connection means.
func classifyOpError(op *net.OpError) transportClass {
	var address *net.AddrError
	switch {
	case errors.As(op, &address):
		return transportUnknown
	case op.Op == "dial", op.Op == "read", op.Op == "write", op.Op == "remote error": // a permanent one is known by now
		return transportTransient
	case op.Op == "proxyconnect": // the way to the proxy
		if err := op.Err; errors.As(err, &op) {
			return classifyOpError(op)
		}
		return transportTransient
	case isSOCKS(op):
		if containsAny(op.Error(), "not allowed by ruleset", "authentication") {
			return transportBadEndpoint
		}
		return transportTransient
	}
	return transportUnknown
}

func isSOCKS(op *net.OpError) bool { return strings.HasPrefix(op.Op, "socks ") }

// isPermanentTLS reports a permanent TLS failure: a certificate that does not verify, a port that does not speak TLS,
// or an alert of the server in the handshake, other than one that says that it failed itself.
func isPermanentTLS(err error) bool {
	var record tls.RecordHeaderError
	var op *net.OpError
	return isCertificateError(err) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &op) && op.Op == "remote error" && !containsAny(op.Err.Error(), "internal error", "user canceled")
}

// isCertificateError reports whether the verification of the server's certificate failed, which ends the handshake.
func isCertificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		invalid      x509.CertificateInvalidError
		hostname     x509.HostnameError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &hostname)
}

// neverWritten reports whether an error of a transport proves that no byte of the request was sent, or that the server
// did not process it.
func neverWritten(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var refusal *proxyError
	return isCertificateError(err) || errors.As(err, &dns) || errors.As(err, &refusal) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || isSOCKS(op))
}

// isRefusedStream reports an HTTP/2 stream that the server reset before it processed the request (RFC 9113, 8.7).
func isRefusedStream(err error) bool {
	return containsAny(err.Error(), "stream error: stream ID") && containsAny(err.Error(), "REFUSED_STREAM")
}

// freshTransports returns for a transport another one that sends every request on a connection never used before: the
// server cannot have closed it while it was idle, which would leave the outcome of the request unknown. It is safe for
// concurrent use.
type freshTransports struct {
	mu          sync.Mutex
	base, fresh *http.Transport // of the last call
}

// get returns the fresh transport of base. Of a RoundTripper other than *http.Transport there is none.
func (f *freshTransports) get(base http.RoundTripper) http.RoundTripper {
	transport, ok := base.(*http.Transport)
	if !ok {
		return base
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base != transport {
		f.base, f.fresh = transport, transport.Clone()
		f.fresh.DisableKeepAlives = true
	}
	return f.fresh
}

// A writeTrace records whether a request's headers were written. It is safe for concurrent use. A nil one, and
// one to which the transport does not report, knows nothing.
type writeTrace struct{ reports, wrote atomic.Bool }

func traceWrite(ctx context.Context) (context.Context, *writeTrace) {
	w := new(writeTrace)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.reports.Store(true) },
		// HTTP/2 reports WroteHeaders only after all headers; a field is reported before anything is written.
		WroteHeaderField: func(string, []string) { w.wrote.Store(true) },
		WroteHeaders:     func() { w.wrote.Store(true) },
	}), w
}

// mayBeWritten reports whether any byte of the request may have been sent, given the transport's error. The trace
// counts more than the error, which may come from a retry of the transport's own.
func (w *writeTrace) mayBeWritten(err error) bool {
	switch {
	case isRefusedStream(err):
		return false
	case w != nil && w.wrote.Load():
		return true
	case w != nil && w.reports.Load():
		return false
	}
	return !neverWritten(err)
}
