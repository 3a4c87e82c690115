package livetranscode

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/google/go-querystring/query"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// An operation is what a call needs to know of the operation that it calls.
type operation struct {
	name       string
	action     []string // the value of x-acs-action
	idempotent bool     // else it is retried only if it was certainly not executed
}

func idempotentOperation(name string) *operation {
	return &operation{name: name, action: []string{name}, idempotent: true}
}

func nonIdempotentOperation(name string) *operation {
	return &operation{name: name, action: []string{name}}
}

// params is what the parameters of an operation can do: name a field that is invalid, and why. Their
// query is made by go-querystring.
type params interface {
	validate() (field, reason string)
}

// call carries out one operation: it checks and encodes the parameters, sends the request until it succeeds
// or is not worth another try, and decodes the answer into out.
func (c *Client) do(ctx context.Context, op *operation, in params, out responseDecoder) error {
	if field, reason := in.validate(); field != "" {
		return &ParamError{Operation: op.name, Field: field, Reason: reason}
	}
	values, err := query.Values(in)
	if err != nil {
		return &ParamError{Operation: op.name, Field: "request", Reason: "cannot be encoded: " + err.Error()}
	}
	try := &call{client: c, op: op, query: acs3.EncodeQuery(values)}
	for {
		reply, failed := try.attempt(ctx)
		if failed == nil {
			return try.decode(ctx, reply, out)
		}
		if err := try.retryOrFail(ctx, failed); err != nil {
			return err
		}
	}
}

// decode reads a success into out, which fails if the answer cannot be used.
func (t *call) decode(ctx context.Context, r *body, out responseDecoder) error {
	defer r.release()
	d := newDecoder(r.bytes)
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
		f := &failure{err: api, maybeExecuted: true}
		t.logFailure(ctx, f, 0, false)
		return t.result(f)
	}
	if d.oddDate != "" {
		t.warnBadTime(ctx, *d.oddID, d.oddDate)
	}
	t.succeeded(ctx, r.resp, *id)
	return nil
}

// warnOddDate says that a date did not parse, and that nothing else is lost.
func (t *call) warnBadTime(ctx context.Context, id, date string) {
	t.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: CreateTime is not a date; the zero time stands for it",
		slog.String("operation", t.op.name), slog.String("id", id), slog.String("value", formOfDate(date)))
}

// formOfDate returns what tells why a text is not a date: its digits and marks. Other letters than those of a
// date are x, whatever they spell.
func formOfDate(text string) string {
	return redact.Truncate(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) && r != 'T' && r != 'Z' {
			return 'x'
		}
		return r
	}, redact.Text(text)), 64)
}

// A try is one call on its way through its attempts.
type call struct {
	client *Client
	op     *operation
	query  string

	// Of the current attempt.
	creds   Credentials
	clock   time.Duration // the offset that it was signed with
	started time.Time
	req     *http.Request

	sent  int   // requests handed to the transport
	cost  int   // quota that the next retry costs
	spent int   // quota that the retries have cost
	last  error // the failure of the attempt before, if it was answered or came from the network

	// Repairs that are made once.
	clockSet, refetched, renewed bool
	refused                      Credentials // if refetched
}

// again decides what follows a failure. It returns nil when it is time for another attempt, otherwise the
// error that the call returns.
func (t *call) retryOrFail(ctx context.Context, f *failure) error {
	delay, ok := t.nextDelay(ctx, f)
	t.logFailure(ctx, f, delay, ok)
	if !ok {
		t.client.quota.giveBack(t.cost) // for a retry that was not sent
		return t.result(f)
	}
	if !f.clientSide {
		t.last = f.err
	}
	if err := sleep(ctx, delay); err != nil {
		t.client.quota.giveBack(t.cost) // for a retry that is not made
		return t.result(t.clientFailure(ctx, err))
	}
	return nil
}

// result completes the error that ends the call. A failure of the caller's own side after one of the service
// does not replace it but becomes its cause, so that both are known.
func (t *call) result(f *failure) error {
	err, ambiguous := f.err, !t.op.idempotent && f.maybeExecuted
	if f.clientSide && t.last != nil && !ambiguous {
		// A *ParamError's kind must not come beside that of the answer.
		cause := error(&opaqueError{text: err.Error()})
		if call := (*CallError)(nil); errors.As(err, &call) {
			cause = call.Err
		}
		err = addCause(t.last, cause)
	}
	if e := callError(nil); errors.As(err, &e) {
		e.complete(t.sent, ambiguous)
	}
	return err
}

// logFailure logs an attempt that failed, and the delay before the next.
func (t *call) logFailure(ctx context.Context, f *failure, delay time.Duration, again bool) {
	if !t.client.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("operation", t.op.name), slog.Int("attempt", t.sent)}
	var api *APIError
	if errors.As(f.err, &api) {
		attrs = append(attrs, slog.Int("status", api.StatusCode), slog.String("code", api.Code), slog.String("request_id", api.RequestID))
	} else {
		attrs = append(attrs, slog.String("error", f.err.Error()))
	}
	if again {
		attrs = append(attrs, slog.Duration("delay", delay))
	}
	t.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt failed", attrs...)
}

// succeeded pays back to the quota and logs the attempt.
func (t *call) succeeded(ctx context.Context, resp *http.Response, requestID string) {
	t.client.quota.giveBack(max(1, t.spent))
	if t.client.logger.Enabled(ctx, slog.LevelDebug) {
		t.client.logger.LogAttrs(ctx, slog.LevelDebug, "livetranscode: attempt succeeded",
			slog.String("operation", t.op.name), slog.Int("attempt", t.sent), slog.Int("status", resp.StatusCode),
			slog.String("code", ""), slog.String("request_id", cmp.Or(redact.Truncate(redact.Text(requestID, t.creds.AccessKeySecret, t.creds.SecurityToken), maxSnippet), "-")))
	}
}
