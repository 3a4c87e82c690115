// Package redact makes untrusted texts safe to show: on one line, without secrets and stream keys.
package redact

import (
	"html"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marker replaces a secret.
const Marker = "[redacted]"

// minSecret is the length of the shortest secret that is searched for. Shorter ones occur inside words.
const minSecret = 6

var (
	// urlPattern matches URLs: plain, percent-encoded, or with the slashes escaped as in JSON.
	urlPattern = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*(?:://|%3A%2F%2F|:\\/\\/)[^\s"'<>` + "`" + `]*`)
	// secretPattern matches a value after a name that announces a secret.
	secretPattern = regexp.MustCompile(`(?i)((?:secret|token|password|passwd|signature|private.?key|auth.?key)[a-z_-]*\\?["']?\s*[:=]\s*\\?["']?)[^\s"',;&<>{}` + "`" + `]+`)
	// authorizationPattern matches the value of an Authorization header, its scheme included.
	authorizationPattern = regexp.MustCompile(`(?i)(authorization\\?["']?\s*[:=]\s*\\?["']?)(?:(?:basic|bearer|digest|negotiate)\s+)?[^\s"',;&<>{}]+`)
	// escapePattern matches the escapes of HTML and JSON, which would hide a secret from the other patterns.
	escapePattern = regexp.MustCompile(`&#[xX]?[0-9A-Fa-f]{1,5};|&(?:quot|amp);|\\u00[0-9A-Fa-f]{2}`)
	// opaquePattern matches long unbroken runs, such as keys.
	opaquePattern = regexp.MustCompile(`[A-Za-z0-9+=_-]{16,}`)
)

// Text returns text in valid UTF-8 and on one line. It redacts the given secrets, values whose name announces a
// secret, and the parts of URLs that can contain a key.
func Text(text string, secrets ...string) string {
	text = escapePattern.ReplaceAllStringFunc(text, unescape)
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "/", `\/`)} {
			text = strings.ReplaceAll(text, form, Marker)
		}
	}
	// Announced values come before URLs: a URL without a space after it would include the name before the value.
	text = authorizationPattern.ReplaceAllString(text, "${1}"+Marker)
	text = secretPattern.ReplaceAllString(text, "${1}"+Marker)
	text = urlPattern.ReplaceAllStringFunc(text, redactURL)
	return OneLine(strings.ToValidUTF8(text, "�"))
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
	if plain, err := url.QueryUnescape(rest); isURL && err == nil && !strings.Contains(plain, "@") && Text(plain, secrets...) == plain {
		return address
	}
	return Text(address, secrets...)
}

// redactURL keeps the host of a URL and, for http and https, the path. The path of a stream ends in its key.
func redactURL(s string) string {
	plain := strings.ReplaceAll(s, `\/`, "/")
	if strings.Contains(strings.ToUpper(plain), "%3A%2F%2F") {
		if decoded, err := url.QueryUnescape(plain); err == nil {
			plain = decoded
		}
	}
	u, err := url.Parse(plain)
	if err != nil {
		scheme, _, _ := strings.Cut(strings.Replace(s, "%", ":", 1), ":")
		return scheme + "://" + Marker
	}
	shown := u.Scheme + "://" + u.Host
	switch {
	case u.Scheme != "http" && u.Scheme != "https", urlPattern.MatchString(u.Path): // or another URL follows
		return shown + "/" + Marker
	case u.RawQuery != "" || u.User != nil || u.Fragment != "":
		return shown + u.EscapedPath() + "?" + Marker
	}
	return shown + u.EscapedPath()
}

// StreamURL redacts the parts of a stream's URL that can contain its key: user info, query and the last element of
// the path.
func StreamURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Host == "" {
		return Marker
	}
	dir, key := path.Split(strings.TrimRight(u.EscapedPath(), "/"))
	if key != "" {
		dir += Marker
	}
	return OneLine(u.Scheme + "://" + u.Host + dir)
}

// StreamKeys redacts in text every part of a stream's URL that can be its key: the whole URL, user info, query
// values, and the last element of the path. Each is redacted where it is a word of its own.
func StreamKeys(text, streamURL string) string {
	words := []string{streamURL}
	if u, err := url.Parse(streamURL); err == nil {
		password, _ := u.User.Password()
		words = append(words, u.RawQuery, u.User.String(), password, path.Base(u.Path), path.Base(u.EscapedPath()))
		for _, values := range u.Query() {
			words = append(words, values...)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	for _, word := range words {
		if len(word) >= minSecret {
			text = redactWord(text, word)
		}
	}
	return text
}

// redactWord redacts a word where no letter or digit precedes or follows it.
func redactWord(text, word string) string {
	isPart := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	var b strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return b.String() + text
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(word):])
		b.WriteString(text[:i])
		if text = text[i+len(word):]; isPart(before) || isPart(after) {
			b.WriteString(word)
		} else {
			b.WriteString(Marker)
		}
	}
}

// Opaque redacts long runs of letters mixed with digits: keys look like that, names do not.
func Opaque(text string) string {
	return opaquePattern.ReplaceAllStringFunc(text, func(run string) string {
		if strings.ContainsAny(run, "0123456789") && strings.ContainsFunc(run, unicode.IsLetter) {
			return Marker
		}
		return run
	})
}

// OneLine returns s on one line, without control characters.
func OneLine(s string) string {
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, isControl), " ")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

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

// Abbreviate is [Truncate] with an ellipsis that shows the cut.
func Abbreviate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return Truncate(s, n-3) + "..."
}
