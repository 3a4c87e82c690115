package livetranscode

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestScrub(t *testing.T) {
	t.Parallel()
	const secret, token = "s3cr3t/+Key", "CAIS+abc/def=="
	for _, test := range []struct{ name, text, want string }{
		{"nothing to hide", "The specified parameter JobId is not valid.", "The specified parameter JobId is not valid."},
		{"Chinese", "参数错误", "参数错误"},
		{"empty", "", ""},
		{"the secret", "key is s3cr3t/+Key!", "key is [hidden]!"},
		{"the token", "got CAIS+abc/def==", "got [hidden]"},
		{"the token twice", "CAIS+abc/def== CAIS+abc/def==", "[hidden] [hidden]"},
		{"the token in a query", "got CAIS%2Babc%2Fdef%3D%3D here", "got [hidden] here"},
		{"the token in a path", "got CAIS+abc%2Fdef== here", "got [hidden] here"},
		{"the token in JSON", `got CAIS+abc\/def== here`, "got [hidden] here"},
		{"announced", "AccessKeySecret: abc, next", "AccessKeySecret: [hidden], next"},
		{"announced in JSON", `"SecurityToken":"abc","Code":"x"`, `"SecurityToken":"[hidden]","Code":"x"`},
		{"announced in JSON in JSON", `\"SecurityToken\":\"abc\",\"Code\":\"x\"`, `\"SecurityToken\":\"[hidden]",\"Code\":\"x\"`},
		{"announced in a query", "a=1&Signature=ab%2Bc&b=2", "a=1&Signature=[hidden]&b=2"},
		{"announced in a file", "access_key_secret = abc", "access_key_secret = [hidden]"},
		{"password", "password=abc", "password=[hidden]"},
		{"private key", "private_key: abc", "private_key: [hidden]"},
		{"authorization", "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host,Signature=0aff", "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host,Signature=[hidden]"},
		{"a code is not an announcement", "InvalidSecurityToken.Expired", "InvalidSecurityToken.Expired"},
		{"web address", "see https://help.example/a/b for more", "see https://help.example/a/b for more"},
		{"web address with a query", "see https://help.example/a?q=1 for more", "see https://help.example/a?[hidden] for more"},
		{"stream", "cannot play rtmp://domain/app/stream-key now", "cannot play rtmp://domain/[hidden] now"},
		{"stream in quotes", `"rtmp://domain/app/stream-key"`, `"rtmp://domain/[hidden]"`},
		{"stream after a web address", "https://a.example/x,rtmp://domain/app/stream-key", "https://a.example/[hidden]"},
		{"several lines", "a\r\nb\tc\x00d", "a b c d"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := scrub(test.text, secret, "", token); got != test.want {
				t.Errorf("scrub(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

func TestScrubURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url, want string }{
		{"web", "https://h.example/a/b", "https://h.example/a/b"},
		{"web, port", "http://h.example:8080/a", "http://h.example:8080/a"},
		{"web, query", "https://h.example/a?auth_key=1", "https://h.example/a?[hidden]"},
		{"web, fragment", "https://h.example/a#key", "https://h.example/a?[hidden]"},
		{"web, user info", "https://user:pass@h.example/a", "https://h.example/a?[hidden]"},
		{"web, upper case", "HTTPS://h.example/a?b", "https://h.example/a?[hidden]"},
		{"stream", "rtmp://h.example/app/key", "rtmp://h.example/[hidden]"},
		{"stream, user info", "rtmp://user:pass@h.example/app/key", "rtmp://h.example/[hidden]"},
		{"stream, query", "srt://h.example:1105?streamid=key", "srt://h.example:1105/[hidden]"},
		{"stream, upper case", "RTMP://h.example/app/key", "rtmp://h.example/[hidden]"},
		{"percent-encoded stream", "rtmp%3A%2F%2Fh.example%2Fapp%2Fkey", "rtmp://h.example/[hidden]"},
		{"percent-encoded stream in lower case", "rtmp%3a%2f%2fh.example%2fapp%2fkey", "rtmp://h.example/[hidden]"},
		{"percent-encoded web address", "https%3A%2F%2Fh.example%2Fa%3Fb%3Dkey", "https://h.example/a?[hidden]"},
		{"percent-encoded stream, cut off", "rtmp%3A%2F%2Fh.example%2Fapp%2Fkey%2", "rtmp://[hidden]"},
		{"percent-encoded in mixed case", "rtmp%3a%2F%2Fh.example%2Fapp%2Fkey", "rtmp://h.example/[hidden]"},
		{"JSON-escaped stream", `rtmp:\/\/h.example\/app\/key`, "rtmp://h.example/[hidden]"},
		{"JSON-escaped web address", `https:\/\/h.example\/a`, "https://h.example/a"},
		{"no URL", "rtmp://h.example:port/key", "rtmp://[hidden]"},
		{"a stream in a web address's path", "https://h.example/rtmp%3A%2F%2Fd%2Fapp%2Fkey", "https://h.example/[hidden]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := scrubURL(test.url); got != test.want {
				t.Errorf("scrubURL(%q)\n got %q\nwant %q", test.url, got, test.want)
			}
			// What scrub finds in a text is what scrubURL gets.
			for _, around := range [][2]string{{"see ", " now"}, {`"`, `"`}, {"'", "'"}, {"<", ">"}, {"(\n", "\n)"}, {"`", "`"}} {
				got := scrub(around[0] + test.url + around[1])
				if want := oneLine(around[0] + test.want + around[1]); got != want {
					t.Errorf("scrub in %q\n got %q\nwant %q", around, got, want)
				}
			}
		})
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"abc", 3, "abc"},
		{"abc", 4, "abc"},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
		{"", 0, ""},
		{"中中", 6, "中中"},
		{"中中", 5, "中"},
		{"中中", 4, "中"},
		{"中中", 3, "中"},
		{"中中", 2, ""},
		{"a😀", 4, "a"},
		{"ab\xffcd", 3, "ab\xff"}, // broken already, and cut at no character's middle
		{"\x80\x80\x80", 2, ""},
	} {
		if got := clip(test.text, test.n); got != test.want {
			t.Errorf("clip(%q, %d) is %q, want %q", test.text, test.n, got, test.want)
		}
	}
}

func FuzzScrub(f *testing.F) {
	for _, text := range []string{
		"", "rtmp://h/a/CANARY", "rtmp%3A%2F%2Fh%2Fa%2FCANARY%2", `rtmp:\/\/h\/a\/CANARY`, "https://u:CANARY@h/a?b#c", "Secret: CANARY",
		"https://a/b,rtmp://h/a/CANARY", "\xff\n", "::://[hidden]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := scrub(text, "CANARY")
		// A secret that is encoded letter by letter is known only once a URL has been decoded.
		if strings.Contains(got, "CANARY") && !strings.Contains(text, "%") {
			t.Errorf("scrub(%q) is %q", text, got)
		}
		if !utf8.ValidString(got) || hasControl(got) {
			t.Errorf("scrub(%q) is not fit to be shown: %q", text, got)
		}
		if short := clip(got, 64); len(short) > 64 || !utf8.ValidString(short) || !strings.HasPrefix(got, short) {
			t.Errorf("clip(%q) is %q", got, short)
		}
	})
}
