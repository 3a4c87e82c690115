package livetranscode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"sync"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// dateLayout is the layout of x-acs-date, in UTC.
const dateLayout = "2006-01-02T15:04:05Z"

// A Signer signs requests with Alibaba Cloud's V3 signature, ACS3-HMAC-SHA256. It reads neither a clock nor a
// random source. The zero value is ready to use. A Signer is safe for concurrent use and must not be copied
// after first use.
//
// A [Client] signs its own requests. Use a Signer for operations that this package does not cover.
//
// Source: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
type Signer struct {
	states sync.Pool // of *signerState
}

// Sign signs req with creds. It sets the headers x-acs-date, x-acs-signature-nonce, x-acs-content-sha256,
// x-acs-security-token (for temporary credentials) and Authorization, and rewrites req.URL.RawQuery in its
// canonical form, so that what is signed is what is sent. The caller sets x-acs-action and x-acs-version. The
// signature covers the method, path, query and host, Content-Type if set, and every x-acs-* header.
//
// body is the whole body of the request, nil for none; Sign does not read req.Body. It parses the query as
// [url.ParseQuery] does. at is sent in UTC and whole seconds; the service accepts a difference of 15 minutes from
// its own clock. nonce must be unique: the service refuses one that it has seen within about the last half hour.
//
// Sign returns a [*ParamError] that names what cannot be signed: an empty id, secret or nonce; one of these, or a
// token, with control characters or surrounding white space (the error never contains the value); a secret of less
// than 14 bytes in FIPS 140-only mode; a URL without a host; a query that cannot be parsed. In that case req is
// unchanged. A request may be signed again. Sign retains neither req nor body.
func (s *Signer) Sign(req *http.Request, body []byte, creds Credentials, at time.Time, nonce string) error {
	if err := checkSignable(req, nonce); err != nil {
		return err
	}
	query, err := acs3.CanonicalQuery(req.URL.RawQuery)
	if err != nil {
		return signError("URL.RawQuery", "cannot be parsed")
	}
	contentHash := acs3.EmptyBodyHash
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		contentHash = hex.EncodeToString(sum[:])
	}
	return s.sign(req, query, contentHash, creds, at, nonce)
}

// sign is [Signer.Sign] for a request that checkSignable accepts and a canonical query. It checks creds only.
func (s *Signer) sign(
	req *http.Request, query, contentHash string, creds Credentials, at time.Time, nonce string,
) error {
	state, _ := s.states.Get().(*signerState)
	if state == nil {
		state = new(signerState)
	}
	defer s.states.Put(state)
	if err := state.setCredentials(creds); err != nil {
		return err
	}

	req.URL.RawQuery = query
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	// The values share one array: one allocation instead of five.
	values := &[5]string{state.date(at), nonce, contentHash, creds.SecurityToken}
	req.Header[acs3.HeaderDate] = values[0:1:1]
	req.Header[acs3.HeaderNonce] = values[1:2:2]
	req.Header[acs3.HeaderContentSHA256] = values[2:3:3]
	if creds.SecurityToken != "" {
		req.Header[acs3.HeaderSecurityToken] = values[3:4:4]
	} else {
		delete(req.Header, acs3.HeaderSecurityToken) // set by an earlier signature
	}

	var headers acs3.SignedHeaders
	if headers.Collect(req); headers.NonCanonical {
		acs3.RemoveNonCanonical(req.Header)
	}
	values[4] = state.authorization(req, &headers, contentHash)
	req.Header[acs3.HeaderAuthorization] = values[4:5:5]
	return nil
}

// checkSignable returns an error for a request that the service would refuse, and for values that no header can hold.
func checkSignable(req *http.Request, nonce string) error {
	if reason := acs3.InvalidHeaderValue(nonce); reason != "" {
		return signError("nonce", reason)
	}
	switch {
	case req.URL == nil:
		return signError("URL", "is nil")
	case req.URL.Opaque != "":
		return signError("URL", "is opaque")
	case acs3.Host(req) == "":
		return signError("URL.Host", "is empty")
	case !acs3.IsPlainHost(acs3.Host(req)):
		return signError("URL.Host", "is not sent as it is written: use ASCII (Punycode) without a zone")
	}
	return nil
}

func signError(field, reason string) error {
	return &ParamError{Operation: "Sign", Field: field, Reason: reason}
}

// A signerState is reused from one signature to the next: the keyed HMAC, which costs more to create than a
// signature, the formatted date of the current second, and a buffer.
type signerState struct {
	creds  Credentials // valid
	mac    hash.Hash   // keyed with creds
	second int64       // the Unix time of text
	text   string
	buf    []byte
}

// setCredentials checks creds and keys the HMAC with them.
func (st *signerState) setCredentials(creds Credentials) error {
	if st.mac != nil && st.creds == creds {
		return nil
	}
	if field, reason := creds.malformed(); field != "" {
		return signError(field, reason)
	}
	st.creds, st.mac = creds, hmac.New(sha256.New, []byte(creds.AccessKeySecret))
	return nil
}

// date formats a time, and reuses the text within one second.
func (st *signerState) date(at time.Time) string {
	if second := at.Unix(); st.text == "" || st.second != second {
		st.second, st.text = second, at.UTC().Format(dateLayout)
	}
	return st.text
}

// authorization returns the Authorization header of a request whose other headers are set.
func (st *signerState) authorization(req *http.Request, headers *acs3.SignedHeaders, contentHash string) string {
	b, names := acs3.AppendCanonicalRequest(st.buf[:0], req, headers, contentHash)
	hashed := sha256.Sum256(b)

	stringToSign := len(b)
	b = append(b, acs3.Algorithm+"\n"...)
	b = hex.AppendEncode(b, hashed[:])
	st.mac.Reset()
	st.mac.Write(b[stringToSign:])
	signature := len(b)
	b = st.mac.Sum(b)

	authorization := len(b)
	b = append(b, acs3.Algorithm+" Credential="...)
	b = append(b, st.creds.AccessKeyID...)
	b = append(b, ",SignedHeaders="...)
	b = append(b, names...)
	b = append(b, ",Signature="...)
	b = hex.AppendEncode(b, b[signature:authorization])
	st.buf = b
	return string(b[authorization:])
}
