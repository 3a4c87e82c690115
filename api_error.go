package livetranscode

import (
	"bytes"
	"net/url"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// A refusal is the body of an error, which is spelt in more than one way.
type errorBody struct {
	requestID, hostID, code, message, recommend string
	accessDenied                                *AccessDeniedDetail
}

func (r *errorBody) member(d *decoder, name []byte) error {
	switch fold(name) {
	case "requestid":
		return d.loose(&r.requestID)
	case "hostid":
		return d.loose(&r.hostID)
	case "code":
		return d.loose(&r.code)
	case "message":
		return d.loose(&r.message)
	case "recommend":
		return d.loose(&r.recommend)
	case "accessdenieddetail":
		if d.PeekKind() != '{' {
			return d.SkipValue()
		}
		return readObject(d, &r.accessDenied)
	}
	return errNoMember
}

// newAPIError makes an error of an answer, whatever it is.
func (t *call) newAPIError(r *body) *APIError {
	var body errorBody
	_ = unmarshal(r.bytes[:min(len(r.bytes), maxErrorBody)], &body) // what was read before a fault in the JSON counts
	clean := func(s string, n int) string {
		return redact.Truncate(redact.Text(s, t.creds.AccessKeySecret, t.creds.SecurityToken), n)
	}
	if !isCode(body.code) {
		body.code = ""
	}
	api := &APIError{
		Operation:    t.op.name,
		ResourceID:   t.resourceID,
		StatusCode:   r.resp.StatusCode,
		Code:         clean(body.code, maxSnippet),
		Message:      clean(redact.StreamKeys(body.message, t.streamURL()), maxMessage),
		RequestID:    clean(body.requestID, maxSnippet),
		HostID:       clean(body.hostID, maxSnippet),
		Recommend:    redact.Truncate(redact.Link(body.recommend, t.creds.AccessKeySecret, t.creds.SecurityToken), maxMessage),
		AccessDenied: body.accessDenied,
		RetryAfter:   retryAfter(r.resp.Header, time.Now()),
		endpoint:     t.req.Host,
	}
	if api.AccessDenied != nil {
		for _, text := range api.AccessDenied.texts() {
			*text = clean(*text, maxErrorBody)
		}
	}
	if api.RequestID == "" {
		api.RequestID = clean(r.resp.Header.Get(headerRequestID), maxSnippet)
	}
	switch {
	case api.Code == "SignatureDoesNotMatch":
		api.Message = acs3.ExplainMismatch(body.message, t.req)
	case acs3.LeaksRequest(api.Code), acs3.LeaksRequest(body.message):
		api.Message = acs3.UnknownMismatch
	case api.Code != "" || api.Message != "":
	case isSuccess(r.resp) && !bytes.HasPrefix(bytes.TrimSpace(r.bytes), []byte("<")): // what the service says to a success holds stream keys
	case acs3.LeaksRequest(string(r.bytes)):
		api.Message = acs3.UnknownMismatch
	default:
		api.Message = clean(redact.StreamKeys(string(r.bytes), t.streamURL()), maxSnippet)
	}
	return api
}

// address returns the address of the stream that the request names, if it names one.
func (t *call) streamURL() string {
	values, err := url.ParseQuery(t.query)
	if err != nil || !values.Has("StreamInput") {
		return ""
	}
	var input StreamInput
	_ = unmarshal([]byte(values.Get("StreamInput")), &input)
	return input.InputURL
}
