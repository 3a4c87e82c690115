package livetranscodetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	apiVersion = "2020-11-09"
	maxBody    = 1 << 20
)

// operations is what x-acs-action may name.
var operations = map[string]func(*Server, *params) (result, *refusal){
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

// result is the JSON object of a success, but for the request id. It shares no memory with the state.
type result map[string]any

// refusal is an error as the gateway answers it.
type refusal struct {
	status        int
	code, message string
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

// request is a request as received. Nothing in it changes after receive.
type request struct {
	*http.Request
	id        string
	operation string
	query     url.Values // of the URL
	params    url.Values // of the URL and of a form body; the URL wins
	body      []byte
	auth      authorization
}

// receive reads r and checks what can be checked without the server's state. The request is never nil, so
// that a refused one can be recorded too.
func receive(r *http.Request) (*request, *refusal) {
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
		return req, refuse(http.StatusNotFound, "InvalidApi.NotFound", "Specified api is not found, please check your url and method.")
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return req, refuse(http.StatusBadRequest, "UnsupportedHTTPMethod", "This http method is not supported.")
	case err != nil:
		return req, refuse(http.StatusBadRequest, "InvalidParameter", "The query string cannot be read.")
	case req.operation == "":
		return req, refuse(http.StatusBadRequest, "MissingAction", "Action is mandatory for this action.")
	case operations[req.operation] == nil:
		return req, refuse(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	switch r.Header.Get("X-Acs-Version") {
	case apiVersion:
	case "":
		return req, refuse(http.StatusBadRequest, "MissingVersion", "Version is mandatory for this action.")
	default:
		return req, refuse(http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid.")
	}
	return req, req.readBody()
}

func (r *request) readBody() *refusal {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return refuse(http.StatusBadRequest, "IncompleteBody", "The body of the request cannot be read.")
	}
	if len(body) > maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The body of the request is too large.")
	}
	r.body = body
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || mediaType != "application/x-www-form-urlencoded" {
		return nil
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The form in the body cannot be read.")
	}
	maps.Copy(params, r.query)
	r.params = params
	return nil
}

// answer is what goes back to the client.
type answer struct {
	requestID string
	date      time.Time
	status    int
	payload   map[string]any // sent as JSON; nil: raw is sent
	raw       string
	header    http.Header // set last
	latency   time.Duration
	lost      error // in memory, what the client gets in place of the answer
}

// handle does the work of one request: shape, signature, fault, operation. It is done when handle returns;
// only the answer is then held back by an injected latency.
func (s *Server) handle(r *http.Request) *answer {
	req, refused := receive(r)

	s.mu.Lock()
	defer s.mu.Unlock()
	a := &answer{requestID: req.id, date: s.now()}
	if refused == nil {
		refused = s.verify(req, a.date)
	}
	var fault *Fault
	if refused == nil {
		fault = s.takeFault(req)
	}
	if refused == nil && !fault.replacesAnswer() {
		var res result
		res, refused = operations[req.operation](s, &params{values: req.params, now: a.date})
		a.succeed(res)
	}
	if fault != nil {
		refused = fault.shape(a, req.operation, refused)
	}
	if refused != nil {
		a.fail(refused, r.Host)
	}
	s.calls.add(newCall(req, a, refused))
	return a
}

func (a *answer) succeed(res result) {
	a.status = http.StatusOK
	a.payload = map[string]any{"RequestId": a.requestID}
	maps.Copy(a.payload, res)
}

func (a *answer) fail(r *refusal, host string) {
	a.status = r.status
	a.payload = map[string]any{
		"RequestId": a.requestID,
		"HostId":    host,
		"Code":      r.code,
		"Message":   r.message,
		"Recommend": "https://api.alibabacloud.com/troubleshoot?q=" + url.QueryEscape(r.code) + "&product=ICE&requestId=" + a.requestID,
	}
}

// render returns the header and the body as they travel.
func (a *answer) render() (http.Header, []byte) {
	h := http.Header{
		"Date":             {a.date.Format(http.TimeFormat)},
		"X-Acs-Request-Id": {a.requestID},
		"Content-Type":     {"application/json;charset=utf-8"},
	}
	body := []byte(a.raw)
	if a.payload != nil {
		body = encode(a.payload)
	} else {
		h.Set("Content-Type", http.DetectContentType(body))
	}
	maps.Copy(h, a.header)
	return h, body
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // as the service: the & of an URL stays readable
	if err := enc.Encode(v); err != nil {
		panic("livetranscodetest: " + err.Error()) // maps, strings and numbers always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// hold waits out the latency.
func (a *answer) hold(ctx context.Context) error {
	if a.latency <= 0 {
		return nil
	}
	timer := time.NewTimer(a.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler, which net/http takes for "close the
// connection", when the answer is to be lost (Fault.Drop, Fault.DropAnswer) or the client gives up waiting.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.handle(r)
	if a.hold(r.Context()) != nil || a.lost != nil {
		panic(http.ErrAbortHandler)
	}
	header, body := a.render()
	maps.Copy(w.Header(), header)
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// newRequestID returns an id of the gateway's form, an upper-case UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newID returns an id of the form that jobs and templates have, 32 hexadecimal digits.
func newID() string {
	return strings.ToLower(strings.ReplaceAll(newRequestID(), "-", ""))
}
