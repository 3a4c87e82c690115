package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
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
	}
}

// transientErrnos are the transient connection errors of transports that return no *net.OpError.
var transientErrnos = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}

// classifyTransportError reports whether an error of a transport is known to be transient. Unknown errors are not.
func classifyTransportError(err error) (reason retryReason, timedOut bool) {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
	)
	switch {
	case isPermanentTLS(err):
		return noRetry, false
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return transient, true
	case errors.As(err, &dns):
		if dns.IsTemporary {
			return transient, false
		}
		return noRetry, false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return transient, false
	case errors.As(err, &op) && slices.Contains([]string{"dial", "read", "write"}, op.Op):
		var address *net.AddrError
		if errors.As(err, &address) {
			return noRetry, false
		}
		return transient, false
	case errors.As(err, &errno) && slices.Contains(transientErrnos, errno):
		return transient, false
	case strings.Contains(err.Error(), "http: server closed idle connection"):
		// net/http has no typed error for a connection that the server closed just as it was used again.
		return transient, false
	}
	return noRetry, false
}

// isPermanentTLS reports a permanent TLS failure.
func isPermanentTLS(err error) bool {
	var record tls.RecordHeaderError
	return isCertificateError(err) || errors.As(err, &record)
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

// neverWritten reports whether an error of a transport proves that no byte of the request was sent.
func neverWritten(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return isCertificateError(err) || errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
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
	case w != nil && w.wrote.Load():
		return true
	case w != nil && w.reports.Load():
		return false
	}
	return !neverWritten(err)
}
