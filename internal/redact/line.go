package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine returns s in valid UTF-8, with a space for each run of characters that could change what a terminal or a
// log shows: control characters (C0 and C1), line and paragraph separators, and the invisible ones, among them those
// that change the direction of writing.
func OneLine(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if !strings.ContainsFunc(s, isUnsafe) {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, isUnsafe), " ")
}

// isUnsafe reports whether a character is replaced by OneLine.
func isUnsafe(r rune) bool {
	switch {
	case r < 0x7f:
		return r < ' '
	case r < 0xa0:
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Truncate returns at most n bytes of s, and no partial character.
func Truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Abbreviate is [Truncate] with an ellipsis in place of the end.
func Abbreviate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return Truncate(s, n-3) + "..."
}
