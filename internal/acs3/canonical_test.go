package acs3

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newRequest returns a request with the headers of a client's request that has permanent credentials.
func newRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{
		HeaderAction: {"GetLiveTranscodeJob"}, HeaderVersion: {"2020-11-09"}, HeaderContentSHA256: {EmptyBodyHash},
		HeaderDate: {"2022-07-20T02:48:58Z"}, HeaderNonce: {"nonce-0001"},
	}}
}

func TestCanonicalRequest(t *testing.T) {
	t.Parallel()
	const want = `POST
/a%20b/
A=1&JobId=%2A%2A
content-type:text/plain
host:ice.cn-shanghai.aliyuncs.com
x-acs-action:GetLiveTranscodeJob
x-acs-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-acs-date:2022-07-20T02:48:58Z
x-acs-security-token:token
x-acs-signature-nonce:nonce-0001
x-acs-version:2020-11-09

content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`
	req := newRequest(t, "https://ice.cn-shanghai.aliyuncs.com/a b/?A=1&JobId=%2A%2A")
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("Accept", "application/json")
	req.Header.Set(HeaderSecurityToken, "token")
	if diff := cmp.Diff(want, CanonicalRequest(req)); diff != "" {
		t.Error(diff)
	}
	req.Method = "" // net/http sends GET
	if got := CanonicalRequest(req); got != strings.Replace(want, "POST", "GET", 1) {
		t.Errorf("without a method:\n%s", got)
	}
}

// TestCanonicalRequestOnlyReads also has headers that a proxy could have added.
func TestCanonicalRequestOnlyReads(t *testing.T) {
	t.Parallel()
	req := newRequest(t, "https://host/")
	req.Header["x-acs-date"], req.Header["authorization"] = []string{"1"}, []string{"2"}
	before := req.Header.Clone()
	CanonicalRequest(req)
	if diff := cmp.Diff(before, req.Header); diff != "" {
		t.Error(diff)
	}
}

func TestCanonicalQuery(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, raw, want string }{
		{"no query", "", ""},
		{"canonical already", "A=1&B=%2A%20", "A=1&B=%2A%20"},
		{"plus is a space", "a=b+c", "a=b%20c"},
		{"space", "a=b%20c", "a=b%20c"},
		{"encoded plus stays a plus", "a=b%2Bc", "a=b%2Bc"},
		{"star", "a=****20b4****", "a=%2A%2A%2A%2A20b4%2A%2A%2A%2A"},
		{"tilde", "a=~", "a=~"},
		{"encoded tilde", "a=%7E", "a=~"},
		{"slash", "a=rtmp://h/a", "a=rtmp%3A%2F%2Fh%2Fa"},
		{"percent", "a=100%25", "a=100%25"},
		{"lower-case hex", "a=%e4%b8%ad", "a=%E4%B8%AD"},
		{"not ASCII", "a=中", "a=%E4%B8%AD"},
		{"not UTF-8", "a=%FF", "a=%FF"},
		{"needlessly encoded", "%61=%62", "a=b"},
		{"empty value", "a=", "a="},
		{"no equals sign", "a", "a="},
		{"no equals sign in the middle", "a&b=1", "a=&b=1"},
		{"empty name", "=1", "=1"},
		{"equals sign in a value", "a=b=c", "a=b%3Dc"},
		{"out of order", "b=2&a=1", "a=1&b=2"},
		{"upper case before lower case", "a=1&B=2", "B=2&a=1"},
		{"same name twice keeps its order", "a=2&b=0&a=1", "a=2&a=1&b=0"},
		{"same name twice, canonical", "a=2&a=1", "a=2&a=1"},
		{"one name the prefix of another", "ab=1&a=2", "a=2&ab=1"},
		{"encoded name", "a%20b=1&a=2", "a=2&a%20b=1"},
		{"names sorted before they are encoded", "%C3%A9=1&~=2", "~=2&%C3%A9=1"},
		{"stray ampersands", "&a=1&&b=2&", "a=1&b=2"},
		{"only ampersands", "&&", ""},
		{"JSON", `a={"k":"<>"}`, "a=%7B%22k%22%3A%22%3C%3E%22%7D"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, err := CanonicalQuery(test.raw); err != nil || got != test.want {
				t.Errorf("CanonicalQuery(%q) = %s, %v, want %s", test.raw, got, err, test.want)
			}
		})
	}
}

// TestEncodeParam: one parameter is encoded like a query of one.
func TestEncodeParam(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "****20b4****", "a b+c", "中", "\xff", "&=%", strings.Repeat("*", 1000)} {
		for _, name := range []string{"JobId", "a b"} {
			if got, want := EncodeParam(name, value), EncodeQuery(url.Values{name: {value}}); got != want {
				t.Errorf("%q=%q is encoded as %s, want %s", name, value, got, want)
			}
		}
	}
}

func TestCanonicalQueryRefuses(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"a=1;b=2", "a;b", ";", "a=%", "a=%2", "a=%zz", "a=%2G", "a=%G2", "a=%2/", "a=%:0", "a=%@0", "%zz=a", "a=1&b=%4",
	} {
		if got, err := CanonicalQuery(raw); err == nil {
			t.Errorf("CanonicalQuery(%q) = %q, want an error", raw, got)
		}
	}
}

func TestCanonicalPath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ address, want string }{
		{"https://host", "/"},
		{"https://host/", "/"},
		{"https://host/a/b", "/a/b"},
		{"https://host/a/b/", "/a/b/"},
		{"https://host//a", "//a"},
		{"https://host/a b", "/a%20b"},
		{"https://host/a+b", "/a%2Bb"},
		{"https://host/a*~-_.", "/a%2A~-_."},
		{"https://host/a%2Fb", "/a%2Fb"},
		{"https://host/a%2fb", "/a%2Fb"},
		{"https://host/%2F", "/%2F"},
		{"https://host/%25", "/%25"},
		{"https://host/中", "/%E4%B8%AD"},
		{"https://host/a:b@c", "/a%3Ab%40c"},
		{"https://host/%41", "/A"},
	} {
		if got := strings.Split(CanonicalRequest(newRequest(t, test.address)), "\n")[1]; got != test.want {
			t.Errorf("the canonical path of %s is %s, want %s", test.address, got, test.want)
		}
	}
}

func FuzzCanonicalQuery(f *testing.F) {
	for _, raw := range []string{
		"", "a", "a=1", "a=&b", "=", "&", "a=1;b=2", "a=%zz", "a=%2", "%61=1", "a=+", "a=%20", "a=~*/%", "b=2&a=1&b=1", "a=1&",
		"JobId=****20b48fb04483915d4f2cd8ac****", "a%20b=1&a=1", "a=%e4%b8%ad", "a=\xff\x00",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if strings.Count(raw, "&") > 1000 {
			t.Skip("net/url limits the number of parameters; a canonical query is not parsed")
		}
		want, parseErr := url.ParseQuery(raw)
		canonical, err := CanonicalQuery(raw)
		if (err == nil) != (parseErr == nil) {
			t.Fatalf("url.ParseQuery returns %v, CanonicalQuery %v", parseErr, err)
		}
		if parseErr != nil {
			return
		}
		got, err := url.ParseQuery(canonical)
		if err != nil {
			t.Fatalf("the canonical query %q cannot be parsed: %v", canonical, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the canonical query %q has other values:\n%s", canonical, diff)
		}
		// Encoding the parsed values is the slow path, which the fast one must agree with.
		if again := EncodeQuery(got); again != canonical {
			t.Errorf("%q is encoded as %q", canonical, again)
		}
		if again, err := CanonicalQuery(canonical); err != nil || again != canonical {
			t.Errorf("the canonical form of %q is %q, %v", canonical, again, err)
		}
	})
}
