package livetranscode

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// TestRequestOnTheWire shows the bytes of one call.
func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	s := newRawServer(t, always(rawResponse(200, documentedJob), keepOpen))
	c := s.client(t, WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)), WithUserAgent("product/1.4"))
	const jobID = "****20b4 8f+/=&*~ü"
	if _, err := c.GetLiveTranscodeJob(t.Context(), jobID); err != nil {
		t.Fatal(err)
	}
	heads, _ := s.seen()
	lines := strings.Split(strings.TrimSuffix(heads[0], "\r\n\r\n"), "\r\n")
	if want := "POST /?JobId=%2A%2A%2A%2A20b4%208f%2B%2F%3D%26%2A~%C3%BC HTTP/1.1"; lines[0] != want {
		t.Errorf("the request line is %q, want %q", lines[0], want)
	}
	sent := make(map[string]string)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if _, twice := sent[strings.ToLower(name)]; twice {
			t.Errorf("header %s is sent twice", name)
		}
		sent[strings.ToLower(name)] = value
	}
	patterns := map[string]string{
		"host":                  regexp.QuoteMeta(strings.TrimPrefix(s.url, "http://")),
		"user-agent":            `livetranscode-go/\S+ \(.+\) go\S+.* product/1\.4`,
		"content-length":        "0",
		"accept":                "application/json",
		"accept-encoding":       "gzip",
		"x-acs-action":          "GetLiveTranscodeJob",
		"x-acs-version":         "2020-11-09",
		"x-acs-date":            `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`,
		"x-acs-signature-nonce": `[A-Z2-7]{26}`,
		"x-acs-content-sha256":  acs3.EmptyBodyHash,
		"x-acs-security-token":  regexp.QuoteMeta(testToken),
		"authorization": "ACS3-HMAC-SHA256 Credential=" + testKeyID + ",SignedHeaders=host;x-acs-action;x-acs-content-sha256;" +
			"x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version,Signature=[0-9a-f]{64}",
	}
	for name, pattern := range patterns {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(sent[name]) {
			t.Errorf("header %s is %q, want %s", name, sent[name], pattern)
		}
	}
	for name := range sent {
		if patterns[name] == "" {
			t.Errorf("header %s is sent, which the service does not need", name)
		}
	}
}

// TestEveryOperationOnTheWire checks what all requests share, and that what was signed is what arrives.
func TestEveryOperationOnTheWire(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			s := newRawServer(t, always(rawResponse(200, op.success), keepOpen))
			if err := op.call(t.Context(), s.client(t)); err != nil {
				t.Fatal(err)
			}
			heads, _ := s.seen()
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(heads[0])))
			if err != nil {
				t.Fatal(err)
			}
			if req.Method != "POST" || req.Proto != "HTTP/1.1" || req.URL.Path != "/" || !strings.Contains(heads[0], "\r\nContent-Length: 0\r\n") {
				t.Errorf("the request starts with %q", heads[0])
			}
			if _, ok := req.Header["Content-Type"]; ok {
				t.Error("Content-Type is sent without a body")
			}
			if got := req.Header.Get("x-acs-action"); got != op.name {
				t.Errorf("x-acs-action is %q", got)
			}
			at, err := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("x-acs-date is %q", req.Header.Get("x-acs-date"))
			}
			if !signedWith(req, Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}) {
				t.Errorf("the query %q and Authorization %q are not what signing the request gives", req.URL.RawQuery, req.Header.Get("Authorization"))
			}
		})
	}
}

// TestReplacedDefaultTransport checks that a client that was told to use http.DefaultTransport uses its replacement, as
// httpmock.Activate and others set it, and that a client with a transport of its own does not.
//
// Not parallel: it replaces http.DefaultTransport.
func TestReplacedDefaultTransport(t *testing.T) { //nolint:paralleltest // see above
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	httpmock.RegisterResponder("POST", "https://ice.cn-shanghai.aliyuncs.com/", httpmock.NewStringResponder(200, anySuccess))
	hc := new(http.Client)
	for _, provider := range []CredentialsProvider{StaticCredentials(testKeyID, testSecret, ""), FromCredential(nil)} {
		c, err := NewClient(WithHTTPClient(hc), WithCredentials(provider))
		if err != nil {
			t.Fatal(err)
		}
		if err := getJob(t.Context(), c); err != nil && !errors.Is(err, ErrNoCredentials) {
			t.Error(err)
		}
		c.CloseIdleConnections()
	}
	if got := httpmock.GetTotalCallCount(); got != 1 {
		t.Errorf("%d requests were sent through it, want 1", got)
	}
	if hc.Transport != nil || hc.CheckRedirect != nil || hc.Jar != nil || hc.Timeout != 0 {
		t.Errorf("the caller's client was changed: %+v", hc)
	}
	s := newRawServer(t, always(rawResponse(200, anySuccess), keepOpen))
	if err := getJob(t.Context(), s.client(t)); err != nil {
		t.Error(err)
	}
	if got := httpmock.GetTotalCallCount(); got != 1 {
		t.Error("a client with a transport of its own uses http.DefaultTransport")
	}
}

// TestCallsThroughHTTPMock calls each operation on a mock that tells them apart by x-acs-action.
func TestCallsThroughHTTPMock(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	for _, op := range allOperations {
		mock.RegisterMatcherResponder("POST", "https://ice.cn-shanghai.aliyuncs.com/",
			httpmock.HeaderIs("x-acs-action", op.name), httpmock.NewStringResponder(200, op.success))
	}
	c := clientOver(t, mock)
	for _, op := range allOperations {
		if err := op.call(t.Context(), c); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	if got := mock.GetTotalCallCount(); got != len(allOperations) {
		t.Errorf("%d requests were sent, want %d", got, len(allOperations))
	}
}

// TestChangelogVersion: the newest version in the changelog is the one that the User-Agent header names.
func TestChangelogVersion(t *testing.T) {
	t.Parallel()
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## v?(\d\S*)`).FindSubmatch(changelog)
	if newest == nil {
		t.Fatal("CHANGELOG.md has no heading with a version")
	}
	if got := string(newest[1]); got != version {
		t.Errorf("the newest version in CHANGELOG.md is %s, the constant version is %s", got, version)
	}
}

// TestHeadersAreNotShared checks that a transport or middleware that overwrites the values of headers in place changes
// neither other requests nor, as a middleware, its own.
func TestHeadersAreNotShared(t *testing.T) {
	t.Parallel()
	overwrite := func(header http.Header) {
		for _, values := range header {
			for i := range values {
				values[i] = "overwritten"
			}
		}
	}
	careless := step(func(req *http.Request) (*http.Response, error) {
		overwrite(req.Header)
		return success(req)
	})
	before := wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		overwrite(req.Header)
		return next.RoundTrip(req)
	})
	after := wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		overwrite(req.Header)
		return resp, err
	})
	for name, tt := range map[string]struct {
		first step
		opts  []Option
	}{
		"transport":                   {careless, nil},
		"middleware before next":      {success, []Option{before}},
		"middleware after next":       {success, []Option{after}},
		"transport behind middleware": {careless, []Option{before}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(tt.first)
			c, other := clientOver(t, rt, tt.opts...), clientOver(t, rt)
			for _, c := range []*Client{c, c, other} {
				if err := getJob(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			for i, req := range rt.requests(t) {
				if text := fmt.Sprint(req.header); strings.Contains(text, "overwritten") || req.header.Get("X-Acs-Action") != "GetLiveTranscodeJob" ||
					req.header.Get("X-Acs-Version") != apiVersion || req.header.Get("Accept") != "application/json" {
					t.Errorf("request %d has the headers %s", i, text)
				}
			}
		})
	}
}
