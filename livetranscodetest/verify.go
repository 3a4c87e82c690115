package livetranscodetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

const (
	algorithm   = "ACS3-HMAC-SHA256"
	timeLayout  = "2006-01-02T15:04:05Z"
	dateWindow  = 15 * time.Minute
	nonceWindow = 31 * time.Minute
)

// authorization is a parsed Authorization header; the zero value if the header is absent or malformed.
type authorization struct {
	keyID, signature string
	signedHeaders    []string // as sent
}

func parseAuthorization(headers []string) authorization {
	if len(headers) != 1 {
		return authorization{}
	}
	list, ok := strings.CutPrefix(headers[0], algorithm+" ")
	if !ok {
		return authorization{}
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if _, duplicate := fields[name]; duplicate || value == "" {
			return authorization{}
		}
		fields[name] = value
	}
	a := authorization{fields["Credential"], fields["Signature"], strings.Split(fields["SignedHeaders"], ";")}
	if len(fields) != 3 || a.keyID == "" || a.signature == "" || fields["SignedHeaders"] == "" {
		return authorization{}
	}
	return a
}

// verify authenticates r. A refused request does not use up its nonce. The caller holds the lock.
func (s *Server) verify(r *request, now time.Time) *apiError {
	if err := checkSignedHeaders(r); err != nil {
		return err
	}
	for _, name := range []string{"x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"} {
		if r.Header.Get(name) == "" {
			return missingParameter(name)
		}
	}
	keys, err := s.keysFor(r.auth.keyID, r.Header.Get("X-Acs-Security-Token"))
	if err != nil {
		return err
	}
	if err := checkDate(r.Header.Get("X-Acs-Date"), now); err != nil {
		return err
	}
	if err := checkSignature(r, keys); err != nil {
		return err
	}
	if !s.nonces.record(r.Header.Get("X-Acs-Signature-Nonce"), now) {
		return newAPIError(http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	return nil
}

// checkSignedHeaders refuses a request with a header that is not signed although it must be, or that is signed but was
// not sent.
func checkSignedHeaders(r *request) *apiError {
	incomplete := func(reason string) *apiError {
		return newAPIError(http.StatusBadRequest, "IncompleteSignature", "The request signature does not conform to Aliyun standards: %s.", reason)
	}
	if r.auth.signature == "" {
		return incomplete("the Authorization header is absent or malformed")
	}
	signed := r.auth.signedHeaders
	if !slices.Contains(signed, "host") {
		return incomplete("host is not signed")
	}
	for header := range r.Header {
		name := strings.ToLower(header)
		if (name == "content-type" || strings.HasPrefix(name, "x-acs-")) && !slices.Contains(signed, name) {
			return incomplete(name + " is not signed")
		}
	}
	for _, name := range signed {
		if name != "host" && len(r.Header.Values(name)) == 0 {
			return incomplete("a signed header was not sent")
		}
	}
	return nil
}

// keysFor returns the accepted credentials with this id and token.
func (s *Server) keysFor(id, token string) ([]livetranscode.Credentials, *apiError) {
	var keys []livetranscode.Credentials
	known, temporary := false, false
	for _, k := range s.accepted {
		c := k()
		if c.AccessKeyID != id {
			continue
		}
		known = true
		temporary = temporary || c.SecurityToken != ""
		if c.SecurityToken == token {
			keys = append(keys, c)
		}
	}
	switch {
	case len(keys) > 0:
		return keys, nil
	case !known:
		return nil, newAPIError(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case token == "":
		return nil, newAPIError(http.StatusBadRequest, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case !temporary:
		return nil, newAPIError(http.StatusBadRequest, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	}
	return nil, newAPIError(http.StatusBadRequest, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.")
}

func checkDate(date string, now time.Time) *apiError {
	t, ok := parseTime(date)
	if !ok {
		return newAPIError(http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted, it must have the form %s.", timeLayout)
	}
	if now.Sub(t).Abs() > dateWindow {
		return newAPIError(http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

// parseTime parses a time of exactly the service's form; time.Parse alone would accept fractions of a second.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(timeLayout, s)
	return t, err == nil && t.Format(timeLayout) == s
}

func checkSignature(r *request, keys []livetranscode.Credentials) *apiError {
	payloadHash := hexSHA256(r.body)
	canonical := canonicalRequest(r, payloadHash)
	stringToSign := algorithm + "\n" + hexSHA256([]byte(canonical))
	if r.Header.Get("X-Acs-Content-Sha256") == payloadHash {
		for _, c := range keys {
			mac := hmac.New(sha256.New, []byte(c.AccessKeySecret))
			mac.Write([]byte(stringToSign))
			if hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(r.auth.signature)) {
				return nil
			}
		}
	}
	return newAPIError(http.StatusBadRequest, "SignatureDoesNotMatch",
		"Specified signature is not matched with our calculation. server StringToSign is [%s] server CanonicalRequest is [%s]", stringToSign, canonical)
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalRequest builds the canonical request from what was received. The path is always /: receive refuses others.
func canonicalRequest(r *request, payloadHash string) string {
	names := slices.Clone(r.auth.signedHeaders)
	slices.Sort(names)
	names = slices.Compact(names)

	var headers strings.Builder
	for _, name := range names {
		values := []string{r.Host}
		if name != "host" {
			values = slices.Clone(r.Header.Values(name))
		}
		for i, v := range values {
			values[i] = strings.TrimSpace(v)
		}
		slices.Sort(values)
		headers.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return strings.Join([]string{
		r.Method, "/", canonicalQuery(r.query), headers.String(), strings.Join(names, ";"), payloadHash,
	}, "\n")
}

// canonicalQuery sorts by name and keeps the values of a repeated name in the order received.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(value))
		}
	}
	return strings.Join(pairs, "&")
}

// percentEncode encodes by RFC 3986, from which QueryEscape differs only in the encoding of a space.
func percentEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// nonceLog remembers the nonces of the last nonceWindow and some older ones: it drops them one generation at a time,
// which takes no scan. It keeps hashes, which need a quarter of the memory.
type nonceLog struct {
	seed          maphash.Seed
	since         time.Time
	recent, older map[uint64]int64 // when each was used, in Unix nanoseconds
}

func newNonceLog() nonceLog {
	return nonceLog{seed: maphash.MakeSeed(), recent: map[uint64]int64{}}
}

// record records the nonce and reports whether it is new.
func (l *nonceLog) record(nonce string, now time.Time) bool {
	if now.Sub(l.since) >= nonceWindow {
		l.older, l.recent, l.since = l.recent, map[uint64]int64{}, now
	}
	h := maphash.String(l.seed, nonce)
	for _, generation := range []map[uint64]int64{l.recent, l.older} {
		if at, used := generation[h]; used && time.Duration(now.UnixNano()-at).Abs() < nonceWindow {
			return false
		}
	}
	l.recent[h] = now.UnixNano()
	return true
}
