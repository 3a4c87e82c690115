package livetranscode_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// roundTrip is the network, with the properties and faults of the world.
func (w *world) roundTrip(req *http.Request) (*http.Response, error) {
	var resp *http.Response
	var delay time.Duration
	w.locked(func() { resp, delay = w.respond(req) }) //nolint:bodyclose // the caller closes it
	if err := pause(req.Context(), delay); err != nil {
		return nil, err
	}
	if resp != nil {
		if resp.StatusCode == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return resp, nil
	}
	if !isList(req) {
		return w.srv.Transport().RoundTrip(req)
	}
	resp, err := w.list.Transport().RoundTrip(req)
	if err != nil || !w.malformed || req.URL.Query().Get("Status") == "" {
		return resp, err
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	const head = `"JobList":[`
	text = bytes.Replace(text, []byte(head), []byte(head+`{"JobId":"","Status":"x"},{"Name":5,"Status":[]},`), 1)
	text = bytes.Replace(text, []byte(`,]`), []byte(`]`), 1)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), -1
	resp.Header.Del("Content-Length")
	return resp, err
}

// respond returns a fault's response, if any, and the latency of the request.
func (w *world) respond(req *http.Request) (*http.Response, time.Duration) {
	w.counts["requests"]++
	var delay time.Duration
	if w.latency > 0 {
		delay = time.Duration(w.netRNG.Int64N(int64(w.latency)))
	}
	if l := w.byID[req.URL.Query().Get("JobId")]; l != nil && l.failing {
		return failure(req, 500, "InternalError"), delay
	}
	if no, _ := strconv.Atoi(req.URL.Query().Get("PageNo")); w.deep && no > 1 {
		return failure(req, 400, "InvalidParameter.PageNo"), delay
	}
	switch w.fault {
	case "outage":
		if w.netRNG.IntN(2) == 0 {
			return new(http.Response), delay // none
		}
		return failure(req, 503, ""), delay
	case "throttling": // another client shares the quota
		now := time.Now()
		w.tokens = min(w.tokens+now.Sub(w.filled).Seconds()/2, 3)
		w.filled = now
		if w.tokens < 1 || w.netRNG.IntN(2) == 0 {
			return failure(req, 400, "Throttling.User"), delay
		}
		w.tokens--
	case "Retry-After":
		resp := failure(req, 503, "ServiceUnavailable")
		resp.Header.Set("X-Acs-Retry-After", "20000")
		return resp, delay
	case "some failures":
		if w.netRNG.IntN(4) == 0 {
			return failure(req, []int{500, 502, 503, 404}[w.netRNG.IntN(4)], ""), delay
		}
	}
	return nil, delay
}
