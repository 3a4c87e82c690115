package livetranscode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

func TestAPIErrorFields(t *testing.T) {
	t.Parallel()
	const upper = `{"RequestId":"req-1","HostId":"ice.cn-shanghai.aliyuncs.com","Code":"Forbidden.RAM","Message":"用户没有权限",` +
		`"Recommend":"https://api.alibabacloud.com/troubleshoot?q=Forbidden.RAM&product=ICE",` +
		`"AccessDeniedDetail":{"PolicyType":"AccountLevelIdentityBasedPolicy","AuthAction":"ice:SomethingElse","NoPermissionType":"ImplicitDeny",` +
		`"AuthPrincipalType":"SubUser","AuthPrincipalDisplayName":"someone","AuthPrincipalOwnerId":"1234","EncodedDiagnosticMessage":"AQ=="}}`
	lower := strings.NewReplacer(`"RequestId"`, `"requestId"`, `"HostId"`, `"hostId"`, `"Code"`, `"code"`, `"Message"`, `"message"`,
		`"Recommend"`, `"recommend"`, `"AccessDeniedDetail"`, `"accessDeniedDetail"`).Replace(upper)
	snake := regexp.MustCompile(`([a-z])([A-Z][A-Za-z]*":)`).ReplaceAllString(upper, "${1}_$2")
	twoCodes := `{"code":403,` + strings.TrimSuffix(upper[1:], "}") + `,"code":"","CODE":null}`
	detail := AccessDeniedDetail{"AccountLevelIdentityBasedPolicy", "ice:SomethingElse", "ImplicitDeny", "SubUser", "someone", "1234", "AQ=="}
	for name, body := range map[string]string{"upper": upper, "lower": lower, "snake": snake, "a status as code": twoCodes, "byte order mark": "\xef\xbb\xbf" + upper} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := responseError(t, 403, body)
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

// TestMalformedErrorBodies checks that whatever can be decoded of an error body is, in any order.
func TestMalformedErrorBodies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, code, message, requestID string }{
		"other order":              {`{"Message":"m","Code":"Forbidden.RAM","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"request id of the header": {`{"Code":"Forbidden.RAM","Message":"m"}`, "Forbidden.RAM", "m", "header-id"},
		"cut off":                  {`{"RequestId":"r","Code":"Forbidden.RAM","Message":"m`, "Forbidden.RAM", "", "r"},
		"objects and numbers":      {`{"RequestId":17,"Message":{"a":1},"Code":"Forbidden.RAM"}`, "Forbidden.RAM", `{"a":1}`, "17"},
		"detail is a string":       {`{"AccessDeniedDetail":"none","Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"detail is an array":       {`{"AccessDeniedDetail":[],"Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"detail has a number":      {`{"AccessDeniedDetail":{"AuthPrincipalOwnerId":12},"Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"detail is null":           {`{"AccessDeniedDetail":null,"Code":"Forbidden.RAM","Message":"m","RequestId":"r"}`, "Forbidden.RAM", "m", "r"},
		"many lines":               {`{"Code":"Forbidden.RAM","Message":"one\r\ntwo\n\tthree\u0000","RequestId":"r"}`, "Forbidden.RAM", "one two three", "r"},
		"invalid UTF-8":            {"{\"Code\":\"Forbidden.RAM\",\"Message\":\"a\xffb\",\"RequestId\":\"r\"}", "Forbidden.RAM", "a\ufffdb", "r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := responseError(t, 400, tt.body, "X-Acs-Request-Id", "header-id")
			wantKind(t, err, ErrForbidden)
			api, _ := errors.AsType[*APIError](err)
			if api.Code != tt.code || api.Message != tt.message || api.RequestID != tt.requestID {
				t.Errorf("code %q, message %q, request id %q; want %q, %q, %q", api.Code, api.Message, api.RequestID, tt.code, tt.message, tt.requestID)
			}
		})
	}
}

// TestXMLErrors checks that an error in XML has what one in JSON has, however it is written.
func TestXMLErrors(t *testing.T) {
	t.Parallel()
	const plain = `<Error><RequestId>r</RequestId><HostId>h</HostId><Code>Throttling.User</Code><Message>slow &amp; steady</Message>` +
		`<Detail>d</Detail><Recommend>https://a.example/?q=1</Recommend></Error>`
	before, after, _ := strings.Cut(plain, "Throttling.User")
	for name, body := range map[string]string{
		"plain":              plain,
		"byte order mark":    "\xef\xbb\xbf" + plain,
		"prolog":             `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + plain,
		"another charset":    `<?xml version="1.0" encoding="GB2312"?>` + plain,
		"cut off":            strings.TrimSuffix(plain, "</Error>"),
		"lower case":         strings.ToLower(before) + "Throttling.User" + strings.NewReplacer("C", "c", "M", "m", "D", "d", "R", "r", "E", "e").Replace(after),
		"spaces in tags":     strings.NewReplacer("</", "< / ", "<Code", "< Code ", "<Mess", "<\nMess").Replace(plain),
		"spaces in texts":    strings.NewReplacer("</", "\n  </", ">", ">\n  ").Replace(plain),
		"CDATA":              strings.Replace(plain, "slow &amp; steady", "<![CDATA[slow & steady]]>", 1),
		"namespace":          strings.NewReplacer("<Code", "<e:Code xmlns:e='x'", "</Code", "</e:Code").Replace(plain),
		"another element":    strings.Replace(plain, "<Code>", "<Type>Sender</Type><Code>", 1),
		"a second code":      strings.Replace(plain, "<Code>", "<Code>400</Code><Code>", 1),
		"a second code, too": strings.Replace(plain, "</Code>", "</Code><Code>error</Code><Code/><Code></Code>", 1),
		"deeper":             "<Response><Errors>" + plain + "</Errors></Response>",
		"an empty message":   strings.Replace(plain, "<Detail>", "<Message></Message><Detail>", 1),
	} {
		api, ok := errors.AsType[*APIError](responseError(t, 400, body))
		if !ok || api.RequestID != "r" || api.HostID != "h" || api.Code != "Throttling.User" || api.Message != "slow & steady" ||
			api.Detail != "d" || api.Recommend != "https://a.example/?q=1" || api.AccessDenied != nil {
			t.Errorf("%s: %s is %#v", name, body, api)
		}
	}
	api, _ := errors.AsType[*APIError](responseError(t, 403, `<Error><Code>NoPermission</Code><AccessDeniedDetail><AuthAction>ice:X</AuthAction></AccessDeniedDetail></Error>`))
	if api == nil || api.AccessDenied == nil || api.AccessDenied.AuthAction != "ice:X" || !strings.Contains(api.Error(), "grant the RAM action ice:X") {
		t.Errorf("the error is %v", api)
	}
	err := responseError(t, 403, "<?xml version=\"1.0\" encoding=\"GBK\"?><Error><Code>Forbidden.RAM</Code><Message>\xc3\xbb\xd3\xd0</Message></Error>")
	wantKind(t, err, ErrForbidden)
}

// TestEmptyDuplicates checks that an empty value does not replace another in a response with several spellings of a
// name.
func TestEmptyDuplicates(t *testing.T) {
	t.Parallel()
	err := responseError(t, 403, `{"Code":"Forbidden.RAM","Message":"m","RequestId":"r","AccessDeniedDetail":{"AuthAction":"ice:X"},`+
		`"code":"","message":"","requestId":null,"REQUESTID":"","accessDeniedDetail":{},"access_denied_detail":""}`)
	api, _ := errors.AsType[*APIError](err)
	if api.Code != "Forbidden.RAM" || api.Message != "m" || api.RequestID != "r" || api.AccessDenied == nil || api.AccessDenied.AuthAction != "ice:X" {
		t.Errorf("the error is %#v", api)
	}
	resp, err := clientOver(t, respond(200, `{"JobId":"j","RequestId":"r","jobId":"","requestId":""}`)).SubmitLiveTranscodeJob(t.Context(), &SubmitLiveTranscodeJobRequest{
		Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: "rtmp://h/app/s"},
	})
	if err != nil || resp.JobID != "j" || resp.RequestID != "r" {
		t.Errorf("the response is %+v, the error %v", resp, err)
	}
}

// TestForeignResponses checks that a response that is not the service's is shown in part.
func TestForeignResponses(t *testing.T) {
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

// TestRequestInAMismatchIsNotShown checks that the request is redacted that the service returns when a signature does
// not match: it has the token and every value of the query.
func TestRequestInAMismatchIsNotShown(t *testing.T) {
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
		"mismatch":            {400, errorBodyJSON("SignatureDoesNotMatch", echo)},
		"mismatch, 403":       {403, errorBodyJSON("SignatureDoesNotMatch", echo)},
		"incomplete":          {400, errorBodyJSON("IncompleteSignature", echo)},
		"lower camel":         {400, strings.NewReplacer("Code", "code", "Message", "message").Replace(errorBodyJSON("SignatureDoesNotMatch", echo))},
		"another form":        {400, errorBodyJSON("SignatureDoesNotMatch", canonical)},
		"under other code":    {400, errorBodyJSON("InvalidParameter", echo)},
		"without a code":      {400, errorBodyJSON("", echo)},
		"longer than is read": {400, longer},
		"message first":       {400, `{"Message":` + strings.TrimSuffix(longer[strings.Index(longer, `"Message":`)+len(`"Message":`):], "}") + `,"Code":"SignatureDoesNotMatch"}`},
		"XML":                 {400, xml},
		"XML, 5xx":            {500, xml},
		"a success":           {200, errorBodyJSON("SignatureDoesNotMatch", echo)},
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

// TestStreamKeysInMessages checks that stream keys are redacted where the service repeats the URL of a stream.
func TestStreamKeysInMessages(t *testing.T) {
	t.Parallel()
	for inputURL, message := range map[string]string{
		"rtmp://h/app/s?key=1543302081-0-123&t=5":         "The key 1543302081-0-123 has expired.",
		"rtmp://h/app/s?t=5&key=1543302081-0-123":         "Not valid: key=1543302081-0-123",
		"rtmp://user:passw0rd123@h/app/s":                 "user: wrong passw0rd123",
		"rtmp://h/app/key%2b123456":                       "The stream key%2b123456 or key+123456 is not live.",
		"rtmp://mydomain/app/it's-a-key-123":              "InputUrl rtmp://mydomain/app/it's-a-key-123 is not valid.",
		"rtmp://mydomain/app/my live key-123":             "InputUrl rtmp://mydomain/app/my live key-123 is not valid.",
		"rtmp://mydomain/app/plain-key-123":               "The stream plain-key-123 is not live.",
		"rtmp://mydomain/app/s?auth_key=1543302081-0-123": "The auth_key=1543302081-0-123 has expired.",
		"rtmp://mydomain/app/s?key=1543302081-0-123":      "Not valid: key=1543302081-0-123",
	} {
		c := clientOver(t, respond(400, errorBodyJSON("InvalidParameter", message)))
		submit := submitStream(t.Context(), c, inputURL)
		_, update := c.UpdateLiveTranscodeJob(t.Context(), &UpdateLiveTranscodeJobRequest{JobID: "j", StreamInput: &StreamInput{InputURL: inputURL}})
		for _, err := range []error{submit, update} {
			api, ok := errors.AsType[*APIError](err)
			if !ok || !errors.Is(err, ErrInvalidRequest) || strings.Contains(api.Message, "123") {
				t.Errorf("the error %v has the key of %s", err, inputURL)
			}
		}
	}
}

// TestStreamKeysThatAreWords checks that a stream key that is a common word leaves the rest of an error as it is.
func TestStreamKeysThatAreWords(t *testing.T) {
	t.Parallel()
	const message = "The upstream in cn-shanghai8 is a streamer. Throttlings."
	for _, key := range []string{"Throttling", "stream", "shanghai", "a"} {
		c := clientOver(t, respond(400, errorBodyJSON("Throttling.User", message)), attempts(1))
		err := submitStream(t.Context(), c, "rtmp://h/live/"+key)
		api, ok := errors.AsType[*APIError](err)
		if !ok || !errors.Is(err, ErrThrottled) || api.Code != "Throttling.User" || api.Message != message || api.HostID != "ice.cn-shanghai.aliyuncs.com" {
			t.Errorf("of stream %s: %#v", key, err)
		}
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		"", "null", "{}", "[]", "<html>", `{"Code":`, errorBodyJSON("Throttling.User", "slow down"), errorBodyJSON("SignatureDoesNotMatch", "server CanonicalRequest is [x]"),
		`{"code":"Forbidden","message":{"a":1},"requestId":7,"AccessDeniedDetail":{"AuthAction":"ice:X","PolicyType":5}}`, `{"AccessDeniedDetail":[]}`,
		"\xef\xbb\xbf{\"Code\":\"a\nb\"}", "{\"Message\":\"\xff\"}", `{"Recommend":"https://a.example/?q=1&token=CANARY"}`, "CanonicalRequest CANARY", "key CANARY",
	} {
		for _, status := range []int{200, 302, 400, 404, 429, 503} {
			f.Add(status, []byte(body), "header-id")
		}
	}
	f.Fuzz(func(t *testing.T, status int, response []byte, header string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host/?JobId=j", nil)
		if err != nil {
			t.Fatal(err)
		}
		a := &attempt{op: opGetLiveTranscodeJob, req: req, creds: Credentials{AccessKeySecret: "CANARY"}}
		resp := responseTo(req, status, io.NopCloser(bytes.NewReader(response)), headerRequestID, header)
		r, err := readBody(resp)
		if err != nil {
			return
		}
		was := bytes.Clone(r.bytes) // of a switch of protocols nothing is read
		e := a.newAPIError(r)
		r.release()
		text := e.Error()
		if redact.OneLine(text) != text {
			t.Errorf("the error %q is not one line", text)
		}
		if len(e.Code) > maxSnippet || len(e.Message) > maxMessage || len(e.RequestID) > maxSnippet || len(text) > 4<<10 {
			t.Errorf("the error has %d bytes: %q", len(text), text)
		}
		matching := 0
		for _, kind := range kinds {
			if e.Is(kind) {
				matching++
			}
		}
		if matching != 1 {
			t.Errorf("%#v is of %d kinds", e, matching)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Error(err)
		}
		if all := fmt.Sprintf("%#v %#v", e, e.AccessDenied); strings.Contains(all, "CANARY") && !bytes.ContainsAny(response, `%\&`) && !strings.ContainsAny(header, "%&\\") {
			t.Errorf("%q shows the secret: %s", response, all)
		}
		if acs3.LeaksRequest(e.Message) {
			t.Errorf("the request is shown: %q", e.Message)
		}
		if again := a.newAPIError(&body{resp: resp, bytes: was}); !reflect.DeepEqual(e, again) {
			t.Errorf("the same response is once %#v and once %#v", e, again)
		}
	})
}
