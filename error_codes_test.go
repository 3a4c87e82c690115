package livetranscode

import (
	"testing"
)

// TestCodes has every code that the service is known to use. The statuses vary for the same code, so each is
// tried with all of them.
func TestCodes(t *testing.T) {
	t.Parallel()
	codes := []struct {
		kind  error
		codes []string
	}{
		{ErrThrottled, []string{
			"Throttling", "Throttling.User", "Throttling.Api", "Throttling.Anything.At.All", "Rejected.Throttling",
		}},
		{ErrUnavailable, []string{"ServiceUnavailable", "InternalError"}},
		{ErrAuthentication, []string{
			"SignatureDoesNotMatch", "IncompleteSignature", "SignatureNonceUsed",
			"InvalidTimeStamp.Expired", "IllegalTimestamp",
			"InvalidAccessKeyId", "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "Forbidden.AccessKeyDisabled",
			"InvalidSecurityToken", "InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed",
			"InvalidSecurityToken.MismatchWithAccessKey", "MissingSecurityToken",
		}},
		{ErrForbidden, []string{"Forbidden", "Forbidden.RAM", "NoPermission"}},
		{ErrInvalidRequest, []string{
			"InvalidAction.NotFound", "InvalidApi.NotFound", "InvalidVersion", "NoSuchVersion", "InvalidProduct.NotFound",
		}},
		{ErrNotFound, []string{
			"InvalidParameter.ResourceNotFound", "ResourceNotFound", "JobNotFound", "NotFound", "InvalidJob.NotFound",
			"JobNotExist", "Template.NotExist", "InvalidParameter.JobNotExists",
		}},
	}
	for _, row := range codes {
		for _, code := range row.codes {
			for _, status := range []int{400, 401, 403, 404, 409, 429, 500, 502, 503} {
				wantKind(t, answered(t, status, errorBodyJSON(code, "text")), row.kind)
			}
		}
	}
	// Of these, a 404 is not found: a code of the service's with that status says so.
	for _, code := range []string{
		"MissingParameter", "MissingJobId", "InvalidParameter", "InvalidParameter.PageSize", "InvalidJobId", "Invalid",
	} {
		for _, status := range []int{400, 401, 403, 409, 429, 500, 503} {
			wantKind(t, answered(t, status, errorBodyJSON(code, "text")), ErrInvalidRequest)
		}
		wantKind(t, answered(t, 404, errorBodyJSON(code, "text")), ErrNotFound)
	}
	// Names that only look like a family's are not in it.
	for code, kind := range map[string]error{
		"ThrottlingX": ErrInvalidRequest, "InvalidAccessKeyIdentity": ErrInvalidRequest, "XThrottling.User": ErrInvalidRequest,
		"InvalidSecurityTokenX": ErrInvalidRequest, "throttling.user": ErrInvalidRequest,
	} {
		wantKind(t, answered(t, 400, errorBodyJSON(code, "text")), kind)
	}
}

// TestStatuses: what the code does not tell, the status does.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status     int
		with, none error // with an unknown code, and without one
	}{
		{400, ErrInvalidRequest, ErrBadResponse},
		{401, ErrAuthentication, ErrBadResponse},
		{403, ErrForbidden, ErrBadResponse},
		{404, ErrNotFound, ErrBadResponse},
		{408, ErrInvalidRequest, ErrBadResponse},
		{409, ErrInvalidRequest, ErrBadResponse},
		{413, ErrInvalidRequest, ErrBadResponse},
		{429, ErrThrottled, ErrThrottled},
		{499, ErrInvalidRequest, ErrBadResponse},
		{500, ErrUnavailable, ErrUnavailable},
		{502, ErrUnavailable, ErrUnavailable},
		{503, ErrUnavailable, ErrUnavailable},
		{504, ErrUnavailable, ErrUnavailable},
		{599, ErrUnavailable, ErrUnavailable},
		{301, ErrBadResponse, ErrBadResponse},
		{304, ErrBadResponse, ErrBadResponse},
	} {
		wantKind(t, answered(t, tt.status, errorBodyJSON("Unheard.Of", "text")), tt.with)
		for _, body := range []string{"", "{}", "null", "[]", `{"Code":""}`, `{"Code":null}`, "<html>job not found</html>", `{"Message":"NotFound"}`, `"NotFound"`} {
			wantKind(t, answered(t, tt.status, body), tt.none)
		}
	}
}
