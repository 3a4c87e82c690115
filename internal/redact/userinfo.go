package redact

import (
	"regexp"
	"strings"
)

var (
	// quotedURLPattern matches a URL in quotes whose user info may contain spaces, up to the end of its host.
	quotedURLPattern = regexp.MustCompile(`(?i)["'` + "`" + `][a-z][a-z0-9+.-]+` + separator + `[^\r\n"'<>` + "`" + `]*@[^\s"'<>` + "`" + `]*`)
	// userInfoPattern matches user:password@ and a host, without a scheme.
	userInfoPattern = regexp.MustCompile(`[^\s"'<>/@:,;=(){}[\]` + "`" + `]*:[^\s"'<>` + "`" + `]+@[\p{L}\p{N}[][\p{L}\p{N}._-]*`)
	// quotedUserInfoPattern matches the same in quotes, where the password may contain spaces.
	quotedUserInfoPattern = regexp.MustCompile(`["'` + "`" + `][^\s"'<>/@:` + "`" + `]*:[^\s"'<>` + "`" + `][^\r\n"'<>` + "`" + `]*@` +
		`(?:[\p{L}\p{N}._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\\?["'` + "`" + `]`)
	// harmlessPattern matches what has the form of user info but is not: a time, a host and port with a path, an e-mail
	// address in a URL, and what is before the version of a module or the digest of an image.
	harmlessPattern = regexp.MustCompile(`^["'` + "`" + `]?(?:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?[ @]|[^:]*:[0-9]{1,5}/|(?i:mailto):)|@(?:v[0-9]+\.[0-9]+\.[0-9]+[^@]*|sha256)$`)
)

// redactUserInfo redacts what precedes the last at sign of a match of one of the patterns.
func redactUserInfo(s string) string {
	if harmlessPattern.MatchString(s) {
		return s
	}
	quote := ""
	if strings.ContainsAny(s[:1], "\"'`") {
		quote = s[:1]
	}
	return quote + Marker + s[strings.LastIndexByte(s, '@'):]
}
