package livetranscode

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"net/url"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// An errorBody is the body of an error, whose fields are spelled in more than one way.
type errorBody struct {
	RequestID          anyString           `json:"RequestId,case:ignore"`
	HostID             anyString           `json:"HostId,case:ignore"`
	Code               allStrings          `json:",case:ignore"`
	Message            anyString           `json:",case:ignore"`
	Detail             anyString           `json:",case:ignore"`
	Description        anyString           `json:",case:ignore"`
	Recommend          anyString           `json:",case:ignore"`
	AccessDeniedDetail *AccessDeniedDetail `json:",case:ignore"`
}

// parseErrorBody reads what it can of the body of an error, in JSON or XML. What comes before a syntax error counts.
func parseErrorBody(text []byte) (e errorBody) {
	text = text[:min(len(text), maxErrorBody)]
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) {
		_ = decode(text, &e)
		return e
	}
	var x struct {
		Code, Message string
		RequestID     string `xml:"RequestId"`
		HostID        string `xml:"HostId"`
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	_ = d.Decode(&x)
	return errorBody{
		RequestID: anyString(x.RequestID), HostID: anyString(x.HostID), Code: allStrings{x.Code}, Message: anyString(x.Message),
	}
}

// code returns the service's code. A second one, such as a proxy's {"code": 404}, may come before or after it. A
// number is a code only if the message begins with the real one.
func (r *errorBody) code() string {
	for _, code := range r.Code {
		if isCode(code) || code != "" && isNumericThrottling(code, string(r.Message)) {
			return code
		}
	}
	return ""
}

// newAPIError makes an error of a response, whatever its body is.
func (c *call) newAPIError(b *body) *APIError {
	body := parseErrorBody(b.bytes)
	api := &APIError{
		Operation:    c.op.name,
		ResourceID:   c.resourceID,
		StatusCode:   b.resp.StatusCode,
		Code:         c.redact(body.code(), maxSnippet),
		RequestID:    c.redact(cmp.Or(string(body.RequestID), b.resp.Header.Get(headerRequestID)), maxSnippet),
		HostID:       c.redact(string(body.HostID), maxSnippet),
		Recommend:    redact.Truncate(redact.Link(string(body.Recommend), c.creds.AccessKeySecret, c.creds.SecurityToken), maxMessage),
		AccessDenied: body.AccessDeniedDetail,
		RetryAfter:   retryAfter(b.resp.Header, time.Now()),
		endpoint:     c.req.Host,
		askedToRetry: millis(b.resp.Header.Get("X-Acs-Retry-After")) > 0,
	}
	if api.AccessDenied != nil {
		for _, text := range api.AccessDenied.texts() {
			*text = c.redact(*text, maxErrorBody)
		}
	}
	api.isHTML = api.Code == "" && isHTML(b.bytes)
	api.Message = c.message(api.Code, string(body.Message), b)
	api.Detail = c.message(api.Code, string(cmp.Or(body.Detail, body.Description)), nil)
	return api
}

// message returns what can be shown of a message of the service, or, if there is neither code nor message, of the body
// that is not the service's.
func (c *call) message(code, message string, b *body) string {
	switch {
	case code == "SignatureDoesNotMatch" && b != nil:
		return acs3.ExplainMismatch(message, c.req)
	case acs3.LeaksRequest(code), acs3.LeaksRequest(message):
		if b == nil {
			return ""
		}
		return acs3.UnknownMismatch
	case code != "" || message != "":
		return c.redact(redact.StreamKeys(message, c.streamURL()), maxMessage)
	case b == nil, isSuccess(b.resp) && !bytes.HasPrefix(bytes.TrimSpace(b.bytes), []byte("<")): // a job has stream keys
		return ""
	case acs3.LeaksRequest(string(b.bytes)):
		return acs3.UnknownMismatch
	}
	return c.redact(redact.StreamKeys(string(b.bytes), c.streamURL()), maxSnippet)
}

// redact returns at most n bytes of a text without the secrets of this attempt.
func (c *call) redact(text string, n int) string {
	return redact.Truncate(redact.Text(text, c.creds.AccessKeySecret, c.creds.SecurityToken), n)
}

// isHTML reports whether a body begins like a page.
func isHTML(text []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(text[:min(len(text), maxSnippet)]))
	return bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<!doctype html"))
}

// streamURL returns the URL of the stream in the request, or "".
func (c *call) streamURL() string {
	values, err := url.ParseQuery(c.query)
	if err != nil || !values.Has("StreamInput") {
		return ""
	}
	var input StreamInput
	_ = decode([]byte(values.Get("StreamInput")), &input)
	return input.InputURL
}
