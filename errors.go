package livetranscode

import (
	"fmt"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// The kinds of errors, for [errors.Is]. An error response from the service has exactly one of the first seven kinds. It
// is derived from the service's code or else from the HTTP status, never from a text.
var (
	// ErrNotFound: the service does not know the job or template.
	ErrNotFound error = kind("not found")
	// ErrThrottled: too many requests. The service refused this one without processing it.
	ErrThrottled error = kind("throttled")
	// ErrForbidden: the credentials are valid but lack a permission, or the account may not use the service. The
	// text says what to do.
	ErrForbidden error = kind("forbidden")
	// ErrAuthentication: the service does not accept the credentials, the signature or the clock.
	ErrAuthentication error = kind("authentication failed")
	// ErrInvalidRequest: the service, or a check before anything was sent, refused the request.
	ErrInvalidRequest error = kind("invalid request")
	// ErrUnavailable: the service is failing, or the network failed. It is transient.
	ErrUnavailable error = kind("service unavailable")
	// ErrBadResponse: the response is not from the service, or is unusable: a redirect, a proxy's page, or a success
	// without its content.
	ErrBadResponse error = kind("unusable response")

	// ErrAmbiguous: a Submit or Create may have been executed. The error also has the kind of the failure. Before
	// retrying, list by name to check.
	ErrAmbiguous error = kind("outcome unknown")
	// ErrBadEndpoint: the endpoint cannot be reached as configured: the certificate does not verify, the port does
	// not speak TLS, or a proxy refuses the connection. It is permanent, and excludes ErrUnavailable.
	ErrBadEndpoint error = kind("bad endpoint")
	// ErrNoCredentials: no credentials are configured.
	ErrNoCredentials error = kind("no credentials")
	// ErrNameConflict: several jobs have the name, or the job with that name has another template or input. The text
	// names the ids.
	ErrNameConflict error = kind("name conflict")
	// ErrJobStopped: the job has stopped, which is final, so it cannot reach the awaited status.
	ErrJobStopped error = kind("job has stopped")
)

// maxSnippet is the maximum number of bytes of a foreign text that an error shows.
const maxSnippet = 256

// APIError is an error response from the service, or a response that cannot be used. Besides its fields,
// [errors.Is] finds its kind ([ErrNotFound], [ErrThrottled], ...), derived from Code and StatusCode.
type APIError struct {
	// Operation is the name of the operation, such as GetLiveTranscodeJob.
	Operation string
	// ResourceID is the id of the job or template of the call; empty if the call has none.
	ResourceID string
	// StatusCode is the HTTP status.
	StatusCode int
	// Code is the service's error code, such as Throttling.User; empty if the response is not from the service.
	Code string
	// Message is the service's text, in any language, or the first 256 bytes of the body if the response is not from
	// the service. Secrets, stream keys and signatures are redacted. Do not parse it.
	Message string
	// Detail is what the service adds to Message, in its fields Detail or Description; redacted like it.
	Detail string
	// RequestID identifies the request at the service. Quote it in a support ticket.
	RequestID string
	// HostID is the name by which the responding endpoint identifies itself.
	HostID string
	// Recommend is the address of a troubleshooting page.
	Recommend string
	// AccessDenied explains a denied permission; nil if the response does not.
	AccessDenied *AccessDeniedDetail
	// RetryAfter is the delay that the service asks for; 0 if it asks for none.
	RetryAfter time.Duration
	// Attempts is the number of requests sent.
	Attempts int

	endpoint     string // the host that the request was sent to
	askedToRetry bool   // the service's own Retry-After header is set
	isHTML       bool   // the body is a page
	ambiguous    bool   // it is a Submit or Create that may have been executed
	unknownPast  bool   // an earlier attempt of the call may have been executed
	cause        error  // why a response cannot be used, or what ended the retries
}

// AccessDeniedDetail is RAM's explanation of a denied permission.
type AccessDeniedDetail struct {
	// PolicyType is the kind of policy that denied it, such as AccountLevelIdentityBasedPolicy.
	PolicyType string `json:",case:ignore"`
	// AuthAction is the missing RAM action, such as ice:GetLiveTranscodeJob.
	AuthAction string `json:",case:ignore"`
	// NoPermissionType is ImplicitDeny (no policy allows it) or ExplicitDeny (a policy denies it).
	NoPermissionType string `json:",case:ignore"`
	// AuthPrincipalType is the kind of identity that made the request, such as SubUser.
	AuthPrincipalType string `json:",case:ignore"`
	// AuthPrincipalDisplayName is the name of that identity.
	AuthPrincipalDisplayName string `json:",case:ignore"`
	// AuthPrincipalOwnerID is the account that it belongs to.
	AuthPrincipalOwnerID string `json:"AuthPrincipalOwnerId,case:ignore"`
	// EncodedDiagnosticMessage is the input of RAM's decoding tool.
	EncodedDiagnosticMessage string `json:",case:ignore"`
}

func (a *AccessDeniedDetail) texts() []*string {
	return []*string{
		&a.PolicyType, &a.AuthAction, &a.NoPermissionType, &a.AuthPrincipalType, &a.AuthPrincipalDisplayName,
		&a.AuthPrincipalOwnerID, &a.EncodedDiagnosticMessage,
	}
}

// Error returns one line: operation, code, message, status, request id, and what to do.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString(callText(e.Operation, e.ResourceID))
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
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

// hint returns what to do about the error, if the rest of the text does not say it.
func (e *APIError) hint() string {
	switch {
	case e.ambiguous:
		return ambiguousHint
	case e.maybeEffectOfPast():
		return "an earlier attempt of this call may have succeeded; check before retrying"
	}
	switch class := e.class(); class {
	case classPermission, classForbidden, classAccount:
		return e.forbiddenHint(class)
	case classWrongEndpoint:
		return e.endpointHint()
	case classRedirect:
		return "redirects are not followed: " + e.endpointHint()
	case classClock:
		return "check this machine's clock"
	case classInputNotLive:
		return "the input is not live: start the stream first"
	case classQuota:
		return "a quota of the account is used up: stop or delete jobs, or request a higher quota"
	case classTooLarge:
		return "the request is too large for the gateway: all parameters are sent in the URL; " +
			"shorten names, stream URLs and keywords, or the user agent"
	default:
	}
	return ""
}

// forbiddenHint names the RAM action to grant, if a permission is missing.
func (e *APIError) forbiddenHint(class codeClass) string {
	switch {
	case e.AccessDenied != nil && strings.Contains(e.AccessDenied.AuthAction, ":"):
		return "grant the RAM action " + redact.Truncate(e.AccessDenied.AuthAction, maxSnippet)
	case class == classPermission, e.AccessDenied != nil:
		return "grant the RAM action ice:" + e.Operation
	case class == classAccount:
		return "activate Intelligent Media Services, or check the account's state and bills"
	}
	return ""
}

// endpointHint names the endpoint, unless the APIError was made by the caller and has none.
func (e *APIError) endpointHint() string {
	if e.endpoint == "" {
		return "check the endpoint"
	}
	return "check the endpoint, " + e.endpoint
}

// Is reports whether target is the kind of the error, or [ErrAmbiguous] if the outcome is unknown.
func (e *APIError) Is(target error) bool {
	return target == e.kind() || e.ambiguous && target == ErrAmbiguous
}

// Unwrap returns why the response cannot be used, or what ended the retries, such as the error of the context. It may
// be nil.
func (e *APIError) Unwrap() error { return e.cause }

// CallError is the error of a call without a response: the network failed, the context ended, or the credentials
// provider or the limiter returned an error. [errors.Is] finds:
//
//   - [ErrUnavailable] or [ErrBadEndpoint] if the network failed, and [ErrUnavailable] if the provider timed out
//   - the context's error, only if the caller's context ended or its deadline is too near for the limiter
//   - the error of the transport, provider or limiter, but no error of this package that it wraps: that belongs to
//     another call
//
// If the context ended, the text says in which phase and attempt, and after what time.
type CallError struct {
	// Operation is the name of the operation, such as GetLiveTranscodeJob.
	Operation string
	// ResourceID is the id of the job or template of the call; empty if the call has none.
	ResourceID string
	// Attempts is the number of requests sent; 0 if the call ended before the first.
	Attempts int
	// Err is the error, without the URL of the request, which contains its parameters.
	Err error

	ambiguous bool  // it is a Submit or Create that may have been executed
	cause     error // what ended the retries
}

// Error returns one line: the operation, the error, and the number of attempts.
func (e *CallError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", callText(e.Operation, e.ResourceID), e.Err)
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

// Is reports whether target is [ErrAmbiguous] and the outcome of the call is unknown.
func (e *CallError) Is(target error) bool { return e.ambiguous && target == ErrAmbiguous }

// Unwrap returns Err and, if something other than Err ended the retries, that too.
func (e *CallError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.cause}
}

// callText names a call in an error: the operation, and the id of its job or template.
func callText(operation, resourceID string) string {
	if resourceID == "" {
		return "livetranscode: " + operation
	}
	return "livetranscode: " + operation + " " + redact.Truncate(resourceID, maxSnippet)
}

const ambiguousHint = "the operation may have succeeded; check before retrying"

// ParamError is an invalid request or option, refused before anything was sent. It is an [ErrInvalidRequest].
type ParamError struct {
	// Operation is the operation or function that refused it, such as GetLiveTranscodeJob or WithEndpoint.
	Operation string
	// Field is the Go name of the invalid field or argument.
	Field string
	// Reason completes the sentence that begins with Field, such as "is empty". It never contains a secret.
	Reason string
}

// Error returns one line.
func (e *ParamError) Error() string {
	return redact.OneLine("livetranscode: " + e.Operation + ": " + e.Field + " " + e.Reason)
}

// Is reports whether target is [ErrInvalidRequest].
func (e *ParamError) Is(target error) bool { return target == ErrInvalidRequest }

// A callError is the error of a call that made or prepared an attempt: an *APIError or a *CallError. It is never
// modified, because hooks may keep it.
type callError interface {
	ownError
	// completed returns a copy with what is known at the end of the attempt or the call. unknownPast means that an
	// earlier attempt of the call may have been executed.
	completed(attempts int, ambiguous, unknownPast bool) callError
	// withCause returns a copy with what ended the retries.
	withCause(cause error) callError
	// withNote returns a copy with a note appended to the text of the cause.
	withNote(note string) callError
}

func (e *APIError) completed(attempts int, ambiguous, unknownPast bool) callError {
	c := *e
	c.Attempts, c.ambiguous, c.unknownPast = attempts, ambiguous, unknownPast
	return &c
}

func (e *APIError) withCause(cause error) callError {
	c := *e
	c.cause = cause
	return &c
}

func (e *APIError) withNote(note string) callError { return e.withCause(withNote(e.cause, note)) }

func (e *CallError) completed(attempts int, ambiguous, _ bool) callError {
	c := *e
	c.Attempts, c.ambiguous = attempts, ambiguous
	return &c
}

func (e *CallError) withCause(cause error) callError {
	c := *e
	c.cause = cause
	return &c
}

func (e *CallError) withNote(note string) callError {
	c := *e
	c.Err = withNote(e.Err, note)
	return &c
}

func withNote(err error, note string) error {
	return &opaqueError{text: err.Error() + "; " + note, err: err}
}

func (*APIError) ownError()   {}
func (*CallError) ownError()  {}
func (*ParamError) ownError() {}
