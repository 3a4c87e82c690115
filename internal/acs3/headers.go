package acs3

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The headers of a signed request, in the canonical spelling of net/http.
const (
	HeaderAction        = "X-Acs-Action"
	HeaderVersion       = "X-Acs-Version"
	HeaderAuthorization = "Authorization"
	HeaderContentSHA256 = "X-Acs-Content-Sha256"
	HeaderDate          = "X-Acs-Date"
	HeaderNonce         = "X-Acs-Signature-Nonce"
	HeaderSecurityToken = "X-Acs-Security-Token"
)

// A header is a signed header. An absent one has no name.
type header struct {
	name  string // lower case
	value string
}

// Indexes of the headers that requests of a client have, in the order of their names.
const (
	indexHost = iota
	indexAction
	indexContentSHA256
	indexDate
	indexSecurityToken
	indexNonce
	indexVersion
	knownHeaders
)

var knownNames = [knownHeaders]string{
	"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-security-token", "x-acs-signature-nonce",
	"x-acs-version",
}

// SignedHeaders is the set of headers that a signature covers: the host, Content-Type if set, and every
// x-acs-* header. The known ones have fixed positions, so that a request with no others needs no sorting. The zero
// value is an empty set.
type SignedHeaders struct {
	known  [knownHeaders]header
	others []header

	// NonCanonical reports whether the request has a header that the signer sets in a non-canonical spelling. Such
	// a header is not in the set; [RemoveNonCanonical] removes it from the request.
	NonCanonical bool
}

// Collect adds the signed headers of req to an empty set. It does not change req.
func (s *SignedHeaders) Collect(req *http.Request) {
	s.known[indexHost] = header{knownNames[indexHost], Host(req)}
	for key, values := range req.Header {
		index := -1
		switch key {
		case "Accept", "User-Agent", HeaderAuthorization:
			continue
		case HeaderAction:
			index = indexAction
		case HeaderVersion:
			index = indexVersion
		case HeaderDate:
			index = indexDate
		case HeaderNonce:
			index = indexNonce
		case HeaderContentSHA256:
			index = indexContentSHA256
		case HeaderSecurityToken:
			index = indexSecurityToken
		}
		switch {
		case len(values) == 0:
		case index >= 0 && len(values) == 1 && s.known[index].name == "":
			s.known[index] = header{knownNames[index], strings.TrimSpace(values[0])}
		default:
			s.collectOther(req.Header, key)
		}
	}
}

// collectOther adds a header that is not a known one in canonical spelling with a single value.
func (s *SignedHeaders) collectOther(h http.Header, key string) {
	if isSetBySigner(key) && key != http.CanonicalHeaderKey(key) {
		s.NonCanonical = true
		return
	}
	name := strings.ToLower(key)
	switch index := slices.Index(knownNames[:], name); {
	case name == "host": // net/http sends the host of the request instead
	case index >= 0:
		s.known[index] = header{name, joinValues(h, name)}
	case name != "content-type" && !strings.HasPrefix(name, "x-acs-"):
	case slices.ContainsFunc(s.others, func(o header) bool { return o.name == name }):
	default:
		s.others = append(s.others, header{name, joinValues(h, name)})
	}
}

// isSetBySigner reports whether the signer sets the header, whatever its spelling.
func isSetBySigner(key string) bool {
	switch http.CanonicalHeaderKey(key) {
	case HeaderDate, HeaderNonce, HeaderContentSHA256, HeaderSecurityToken, HeaderAuthorization:
		return true
	}
	return false
}

// RemoveNonCanonical removes the non-canonical spellings of the headers that the signer sets.
func RemoveNonCanonical(h http.Header) {
	maps.DeleteFunc(h, func(key string, _ []string) bool {
		return isSetBySigner(key) && key != http.CanonicalHeaderKey(key)
	})
}

// joinValues returns the signed value of a header: its values in all spellings, trimmed, sorted, and separated by
// commas.
func joinValues(h http.Header, name string) string {
	var all []string
	for key, values := range h {
		if strings.ToLower(key) == name {
			for _, v := range values {
				all = append(all, strings.TrimSpace(v))
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// sorted returns the headers, absent ones included, in the order of their names.
func (s *SignedHeaders) sorted() []header {
	if len(s.others) == 0 {
		return s.known[:]
	}
	all := slices.Concat(s.known[:], s.others)
	slices.SortFunc(all, func(a, b header) int { return cmp.Compare(a.name, b.name) })
	return all
}

// Host returns the Host header that net/http sends with req.
func Host(req *http.Request) string { return cmp.Or(req.Host, req.URL.Host) }

// plainHost matches the name of a host, an IPv4 address, or an IPv6 address in brackets without a zone, and a port.
// Matching takes longer than the hashes of a signature, so [isHostName] recognizes names first.
var plainHost = regexp.MustCompile(`^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$`)

// IsPlainHost reports whether a Host header is valid, and sent by net/http unchanged: whether it consists of letters,
// digits, dots, hyphens and underscores, or is an IPv6 address in brackets. It may have a port.
func IsPlainHost(host string) bool { return isHostName(host) || plainHost.MatchString(host) }

// isHostName reports whether s has only characters of a host name.
func isHostName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !unreserved[c] || c == '~' {
			return false
		}
	}
	return s != ""
}

// InvalidHeaderValue returns why s cannot be sent as the value of a header, or "" if it can.
func InvalidHeaderValue(s string) (reason string) {
	switch {
	case s == "":
		return "is empty"
	case HasControl(s):
		return "has control characters"
	case strings.TrimSpace(s) != s:
		return "has surrounding white space"
	}
	return ""
}

// HasControl reports whether s has ASCII control characters.
func HasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
