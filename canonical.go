package livetranscode

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The canonical request: the one form of a request that client and service both hash.

// canonicalRequest returns the canonical request of a request that is signed.
func canonicalRequest(req *http.Request) string {
	var t headerTable
	t.collect(req)
	b, _ := appendCanonicalRequest(nil, req, t.sorted(), req.Header.Get(headerContentSHA256))
	return string(b)
}

// appendCanonicalRequest appends the canonical request, which is what the signature is made of, and returns the
// names in it, too.
func appendCanonicalRequest(b []byte, req *http.Request, headers []signedHeader, contentHash string) (_, names []byte) {
	b = append(b, cmp.Or(req.Method, http.MethodGet)...)
	b = append(b, '\n')
	b = appendCanonicalPath(b, req.URL)
	b = append(b, '\n')
	b = append(b, req.URL.RawQuery...) // canonical by now
	b = append(b, '\n')
	for _, h := range headers {
		if h.name != "" {
			b = append(b, h.name...)
			b = append(b, ':')
			b = append(b, h.value...)
			b = append(b, '\n')
		}
	}
	b = append(b, '\n')
	from := len(b)
	for _, h := range headers {
		if h.name != "" {
			b = append(b, h.name...)
			b = append(b, ';')
		}
	}
	names = b[from : len(b)-1] // there is a host at least
	b[len(b)-1] = '\n'
	return append(b, contentHash...), names
}

// A signedHeader is a header that the signature covers.
type signedHeader struct {
	name  string // in lower case
	value string
}

// The headers that all requests of this package are signed with, by their places in the order of names.
const (
	hostAt = iota
	actionAt
	contentSHA256At
	dateAt
	tokenAt
	nonceAt
	versionAt
	usualHeaders
)

var usualNames = [usualHeaders]string{
	"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-security-token", "x-acs-signature-nonce", "x-acs-version",
}

// A headerTable holds the headers that a signature covers. The usual ones have fixed places, so that there is
// nothing to sort.
type headerTable struct {
	usual  [usualHeaders]signedHeader // without a name: absent
	others []signedHeader
	strays bool // there may be headers that Sign sets in another spelling
}

func (t *headerTable) set(at int, value string) { t.usual[at] = signedHeader{usualNames[at], value} }

// collect takes the headers of req that are signed into an empty table.
func (t *headerTable) collect(req *http.Request) {
	t.set(hostAt, hostOf(req))
	for key, values := range req.Header {
		at := -1
		switch key {
		case "Accept", "User-Agent", headerAuthorization:
			continue
		case headerAction:
			at = actionAt
		case headerVersion:
			at = versionAt
		case headerDate:
			at = dateAt
		case headerNonce:
			at = nonceAt
		case headerContentSHA256:
			at = contentSHA256At
		case headerSecurityToken:
			at = tokenAt
		}
		switch {
		case len(values) == 0:
		case at >= 0 && len(values) == 1 && t.usual[at].name == "":
			t.set(at, strings.TrimSpace(values[0]))
		default:
			t.collectOdd(req.Header, key)
		}
	}
}

// collectOdd takes in a header that is not usual, or has more than one value or more than one spelling.
func (t *headerTable) collectOdd(h http.Header, key string) {
	name := strings.ToLower(key)
	switch at := slices.Index(usualNames[:], name); {
	case name == "host": // net/http does not send it from here
	case at >= 0:
		t.set(at, joinValues(h, name))
		t.strays = true // if it is one of those that Sign sets
	case name == "authorization":
		t.strays = true
	case name != "content-type" && !strings.HasPrefix(name, "x-acs-"):
	case slices.ContainsFunc(t.others, func(o signedHeader) bool { return o.name == name }):
	default:
		t.others = append(t.others, signedHeader{name, joinValues(h, name)})
	}
}

// dropStrays removes the headers that Sign sets, but for those in the spelling in which it sets them.
func dropStrays(h http.Header) {
	maps.DeleteFunc(h, func(key string, _ []string) bool {
		switch canonical := http.CanonicalHeaderKey(key); canonical {
		case headerDate, headerNonce, headerContentSHA256, headerSecurityToken, headerAuthorization:
			return key != canonical
		}
		return false
	})
}

// joinValues returns the values of a header in all its spellings as they are signed: trimmed, sorted, with
// commas between.
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

// sorted returns the headers in the order of their names. Those without a name are absent.
func (t *headerTable) sorted() []signedHeader {
	if len(t.others) == 0 {
		return t.usual[:]
	}
	all := slices.Concat(t.usual[:], t.others)
	slices.SortFunc(all, func(a, b signedHeader) int { return cmp.Compare(a.name, b.name) })
	return all
}

// hostOf returns the Host header as net/http will send it.
func hostOf(req *http.Request) string { return cmp.Or(req.Host, req.URL.Host) }

// appendCanonicalPath appends the path with each segment percent-encoded by RFC 3986.
func appendCanonicalPath(b []byte, u *url.URL) []byte {
	if u.Path == "" || u.Path == "/" {
		return append(b, '/')
	}
	for i, segment := range strings.Split(u.EscapedPath(), "/") {
		if i > 0 {
			b = append(b, '/')
		}
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		b = appendEncoded(b, segment)
	}
	return b
}

// canonicalQuery returns a query in the form that is signed: read as net/url reads it, sorted by name, the
// values of one name in their order, everything percent-encoded once.
func canonicalQuery(raw string) (string, error) {
	if isCanonicalQuery(raw) {
		return raw, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", err
	}
	return encodeQuery(values), nil
}

// isCanonicalQuery reports whether a query surely is canonical already. It gives up on an encoded name.
func isCanonicalQuery(raw string) bool {
	last, start, inName := "", 0, true
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case unreserved[c]:
		case c == '%' && !inName && i+2 < len(raw) && isEscape(raw[i+1], raw[i+2]):
			i += 2
		case c == '=' && inName && raw[start:i] >= last:
			last, inName = raw[start:i], false
		case c == '&' && !inName:
			start, inName = i+1, true
		default:
			return false
		}
	}
	return !inName || raw == ""
}

// isEscape reports whether %XX with these digits is what appendEncoded writes.
func isEscape(hi, lo byte) bool {
	h, okHi := unhex(hi)
	l, okLo := unhex(lo)
	return okHi && okLo && !unreserved[h<<4|l]
}

// encodeQuery returns values as a canonical query.
func encodeQuery(values url.Values) string {
	var nameRoom [16]string // room on the stack for most
	var room [512]byte
	names, b := nameRoom[:0], room[:0]
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range values[name] {
			if len(b) > 0 {
				b = append(b, '&')
			}
			b = appendEncoded(b, name)
			b = append(b, '=')
			b = appendEncoded(b, value)
		}
	}
	return string(b)
}

// unhex returns the value of an upper-case hexadecimal digit.
func unhex(c byte) (value byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

const upperHex = "0123456789ABCDEF"

// unreserved holds the bytes that RFC 3986 leaves as they are.
var unreserved = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~") {
		set[c] = true
	}
	return set
}()

// appendEncoded appends s percent-encoded by RFC 3986: a space is %20, and * + / are encoded.
func appendEncoded(b []byte, s string) []byte {
	done := 0
	for i := range len(s) {
		if c := s[i]; !unreserved[c] {
			b = append(b, s[done:i]...)
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
			done = i + 1
		}
	}
	return append(b, s[done:]...)
}
