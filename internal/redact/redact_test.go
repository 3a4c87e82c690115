package redact

import (
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
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Text(test.text, secret, "", token); got != test.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url, want string }{
		{"web", "https://h.example/a/b", "https://h.example/a/b"},
		{"web, port", "http://h.example:8080/a", "http://h.example:8080/a"},
		{"web, query", "https://h.example/a?auth_key=1", "https://h.example/a?[redacted]"},
		{"web, fragment", "https://h.example/a#key", "https://h.example/a?[redacted]"},
		{"web, user info", "https://user:pass@h.example/a", "https://h.example/a?[redacted]"},
		{"web, upper case", "HTTPS://h.example/a?b", "https://h.example/a?[redacted]"},
		{"stream", "rtmp://h.example/app/key", "rtmp://h.example/[redacted]"},
		{"stream, user info", "rtmp://user:pass@h.example/app/key", "rtmp://h.example/[redacted]"},
		{"stream, query", "srt://h.example:1105?streamid=key", "srt://h.example:1105/[redacted]"},
		{"stream, upper case", "RTMP://h.example/app/key", "rtmp://h.example/[redacted]"},
		{"percent-encoded stream", "rtmp%3A%2F%2Fh.example%2Fapp%2Fkey", "rtmp://h.example/[redacted]"},
		{"percent-encoded stream in lower case", "rtmp%3a%2f%2fh.example%2fapp%2fkey", "rtmp://h.example/[redacted]"},
		{"percent-encoded web address", "https%3A%2F%2Fh.example%2Fa%3Fb%3Dkey", "https://h.example/a?[redacted]"},
		{"percent-encoded stream, cut off", "rtmp%3A%2F%2Fh.example%2Fapp%2Fkey%2", "rtmp://[redacted]"},
		{"percent-encoded in mixed case", "rtmp%3a%2F%2Fh.example%2Fapp%2Fkey", "rtmp://h.example/[redacted]"},
		{"JSON-escaped stream", `rtmp:\/\/h.example\/app\/key`, "rtmp://h.example/[redacted]"},
		{"JSON-escaped web address", `https:\/\/h.example\/a`, "https://h.example/a"},
		{"no URL", "rtmp://h.example:port/key", "rtmp://[redacted]"},
		{"a stream in a web address's path", "https://h.example/rtmp%3A%2F%2Fd%2Fapp%2Fkey", "https://h.example/[redacted]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := redactURL(test.url); got != test.want {
				t.Errorf("redactURL(%q)\n got %q\nwant %q", test.url, got, test.want)
			}
			// What Text finds in a text is what redactURL gets.
			for _, around := range [][2]string{{"see ", " now"}, {`"`, `"`}, {"'", "'"}, {"<", ">"}, {"(\n", "\n)"}, {"`", "`"}} {
				got := Text(around[0] + test.url + around[1])
				if want := OneLine(around[0] + test.want + around[1]); got != want {
					t.Errorf("Text in %q\n got %q\nwant %q", around, got, want)
				}
			}
		})
	}
}

func TestTruncate(t *testing.T) {
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
		if got := Truncate(test.text, test.n); got != test.want {
			t.Errorf("Truncate(%q, %d) is %q, want %q", test.text, test.n, got, test.want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, text := range []string{
		"", "rtmp://h/a/CANARY", "rtmp%3A%2F%2Fh%2Fa%2FCANARY%2", `rtmp:\/\/h\/a\/CANARY`, "https://u:CANARY@h/a?b#c", "Secret: CANARY",
		"https://a/b,rtmp://h/a/CANARY", "\xff\n", "::://[redacted]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text, "CANARY")
		// A secret that is encoded letter by letter is known only once a URL has been decoded.
		if strings.Contains(got, "CANARY") && !strings.Contains(text, "%") {
			t.Errorf("Text(%q) is %q", text, got)
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, isControl) {
			t.Errorf("Text(%q) is not fit to be shown: %q", text, got)
		}
		if short := Truncate(got, 64); len(short) > 64 || !utf8.ValidString(short) || !strings.HasPrefix(got, short) {
			t.Errorf("Truncate(%q) is %q", got, short)
		}
	})
}
