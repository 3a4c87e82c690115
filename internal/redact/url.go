package redact

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// separator matches what separates the scheme of a URL from the rest: plain, percent-encoded once or more, with the
// slashes escaped as in JSON, or with backslashes.
const separator = `(?::|%(?:25)*3A)(?:[/\\]|%(?:25)*2F){2,}`

var (
	// urlPattern matches a URL. Its scheme has two characters or more: C:\\ is no scheme.
	urlPattern = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]+` + separator + `[^\s"'<>` + "`" + `]*`)
	// optionsPattern matches a URL with options in the form of librtmp, which can contain keys: " name=value".
	optionsPattern = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]+` + separator + `[^\s"'<>` + "`" + `]*(?:[ \t]+[a-z]+=[^\s"'<>` + "`" + `]*)+`)
	// encodedPattern matches the beginning of a URL that is percent-encoded.
	encodedPattern = regexp.MustCompile(`(?i)^[a-z0-9+.-]+(?:%(?:25)*3A|:[/\\]*%(?:25)*2F)`)
	// schemePattern matches a scheme.
	schemePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	// hostPattern matches a host that certainly is one, and no part of user info.
	hostPattern = regexp.MustCompile(`^(?:[\p{L}\p{N}._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$`)
	// plainPathPattern matches a path whose elements are certain: no options, parameters or encoded slashes.
	plainPathPattern = regexp.MustCompile(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/*$`)
	// atPattern matches an at sign, which may end user info.
	atPattern = regexp.MustCompile(`@|%(?:25)*40`)
)

// urlParts are the parts of a URL that can be shown, or that decide what can be.
type urlParts struct {
	scheme, host, path string
	hasSecret          bool // it has user info, a query or a fragment
}

// splitURL splits a URL more carefully than [url.Parse], for which the 12 in rtmp://user:12/KEY@host/app is a port:
// host is empty if it is uncertain, and scheme as well if there is none.
func splitURL(s string) (parts urlParts) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !schemePattern.MatchString(scheme) {
		return parts
	}
	parts.scheme = strings.ToLower(scheme)
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if !hostPattern.MatchString(host) || atPattern.MatchString(tail) {
		return parts
	}
	parts.host, parts.path = host, tail
	if i := strings.IndexAny(tail, "?#"); i >= 0 {
		parts.path = tail[:i]
	}
	parts.hasSecret = host != authority || len(tail) > len(parts.path)+1
	return parts
}

// redactURL keeps the host of a URL and, for http and https, the path. The path of a stream ends in its key.
func redactURL(s string) string {
	plain := strings.ReplaceAll(s, `\/`, "/")
	for encodedPattern.MatchString(plain) {
		decoded, err := url.QueryUnescape(plain)
		if err != nil {
			break
		}
		plain = decoded
	}
	parts := splitURL(plain)
	switch {
	case parts.host == "":
		return s[:strings.IndexAny(s, ":%")] + "://" + Marker
	case !isWeb(parts.scheme), urlPattern.MatchString(parts.path): // or another URL follows
		parts.path = "/" + Marker
	case parts.hasSecret:
		parts.path += "?" + Marker
	}
	return parts.scheme + "://" + parts.host + parts.path
}

func isWeb(scheme string) bool {
	return strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
}

// redactOptions drops the options that follow the URL of a stream.
func redactOptions(s string) string {
	address, _, _ := strings.Cut(strings.ReplaceAll(s, "\t", " "), " ")
	if i := strings.IndexAny(address, ":%"); isWeb(address[:i]) {
		return s
	}
	return address
}

// StreamURL redacts the parts of a stream's URL that can contain its key: user info, query and the last element of
// the path. It redacts the whole path if that has more than plain elements, and all but the scheme if the host is
// uncertain.
func StreamURL(s string) string {
	if s == "" {
		return ""
	}
	parts := splitURL(s)
	switch {
	case parts.scheme == "":
		return Marker
	case parts.host == "":
		return parts.scheme + "://" + Marker
	case !plainPathPattern.MatchString(parts.path):
		return parts.scheme + "://" + parts.host + "/" + Marker
	}
	dir, key := path.Split(strings.TrimRight(parts.path, "/"))
	if key != "" {
		dir += Marker
	}
	return parts.scheme + "://" + parts.host + dir
}

// StreamKeys redacts in text every part of a stream's URL that can be its key: the whole URL, user info, query
// values, options, and the last element of the path. Each is redacted where it is a word of its own.
func StreamKeys(text, streamURL string) string {
	words := []string{streamURL}
	if u, err := url.Parse(streamURL); err == nil {
		password, _ := u.User.Password()
		words = append(words, u.RawQuery, u.User.String(), password, path.Base(u.Path), path.Base(u.EscapedPath()))
		for _, values := range u.Query() {
			words = append(words, values...)
		}
	}
	if parts := splitURL(streamURL); parts.host == "" || !plainPathPattern.MatchString(parts.path) {
		words = append(words, pieces(streamURL, parts.host)...)
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	for _, word := range words {
		if len(word) >= minSecret {
			text = redactWord(text, word)
		}
	}
	return text
}

// pieces returns the pieces of a URL without a clear structure, as they are and decoded, and without its host.
func pieces(s, host string) (all []string) {
	isDelimiter := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`/\?#&;,@:"'`, r) }
	_, s, _ = strings.Cut(s, "://")
	for _, piece := range strings.FieldsFunc(s, isDelimiter) {
		if _, value, ok := strings.Cut(piece, "="); ok {
			piece = value
		}
		if piece == host {
			continue
		}
		all = append(all, piece)
		if decoded, err := url.PathUnescape(piece); err == nil && decoded != piece {
			all = append(append(all, decoded), strings.FieldsFunc(decoded, isDelimiter)...)
		}
	}
	return all
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
