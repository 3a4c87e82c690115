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

// A kind is a kind of error of this package.
type kind string

func (k kind) Error() string { return string(k) }

// An opaqueError prints only its text, which is safe to print. errors.Is and errors.As find its kind and err, and
// nothing else of the error that it was made from.
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

// maxForeignText is the maximum length of the text of a foreignError.
const maxForeignText = 4096

// newForeignError returns an error of the caller's code, such as the provider or the limiter, as one that is safe to
// print. kind is its kind for the call, or nil.
func newForeignError(kind, err error, secrets ...string) *opaqueError {
	foreign := &foreignError{redact.Bounded(err.Error(), maxForeignText, secrets...), err}
	return &opaqueError{text: foreign.text, kind: kind, err: foreign}
}

// newTransportError returns a transport error as one that is safe to print: without secrets, and without the URL of the
// request, which contains the whole query.
func newTransportError(err error, secrets []string) *opaqueError {
	return newForeignError(nil, withoutURL(err), secrets...)
}

// withoutURL unwraps a *url.Error, whose text contains the URL of the request.
func withoutURL(err error) error {
	for address := (*url.Error)(nil); errors.As(err, &address); {
		err = address.Err
	}
	return err
}

// newNetworkError is like newTransportError, but the text names the host, and the error has a kind.
func newNetworkError(host string, kind, err error, secrets []string) *opaqueError {
	e := newTransportError(err, secrets)
	if e.kind = kind; !strings.Contains(e.text, host) {
		e.text = host + ": " + e.text
	}
	return e
}

func isContextError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// contextError returns the error of an ended context, with its cause if that says more.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(err, cause) {
		return err
	}
	return &contextEnd{err, &foreignError{redact.OneLine(cause.Error()), cause}}
}

// hookContextError returns the error of an ended context that a hook derived from the caller's.
func hookContextError(ctx context.Context) error {
	return newForeignError(nil, fmt.Errorf("the context of a hook ended: %w", contextError(ctx)))
}

// A contextEnd is the error of an ended context that has a cause.
type contextEnd struct{ err, cause error }

func (e *contextEnd) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *contextEnd) Unwrap() []error { return []error{e.err, e.cause} }

// An ownError is an error type of this package.
type ownError interface {
	error
	ownError()
}

// A foreignError is an error of the caller's code: a context's cause, or the error of a provider, limiter or transport.
// errors.Is and errors.As find the error, but neither kinds or errors of this package nor context errors that it wraps:
// those may come from another call and say nothing about this one.
type foreignError struct {
	text string // safe to print
	err  error
}

func (e *foreignError) Error() string { return e.text }

// Format implements [fmt.Formatter]. It prints the text for every verb.
func (e *foreignError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.text) }

func (e *foreignError) Is(target error) bool {
	_, isKind := target.(kind)
	return !isKind && target != context.Canceled && target != context.DeadlineExceeded && errors.Is(e.err, target)
}

func (e *foreignError) As(target any) bool {
	found := reflect.New(reflect.TypeOf(target).Elem())
	if !errors.As(e.err, found.Interface()) {
		return false
	}
	err := found.Elem().Interface()
	if _, isOwn := err.(ownError); isOwn || err == any(context.Canceled) || err == any(context.DeadlineExceeded) {
		return false
	}
	reflect.ValueOf(target).Elem().Set(found.Elem())
	return true
}
