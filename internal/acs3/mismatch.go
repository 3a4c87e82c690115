package acs3

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Explanations of [ExplainMismatch]: when nothing more precise is known, and when the canonical requests are equal.
const (
	UnknownMismatch = "the access key secret is wrong, or the request was altered in transit"
	WrongSecret     = "the access key secret is wrong"
)

// LeaksRequest reports whether a text repeats a signed request, which contains the security token and every
// parameter, or is the code of an error whose message does.
func LeaksRequest(text string) bool {
	for _, mark := range []string{"SignatureDoesNotMatch", "IncompleteSignature", "StringToSign", "CanonicalRequest"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// ExplainMismatch compares the canonical request in the message of a SignatureDoesNotMatch error with that of req,
// the request that was sent, and returns the first difference, or [WrongSecret] if there is none. It names the
// method, the path, a query parameter or a header, never a value. The service does not document the form of the
// message: for a message of any other form it returns [UnknownMismatch].
func ExplainMismatch(message string, req *http.Request) string {
	_, theirs, ok := strings.Cut(message, "server CanonicalRequest is [")
	end := strings.LastIndexByte(theirs, ']')
	if !ok || end < 0 {
		return UnknownMismatch
	}
	theirs = theirs[:end]
	if !strings.Contains(theirs, "\n") {
		theirs = strings.ReplaceAll(theirs, `\n`, "\n")
	}
	ours := CanonicalRequest(req)
	if theirs == ours {
		return WrongSecret
	}
	signed, okSigned := splitCanonicalRequest(ours)
	received, okReceived := splitCanonicalRequest(theirs)
	if !okSigned || !okReceived {
		return UnknownMismatch
	}
	return "the request was altered in transit: " + signed.difference(received) + " differs from what was signed"
}

// canonicalParts are the lines of a canonical request.
type canonicalParts struct {
	method, path, query string
	headers             []string
	signedNames, hash   string
}

func splitCanonicalRequest(s string) (p canonicalParts, ok bool) {
	lines := strings.Split(s, "\n")
	n := len(lines)
	if n < 7 || lines[n-3] != "" {
		return p, false
	}
	return canonicalParts{lines[0], lines[1], lines[2], lines[3 : n-3], lines[n-2], lines[n-1]}, true
}

// difference names the first part that differs between two canonical requests.
func (p canonicalParts) difference(o canonicalParts) string {
	switch {
	case p.method != o.method:
		return "the method"
	case p.path != o.path:
		return "the path"
	case p.query != o.query:
		if key := firstDifference(strings.Split(p.query, "&"), strings.Split(o.query, "&"), "="); key != "" {
			return "the query parameter " + key
		}
		return "the query"
	case !slices.Equal(p.headers, o.headers):
		if name := firstDifference(p.headers, o.headers, ":"); name != "" {
			return "the header " + name
		}
		return "a header"
	case p.signedNames != o.signedNames:
		return "the list of signed headers"
	}
	return "the body"
}

// firstDifference returns the name of the first entry, in the order of names, that is in only one of two lists. It
// returns "" if only the order differs, or if the name is not safe to show.
func firstDifference(a, b []string, separator string) string {
	differ := slices.DeleteFunc(slices.Concat(a, b), func(s string) bool {
		return s == "" || slices.Contains(a, s) && slices.Contains(b, s)
	})
	if len(differ) == 0 {
		return ""
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
