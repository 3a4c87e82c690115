package livetranscodetest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestRoute(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		edit               func(*http.Request)
		status             int
		code               string
	}{
		{"other path", "POST", "/jobs", nil, 404, "InvalidApi.NotFound"},
		{"double slash", "POST", "//", nil, 404, "InvalidApi.NotFound"},
		{"other method", "PUT", "/", nil, 400, "UnsupportedHTTPMethod"},
		{"bad query", "POST", "/", func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, 400, "InvalidParameter"},
		{"no action", "POST", "/", func(r *http.Request) { r.Header.Del("X-Acs-Action") }, 400, "MissingAction"},
		{"unknown action", "POST", "/", func(r *http.Request) { r.Header.Set("X-Acs-Action", "getlivetranscodejob") }, 404, "InvalidAction.NotFound"},
		{"no version", "POST", "/", func(r *http.Request) { r.Header.Del("X-Acs-Version") }, 400, "MissingVersion"},
		{"other version", "POST", "/", func(r *http.Request) { r.Header.Set("X-Acs-Version", "2014-05-26") }, 400, "InvalidVersion"},
		{"broken body", "POST", "/", func(r *http.Request) { r.Body = io.NopCloser(brokenReader{}) }, 400, "IncompleteBody"},
		{"large body", "POST", "/", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20+1))) }, 413, "RequestBodyTooLarge"},
		{"bad form", "POST", "/", func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Body = io.NopCloser(strings.NewReader("a=%zz"))
		}, 400, "InvalidParameter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, nil)
			req.URL.Path = tt.path
			req.Header.Set("X-Acs-Action", "ListLiveTranscodeJobs")
			req.Header.Set("X-Acs-Version", "2020-11-09")
			if tt.edit != nil {
				tt.edit(req)
			}
			w := httptest.NewRecorder()
			livetranscodetest.NewServer().ServeHTTP(w, req)
			var got struct{ Code string }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.status || got.Code != tt.code {
				t.Errorf("%d %s, want %d %s", w.Code, got.Code, tt.status, tt.code)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestFormBody(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "in the body"})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	r := send(t, srv.Transport(), call{body: "JobId=" + id, header: form}.sign(t))
	if r.Job["Name"] != "in the body" {
		t.Error(r.body)
	}
	r = send(t, srv.Transport(), call{body: "JobId=other", params: []string{"JobId", id}, header: form}.sign(t))
	if r.Job["Name"] != "in the body" {
		t.Errorf("the query does not win: %s", r.body)
	}
}

func TestAnswerShape(t *testing.T) {
	t.Parallel()
	uuid := regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
	srv := livetranscodetest.NewServer()
	tcp := httptest.NewServer(srv)
	t.Cleanup(tcp.Close)
	for _, over := range []struct {
		name string
		rt   http.RoundTripper
	}{{"in memory", srv.Transport()}, {"over TCP", tcp.Client().Transport}} {
		for _, action := range []string{"ListLiveTranscodeJobs", "GetLiveTranscodeJob"} {
			t.Run(over.name+" "+action, func(t *testing.T) {
				t.Parallel()
				r := send(t, over.rt, call{action: action, url: tcp.URL + "/"}.sign(t))
				if !uuid.MatchString(r.RequestID) || r.header.Get("X-Acs-Request-Id") != r.RequestID {
					t.Errorf("request ids %q and %q", r.RequestID, r.header.Get("X-Acs-Request-Id"))
				}
				if got := r.header.Get("Content-Type"); got != "application/json;charset=utf-8" {
					t.Errorf("Content-Type %q", got)
				}
				if r.header.Get("Content-Length") != fmt.Sprint(len(r.body)) {
					t.Errorf("Content-Length %q", r.header.Get("Content-Length"))
				}
				if _, err := http.ParseTime(r.header.Get("Date")); err != nil {
					t.Error(err)
				}
				if r.status != http.StatusOK && (r.HostID != strings.TrimPrefix(tcp.URL, "http://") || r.Recommend == "" || r.Message == "") {
					t.Errorf("an error misses something: %s", r.body)
				}
			})
		}
	}
}

func TestServerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				id := srv.AddJob(livetranscode.Job{})
				do(t, srv, "GetLiveTranscodeJob", "JobId", id)
				do(t, srv, "ListLiveTranscodeJobs", "Status", "1")
				srv.SetStatus(id, livetranscode.JobStatusInProgress)
				srv.Inject(livetranscodetest.Fault{Operation: "none", Times: -1})
				srv.SetClockOffset(0)
				_ = fmt.Sprint(srv, srv.Calls(), srv.Credentials())
				srv.RemoveJob(id)
			}
		})
	}
	wg.Wait()
}

func TestCalls(t *testing.T) {
	t.Parallel()
	const token, secret = "the-token", "the-secret"
	srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(
		livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: secret, SecurityToken: token}))
	c := call{
		creds:  livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: secret, SecurityToken: token},
		params: []string{"JobId", "j", "SecurityToken", token}, header: http.Header{"User-Agent": {"ua/1"}},
	}
	r := send(t, srv.Transport(), c.sign(t))
	c.action, c.params = "NoSuchAction", nil
	send(t, srv.Transport(), c.sign(t))

	calls := srv.Calls()
	if len(calls) != 2 {
		t.Fatal(calls)
	}
	if calls[0].Time.IsZero() {
		t.Error("a call without a time")
	}
	want := livetranscodetest.Call{
		Operation: "GetLiveTranscodeJob", Query: map[string][]string{"JobId": {"j"}}, Time: calls[0].Time, StatusCode: 404,
		Code: "InvalidParameter.ResourceNotFound", RequestID: r.RequestID, UserAgent: "ua/1", AccessKeyID: "id",
	}
	if diff := cmp.Diff(want, calls[0]); diff != "" {
		t.Error(diff)
	}
	if calls[1].Operation != "NoSuchAction" || calls[1].Code != "InvalidAction.NotFound" {
		t.Error(calls[1])
	}
	calls[0].Query.Set("JobId", "changed")
	if got := srv.Calls()[0].Query.Get("JobId"); got != "j" {
		t.Error("Calls hands out its own memory")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, text := range []string{fmt.Sprintf(verb, srv), fmt.Sprintf(verb, struct{ s *livetranscodetest.Server }{srv}), fmt.Sprintf(verb, srv.Calls())} {
			if strings.Contains(text, token) || strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s shows a secret: %s", verb, text)
			}
		}
	}
	srv.ResetCalls()
	if n := len(srv.Calls()); n != 0 {
		t.Errorf("%d calls after ResetCalls", n)
	}
}

func TestCallsKeepsTheLast10000(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	const n = 10_000
	for i := range n + 7 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/?i=%d", endpoint, i), nil)
		if err != nil {
			t.Fatal(err)
		}
		send(t, srv.Transport(), req)
	}
	calls := srv.Calls()
	if len(calls) != n {
		t.Fatalf("%d calls", len(calls))
	}
	for i, c := range calls {
		if c.Query.Get("i") != fmt.Sprint(i+7) {
			t.Fatalf("call %d has i=%s", i, c.Query.Get("i"))
		}
	}
}

func FuzzServer(f *testing.F) {
	f.Add("POST", "/", "JobId=j", "X-Acs-Action: GetLiveTranscodeJob\r\nX-Acs-Version: 2020-11-09\r\n", []byte(nil))
	f.Add("GET", "/%2e", "a=%zz;b", "Authorization: ACS3-HMAC-SHA256 Credential=,SignedHeaders=;;,Signature=\r\n", []byte("x"))
	f.Add("POST", "/", "", "X-Acs-Action: ListLiveTranscodeJobs\r\nX-Acs-Version: 2020-11-09\r\nX-Acs-Date: 2022-07-20T02:48:58Z\r\n"+
		"X-Acs-Signature-Nonce: n\r\nX-Acs-Content-Sha256: e3\r\nAuthorization: ACS3-HMAC-SHA256 Credential=emulator-key-id,"+
		"SignedHeaders=host;x-acs-action;x-acs-version;x-acs-date;x-acs-signature-nonce;x-acs-content-sha256,Signature=00\r\n", []byte("a=b"))
	f.Fuzz(func(t *testing.T, method, path, query, headers string, body []byte) {
		raw := fmt.Appendf(nil, "%s %s?%s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n%s", method, path, query, headers, len(body), body)
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		srv := livetranscodetest.NewServer()
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		if w.Code < 400 {
			t.Errorf("an unsigned request is accepted: %d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("not JSON: %q", w.Body)
		}
		if calls := srv.Calls(); len(calls) != 1 || calls[0].StatusCode != w.Code {
			t.Errorf("recorded as %v", calls)
		}
	})
}
