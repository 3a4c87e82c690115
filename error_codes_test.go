package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// allStatuses are the statuses that an error of the service can come with: it varies for the same code.
var allStatuses = []int{400, 401, 403, 404, 408, 409, 413, 421, 425, 429, 499, 500, 502, 503, 504, 599}

// TestCodes tries every code that the service, or its closest relatives, are known to use, with every status.
func TestCodes(t *testing.T) {
	t.Parallel()
	codes := []struct {
		kind  error
		codes []string
	}{
		{ErrThrottled, []string{
			"Throttling", "Throttling.User", "Throttling.Api", "Throttling.Anything.At.All", "Rejected.Throttling", "Rejected.Throttling.User",
			"FlowControl", "SystemFlowControl.Busy", "QpsLimitExceeded", "User.QpsLimitExceeded", "TooManyRequests", "Invalid.TooManyRequests",
			"ThrottlingX", "XThrottling.User", "RequestThrottling",
		}},
		{ErrUnavailable, []string{
			"ServiceUnavailable", "ServiceUnavailable.Backend", "ServiceUnavailable.A.B", "InternalError", "InternalError.Timeout",
			"SystemBusy", "ServiceBusy", "ServiceBusy.Backend", "OperationConflict", "LastTokenProcessing", "RequestTimeout", "InternalServerError",
		}},
		{ErrAuthentication, []string{
			"SignatureDoesNotMatch", "IncompleteSignature", "SignatureNonceUsed",
			"InvalidTimeStamp.Expired", "IllegalTimestamp",
			"InvalidAccessKeyId", "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "Forbidden.AccessKeyDisabled",
			"InvalidSecurityToken", "InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed",
			"InvalidSecurityToken.MismatchWithAccessKey", "MissingSecurityToken",
		}},
		{ErrForbidden, []string{
			"Forbidden", "Forbidden.RAM", "Forbidden.Anything", "NoPermission", "NoPermission.Anything",
			"OperationDenied", "UserDisable", "Forbidden.SubscriptionRequired", "InvalidIdentity.ServiceDisabled", "EntityNotExist.Role",
		}},
		{ErrInvalidRequest, []string{
			"InvalidAction.NotFound", "InvalidApi.NotFound", "InvalidVersion", "NoSuchVersion", "InvalidProduct.NotFound",
			"InvalidDomain.NotFound", "InvalidUser.NotFound", "InvalidRegionId.NotFound", "InvalidProtocol.NeedSsl",
			"InvalidAccount.NotFound", "DomainNotFound", "LiveStreamNotFound", "MediaNotExist", "InvalidBucket.NotFound", "EntityNotExist.Policy",
			"Account.NotExists", "Idc.NotFound", "InvalidOwner.DoesNotExist",
			"StreamNotFound", "JobLimitExceeded", "UserTaskExceed", "UserQuotaExceed", "JobAlreadyStarted",
			"InvalidTimeStamp.Format", "InvalidSignatureMethod", "UnsupportedHTTPMethod",
		}},
		{ErrNotFound, []string{
			"InvalidParameter.ResourceNotFound", "ResourceNotFound", "JobNotFound", "TemplateNotFound", "NotFound", "InvalidJob.NotFound",
			"JobNotExist", "Template.NotExist", "InvalidParameter.JobNotExists", "EntityNotExist", "EntityNotExist.Job", "InvalidJobId.NotFound",
			"LiveTranscodeJobNotFound", "Resource.NotFound", "InvalidId.NotFound", "InvalidParameter.DoesNotExist", "ObjectNotExist",
		}},
	}
	for _, row := range codes {
		for _, code := range row.codes {
			for _, status := range allStatuses {
				wantKind(t, &APIError{Code: code, StatusCode: status}, row.kind)
			}
			wantKind(t, responseError(t, 400, errorBodyJSON(code, "text")), row.kind)
		}
	}
	// With the status 404 these are ErrNotFound.
	for _, code := range []string{
		"MissingParameter", "MissingJobId", "InvalidParameter", "InvalidParameter.PageSize", "InvalidJobId", "Invalid",
	} {
		for _, status := range allStatuses {
			want := ErrInvalidRequest
			if status == 404 {
				want = ErrNotFound
			}
			wantKind(t, &APIError{Code: code, StatusCode: status}, want)
		}
	}
	// Codes that only resemble a family are not in it.
	for _, code := range []string{"InvalidAccessKeyIdentity", "InvalidSecurityTokenX", "throttling.user", "ServiceUnavailableX", "InvalidVersionX"} {
		wantKind(t, &APIError{Code: code, StatusCode: 400}, ErrInvalidRequest)
	}
}

// TestStatuses checks that the status decides where no code does.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status           int
		code, none, page error // with an unknown code, without one, and with a page of HTML
	}{
		{400, ErrInvalidRequest, ErrBadResponse, ErrInvalidRequest},
		{401, ErrAuthentication, ErrBadResponse, ErrBadResponse},
		{403, ErrForbidden, ErrBadResponse, ErrBadResponse},
		{404, ErrNotFound, ErrBadResponse, ErrBadResponse},
		{407, ErrInvalidRequest, ErrBadResponse, ErrBadResponse},
		{408, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{409, ErrInvalidRequest, ErrBadResponse, ErrBadResponse},
		{413, ErrInvalidRequest, ErrInvalidRequest, ErrInvalidRequest},
		{414, ErrInvalidRequest, ErrInvalidRequest, ErrInvalidRequest},
		{421, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{425, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{429, ErrThrottled, ErrThrottled, ErrThrottled},
		{431, ErrInvalidRequest, ErrInvalidRequest, ErrInvalidRequest},
		{499, ErrInvalidRequest, ErrBadResponse, ErrBadResponse},
		{500, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{503, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{599, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{301, ErrBadResponse, ErrBadResponse, ErrBadResponse},
		{304, ErrBadResponse, ErrBadResponse, ErrBadResponse},
	} {
		wantKind(t, responseError(t, tt.status, errorBodyJSON("Unheard.Of", "text")), tt.code)
		for _, body := range []string{
			"", "{}", "null", "[]", `{"Code":""}`, `{"Code":null}`, `{"Message":"NotFound"}`, `"NotFound"`,
			`{"code":"error"}`, `{"code":"not_found"}`, `{"code":"NOT_FOUND"}`, `{"Code":"job.NotFound"}`, `{"code":404}`, `<Error><Code>error</Code></Error>`,
		} {
			wantKind(t, responseError(t, tt.status, body), tt.none)
		}
		for _, body := range []string{
			"<html>job not found</html>", "\n<!DOCTYPE html>\n<HTML><head>", "<HTML>", "\xef\xbb\xbf<html>", "\xef\xbb\xbf \n<!-- a page -->\n<html>",
			`<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"><html xmlns="x">`,
			"<!-- " + strings.Repeat("long ", 100) + "--><!doctype  html>", "<html><body><p><code>JobNotFound</code></p></body></html>",
		} {
			wantKind(t, responseError(t, tt.status, body), tt.page)
		}
	}
}

// TestThrottlingByOtherSigns has the throttled responses whose code does not say so.
func TestThrottlingByOtherSigns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		header []string
		want   error
	}{
		"numeric code":                 {400, `{"Code":"9990040003","Message":"Throttling.Resource: slow down"}`, nil, ErrThrottled},
		"numeric code, no string":      {400, `{"Code":9990040003,"Message":"Throttling.Resource"}`, nil, ErrThrottled},
		"numeric code, other message":  {400, `{"Code":"9990040003","Message":"no Throttling"}`, nil, ErrBadResponse},
		"unknown code, header":         {403, errorBodyJSON("Unheard.Of", "m"), []string{"X-Acs-Retry-After", "1000"}, ErrThrottled},
		"unknown code, 5xx, header":    {503, errorBodyJSON("Unheard.Of", "m"), []string{"X-Acs-Retry-After", "1000"}, ErrThrottled},
		"unknown code, header of 0":    {403, errorBodyJSON("Unheard.Of", "m"), []string{"X-Acs-Retry-After", "0"}, ErrForbidden},
		"unknown code, other header":   {403, errorBodyJSON("Unheard.Of", "m"), []string{"Retry-After", "1"}, ErrForbidden},
		"header before NotFound":       {404, errorBodyJSON("Thing.NotFound", "m"), []string{"X-Acs-Retry-After", "1000"}, ErrThrottled},
		"known code, header":           {503, errorBodyJSON("ServiceUnavailable", "m"), []string{"X-Acs-Retry-After", "1000"}, ErrUnavailable},
		"known code of a job, header":  {404, errorBodyJSON("JobNotFound", "m"), []string{"X-Acs-Retry-After", "1000"}, ErrNotFound},
		"no code, header":              {400, "{}", []string{"X-Acs-Retry-After", "1000"}, ErrBadResponse},
		"numeric code, header":         {400, `{"Code":"9990040003","Message":"slow down"}`, []string{"X-Acs-Retry-After", "1000"}, ErrThrottled},
		"numeric code, 503, header":    {503, `{"code":9990040003}`, []string{"X-Acs-Retry-After", "1000"}, ErrThrottled},
		"numeric code, header of 0":    {400, `{"Code":"9990040003"}`, []string{"X-Acs-Retry-After", "0"}, ErrBadResponse},
		"numeric and known, header":    {400, `{"code":400,"Code":"JobLimitExceeded"}`, []string{"X-Acs-Retry-After", "1000"}, ErrInvalidRequest},
		"XML":                          {400, `<?xml version="1.0"?><Error><RequestId>r</RequestId><Code>Throttling.User</Code><Message>m</Message></Error>`, nil, ErrThrottled},
		"XML, cut off after the code":  {400, `<Error><Code>Throttling.User</Code><Mess`, nil, ErrThrottled},
		"XML, a number with a message": {400, `<Error><Code>9990040003</Code><Message>Throttling.Api</Message></Error>`, nil, ErrThrottled},
	} {
		err := responseError(t, tt.status, tt.body, tt.header...)
		if wantKind(t, err, tt.want); t.Failed() {
			t.Fatal(name)
		}
		if strings.HasPrefix(name, "numeric code") && tt.want == ErrThrottled && !strings.Contains(err.Error(), "9990040003") { //nolint:errorlint // the kinds themselves are compared
			t.Errorf("%s: %v does not show the code", name, err)
		}
	}
}

// TestMaybeExecuted checks which refusals leave the outcome of a Submit unknown.
func TestMaybeExecuted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		header []string
		want   bool
	}{
		{400, errorBodyJSON("Throttling.User", "m"), nil, false},
		{503, errorBodyJSON("Throttling.User", "m"), nil, false}, // documented: refused
		{400, errorBodyJSON("FlowControl", "m"), nil, false},
		{503, errorBodyJSON("FlowControl", "m"), nil, true},
		{400, errorBodyJSON("Unheard.Of", "m"), []string{"X-Acs-Retry-After", "70000"}, false},
		{500, errorBodyJSON("Unheard.Of", "m"), []string{"X-Acs-Retry-After", "70000"}, true},
		{400, errorBodyJSON("ServiceBusy", "m"), nil, true},
		{400, errorBodyJSON("ServiceUnavailable.Backend", "m"), nil, true},
		{409, errorBodyJSON("OperationConflict", "m"), nil, true},
		{408, "", nil, true},
		{421, "<html>", nil, true},
		{425, errorBodyJSON("Unheard.Of", "m"), nil, true},
		{400, errorBodyJSON("SignatureNonceUsed", "m"), nil, true},
		{414, "<html>414 Request-URI Too Large</html>", nil, false},
		{413, "", nil, false},
		{431, "", nil, false},
		{400, "<html>400 Bad Request</html>", nil, false},
		{400, "no page", nil, true},
		{404, `{"code":"error"}`, nil, true},
		{403, "<html>", nil, true},
		{400, errorBodyJSON("StreamNotFound", "m"), nil, false},
		{403, errorBodyJSON("OperationDenied", "m"), nil, false},
	} {
		err := submitJob(t.Context(), clientOver(t, newScript(respond(tt.status, tt.body, tt.header...)), attempts(1)))
		if got := errors.Is(err, ErrAmbiguous); got != tt.want {
			t.Errorf("%d %s %v: ambiguous is %t: %v", tt.status, tt.body, tt.header, got, err)
		}
	}
}

// TestMaybeExecutedOfCutOffBodies checks that a body that is cut off does not change what its status says.
func TestMaybeExecutedOfCutOffBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   bool
	}{
		{413, "", false},
		{413, "<html>413", false},
		{414, "too lo", false},
		{431, "<ht", false},
		{429, "", false},
		{429, `{"Code":`, false},
		{400, "<html>400 Bad", false},
		{400, `{"Code":`, true},
		{403, "<html>", true},
		{500, "<html>", true},
		{503, "", true},
		{302, "", true},
		{200, "<html>", true},
		{200, "", true},
	} {
		for _, cut := range []error{io.ErrUnexpectedEOF, syscall.ECONNRESET, context.DeadlineExceeded} {
			err := submitJob(t.Context(), clientOver(t, newScript(respondThenFail(tt.status, tt.body, cut)), attempts(1)))
			if got := errors.Is(err, ErrAmbiguous); got != tt.want {
				t.Errorf("%d %s, then %v: ambiguous is %t: %v", tt.status, tt.body, cut, got, err)
			}
		}
	}
}

func TestRetryableAndErrorKind(t *testing.T) {
	t.Parallel()
	submit := func(steps ...step) error {
		return submitJob(t.Context(), clientOver(t, newScript(steps...), attempts(1)))
	}
	get := func(steps ...step) error { return getJob(t.Context(), clientOver(t, newScript(steps...), attempts(1))) }
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		err       error
		retryable bool
		kind      string
	}{
		{nil, false, ""},
		{get(respondError(400, "Throttling.User")), true, "throttled"},
		{get(respondError(503, "ServiceUnavailable")), true, "unavailable"},
		{get(failWith(http.ErrServerClosed)), true, "unavailable"},
		{get(respondError(404, "JobNotFound")), false, "not_found"},
		{get(respondError(403, "Forbidden")), false, "forbidden"},
		{get(respondError(400, "SignatureDoesNotMatch")), false, "authentication"},
		{get(respondError(400, "InvalidParameter")), false, "invalid_request"},
		{get(respond(200, "{}")), false, "bad_response"},
		{submit(respondError(500, "InternalError")), false, "ambiguous"},
		{submit(respondError(400, "Throttling")), true, "throttled"},
		{get(failWith(&proxyError{status: 407})), false, "bad_endpoint"},
		{getJob(ended, clientOver(t, newScript(block))), false, "canceled"},
		{context.DeadlineExceeded, false, "deadline_exceeded"},
		{fmt.Errorf("x: %w", ErrNoCredentials), false, "no_credentials"},
		{&WaitError{Err: ErrJobStopped}, false, "job_stopped"},
		{nameError(ErrNameConflict, "FindLiveTranscodeJob", "n", "2 jobs have this name"), false, "name_conflict"},
		{&WaitError{Err: get(respondError(400, "Throttling.User"))}, true, "throttled"},
		{WaitErrors{{Err: ErrThrottled}, {Err: ErrJobStopped}}, false, "throttled"},
		{ensuredError{fmt.Errorf("%w: %w", ErrAmbiguous, ErrBadResponse)}, true, "ambiguous"},
		{ensuredError{fmt.Errorf("%w: %w", ErrAmbiguous, context.Canceled)}, false, "ambiguous"},
		{errors.New("something else"), false, "other"},
	} {
		if got := Retryable(tt.err); got != tt.retryable {
			t.Errorf("Retryable(%v) is %t", tt.err, got)
		}
		if got := ErrorKind(tt.err); got != tt.kind {
			t.Errorf("ErrorKind(%v) is %q, want %q", tt.err, got, tt.kind)
		}
	}
}

// An ensuredError stands for an error of EnsureLiveTranscodeJob.
type ensuredError struct{ error }

func (e ensuredError) Unwrap() error     { return e.error }
func (ensuredError) checksBeforeSubmit() {}
