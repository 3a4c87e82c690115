package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
)

// passingErrnos are what is left of trouble on a connection when a transport returns no *net.OpError.
var passingErrnos = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}

// networkRemedy says whether trouble of the network may pass: what is known to, never what is unknown.
func networkRemedy(err error) (r remedy, timedOut bool) {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
	)
	switch {
	case isTLSRefusal(err):
		return none, false
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return patience, true
	case errors.As(err, &dns):
		if dns.IsTemporary {
			return patience, false
		}
		return none, false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return patience, false
	case errors.As(err, &op) && slices.Contains([]string{"dial", "read", "write"}, op.Op):
		var address *net.AddrError
		if errors.As(err, &address) {
			return none, false
		}
		return patience, false
	case errors.As(err, &errno) && slices.Contains(passingErrnos, errno):
		return patience, false
	case strings.Contains(err.Error(), "http: server closed idle connection"):
		// net/http has no other name for it: the server closed the connection just as it was used again.
		return patience, false
	}
	return none, false
}

// isTLSRefusal reports whether TLS failed for a reason that stays.
func isTLSRefusal(err error) bool {
	var record tls.RecordHeaderError
	return isCertificateError(err) || errors.As(err, &record)
}

// isCertificateError reports whether the server's certificate was refused, which ends the handshake.
func isCertificateError(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		invalid     x509.CertificateInvalidError
		hostname    x509.HostnameError
	)
	return errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &hostname)
}

// neverWritten reports whether an error of a transport proves that no byte of the request was sent.
func neverWritten(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return isCertificateError(err) || errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// A writeTrace knows whether a request's headers were written. It is safe for concurrent use; a nil one,
// like one that a transport does not report to, knows nothing.
type writeTrace struct{ reports, wrote atomic.Bool }

func traceWrite(ctx context.Context) (context.Context, *writeTrace) {
	w := new(writeTrace)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.reports.Store(true) },
		// HTTP/2 reports WroteHeaders only when they are through; a field comes before anything is.
		WroteHeaderField: func(string, []string) { w.wrote.Store(true) },
		WroteHeaders:     func() { w.wrote.Store(true) },
	}), w
}

// mayBeWritten reports whether a byte of the request may have been sent, given the error of the transport. What
// was seen counts more than what the error says: it may be that of a second try of the transport's own.
func (w *writeTrace) mayBeWritten(err error) bool {
	switch {
	case w != nil && w.wrote.Load():
		return true
	case w != nil && w.reports.Load():
		return false
	}
	return !neverWritten(err)
}

// A hiddenError is an error whose chain must not be seen through errors.Is: it would read as the end of the
// caller's context, or print the address of the request.
type hiddenError struct {
	text string
	is   error // the one sentinel that it is, or nil
}

func (e *hiddenError) Error() string        { return e.text }
func (e *hiddenError) Is(target error) bool { return e.is != nil && target == e.is }

// hiddenKind keeps ErrNoCredentials, which a provider may wrap together with a timeout.
func hiddenKind(err error) error {
	if errors.Is(err, ErrNoCredentials) {
		return ErrNoCredentials
	}
	return nil
}

// A scrubbedError is the error of a transport with a text that is fit to be shown. It unwraps to what the
// transport said.
type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }
func (e *scrubbedError) Unwrap() error { return e.err }

// Format implements fmt.Formatter. It prints the text for every verb, and never looks into err.
func (e *scrubbedError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.text) }

// newScrubbedError makes an error of a transport presentable: without the address of the request, which
// shows the whole query, and without secrets.
func newScrubbedError(err error, creds Credentials) *scrubbedError {
	var address *url.Error
	for errors.As(err, &address) {
		err = address.Err
	}
	return &scrubbedError{scrub(err.Error(), creds.AccessKeySecret, creds.SecurityToken), err}
}

// A networkError is a failure of the network. It is ErrUnavailable.
type networkError struct{ *scrubbedError }

func (e *networkError) Is(target error) bool { return target == ErrUnavailable }

// newNetworkError makes a networkError of an error of a transport, not to be taken for the end of the
// caller's context. It names the host that was asked.
func newNetworkError(host string, err error, creds Credentials) error {
	scrubbed := newScrubbedError(err, creds)
	if !strings.Contains(scrubbed.text, host) {
		scrubbed.text = host + ": " + scrubbed.text
	}
	if isContextError(scrubbed.err) {
		return &hiddenError{text: scrubbed.text, is: ErrUnavailable}
	}
	return &networkError{scrubbed}
}

func isContextError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// contextError returns the error of an ended context, with its cause where that says more.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(err, cause) {
		return err
	}
	return &contextEnd{err, cause}
}

// A contextEnd is the error of an ended context that was given a cause. errors.Is and errors.As look into the
// cause, but not for kinds and errors of this package, nor for the end of a context: it may be the failure of
// another call, which tells nothing of this one.
type contextEnd struct{ err, cause error }

func (e *contextEnd) Error() string { return oneLine(e.err.Error() + ": " + e.cause.Error()) }
func (e *contextEnd) Unwrap() error { return e.err }

func (e *contextEnd) Is(target error) bool {
	hidden := slices.Contains(sentinels, target) || target == context.Canceled || target == context.DeadlineExceeded
	return !hidden && errors.Is(e.cause, target)
}

func (e *contextEnd) As(target any) bool {
	switch target.(type) {
	case **APIError, **CallError, **ParamError, **WaitError, *WaitErrors, *callError:
		return false
	}
	return !errors.As(e.err, target) && errors.As(e.cause, target)
}
