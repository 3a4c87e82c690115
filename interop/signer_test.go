package interop

import (
	"encoding/hex"
	"flag"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/livetranscode/livetranscode-go"
)

const algorithm = "ACS3-HMAC-SHA256"

var seed = flag.Uint64("seed", 0, "seed of the random requests; 0 takes one from the clock")

// TestSignerAgreesWithAlibaba signs random requests with our Signer and with Alibaba's code. One Signer signs
// all of them at once, as it does in a Client.
//
// Alibaba's code departs from the documentation, or cannot say what we can, in these points. Each is worked
// around just there:
//
//   - It does not encode names of parameters, so it is given encoded names. It then sorts by the encoded name,
//     where the documentation sorts by the name itself: a name that needs encoding starts with an unreserved
//     character of its own, which alone decides its place.
//   - It does not encode the path either, and turns + and * in it to %20 and %2A: it is given an encoded path.
//   - Its parameters are a map, so that none can come twice.
//   - It trims a host, which is sent as it is: our hosts have no space around them.
//
// Header values hold all bytes that HTTP lets through: Go's client refuses to send any other control
// character than the tab. What is signed of an id, a secret or a token is restricted by Sign itself.
func TestSignerAgreesWithAlibaba(t *testing.T) {
	t.Parallel()
	const workers, requests = 8, 3000
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", first)
	var signer livetranscode.Signer
	for worker := range uint64(workers) {
		t.Run(strconv.FormatUint(worker, 10), func(t *testing.T) {
			t.Parallel()
			rng := random{rand.New(rand.NewPCG(first, worker))}
			for i := range requests {
				s := rng.sample()
				got, err := s.ours(&signer)
				if err != nil {
					t.Fatalf("-seed=%d, request %d: %v\n%+v", first, i, err, s)
				}
				if want := s.alibabas(); got != want {
					t.Fatalf("-seed=%d, request %d:\n got %s\nwant %s\n%+v", first, i, got, want, s)
				}
			}
		})
	}
}

// TestComparisonNoticesMistakes shows that two signatures do not agree by chance: whatever a signer could get
// wrong in a request, Alibaba's code then has another signature for it.
func TestComparisonNoticesMistakes(t *testing.T) {
	t.Parallel()
	right := sample{
		method: "POST", path: "/", host: "127.0.0.1:8080",
		query:   map[string]string{"a": "1 2*~", "B": ""},
		headers: map[string][]string{"x-acs-action": {"A"}, "x-acs-version": {"1"}, "content-type": {"text/plain"}},
		body:    []byte("body"), at: time.Unix(1658285338, 0), nonce: "n",
		creds: livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"},
	}
	var signer livetranscode.Signer
	signed, err := right.ours(&signer)
	if err != nil || signed != right.alibabas() {
		t.Fatalf("the right request: %v, %q, Alibaba's %q", err, signed, right.alibabas())
	}
	for name, mistake := range map[string]func(*sample){
		"method":            func(s *sample) { s.method = "GET" },
		"path":              func(s *sample) { s.path = "/a" },
		"host without port": func(s *sample) { s.host = "127.0.0.1" },
		"plus for a space":  func(s *sample) { s.query = map[string]string{"a": "1+2*~", "B": ""} },
		"value encoded twice": func(s *sample) {
			s.query = map[string]string{"a": url.QueryEscape("1 2*~"), "B": ""}
		},
		"empty value dropped": func(s *sample) { s.query = map[string]string{"a": "1 2*~"} },
		"case of a name":      func(s *sample) { s.query = map[string]string{"a": "1 2*~", "b": ""} },
		"header not signed":   func(s *sample) { s.headers = withoutKey(s.headers, "x-acs-version") },
		"content type":        func(s *sample) { s.headers = withoutKey(s.headers, "content-type") },
		"body":                func(s *sample) { s.body = nil },
		"a second later":      func(s *sample) { s.at = s.at.Add(time.Second) },
		"nonce":               func(s *sample) { s.nonce = "m" },
		"secret":              func(s *sample) { s.creds.AccessKeySecret += "&" },
		"token not signed":    func(s *sample) { s.creds.SecurityToken = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong := right
			mistake(&wrong)
			if wrong.alibabas() == signed {
				t.Error("the signature is the same")
			}
		})
	}
}

func withoutKey[V any](m map[string]V, key string) map[string]V {
	m = maps.Clone(m)
	delete(m, key)
	return m
}

// A sample is a request to sign.
type sample struct {
	method, path, host string // the path is encoded
	query              map[string]string
	rawQuery           string              // a spelling of query; "": url.Values.Encode's
	headers            map[string][]string // names in lower case
	body               []byte
	creds              livetranscode.Credentials
	at                 time.Time
	nonce              string
}

// ours returns the Authorization header that our Signer sets.
func (s *sample) ours(signer *livetranscode.Signer) (string, error) {
	u, err := url.Parse("https://endpoint.invalid" + s.path)
	if err != nil {
		return "", err
	}
	u.RawQuery = s.rawQuery
	if u.RawQuery == "" {
		values := url.Values{}
		for name, value := range s.query {
			values.Set(name, value)
		}
		u.RawQuery = values.Encode()
	}
	req := &http.Request{Method: s.method, URL: u, Host: s.host, Header: http.Header{}}
	for name, values := range s.headers {
		for _, value := range values {
			req.Header.Add(name, value)
		}
	}
	if err := signer.Sign(req, s.body, s.creds, s.at, s.nonce); err != nil {
		return "", err
	}
	return req.Header.Get("Authorization"), nil
}

// alibabas returns what Alibaba's code would set. It learns nothing from what our Signer did.
func (s *sample) alibabas() string {
	hash := hex.EncodeToString(openapiutil.Hash(s.body, dara.String(algorithm)))
	headers := map[string]*string{
		"host":                  &s.host,
		"x-acs-date":            dara.String(s.at.UTC().Format("2006-01-02T15:04:05Z")),
		"x-acs-signature-nonce": &s.nonce,
		"x-acs-content-sha256":  &hash,
		"accept":                dara.String("application/json"), // never signed
	}
	if s.creds.SecurityToken != "" {
		headers["x-acs-security-token"] = &s.creds.SecurityToken
	}
	for name, values := range s.headers {
		for i, value := range values { // a header that comes twice is one name in two spellings
			headers[name[:len(name)-i]+strings.ToUpper(name[len(name)-i:])] = &value
		}
	}
	query := map[string]*string{}
	for name, value := range s.query {
		query[encode(name)] = &value
	}
	req := &dara.Request{Method: &s.method, Pathname: &s.path, Headers: headers, Query: query}
	return dara.StringValue(openapiutil.GetAuthorization(req, dara.String(algorithm), &hash, &s.creds.AccessKeyID, &s.creds.AccessKeySecret))
}

// encode percent-encodes as RFC 3986: of QueryEscape's output only the plus sign differs.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

const (
	letters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	unreserved = letters + "0123456789-_.~"
)

// anyByte, printable and inHeader are alphabets too.
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

// random makes samples.
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
			AccessKeySecret: r.trimmed(100), // longer than a block of the hash, too
			SecurityToken:   r.oneOf("", r.trimmed(300)),
		},
		at:    time.Unix(r.Int64N(253402300800), r.Int64N(1e9)).In(time.FixedZone("", r.IntN(86400)-43200)), // to the year 9999
		nonce: r.trimmed(40),
	}
	s.rawQuery = r.spelling(s.query)
	for range r.IntN(5) {
		name := "x-acs-x" + r.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", 0, 8) + "z" // the z has two spellings
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

// path is mostly that of an RPC call.
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

// spelling writes a query in one of the many ways that a URL may spell it.
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

// hexEncode encodes all bytes, also those that need not be.
func hexEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{s[i]})))
	}
	return b.String()
}
