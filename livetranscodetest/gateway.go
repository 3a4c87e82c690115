package livetranscodetest

import (
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const (
	apiVersion     = "2020-11-09"
	maxRequestBody = 1 << 20
)

// operations are the values of x-acs-action that the server knows.
var operations = map[string]func(*Server, *params) (result, *apiError){
	"SubmitLiveTranscodeJob":      (*Server).submitJob,
	"GetLiveTranscodeJob":         (*Server).getJob,
	"ListLiveTranscodeJobs":       (*Server).listJobs,
	"UpdateLiveTranscodeJob":      (*Server).updateJob,
	"SendLiveTranscodeJobCommand": (*Server).commandJob,
	"DeleteLiveTranscodeJob":      (*Server).deleteJob,
	"CreateLiveTranscodeTemplate": (*Server).createTemplate,
	"GetLiveTranscodeTemplate":    (*Server).getTemplate,
	"ListLiveTranscodeTemplates":  (*Server).listTemplates,
	"UpdateLiveTranscodeTemplate": (*Server).updateTemplate,
	"DeleteLiveTranscodeTemplate": (*Server).deleteTemplate,
}

// result is the JSON object of a success without the request id. It shares no memory with the server's state.
type result map[string]any

// apiError is an error response of the gateway.
type apiError struct {
	status        int
	code, message string
}

func newAPIError(status int, code, format string, args ...any) *apiError {
	return &apiError{status, code, fmt.Sprintf(format, args...)}
}

// request is a request as received. It does not change after receive.
type request struct {
	*http.Request
	id        string
	operation string
	query     url.Values // of the URL
	params    url.Values // of the URL and of a form body; the URL wins
	body      []byte
	auth      authorization
}

// receive reads r and checks what needs no state of the server. The request is never nil, so that a refused one can
// be recorded.
func receive(r *http.Request) (*request, *apiError) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	req := &request{
		Request:   r,
		id:        newRequestID(),
		operation: r.Header.Get("X-Acs-Action"),
		query:     query,
		params:    query,
		auth:      parseAuthorization(r.Header.Values("Authorization")),
	}
	switch {
	case r.URL.Path != "/":
		return req, unknownAPI("InvalidApi.NotFound")
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return req, newAPIError(http.StatusBadRequest, "UnsupportedHTTPMethod", "This http method is not supported.")
	case err != nil:
		return req, newAPIError(http.StatusBadRequest, "InvalidParameter", "The query string is malformed.")
	case req.operation == "":
		return req, missingParameter("Action")
	case operations[req.operation] == nil:
		return req, unknownAPI("InvalidAction.NotFound")
	}
	switch r.Header.Get("X-Acs-Version") {
	case apiVersion:
	case "":
		return req, missingParameter("Version")
	default:
		return req, newAPIError(http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid.")
	}
	return req, req.readBody()
}

func unknownAPI(code string) *apiError {
	return newAPIError(http.StatusNotFound, code, "Specified api is not found, please check your url and method.")
}

// readBody reads the body and, if it is a form, its parameters.
func (r *request) readBody() *apiError {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return newAPIError(http.StatusBadRequest, "IncompleteBody", "The request body could not be read.")
	}
	if len(body) > maxRequestBody {
		return newAPIError(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is too large.")
	}
	r.body = body
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || mediaType != "application/x-www-form-urlencoded" {
		return nil
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return newAPIError(http.StatusBadRequest, "InvalidParameter", "The form in the request body is malformed.")
	}
	maps.Copy(params, r.query)
	r.params = params
	return nil
}

// handle executes one request: shape, signature, fault, operation. It returns when the work is done; an injected
// latency delays only the response.
func (s *Server) handle(r *http.Request) *response {
	req, err := receive(r)

	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &response{requestID: req.id, date: s.now()}
	if err == nil {
		err = s.verify(req, resp.date)
	}
	var fault *fault
	if err == nil {
		fault = s.takeFault(req)
	}
	if err == nil && !fault.replacesOperation() {
		var res result
		res, err = operations[req.operation](s, &params{values: req.params, now: resp.date})
		resp.succeed(res)
	}
	if fault != nil {
		err = fault.applyTo(resp, req.operation, err)
	}
	if err != nil {
		resp.fail(err, r.Host)
	}
	s.calls.add(newCall(req, resp, err))
	return resp
}

// ServeHTTP implements http.Handler. It panics with [http.ErrAbortHandler], on which net/http closes the connection,
// if the response is to be lost ([Fault.Drop], [Fault.DropResponse]) or the client stops waiting for it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp := s.handle(r)
	if resp.waitLatency(r.Context()) != nil || resp.connErr != nil {
		panic(http.ErrAbortHandler)
	}
	header, body := resp.render()
	maps.Copy(w.Header(), header)
	w.WriteHeader(resp.status)
	_, _ = w.Write(body) // fails if the client is gone
}

// newRequestID returns an id of the gateway's form, an upper-case UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newID returns an id of the form of job and template ids, 32 hexadecimal digits.
func newID() string {
	return strings.ToLower(strings.ReplaceAll(newRequestID(), "-", ""))
}
