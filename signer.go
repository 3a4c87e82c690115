package livetranscode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	algorithm  = "ACS3-HMAC-SHA256"
	dateLayout = "2006-01-02T15:04:05Z"

	// emptyHash is the SHA-256 of an empty body, which is what every call of this package sends.
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// The headers of a request, as net/http spells them.
const (
	headerAction        = "X-Acs-Action"
	headerVersion       = "X-Acs-Version"
	headerAuthorization = "Authorization"
	headerContentSHA256 = "X-Acs-Content-Sha256"
	headerDate          = "X-Acs-Date"
	headerNonce         = "X-Acs-Signature-Nonce"
	headerSecurityToken = "X-Acs-Security-Token"
)

// A Signer signs requests with Alibaba Cloud's V3 signature, ACS3-HMAC-SHA256. It is pure: it reads neither
// a clock nor a random source. The zero value is ready for use. A Signer is safe for concurrent use and must
// not be copied after first use.
//
// A Client signs its own requests. A Signer of one's own is for calls that this package does not cover.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
type Signer struct {
	pool sync.Pool // of *signing
}

// Sign signs req for creds. It sets the headers x-acs-date, x-acs-signature-nonce, x-acs-content-sha256,
// x-acs-security-token (for temporary credentials) and Authorization, and rewrites req.URL.RawQuery to its
// canonical form, so that what is signed is what travels. x-acs-action and x-acs-version are the caller's.
// Signed are the method, the path, the query, the host, Content-Type if it is set, and every x-acs-* header.
//
// body is the whole body of the request, nil for none; Sign does not read req.Body. The query is read as
// net/url reads it. at is sent in whole seconds of UTC; the service accepts 15 minutes to either side of its
// own clock. nonce must not have been used before: the service refuses one that it has seen in about the
// last half hour.
//
// A *ParamError names what cannot be signed: an id, secret or nonce that is empty; one of them, or a token,
// with control characters or surrounding white space (its value is not in the error); a URL without host; a
// query that does not parse. Then req is unchanged. A request may be signed again. Sign keeps neither req nor
// body.
func (s *Signer) Sign(req *http.Request, body []byte, creds Credentials, at time.Time, nonce string) error {
	if err := checkSignable(req, nonce); err != nil {
		return err
	}
	query, err := canonicalQuery(req.URL.RawQuery)
	if err != nil {
		return &ParamError{Operation: "Sign", Field: "URL.RawQuery", Reason: "does not parse"}
	}
	contentHash := emptyHash
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		contentHash = hex.EncodeToString(sum[:])
	}
	return s.sign(req, query, contentHash, creds, at, nonce)
}

// sign is Sign for what is known to be signable, but for the credentials: it trusts the URL and the nonce, and that
// the query is canonical.
func (s *Signer) sign(req *http.Request, query, contentHash string, creds Credentials, at time.Time, nonce string) error {
	st, _ := s.pool.Get().(*signing)
	if st == nil {
		st = new(signing)
	}
	defer s.pool.Put(st)
	if err := st.use(creds); err != nil {
		return err
	}
	req.URL.RawQuery = query
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if st.headers.collect(req); st.headers.strays {
		dropStrays(req.Header)
	}
	// The values of all headers share one array: one allocation instead of five.
	values := &[5]string{st.dateOf(at), nonce, contentHash, creds.SecurityToken}
	req.Header[headerDate] = values[0:1:1]
	req.Header[headerNonce] = values[1:2:2]
	req.Header[headerContentSHA256] = values[2:3:3]
	st.headers.set(dateAt, values[0])
	st.headers.set(nonceAt, values[1])
	st.headers.set(contentSHA256At, values[2])
	switch {
	case creds.SecurityToken != "":
		req.Header[headerSecurityToken] = values[3:4:4]
		st.headers.set(tokenAt, values[3])
	case st.headers.usual[tokenAt].name != "": // of a signature before
		delete(req.Header, headerSecurityToken)
		st.headers.usual[tokenAt] = signedHeader{}
	}
	values[4] = st.authorization(req, contentHash)
	st.headers = headerTable{} // what is left to the next signature holds nothing of this request
	req.Header[headerAuthorization] = values[4:5:5]
	return nil
}

// checkSignable refuses what the service would, and what could end a header line early.
func checkSignable(req *http.Request, nonce string) error {
	if reason := unfit(nonce); reason != "" {
		return refuse("nonce", reason)
	}
	switch {
	case req.URL == nil:
		return refuse("URL", "is nil")
	case req.URL.Opaque != "":
		return refuse("URL", "is opaque")
	case hostOf(req) == "":
		return refuse("URL.Host", "is empty")
	case !isPlainHost(hostOf(req)):
		return refuse("URL.Host", "is not as it travels: write it in ASCII (Punycode) and without a zone")
	}
	return nil
}

func refuse(field, reason string) error {
	return &ParamError{Operation: "Sign", Field: field, Reason: reason}
}

// unfit says why a text cannot stand in a header.
func unfit(s string) string {
	switch {
	case s == "":
		return "is empty"
	case hasControl(s):
		return "has control characters"
	case strings.TrimSpace(s) != s:
		return "has surrounding white space"
	}
	return ""
}

// isPlainHost reports whether net/http sends a host as it is.
func isPlainHost(host string) bool {
	for i := range len(host) {
		if host[i] <= ' ' || host[i] >= 0x7f || host[i] == '%' {
			return false
		}
	}
	return true
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// signing is what one signature works with and leaves to the next: the HMAC's key state, which costs more
// than the signature itself, the date of the current second, and room.
type signing struct {
	creds   Credentials // checked, and the key of mac
	mac     hash.Hash
	second  int64 // of date
	date    string
	headers headerTable
	buf     []byte
}

// use prepares for signing with creds, and refuses those that are unfit.
func (st *signing) use(creds Credentials) error {
	if st.mac != nil && st.creds == creds {
		return nil
	}
	for _, v := range []struct{ field, value string }{
		{"AccessKeyID", creds.AccessKeyID}, {"AccessKeySecret", creds.AccessKeySecret}, {"SecurityToken", creds.SecurityToken},
	} {
		if reason := unfit(v.value); reason != "" && (v.value != "" || v.field != "SecurityToken") {
			return refuse(v.field, reason)
		}
	}
	st.creds, st.mac = creds, hmac.New(sha256.New, []byte(creds.AccessKeySecret))
	return nil
}

// dateOf returns the text of a time, formatted anew once a second.
func (st *signing) dateOf(at time.Time) string {
	if second := at.Unix(); st.date == "" || st.second != second {
		st.second, st.date = second, at.UTC().Format(dateLayout)
	}
	return st.date
}

// authorization returns the Authorization header of a request whose other headers are set and collected.
func (st *signing) authorization(req *http.Request, contentHash string) string {
	b, names := appendCanonicalRequest(st.buf[:0], req, st.headers.sorted(), contentHash)
	hashed := sha256.Sum256(b)

	toSign := len(b)
	b = append(b, algorithm+"\n"...)
	b = hex.AppendEncode(b, hashed[:])
	st.mac.Reset()
	st.mac.Write(b[toSign:])
	signature := len(b)
	b = st.mac.Sum(b)

	header := len(b)
	b = append(b, algorithm+" Credential="...)
	b = append(b, st.creds.AccessKeyID...)
	b = append(b, ",SignedHeaders="...)
	b = append(b, names...)
	b = append(b, ",Signature="...)
	b = hex.AppendEncode(b, b[signature:header])
	st.buf = b
	return string(b[header:])
}
