package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
)

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
	"http2: Transport received Server's graceful shutdown GOAWAY", "http2: Transport received GOAWAY from server",
	"http2: client conn not usable", "connection error: ",
	"http: server closed idle connection",
}

// classifyTransportError returns what an error of a transport means.
func classifyTransportError(err error) transportClass {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
		record  tls.RecordHeaderError
	)
	if refusal := (*proxyError)(nil); errors.As(err, &refusal) {
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
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &record), // a corrupted one
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
	case op.Op == "dial", op.Op == "read", op.Op == "write", op.Op == "remote error", op.Op == "local error":
		return transportTransient // a permanent TLS failure is known by now; others are records that were corrupted
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
// or a handshake that the server refuses.
func isPermanentTLS(err error) bool {
	var record tls.RecordHeaderError
	notTLS := errors.As(err, &record) && record.Conn != nil // else a record was corrupted later
	return notTLS || isCertificateError(err) || isHandshakeAlert(err) || errors.Is(err, http.ErrSchemeMismatch)
}

// handshakeAlerts are the texts of the alerts with which a server permanently refuses a handshake. Others say that it
// failed itself, or received a corrupted record.
var handshakeAlerts = func() (texts []string) {
	for _, alert := range []tls.AlertError{
		40, 42, 43, 44, 45, 46, 48, 49, // handshake failure, certificates, access denied
		70, 71, 112, 116, 120, // protocol version, security level, server name, certificate required, application protocol
	} {
		texts = append(texts, alert.Error())
	}
	return texts
}()

func isHandshakeAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && slices.Contains(handshakeAlerts, op.Err.Error())
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
	var (
		connect *connectError
		refusal *proxyError
		dns     *net.DNSError
		op      *net.OpError
	)
	return errors.As(err, &connect) || isCertificateError(err) || errors.As(err, &dns) || errors.As(err, &refusal) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || isSOCKS(op))
}

// neverProcessed reports whether an error proves that the server did not process the request: it refused the HTTP/2
// stream, named an earlier one as the last it processed (RFC 9113, 8.7), or refused the handshake, as TLS 1.3 lets it
// do after the client has sent the request.
func neverProcessed(err error) bool {
	text := err.Error()
	return containsAny(text, "stream error: stream ID") && containsAny(text, "REFUSED_STREAM") ||
		containsAny(text, "http2: Transport received Server's graceful shutdown GOAWAY", "http2: Transport received GOAWAY from server") ||
		isHandshakeAlert(err)
}

// A connectError is an error of a request for which no connection could be opened. Nothing was sent.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }

func (e *connectError) Unwrap() error { return e.err }
