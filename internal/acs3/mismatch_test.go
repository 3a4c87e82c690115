package acs3_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// An alteringTransport changes requests in transit.
type alteringTransport struct {
	next   http.RoundTripper
	change func(*http.Request)
}

func (a alteringTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	a.change(req)
	return a.next.RoundTrip(req)
}

// TestExplainMismatch takes the canonical requests of the service from the emulator, which has code of its own.
func TestExplainMismatch(t *testing.T) {
	t.Parallel()
	creds := livetranscode.Credentials{AccessKeyID: "key-id", AccessKeySecret: "key-secret", SecurityToken: "session-token"}
	differs := func(part string) string {
		return "the request was altered in transit: " + part + " differs from what was signed"
	}
	for _, test := range []struct {
		name   string
		secret string
		change func(*http.Request)
		want   string
	}{
		{"wrong secret", "other-secret", func(*http.Request) {}, acs3.WrongSecret},
		{"method", "", func(r *http.Request) { r.Method = http.MethodGet }, differs("the method")},
		{"query value", "", func(r *http.Request) { r.URL.RawQuery = "JobId=someone-elses" }, differs("the query parameter JobId")},
		{"query key added", "", func(r *http.Request) { r.URL.RawQuery += "&tracking=1234567" }, differs("the query parameter tracking")},
		{"query key that is not shown", "", func(r *http.Request) { r.URL.RawQuery += "&%3Cb%3E=1234567" }, differs("the query")},
		{"query key lost", "", func(r *http.Request) { r.URL.RawQuery = "" }, differs("the query parameter JobId")},
		{"host", "", func(r *http.Request) { r.Host = "proxy.example" }, differs("the header host")},
		{"header", "", func(r *http.Request) {
			r.Header.Set("X-Acs-Date", time.Now().Add(5*time.Second).UTC().Format("2006-01-02T15:04:05Z"))
		}, differs("the header x-acs-date")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(creds))
			secret := creds.AccessKeySecret
			if test.secret != "" {
				secret = test.secret
			}
			client := srv.Client(
				livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, secret, creds.SecurityToken)),
				livetranscode.WithHTTPClient(&http.Client{Transport: alteringTransport{srv.Transport(), test.change}}))
			_, err := client.GetLiveTranscodeJob(t.Context(), "job-of-ours")
			var api *livetranscode.APIError
			if !errors.As(err, &api) || api.Code != "SignatureDoesNotMatch" || api.Message != test.want {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			for _, value := range []string{
				"someone-elses", "1234567", "key-secret", "other-secret", "session-token", "proxy.example",
			} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("%q is in %v", value, err)
				}
			}
		})
	}
}

func TestExplainMismatchOfOtherMessages(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"", "The signature does not match.", "server CanonicalRequest is [", "server CanonicalRequest is []",
		"server CanonicalRequest is [POST\n/\n]", "server StringToSign is [ACS3-HMAC-SHA256\n00]",
		"server CanonicalRequest is [POST /?JobId=job-of-ours]",
	} {
		srv := livetranscodetest.NewServer()
		srv.Inject(livetranscodetest.Fault{Code: "SignatureDoesNotMatch", Message: message})
		_, err := srv.Client().GetLiveTranscodeJob(t.Context(), "job-of-ours")
		var api *livetranscode.APIError
		if !errors.As(err, &api) || api.Message != acs3.UnknownMismatch {
			t.Errorf("the explanation of %q is %v", message, err)
		}
	}
}

func TestLeaksRequest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"SignatureDoesNotMatch":                           true,
		"IncompleteSignature":                             true,
		"server StringToSign is [ACS3-HMAC-SHA256\n00]":   true,
		"server CanonicalRequest is [POST\n/\nJobId=1\n]": true,
		"SignatureNonceUsed":                              false,
		"Specified signature nonce was used already.":     false,
		"": false,
	} {
		if got := acs3.LeaksRequest(text); got != want {
			t.Errorf("LeaksRequest(%q) = %t", text, got)
		}
	}
}

// FuzzExplainMismatch checks that an explanation shows no value, neither one that was signed nor one of the message.
func FuzzExplainMismatch(f *testing.F) {
	f.Add("server CanonicalRequest is [", "POST", "/", "JobId", "x-acs-date", "]")
	f.Add("server StringToSign is [ACS3-HMAC-SHA256\n00] server CanonicalRequest is [", "GET", "/a", "Other", "host", "]")
	f.Add("", "", "", "", "", "")
	f.Add(`server CanonicalRequest is [POST\n/\n`, "\n", "=", "&", ":", "]]")
	f.Fuzz(func(t *testing.T, before, method, path, key, name, after string) {
		const ours, theirs = "OURVALUE", "THEIRVALUE"
		if all := before + method + path + key + name + after; strings.Contains(all, "VALUE") || strings.Contains(all, "OUR") {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host/?A="+ours+"&JobId="+ours, nil)
		if err != nil {
			t.Fatal(err)
		}
		creds := livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: ours + "token"}
		if err := new(livetranscode.Signer).Sign(req, nil, creds, time.Unix(0, 0), ours+"nonce"); err != nil {
			t.Fatal(err)
		}
		canonical := acs3.CanonicalRequest(req)
		if got := acs3.ExplainMismatch("server CanonicalRequest is ["+canonical+"]", req); got != acs3.WrongSecret {
			t.Errorf("the explanation of equal requests is %q", got)
		}
		changed := strings.NewReplacer(
			"POST\n/\n", method+"\n"+path+"\n", "JobId="+ours, key+"="+theirs, "x-acs-security-token:"+ours, name+":"+theirs,
		).Replace(canonical)
		for _, message := range []string{
			before + changed + after, before + theirs + after, before + key + "=" + theirs + after,
			"server CanonicalRequest is [" + changed + "]",
			"server CanonicalRequest is [" + strings.ReplaceAll(changed, "\n", `\n`) + "]",
		} {
			got := acs3.ExplainMismatch(message, req)
			if strings.Contains(got, "VALUE") || acs3.HasControl(got) || !utf8.ValidString(got) || len(got) > 200 {
				t.Errorf("the explanation of %q is %q", message, got)
			}
		}
	})
}
