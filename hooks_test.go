package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A hookRecorder records what hooks are told.
type hookRecorder struct {
	calls    []CallEnd
	starts   []CallStart
	attempts []AttemptEnd
	numbers  []int
	order    []string
}

type hookKey struct{}

// hooks returns hooks that record under a name and check the contexts that they get.
func (r *hookRecorder) hooks(t *testing.T, name string) Hooks {
	return Hooks{
		Call: func(ctx context.Context, s CallStart) (context.Context, func(CallEnd)) {
			r.starts, r.order = append(r.starts, s), append(r.order, name+" call")
			return context.WithValue(ctx, hookKey{}, "call"), func(e CallEnd) {
				r.calls, r.order = append(r.calls, e), append(r.order, name+" call end")
			}
		},
		Attempt: func(ctx context.Context, s AttemptStart) (context.Context, func(AttemptEnd)) {
			if ctx.Value(hookKey{}) == nil {
				t.Error("the attempt's context is not derived from the call's")
			}
			r.numbers, r.order = append(r.numbers, s.Number), append(r.order, name+" attempt")
			return context.WithValue(ctx, hookKey{}, "attempt"), func(e AttemptEnd) {
				r.attempts, r.order = append(r.attempts, e), append(r.order, name+" attempt end")
			}
		},
	}
}

func TestHooksOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r hookRecorder
		inTransport := func(next step) step {
			return func(req *http.Request) (*http.Response, error) {
				if got := req.Context().Value(hookKey{}); got != "attempt" {
					t.Errorf("the request's context has %v, want the attempt's", got)
				}
				return next(req)
			}
		}
		rt := newScript(
			inTransport(respondError(400, "Throttling.User", "X-Acs-Retry-After", "2000")),
			inTransport(failWith(io.EOF)),
			inTransport(respond(200, `{"RequestId":"req-3","Job":{"JobId":"job-1","Status":1}}`)),
		)
		if err := getJob(t.Context(), clientOver(t, rt, WithHooks(r.hooks(t, "a")))); err != nil {
			t.Fatal(err)
		}
		if want := (CallStart{"GetLiveTranscodeJob", "ice.cn-shanghai.aliyuncs.com", "job-1"}); len(r.starts) != 1 || r.starts[0] != want {
			t.Errorf("the call started as %+v, want %+v", r.starts, want)
		}
		if want := (CallEnd{Attempts: 3, RequestID: "req-3", ResourceID: "job-1"}); len(r.calls) != 1 || r.calls[0] != want {
			t.Errorf("the call ended as %+v, want %+v", r.calls, want)
		}
		if !slices.Equal(r.numbers, []int{1, 2, 3}) {
			t.Errorf("the attempts are %v", r.numbers)
		}
		gaps := rt.gaps(t)
		first, second, third := r.attempts[0], r.attempts[1], r.attempts[2]
		if first.StatusCode != 400 || first.RequestID != "req-1" || !errors.Is(first.Err, ErrThrottled) || !first.Retry || first.Delay != gaps[0] {
			t.Errorf("the first attempt ended as %+v, the gap is %v", first, gaps[0])
		}
		if second.StatusCode != 0 || second.RequestID != "" || !errors.Is(second.Err, ErrUnavailable) || !second.Retry || second.Delay != gaps[1] {
			t.Errorf("the second attempt ended as %+v, the gap is %v", second, gaps[1])
		}
		if want := (AttemptEnd{StatusCode: 200, RequestID: "req-3"}); third != want {
			t.Errorf("the third attempt ended as %+v, want %+v", third, want)
		}
	})
}

func TestHooksOfFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		call  func(context.Context, *Client) error
		steps []step
		opts  []Option
		id    string // the ResourceID at the end
		calls int
		kind  string
		last  AttemptEnd // Err apart
	}{
		"parameter":         {call: func(ctx context.Context, c *Client) error { _, err := c.GetLiveTranscodeJob(ctx, ""); return err }},
		"ambiguous Submit":  {call: submitJob, steps: []step{failWith(io.EOF)}, calls: 1, kind: "ambiguous"},
		"Submit":            {call: submitJob, steps: []step{respond(200, `{"RequestId":"r","JobId":"new"}`)}, calls: 1, id: "new", last: AttemptEnd{StatusCode: 200, RequestID: "r"}},
		"no credentials":    {call: getJob, opts: []Option{WithCredentials(StaticCredentials("", "", ""))}, calls: 1, id: "job-1", kind: "no_credentials"},
		"unusable response": {call: getJob, steps: []step{respond(200, `{"RequestId":"r"}`)}, calls: 1, id: "job-1", kind: "bad_response", last: AttemptEnd{StatusCode: 200, RequestID: "r"}},
		"not found":         {call: getJob, steps: []step{respondError(404, "JobNotFound")}, calls: 1, id: "job-1", kind: "not_found", last: AttemptEnd{StatusCode: 404, RequestID: "req-1"}},
		"response cut off":  {call: getJob, steps: []step{respondThenFail(200, "{", io.ErrUnexpectedEOF)}, opts: []Option{attempts(1)}, calls: 1, id: "job-1", kind: "bad_response", last: AttemptEnd{StatusCode: 200}},
		"wait":              {call: waitUntilStopped, steps: []step{success, respond(200, `{"Job":{"Status":2}}`)}, calls: 2, id: "job-1", last: AttemptEnd{StatusCode: 200}},
		"iterator":          {call: listAll, steps: []step{respond(200, `{"RequestId":"r","TotalCount":0,"JobList":[]}`)}, calls: 1, last: AttemptEnd{StatusCode: 200, RequestID: "r"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var r hookRecorder
				err := tt.call(t.Context(), clientOver(t, newScript(append(tt.steps, success)...), append(tt.opts, WithHooks(r.hooks(t, "a")))...))
				if len(r.calls) != tt.calls || len(r.starts) != tt.calls {
					t.Fatalf("%d calls were observed, want %d; the error is %v", len(r.calls), tt.calls, err)
				}
				if tt.calls == 0 {
					return
				}
				end, last := r.calls[len(r.calls)-1], r.attempts[len(r.attempts)-1]
				if end.ResourceID != tt.id || ErrorKind(end.Err) != tt.kind || ErrorKind(err) != tt.kind {
					t.Errorf("the call ended as %+v", end)
				}
				if last.Err = nil; last != tt.last {
					t.Errorf("the last attempt ended as %+v, want %+v", last, tt.last)
				}
			})
		})
	}
}

// TestCallEndNamesWhatTheErrorNames checks that the end of a call has the request id of its error, also if that is of
// an earlier attempt, and that no text in it is unbounded.
func TestCallEndNamesWhatTheErrorNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	getLong := func(ctx context.Context, c *Client) error {
		_, err := c.GetLiveTranscodeJob(ctx, long)
		return err
	}
	throttled := respondError(400, "Throttling.User", "X-Acs-Retry-After", "1000")
	for name, tt := range map[string]struct {
		call  func(context.Context, *Client) error
		steps []step
		id    string
	}{
		"delay":         {getJob, []step{respondError(400, "Throttling.User", "X-Acs-Retry-After", "20000")}, "req-1"},
		"later attempt": {getJob, []step{throttled, block}, "req-1"},
		"long id":       {getLong, []step{respondError(404, "JobNotFound")}, "req-1"},
		"long new id":   {submitJob, []step{respond(200, `{"RequestId":"r","JobId":"`+long+`"}`)}, "r"},
		"no response":   {getJob, []step{failWith(io.EOF)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				var r hookRecorder
				err := tt.call(ctx, clientOver(t, newScript(tt.steps...), WithHooks(r.hooks(t, "a"))))
				if got := r.calls[0].RequestID; got != tt.id {
					t.Errorf("the request id is %q, want %q; the error is %v", got, tt.id, err)
				}
				if len(r.starts[0].ResourceID) > 256 || len(r.calls[0].ResourceID) > 256 || len(r.calls[0].RequestID) > 256 {
					t.Error("the ids are too long")
				}
			})
		})
	}
}

func waitUntilStopped(ctx context.Context, c *Client) error {
	_, err := c.WaitForStatus(ctx, "job-1", JobStatusStopped)
	return err
}

func listAll(ctx context.Context, c *Client) error {
	for _, err := range c.AllLiveTranscodeJobs(ctx, nil) {
		return err
	}
	return nil
}

func TestHooksAreChained(t *testing.T) {
	t.Parallel()
	var r hookRecorder
	silent := Hooks{
		Call:    func(context.Context, CallStart) (context.Context, func(CallEnd)) { return nil, nil },
		Attempt: func(context.Context, AttemptStart) (context.Context, func(AttemptEnd)) { return nil, nil },
	}
	c := clientOver(t, newScript(success), WithHooks(Hooks{}), WithHooks(r.hooks(t, "a")), WithHooks(silent), WithHooks(r.hooks(t, "b")))
	if err := getJob(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := []string{"a call", "b call", "a attempt", "b attempt", "b attempt end", "a attempt end", "b call end", "a call end"}
	if !slices.Equal(r.order, want) {
		t.Errorf("the hooks ran as %v, want %v", r.order, want)
	}
}

// TestHookErrorsAreNotChanged checks that the error that a hook was given is not changed afterwards: the hook may keep
// it, and use it on another goroutine.
func TestHookErrorsAreNotChanged(t *testing.T) {
	t.Parallel()
	lost := failWith(io.EOF)
	for name, tt := range map[string]struct {
		call  func(context.Context, *Client) error
		steps []step
	}{
		"throttled, then ctx ends":      {getJob, []step{respondError(400, "Throttling.User", "X-Acs-Retry-After", "20000")}},
		"network, then ctx ends":        {getJob, []step{lost, block}},
		"throttled past the deadline":   {getJob, []step{respondError(400, "Throttling.User", "X-Acs-Retry-After", "50000")}},
		"three failures":                {getJob, []step{lost, respondError(503, "ServiceUnavailable")}},
		"ambiguous Submit":              {submitJob, []step{respondError(500, "InternalError")}},
		"ambiguous Submit, no response": {submitJob, []step{lost}},
		"Submit with a part of an id":   {submitJob, []step{respondThenFail(200, `{"JobId":"par`, io.EOF)}},
		"Stop, lost, then refused":      {stopJob, []step{lost, respondError(403, "OperationDenied")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				type seen struct{ err, text, fields string }
				var kept []error
				var were []seen
				inspect := func(err error) seen {
					fields := fmt.Sprintf("%#v", err)
					return seen{fmt.Sprintf("%p", err), fmt.Sprint(err), fields + fmt.Sprint(errors.Is(err, ErrAmbiguous), ErrorKind(err))}
				}
				_ = tt.call(ctx, clientOver(t, newScript(tt.steps...), WithHooks(Hooks{
					Attempt: func(context.Context, AttemptStart) (context.Context, func(AttemptEnd)) {
						return nil, func(e AttemptEnd) { kept, were = append(kept, e.Err), append(were, inspect(e.Err)) }
					},
				})))
				for i, err := range kept {
					if now := inspect(err); now != were[i] {
						t.Errorf("the error of attempt %d was\n%+v and is\n%+v", i+1, were[i], now)
					}
				}
			})
		})
	}
}

// TestHookContexts checks that the end of a context that a hook has derived ends the attempt, or the call, but does not
// read as the end of the caller's context.
func TestHookContexts(t *testing.T) {
	t.Parallel()
	hooks := map[string]func(derive func(context.Context) context.Context) Hooks{
		"attempt": func(derive func(context.Context) context.Context) Hooks {
			return Hooks{Attempt: func(ctx context.Context, _ AttemptStart) (context.Context, func(AttemptEnd)) { return derive(ctx), nil }}
		},
		"call": func(derive func(context.Context) context.Context) Hooks {
			return Hooks{Call: func(ctx context.Context, _ CallStart) (context.Context, func(CallEnd)) { return derive(ctx), nil }}
		},
	}
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	credentials := func(ctx context.Context) (Credentials, error) { return Credentials{}, waits(ctx) }
	for hook, with := range hooks {
		for name, tt := range map[string]struct {
			next step
			opts []Option
			kind error
		}{
			"in the limiter":     {success, []Option{WithLimiter(limiterFunc(waits))}, nil},
			"in the credentials": {success, []Option{WithCredentials(CredentialsFunc(credentials))}, ErrUnavailable},
			"before a response":  {block, nil, ErrUnavailable},
			"in the body":        {respondThenBlock(200, `{"RequestId":`), nil, ErrBadResponse},
			"in an error's body": {respondThenBlock(503, `{"RequestId":`), nil, ErrUnavailable},
			"in the delay":       {respondError(400, "Throttling.User", "X-Acs-Retry-After", "5000"), nil, ErrThrottled},
			"delay too long":     {respondError(400, "Throttling.User", "X-Acs-Retry-After", "65000"), nil, ErrThrottled},
		} {
			for _, cancels := range []bool{false, true} {
				t.Run(fmt.Sprint(hook, " ", name, ", canceled ", cancels), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						c := clientOver(t, newScript(tt.next), append(tt.opts, WithHooks(with(func(ctx context.Context) context.Context {
							if !cancels {
								limited, stop := context.WithTimeout(ctx, time.Second)
								t.Cleanup(stop)
								return limited
							}
							ctx, stop := context.WithCancelCause(ctx)
							time.AfterFunc(time.Second, func() { stop(errors.New("the hook's own")) })
							return ctx
						})))...)
						start := time.Now()
						err := getJob(t.Context(), c)
						if took := time.Since(start); took > 20*time.Second {
							t.Errorf("the call took %v", took)
						}
						wantKind(t, err, tt.kind)
						wantNoContextError(t, err)
						wantOneLine(t, err)
						if strings.Contains(err.Error(), "30s") || strings.Contains(err.Error(), "phase") {
							t.Errorf("the error is %v", err)
						}
						if c.quota.used > 2*timeoutRetryCost {
							t.Errorf("the quota lacks %d", c.quota.used)
						}
					})
				})
			}
		}
	}
}
