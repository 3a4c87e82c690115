package livetranscodetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// Transport returns a RoundTripper that hands every request to the server, whatever its URL's scheme and host,
// without a network, a port or a goroutine. It works inside a testing/synctest bubble, and as http.Transport
// does it ends with the cause of the request's context once that is done, closes the request's body, and
// reports the writing of the request to net/http/httptrace.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req.Body)
	if err != nil {
		return nil, err
	}
	if req.URL == nil {
		return nil, errors.New("livetranscodetest: request without a URL")
	}
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	received, err := overTheWire(req, body)
	if err != nil {
		return nil, err
	}
	a := t.server.handle(received)
	if err := a.hold(ctx); err != nil {
		return nil, err
	}
	if a.lost != nil {
		return nil, a.lost
	}
	return a.response(req), nil
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(body)
	return b, errors.Join(err, body.Close())
}

// overTheWire returns req as a server receives it: it writes and reads the bytes of HTTP/1.1, so that the
// signature is checked on what would really travel.
func overTheWire(req *http.Request, body []byte) (*http.Request, error) {
	out := req.WithContext(req.Context()) // a shallow copy: the caller's request stays as it is
	// A body of known length: for one of unknown length Write starts a goroutine.
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, int64(len(body)), nil
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	var wire bytes.Buffer
	if err := out.Write(&wire); err != nil {
		return nil, err
	}
	received, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil, err
	}
	return received.WithContext(req.Context()), nil
}

// response returns the answer as a client receives it.
func (a *answer) response(req *http.Request) *http.Response {
	header, body := a.render()
	for name, values := range header {
		if len(values) == 0 {
			delete(header, name)
		}
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
}
