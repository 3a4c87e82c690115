package livetranscode

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// signedHeaders returns the names that the signature covers.
func signedHeaders(req *http.Request) string {
	_, rest, _ := strings.Cut(req.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	return names
}

func TestSignHeaders(t *testing.T) {
	t.Parallel()
	for _, add := range []http.Header{
		{"Accept": {"application/json"}, "User-Agent": {"x"}, "accept": {"*/*"}, "X-Acsx": {"1"}, "Date": {"now"}},
		{"Content-Type": {"text/plain"}},
		{"X-Acs-Accesskey-Id": {"id"}},
		{"X-Acs-Z": {" \ta b\t "}},
		{"X-Acs-Z": {"1"}, "X-Acs-Z-A": {"2"}},
		{"X-Acs-Z": {""}},
		{"X-Acs-Z": {}},
		{"X-Acs-Z": {"b ", " c", "a"}},
		{"X-Acs-Z": {"b"}, "x-acs-z": {"a"}, "X-ACS-Z": {"c"}},
		{"x-acs-version": {"2020-11-09", "1"}, "X-ACS-VERSION": {"0"}},
		{acs3.HeaderAction: nil, "x-acs-ACTION": {"B"}},
		{acs3.HeaderAction: {"B", "A"}},
		{"x-acs-date": {"1"}, "X-ACS-Signature-Nonce": {"2", "3"}, "authorization": {"x"}, acs3.HeaderDate: {"4", "5"}},
		{"Host": {"other"}},
	} {
		for range 20 { // the order of a map varies
			req := signable(t, "https://host/")
			maps.Copy(req.Header, add)
			mustSign(t, new(Signer), req, nil, signerCreds)
		}
	}
}

func TestSignToken(t *testing.T) {
	t.Parallel()
	req := signable(t, "https://host/")
	temporary := Credentials{AccessKeyID: "STS.id", AccessKeySecret: "secret", SecurityToken: "the+token/=="}
	var signer Signer
	mustSign(t, &signer, req, nil, temporary)
	if got := req.Header[acs3.HeaderSecurityToken]; !slices.Equal(got, []string{"the+token/=="}) {
		t.Errorf("token header %q", got)
	}
	if !strings.Contains(signedHeaders(req), ";x-acs-security-token;") {
		t.Errorf("the token is not signed: %s", signedHeaders(req))
	}
}

func TestSignAgain(t *testing.T) {
	t.Parallel()
	first := Credentials{AccessKeyID: "STS.first", AccessKeySecret: "first", SecurityToken: "first-token"}
	later := signerTime.Add(time.Hour)
	for _, spell := range []struct {
		name string
		of   func(string) string
	}{
		{"as net/http spells", http.CanonicalHeaderKey},
		{"lower case", strings.ToLower},
		{"upper case", strings.ToUpper},
	} {
		t.Run(spell.name, func(t *testing.T) {
			t.Parallel()
			req := signable(t, "https://host/?b=2&a=1")
			var signer Signer
			mustSign(t, &signer, req, []byte("first body"), first)
			respelt := make(http.Header)
			for name, values := range req.Header {
				respelt[spell.of(name)] = values
			}
			req.Header = respelt
			mustSignAt(t, &signer, req, nil, signerCreds, later, "second-nonce")
			got := make(http.Header)
			for name, values := range req.Header {
				got[http.CanonicalHeaderKey(name)] = append(got[http.CanonicalHeaderKey(name)], values...)
			}
			got.Del("Authorization")
			want := http.Header{
				acs3.HeaderAction: {"GetLiveTranscodeJob"}, acs3.HeaderVersion: {"2020-11-09"}, acs3.HeaderContentSHA256: {acs3.EmptyBodyHash},
				acs3.HeaderDate: {"2022-07-20T03:48:58Z"}, acs3.HeaderNonce: {"second-nonce"},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("headers after the second signature:\n%s", diff)
			}
		})
	}
}

// TestSignLeavesNothing checks that nothing of one signature is in the next, and that the headers that Sign sets are
// in the request once.
func TestSignLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, old := range []http.Header{
		{acs3.HeaderSecurityToken: {""}},
		{acs3.HeaderSecurityToken: {" "}},
		{acs3.HeaderSecurityToken: {"old"}},
		{acs3.HeaderSecurityToken: {"a", "b"}},
		{acs3.HeaderSecurityToken: nil},
		{"x-acs-security-token": {"old"}},
		{"authorization": {"old"}, "AUTHORIZATION": {"older"}},
		{"x-acs-DATE": {"old"}, acs3.HeaderDate: {"older", "oldest"}},
	} {
		var signer Signer
		req := signable(t, "https://host/")
		maps.Copy(req.Header, old)
		mustSign(t, &signer, req, nil, signerCreds)
		for key, values := range req.Header {
			if key != http.CanonicalHeaderKey(key) || key == acs3.HeaderSecurityToken && len(values) > 0 {
				t.Errorf("of %v, %s: %q is left", old, key, req.Header[key])
			}
		}
	}
	var signer Signer // shared, with its state
	temporary := Credentials{AccessKeyID: "STS.id", AccessKeySecret: "secret", SecurityToken: "CANARY"}
	for range 20 {
		private := signable(t, "https://host/")
		private.Header["X-Acs-Private"], private.Header["Content-Type"] = []string{"CANARY"}, []string{"CANARY"}
		mustSign(t, &signer, private, nil, temporary)
		plain := signable(t, "https://host/")
		mustSign(t, &signer, plain, nil, signerCreds)
		if all := fmt.Sprint(plain.Header); strings.Contains(all, "private") || strings.Contains(all, "CANARY") {
			t.Fatalf("the headers of one request are in another: %v", plain.Header)
		}
	}
}

// The values of the headers share an array. A caller that appends to one must not change another.
func TestSignHeadersAreSeparate(t *testing.T) {
	t.Parallel()
	req := signable(t, "https://host/")
	var signer Signer
	mustSign(t, &signer, req, nil, Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"})
	for _, name := range []string{acs3.HeaderDate, acs3.HeaderNonce, acs3.HeaderContentSHA256, acs3.HeaderSecurityToken} {
		before := req.Header.Clone()
		req.Header.Add(name, "more")
		req.Header[name] = req.Header[name][:1]
		if diff := cmp.Diff(before, req.Header); diff != "" {
			t.Errorf("appending to %s changed:\n%s", name, diff)
		}
	}
}
