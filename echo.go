package livetranscode

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

const (
	// secretOrChange is all that can be said of a signature that does not match.
	secretOrChange = "the access key secret is wrong, or something on the way changed the request"
	wrongSecret    = "the access key secret is wrong"
)

// isEcho reports whether a text repeats the request, with the token and every value in it, or is the code of
// an error whose message does.
func isEcho(text string) bool {
	for _, mark := range []string{"SignatureDoesNotMatch", "IncompleteSignature", "StringToSign", "CanonicalRequest"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// readEcho says what the service's view of a signed request tells, given the message of
// SignatureDoesNotMatch: that the two views are equal, so that the secret is wrong, or what differs first. It
// names a method, a path, a query key or a header, never a value. The form of the message is not documented;
// of any other it says no more than what is always true.
func readEcho(message string, req *http.Request) string {
	_, echo, ok := strings.Cut(message, "server CanonicalRequest is [")
	end := strings.LastIndexByte(echo, ']')
	if !ok || end < 0 {
		return secretOrChange
	}
	echo = echo[:end]
	if !strings.Contains(echo, "\n") {
		echo = strings.ReplaceAll(echo, `\n`, "\n")
	}
	ours := canonicalRequest(req)
	if echo == ours {
		return wrongSecret
	}
	a, okOurs := splitCanonical(ours)
	b, okTheirs := splitCanonical(echo)
	if !okOurs || !okTheirs {
		return secretOrChange
	}
	var part string
	switch {
	case a.method != b.method:
		part = "the method"
	case a.path != b.path:
		part = "the path"
	case a.query != b.query:
		part = "the query"
		if key := firstDifference(strings.Split(a.query, "&"), strings.Split(b.query, "&"), "="); key != "" {
			part = "the query parameter " + key
		}
	case !slices.Equal(a.headers, b.headers):
		part = "a header"
		if name := firstDifference(a.headers, b.headers, ":"); name != "" {
			part = "the header " + name
		}
	case a.signed != b.signed:
		part = "the list of signed headers"
	default:
		part = "the body"
	}
	return "something on the way changed the request: the service sees " + part + " otherwise than it was signed"
}

// canonicalParts are the parts of a canonical request.
type canonicalParts struct {
	method, path, query string
	headers             []string
	signed, hash        string
}

func splitCanonical(s string) (p canonicalParts, ok bool) {
	lines := strings.Split(s, "\n")
	n := len(lines)
	if n < 7 || lines[n-3] != "" {
		return p, false
	}
	return canonicalParts{lines[0], lines[1], lines[2], lines[3 : n-3], lines[n-2], lines[n-1]}, true
}

// firstDifference returns the name of the first entry, in order of names, that is in only one of two sets of
// entries; empty if the name is not fit to be shown.
func firstDifference(a, b []string, separator string) string {
	differ := slices.DeleteFunc(slices.Concat(a, b), func(s string) bool {
		return s == "" || slices.Contains(a, s) && slices.Contains(b, s)
	})
	if len(differ) == 0 {
		return "" // only the order
	}
	first := slices.MinFunc(differ, func(x, y string) int {
		nameX, _, _ := strings.Cut(x, separator)
		nameY, _, _ := strings.Cut(y, separator)
		return cmp.Compare(nameX, nameY)
	})
	name, _, ok := strings.Cut(first, separator)
	if !ok || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r > 127 || !unreserved[byte(r)] }) {
		return ""
	}
	return name
}
