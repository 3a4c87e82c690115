package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// wantKind checks that err is of one kind and of no other.
func wantKind(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range kinds {
		if got := errors.Is(err, kind); got != errors.Is(want, kind) {
			t.Errorf("errors.Is(%q, %q) is %t", err, kind, got)
		}
	}
}

// wantOneLine checks what every error's text must be.
func wantOneLine(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(text) || text == "" {
		t.Errorf("the error %q is not one line", text)
	}
}

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

// answered returns the error of an attempt to get a job that got this answer.
func answered(t *testing.T, status int, body string, header ...string) error {
	t.Helper()
	err := getJob(t.Context(), clientOver(t, newScript(respond(status, body, header...)), attempts(1)))
	if err == nil {
		t.Fatalf("status %d with %q is no error", status, body)
	}
	wantOneLine(t, err)
	return err
}

func TestAPIErrorFields(t *testing.T) {
	t.Parallel()
	const upper = `{"RequestId":"req-1","HostId":"ice.cn-shanghai.aliyuncs.com","Code":"Forbidden.RAM","Message":"用户没有权限",` +
		`"Recommend":"https://api.alibabacloud.com/troubleshoot?q=Forbidden.RAM&product=ICE",` +
		`"AccessDeniedDetail":{"PolicyType":"AccountLevelIdentityBasedPolicy","AuthAction":"ice:SomethingElse","NoPermissionType":"ImplicitDeny",` +
		`"AuthPrincipalType":"SubUser","AuthPrincipalDisplayName":"someone","AuthPrincipalOwnerId":"1234","EncodedDiagnosticMessage":"AQ=="}}`
	lower := strings.NewReplacer(`"RequestId"`, `"requestId"`, `"HostId"`, `"hostId"`, `"Code"`, `"code"`, `"Message"`, `"message"`,
		`"Recommend"`, `"recommend"`, `"AccessDeniedDetail"`, `"accessDeniedDetail"`).Replace(upper)
	detail := AccessDeniedDetail{"AccountLevelIdentityBasedPolicy", "ice:SomethingElse", "ImplicitDeny", "SubUser", "someone", "1234", "AQ=="}
	for name, body := range map[string]string{"upper": upper, "lower": lower, "with a mark": "\xef\xbb\xbf" + upper} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := answered(t, 403, body)
			api, ok := errors.AsType[*APIError](err)
			if !ok {
				t.Fatalf("the error is %#v", err)
			}
			if api.Operation != "GetLiveTranscodeJob" || api.StatusCode != 403 || api.Code != "Forbidden.RAM" || api.Message != "用户没有权限" ||
				api.RequestID != "req-1" || api.HostID != "ice.cn-shanghai.aliyuncs.com" || api.Attempts != 1 || api.RetryAfter != 0 ||
				api.Recommend != "https://api.alibabacloud.com/troubleshoot?q=Forbidden.RAM&product=ICE" {
				t.Errorf("the error is %+v", *api)
			}
			if api.AccessDenied == nil || *api.AccessDenied != detail {
				t.Errorf("AccessDenied is %+v, want %+v", api.AccessDenied, detail)
			}
			wantKind(t, err, ErrForbidden)
			for _, part := range []string{"GetLiveTranscodeJob", "Forbidden.RAM", "用户没有权限", "req-1", "403", "ice:SomethingElse"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q lacks %q", err, part)
				}
			}
		})
	}
}

// TestOddRefusals: what can be read of an error counts, whatever stands beside it and in whatever order.
func TestOddRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, code, message, requestID string }{
		"other order":         {`{"Message":"m","Code":"Forbidden.RAM","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"header id":           {`{"Code":"Forbidden.RAM","Message":"m"}`, "Forbidden.RAM", "m", "header-id"},
		"cut off":             {`{"RequestId":"r","Code":"Forbidden.RAM","Message":"m`, "Forbidden.RAM", "", "r"},
		"objects and numbers": {`{"RequestId":17,"Message":{"a":1},"Code":"Forbidden.RAM"}`, "Forbidden.RAM", `{"a":1}`, "17"},
		"detail is a text":    {`{"AccessDeniedDetail":"none","Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"detail is a list":    {`{"AccessDeniedDetail":[],"Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"detail has a number": {`{"AccessDeniedDetail":{"AuthPrincipalOwnerId":12},"Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"detail is null":      {`{"AccessDeniedDetail":null,"Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"many lines":          {`{"Code":"Forbidden.RAM","Message":"one\r\ntwo\n\tthree\u0000","RequestId":"r"}`, "Forbidden.RAM", "one two three", "r"},
		"invalid UTF-8":       {"{\"Code\":\"Forbidden.RAM\",\"Message\":\"a\xffb\",\"RequestId\":\"r\"}", "Forbidden.RAM", "a\ufffdb", "r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := answered(t, 400, tt.body, "X-Acs-Request-Id", "header-id")
			wantKind(t, err, ErrForbidden)
			api, _ := errors.AsType[*APIError](err)
			if api.Code != tt.code || api.Message != tt.message || api.RequestID != tt.requestID {
				t.Errorf("code %q, message %q, request id %q; want %q, %q, %q", api.Code, api.Message, api.RequestID, tt.code, tt.message, tt.requestID)
			}
		})
	}
}

// TestForbiddenNamesTheAction: what to grant is in the text.
func TestForbiddenNamesTheAction(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		err := op.call(t.Context(), clientOver(t, newScript(respondError(403, "Forbidden"))))
		if !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "ice:"+op.name) {
			t.Errorf("the error %q does not name ice:%s", err, op.name)
		}
	}
}

// TestForeignAnswers: what is not the service's is shown in part.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	secrets := "token " + testToken + " secret " + testSecret + " twice " + url.QueryEscape(testToken) +
		` rtmp://user:pw@domain/app/streamkey?auth_key=signed signature=abcdef password: hunter2 `
	for name, tt := range map[string]struct {
		status int
		body   string
		kind   error
		text   string
	}{
		"HTML":       {502, "<html>\n<body>Bad Gateway</body>\r\n" + secrets + strings.Repeat("long ", 1000), ErrUnavailable, "Bad Gateway"},
		"XML":        {403, "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code>" + secrets, ErrBadResponse, "AccessDenied"},
		"plain":      {404, "404 page not found " + secrets, ErrBadResponse, "404 page not found"},
		"empty":      {500, "", ErrUnavailable, "status 500"},
		"binary":     {500, "\x00\xff\xfe\x1f\x8b" + secrets, ErrUnavailable, "status 500"},
		"wide runes": {500, strings.Repeat("漢", 1000), ErrUnavailable, "漢"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientOver(t, newScript(respond(tt.status, tt.body, "X-Acs-Request-Id", "header-id")), attempts(1),
				WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
			err := getJob(t.Context(), c)
			wantKind(t, err, tt.kind)
			wantOneLine(t, err)
			api, ok := errors.AsType[*APIError](err)
			if !ok || api.StatusCode != tt.status || api.RequestID != "header-id" || api.Code != "" {
				t.Fatalf("the error is %#v", err)
			}
			if len(api.Message) > 256 || !utf8.ValidString(api.Message) {
				t.Errorf("the message has %d bytes: %q", len(api.Message), api.Message)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error %q lacks %q", err, tt.text)
			}
			wantNone(t, fmt.Sprintf("%v %+v", err, *api), testToken, testSecret, url.QueryEscape(testToken), "streamkey", "signed", "abcdef", "hunter2")
		})
	}
}

// wantNone checks that a text holds none of the secrets.
func wantNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows %q", text, secret)
		}
	}
}

// TestEchoIsNeverShown: when a signature does not match, the service repeats the request, with the token and
// every value of the query.
func TestEchoIsNeverShown(t *testing.T) {
	t.Parallel()
	canonical := "POST\n/\nJobId=secret-job-id&StreamInput=%7B%22InputUrl%22%3A%22rtmp%3A%2F%2Fd%2Fapp%2Fstreamkey%22%7D\nhost:ice.cn-shanghai.aliyuncs.com\n" +
		"x-acs-security-token:" + testToken + "\n\nhost;x-acs-security-token\n" + acs3.EmptyBodyHash
	echo := "Specified signature is not matched with our calculation. server StringToSign is [ACS3-HMAC-SHA256\n0123456789abcdef] server CanonicalRequest is [" + canonical + "]"
	xml := "<Error><Message>" + echo + "</Message><Code>SignatureDoesNotMatch</Code></Error>"
	longer := errorBodyJSON("SignatureDoesNotMatch", echo+strings.Repeat("x", 70<<10))
	for name, tt := range map[string]struct {
		status int
		body   string
	}{
		"no match":         {400, errorBodyJSON("SignatureDoesNotMatch", echo)},
		"no match, 403":    {403, errorBodyJSON("SignatureDoesNotMatch", echo)},
		"incomplete":       {400, errorBodyJSON("IncompleteSignature", echo)},
		"lower camel":      {400, strings.NewReplacer("Code", "code", "Message", "message").Replace(errorBodyJSON("SignatureDoesNotMatch", echo))},
		"another form":     {400, errorBodyJSON("SignatureDoesNotMatch", canonical)},
		"under other code": {400, errorBodyJSON("InvalidParameter", echo)},
		"without a code":   {400, errorBodyJSON("", echo)},
		"longer than read": {400, longer},
		"message first":    {400, `{"Message":` + strings.TrimSuffix(longer[strings.Index(longer, `"Message":`)+len(`"Message":`):], "}") + `,"Code":"SignatureDoesNotMatch"}`},
		"XML":              {400, xml},
		"XML, 5xx":         {500, xml},
		"a success":        {200, errorBodyJSON("SignatureDoesNotMatch", echo)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logRecorder)
			c := clientOver(t, newScript(respond(tt.status, tt.body)), attempts(1), log.option(),
				WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
			err := getJob(t.Context(), c)
			api, ok := errors.AsType[*APIError](err)
			if !ok {
				t.Fatalf("the error is %#v", err)
			}
			wantOneLine(t, err)
			if strings.Contains(tt.body[:min(len(tt.body), 20)], "SignatureDoesNotMatch") && !errors.Is(err, ErrAuthentication) {
				t.Errorf("the error %v is not ErrAuthentication", err)
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", *api, *api), log.text()} {
				wantNone(t, text, testToken, url.QueryEscape(testToken), "secret-job-id", "streamkey", "CanonicalRequest", "StringToSign", "0123456789abcdef", "x-acs-security-token")
			}
		})
	}
}

// TestOwnErrorsClassify: users build errors in their own tests.
func TestOwnErrorsClassify(t *testing.T) {
	t.Parallel()
	for kind, err := range map[error]error{
		ErrThrottled:      &APIError{Code: "Throttling.User"},
		ErrNotFound:       &APIError{StatusCode: 404, Code: "InvalidParameter.ResourceNotFound"},
		ErrUnavailable:    &APIError{StatusCode: 503},
		ErrForbidden:      &APIError{Code: "NoPermission", StatusCode: 400},
		ErrInvalidRequest: &ParamError{Operation: "GetLiveTranscodeJob", Field: "JobID", Reason: "is empty"},
		ErrAuthentication: &APIError{Code: "InvalidAccessKeyId.NotFound", StatusCode: 404},
		ErrBadResponse:    &APIError{StatusCode: 404},
	} {
		for _, err := range []error{err, fmt.Errorf("wrapped: %w", err), errors.Join(err, io.EOF)} {
			wantKind(t, err, kind)
			if errors.Is(err, ErrAmbiguous) {
				t.Errorf("%q is ambiguous", err)
			}
		}
		wantOneLine(t, err)
	}
	// The zero values print and classify without a panic.
	for _, err := range []error{new(APIError), &CallError{Err: io.EOF}, new(CallError), new(ParamError)} {
		wantOneLine(t, err)
		if errors.Is(err, ErrNotFound) {
			t.Errorf("%q is ErrNotFound", err)
		}
	}
}

// TestNetworkErrors: no answer is a CallError, with what the transport said and without the address.
func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	address := "https://ice.cn-shanghai.aliyuncs.com/?JobId=secret-job-id&StreamInput=rtmp%3A%2F%2Fd%2Fapp%2Fstreamkey"
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	inner := &url.Error{Op: "Post", URL: address, Err: reset}
	for name, tt := range map[string]error{
		"bare":         reset,
		"url.Error":    inner,
		"wrapped":      fmt.Errorf("transport: %w", inner),
		"url.Error x2": &url.Error{Op: "Get", URL: address, Err: fmt.Errorf("proxy: %w", inner)},
		"many lines":   fmt.Errorf("one\r\ntwo %w", reset),
		"with secrets": fmt.Errorf("token %s of %s: %w", testToken, address, reset),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientOver(t, newScript(failWith(tt)), attempts(1), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
			err := getJob(t.Context(), c)
			call, ok := errors.AsType[*CallError](err)
			if !ok || call.Operation != "GetLiveTranscodeJob" || call.Attempts != 1 {
				t.Fatalf("the error is %#v, want a *CallError", err)
			}
			wantKind(t, err, ErrUnavailable)
			wantOneLine(t, err)
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the error %q hides what the transport said", err)
			}
			if strings.Count(err.Error(), "ice.cn-shanghai.aliyuncs.com") != 1 {
				t.Errorf("the error %q does not name the host once", err)
			}
			if op, ok := errors.AsType[*net.OpError](err); !ok || op != reset {
				t.Errorf("the error %q hides the *net.OpError", err)
			}
			if u, ok := errors.AsType[*url.Error](err); ok {
				t.Errorf("there is a *url.Error in the chain: %v", u)
			}
			if _, ok := errors.AsType[*APIError](err); ok {
				t.Error("there is an *APIError without an answer")
			}
			wantNone(t, err.Error(), "secret-job-id", "streamkey", testToken)
		})
	}
}

// TestNetworkErrorsOfTheStandardTransport: what net/http itself returns.
func TestNetworkErrorsOfTheStandardTransport(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close() // so that the port refuses
	c, err := NewClient(WithEndpoint("http://"+ln.Addr().String()), WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
		WithRetryPolicy(RetryPolicy{BaseDelay: time.Microsecond}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.GetLiveTranscodeJob(t.Context(), "secret-job-id")
	call, ok := errors.AsType[*CallError](err)
	if !ok || call.Attempts != 3 || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the error is %#v, want a *CallError after 3 attempts", err)
	}
	wantKind(t, err, ErrUnavailable)
	wantNone(t, err.Error(), "secret-job-id")
}

// TestAttemptTimeoutIsNoDeadline: only the caller's context reads as context.DeadlineExceeded.
func TestAttemptTimeoutIsNoDeadline(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]step{
		"no answer":       block,
		"half a body":     respondThenBlock(`{"RequestId":"r","Job":`),
		"by the provider": nil,
		"wrapped": func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, &url.Error{Op: "Post", URL: "https://h/?JobId=secret-job-id", Err: fmt.Errorf("sending: %w", req.Context().Err())}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var opts []Option
				rt := newScript(next)
				if next == nil {
					opts = append(opts, WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
						<-ctx.Done()
						return Credentials{}, fmt.Errorf("fetching: %w", ctx.Err())
					})))
				}
				c := clientOver(t, rt, append(opts, attempts(1))...)
				start := time.Now()
				err := getJob(t.Context(), c)
				if got := time.Since(start); got != 30*time.Second {
					t.Errorf("the attempt ended after %v, want 30s", got)
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("the error %q reads as the end of the caller's context", err)
				}
				if next != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrBadResponse) {
					t.Errorf("the error is %q", err)
				}
				wantOneLine(t, err)
				wantNone(t, err.Error(), "secret-job-id")

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start = time.Now()
				err = getJob(ctx, c)
				if got := time.Since(start); got != 5*time.Second {
					t.Errorf("the call ended after %v, want 5s", got)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("the error %q does not read as the caller's deadline", err)
				}
				wantOneLine(t, err)
			})
		})
	}
}

// TestSentinelsDiffer guards against two names for one error.
func TestSentinelsDiffer(t *testing.T) {
	t.Parallel()
	all := append(slices.Clone(kinds), ErrAmbiguous, ErrNoCredentials, ErrJobStopped)
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("errors.Is(%q, %q) is %t", a, b, i != j)
			}
		}
	}
}

// TestEndpointHint: an error made by hand, as a fake's, does not know the endpoint, and its text ends well all the same.
func TestEndpointHint(t *testing.T) {
	t.Parallel()
	for _, e := range []*APIError{{Operation: "X", StatusCode: 404, Code: "InvalidVersion"}, {Operation: "X", StatusCode: 302}} {
		if text := e.Error(); !strings.HasSuffix(text, "check the endpoint") {
			t.Errorf("%q", text)
		}
		e.endpoint = "host"
		if text := e.Error(); !strings.HasSuffix(text, "check the endpoint, host") {
			t.Errorf("%q", text)
		}
	}
}
