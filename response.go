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
	maxSnippet   = 256       // bytes of a foreign body that an error shows
	maxMessage   = 1 << 10   // bytes of the service's message that an error keeps
	maxPooled    = 256 << 10 // larger buffers are not kept
)

const headerRequestID = "X-Acs-Request-Id"

// A reply is the body of an answer, in a buffer that release gives back.
type body struct {
	resp  *http.Response
	bytes []byte
}

var bodies = sync.Pool{New: func() any { return new(body) }}

func (r *body) release() {
	if cap(r.bytes) <= maxPooled {
		r.resp, r.bytes = nil, r.bytes[:0]
		bodies.Put(r)
	}
}

var errTooLarge = errors.New("the answer is larger than " + strconv.Itoa(maxResponse>>20) + " MiB")

// read takes the body of an answer, up to a limit, and closes it. What could be read comes back also with
// an error.
func readBody(resp *http.Response) (*body, error) {
	defer resp.Body.Close()
	limit := maxResponse
	if !isSuccess(resp) {
		limit = maxErrorBody
	}
	r := bodies.Get().(*body)
	r.resp = resp
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return r, nil // its body is the bare connection, on which no context has power
	}
	for {
		if len(r.bytes) == cap(r.bytes) {
			size := max(2*cap(r.bytes), 4<<10)
			if size >= limit {
				size = limit + 1 // the last growth: one byte more would be too much
			}
			grown := make([]byte, len(r.bytes), size)
			copy(grown, r.bytes)
			r.bytes = grown
		}
		n, err := resp.Body.Read(r.bytes[len(r.bytes):min(cap(r.bytes), limit+1)])
		r.bytes = r.bytes[:len(r.bytes)+n]
		switch {
		case len(r.bytes) > limit && isSuccess(resp):
			return r, errTooLarge
		case len(r.bytes) > limit:
			r.bytes = r.bytes[:limit]
			return r, nil
		case err == io.EOF:
			return r, nil
		case err != nil:
			return r, err
		}
	}
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode >= 200 && resp.StatusCode < 300 }

// An answer is what a success is read into.
type responseDecoder interface {
	object
	// missing names the part without which the answer cannot be used; empty if all is there.
	missing() string
	// requestID is where the id of the call is kept.
	requestID() *string
}

// An envelope is what an answer has if nothing else.
type baseResponse struct{ id string }

func (e *baseResponse) requestID() *string { return &e.id }

func (e *baseResponse) member(d *decoder, name []byte) error { return readRequestID(d, name, &e.id) }

// readRequestID reads the member that all answers have.
func readRequestID(d *decoder, name []byte, id *string) error {
	if string(name) == "RequestId" {
		return d.text(id)
	}
	return errNoMember
}

// badJSON says what kind of error it is without repeating the answer, which may hold stream keys.
func badJSON(err error) error {
	var syntax *jsontext.SyntacticError
	var wrong *typeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer is empty or cut off")
	case errors.As(err, &wrong):
		return errors.New("the answer " + wrong.what())
	case errors.As(err, &syntax):
		return errors.New("the answer is not valid JSON at byte " + strconv.FormatInt(syntax.ByteOffset, 10))
	}
	return errors.New("the answer is not valid JSON")
}
