package livetranscode

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxAnswer  = 8 << 20   // bytes of a success that are read
	maxRefusal = 64 << 10  // bytes of an error that are read
	maxSnippet = 256       // bytes of a foreign body that an error shows
	maxMessage = 1 << 10   // bytes of the service's message that an error keeps
	maxPooled  = 256 << 10 // larger buffers are not kept
)

const headerRequestID = "X-Acs-Request-Id"

// jsonOptions accepts what is odd but readable rather than lose an answer.
var jsonOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// looseJSON also reads names in any case: refusals are spelt in more than one way.
var looseJSON = json.JoinOptions(jsonOptions, json.MatchCaseInsensitiveNames(true))

// A reply is the body of an answer, in a buffer that release gives back.
type reply struct {
	resp *http.Response
	body []byte
}

var replies = sync.Pool{New: func() any { return new(reply) }}

func (r *reply) release() {
	if cap(r.body) <= maxPooled {
		r.resp, r.body = nil, r.body[:0]
		replies.Put(r)
	}
}

var errTooLarge = errors.New("the answer is larger than " + strconv.Itoa(maxAnswer>>20) + " MiB")

// read takes the body of an answer, up to a limit, and closes it. What could be read comes back also with
// an error.
func read(resp *http.Response) (*reply, error) {
	defer resp.Body.Close()
	limit := maxAnswer
	if !isSuccess(resp) {
		limit = maxRefusal
	}
	r := replies.Get().(*reply)
	r.resp = resp
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return r, nil // its body is the bare connection, on which no context has power
	}
	for {
		if len(r.body) == cap(r.body) {
			size := max(2*cap(r.body), 4<<10)
			if size >= limit {
				size = limit + 1 // the last growth: one byte more would be too much
			}
			grown := make([]byte, len(r.body), size)
			copy(grown, r.body)
			r.body = grown
		}
		n, err := resp.Body.Read(r.body[len(r.body):min(cap(r.body), limit+1)])
		r.body = r.body[:len(r.body)+n]
		switch {
		case len(r.body) > limit && isSuccess(resp):
			return r, errTooLarge
		case len(r.body) > limit:
			r.body = r.body[:limit]
			return r, nil
		case err == io.EOF:
			return r, nil
		case err != nil:
			return r, err
		}
	}
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode >= 200 && resp.StatusCode < 300 }

// classify returns the reply of an attempt that the service answered with success, and what is wrong with
// any other. readErr is what ended the reading of the body.
func (t *try) classify(ctx context.Context, resp *http.Response, r *reply, readErr error) (*reply, *failure) {
	if isSuccess(resp) && readErr == nil {
		return r, nil
	}
	defer r.release()
	api := t.newAPIError(r)
	f := &failure{err: api, remedy: remedyOf(api), uncertain: isUncertain(api), retryAfter: api.RetryAfter}
	switch cutOff := readErr != nil && api.Code == ""; {
	case cutOff && ctx.Err() != nil && isSuccess(resp):
		f = t.local(ctx, ctx.Err())
		f.uncertain = true
	case cutOff && ctx.Err() != nil:
		api.cause, f.remedy, f.uncertain = contextError(ctx), none, true
	case cutOff:
		f.uncertain = true
		if passing, timedOut := networkRemedy(readErr); f.remedy == none && !errors.Is(readErr, errTooLarge) {
			f.remedy, f.timedOut = passing, timedOut
		}
		api.cause = newScrubbedError(readErr, t.creds)
		if isContextError(readErr) {
			api.cause = &hiddenError{text: "the body did not arrive in time"}
		}
	case clockCodes[api.Code]:
		f.offset, f.offsetSeen = clockOffset(resp.Header, t.started, time.Now())
	}
	return nil, f
}

// clockOffset returns how far the service's clock is ahead, by the Date of an answer that was not cached,
// taken as the middle of the attempt.
func clockOffset(h http.Header, sent, received time.Time) (time.Duration, bool) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return 0, false
	}
	return date.Sub(sent.Add(received.Sub(sent) / 2)), true
}

// An answer is what a success decodes into.
type answer interface {
	// missing names the part without which the answer cannot be used; empty if all is there.
	missing() string
	requestID() *string
}

// envelope is what all answers have.
type envelope struct {
	RequestID string `json:"RequestId"`
}

func (e *envelope) requestID() *string { return &e.RequestID }

// decode reads a success into out, which fails if the answer cannot be used.
func (t *try) decode(ctx context.Context, r *reply, out answer) error {
	defer r.release()
	body := bytes.TrimPrefix(r.body, []byte("\xef\xbb\xbf"))
	err := json.Unmarshal(body, out, jsonOptions)
	id := out.requestID()
	*id = cmp.Or(*id, r.resp.Header.Get(headerRequestID))
	if err != nil {
		err = badJSON(err)
	} else if part := out.missing(); part != "" {
		err = errors.New("the answer has no " + part)
	} else if jsontext.Value(body).Kind() == 'n' {
		err = errors.New("the answer is null")
	}
	if err != nil {
		api := t.newAPIError(r)
		api.cause = err
		f := &failure{err: api, uncertain: true}
		t.logFailure(ctx, f, 0, false)
		return t.result(f)
	}
	t.succeeded(ctx, r.resp, *id)
	return nil
}

// badJSON says what kind of error it is without repeating the answer, which may hold stream keys.
func badJSON(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer is empty or cut off")
	case errors.As(err, &semantic):
		return errors.New("the answer has a value of the wrong type at " + clip(oneLine(string(semantic.JSONPointer)), 80))
	case errors.As(err, &syntax):
		return errors.New("the answer is not valid JSON at byte " + strconv.FormatInt(syntax.ByteOffset, 10))
	}
	return errors.New("the answer is not valid JSON")
}

// refusalJSON is the body of an error.
type refusalJSON struct {
	RequestID          looseString `json:"RequestId"`
	HostID             looseString `json:"HostId"`
	Code               looseString
	Message            looseString
	Recommend          looseString
	AccessDeniedDetail jsontext.Value
}

// A looseString is read from any JSON value: a string as its text, the rest as it stands.
type looseString string

// UnmarshalJSON never fails.
func (s *looseString) UnmarshalJSON(b []byte) error {
	*s = ""
	if len(b) > 0 && b[0] == '"' {
		var room [64]byte
		text, _ := jsontext.AppendUnquote(room[:0], b) // whose error tells of invalid UTF-8, which it has replaced
		*s = looseString(text)
	} else if string(b) != "null" {
		*s = looseString(b)
	}
	return nil
}

// newAPIError makes an error of an answer, whatever it is.
func (t *try) newAPIError(r *reply) *APIError {
	var body refusalJSON
	// What was read before a fault in the JSON counts.
	_ = json.Unmarshal(bytes.TrimPrefix(r.body, []byte("\xef\xbb\xbf")), &body, looseJSON)
	clean := func(s looseString, n int) string {
		return clip(scrub(string(s), t.creds.AccessKeySecret, t.creds.SecurityToken), n)
	}
	if !isCode(string(body.Code)) {
		body.Code = ""
	}
	api := &APIError{
		Operation:  t.op.name,
		StatusCode: r.resp.StatusCode,
		Code:       clean(body.Code, maxSnippet),
		Message:    clean(body.Message, maxMessage),
		RequestID:  clean(body.RequestID, maxSnippet),
		HostID:     clean(body.HostID, maxSnippet),
		Recommend:  clip(scrubPage(string(body.Recommend), t.creds.AccessKeySecret, t.creds.SecurityToken), maxMessage),
		RetryAfter: retryAfter(r.resp.Header, time.Now()),
	}
	if body.AccessDeniedDetail.Kind() == '{' {
		api.AccessDenied = new(AccessDeniedDetail)
		_ = json.Unmarshal(body.AccessDeniedDetail, api.AccessDenied, looseJSON)
		for _, text := range api.AccessDenied.texts() {
			*text = clean(looseString(*text), maxRefusal)
		}
	}
	if api.RequestID == "" {
		api.RequestID = clean(looseString(r.resp.Header.Get(headerRequestID)), maxSnippet)
	}
	switch {
	case api.Code == "SignatureDoesNotMatch":
		api.Message = readEcho(string(body.Message), t.req)
	case isEcho(api.Code), isEcho(string(body.Message)):
		api.Message = secretOrChange
	case api.Code != "" || api.Message != "" || isSuccess(r.resp):
	case isEcho(string(r.body)):
		api.Message = secretOrChange
	default:
		api.Message = clean(looseString(r.body), maxSnippet)
	}
	return api
}

// isCode reports whether a text can be a code of the service. {"code": 404} is some proxy's.
func isCode(s string) bool {
	return s != "" && (s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z')
}

// retryAfter returns the delay that an answer asks for, 0 for none: the service's header in milliseconds,
// that of its older gateways, or that of a proxy in seconds or as a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if d := millis(h.Get("X-Acs-Retry-After")); d > 0 {
		return d
	}
	if d := max(rateLimit(h.Get("X-Ratelimit-User-Api")), rateLimit(h.Get("X-Ratelimit-User"))); d > 0 {
		return d
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return positive(seconds, time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}

// rateLimit reads "Limit:1,Remain:0,TimeLeft:2000,Reset:1234": the milliseconds until there is room again,
// if there is none now.
func rateLimit(s string) time.Duration {
	var left time.Duration
	for part := range strings.SplitSeq(s, ",") {
		switch name, value, _ := strings.Cut(part, ":"); strings.TrimSpace(name) {
		case "Remain":
			if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil && n > 0 {
				return 0
			}
		case "TimeLeft":
			left = millis(value)
		}
	}
	return left
}

func millis(s string) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return positive(n, time.Millisecond)
}

// positive returns n units, 0 if n is negative, and the longest duration if that is too long for one.
func positive(n int64, unit time.Duration) time.Duration {
	switch {
	case n <= 0:
		return 0
	case n > math.MaxInt64/int64(unit):
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
