package livetranscode

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxResponse = 8 << 20   // bytes of a success that are read
	maxPooled   = 256 << 10 // larger buffers are not reused

	maxEmptyReads = 100 // consecutive ones without an error, as in package bufio
)

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

var errInvalidRead = errors.New("the transport's body returned an invalid count from Read")

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
	for empty := 0; ; {
		if len(b.bytes) == cap(b.bytes) {
			b.grow(limit)
		}
		free := b.bytes[len(b.bytes):min(cap(b.bytes), limit+1)]
		n, err := resp.Body.Read(free)
		if n < 0 || n > len(free) { // a transport of the caller's breaks the contract of io.Reader
			return b, errInvalidRead
		}
		b.bytes = b.bytes[:len(b.bytes)+n]
		if empty++; n > 0 {
			empty = 0
		}
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
		case empty >= maxEmptyReads:
			return b, io.ErrNoProgress
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

// A responseDecoder is what a successful response is decoded into.
type responseDecoder interface {
	// missing names the part without which the response cannot be used; "" if it is complete.
	missing() string
	// requestID returns where the request id is stored.
	requestID() *string
}

// A baseResponse has what every response has.
type baseResponse struct {
	RequestID string `json:"RequestId,case:ignore"`
}

func (r *baseResponse) requestID() *string { return &r.RequestID }

// An emptyResponse only says that the operation was executed.
type emptyResponse struct {
	baseResponse
	Code anyString `json:",case:ignore"`
}

// missing tells a success, which has a request id in the body or at least in the header, from an error with a 2xx
// status.
func (r *emptyResponse) missing() string {
	switch {
	case r.Code != "" && r.Code != "Success" && r.Code != "OK" && r.Code != "200":
		return "success but an error code"
	case r.RequestID == "":
		return "RequestId"
	}
	return ""
}

// A newResponse is the response of an operation that is not idempotent: it has the id of what was created, or "".
type newResponse interface{ newID() string }

// decodeResponse decodes a successful response into out. It returns an error if the response cannot be used. One with a
// new id can be used whatever follows the id, or breaks after it.
func decodeResponse(b *body, out responseDecoder) error {
	err := decode(b.bytes, out)
	if id := out.requestID(); *id == "" {
		*id = b.resp.Header.Get(headerRequestID)
	}
	if created, ok := out.(newResponse); ok && created.newID() != "" {
		return nil
	}
	if _, ok := out.(*emptyResponse); ok && isBlank(b.bytes) {
		err = nil // the header says it all
	}
	switch part := out.missing(); {
	case b.err != nil:
		return b.err
	case err != nil:
		return badJSON(err)
	case part != "":
		return errors.New("the response has no " + part)
	}
	return nil
}

func isBlank(text []byte) bool {
	return len(bytes.TrimSpace(bytes.TrimPrefix(text, []byte(byteOrderMark)))) == 0
}

// partialID returns what can be read of the new id in a response that is cut off or malformed, or "".
func partialID(text []byte, out responseDecoder) string {
	if _, ok := out.(newResponse); !ok {
		return ""
	}
	name := regexp.MustCompile(`(?i)"` + out.missing() + `"[\s:]*`).FindIndex(text)
	if name == nil {
		return ""
	}
	value := text[name[1]:]
	id, quoted := bytes.CutPrefix(value, []byte(`"`))
	if end := bytes.IndexAny(id, "\"\\,{}[] \t\r\n"); end >= 0 {
		id = id[:end]
	}
	if !quoted && (len(id) == 0 || id[0] < '0' || id[0] > '9') { // null, for example
		return ""
	}
	return string(id)
}

// badJSON describes a decoding error without quoting the response, which may hold stream keys.
func badJSON(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the response is empty or cut off")
	case errors.Is(err, errNotObject):
		return errors.New("the response is not a JSON object")
	case errors.Is(err, errTooManyElements):
		return errors.New("the response " + err.Error())
	case errors.As(err, &syntax):
		return errors.New("the response is not valid JSON at byte " + strconv.FormatInt(syntax.ByteOffset, 10))
	}
	return errors.New("the response is not valid JSON")
}
