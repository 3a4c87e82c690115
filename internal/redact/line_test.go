package redact

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, unsafe string }{
		{"NUL through unit separator", "\x00\x01\x07\b\t\n\v\f\r\x0e\x1b\x1f"},
		{"delete", "\x7f"},
		{"C1", "\u0080\u0085\u008d\u0090\u009b\u009c\u009d\u009f"},
		{"line and paragraph separators", "\u2028\u2029"},
		{"bidi marks", "\u200e\u200f\u061c"},
		{"bidi embeddings and overrides", "\u202a\u202b\u202c\u202d\u202e"},
		{"bidi isolates", "\u2066\u2067\u2068\u2069"},
		{"zero width", "\u200b\u200c\u200d\u2060\ufeff"},
		{"invisible operators", "\u2061\u2062\u2063\u2064"},
		{"deprecated format characters", "\u206a\u206f"},
		{"soft hyphen and grapheme joiner", "\u00ad\u034f"},
		{"Hangul and Khmer fillers", "\u115f\u1160\u3164\uffa0\u17b4\u17b5"},
		{"Mongolian vowel separator", "\u180e"},
		{"interlinear annotations", "\ufff9\ufffa\ufffb"},
		{"variation selectors", "\ufe00\ufe0f\U000e0100\U000e01ef"},
		{"tags", "\U000e0001\U000e0041\U000e007f"},
		{"musical format characters", "\U0001d173\U0001d17a"},
	} {
		for _, r := range test.unsafe {
			if got := OneLine("a" + string(r) + "b"); got != "a b" {
				t.Errorf("%s: OneLine with %U is %q, want a space", test.name, r, got)
			}
		}
		if got := OneLine(test.unsafe + "a" + test.unsafe + "b" + test.unsafe); got != "a b" {
			t.Errorf("%s: a run is %q, want one space", test.name, got)
		}
	}
	for text, want := range map[string]string{
		"":                         "",
		"plain text, 100 % (safe)": "plain text, 100 % (safe)",
		"参数错误　全角\u00a0空格":          "参数错误　全角\u00a0空格",
		"naïve Ελληνικά עברית عربي 한국": "naïve Ελληνικά עברית عربي 한국",
		"🔴 live \U0001f600":            "🔴 live \U0001f600",
		"a\r\nb":                       "a b",
		"\x1b[31mred\x1b[0m":           "[31mred [0m",
		"\x9b31m":                      "\ufffd31m", // C1 in a terminal that is not UTF-8
		"a\xff\xfeb":                   "a\ufffdb",
	} {
		if got := OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestOneLineOfAllCharacters checks the categories of Unicode: no control, format or separating character is kept, and
// every visible one is.
func TestOneLineOfAllCharacters(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		switch kept := OneLine(string(r)) == string(r); {
		case kept && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point):
			t.Errorf("%U is kept", r)
		case !kept && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
			t.Errorf("%U is not kept", r)
		}
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
