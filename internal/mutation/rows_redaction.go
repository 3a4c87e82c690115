package main

// Redaction: internal/redact and internal/acs3.
var redactionRows = []mutant{
	{"no stream key is printed", "internal/redact/url.go", `dir += Marker`, `dir += key`, "TestSecretsAreNowhere|TestStreamURL"},
	{"user info with a slash is redacted", "internal/redact/url.go", ` || atPattern.MatchString(tail)`, ``, "TestStreamURL|TestRedactURL"},
	{"no host that may be user info is shown", "internal/redact/url.go", `!hostPattern.MatchString(host)`, `host == ""`, "TestStreamURL|TestRedactURL"},
	{"a path with options is redacted", "internal/redact/url.go", `case !plainPathPattern.MatchString(parts.path):
		return`, `case parts.path == "x":
		return`, "TestStreamURL"},
	{"options after a URL are redacted in texts", "internal/redact/redact.go", `optionsPattern.ReplaceAllStringFunc(text, redactOptions)`, `strings.Clone(text)`, "TestText"},
	{"a repeated part of an unclear URL is redacted", "internal/redact/url.go", `words = append(words, pieces(streamURL, parts.host)...)`, `_ = pieces`, "TestStreamKeys"},
	{"a URL with backslashes is redacted", "internal/redact/url.go", `(?:[/\\]|%(?:25)*2F){2,}`, `(?:/|\\\\?/|%(?:25)*2F){2,}`, "TestText"},
	{"one line has no C1 control characters", "internal/redact/line.go", `case r < 0xa0:`, `case r < 0x80:`, "TestOneLine|TestOneLineOfAllCharacters"},
	{"one line has no bidi controls", "internal/redact/line.go", `unicode.In(r, unicode.Cf, unicode.Zl`, `unicode.In(r, unicode.Zl`, "TestOneLine|TestOneLineOfAllCharacters"},
	{"one line has no line separators", "internal/redact/line.go", `unicode.Zl, unicode.Zp, `, ``, "TestOneLine|TestOneLineOfAllCharacters"},
	{"one line is valid UTF-8", "internal/redact/line.go", `s = strings.ToValidUTF8(s, "�")`, ``, "TestOneLine"},
	{"a printed job is one line", "models.go", `job(j.printable())`, `job(j)`, "TestPrintsAreOneLine"},
	{"no repeated secret is shown", "internal/redact/redact.go", `strings.ReplaceAll(text, form, Marker)`, `strings.ReplaceAll(text, form, form)`, "TestSecretsAreNowhere|TestText"},
	{"no repeated secret is shown that is escaped", "internal/redact/redact.go", `escapePattern.ReplaceAllStringFunc(text, unescape)`, `escapePattern.ReplaceAllStringFunc(text, strings.Clone)`, "TestSecretsAreNowhere"},
	{"no password of a proxy is shown", "internal/redact/redact.go", `authorizationPattern.ReplaceAllString(text, "${1}"+Marker)`, `authorizationPattern.ReplaceAllString(text, "$0")`, "TestSecretsAreNowhere"},
	{"user info without a scheme is redacted", "internal/redact/redact.go", `userInfoPattern.ReplaceAllStringFunc(text, redactUserInfo)
	}`, `userInfoPattern.ReplaceAllStringFunc(text, strings.Clone)
	}`, "TestUserInfo"},
	{"user info with spaces is redacted in a quoted URL", "internal/redact/redact.go", `return quoted[:1] + redactURL(quoted[1:])`, `return quoted`, "TestUserInfo"},
	{"user info with spaces is redacted in quotes", "internal/redact/redact.go", `quotedUserInfoPattern.ReplaceAllStringFunc(text, redactUserInfo)`, `quotedUserInfoPattern.ReplaceAllStringFunc(text, strings.Clone)`, "TestUserInfo"},
	{"ordinary texts with at signs are not redacted", "internal/redact/userinfo.go", `if harmlessPattern.MatchString(s) {`, `if s == "" {`, "TestUserInfo"},
	{"no pattern is skipped that could match", "internal/redact/redact.go", "const special = `:=%&\\`", "const special = `:=&\\`", "FuzzText"},
	{"no repeated request is shown", "internal/acs3/mismatch.go", `if strings.Contains(text, mark) {`, `if strings.Contains(text, mark+mark) {`, "TestRequestInAMismatchIsNotShown|TestLeaksRequest"},
}
