package livetranscode

import (
	"crypto/fips140"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/google/go-cmp/cmp"
)

// wantRefusal signs what cannot be signed: the error names the field, and the request is unchanged.
func wantRefusal(t *testing.T, req *http.Request, creds Credentials, nonce, field string) {
	t.Helper()
	before := *req
	before.Header = req.Header.Clone()
	if req.URL != nil {
		u := *req.URL
		before.URL = &u
	}
	var signer Signer
	err := signer.Sign(req, []byte("body"), creds, signerTime, nonce)
	var refused *ParamError
	if !errors.As(err, &refused) || refused.Field != field || refused.Operation != "Sign" {
		t.Fatalf("error %v, want a *ParamError of Sign for %s", err, field)
	}
	if !errors.Is(err, ErrInvalidRequest) {
		t.Errorf("%v is not ErrInvalidRequest", err)
	}
	for _, value := range []string{creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken, nonce} {
		if value = strings.TrimSpace(value); len(value) > 2 && strings.Contains(err.Error(), value) {
			t.Errorf("the error shows a value: %v", err)
		}
	}
	if diff := cmp.Diff(before.Header, req.Header); diff != "" {
		t.Errorf("header changed:\n%s", diff)
	}
	if diff := cmp.Diff(before.URL, req.URL); diff != "" {
		t.Errorf("URL changed:\n%s", diff)
	}
}

type failingBody struct{ t *testing.T }

func (b failingBody) Read([]byte) (int, error) { b.t.Error("Sign reads the body"); return 0, io.EOF }

func (b failingBody) Close() error { b.t.Error("Sign closes the body"); return nil }

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	good := Credentials{AccessKeyID: "good-id", AccessKeySecret: "good-secret", SecurityToken: "good-token"}
	for _, field := range []string{"AccessKeyID", "AccessKeySecret", "SecurityToken", "nonce"} {
		for _, value := range []string{
			"", "sesame\n", "ses\name", "ses\rame", "ses\x00ame", "ses\tame", "ses\x7fame", " sesame", "sesame ", "\u00a0sesame", "sesame\u2003",
		} {
			if value == "" && field == "SecurityToken" {
				continue
			}
			t.Run(field+" "+strconv.Quote(value), func(t *testing.T) {
				t.Parallel()
				creds, nonce := good, "good-nonce"
				switch field {
				case "AccessKeyID":
					creds.AccessKeyID = value
				case "AccessKeySecret":
					creds.AccessKeySecret = value
				case "SecurityToken":
					creds.SecurityToken = value
				default:
					nonce = value
				}
				wantRefusal(t, signable(t, "https://host/?b=2&a=1"), creds, nonce, field)
			})
		}
	}
	for _, test := range []struct {
		name, field string
		req         *http.Request
	}{
		{"no URL", "URL", &http.Request{Host: "host"}},
		{"opaque", "URL", &http.Request{URL: &url.URL{Scheme: "https", Opaque: "//host/"}}},
		{"no host", "URL.Host", &http.Request{URL: &url.URL{Scheme: "https", Path: "/"}}},
		{"no header, bad query", "URL.RawQuery", &http.Request{URL: &url.URL{Host: "host", RawQuery: ";"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, test.req, good, "nonce", test.field)
		})
	}
}

// TestShortSecretInFIPSMode runs in FIPS 140-only mode, in which package crypto/hmac panics over a short key.
func TestShortSecretInFIPSMode(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		if !fips140.Enforced() {
			t.Skip("this build has no FIPS 140-only mode")
		}
		short := Credentials{AccessKeyID: "id", AccessKeySecret: "13-byte-secre", SecurityToken: "token"}
		long := short
		long.AccessKeySecret += "t"
		wantRefusal(t, signable(t, "https://host/"), short, "nonce", "AccessKeySecret")
		mustSign(t, new(Signer), signable(t, "https://host/"), nil, long)

		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) { return model("id", short.AccessKeySecret, ""), nil }}
		script := newScript(respond(http.StatusOK, documentedJob))
		for name, provider := range map[string]CredentialsProvider{
			"static": StaticCredentials(short.AccessKeyID, short.AccessKeySecret, ""), "credential": FromCredential(source),
		} {
			err := getJob(t.Context(), clientOver(t, script, WithCredentials(provider)))
			var call *CallError
			if !errors.As(err, &call) || isPermanent(err) || !strings.Contains(err.Error(), "AccessKeySecret is shorter than 14 bytes") {
				t.Errorf("%s: the error is %v, want a transient *CallError", name, err)
			}
		}
		script.wantRequests(t, 0)
		if err := getJob(t.Context(), clientOver(t, script, WithCredentials(StaticCredentials("id", long.AccessKeySecret, "")))); err != nil {
			t.Error(err)
		}
	}, "GODEBUG=fips140=only")
}

func TestSignWithoutHeader(t *testing.T) {
	t.Parallel()
	var signer Signer
	mustSign(t, &signer, &http.Request{URL: &url.URL{Scheme: "https", Host: "host"}}, nil, signerCreds)
}
