package livetranscode

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// The kinds of failure, for errors.Is. An error of the service is of exactly one of the first seven kinds;
// which one follows from the service's code, then from the HTTP status, and never from a text.
var (
	// ErrNotFound: the service does not know the job or template.
	ErrNotFound = errors.New("not found")
	// ErrThrottled: too many requests; the service refused this one without processing it.
	ErrThrottled = errors.New("throttled")
	// ErrForbidden: the credentials are good, but lack the permission. The error's text names the RAM action.
	ErrForbidden = errors.New("forbidden")
	// ErrAuthentication: the service does not accept the credentials, the signature or the clock.
	ErrAuthentication = errors.New("authentication failed")
	// ErrInvalidRequest: the service, or a check before anything was sent, refused the request as it is.
	ErrInvalidRequest = errors.New("invalid request")
	// ErrUnavailable: the service is in trouble, or the network did not carry the call. It may pass.
	ErrUnavailable = errors.New("service unavailable")
	// ErrBadResponse: something answered, but not in the service's language: a redirect, a proxy's page, a
	// success without its content.
	ErrBadResponse = errors.New("unusable response")

	// ErrAmbiguous: a Submit or Create may or may not have been carried out. It comes beside the kind of the
	// failure. Look before another try: list by the name.
	ErrAmbiguous = errors.New("outcome unknown")
	// ErrNoCredentials: no credentials are configured.
	ErrNoCredentials = errors.New("no credentials")
	// ErrUnreachable: the job is stopped, which is final, and the wait is for an earlier state.
	ErrUnreachable = errors.New("status can no longer be reached")
)

// sentinels are all of the above.
var sentinels = []error{
	ErrNotFound, ErrThrottled, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrUnavailable, ErrBadResponse,
	ErrAmbiguous, ErrNoCredentials, ErrUnreachable,
}

// An APIError is an answer that is not a success. Besides its fields, errors.Is finds its kind
// (ErrNotFound, ErrThrottled, ...), derived from Code and StatusCode.
type APIError struct {
	// Operation is the name of the operation, such as GetLiveTranscodeJob.
	Operation string
	// StatusCode is the HTTP status.
	StatusCode int
	// Code is the service's error code, such as Throttling.User; empty if something else answered.
	Code string
	// Message is the service's text, in whatever language; if the answer was not the service's, the first
	// 256 bytes of it. Secrets, stream keys and signatures are removed. Do not parse it.
	Message string
	// RequestID identifies the call at the service; quote it in a support ticket.
	RequestID string
	// HostID is the endpoint that answered, as it names itself.
	HostID string
	// Recommend is the address of a troubleshooting page.
	Recommend string
	// AccessDenied says why a permission was denied; nil if the answer does not.
	AccessDenied *AccessDeniedDetail
	// RetryAfter is the delay that the service asks for, 0 if it names none.
	RetryAfter time.Duration
	// Attempts is how many requests were sent.
	Attempts int

	endpoint  string // the host that was asked
	ambiguous bool   // a Submit or Create that may have been carried out
	cause     error  // why an answer was unusable, or what ended the retries
}

// AccessDeniedDetail is RAM's account of a denied permission.
type AccessDeniedDetail struct {
	// PolicyType is the kind of policy that denied, such as AccountLevelIdentityBasedPolicy.
	PolicyType string
	// AuthAction is the RAM action that is missing, such as ice:GetLiveTranscodeJob.
	AuthAction string
	// NoPermissionType is ImplicitDeny (no policy allows it) or ExplicitDeny (a policy forbids it).
	NoPermissionType string
	// AuthPrincipalType is the kind of identity that asked, such as SubUser.
	AuthPrincipalType string
	// AuthPrincipalDisplayName is the name of that identity.
	AuthPrincipalDisplayName string
	// AuthPrincipalOwnerID is the account that it belongs to.
	AuthPrincipalOwnerID string `json:"AuthPrincipalOwnerId"`
	// EncodedDiagnosticMessage is for RAM's decode tool.
	EncodedDiagnosticMessage string
}

func (a *AccessDeniedDetail) member(d *decoder, name []byte) error {
	switch fold(name) {
	case "policytype":
		return d.loose(&a.PolicyType)
	case "authaction":
		return d.loose(&a.AuthAction)
	case "nopermissiontype":
		return d.loose(&a.NoPermissionType)
	case "authprincipaltype":
		return d.loose(&a.AuthPrincipalType)
	case "authprincipaldisplayname":
		return d.loose(&a.AuthPrincipalDisplayName)
	case "authprincipalownerid":
		return d.loose(&a.AuthPrincipalOwnerID)
	case "encodeddiagnosticmessage":
		return d.loose(&a.EncodedDiagnosticMessage)
	}
	return errNoMember
}

func (a *AccessDeniedDetail) texts() []*string {
	return []*string{
		&a.PolicyType, &a.AuthAction, &a.NoPermissionType, &a.AuthPrincipalType, &a.AuthPrincipalDisplayName,
		&a.AuthPrincipalOwnerID, &a.EncodedDiagnosticMessage,
	}
}

// Error returns one line: the operation, code, message, status, request id and what to do.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString("livetranscode: " + e.Operation)
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	fmt.Fprintf(&b, " (status %d", e.StatusCode)
	if e.RequestID != "" {
		b.WriteString(", request id " + e.RequestID)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", %d attempts", e.Attempts)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %v", e.RetryAfter)
	}
	b.WriteString(")")
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	if hint := e.hint(); hint != "" {
		b.WriteString("; " + hint)
	}
	return redact.OneLine(b.String())
}

// hint says what to do about the error, where that is not plain from the rest.
func (e *APIError) hint() string {
	switch {
	case e.ambiguous:
		return ambiguousHint
	case errors.Is(e, ErrForbidden):
		action := "ice:" + e.Operation
		if e.AccessDenied != nil && isCode(e.AccessDenied.AuthAction) {
			action = redact.Truncate(e.AccessDenied.AuthAction, maxSnippet)
		}
		return "grant the RAM action " + action
	case isWrongEndpoint(e.Code):
		return e.checkEndpoint()
	case e.StatusCode >= 300 && e.StatusCode < 400:
		return "redirects are not followed: " + e.checkEndpoint()
	case clockCodes[e.Code]:
		return "check this machine's clock"
	}
	return ""
}

// checkEndpoint names the endpoint, which an error made by hand does not know.
func (e *APIError) checkEndpoint() string {
	if e.endpoint == "" {
		return "check the endpoint"
	}
	return "check the endpoint, " + e.endpoint
}

// Is reports whether target is the kind of the error, or ErrAmbiguous where that holds.
func (e *APIError) Is(target error) bool {
	return target == e.kind() || e.ambiguous && target == ErrAmbiguous
}

// Unwrap returns why the answer could not be used, or what ended the retries: nil, or for example an error
// of the context.
func (e *APIError) Unwrap() error { return e.cause }

// A CallError is a call without an answer: the network failed, the context ended, or credentials or limiter
// returned an error. errors.Is finds ErrUnavailable if the request was handed to the network and failed
// there, the context's error only if the caller's context ended, and the error of the provider or limiter.
type CallError struct {
	// Operation is the name of the operation, such as GetLiveTranscodeJob.
	Operation string
	// Attempts is how many requests were sent, 0 if the call ended before the first.
	Attempts int
	// Err is what happened, without the address of the request: that would show its parameters.
	Err error

	ambiguous bool  // a Submit or Create that may have been carried out
	cause     error // what ended the retries
}

// Error returns one line: the operation, what happened and the number of attempts.
func (e *CallError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "livetranscode: %s: %v", e.Operation, e.Err)
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", e.Attempts)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	if e.ambiguous {
		b.WriteString("; " + ambiguousHint)
	}
	return redact.OneLine(b.String())
}

// Is reports whether target is ErrAmbiguous and the outcome is unknown.
func (e *CallError) Is(target error) bool { return e.ambiguous && target == ErrAmbiguous }

// Unwrap returns Err and, if something other than Err ended the retries, that.
func (e *CallError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.cause}
}

const ambiguousHint = "it may have been carried out: look before trying again"

// A ParamError is a request, or an option, that was refused before anything was sent. It is an
// ErrInvalidRequest.
type ParamError struct {
	// Operation is the operation or function that refused, such as GetLiveTranscodeJob or WithEndpoint.
	Operation string
	// Field is the name of what was refused, as it is written in Go.
	Field string
	// Reason completes the sentence that starts with the field: "is empty". It never holds a secret.
	Reason string
}

// Error returns one line.
func (e *ParamError) Error() string {
	return redact.OneLine("livetranscode: " + e.Operation + ": " + e.Field + " " + e.Reason)
}

// Is reports whether target is ErrInvalidRequest.
func (e *ParamError) Is(target error) bool { return target == ErrInvalidRequest }

// A callError is an error of a call that was under way: an *APIError or a *CallError.
type callError interface {
	error
	// complete adds what is known when the call ends.
	complete(attempts int, ambiguous bool)
	// add adds what ended the retries.
	add(cause error)
}

func (e *APIError) complete(attempts int, ambiguous bool) {
	e.Attempts, e.ambiguous = attempts, ambiguous
}

func (e *APIError) add(cause error) { e.cause = cause }

func (e *CallError) complete(attempts int, ambiguous bool) {
	e.Attempts, e.ambiguous = attempts, ambiguous
}

func (e *CallError) add(cause error) { e.cause = cause }

// addCause records what ended the retries after the failure err, and returns err.
func addCause(err, cause error) error {
	if e := callError(nil); errors.As(err, &e) {
		e.add(cause)
	}
	return err
}
