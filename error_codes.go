package livetranscode

import (
	"errors"
	"net/http"
	"strings"
)

var clockCodes = map[string]bool{"InvalidTimeStamp.Expired": true, "IllegalTimestamp": true}

// codeKinds maps exact codes to kinds.
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

// codeFamilies maps codes, and all codes that continue them after a dot, to kinds.
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

// kind returns the kind of the error: by a status that is no error, exact codes, families, parts of codes, and last
// by the status.
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
	case code == "": // a proxy's response
		return ErrBadResponse
	case e.StatusCode == http.StatusUnauthorized:
		return ErrAuthentication
	case e.StatusCode == http.StatusForbidden:
		return ErrForbidden
	}
	return ErrInvalidRequest
}

// isCode reports whether a text can be a code of the service. A proxy's {"code": 404} is none.
func isCode(s string) bool {
	return s != "" && (s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z')
}

// isCredentialsCode reports whether a code says that the service does not accept the credentials.
func isCredentialsCode(code string) bool {
	return isTokenCode(code) || inFamily(code, "InvalidAccessKeyId") ||
		code == "Forbidden.AccessKeyDisabled" || code == "SignatureDoesNotMatch"
}

// isTokenCode reports whether a code says that the service does not accept the security token.
func isTokenCode(code string) bool {
	return code == "MissingSecurityToken" || inFamily(code, "InvalidSecurityToken")
}

// isPermanent reports whether an error of a call is permanent.
func isPermanent(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrNoCredentials} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
