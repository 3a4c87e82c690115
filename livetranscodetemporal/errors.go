package livetranscodetemporal

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/livetranscode/livetranscode-go"
)

const (
	// restoreDelay is the delay after an error that somebody has to repair, and after an ambiguous Submit.
	restoreDelay = time.Minute
	// maxRetryDelay limits the delay that the service asks for.
	maxRetryDelay = time.Hour
)

// ApplicationError converts an error of the client to a Temporal application error, for an activity to return. Its type
// is "livetranscode." followed by the [livetranscode.ErrorKind] of err, and its message is the text of err. Errors that
// err wraps are not included, because their texts may not be redacted and would become part of the history.
//
//   - Never retried: invalid_request, not_found, job_stopped, name_conflict, and an ambiguous Submit that is not
//     [livetranscode.Retryable].
//   - Retried every minute, since they can be restored and a running job costs money: no_credentials, authentication,
//     forbidden, bad_endpoint; also an ambiguous error of [livetranscode.Client.EnsureLiveTranscodeJob].
//   - All others are retried by the activity's retry policy, or after the delay that the service asks for, up to an
//     hour.
//
// ApplicationError returns nil and application errors unchanged. The activities that wait for a job, stop it or watch
// all jobs retry more errors: see [Activities.WaitForStatus] and [Activities.Stop].
func ApplicationError(err error) error { return applicationError(err) }

// applicationError is like ApplicationError, but adds details. An application error then becomes the cause of one that
// is equal but for its details.
func applicationError(err error, details ...any) error {
	var own *temporal.ApplicationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &own):
		permanent, delay := retryOf(err)
		return newApplicationError(err, permanent, delay, details...)
	case len(details) == 0:
		return err
	}
	text := own.Message()
	if err != error(own) { //nolint:errorlint // a wrapped error has a text of its own
		text = err.Error()
	}
	return temporal.NewApplicationErrorWithOptions(text, own.Type(), temporal.ApplicationErrorOptions{
		NonRetryable: own.NonRetryable(), NextRetryDelay: own.NextRetryDelay(), Category: own.Category(),
		Cause: own, Details: details,
	})
}

// retriedError is like ApplicationError, but only errors of the given kinds are permanent. It is for a job that may be
// running: there, an error that is otherwise permanent, such as an invalid_request about an id that the service itself
// has assigned, must not end the work, and is retried every minute.
func retriedError(err error, permanentKinds ...string) error {
	if err == nil {
		return nil
	}
	permanent, delay := retryOf(err)
	if app := (*temporal.ApplicationError)(nil); errors.As(err, &app) { // of a provider or limiter of the caller
		permanent, delay = app.NonRetryable(), app.NextRetryDelay()
	}
	if permanent && !slices.Contains(permanentKinds, livetranscode.ErrorKind(err)) {
		permanent, delay = false, max(delay, restoreDelay)
	}
	return newApplicationError(err, permanent, delay)
}

func newApplicationError(err error, permanent bool, delay time.Duration, details ...any) error {
	options := temporal.ApplicationErrorOptions{NonRetryable: permanent, NextRetryDelay: delay, Details: details}
	if errors.Is(err, context.Canceled) {
		options.Cause = context.Canceled // so that the SDK records the activity as canceled
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), errorType(livetranscode.ErrorKind(err)), options)
}

// retryOf reports whether an error is permanent, and the delay before the next attempt; 0 means that of the retry
// policy.
func retryOf(err error) (permanent bool, delay time.Duration) {
	switch livetranscode.ErrorKind(err) {
	case "invalid_request", "not_found", "job_stopped", "name_conflict":
		return true, 0
	case "ambiguous":
		return !livetranscode.Retryable(err), restoreDelay
	case "no_credentials", "authentication", "forbidden", "bad_endpoint":
		delay = restoreDelay
	}
	if api := (*livetranscode.APIError)(nil); errors.As(err, &api) {
		delay = max(delay, min(api.RetryAfter, maxRetryDelay))
	}
	return false, delay
}

// errorType returns the type of the application error for a kind of error.
func errorType(kind string) string { return "livetranscode." + kind }

// hasKind reports whether err is an application error of the given kind.
func hasKind(err error, kind string) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == errorType(kind)
}
