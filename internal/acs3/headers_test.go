package acs3

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSignedHeaders(t *testing.T) {
	t.Parallel()
	const set = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
	for _, test := range []struct {
		name   string
		add    http.Header
		signed string
		lines  string // in the canonical request
	}{
		{name: "none but the known", signed: set},
		{
			name:   "not signed",
			add:    http.Header{"Accept": {"application/json"}, "User-Agent": {"x"}, "accept": {"*/*"}, "X-Acsx": {"1"}, "Date": {"now"}},
			signed: set,
		},
		{
			name: "content type", add: http.Header{"Content-Type": {"text/plain"}},
			signed: "content-type;" + set, lines: "content-type:text/plain",
		},
		{
			name: "content type in lower case", add: http.Header{"content-type": {"text/plain"}},
			signed: "content-type;" + set, lines: "content-type:text/plain",
		},
		{
			name: "one of the caller's", add: http.Header{"X-Acs-Accesskey-Id": {"id"}},
			signed: "host;x-acs-accesskey-id;" + strings.TrimPrefix(set, "host;"), lines: "x-acs-accesskey-id:id",
		},
		{
			name: "surrounding white space", add: http.Header{"X-Acs-Z": {" \ta b\t "}},
			signed: set + ";x-acs-z", lines: "x-acs-z:a b",
		},
		{
			name: "one name the prefix of another", add: http.Header{"X-Acs-Z": {"1"}, "X-Acs-Z-A": {"2"}},
			signed: set + ";x-acs-z;x-acs-z-a", lines: "x-acs-z:1\nx-acs-z-a:2",
		},
		{name: "empty", add: http.Header{"X-Acs-Z": {""}}, signed: set + ";x-acs-z", lines: "x-acs-z:"},
		{name: "without values", add: http.Header{"X-Acs-Z": {}}, signed: set},
		{
			name: "repeated", add: http.Header{"X-Acs-Z": {"b ", " c", "a"}},
			signed: set + ";x-acs-z", lines: "x-acs-z:a,b,c",
		},
		{
			name: "three spellings", add: http.Header{"X-Acs-Z": {"b"}, "x-acs-z": {"a"}, "X-ACS-Z": {"c"}},
			signed: set + ";x-acs-z", lines: "x-acs-z:a,b,c",
		},
		{
			name: "a known one in three spellings", add: http.Header{"x-acs-version": {"2020-11-09", "1"}, "X-ACS-VERSION": {"0"}},
			signed: set, lines: "x-acs-version:0,1,2020-11-09,2020-11-09",
		},
		{
			name: "a known one in another spelling", add: http.Header{HeaderAction: nil, "x-acs-ACTION": {"B"}},
			signed: set, lines: "x-acs-action:B",
		},
		{name: "a known one repeated", add: http.Header{HeaderAction: {"B", "A"}}, signed: set, lines: "x-acs-action:A,B"},
		{name: "a known one empty", add: http.Header{HeaderAction: {""}}, signed: set, lines: "x-acs-action:"},
		{
			name:   "what the signer sets, in other spellings",
			add:    http.Header{"x-acs-date": {"1"}, "X-ACS-Signature-Nonce": {"2", "3"}, "authorization": {"x"}},
			signed: set, lines: "x-acs-date:2022-07-20T02:48:58Z",
		},
		{name: "a host among the headers", add: http.Header{"Host": {"other"}}, signed: set, lines: "host:host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // the order of a map varies
				req := newRequest(t, "https://host/")
				maps.Copy(req.Header, test.add)
				lines := strings.Split(CanonicalRequest(req), "\n")
				if got := lines[len(lines)-2]; got != test.signed {
					t.Fatalf("signed headers\n got %s\nwant %s", got, test.signed)
				}
				headers := lines[3 : len(lines)-3]
				if got := strings.Join(headers, "\n"); test.lines != "" && !strings.Contains("\n"+got+"\n", "\n"+test.lines+"\n") {
					t.Fatalf("want the lines %q in\n%s", test.lines, got)
				}
				names := strings.Split(test.signed, ";")
				for i, line := range headers {
					if !strings.HasPrefix(line, names[i]+":") {
						t.Fatalf("header %d is %q, want %s", i, line, names[i])
					}
				}
			}
		})
	}
}

func TestNonCanonical(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		add  http.Header
		want []string // what RemoveNonCanonical removes
	}{
		{name: "none"},
		{name: "date", add: http.Header{"x-acs-date": {"1"}}, want: []string{"x-acs-date"}},
		{name: "nonce", add: http.Header{"X-ACS-Signature-Nonce": {"1", "2"}}, want: []string{"X-ACS-Signature-Nonce"}},
		{name: "hash", add: http.Header{"x-acs-content-sha256": {"1"}}, want: []string{"x-acs-content-sha256"}},
		{name: "token", add: http.Header{"X-ACS-SECURITY-TOKEN": {"1"}}, want: []string{"X-ACS-SECURITY-TOKEN"}},
		{name: "authorization", add: http.Header{"authorization": {"1"}, HeaderAuthorization: {"2"}}, want: []string{"authorization"}},
		{name: "what the signer does not set", add: http.Header{"x-acs-action": {"1"}, "x-acs-z": {"2"}, "content-type": {"3"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := newRequest(t, "https://host/")
			maps.Copy(req.Header, test.add)
			want := req.Header.Clone()
			maps.DeleteFunc(want, func(key string, _ []string) bool { return slices.Contains(test.want, key) })
			var headers SignedHeaders
			if headers.Collect(req); headers.NonCanonical != (len(test.want) > 0) {
				t.Errorf("NonCanonical is %t", headers.NonCanonical)
			}
			RemoveNonCanonical(req.Header)
			if diff := cmp.Diff(want, req.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, address, host, want string }{
		{"plain", "https://ice.cn-shanghai.aliyuncs.com/", "", "ice.cn-shanghai.aliyuncs.com"},
		{"port", "https://localhost:8443/", "", "localhost:8443"},
		{"a default port is sent, so it is signed", "https://host:443/", "", "host:443"},
		{"IPv6", "https://[::1]:8443/", "", "[::1]:8443"},
		{"Host takes precedence", "https://127.0.0.1:1234/", "ice.cn-shanghai.aliyuncs.com", "ice.cn-shanghai.aliyuncs.com"},
	} {
		req := newRequest(t, test.address)
		req.Host = test.host
		if got := Host(req); got != test.want {
			t.Errorf("%s: host %s, want %s", test.name, got, test.want)
		}
		if canonical := CanonicalRequest(req); !strings.Contains(canonical, "\nhost:"+test.want+"\n") {
			t.Errorf("%s: no host %s in\n%s", test.name, test.want, canonical)
		}
	}
}

func TestIsPlainHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"h", "ice.cn-shanghai.aliyuncs.com", "ICE.example", "a_b", "h.", "127.0.0.1", "h:8443", "h:", "[::1]", "[2001:DB8::1]:443", "xn--fsq.example",
	} {
		if !IsPlainHost(host) {
			t.Errorf("%q is not accepted", host)
		}
	}
	for _, host := range []string{
		"", ":443", "[", "[]", "[::1", "::1", "[::1%25eth0]", "[::g]", "h:port", "h:123456", "h:1:2", "user@h", "h/a", "直播.example", "h\u00ad",
	} {
		if IsPlainHost(host) {
			t.Errorf("%q is accepted", host)
		}
	}
	for c := range 256 {
		want := c < 0x80 && strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._", rune(c))
		if got := IsPlainHost("x" + string([]byte{byte(c)}) + "y"); got != want {
			t.Errorf("a host with %q: %t, want %t", byte(c), got, want)
		}
	}
}

func TestInvalidHeaderValue(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":             "is empty",
		"sesame":       "",
		"open sesame":  "",
		"sésame":       "",
		"sesame\n":     "has control characters",
		"ses\name":     "has control characters",
		"ses\rame":     "has control characters",
		"ses\x00ame":   "has control characters",
		"ses\tame":     "has control characters",
		"ses\x7fame":   "has control characters",
		" sesame":      "has surrounding white space",
		"sesame ":      "has surrounding white space",
		"\u00a0sesame": "has surrounding white space",
		"sesame\u2003": "has surrounding white space",
	} {
		if got := InvalidHeaderValue(value); got != want {
			t.Errorf("InvalidHeaderValue(%q) = %q, want %q", value, got, want)
		}
	}
}
