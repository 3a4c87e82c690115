package redact

import (
	"strings"
	"testing"
)

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url, want string }{
		{"web", "https://h.example/a/b", "https://h.example/a/b"},
		{"web, port", "http://h.example:8080/a", "http://h.example:8080/a"},
		{"web, query", "https://h.example/a?auth_key=1", "https://h.example/a?[redacted]"},
		{"web, empty query", "https://h.example/a?", "https://h.example/a"},
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
		{"percent-encoded separator", "rtmp:%2F%2Fh.example%2Fapp%2Fkey", "rtmp://h.example/[redacted]"},
		{"percent-encoded colon", "rtmp%3A//h.example/app/key", "rtmp://h.example/[redacted]"},
		{"percent-encoded twice", "rtmp%253A%252F%252Fh.example%252Fapp%252Fkey", "rtmp://h.example/[redacted]"},
		{"user info with a slash", "rtmp://user:12/KEY@h.example/app/s", "rtmp://[redacted]"},
		{"user info with an encoded at sign", "rtmp://user:KEY%40h.example/app/s", "rtmp://[redacted]"},
		{"user info with a slash and an encoded at sign", "rtmp://user:12/KEY%40h.example/app/s", "rtmp://[redacted]"},
		{"user info with a question mark", "rtmp://user:12?KEY@h.example/app/s", "rtmp://[redacted]"},
		{"user info with a number sign", "rtmp://user:12#KEY@h.example/app/s", "rtmp://[redacted]"},
		{"web, user info with a slash", "https://user:12/KEY@h.example/a", "https://[redacted]"},
		{"backslash in the host", `rtmp://h.example\KEY/app/s`, "rtmp://[redacted]"},
		{"backslashes as separator", `rtmp:\\h.example\app\KEY`, "rtmp://[redacted]"},
		{"semicolon in the host", "rtmp://h.example;KEY/app/s", "rtmp://[redacted]"},
		{"unusual scheme", "x-custom+1.0://h.example/app/KEY", "x-custom+1.0://h.example/[redacted]"},
		{"a stream in a web address's path", "https://h.example/rtmp%3A%2F%2Fd%2Fapp%2Fkey", "https://h.example/[redacted]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := redactURL(test.url); got != test.want {
				t.Errorf("redactURL(%q)\n got %q\nwant %q", test.url, got, test.want)
			}
			// Text finds the whole URL.
			for _, around := range [][2]string{{"see ", " now"}, {`"`, `"`}, {"'", "'"}, {"<", ">"}, {"(\n", "\n)"}, {"`", "`"}} {
				got := Text(around[0] + test.url + around[1])
				if want := OneLine(around[0] + test.want + around[1]); got != want {
					t.Errorf("Text in %q\n got %q\nwant %q", around, got, want)
				}
			}
		})
	}
}

func TestStreamURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url, want string }{
		{"empty", "", ""},
		{"plain", "rtmp://h.example/app/KEY", "rtmp://h.example/app/[redacted]"},
		{"port", "rtmp://h.example:1935/app/KEY", "rtmp://h.example:1935/app/[redacted]"},
		{"upper case", "RTMP://h.example/app/KEY", "rtmp://h.example/app/[redacted]"},
		{"deep path", "rtmp://h.example/app/instance/KEY", "rtmp://h.example/app/instance/[redacted]"},
		{"key alone", "rtmp://h.example/KEY", "rtmp://h.example/[redacted]"},
		{"host alone", "rtmp://h.example", "rtmp://h.example"},
		{"host with a slash", "rtmp://h.example/", "rtmp://h.example"},
		{"slashes at the end", "rtmp://h.example/app/KEY//", "rtmp://h.example/app/[redacted]"},
		{"user info", "rtmp://user:KEY@h.example/app/KEY", "rtmp://h.example/app/[redacted]"},
		{"at sign in user info", "rtmp://user:KEY@KEY@h.example/app/KEY", "rtmp://h.example/app/[redacted]"},
		{"query", "rtmp://h.example/app/KEY?auth_key=KEY", "rtmp://h.example/app/[redacted]"},
		{"slashes in the query", "rtmp://h.example/app/KEY?path=/KEY/x", "rtmp://h.example/app/[redacted]"},
		{"fragment", "rtmp://h.example/app/KEY#KEY", "rtmp://h.example/app/[redacted]"},
		{"query of a host", "srt://h.example:1105?streamid=#!::r=app/KEY,m=publish", "srt://h.example:1105"},
		{"IPv6", "rtmp://[2001:db8::1]:1935/app/KEY", "rtmp://[2001:db8::1]:1935/app/[redacted]"},
		{"host that is not ASCII", "rtmp://直播.example/app/KEY", "rtmp://直播.example/app/[redacted]"},
		{"other schemes", "artc://h.example/app/KEY", "artc://h.example/app/[redacted]"},

		{"user info with a slash", "rtmp://user:12/KEY@h.example/app/s", "rtmp://[redacted]"},
		{"user name with a slash", "rtmp://us/KEY@h.example/app/s", "rtmp://[redacted]"},
		{"user info with a question mark", "rtmp://user:12?KEY@h.example/app/s", "rtmp://[redacted]"},
		{"user info with a number sign", "rtmp://user:12#KEY@h.example/app/s", "rtmp://[redacted]"},
		{"user info with a backslash", `rtmp://user:K\EY@h.example/app/KEY`, "rtmp://h.example/app/[redacted]"},
		{"user info with a space", "rtmp://user:KEY KEY@h.example/app/KEY", "rtmp://h.example/app/[redacted]"},
		{"encoded at sign", "rtmp://user:KEY%40h.example/app/s", "rtmp://[redacted]"},
		{"encoded at sign after a slash", "rtmp://user:12/KEY%40h.example/app/s", "rtmp://[redacted]"},
		{"at sign that is encoded twice", "rtmp://user:12/KEY%2540h.example/app/s", "rtmp://[redacted]"},
		{"encoded slash in user info", "rtmp://user:KEY%2FKEY@h.example/app/KEY", "rtmp://h.example/app/[redacted]"},

		{"options", "rtmp://h.example/app/KEY live=1 token=KEY", "rtmp://h.example/[redacted]"},
		{"options with slashes", "rtmp://h.example/app/KEY live=1 token=a/KEY/b pageUrl=http://w.example/KEY/", "rtmp://h.example/[redacted]"},
		{"options without a path", "rtmp://h.example app=KEY playpath=KEY", "rtmp://[redacted]"},
		{"encoded options", "rtmp://h.example/app/KEY%20token=KEY/x", "rtmp://h.example/[redacted]"},
		{"tab", "rtmp://h.example/app/KEY\ttoken=KEY/x", "rtmp://h.example/[redacted]"},
		{"line break", "rtmp://h.example/app/KEY\ntoken=KEY/x", "rtmp://h.example/[redacted]"},
		{"parameters", "rtmp://h.example/app/s;token=KEY/x", "rtmp://h.example/[redacted]"},
		{"parameter of an element", "rtmp://h.example/app=KEY/x", "rtmp://h.example/[redacted]"},
		{"backslashes", `rtmp://h.example/app\KEY/x`, "rtmp://h.example/[redacted]"},
		{"backslash in the host", `rtmp://h.example\KEY/app/s`, "rtmp://[redacted]"},
		{"only backslashes", `rtmp:\\h.example\app\KEY`, "[redacted]"},
		{"semicolon in the host", "rtmp://h.example;KEY/app/s", "rtmp://[redacted]"},
		{"dot at the end", "rtmp://h.example/app/KEY/.", "rtmp://h.example/[redacted]"},
		{"dots at the end", "rtmp://h.example/app/KEY/x/..", "rtmp://h.example/[redacted]"},
		{"empty elements", "rtmp://h.example/app//KEY//x", "rtmp://h.example/[redacted]"},
		{"encoded slash", "rtmp://h.example/app%2FKEY/x", "rtmp://h.example/[redacted]"},
		{"no port", "rtmp://h.example:KEY/app/s", "rtmp://[redacted]"},
		{"no host", "rtmp:///app/KEY", "rtmp://[redacted]"},
		{"no scheme", "h.example/app/KEY", "[redacted]"},
		{"no scheme, two slashes", "//h.example/app/KEY", "[redacted]"},
		{"one slash", "rtmp:/h.example/app/KEY", "[redacted]"},
		{"no slash", "rtmp:h.example/app/KEY", "[redacted]"},
		{"space before", " rtmp://h.example/app/KEY", "[redacted]"},
		{"percent-encoded", "rtmp%3A%2F%2Fh.example%2Fapp%2FKEY", "[redacted]"},
		{"not UTF-8", "rtmp://h.example/app/KEY\xff/x", "rtmp://h.example/[redacted]"},
		{"bidi control in the host", "rtmp://h\u202e.example/app/KEY", "rtmp://[redacted]"},
		{"bidi control in the path", "rtmp://h.example/a\u202epp/KEY", "rtmp://h.example/[redacted]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := StreamURL(test.url); got != test.want {
				t.Errorf("StreamURL(%q)\n got %q\nwant %q", test.url, got, test.want)
			}
			// Text cannot know where a URL with white space ends, unless options follow.
			inText := strings.Contains(test.url, "://") && !strings.Contains(test.url, "KEY KEY") && !strings.Contains(test.url, "\n")
			if got := Text("cannot play " + test.url); inText && strings.Contains(got, "KEY") {
				t.Errorf("Text shows the key: %q", got)
			}
		})
	}
}

func TestStreamKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url, text, want string }{
		{"no stream", "", "The stream is not live.", "The stream is not live."},
		{"last element", "rtmp://h/app/plain-key-123", "The stream plain-key-123 is not live.", "The stream [redacted] is not live."},
		{"whole URL", "rtmp://h/app/it's-a-key-123", "InputUrl rtmp://h/app/it's-a-key-123 is not valid.", "InputUrl [redacted] is not valid."},
		{"URL with spaces", "rtmp://h/app/my live key-123", "InputUrl rtmp://h/app/my live key-123 is not valid.", "InputUrl [redacted] is not valid."},
		{"query value", "rtmp://h/app/s?key=154330-0-123&t=5", "The key 154330-0-123 has expired.", "The key [redacted] has expired."},
		{"query value that is not the first", "rtmp://h/app/s?t=5&key=154330-0-123", "Not valid: key=154330-0-123", "Not valid: key=[redacted]"},
		{"query", "rtmp://h/app/s?auth_key=154330-0-123", "The auth_key=154330-0-123 has expired.", "The [redacted] has expired."},
		{"password", "rtmp://user:passw0rd123@h/app/s", "user: wrong passw0rd123", "user: wrong [redacted]"},
		{"encoded key", "rtmp://h/app/key%2b123456", "The key%2b123456 or key+123456 is not live.", "The [redacted] or [redacted] is not live."},
		{"password with a slash", "rtmp://user:12/SECRETKEY@h/app/s", "wrong SECRETKEY at h", "wrong [redacted] at h"},
		{"password with a question mark", "rtmp://user:12?SECRETKEY@h/app/s", "wrong SECRETKEY at h", "wrong [redacted] at h"},
		{"password with an encoded at sign", "rtmp://user:SECRET%40KEY%40host/app/s", "wrong SECRET@KEY and SECRET%40KEY", "wrong [redacted]@KEY and [redacted]%40KEY"},
		{"option", "rtmp://h/app/x live=1 playpath=SECRETKEY", "no playpath SECRETKEY in app", "no playpath [redacted] in app"},
		{"option with slashes", "rtmp://h/app/x token=abc/SECRETKEY/d", "no SECRETKEY", "no [redacted]"},
		{"parameter", "rtmp://h/app/s;token=SECRETKEY/x", "no SECRETKEY", "no [redacted]"},
		{"backslash", `rtmp://h/app\SECRETKEY/x`, "no SECRETKEY", "no [redacted]"},
		{"element before a dot", "rtmp://h/app/SECRETKEY/.", "no SECRETKEY", "no [redacted]"},
		{"host of an unclear URL", "rtmp://live.example/app/x token=SECRETKEY", "live.example: no SECRETKEY", "live.example: no [redacted]"},
		{"inside a word", "rtmp://h/live/stream", "The upstream is a streamer.", "The upstream is a streamer."},
		{"inside a word, long", "rtmp://h/live/shanghai", "cn-shanghai8 and Throttlings", "cn-shanghai8 and Throttlings"},
		{"short key", "rtmp://h/live/a", "a b a", "a b a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := StreamKeys(test.text, test.url); got != test.want {
				t.Errorf("StreamKeys(%q, %q)\n got %q\nwant %q", test.text, test.url, got, test.want)
			}
		})
	}
}
