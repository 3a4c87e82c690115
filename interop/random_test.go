package interop

import (
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

const (
	letters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	unreserved = letters + "0123456789-_.~"
)

// More alphabets.
var (
	anyByte   = allBytes(func(byte) bool { return true })
	printable = allBytes(func(c byte) bool { return c >= ' ' && c != 0x7f })
	inHeader  = printable + "\t"
)

func allBytes(keep func(byte) bool) string {
	var b []byte
	for c := range 256 {
		if keep(byte(c)) {
			b = append(b, byte(c))
		}
	}
	return string(b)
}

// random generates samples.
type random struct{ *rand.Rand }

func (r random) sample() sample {
	s := sample{
		method:  r.oneOf("POST", "POST", "GET", "PUT", "DELETE"),
		path:    r.path(),
		host:    r.oneOf("ice.cn-shanghai.aliyuncs.com", "127.0.0.1", "[::1]", "Host-"+r.text("abc", 1, 9)) + r.oneOf("", ":1", ":8080", ":65535"),
		query:   r.query(),
		headers: map[string][]string{"x-acs-action": {r.text(letters, 1, 30)}, "x-acs-version": {"2020-11-09"}},
		creds: livetranscode.Credentials{
			AccessKeyID:     r.trimmed(30),
			AccessKeySecret: r.trimmed(100), // may be longer than a block of the hash
			SecurityToken:   r.oneOf("", r.trimmed(300)),
		},
		at:    time.Unix(r.Int64N(253402300800), r.Int64N(1e9)).In(time.FixedZone("", r.IntN(86400)-43200)), // to the year 9999
		nonce: r.trimmed(40),
	}
	s.rawQuery = r.spelling(s.query)
	for range r.IntN(5) {
		name := "x-acs-x" + r.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", 0, 8) + "z" // the z can be spelled Z
		s.headers[name] = []string{r.text(inHeader, 0, 20)}
		if r.IntN(4) == 0 {
			s.headers[name] = append(s.headers[name], r.text(inHeader, 0, 20))
		}
	}
	if r.IntN(3) == 0 {
		s.headers["content-type"] = []string{r.oneOf("", " application/json; charset=utf-8 ", r.text(inHeader, 1, 20))}
	}
	if r.IntN(2) == 0 {
		s.body = []byte(r.text(anyByte, 0, 300))
	}
	return s
}

func (r random) oneOf(texts ...string) string { return texts[r.IntN(len(texts))] }

// text returns lo to hi bytes of an alphabet.
func (r random) text(alphabet string, lo, hi int) string {
	b := make([]byte, lo+r.IntN(hi-lo+1))
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// trimmed returns a text that Sign accepts as an id, a secret, a token or a nonce.
func (r random) trimmed(hi int) string {
	for {
		if s := r.text(printable, 1, hi); strings.TrimSpace(s) == s {
			return s
		}
	}
}

// path returns mostly the path of an RPC call.
func (r random) path() string {
	path := r.oneOf("/", "")
	for range max(0, r.IntN(6)-2) {
		path = strings.TrimSuffix(path, "/") + "/" + encode(r.text(anyByte, 1, 6)) + r.oneOf("", "/")
	}
	return path
}

func (r random) query() map[string]string {
	query := map[string]string{}
	awkward := r.IntN(2) == 0
	for i := range r.IntN(8) {
		name := r.text(unreserved, 0, 5)
		if awkward {
			name = string(unreserved[(7*i+3)%len(unreserved)]) + r.text(anyByte, 0, 5)
		}
		query[name] = r.text(r.oneOf(anyByte, unreserved, " +*~/%&=é"), 0, 12)
	}
	return query
}

// spelling returns a query in one of the many encodings that a URL can have.
func (r random) spelling(query map[string]string) string {
	spell := func(s string) string {
		switch r.IntN(4) {
		case 0:
			return url.QueryEscape(s) // with + for a space
		case 1:
			return encode(s)
		case 2:
			return strings.ToLower(hexEncode(s))
		}
		return hexEncode(s)
	}
	pairs := make([]string, 0, len(query))
	for _, name := range slices.Sorted(maps.Keys(query)) {
		pairs = append(pairs, spell(name)+"="+spell(query[name]))
	}
	r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return strings.Join(pairs, "&")
}

// hexEncode encodes all bytes, even those that need no encoding.
func hexEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{s[i]})))
	}
	return b.String()
}
