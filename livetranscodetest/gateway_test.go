package livetranscodetest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
		t.Errorf("the query does not override the body: %s", r.body)
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
