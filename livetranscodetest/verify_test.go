package livetranscodetest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The vectors come from the official SDK and are dated 2022, so the server's clock is set back.
func TestVectors(t *testing.T) {
	t.Parallel()
	const jobID = "****20b48fb04483915d4f2cd8ac****"
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct {
		name, action, nonce, query, body, signature string
		status                                      int
	}{
		{
			"V7", "GetLiveTranscodeJob", "nonce-0001", "JobId=%2A%2A%2A%2A20b48fb04483915d4f2cd8ac%2A%2A%2A%2A", "",
			"c5e82a3328e5ebe28e50ada00558dbb6bc94cff27ac00b847572e5065471622a", 200,
		},
		{
			"V7, asterisks not encoded on the wire", "GetLiveTranscodeJob", "nonce-0001", "JobId=" + jobID, "",
			"c5e82a3328e5ebe28e50ada00558dbb6bc94cff27ac00b847572e5065471622a", 200,
		},
		{
			"V9", "ListLiveTranscodeJobs", "nonce-0002", "", "",
			"6beaa5427a0d65565377c472a23277f8141289d4d3f2006cd0e716a405c6e0e5", 200,
		},
		{
			"V11", "SubmitLiveTranscodeJob", "nonce-0004", "Name=task1&StartMode=0&StreamInput=%7B%22Type%22%3A%22rtmp%22%2C%22InputUrl%22%3A%22rtmp%3A%2F%2Fmydomain%2Fapp%2Fstream1%22%7D&" +
				"TemplateId=%2A%2A%2A%2A96e8864746a0b6f3%2A%2A%2A%2A&TranscodeOutput=%7B%22Type%22%3A%22LiveCenter%22%2C%22DomainName%22%3A%22mydomain%22%7D", "",
			"3a8353df4f81d55f9d465dc919485ec90382a2707b67382221eedd425f490b37", 200,
		},
		// The signature is correct, and the job of the body does not exist.
		{
			"V13", "GetLiveTranscodeJob", "nonce-0006", "", "JobId=J",
			"6d4046d57ba6caa7416734db55a7b7e4e072d1fdaf39d70a4dceb743ae30eacf", 404,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC)
			srv := livetranscodetest.NewServer(
				livetranscodetest.WithCredentials(livetranscode.Credentials{AccessKeyID: "testid", AccessKeySecret: "testsecret"}),
				livetranscodetest.WithClockOffset(time.Until(at)),
			)
			srv.AddJob(livetranscode.Job{JobID: jobID})
			req := call{action: tt.action, nonce: tt.nonce, date: at.Format(layout), body: tt.body}.sign(t)
			req.URL.RawQuery = tt.query
			signed := "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
			if tt.body != "" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				signed = "content-type;" + signed
			} else if got := req.Header.Get("X-Acs-Content-Sha256"); got != emptyHash {
				t.Fatal(got)
			}
			req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders="+signed+",Signature="+tt.signature)
			if r := send(t, srv.Transport(), req); r.status != tt.status {
				t.Errorf("%d %s %s", r.status, r.Code, r.Message)
			}
		})
	}
}

// The credentials of TestVerify: two tokens share an access key id.
var (
	plain     = livetranscode.Credentials{AccessKeyID: "plain", AccessKeySecret: "s1"}
	temporary = livetranscode.Credentials{AccessKeyID: "temporary", AccessKeySecret: "s2", SecurityToken: "token"}
	second    = livetranscode.Credentials{AccessKeyID: "temporary", AccessKeySecret: "s3", SecurityToken: "token-2"}
)

// edit changes a part of the Authorization header.
func edit(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
	}
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func del(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(name) }
}

var verifyTests = []struct {
	name   string
	call   call
	skew   time.Duration       // of the client's clock
	tamper func(*http.Request) // after the signature
	status int
	code   string
}{
	{name: "valid", status: 200},
	{name: "valid GET", call: call{method: "GET"}, status: 200},
	{name: "valid token", call: call{creds: temporary}, status: 200},
	{name: "valid second token of an id", call: call{creds: second}, status: 200},
	{name: "any host", call: call{url: "http://127.0.0.1:8080/"}, status: 200},
	{name: "valid, more headers signed", call: call{header: http.Header{"X-Acs-Extra": {"1"}, "Accept": {"application/json"}}}, status: 200},
	{name: "empty parameter", call: call{params: []string{"Name", ""}}, status: 200},
	{name: "space, plus, slash and non-ASCII", call: call{params: []string{"Name", "a b+c/d~é*"}}, status: 200},
	{name: "clock 14:50 behind", skew: -14*time.Minute - 50*time.Second, status: 200},
	{name: "clock 14:50 ahead", skew: 14*time.Minute + 50*time.Second, status: 200},

	{name: "clock 15:10 behind", skew: -15*time.Minute - 10*time.Second, status: 400, code: "InvalidTimeStamp.Expired"},
	{name: "clock 15:10 ahead", skew: 15*time.Minute + 10*time.Second, status: 400, code: "InvalidTimeStamp.Expired"},
	{name: "date with fraction", call: call{date: time.Now().UTC().Format("2006-01-02T15:04:05.0Z")}, status: 400, code: "InvalidTimeStamp.Format"},
	{name: "date of HTTP", call: call{date: time.Now().UTC().Format(http.TimeFormat)}, status: 400, code: "InvalidTimeStamp.Format"},

	{name: "no authorization", tamper: del("Authorization"), status: 400, code: "IncompleteSignature"},
	{name: "two authorizations", tamper: func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, status: 400, code: "IncompleteSignature"},
	{name: "other algorithm", tamper: edit("ACS3-HMAC-SHA256", "ACS3-RSA-SHA256"), status: 400, code: "IncompleteSignature"},
	{name: "no credential", tamper: edit("Credential=plain,", ""), status: 400, code: "IncompleteSignature"},
	{name: "empty credential", tamper: edit("Credential=plain", "Credential="), status: 400, code: "IncompleteSignature"},
	{name: "field twice", tamper: edit("Credential=plain,", "Credential=plain,Credential=plain,"), status: 400, code: "IncompleteSignature"},
	{name: "no signature", tamper: edit("Signature=", "Sig="), status: 400, code: "IncompleteSignature"},
	{name: "host not signed", call: call{unsigned: []string{"host"}}, status: 400, code: "IncompleteSignature"},
	{name: "action not signed", call: call{unsigned: []string{"x-acs-action"}}, status: 400, code: "IncompleteSignature"},
	{name: "token not signed", call: call{creds: temporary, unsigned: []string{"x-acs-security-token"}}, status: 400, code: "IncompleteSignature"},
	{name: "header added in transit", tamper: set("X-Acs-Extra", "1"), status: 400, code: "IncompleteSignature"},
	{name: "content type not signed", tamper: set("Content-Type", "text/plain"), status: 400, code: "IncompleteSignature"},
	{name: "signed header not sent", call: call{header: http.Header{"Accept": {"*/*"}}}, tamper: del("Accept"), status: 400, code: "IncompleteSignature"},

	{name: "no date", tamper: del("X-Acs-Date"), call: call{unsigned: []string{"x-acs-date"}}, status: 400, code: "MissingParameter"},
	{name: "no nonce", tamper: del("X-Acs-Signature-Nonce"), call: call{unsigned: []string{"x-acs-signature-nonce"}}, status: 400, code: "MissingParameter"},
	{name: "no hash", tamper: del("X-Acs-Content-Sha256"), call: call{unsigned: []string{"x-acs-content-sha256"}}, status: 400, code: "MissingParameter"},

	{name: "unknown id", call: call{creds: livetranscode.Credentials{AccessKeyID: "nobody", AccessKeySecret: "s1"}}, status: 404, code: "InvalidAccessKeyId.NotFound"},
	{name: "wrong secret", call: call{creds: livetranscode.Credentials{AccessKeyID: "plain", AccessKeySecret: "s2"}}, status: 400, code: "SignatureDoesNotMatch"},
	{name: "token missing", call: call{creds: livetranscode.Credentials{AccessKeyID: "temporary", AccessKeySecret: "s2"}}, status: 400, code: "MissingSecurityToken"},
	{name: "token wrong", call: call{creds: livetranscode.Credentials{AccessKeyID: "temporary", AccessKeySecret: "s2", SecurityToken: "other"}}, status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey"},
	{name: "token of the other secret", call: call{creds: livetranscode.Credentials{AccessKeyID: "temporary", AccessKeySecret: "s2", SecurityToken: "token-2"}}, status: 400, code: "SignatureDoesNotMatch"},
	{name: "token for a permanent key", call: call{creds: livetranscode.Credentials{AccessKeyID: "plain", AccessKeySecret: "s1", SecurityToken: "token"}}, status: 400, code: "InvalidSecurityToken.Malformed"},

	{name: "query changed", tamper: func(r *http.Request) { r.URL.RawQuery = "PageNo=2" }, status: 400, code: "SignatureDoesNotMatch"},
	{name: "method changed", tamper: func(r *http.Request) { r.Method = "GET" }, status: 400, code: "SignatureDoesNotMatch"},
	{name: "host changed", tamper: func(r *http.Request) { r.Host = "elsewhere" }, status: 400, code: "SignatureDoesNotMatch"},
	{name: "header changed", tamper: set("X-Acs-Action", "DeleteLiveTranscodeJob"), status: 400, code: "SignatureDoesNotMatch"},
	{name: "body with another hash", call: call{header: http.Header{"X-Acs-Content-Sha256": {strings.Repeat("0", 64)}}}, status: 400, code: "SignatureDoesNotMatch"},
	{name: "signature in upper case", tamper: func(r *http.Request) {
		head, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		r.Header.Set("Authorization", head+"Signature="+strings.ToUpper(signature))
	}, status: 400, code: "SignatureDoesNotMatch"},
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, tt := range verifyTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer(
				livetranscodetest.WithCredentials(plain),
				livetranscodetest.WithCredentials(temporary),
				livetranscodetest.WithCredentials(second),
			)
			if tt.call.creds.AccessKeyID == "" {
				tt.call.creds = plain
			}
			tt.call.action = "ListLiveTranscodeJobs"
			if tt.skew != 0 {
				tt.call.date = time.Now().UTC().Add(tt.skew).Format(layout)
			}
			req := tt.call.sign(t)
			if tt.tamper != nil {
				tt.tamper(req)
			}
			r := send(t, srv.Transport(), req)
			wantCode(t, r, tt.status, tt.code, "")
		})
	}
}

func TestHeaderValuesAreTrimmedAndJoined(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	req := call{action: "ListLiveTranscodeJobs", header: http.Header{"X-Acs-Extra": {"a,b"}}}.sign(t)
	req.Header["X-Acs-Extra"] = []string{" b ", "a"}
	if r := send(t, srv.Transport(), req); r.status != 200 {
		t.Errorf("%d %s %s", r.status, r.Code, r.Message)
	}
}

func TestSignatureMismatch(t *testing.T) {
	t.Parallel()
	c := livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "the-token"}
	srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(c))
	c.AccessKeySecret = "wrong"
	r := send(t, srv.Transport(), call{creds: c, params: []string{"JobId", "j 1"}}.sign(t))
	wantCode(t, r, 400, "SignatureDoesNotMatch", "server StringToSign is [ACS3-HMAC-SHA256\n")
	wantCode(t, r, 400, "SignatureDoesNotMatch", "] server CanonicalRequest is [POST\n/\nJobId=j%201\nhost:ice.cn-shanghai.aliyuncs.com\nx-acs-action:")
	wantCode(t, r, 400, "SignatureDoesNotMatch", "x-acs-security-token:the-token\n")
}

func TestNonce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		use := func(nonce string) string {
			return send(t, srv.Transport(), call{action: "ListLiveTranscodeJobs", nonce: nonce}.sign(t)).Code
		}
		// A refused request does not use up its nonce.
		bad := call{action: "ListLiveTranscodeJobs", nonce: "n", date: "2000-01-01T09:00:00Z"}.sign(t)
		wantCode(t, send(t, srv.Transport(), bad), 400, "InvalidTimeStamp.Expired", "")

		for i, step := range []struct {
			after time.Duration
			nonce string
			code  string
		}{
			{0, "first", ""},
			{20 * time.Minute, "n", ""},
			{0, "n", "SignatureNonceUsed"},
			{30*time.Minute + 59*time.Second, "n", "SignatureNonceUsed"}, // across a change of generation
			{0, "first", ""},
			{time.Second, "n", ""},
			{10 * time.Minute, "n", "SignatureNonceUsed"},
			{0, "first", "SignatureNonceUsed"},
			{24 * time.Hour, "n", ""},
			{0, "n", "SignatureNonceUsed"},
		} {
			time.Sleep(step.after)
			if code := use(step.nonce); code != step.code {
				t.Errorf("step %d: nonce %s: %q, want %q", i, step.nonce, code, step.code)
			}
		}
	})
}
