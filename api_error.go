package livetranscode

import (
	"bytes"
	"cmp"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

const (
	maxErrorBody = 64 << 10 // bytes read of an error response
	maxMessage   = 1 << 10  // bytes kept of the service's message
)

const headerRequestID = "X-Acs-Request-Id"

// An errorBody is the body of an error response. The spelling of its fields varies.
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

// parseErrorBody decodes the body of an error response, in JSON or XML, up to the first syntax error.
func parseErrorBody(text []byte) (e errorBody) {
	if isMarkup(text) {
		text = xmlToJSON(text)
	}
	_ = decode(text, &e)
	return e
}

// code returns the service's code. Another one, such as a proxy's {"code": 404}, may precede or follow it. A number is
// a code only if the response shows in another way that the request was throttled.
func (r *errorBody) code(throttled bool) string {
	if i := slices.IndexFunc(r.Code, isCode); i >= 0 {
		return r.Code[i]
	}
	i := slices.IndexFunc(r.Code, func(code string) bool {
		return isNumericThrottling(code, string(r.Message)) || throttled && isNumeric(code)
	})
	if i < 0 {
		return ""
	}
	return r.Code[i]
}

var (
	// xmlElement matches an element that contains only text, whatever the spelling of its tags.
	xmlElement = regexp.MustCompile(`(?s)<\s*(?:[\w.-]+:)?([A-Za-z_-]+)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*?))\s*<\s*/`)
	// htmlStart matches the beginning of a page, after comments and an XML prolog.
	htmlStart = regexp.MustCompile(`(?is)^(?:\s|\x{FEFF}|<!--.*?-->|<\?.*?\?>)*<(?:!doctype\s+html|html)\b`)
	// htmlElement matches an element of a page or of a fragment of one.
	htmlElement = regexp.MustCompile(`(?i)<(?:!doctype\s+html|html|head|title|body|div|center|h[1-6]|p|pre)\b`)
)

// xmlToJSON returns a JSON object with the names and texts of all elements of an XML document that contain only text,
// at any depth. It accepts what package encoding/xml does not: other character sets, truncated documents, and tags with
// spaces. For HTML it returns nothing.
func xmlToJSON(text []byte) []byte {
	if htmlElement.Match(text) {
		return nil
	}
	var fields []byte
	for i, m := range xmlElement.FindAllSubmatch(text, -1) {
		if i > 0 {
			fields = append(fields, ',')
		}
		fields, _ = jsontext.AppendQuote(fields, m[1])
		fields = append(fields, ':')
		fields, _ = jsontext.AppendQuote(fields, cmp.Or(string(m[2]), html.UnescapeString(string(m[3])))) // replaces what is not UTF-8
	}
	object := "{" + string(fields) + "}"
	if bytes.Contains(bytes.ToLower(text), []byte("accessdenieddetail")) {
		object = strings.TrimSuffix(object, "}") + `,"AccessDeniedDetail":` + object + "}"
	}
	return []byte(object)
}

// A respondedRequest is the request of a response, with the secrets that must not be shown.
type respondedRequest struct {
	operation, resourceID string
	req                   *http.Request
	secrets               []string
}

// newAPIError returns the error of a response, whatever its body.
func newAPIError(r respondedRequest, resp *http.Response, text []byte) *APIError {
	text = text[:min(len(text), maxErrorBody)] // the unusable body of a 200 may be longer
	body := parseErrorBody(text)
	askedToRetry := millis(resp.Header.Get("X-Acs-Retry-After")) > 0
	api := &APIError{
		Operation:    r.operation,
		ResourceID:   r.resourceID,
		StatusCode:   resp.StatusCode,
		Code:         r.redact(body.code(askedToRetry), maxSnippet),
		RequestID:    r.redact(cmp.Or(string(body.RequestID), resp.Header.Get(headerRequestID)), maxSnippet),
		HostID:       r.redact(string(body.HostID), maxSnippet),
		Recommend:    r.link(string(body.Recommend)),
		AccessDenied: body.AccessDeniedDetail,
		RetryAfter:   retryAfter(resp.Header, time.Now()),
		endpoint:     r.req.Host,
		askedToRetry: askedToRetry,
	}
	if api.AccessDenied != nil {
		for _, text := range api.AccessDenied.texts() {
			*text = r.redact(*text, maxErrorBody)
		}
	}
	api.isHTML = api.Code == "" && htmlStart.Match(text)
	api.Message = r.message(api.Code, string(body.Message))
	api.Detail = r.detail(api.Code, string(cmp.Or(body.Detail, body.Description)))
	if api.Code == "" && api.Message == "" {
		api.Message = r.foreignBody(resp, text)
	}
	return api
}

// message returns what can be shown of the service's message.
func (r *respondedRequest) message(code, message string) string {
	switch {
	case code == "SignatureDoesNotMatch":
		return acs3.ExplainMismatch(message, r.req)
	case acs3.LeaksRequest(code), acs3.LeaksRequest(message):
		return acs3.UnknownMismatch
	}
	return r.redact(redact.StreamKeys(message, r.streamURL()), maxMessage)
}

// detail returns what can be shown of the detail that the service adds to a message.
func (r *respondedRequest) detail(code, detail string) string {
	if acs3.LeaksRequest(code) || acs3.LeaksRequest(detail) {
		return ""
	}
	return r.redact(redact.StreamKeys(detail, r.streamURL()), maxMessage)
}

// foreignBody returns what can be shown of a body that has neither code nor message.
func (r *respondedRequest) foreignBody(resp *http.Response, text []byte) string {
	switch {
	case isSuccess(resp) && !isMarkup(text): // a job has stream keys
		return ""
	case acs3.LeaksRequest(string(text)):
		return acs3.UnknownMismatch
	}
	return r.redact(redact.StreamKeys(string(text), r.streamURL()), maxSnippet)
}

// redact returns at most n bytes of a text without the secrets.
func (r *respondedRequest) redact(text string, n int) string {
	return redact.Bounded(text, n, r.secrets...)
}

// link is redact for the address of a troubleshooting page.
func (r *respondedRequest) link(address string) string {
	if len(address) > maxMessage {
		return r.redact(address, maxMessage)
	}
	return redact.Link(address, r.secrets...)
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

// isMarkup reports whether a body is XML or HTML.
func isMarkup(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(text, []byte(byteOrderMark))), []byte("<"))
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode >= 200 && resp.StatusCode < 300 }
