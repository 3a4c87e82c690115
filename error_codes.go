package livetranscode

import (
	"errors"
	"net/http"
	"strings"
)

var clockCodes = map[string]bool{"InvalidTimeStamp.Expired": true, "IllegalTimestamp": true}

// codeKinds is the table of exact codes.
var codeKinds = map[string]error{
	"Rejected.Throttling":         ErrThrottled,
	"ServiceUnavailable":          ErrUnavailable,
	"InternalError":               ErrUnavailable,
	"SignatureDoesNotMatch":       ErrAuthentication,
	"IncompleteSignature":         ErrAuthentication,
	"SignatureNonceUsed":          ErrAuthentication,
	"InvalidTimeStamp.Expired":    ErrAuthentication,
	"IllegalTimestamp":            ErrAuthentication,
	"Forbidden.AccessKeyDisabled": ErrAuthentication,
	"MissingSecurityToken":        ErrAuthentication,
	"Forbidden":                   ErrForbidden,
	"Forbidden.RAM":               ErrForbidden,
	"NoPermission":                ErrForbidden,
}

// codeFamilies are codes that stand for themselves and for all that follow after a dot.
var codeFamilies = []struct {
	name string
	kind error
}{
	{"Throttling", ErrThrottled},
	{"InvalidAccessKeyId", ErrAuthentication},
	{"InvalidSecurityToken", ErrAuthentication},
}

func isWrongEndpoint(code string) bool {
	switch code {
	case "InvalidAction.NotFound", "InvalidApi.NotFound", "InvalidVersion", "NoSuchVersion", "InvalidProduct.NotFound":
		return true
	}
	return false
}

func inFamily(code, family string) bool {
	rest, ok := strings.CutPrefix(code, family)
	return ok && (rest == "" || rest[0] == '.')
}

// kind classifies the error: what is no error status first, then exact codes and families, then what codes
// have in common, then the status.
func (e *APIError) kind() error {
	if e.StatusCode > 0 && e.StatusCode < 400 {
		return ErrBadResponse
	}
	if kind := codeKinds[e.Code]; kind != nil {
		return kind
	}
	for _, family := range codeFamilies {
		if inFamily(e.Code, family.name) {
			return family.kind
		}
	}
	switch code := e.Code; {
	case isWrongEndpoint(code):
		return ErrInvalidRequest
	case strings.Contains(code, "NotFound"), strings.Contains(code, "NotExist"),
		code != "" && e.StatusCode == http.StatusNotFound:
		return ErrNotFound
	case strings.HasPrefix(code, "Missing"), strings.HasPrefix(code, "Invalid"):
		return ErrInvalidRequest
	case e.StatusCode == http.StatusTooManyRequests:
		return ErrThrottled
	case e.StatusCode >= 500:
		return ErrUnavailable
	case code == "": // a proxy's
		return ErrBadResponse
	case e.StatusCode == http.StatusUnauthorized:
		return ErrAuthentication
	case e.StatusCode == http.StatusForbidden:
		return ErrForbidden
	}
	return ErrInvalidRequest
}

// isCode reports whether a text can be a code of the service. {"code": 404} is some proxy's.
func isCode(s string) bool {
	return s != "" && (s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z')
}

// isPermanent reports whether an error of a call will not pass by waiting.
func isPermanent(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrNoCredentials} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
