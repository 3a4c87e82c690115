package livetranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

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

// An answer is what a success is read into.
type answer interface {
	object
	// missing names the part without which the answer cannot be used; empty if all is there.
	missing() string
	// requestID is where the id of the call is kept.
	requestID() *string
}

// An envelope is what an answer has if nothing else.
type envelope struct{ id string }

func (e *envelope) requestID() *string { return &e.id }

func (e *envelope) member(d *decoder, name []byte) error { return readRequestID(d, name, &e.id) }

// readRequestID reads the member that all answers have.
func readRequestID(d *decoder, name []byte, id *string) error {
	if string(name) == "RequestId" {
		return d.text(id)
	}
	return errNoMember
}

// decode reads a success into out, which fails if the answer cannot be used.
func (t *try) decode(ctx context.Context, r *reply, out answer) error {
	defer r.release()
	d := newDecoder(r.body)
	defer d.release()
	null := d.PeekKind() == 'n'
	err := d.document(out)
	id := out.requestID()
	if *id == "" {
		*id = r.resp.Header.Get(headerRequestID)
	}
	if err != nil {
		err = badJSON(err)
	} else if part := out.missing(); part != "" {
		err = errors.New("the answer has no " + part)
	} else if null {
		err = errors.New("the answer is null")
	}
	if err != nil {
		api := t.newAPIError(r)
		api.cause = err
		f := &failure{err: api, uncertain: true}
		t.logFailure(ctx, f, 0, false)
		return t.result(f)
	}
	if d.oddDate != "" {
		t.warnOddDate(ctx, *d.oddID, d.oddDate)
	}
	t.succeeded(ctx, r.resp, *id)
	return nil
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

// warnOddDate says that a date did not parse, and that nothing else is lost.
func (t *try) warnOddDate(ctx context.Context, id, date string) {
	t.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: CreateTime is not a date; the zero time stands for it",
		slog.String("operation", t.op.name), slog.String("id", id), slog.String("value", formOfDate(date)))
}

// formOfDate returns what tells why a text is not a date: its digits and marks. Other letters than those of a
// date are x, whatever they spell.
func formOfDate(text string) string {
	return clip(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) && r != 'T' && r != 'Z' {
			return 'x'
		}
		return r
	}, scrub(text)), 64)
}

// A refusal is the body of an error, which is spelt in more than one way.
type refusal struct {
	requestID, hostID, code, message, recommend string
	accessDenied                                *AccessDeniedDetail
}

func (r *refusal) member(d *decoder, name []byte) error {
	switch fold(name) {
	case "requestid":
		return d.loose(&r.requestID)
	case "hostid":
		return d.loose(&r.hostID)
	case "code":
		return d.loose(&r.code)
	case "message":
		return d.loose(&r.message)
	case "recommend":
		return d.loose(&r.recommend)
	case "accessdenieddetail":
		if d.PeekKind() != '{' {
			return d.SkipValue()
		}
		return readObject(d, &r.accessDenied)
	}
	return errNoMember
}

// newAPIError makes an error of an answer, whatever it is.
func (t *try) newAPIError(r *reply) *APIError {
	var body refusal
	_ = unmarshal(r.body[:min(len(r.body), maxRefusal)], &body) // what was read before a fault in the JSON counts
	clean := func(s string, n int) string {
		return clip(scrub(s, t.creds.AccessKeySecret, t.creds.SecurityToken), n)
	}
	if !isCode(body.code) {
		body.code = ""
	}
	api := &APIError{
		Operation:    t.op.name,
		StatusCode:   r.resp.StatusCode,
		Code:         clean(body.code, maxSnippet),
		Message:      clean(hideAddress(body.message, t.address()), maxMessage),
		RequestID:    clean(body.requestID, maxSnippet),
		HostID:       clean(body.hostID, maxSnippet),
		Recommend:    clip(scrubPage(body.recommend, t.creds.AccessKeySecret, t.creds.SecurityToken), maxMessage),
		AccessDenied: body.accessDenied,
		RetryAfter:   retryAfter(r.resp.Header, time.Now()),
		endpoint:     t.req.Host,
	}
	if api.AccessDenied != nil {
		for _, text := range api.AccessDenied.texts() {
			*text = clean(*text, maxRefusal)
		}
	}
	if api.RequestID == "" {
		api.RequestID = clean(r.resp.Header.Get(headerRequestID), maxSnippet)
	}
	switch {
	case api.Code == "SignatureDoesNotMatch":
		api.Message = readEcho(body.message, t.req)
	case isEcho(api.Code), isEcho(body.message):
		api.Message = secretOrChange
	case api.Code != "" || api.Message != "":
	case isSuccess(r.resp) && !bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("<")): // what the service says to a success holds stream keys
	case isEcho(string(r.body)):
		api.Message = secretOrChange
	default:
		api.Message = clean(hideAddress(string(r.body), t.address()), maxSnippet)
	}
	return api
}

// address returns the address of the stream that the request names, if it names one.
func (t *try) address() string {
	values, err := url.ParseQuery(t.query)
	if err != nil || !values.Has("StreamInput") {
		return ""
	}
	var input StreamInput
	_ = unmarshal([]byte(values.Get("StreamInput")), &input)
	return input.InputURL
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
