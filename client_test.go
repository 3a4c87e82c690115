package livetranscode

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// TestRequestOnTheWire shows the bytes of the mission's call.
func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	w := newRawServer(t, func(int, string) (string, connectionEnd) { return rawResponse(200, documentedJob), keepOpen })
	c := w.client(t, WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)), WithUserAgent("product/1.4"))
	const jobID = "****20b4 8f+/=&*~ü"
	if _, err := c.GetLiveTranscodeJob(t.Context(), jobID); err != nil {
		t.Fatal(err)
	}
	heads, _ := w.seen()
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
		"host":                  regexp.QuoteMeta(strings.TrimPrefix(w.url, "http://")),
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
			t.Errorf("header %s is sent, which the service does not ask for", name)
		}
	}
}

// TestGivenClientIsNotChanged: options copy what they are given.
func TestGivenClientIsNotChanged(t *testing.T) {
	t.Parallel()
	rt := newScript(respond(200, documentedJob))
	hc := &http.Client{Transport: rt, Timeout: time.Minute}
	before := *hc
	c := clientOver(t, nil, WithHTTPClient(hc))
	hc.Transport = newScript(failWith(errors.New("must not be used"))) // the client has its copy
	if err := getJob(t.Context(), c); err != nil {
		t.Error(err)
	}
	hc.Transport = rt
	if hc.Timeout != before.Timeout || hc.CheckRedirect != nil || hc.Jar != nil {
		t.Error("the given client was changed")
	}
}

// TestReplacedDefaultTransport: httpmock.Activate, and others, put a transport of their own in the place of
// net/http's. A client with a transport of its own does not notice; one that was told to use net/http's does.
//
// Not parallel: http.DefaultTransport.
func TestReplacedDefaultTransport(t *testing.T) { //nolint:paralleltest // see above
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	httpmock.RegisterResponder("POST", "https://ice.cn-shanghai.aliyuncs.com/", httpmock.NewStringResponder(200, anyAnswer))
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
		t.Errorf("%d requests were made through it, want 1", got)
	}
	if hc.Transport != nil || hc.CheckRedirect != nil || hc.Jar != nil || hc.Timeout != 0 {
		t.Errorf("the caller's client was changed: %+v", hc)
	}
	w := newRawServer(t, func(int, string) (string, connectionEnd) { return answers(200, anyAnswer), keepOpen })
	if err := getJob(t.Context(), w.client(t)); err != nil {
		t.Error(err)
	}
	if got := httpmock.GetTotalCallCount(); got != 1 {
		t.Error("a client with a transport of its own uses http.DefaultTransport")
	}
}

// TestCallsThroughHTTPMock runs each operation on a mock that tells them apart by x-acs-action.
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

// TestQueriesOfLists: filters for which 0 is real are sent, the rest is left out.
func TestQueriesOfLists(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		req  *ListLiveTranscodeJobsRequest
		want url.Values
	}{
		{nil, url.Values{}},
		{
			&ListLiveTranscodeJobsRequest{Status: new(JobStatusNotStarted), StartMode: new(StartModeImmediate)},
			url.Values{"Status": {"0"}, "StartMode": {"0"}},
		},
		{
			&ListLiveTranscodeJobsRequest{Type: "normal", PageNo: 2, PageSize: 50, SortBy: SortAscending, KeyWord: "a b"},
			url.Values{"Type": {"normal"}, "PageNo": {"2"}, "PageSize": {"50"}, "SortBy": {"asc"}, "KeyWord": {"a b"}},
		},
	} {
		rt := newScript(respond(200, `{"RequestId":"r","TotalCount":0,"JobList":[]}`))
		if _, err := clientOver(t, rt).ListLiveTranscodeJobs(t.Context(), tt.req); err != nil {
			t.Error(err)
			continue
		}
		raw := rt.requests(t)[0].query
		got, err := url.ParseQuery(raw)
		if err != nil || !maps.EqualFunc(got, tt.want, slices.Equal) {
			t.Errorf("the query is %q, want %v", cmp.Or(raw, "empty"), tt.want)
		}
		if strings.Contains(raw, "+") {
			t.Errorf("the query %q has a + for a space", raw)
		}
	}
}
