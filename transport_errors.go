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

// A transportClass classifies a transport error.
type transportClass int

const (
	transportUnknown     transportClass = iota // never retried
	transportTransient                         // retried
	transportTimeout                           // retried, at a higher cost
	transportBadEndpoint                       // permanent: ErrBadEndpoint
)

// transientErrnos are the transient connection errors of transports that return no *net.OpError.
var transientErrnos = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}

// transientTexts are parts of the texts of transient errors without an exported type: of HTTP/2 streams and
// connections, and of a connection that the server closed just as it was reused.
var transientTexts = []string{
	"stream error: stream ID", "http2: server sent GOAWAY", "http2: client connection lost", "http2: client connection force closed",
	"http2: Transport received Server's graceful shutdown GOAWAY", "http2: Transport received GOAWAY from server",
	"http2: client conn not usable", "connection error: ",
	"http: server closed idle connection",
}

// classifyTransportError returns the class of a transport error.
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

// classifyOpError returns the class of a connection error.
func classifyOpError(op *net.OpError) transportClass {
	var address *net.AddrError
	switch {
	case errors.As(op, &address):
		return transportUnknown
	case op.Op == "dial", op.Op == "read", op.Op == "write", op.Op == "remote error", op.Op == "local error":
		return transportTransient // permanent TLS failures were excluded above; others are corrupted records
	case op.Op == "proxyconnect": // the connection to the proxy
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

// isPermanentTLS reports whether err is a permanent TLS failure: a certificate that does not verify, a port that does
// not speak TLS, or a handshake that the server refuses.
func isPermanentTLS(err error) bool {
	var record tls.RecordHeaderError
	notTLS := errors.As(err, &record) && record.Conn != nil // else a record was corrupted later
	return notTLS || isCertificateError(err) || isHandshakeAlert(err) || errors.Is(err, http.ErrSchemeMismatch)
}

// handshakeAlerts are the texts of the alerts with which a server permanently refuses a handshake. Other alerts mean
// that the server failed, or received a corrupted record.
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

// isCertificateError reports whether the server's certificate failed verification, which ends the handshake.
func isCertificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		invalid      x509.CertificateInvalidError
		hostname     x509.HostnameError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &hostname)
}

// neverWritten reports whether a transport error proves that no byte of the request was sent.
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
// stream, named an earlier one as the last that it processed (RFC 9113, 8.7), or refused the handshake, which with TLS
// 1.3 is possible after the client has sent the request.
func neverProcessed(err error) bool {
	text := err.Error()
	return containsAny(text, "stream error: stream ID") && containsAny(text, "REFUSED_STREAM") ||
		containsAny(text, "http2: Transport received Server's graceful shutdown GOAWAY", "http2: Transport received GOAWAY from server") ||
		isHandshakeAlert(err)
}

// A connectError means that no connection could be opened. Nothing was sent.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }

func (e *connectError) Unwrap() error { return e.err }
