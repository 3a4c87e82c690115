package interop

import (
	"encoding/hex"
	"flag"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"github.com/livetranscode/livetranscode-go"
)

const algorithm = "ACS3-HMAC-SHA256"

var seed = flag.Uint64("seed", 0, "seed of the random requests; 0 means the clock")

// Our Signer and Alibaba's code sign random requests alike. One Signer signs all of them concurrently, as in a Client.
//
// Alibaba's code departs from the documentation or lacks a feature in these points, which the test works around:
//
//   - It does not encode the names of parameters, so it gets encoded names. It then sorts by the encoded name, while
//     the documentation sorts by the name itself: here, a name that needs encoding starts with a distinct unreserved
//     character, which alone decides the order.
//   - It does not encode the path and changes + and * in it to %20 and %2A, so it gets an encoded path.
//   - Its parameters are a map, so none can be repeated.
//   - It trims the host, which is sent untrimmed: the hosts here have no surrounding space.
//
// Header values have all bytes that HTTP allows: Go's client sends no control character other than the tab. Sign itself
// restricts the bytes of an id, a secret and a token.
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

// The comparison is not trivially true: for every mistake that a signer could make, Alibaba's signature differs.
func TestComparisonDetectsMistakes(t *testing.T) {
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
		t.Fatalf("the correct request: %v, %q, Alibaba's %q", err, signed, right.alibabas())
	}
	for name, mistake := range map[string]func(*sample){
		"method":            func(s *sample) { s.method = "GET" },
		"path":              func(s *sample) { s.path = "/a" },
		"host without port": func(s *sample) { s.host = "127.0.0.1" },
		"plus for space":    func(s *sample) { s.query = map[string]string{"a": "1+2*~", "B": ""} },
		"value encoded twice": func(s *sample) {
			s.query = map[string]string{"a": url.QueryEscape("1 2*~"), "B": ""}
		},
		"empty value dropped": func(s *sample) { s.query = map[string]string{"a": "1 2*~"} },
		"case of name":        func(s *sample) { s.query = map[string]string{"a": "1 2*~", "b": ""} },
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

// sample is a request to sign.
type sample struct {
	method, path, host string // the path is encoded
	query              map[string]string
	rawQuery           string              // an encoding of query; "" means that of url.Values.Encode
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

// alibabas returns the Authorization header of Alibaba's code. It uses nothing that our Signer set.
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
		for i, value := range values { // a repeated header is one name in two spellings
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

// encode percent-encodes by RFC 3986, from which QueryEscape differs only in the encoding of a space.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
