// Package acs3 implements what Alibaba Cloud's V3 request signature, ACS3-HMAC-SHA256, signs: the canonical request
// and its headers. It also explains signature mismatches. It handles no keys.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
package acs3

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Algorithm is the name of the signature algorithm.
const Algorithm = "ACS3-HMAC-SHA256"

// EmptyBodyHash is the SHA-256 of an empty body.
const EmptyBodyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// CanonicalRequest returns the canonical request of a signed request. It does not change req.
func CanonicalRequest(req *http.Request) string {
	var headers SignedHeaders
	headers.Collect(req)
	b, _ := AppendCanonicalRequest(nil, req, &headers, req.Header.Get(HeaderContentSHA256))
	return string(b)
}

// AppendCanonicalRequest appends the canonical request of req to b. names is the part of the result that lists the
// signed headers. The raw query of req must be canonical.
func AppendCanonicalRequest(
	b []byte, req *http.Request, headers *SignedHeaders, contentHash string,
) (canonical, names []byte) {
	signed := headers.sorted()
	b = append(b, cmp.Or(req.Method, http.MethodGet)...)
	b = append(b, '\n')
	b = appendCanonicalPath(b, req.URL)
	b = append(b, '\n')
	b = append(b, req.URL.RawQuery...)
	b = append(b, '\n')
	for _, h := range signed {
		if h.name != "" {
			b = append(b, h.name...)
			b = append(b, ':')
			b = append(b, h.value...)
			b = append(b, '\n')
		}
	}
	b = append(b, '\n')
	start := len(b)
	for _, h := range signed {
		if h.name != "" {
			b = append(b, h.name...)
			b = append(b, ';')
		}
	}
	names = b[start : len(b)-1] // host is always signed, so there is at least one name
	b[len(b)-1] = '\n'
	return append(b, contentHash...), names
}

// appendCanonicalPath appends the path with each segment percent-encoded.
func appendCanonicalPath(b []byte, u *url.URL) []byte {
	if u.Path == "" || u.Path == "/" {
		return append(b, '/')
	}
	for i, segment := range strings.Split(u.EscapedPath(), "/") {
		if i > 0 {
			b = append(b, '/')
		}
		if decoded, err := url.PathUnescape(segment); err == nil {
			segment = decoded
		}
		b = appendEncoded(b, segment)
	}
	return b
}

// CanonicalQuery returns the canonical form of a raw query: parsed as [url.ParseQuery] does, sorted by name, the
// values of one name in their given order, and percent-encoded once.
func CanonicalQuery(raw string) (string, error) {
	if isCanonicalQuery(raw) {
		return raw, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", err
	}
	return EncodeQuery(values), nil
}

// isCanonicalQuery reports whether a query is known to be canonical. It returns false for percent-encoded names.
func isCanonicalQuery(raw string) bool {
	last, start, inName := "", 0, true
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case unreserved[c]:
		case c == '%' && !inName && i+2 < len(raw) && isCanonicalEscape(raw[i+1], raw[i+2]):
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

// isCanonicalEscape reports whether appendEncoded writes a percent sign followed by these two digits.
func isCanonicalEscape(hi, lo byte) bool {
	h, okHi := unhex(hi)
	l, okLo := unhex(lo)
	return okHi && okLo && !unreserved[h<<4|l]
}

// EncodeQuery encodes values as a canonical query.
func EncodeQuery(values url.Values) string {
	var nameBuf [16]string // on the stack, like buf; large enough for most queries
	var buf [512]byte
	names, b := nameBuf[:0], buf[:0]
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

// EncodeParam encodes one parameter as a canonical query.
func EncodeParam(name, value string) string {
	var buf [128]byte // on the stack; large enough for most ids
	b := append(appendEncoded(buf[:0], name), '=')
	return string(appendEncoded(b, value))
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

// unreserved is the set of bytes that RFC 3986 never percent-encodes.
var unreserved = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~") {
		set[c] = true
	}
	return set
}()

// appendEncoded appends s percent-encoded by the rules of RFC 3986: a space is %20, and * + / are encoded.
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
