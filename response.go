package livetranscode

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxResponse  = 8 << 20   // bytes of a success that are read
	maxErrorBody = 64 << 10  // bytes of an error that are read
	maxSnippet   = 256       // bytes of an unexpected body that an error shows
	maxMessage   = 1 << 10   // bytes of the service's message that an error keeps
	maxPooled    = 256 << 10 // larger buffers are not reused
)

const headerRequestID = "X-Acs-Request-Id"

// A body is the body of a response, in a buffer that release gives back.
type body struct {
	resp  *http.Response
	bytes []byte
	err   error // what ended the reading, if the body was not read to its end
}

var bodies = sync.Pool{New: func() any { return new(body) }}

func (b *body) release() {
	if cap(b.bytes) <= maxPooled {
		b.resp, b.bytes, b.err = nil, b.bytes[:0], nil
		bodies.Put(b)
	}
}

var errTooLarge = errors.New("the response is larger than " + strconv.Itoa(maxResponse>>20) + " MiB")

// readBody reads the body of a response, up to a limit, and closes it. What was read is returned also with an
// error.
func readBody(resp *http.Response) (*body, error) {
	defer resp.Body.Close()
	limit := maxResponse
	if !isSuccess(resp) {
		limit = maxErrorBody
	}
	b := bodies.Get().(*body)
	b.resp = resp
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return b, nil // the body is the bare connection, which no context can interrupt
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			b.grow(limit)
		}
		n, err := resp.Body.Read(b.bytes[len(b.bytes):min(cap(b.bytes), limit+1)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case len(b.bytes) > limit && isSuccess(resp):
			return b, errTooLarge
		case len(b.bytes) > limit:
			b.bytes = b.bytes[:limit]
			return b, nil
		case err == io.EOF:
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// grow doubles the buffer, up to one byte more than limit: that byte shows that the body is too large.
func (b *body) grow(limit int) {
	size := max(2*cap(b.bytes), 4<<10)
	if size >= limit {
		size = limit + 1
	}
	grown := make([]byte, len(b.bytes), size)
	copy(grown, b.bytes)
	b.bytes = grown
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode >= 200 && resp.StatusCode < 300 }

// A responseDecoder is what a successful response is decoded into.
type responseDecoder interface {
	object
	// missing names the part without which the response cannot be used; "" if it is complete.
	missing() string
	// requestID returns where the request id is stored.
	requestID() *string
}

// A baseResponse has what every response has.
type baseResponse struct{ id string }

func (r *baseResponse) requestID() *string { return &r.id }

func (r *baseResponse) member(d *decoder, name []byte) error { return readRequestID(d, name, &r.id) }

// readRequestID reads the field that all responses have.
func readRequestID(d *decoder, name []byte, id *string) error {
	if string(name) == "RequestId" {
		return d.text(id)
	}
	return errNoMember
}

// decodeResponse decodes a successful response into out. It returns an error if the response cannot be used.
func decodeResponse(b *body, out responseDecoder) error {
	d := newDecoder(b.bytes)
	defer d.release()
	null := d.PeekKind() == 'n'
	err := d.document(out)
	if id := out.requestID(); *id == "" {
		*id = b.resp.Header.Get(headerRequestID)
	}
	if err != nil {
		return badJSON(err)
	}
	if part := out.missing(); part != "" {
		return errors.New("the response has no " + part)
	}
	if null {
		return errors.New("the response is null")
	}
	return nil
}

// badJSON describes a decoding error without quoting the response, which may hold stream keys.
func badJSON(err error) error {
	var syntax *jsontext.SyntacticError
	var wrong *typeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the response is empty or cut off")
	case errors.As(err, &wrong):
		return errors.New("the response " + wrong.what())
	case errors.As(err, &syntax):
		return errors.New("the response is not valid JSON at byte " + strconv.FormatInt(syntax.ByteOffset, 10))
	}
	return errors.New("the response is not valid JSON")
}
