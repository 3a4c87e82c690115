package livetranscodetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// response is what a request gets.
type response struct {
	requestID string
	date      time.Time
	status    int
	payload   map[string]any // sent as JSON; if nil, body is sent
	body      string
	header    http.Header // set last; a name without values removes that header
	latency   time.Duration
	connErr   error // what the client gets in place of the response, in memory
}

func (r *response) succeed(res result) {
	r.status = http.StatusOK
	r.payload = map[string]any{"RequestId": r.requestID}
	maps.Copy(r.payload, res)
}

func (r *response) fail(err *apiError, host string) {
	r.status = err.status
	r.payload = map[string]any{
		"RequestId": r.requestID,
		"HostId":    host,
		"Code":      err.code,
		"Message":   err.message,
		"Recommend": "https://api.alibabacloud.com/troubleshoot?q=" + url.QueryEscape(err.code) + "&product=ICE&requestId=" + r.requestID,
	}
}

// render returns the header and the body as they are sent.
func (r *response) render() (http.Header, []byte) {
	h := http.Header{
		"Date":             {r.date.Format(http.TimeFormat)},
		"X-Acs-Request-Id": {r.requestID},
		"Content-Type":     {"application/json;charset=utf-8"},
	}
	body := []byte(r.body)
	if r.payload != nil {
		body = encode(r.payload)
	} else {
		h.Set("Content-Type", http.DetectContentType(body))
	}
	if !r.hasBody() {
		body = nil
		h.Del("Content-Type")
	}
	maps.Copy(h, r.header)
	if r.status == http.StatusNotModified {
		h.Del("Content-Type")
	}
	return h, body
}

// hasBody reports whether a response of the status may have a body. Of the possible statuses only two may not.
func (r *response) hasBody() bool {
	return r.status != http.StatusNoContent && r.status != http.StatusNotModified
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // like the service, which does not escape the & of a URL
	if err := enc.Encode(v); err != nil {
		panic("livetranscodetest: " + err.Error()) // maps, strings and numbers always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// waitLatency waits until the latency is over or ctx ends.
func (r *response) waitLatency(ctx context.Context) error {
	if r.latency <= 0 {
		return nil
	}
	timer := time.NewTimer(r.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// httpResponse returns the response as a client of net/http gets it over TCP.
func (r *response) httpResponse(req *http.Request) *http.Response {
	header, body := r.render()
	for name, values := range header {
		if len(values) == 0 {
			delete(header, name)
		}
	}
	resp := &http.Response{
		Status:     strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode: r.status,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
		Body:       http.NoBody,
		Request:    req,
	}
	if !r.hasBody() {
		header.Del("Content-Length")
		return resp
	}
	resp.ContentLength = int64(len(body))
	end := io.EOF
	if _, set := r.header["Content-Length"]; set {
		resp.ContentLength, body, end = r.announced(body)
	}
	header.Del("Content-Length")
	if resp.ContentLength >= 0 {
		header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), errorReader{end}))
	return resp
}

// announced returns what a client gets of a body with the Content-Length of a fault: how long it says to be, -1 if that
// is no length, what arrives of it, and how it ends.
func (r *response) announced(body []byte) (length int64, arrives []byte, end error) {
	length, err := strconv.ParseInt(r.header.Get("Content-Length"), 10, 64)
	switch {
	case err != nil || length < 0:
		return -1, body, io.EOF
	case length < int64(len(body)): // net/http sends none of it
		return length, nil, io.ErrUnexpectedEOF
	case length > int64(len(body)):
		return length, body, io.ErrUnexpectedEOF
	}
	return length, body, io.EOF
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
