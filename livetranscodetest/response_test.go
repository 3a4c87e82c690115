package livetranscodetest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestResponseShape(t *testing.T) {
	t.Parallel()
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
				if requestID.FindString(r.RequestID) != r.RequestID || r.header.Get("X-Acs-Request-Id") != r.RequestID {
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
					t.Errorf("the error lacks a field: %s", r.body)
				}
			})
		}
	}
}

var requestID = regexp.MustCompile(`[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}`)

// A response in memory is the one that a client gets over TCP.
func TestResponseInMemoryAsOverTCP(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]livetranscodetest.Fault{
		"usual":              {Latency: 1},
		"error":              {Code: "Throttling.User", RetryAfter: time.Second},
		"page":               {StatusCode: 502, Body: "<html>page</html>"},
		"empty":              {StatusCode: 502},
		"no content":         {StatusCode: 204},
		"no content, body":   {StatusCode: 204, Body: "ignored", Header: http.Header{"Content-Type": {"text/plain"}}},
		"no content, code":   {StatusCode: 204, Code: "Ignored"},
		"not modified":       {StatusCode: 304},
		"not modified, all":  {StatusCode: 304, Body: "ignored", Header: http.Header{"Content-Type": {"text/plain"}, "Etag": {"x"}}},
		"not modified, code": {StatusCode: 304, Code: "Ignored"},
		"reset content":      {StatusCode: 205, Body: "body"},
		"redirect":           {StatusCode: 302, Header: http.Header{"location": {"/elsewhere"}}},
		"removed headers":    {Header: http.Header{"date": nil, "content-type": nil, "x-acs-request-id": {}}},
		"unknown status":     {StatusCode: 599, Body: "x"},
		"length too long":    {Header: http.Header{"content-length": {"1000"}}},
		"length too short":   {StatusCode: 502, Body: "<html>page</html>", Header: http.Header{"Content-Length": {"10"}}},
		"length removed":     {Header: http.Header{"content-length": nil}},
		"length as is":       {StatusCode: 502, Body: "0123456789", Header: http.Header{"content-length": {"10"}}},
		"length, no content": {StatusCode: 204, Header: http.Header{"Content-Length": {"10"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			tcp := httptest.NewServer(srv)
			t.Cleanup(tcp.Close)
			var all []string
			for _, over := range []http.RoundTripper{srv.Transport(), tcp.Client().Transport} {
				srv.Inject(fault)
				resp, err := over.RoundTrip(call{action: "ListLiveTranscodeJobs", url: tcp.URL + "/"}.sign(t))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				for name, values := range resp.Header {
					if name == "Date" || name == "X-Acs-Request-Id" {
						resp.Header[name] = []string{fmt.Sprintf("%d value", len(values))} // differs between requests
					}
				}
				body = requestID.ReplaceAll(body, []byte("ID"))
				all = append(all, fmt.Sprintf("%d %d %v %s %v", resp.StatusCode, resp.ContentLength, resp.Header, body, err))
			}
			if diff := cmp.Diff(all[1], all[0]); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(all[0], "gnored") {
				t.Errorf("there is a body: %s", all[0])
			}
		})
	}
}
