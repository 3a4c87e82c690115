package livetranscode_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// meddler is a transport that changes requests on their way.
type meddler struct {
	next   http.RoundTripper
	change func(*http.Request)
}

func (m meddler) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	m.change(req)
	return m.next.RoundTrip(req)
}

func TestSignatureEcho(t *testing.T) {
	t.Parallel()
	creds := livetranscode.Credentials{AccessKeyID: "key-id", AccessKeySecret: "key-secret", SecurityToken: "session-token"}
	sees := func(part string) string {
		return "the request was altered in transit: " + part + " differs from what was signed"
	}
	const unknown = acs3.UnknownMismatch
	tests := []struct {
		name   string
		secret string
		change func(*http.Request)
		want   string
	}{
		{"wrong secret", "other-secret", func(*http.Request) {}, "the access key secret is wrong"},
		{"method", "", func(r *http.Request) { r.Method = http.MethodGet }, sees("the method")},
		{"query value", "", func(r *http.Request) { r.URL.RawQuery = "JobId=someone-elses" }, sees("the query parameter JobId")},
		{"query key added", "", func(r *http.Request) { r.URL.RawQuery += "&tracking=1234567" }, sees("the query parameter tracking")},
		{"query key not fit to be shown", "", func(r *http.Request) { r.URL.RawQuery += "&%3Cb%3E=1234567" }, sees("the query")},
		{"query key lost", "", func(r *http.Request) { r.URL.RawQuery = "" }, sees("the query parameter JobId")},
		{"host", "", func(r *http.Request) { r.Host = "proxy.example" }, sees("the header host")},
		{"header", "", func(r *http.Request) {
			r.Header.Set("X-Acs-Date", time.Now().Add(5*time.Second).UTC().Format("2006-01-02T15:04:05Z"))
		}, sees("the header x-acs-date")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(creds))
			secret := creds.AccessKeySecret
			if tt.secret != "" {
				secret = tt.secret
			}
			client := srv.Client(
				livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, secret, creds.SecurityToken)),
				livetranscode.WithHTTPClient(&http.Client{Transport: meddler{srv.Transport(), tt.change}}))
			_, err := client.GetLiveTranscodeJob(t.Context(), "job-of-ours")
			var api *livetranscode.APIError
			if !errors.As(err, &api) || api.Code != "SignatureDoesNotMatch" || api.Message != tt.want {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			for _, value := range []string{"job-of-ours", "someone-elses", "1234567", "key-secret", "other-secret", "session-token", "proxy.example"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("%q is in %v", value, err)
				}
			}
		})
	}
	for _, message := range []string{
		"", "The signature does not match.", "server CanonicalRequest is [", "server CanonicalRequest is []",
		"server CanonicalRequest is [POST\n/\n]", "server StringToSign is [ACS3-HMAC-SHA256\n00]",
		"server CanonicalRequest is [POST /?JobId=job-of-ours]",
	} {
		srv := livetranscodetest.NewServer()
		srv.Inject(livetranscodetest.Fault{Code: "SignatureDoesNotMatch", Message: message})
		_, err := srv.Client().GetLiveTranscodeJob(t.Context(), "job-of-ours")
		var api *livetranscode.APIError
		if !errors.As(err, &api) || api.Message != unknown {
			t.Errorf("for another form, %q, the hint is %v", message, err)
		}
	}
}
