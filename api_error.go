package livetranscode

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

const (
	maxErrorBody = 64 << 10 // bytes of an error that are read
	maxMessage   = 1 << 10  // bytes of the service's message that an error keeps
)

const headerRequestID = "X-Acs-Request-Id"

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

// A respondedRequest is the request that a response belongs to, and the secrets that must not be shown.
type respondedRequest struct {
	operation, resourceID string
	req                   *http.Request
	secrets               []string
}

// newAPIError makes an error of a response, whatever its body is.
func newAPIError(r respondedRequest, resp *http.Response, text []byte) *APIError {
	body := parseErrorBody(text)
	api := &APIError{
		Operation:    r.operation,
		ResourceID:   r.resourceID,
		StatusCode:   resp.StatusCode,
		Code:         r.redact(body.code(), maxSnippet),
		RequestID:    r.redact(cmp.Or(string(body.RequestID), resp.Header.Get(headerRequestID)), maxSnippet),
		HostID:       r.redact(string(body.HostID), maxSnippet),
		Recommend:    redact.Truncate(redact.Link(string(body.Recommend), r.secrets...), maxMessage),
		AccessDenied: body.AccessDeniedDetail,
		endpoint:     r.req.Host,
	}
	if api.AccessDenied != nil {
		for _, text := range api.AccessDenied.texts() {
			*text = r.redact(*text, maxErrorBody)
		}
	}
	api.isHTML = api.Code == "" && isHTML(text)
	api.Message = r.message(api.Code, string(body.Message))
	api.Detail = r.detail(api.Code, string(cmp.Or(body.Detail, body.Description)))
	if api.Code == "" && api.Message == "" {
		api.Message = r.foreignBody(resp, text)
	}
	return api
}

// message returns what can be shown of a message of the service.
func (r *respondedRequest) message(code, message string) string {
	switch {
	case code == "SignatureDoesNotMatch":
		return acs3.ExplainMismatch(message, r.req)
	case acs3.LeaksRequest(code), acs3.LeaksRequest(message):
		return acs3.UnknownMismatch
	}
	return r.redact(redact.StreamKeys(message, r.streamURL()), maxMessage)
}

// detail returns what can be shown of what the service adds to a message.
func (r *respondedRequest) detail(code, detail string) string {
	if acs3.LeaksRequest(code) || acs3.LeaksRequest(detail) {
		return ""
	}
	return r.redact(redact.StreamKeys(detail, r.streamURL()), maxMessage)
}

// foreignBody returns what can be shown of a body that has neither code nor message.
func (r *respondedRequest) foreignBody(resp *http.Response, text []byte) string {
	switch {
	case isSuccess(resp) && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")): // a job has stream keys
		return ""
	case acs3.LeaksRequest(string(text)):
		return acs3.UnknownMismatch
	}
	return r.redact(redact.StreamKeys(string(text), r.streamURL()), maxSnippet)
}

// redact returns at most n bytes of a text without the secrets.
func (r *respondedRequest) redact(text string, n int) string {
	return redact.Truncate(redact.Text(text, r.secrets...), n)
}

// streamURL returns the URL of the stream in the request, or "".
func (r *respondedRequest) streamURL() string {
	values, err := url.ParseQuery(r.req.URL.RawQuery)
	if err != nil || !values.Has("StreamInput") {
		return ""
	}
	var input struct {
		InputURL string `json:"InputUrl"`
	}
	_ = decode([]byte(values.Get("StreamInput")), &input)
	return input.InputURL
}

// isHTML reports whether a body begins like a page.
func isHTML(text []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(text[:min(len(text), maxSnippet)]))
	return bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<!doctype html"))
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode >= 200 && resp.StatusCode < 300 }
