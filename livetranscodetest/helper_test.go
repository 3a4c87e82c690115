package livetranscodetest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const (
	endpoint = "https://ice.cn-shanghai.aliyuncs.com"
	layout   = "2006-01-02T15:04:05Z"
)

var nonces atomic.Int64

// call is a request to be signed. Zero fields get good values.
type call struct {
	action, method, url, date, nonce, body string
	header                                 http.Header
	params                                 []string // name, value, name, value, ...
	creds                                  livetranscode.Credentials
	unsigned                               []string // headers left out of the signature
}

// sign writes the signature down step by step as the documentation has it, for the tests alone.
func (c call) sign(t testing.TB) *http.Request {
	t.Helper()
	def := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	def(&c.action, "GetLiveTranscodeJob")
	def(&c.method, http.MethodPost)
	def(&c.url, endpoint+"/")
	def(&c.date, time.Now().UTC().Format(layout))
	def(&c.nonce, fmt.Sprintf("nonce-%d", nonces.Add(1)))
	if c.creds.AccessKeyID == "" {
		c.creds = livetranscode.Credentials{AccessKeyID: "emulator-key-id", AccessKeySecret: "emulator-key-secret"}
	}

	var pairs []string
	for i := 0; i < len(c.params); i += 2 {
		pairs = append(pairs, strings.ReplaceAll(url.QueryEscape(c.params[i])+"="+url.QueryEscape(c.params[i+1]), "+", "%20"))
	}
	slices.Sort(pairs)
	query := strings.Join(pairs, "&")

	req, err := http.NewRequestWithContext(t.Context(), c.method, c.url+"?"+query, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(c.body))
	for name, values := range c.header {
		req.Header[name] = values
	}
	for name, value := range map[string]string{
		"x-acs-action": c.action, "x-acs-version": "2020-11-09", "x-acs-date": c.date,
		"x-acs-signature-nonce": c.nonce, "x-acs-content-sha256": hex.EncodeToString(hash[:]),
		"x-acs-security-token": c.creds.SecurityToken,
	} {
		if value != "" && req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}

	names := []string{"host"}
	for name := range req.Header {
		names = append(names, strings.ToLower(name))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(c.unsigned, name) })
	slices.Sort(names)
	canonical := c.method + "\n/\n" + query + "\n"
	for _, name := range names {
		value := req.Header.Get(name)
		if name == "host" {
			value = req.URL.Host
		}
		canonical += name + ":" + value + "\n"
	}
	signed := strings.Join(names, ";")
	canonical += "\n" + signed + "\n" + hex.EncodeToString(hash[:])
	canonicalHash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(c.creds.AccessKeySecret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(canonicalHash[:])))
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+c.creds.AccessKeyID+
		",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac.Sum(nil)))
	return req
}

// reply is an answer as the tests look at it.
type reply struct {
	status int
	header http.Header
	body   string

	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string
	Message   string
	Recommend string
	JobID     string `json:"JobId"`
	Job       map[string]any
	JobList   []struct {
		Name, CreateTime string
		JobID            string `json:"JobId"`
	}
	TotalCount          int
	TemplateID          string `json:"TemplateId"`
	TemplateContent     map[string]any
	TemplateContentList []struct{ Name string }
}

func send(t testing.TB, rt http.RoundTripper, req *http.Request) reply {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: res.StatusCode, header: res.Header, body: string(body)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(body, &r); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
	}
	return r
}

// do signs and sends one call in memory.
func do(t testing.TB, srv *livetranscodetest.Server, action string, params ...string) reply {
	t.Helper()
	return send(t, srv.Transport(), call{action: action, params: params}.sign(t))
}

// mustDo is do for a call that has to succeed.
func mustDo(t testing.TB, srv *livetranscodetest.Server, action string, params ...string) reply {
	t.Helper()
	r := do(t, srv, action, params...)
	if r.status != http.StatusOK {
		t.Fatalf("%s: %d %s %s", action, r.status, r.Code, r.Message)
	}
	return r
}

// wantCode checks an error's status and code, and that its message names what it is about.
func wantCode(t testing.TB, r reply, status int, code, inMessage string) {
	t.Helper()
	if r.status != status || r.Code != code || !strings.Contains(r.Message, inMessage) {
		t.Errorf("got %d %s %q, want %d %s with %q", r.status, r.Code, r.Message, status, code, inMessage)
	}
}

// with returns params with some replaced; an empty value takes one out.
func with(params []string, changes ...string) []string {
	params = slices.Clone(params)
	for i := 0; i < len(changes); i += 2 {
		for j := 0; j < len(params); j += 2 {
			if params[j] == changes[i] {
				params = slices.Delete(params, j, j+2)
				break
			}
		}
		if changes[i+1] != "" {
			params = append(params, changes[i], changes[i+1])
		}
	}
	return params
}
