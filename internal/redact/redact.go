// Package redact makes untrusted texts safe to show: on one line, without secrets and stream keys.
package redact

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// Marker replaces a secret.
const Marker = "[redacted]"

// minSecret is the length of the shortest secret that is searched for. Shorter ones occur inside words.
const minSecret = 6

var (
	// secretPattern matches a value after a name that announces a secret.
	secretPattern = regexp.MustCompile(`(?i)((?:secret|token|password|passwd|signature|private.?key|auth.?key)` +
		`[a-z_-]*\\?["']?\s*[:=]\s*\\?["']?)[^\s"',;&<>{}` + "`" + `]+`)
	// authorizationPattern matches the value of an Authorization header, its scheme included.
	authorizationPattern = regexp.MustCompile(`(?i)(authorization\\?["']?\s*[:=]\s*\\?["']?)` +
		`(?:(?:basic|bearer|digest|negotiate)\s+)?[^\s"',;&<>{}]+`)
	// escapePattern matches the escapes of HTML and JSON, which would hide a secret from the other patterns.
	escapePattern = regexp.MustCompile(`&#[xX]?[0-9A-Fa-f]{1,5};|&(?:quot|amp);|\\u00[0-9A-Fa-f]{2}`)
	// opaquePattern matches long unbroken runs, such as keys.
	opaquePattern = regexp.MustCompile(`[A-Za-z0-9+=_-]{16,}`)
)

// special has a character of whatever the patterns of Text match.
const special = `:=%&\`

// Text returns text as [OneLine] does. It redacts the given secrets, values whose name announces a secret, and the
// parts of URLs that can contain a key.
func Text(text string, secrets ...string) string {
	if !strings.ContainsAny(text, special) { // such as an id
		return OneLine(redactSecrets(text, secrets))
	}
	text = escapePattern.ReplaceAllStringFunc(text, unescape)
	text = redactSecrets(text, secrets)
	text = optionsPattern.ReplaceAllStringFunc(text, redactOptions)
	// Announced values come before URLs: a URL without a space after it would include the name before the value.
	text = authorizationPattern.ReplaceAllString(text, "${1}"+Marker)
	text = secretPattern.ReplaceAllString(text, "${1}"+Marker)
	hasAt := strings.Contains(text, "@")
	if hasAt {
		text = quotedURLPattern.ReplaceAllStringFunc(text, func(quoted string) string { return quoted[:1] + redactURL(quoted[1:]) })
	}
	text = urlPattern.ReplaceAllStringFunc(text, redactURL)
	if hasAt {
		text = quotedUserInfoPattern.ReplaceAllStringFunc(text, redactUserInfo)
		text = userInfoPattern.ReplaceAllStringFunc(text, redactUserInfo)
	}
	return OneLine(text)
}

// Bounded returns at most n bytes of what [Text] returns. It reads no more of a long text than that needs. What the cut
// may leave of a secret is at the end, which is dropped.
func Bounded(text string, n int, secrets ...string) string {
	longest := minSecret
	for _, secret := range secrets {
		longest = max(longest, 3*len(secret)) // each byte may be percent-encoded
	}
	longest += len("\\u0000")
	limit := 2 * (n + longest)
	if len(text) <= limit {
		return Truncate(Text(text, secrets...), n)
	}
	shown := Text(Truncate(text, limit), secrets...)
	return Truncate(shown, min(n, max(0, len(shown)-longest)))
}

func redactSecrets(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "/", `\/`),
		} {
			text = strings.ReplaceAll(text, form, Marker)
		}
	}
	return text
}

// unescape decodes an escape of HTML or JSON.
func unescape(escape string) string {
	if code, ok := strings.CutPrefix(escape, `\u`); ok {
		escape = "&#x" + code + ";"
	}
	return html.UnescapeString(escape)
}

// Link is [Text] for the address of a troubleshooting page, whose query leads to the page: it keeps the query if
// there is nothing else to redact.
func Link(address string, secrets ...string) string {
	_, rest, isURL := strings.Cut(address, "://")
	plain, err := url.QueryUnescape(rest)
	if isURL && err == nil && !strings.Contains(plain, "@") && Text(plain, secrets...) == plain {
		return address
	}
	return Text(address, secrets...)
}

// Opaque redacts long runs of letters mixed with digits, as keys are and names are not.
func Opaque(text string) string {
	return opaquePattern.ReplaceAllStringFunc(text, func(run string) string {
		if strings.ContainsAny(run, "0123456789") && strings.ContainsFunc(run, unicode.IsLetter) {
			return Marker
		}
		return run
	})
}
