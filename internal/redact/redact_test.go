package redact

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	t.Parallel()
	const secret, token = "s3cr3t/+Key", "CAIS+abc/def=="
	for _, test := range []struct{ name, text, want string }{
		{"nothing to hide", "The specified parameter JobId is not valid.", "The specified parameter JobId is not valid."},
		{"Chinese", "参数错误", "参数错误"},
		{"empty", "", ""},
		{"the secret", "key is s3cr3t/+Key!", "key is [redacted]!"},
		{"the token", "got CAIS+abc/def==", "got [redacted]"},
		{"the token twice", "CAIS+abc/def== CAIS+abc/def==", "[redacted] [redacted]"},
		{"the token in a query", "got CAIS%2Babc%2Fdef%3D%3D here", "got [redacted] here"},
		{"the token in a path", "got CAIS+abc%2Fdef== here", "got [redacted] here"},
		{"the token in JSON", `got CAIS+abc\/def== here`, "got [redacted] here"},
		{"announced", "AccessKeySecret: abc, next", "AccessKeySecret: [redacted], next"},
		{"announced in JSON", `"SecurityToken":"abc","Code":"x"`, `"SecurityToken":"[redacted]","Code":"x"`},
		{"announced in JSON in JSON", `\"SecurityToken\":\"abc\",\"Code\":\"x\"`, `\"SecurityToken\":\"[redacted]",\"Code\":\"x\"`},
		{"announced in a query", "a=1&Signature=ab%2Bc&b=2", "a=1&Signature=[redacted]&b=2"},
		{"announced in a file", "access_key_secret = abc", "access_key_secret = [redacted]"},
		{"password", "password=abc", "password=[redacted]"},
		{"private key", "private_key: abc", "private_key: [redacted]"},
		{"authorization", "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host,Signature=0aff", "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host,Signature=[redacted]"},
		{"a code is not an announcement", "InvalidSecurityToken.Expired", "InvalidSecurityToken.Expired"},
		{"web address", "see https://help.example/a/b for more", "see https://help.example/a/b for more"},
		{"web address with a query", "see https://help.example/a?q=1 for more", "see https://help.example/a?[redacted] for more"},
		{"stream", "cannot play rtmp://domain/app/stream-key now", "cannot play rtmp://domain/[redacted] now"},
		{"stream in quotes", `"rtmp://domain/app/stream-key"`, `"rtmp://domain/[redacted]"`},
		{"stream after a web address", "https://a.example/x,rtmp://domain/app/stream-key", "https://a.example/[redacted]"},
		{"several lines", "a\r\nb\tc\x00d", "a b c d"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"stream with options", "cannot play rtmp://h/app/x live=1 playpath=KEY swfUrl=http://w/KEY now", "cannot play rtmp://h/[redacted] now"},
		{"stream with an option in quotes", `"rtmp://h/app/x live=1 conn=S:KEY" is bad`, `"rtmp://h/[redacted]" is bad`},
		{"encoded stream with options", "rtmp%3A%2F%2Fh%2Fapp%2Fx%20live%3D1%20playpath%3DKEY is bad", "rtmp://h/[redacted] is bad"},
		{"web address before a value", "https://h/a/b code=400", "https://h/a/b code=400"},
		{"stream with user info that has a slash", "cannot play rtmp://user:12/KEY@h/app/s now", "cannot play rtmp://[redacted] now"},
		{"stream with backslashes", `cannot play rtmp:\\h\app\KEY now`, "cannot play rtmp://[redacted] now"},
		{"stream with backslashes in JSON", `cannot play rtmp:\\\\h\\app\\KEY now`, "cannot play rtmp://[redacted] now"},
		{"Windows path", `open C:\\users\\x: denied`, `open C:\\users\\x: denied`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Text(test.text, secret, "", token); got != test.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

// TestUserInfo checks that passwords of proxies are redacted without a scheme and with spaces, and that ordinary texts
// are not.
func TestUserInfo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"without a scheme", "lookup user:PASS@proxy: no such host", "lookup [redacted]@proxy: no such host"},
		{"in quotes", `invalid proxy address "user:PASS@proxy:8080": parse`, `invalid proxy address "[redacted]@proxy:8080": parse`},
		{"after an equals sign", "HTTPS_PROXY=user:PASS@proxy:8080", "HTTPS_PROXY=[redacted]@proxy:8080"},
		{"at sign in the password", "lookup user:PASS@PASS@proxy", "lookup [redacted]@proxy"},
		{"colon in the password", "lookup user:PASS:PASS@proxy", "lookup [redacted]@proxy"},
		{"slash in the password", "lookup user:PASS/PASS@proxy", "lookup [redacted]@proxy"},
		{"no user", "lookup :PASS@proxy", "lookup [redacted]@proxy"},
		{"IPv6", "dial user:PASS@[::1]:8080", "dial [redacted]@[::1]:8080"},
		{"twice", "user:PASS@a and user:PASS@b", "[redacted]@a and [redacted]@b"},
		{"space in the password", `bad "http://user:PASS PASS@proxy:8080"`, `bad "http://proxy:8080?[redacted]"`},
		{"space and at sign in the password", `bad "http://user:PASS @ PASS@proxy:8080"`, `bad "http://proxy:8080?[redacted]"`},
		{"space, single quotes", `bad 'http://user:PASS PASS@proxy:8080'`, `bad 'http://proxy:8080?[redacted]'`},
		{"space, escaped quotes", `bad \"http://user:PASS PASS@proxy\"`, `bad \"http://[redacted]"`},
		{"space without a scheme", `bad "user:PASS PASS@proxy:8080"`, `bad "[redacted]@proxy:8080"`},
		{"space and a path", `bad "http://user:PASS PASS@proxy:8080/a"`, `bad "http://proxy:8080/a?[redacted]"`},

		{"e-mail address", "ask ops@example.com, or: dev@example.com", "ask ops@example.com, or: dev@example.com"},
		{"e-mail address in quotes", `"Note: ask ops@example.com"`, `"Note: ask ops@example.com"`},
		{"mailto", "see mailto:ops@example.com", "see mailto:ops@example.com"},
		{"time", "at 12:30 ops@example.com and 12:30:05@host", "at 12:30 ops@example.com and 12:30:05@host"},
		{"time in quotes", `"12:30 ops@example.com"`, `"12:30 ops@example.com"`},
		{"version of a module", "golang.org/x/net@v0.26.0: not found", "golang.org/x/net@v0.26.0: not found"},
		{"version of a tool", "go:mod@v1.2.3-rc.1 failed", "go:mod@v1.2.3-rc.1 failed"},
		{"digest of an image", "pull registry:tag@sha256:0aff", "pull registry:tag@sha256:0aff"},
		{"version behind a port", "proxy.example:443/x/net@v0.26.0", "proxy.example:443/x/net@v0.26.0"},
		{"URL and e-mail address", `"https://a.example/b" or ops@example.com`, `"https://a.example/b" or ops@example.com`},
		{"host and port", "dial tcp 127.0.0.1:80: refused @ 12:30", "dial tcp 127.0.0.1:80: refused @ 12:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Text(test.text); got != test.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

// TestBounded checks that no part of a secret is shown wherever a long text is cut, and that the cost is bounded.
func TestBounded(t *testing.T) {
	t.Parallel()
	const n, secret = 20, "CANARY-s3cr3t/+Key"
	for _, form := range []string{secret, url.QueryEscape(secret), strings.ReplaceAll(secret, "/", `\/`), "rtmp://h/app/" + secret} {
		for before := range 300 {
			for _, filler := range []string{"x", " ", "\\u0020", "a:b "} {
				text := strings.Repeat(filler, before) + form + strings.Repeat(" tail", 100)
				if got := Bounded(text, n, secret); strings.Contains(got, "CANARY") || len(got) > n {
					t.Fatalf("%d times %q, then %s: %q", before, filler, form, got)
				}
			}
		}
	}
	if got := Bounded("short text", 100, secret); got != "short text" {
		t.Errorf("got %q", got)
	}
	if got := Bounded(strings.Repeat("text ", 1<<20), 8, secret); got != "text tex" {
		t.Errorf("got %q", got)
	}
}

// TestTextOfAnID checks that a request id, which every observed call redacts, costs no allocation.
func TestTextOfAnID(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts the allocations of all tests
	const id = "04F0F334-1335-436C-A1D7-6C044FE73368"
	if n := testing.AllocsPerRun(10, func() {
		if Text(id, "secret", "CAIS-token") != id {
			t.Error("the id is changed")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzText(f *testing.F) {
	for _, text := range []string{
		"", "rtmp://h/a/CANARY", "rtmp%3A%2F%2Fh%2Fa%2FCANARY%2", `rtmp:\/\/h\/a\/CANARY`, "https://u:CANARY@h/a?b#c", "Secret: CANARY",
		"https://a/b,rtmp://h/a/CANARY", "\xff\n", "::://[redacted]", "rtmp://u:1/CANARY@h/a", "rtmp://h/a live=1 playpath=CANARY", "\u202e\u0085",
		`"http://u:CAN ARY@h"`, "u:CANARY@h", `"u:CAN ARY@h:1"`, "secret=CANARY", `\u0041`, "&amp;", "a%3A%2F%2Fb",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text, "CANARY")
		// A secret that is encoded letter by letter is known only once a URL has been decoded.
		if strings.Contains(got, "CANARY") && !strings.Contains(text, "%") {
			t.Errorf("Text(%q) is %q", text, got)
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, isUnsafe) {
			t.Errorf("Text(%q) is not one line: %q", text, got)
		}
		if again := OneLine(got); again != got {
			t.Errorf("OneLine(%q) = %q", got, again)
		}
		for _, pattern := range []*regexp.Regexp{escapePattern, optionsPattern, authorizationPattern, secretPattern, urlPattern, quotedURLPattern, userInfoPattern, quotedUserInfoPattern} {
			if !strings.ContainsAny(text, special) && pattern.MatchString(text) {
				t.Errorf("Text(%q) did not apply %v", text, pattern)
			}
		}
		if short := Truncate(got, 64); len(short) > 64 || !utf8.ValidString(short) || !strings.HasPrefix(got, short) {
			t.Errorf("Truncate(%q) is %q", got, short)
		}
	})
}
