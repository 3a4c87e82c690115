package livetranscode

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// A codeClass is what an error of the service means: its kind, whether a retry can help, and what to do.
type codeClass int

const (
	unclassified       codeClass = iota
	classNotFound                // the job or template does not exist
	classOtherNotFound           // something else does not exist, such as a domain
	classThrottled               // refused before it was processed
	classUnavailable             // failed at the service
	classSignature               // the signature is wrong
	classNonce                   // the nonce was used before
	classClock                   // the date is too far from the service's clock
	classAccessKey               // the access key is not accepted
	classToken                   // the security token is not accepted
	classPermission              // a RAM permission is missing
	classAccount                 // the account may not use the service
	classForbidden               // forbidden, for a reason that is not known
	classInvalid                 // the request is invalid, or the job is in the wrong state
	classInputNotLive            // the input has no stream
	classQuota                   // a quota of the account is used up
	classTooLarge                // the gateway refused the request because of its size
	classWrongEndpoint           // the endpoint, or the account, is the wrong one
	classRedirect                // redirects are not followed
	classUnusable                // not a response of the service
)

// codes maps the codes of the service to their classes. A code stands also for those that continue it after a dot,
// unless they are here themselves.
var codes = map[string]codeClass{
	"Throttling":          classThrottled,
	"Rejected.Throttling": classThrottled,

	"ServiceUnavailable":  classUnavailable,
	"InternalError":       classUnavailable,
	"InternalServerError": classUnavailable,
	"SystemBusy":          classUnavailable,
	"ServiceBusy":         classUnavailable,
	"OperationConflict":   classUnavailable,
	"LastTokenProcessing": classUnavailable,
	"RequestTimeout":      classUnavailable,

	"SignatureDoesNotMatch":       classSignature,
	"IncompleteSignature":         classSignature,
	"SignatureNonceUsed":          classNonce,
	"InvalidTimeStamp.Expired":    classClock,
	"IllegalTimestamp":            classClock,
	"InvalidAccessKeyId":          classAccessKey,
	"Forbidden.AccessKeyDisabled": classAccessKey,
	"InvalidSecurityToken":        classToken,
	"MissingSecurityToken":        classToken,

	"Forbidden":                       classPermission,
	"NoPermission":                    classPermission,
	"Forbidden.SubscriptionRequired":  classAccount,
	"InvalidIdentity.ServiceDisabled": classAccount,
	"EntityNotExist.Role":             classAccount, // the role that the service acts in
	"OperationDenied":                 classAccount,
	"UserDisable":                     classAccount,

	"JobNotFound":            classNotFound,
	"TemplateNotFound":       classNotFound,
	"StreamNotFound":         classInputNotLive,
	"JobLimitExceeded":       classQuota,
	"UserTaskExceed":         classQuota,
	"UserQuotaExceed":        classQuota,
	"JobAlreadyStarted":      classInvalid,
	"InvalidTimeStamp":       classInvalid,
	"InvalidSignatureMethod": classInvalid,
	"UnsupportedHTTPMethod":  classInvalid,

	"InvalidAction.NotFound":   classWrongEndpoint,
	"InvalidApi.NotFound":      classWrongEndpoint,
	"InvalidVersion":           classWrongEndpoint,
	"NoSuchVersion":            classWrongEndpoint,
	"InvalidProduct.NotFound":  classWrongEndpoint,
	"InvalidDomain.NotFound":   classWrongEndpoint,
	"InvalidUser.NotFound":     classWrongEndpoint,
	"InvalidAccount.NotFound":  classWrongEndpoint,
	"InvalidRegion.NotFound":   classWrongEndpoint,
	"InvalidRegionId.NotFound": classWrongEndpoint,
	"InvalidProtocol.NeedSsl":  classWrongEndpoint,
}

// jobNotFound matches codes that say that a job or template does not exist, or do not say what. Others name something
// else, as in DomainNotFound.
var jobNotFound = regexp.MustCompile(`Job|Template|^(?:Invalid|Param|Parameter|Resource|Entity|Object|Item|Record|Id|ID|Does|Not|Found|Exists?|[._-])+$`)

// lookUpCode returns the class of a code by the table, or unclassified.
func lookUpCode(code string) codeClass {
	for code != "" {
		if class, ok := codes[code]; ok {
			return class
		}
		code = code[:max(0, strings.LastIndexByte(code, '.'))]
	}
	return unclassified
}

// class returns the one class of the error: by a status that is no error, the table of codes, what the code contains,
// the service's Retry-After header, and last by the status.
func (e *APIError) class() codeClass {
	if e.StatusCode > 0 && e.StatusCode < 300 {
		return classUnusable
	}
	if e.StatusCode >= 300 && e.StatusCode < 400 {
		return classRedirect
	}
	code := e.Code
	if class := lookUpCode(code); class != unclassified {
		return class
	}
	switch {
	case code == "":
		return e.classByStatus()
	case containsAny(code, "Throttling", "FlowControl", "QpsLimitExceeded", "TooManyRequests"),
		isNumericThrottling(code, e.Message), e.askedToRetry:
		return classThrottled
	case containsAny(code, "NotFound", "NotExist") && !jobNotFound.MatchString(code):
		return classOtherNotFound
	case containsAny(code, "NotFound", "NotExist"), e.StatusCode == http.StatusNotFound:
		return classNotFound
	case strings.HasPrefix(code, "Missing"), strings.HasPrefix(code, "Invalid"):
		return classInvalid
	}
	return e.classByStatus()
}

// classByStatus classifies a response by its status alone. One without a code comes from a gateway or proxy.
func (e *APIError) classByStatus() codeClass {
	switch status := e.StatusCode; {
	case status == http.StatusTooManyRequests:
		return classThrottled
	case status == http.StatusRequestTimeout, status == http.StatusMisdirectedRequest, status == http.StatusTooEarly, status >= 500:
		return classUnavailable
	case e.Code == "" && (status == http.StatusRequestEntityTooLarge || status == http.StatusRequestURITooLong ||
		status == http.StatusRequestHeaderFieldsTooLarge || status == http.StatusBadRequest && e.isHTML):
		return classTooLarge
	case e.Code == "":
		return classUnusable
	case status == http.StatusUnauthorized:
		return classSignature
	case status == http.StatusForbidden:
		return classForbidden
	}
	return classInvalid
}

// isNumericThrottling recognizes an error whose code is a number and whose message begins with the real code.
func isNumericThrottling(code, message string) bool {
	return isNumeric(code) && strings.HasPrefix(message, "Throttling")
}

func isNumeric(code string) bool { return code != "" && code[0] >= '0' && code[0] <= '9' }

func containsAny(s string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// kind returns the kind of the error.
func (e *APIError) kind() error {
	switch e.class() {
	case classNotFound:
		return ErrNotFound
	case classThrottled:
		return ErrThrottled
	case classUnavailable:
		return ErrUnavailable
	case classSignature, classNonce, classClock, classAccessKey, classToken:
		return ErrAuthentication
	case classPermission, classAccount, classForbidden:
		return ErrForbidden
	case classRedirect, classUnusable:
		return ErrBadResponse
	default:
	}
	return ErrInvalidRequest
}

// maybeExecuted reports whether the service may have executed an operation although it returned this error: it did
// not clearly refuse it.
func (e *APIError) maybeExecuted() bool {
	switch e.class() {
	case classUnavailable, classRedirect, classUnusable, classNonce:
		return true
	case classThrottled: // a documented code means that it was refused, whatever the status
		return e.StatusCode >= 500 && lookUpCode(e.Code) != classThrottled
	default:
	}
	return false
}

// rejectsCredentials reports whether the service does not accept the credentials.
func (e *APIError) rejectsCredentials() bool {
	switch e.class() {
	case classAccessKey, classToken:
		return true
	default:
	}
	return e.Code == "SignatureDoesNotMatch"
}

func isWrongEndpoint(code string) bool { return lookUpCode(code) == classWrongEndpoint }

// isCode reports whether a text can be a code of the service, which are written like JobNotFound. Those of proxies,
// such as 404, error and NOT_FOUND, are not.
func isCode(s string) bool {
	return s != "" && s[0] >= 'A' && s[0] <= 'Z' && strings.ContainsFunc(s, unicode.IsLower)
}

// isPermanent reports whether an error of a call is permanent.
func isPermanent(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrNoCredentials, ErrBadEndpoint} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Retryable reports whether the same call can succeed later: err is [ErrThrottled] or [ErrUnavailable]. The call has
// made its own retries by then, so wait before the next. It reports false for nil, for errors of a context, for
// permanent kinds, and for [ErrAmbiguous], since a retry could create a duplicate; unless it comes from
// [Client.EnsureLiveTranscodeJob], which checks first: then wait minutes, until the service certainly lists the job.
func Retryable(err error) bool {
	var ensured interface{ checksBeforeSubmit() }
	switch {
	case isContextError(err), isPermanent(err), errors.Is(err, ErrJobStopped):
		return false
	case errors.Is(err, ErrAmbiguous):
		return errors.As(err, &ensured)
	}
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrUnavailable)
}

// errorKinds are the values of ErrorKind in the order in which they are tried.
var errorKinds = []struct {
	err  error
	kind string
}{
	{ErrAmbiguous, "ambiguous"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "deadline_exceeded"},
	{ErrNoCredentials, "no_credentials"},
	{ErrAuthentication, "authentication"},
	{ErrForbidden, "forbidden"},
	{ErrNotFound, "not_found"},
	{ErrThrottled, "throttled"},
	{ErrJobStopped, "job_stopped"},
	{ErrNameConflict, "name_conflict"},
	{ErrBadEndpoint, "bad_endpoint"},
	{ErrInvalidRequest, "invalid_request"},
	{ErrBadResponse, "bad_response"},
	{ErrUnavailable, "unavailable"},
}

// ErrorKind returns a short name for the kind of an error, for the label of a metric. It is the first that applies
// of ambiguous, canceled, deadline_exceeded, no_credentials, authentication, forbidden, not_found, throttled,
// job_stopped, name_conflict, bad_endpoint, invalid_request, bad_response and unavailable; other for any other error,
// and "" for nil.
//
// The kinds no_credentials, authentication, forbidden, bad_endpoint and invalid_request end a wait at once, and
// not_found as [Client.WaitUntil] says; ambiguous does not occur in polls. The others may be transient and are
// tolerated as [TolerateErrors] says.
func ErrorKind(err error) string {
	if err == nil {
		return ""
	}
	for _, k := range errorKinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return "other"
}

// maybeEffectOfPast is refusedAfterUnknown of an error response.
func (e *APIError) maybeEffectOfPast() bool {
	if !e.unknownPast || strings.HasPrefix(e.Operation, "Get") || strings.HasPrefix(e.Operation, "List") {
		return false
	}
	kind := e.kind()
	return kind == ErrNotFound || kind == ErrForbidden || kind == ErrInvalidRequest //nolint:errorlint // the kinds themselves
}
