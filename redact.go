package livetranscode

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

// hidden stands where a secret was.
const hidden = "[hidden]"

// shortest is the length from which on a text is taken for a secret, so that no word is torn up.
const shortest = 6

var (
	// urlPattern finds URLs, plain, percent-encoded, or with the slashes escaped as JSON allows.
	urlPattern = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*(?:://|%3A%2F%2F|:\\/\\/)[^\s"'<>` + "`" + `]*`)
	// secretPattern finds values after names that announce a secret.
	secretPattern = regexp.MustCompile(`(?i)((?:secret|token|password|passwd|signature|private.?key|auth.?key)[a-z_-]*\\?["']?\s*[:=]\s*\\?["']?)[^\s"',;&<>{}` + "`" + `]+`)
	// authorizationPattern finds what follows the header that announces it, scheme included.
	authorizationPattern = regexp.MustCompile(`(?i)(authorization\\?["']?\s*[:=]\s*\\?["']?)(?:(?:basic|bearer|digest|negotiate)\s+)?[^\s"',;&<>{}]+`)
	// escapePattern finds the escapes of HTML and JSON behind which a secret would not be recognised.
	escapePattern = regexp.MustCompile(`&#[xX]?[0-9A-Fa-f]{1,5};|&(?:quot|amp);|\\u00[0-9A-Fa-f]{2}`)
	// opaquePattern finds long runs without a break, such as keys.
	opaquePattern = regexp.MustCompile(`[A-Za-z0-9+=_-]{16,}`)
)

// scrub makes a text of others fit to be shown: on one line, valid UTF-8, without the given secrets, what
// is announced as one, and the parts of URLs where keys stand.
func scrub(text string, secrets ...string) string {
	text = escapePattern.ReplaceAllStringFunc(text, unescape)
	for _, secret := range secrets {
		if len(secret) < shortest {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "/", `\/`)} {
			text = strings.ReplaceAll(text, form, hidden)
		}
	}
	// Announcements first: a URL that no space ends would swallow the name in front of the secret.
	text = authorizationPattern.ReplaceAllString(text, "${1}"+hidden)
	text = secretPattern.ReplaceAllString(text, "${1}"+hidden)
	text = urlPattern.ReplaceAllStringFunc(text, scrubURL)
	return oneLine(strings.ToValidUTF8(text, "�"))
}

// unescape returns what an escape of HTML or JSON stands for.
func unescape(escape string) string {
	if code, ok := strings.CutPrefix(escape, `\u`); ok {
		escape = "&#x" + code + ";"
	}
	return html.UnescapeString(escape)
}

// scrubPage makes the address of a troubleshooting page fit to be shown. Its query, which scrub would hide, is
// what leads to the page; it stays if there is nothing else to hide.
func scrubPage(address string, secrets ...string) string {
	_, rest, isURL := strings.Cut(address, "://")
	if plain, err := url.QueryUnescape(rest); isURL && err == nil && !strings.Contains(plain, "@") && scrub(plain, secrets...) == plain {
		return address
	}
	return scrub(address, secrets...)
}

// scrubURL keeps of a URL what tells where it leads: of a web address host and path, of a stream's, whose
// path ends in its key, only the host.
func scrubURL(s string) string {
	plain := strings.ReplaceAll(s, `\/`, "/")
	if strings.Contains(strings.ToUpper(plain), "%3A%2F%2F") {
		if decoded, err := url.QueryUnescape(plain); err == nil {
			plain = decoded
		}
	}
	u, err := url.Parse(plain)
	if err != nil {
		scheme, _, _ := strings.Cut(strings.Replace(s, "%", ":", 1), ":")
		return scheme + "://" + hidden
	}
	shown := u.Scheme + "://" + u.Host
	switch {
	case u.Scheme != "http" && u.Scheme != "https", urlPattern.MatchString(u.Path): // or another URL follows
		return shown + "/" + hidden
	case u.RawQuery != "" || u.User != nil || u.Fragment != "":
		return shown + u.EscapedPath() + "?" + hidden
	}
	return shown + u.EscapedPath()
}

// hideStreamKey hides, in the URL of a stream, user info, query and the last element of the path.
func hideStreamKey(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Host == "" {
		return hidden
	}
	dir, key := path.Split(strings.TrimRight(u.EscapedPath(), "/"))
	if key != "" {
		dir += hidden
	}
	return oneLine(u.Scheme + "://" + u.Host + dir)
}

// hideAddress hides in a text what an address of a stream has that may be its key: the address as a whole, user info,
// query, and the last element of the path, each where it stands as a word.
func hideAddress(text, address string) string {
	words := []string{address}
	if u, err := url.Parse(address); err == nil {
		password, _ := u.User.Password()
		words = append(words, u.RawQuery, u.User.String(), password, path.Base(u.Path), path.Base(u.EscapedPath()))
		for _, values := range u.Query() {
			words = append(words, values...)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	for _, word := range words {
		if len(word) >= shortest {
			text = hideWord(text, word)
		}
	}
	return text
}

// hideWord hides a word where neither a letter nor a digit stands beside it.
func hideWord(text, word string) string {
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
			b.WriteString(hidden)
		}
	}
}

// hideOpaque hides a run of characters that mixes letters and digits, as keys do and names do not.
func hideOpaque(s string) string {
	if strings.ContainsAny(s, "0123456789") && strings.ContainsFunc(s, unicode.IsLetter) {
		return hidden
	}
	return s
}

// clip returns at most n bytes of s, whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// shorten is clip that shows the cut.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return clip(s, n-3) + "..."
}
