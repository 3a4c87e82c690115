package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// A hiddenError is an error whose chain must not be seen through errors.Is: it would read as the end of the
// caller's context, or print the address of the request.
type opaqueError struct {
	text string
	is   error // the one sentinel that it is, or nil
}

func (e *opaqueError) Error() string { return e.text }

func (e *opaqueError) Is(target error) bool { return e.is != nil && target == e.is }

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
	return &scrubbedError{redact.Text(err.Error(), creds.AccessKeySecret, creds.SecurityToken), err}
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
		return &opaqueError{text: scrubbed.text, is: ErrUnavailable}
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

func (e *contextEnd) Error() string { return redact.OneLine(e.err.Error() + ": " + e.cause.Error()) }

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
