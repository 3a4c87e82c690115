package livetranscodetemporal

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/livetranscode/livetranscode-go"
)

const (
	// restoreDelay is the time between attempts of what people have to restore, and after an ambiguous Submit.
	restoreDelay = time.Minute
	// maxRetryDelay is the longest delay that the service may ask for: a longer one is taken for a mistake.
	maxRetryDelay = time.Hour
)

// ApplicationError turns an error of the client into an application error of Temporal, for an activity to return. Its
// type is "livetranscode." and the [livetranscode.ErrorKind] of err, and its message is the text of err. The chain of
// err does not become part of the history: the texts of inner errors are not all redacted.
//
//   - Not retried, because nothing changes: invalid_request, not_found, job_stopped, name_conflict, and an ambiguous
//     Submit that [livetranscode.Retryable] does not report.
//   - Retried each minute, because people restore it, and a running job costs money: no_credentials, authentication,
//     forbidden, bad_endpoint; and an ambiguous error of EnsureLiveTranscodeJob.
//   - All others are retried as the activity's retry policy says, after a Retry-After delay if the service asks for
//     one.
//
// nil, and an error that is an application error already, are returned as they are.
func ApplicationError(err error) error { return applicationError(err) }

// applicationError is ApplicationError with details.
func applicationError(err error, details ...any) error {
	var already *temporal.ApplicationError
	if err == nil || errors.As(err, &already) {
		return err
	}
	permanent, delay := retryOf(err)
	options := temporal.ApplicationErrorOptions{NonRetryable: permanent, NextRetryDelay: delay, Details: details}
	if errors.Is(err, context.Canceled) {
		options.Cause = context.Canceled // so that the SDK knows the end of an activity that was canceled
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), errorType(livetranscode.ErrorKind(err)), options)
}

// retryOf returns whether an error is permanent, and the delay before the next attempt, 0 for that of the retry policy.
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

// errorType returns the type of an application error for a kind of error.
func errorType(kind string) string { return "livetranscode." + kind }

// hasKind reports whether err is an application error of a kind.
func hasKind(err error, kind string) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == errorType(kind)
}
