package livetranscodetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// Transport returns a RoundTripper that passes every request to the server, whatever its URL's scheme and host,
// without a network, a port or a goroutine. It works inside a [testing/synctest] bubble. Like [http.Transport], it
// returns the cause of the request's context once that has ended, closes the request's body, and reports the writing
// of the request to [net/http/httptrace].
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readAndClose(req.Body)
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
	received, err := overHTTP(req, body)
	if err != nil {
		return nil, err
	}
	resp := t.server.handle(received)
	if err := resp.waitLatency(ctx); err != nil {
		return nil, err
	}
	if resp.connErr != nil {
		return nil, resp.connErr
	}
	return resp.httpResponse(req), nil
}

func readAndClose(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(body)
	return b, errors.Join(err, body.Close())
}

// overHTTP returns req as a server receives it: it writes req in HTTP/1.1 and reads it back, so that the signature is
// checked on what would be sent.
func overHTTP(req *http.Request, body []byte) (*http.Request, error) {
	out := req.WithContext(req.Context()) // a shallow copy: the caller's request must not change
	// The length of the body is known: for an unknown length, Write starts a goroutine.
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, int64(len(body)), nil
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	var sent bytes.Buffer
	if err := out.Write(&sent); err != nil {
		return nil, err
	}
	received, err := http.ReadRequest(bufio.NewReader(&sent))
	if err != nil {
		return nil, err
	}
	return received.WithContext(req.Context()), nil
}
