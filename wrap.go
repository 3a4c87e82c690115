package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// A kind is one of the kinds of errors of this package.
type kind string

func (k kind) Error() string { return string(k) }

// An opaqueError shows only its text, which is safe to print. errors.Is and errors.As see nothing of what it was
// made from but its kind and err.
type opaqueError struct {
	text string
	kind error // a sentinel, or nil
	err  error // a visible cause, or nil
}

func (e *opaqueError) Error() string        { return e.text }
func (e *opaqueError) Is(target error) bool { return e.kind != nil && target == e.kind }
func (e *opaqueError) Unwrap() error        { return e.err }

// Format implements [fmt.Formatter]. It prints the text for every verb, and never the cause.
func (e *opaqueError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.text) }

// newTransportError makes an error of a transport presentable: without the URL of the request, which holds the
// whole query, and without secrets.
func newTransportError(err error, secrets []string) *opaqueError {
	err = withoutURL(err)
	return &opaqueError{text: redact.Text(err.Error(), secrets...), err: err}
}

// withoutURL returns what a *url.Error wraps. Its text has the URL of the request.
func withoutURL(err error) error {
	for address := (*url.Error)(nil); errors.As(err, &address); {
		err = address.Err
	}
	return err
}

// newNetworkError is newTransportError for a request without a response: it names the host and has a kind. It never
// reads as the end of the caller's context.
func newNetworkError(host string, kind, err error, secrets []string) *opaqueError {
	e := newTransportError(err, secrets)
	if e.kind = kind; !strings.Contains(e.text, host) {
		e.text = host + ": " + e.text
	}
	if isContextError(e.err) {
		e.err = nil
	}
	return e
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
	return &contextEnd{err, &foreignError{cause}}
}

// A contextEnd is the error of an ended context that was given a cause.
type contextEnd struct{ err, cause error }

func (e *contextEnd) Error() string   { return redact.OneLine(e.err.Error() + ": " + e.cause.Error()) }
func (e *contextEnd) Unwrap() []error { return []error{e.err, e.cause} }

// An ownError is an error type of this package.
type ownError interface {
	error
	ownError()
}

// A foreignError is an error of the caller's code: a context's cause, or the error of a provider or limiter. errors.Is
// and errors.As see it, but no kinds and errors of this package in it, nor the end of a context: it may come from
// another call, which says nothing about this one.
type foreignError struct{ err error }

func (e *foreignError) Error() string { return e.err.Error() }

// Format implements [fmt.Formatter]. It prints the text for every verb.
func (e *foreignError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.err.Error()) }

func (e *foreignError) Is(target error) bool {
	_, isKind := target.(kind)
	return !isKind && target != context.Canceled && target != context.DeadlineExceeded && errors.Is(e.err, target)
}

func (e *foreignError) As(target any) bool {
	return !reflect.TypeOf(target).Elem().Implements(reflect.TypeFor[ownError]()) && errors.As(e.err, target)
}
