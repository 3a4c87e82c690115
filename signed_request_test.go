package livetranscode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestMiddlewareSendsOnce checks that a wrapper that retries by itself sends each request once, and that the first
// result decides: whether a Submit is ambiguous, and whether the client retries.
func TestMiddlewareSendsOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first     step
		get       int  // requests of a Get that succeeds at the second
		ambiguous bool // a Submit
		text      string
	}{
		"reset":       {written(failWith(syscall.ECONNRESET)), 2, true, "may send a request only once; the first result was: connection reset"},
		"not written": {unwritten(failWith(syscall.ECONNRESET)), 2, false, ""},
		"unknown":     {failWith(errors.New("something else")), 1, true, "something else"},
		"502":         {written(respond(502, "")), 1, true, "a response of status 502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			retrying := wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err == nil && resp.StatusCode < 500 {
					return resp, nil
				}
				if err == nil {
					resp.Body.Close()
				}
				return next.RoundTrip(req)
			})
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.first, success)
				if err := getJob(t.Context(), clientOver(t, rt, retrying)); (err == nil) != (tt.get == 2) {
					t.Errorf("Get: %v", err)
				}
				rt.wantRequests(t, tt.get)

				rt = newScript(tt.first, respond(200, networkSuccess))
				err := submitJob(t.Context(), clientOver(t, rt, retrying))
				if errors.Is(err, ErrAmbiguous) != tt.ambiguous || tt.ambiguous == (err == nil) {
					t.Errorf("Submit: %v", err)
				}
				if err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("the error %q lacks %q", err, tt.text)
				}
				if n := len(rt.requests(t)); tt.ambiguous && n != 1 {
					t.Errorf("%d Submits were sent", n)
				}
			})
		})
	}
}

// TestMiddlewareReturnsEarly checks wrappers that return before next does, or call it afterwards.
func TestMiddlewareReturnsEarly(t *testing.T) {
	t.Parallel()
	t.Run("in flight", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, first := range []step{unwritten(block), written(block), block} {
				rt := newScript(first, success)
				err := submitJob(t.Context(), clientOver(t, rt, wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
					go next.RoundTrip(req)
					time.Sleep(time.Second)
					return nil, errors.New("too slow")
				})))
				if !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "too slow") {
					t.Errorf("the error is %v", err)
				}
				synctest.Wait()
				rt.wantRequests(t, 1)
			}
		})
	})
	t.Run("sent after a panic", func(t *testing.T) {
		t.Parallel()
		rt := newScript(success)
		var late func() error
		c := clientOver(t, rt, wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req = req.WithContext(context.WithoutCancel(req.Context()))
			late = func() error {
				_, err := next.RoundTrip(req) //nolint:bodyclose // there is none
				return err
			}
			panic("wrapper")
		}))
		func() {
			defer func() { _ = recover() }()
			_ = submitJob(t.Context(), c)
		}()
		if err := late(); err == nil {
			t.Error("the request was sent after the call had ended")
		}
		rt.wantRequests(t, 0)
	})
	t.Run("sent afterwards", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(success)
			var late error
			err := submitJob(t.Context(), clientOver(t, rt, wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
				req = req.WithContext(context.WithoutCancel(req.Context()))
				time.AfterFunc(time.Second, func() { _, late = next.RoundTrip(req) }) //nolint:bodyclose // there is none
				return nil, errors.New("too busy")
			})))
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if err == nil || errors.Is(err, ErrAmbiguous) || late == nil {
				t.Errorf("the error is %v, that of next %v", err, late)
			}
			rt.wantRequests(t, 0)
		})
	})
}

// TestMiddlewareHedges checks that of concurrent calls of next, the ones that do not send the request return after the
// one that does, or when their context ends.
func TestMiddlewareHedges(t *testing.T) {
	t.Parallel()
	slowly := func(next step) step {
		return func(req *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return next(req)
		}
	}
	for name, tt := range map[string]struct {
		first      step
		timeout    time.Duration // of the second call, which begins after 1 s
		returns    time.Duration // the second call, after the first began
		text       string        // of its error
		wantSubmit error
	}{
		"success":       {slowly(respond(200, networkSuccess)), time.Minute, 2 * time.Second, "a response of status 200", nil},
		"fast":          {respond(200, networkSuccess), time.Minute, time.Second, "a response of status 200", nil},
		"error":         {slowly(written(failWith(syscall.ECONNRESET))), time.Minute, 2 * time.Second, "connection reset", ErrAmbiguous},
		"context ends":  {slowly(respond(200, networkSuccess)), time.Second / 2, 3 * time.Second / 2, "still in flight", nil},
		"never written": {slowly(unwritten(failWith(errors.New("no route")))), time.Minute, 2 * time.Second, "no route", ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.first)
				err := submitJob(t.Context(), clientOver(t, rt, wrapWith(func(next http.RoundTripper, req *http.Request) (resp *http.Response, err error) {
					start := time.Now()
					var calls sync.WaitGroup
					calls.Go(func() { resp, err = next.RoundTrip(req) }) //nolint:bodyclose // the client closes it
					calls.Go(func() {
						time.Sleep(time.Second)
						ctx, cancel := context.WithTimeout(req.Context(), tt.timeout)
						defer cancel()
						_, resent := next.RoundTrip(req.WithContext(ctx)) //nolint:bodyclose // there is none
						if resent == nil || !strings.Contains(resent.Error(), tt.text) {
							t.Errorf("the second error is %v, want %q", resent, tt.text)
						}
						if took := time.Since(start); took != tt.returns {
							t.Errorf("the second call returned after %v, want %v", took, tt.returns)
						}
					})
					calls.Wait()
					return resp, err
				})))
				if !errors.Is(err, tt.wantSubmit) || errors.Is(err, ErrAmbiguous) != errors.Is(tt.wantSubmit, ErrAmbiguous) {
					t.Errorf("Submit: %v, want %v", err, tt.wantSubmit)
				}
				rt.wantRequests(t, 1)
			})
		})
	}
}

// TestMiddlewareReplacesTheResult checks that whether a request may have been executed follows from the result of next,
// whatever a wrapper makes of it: a Submit is sent twice only if the first certainly was not executed.
func TestMiddlewareReplacesTheResult(t *testing.T) {
	t.Parallel()
	created := respond(200, networkSuccess)
	reset := failWith(&net.OpError{Op: "read", Err: syscall.ECONNRESET})
	refused := failWith(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for name, tt := range map[string]struct {
		first       step // then created
		replacement step
		submits     int // 2 if it is retried
		ambiguous   bool
	}{
		"success, 429":                    {written(created), respond(429, ""), 1, true},
		"success, 429 with a delay":       {written(created), respond(429, "", "Retry-After", "1"), 1, true},
		"success, 503":                    {written(created), respond(503, ""), 1, true},
		"success, 413":                    {written(created), respond(413, ""), 1, true},
		"success, throttling code":        {written(created), respondError(503, "Throttling.User"), 1, true},
		"success, refusal":                {written(created), respondError(403, "Forbidden"), 1, true},
		"success, no status":              {written(created), respond(0, ""), 1, true},
		"success, no result":              {written(created), func(*http.Request) (*http.Response, error) { return nil, nil }, 1, true},
		"success, refused connection":     {written(created), refused, 1, true},
		"success, refused stream":         {written(created), failWith(errors.New("stream error: stream ID 1; REFUSED_STREAM")), 1, true},
		"success untraced, 429":           {created, respond(429, ""), 1, true},
		"success untraced, refused":       {created, refused, 1, true},
		"reset, 429":                      {written(reset), respond(429, ""), 1, true},
		"reset untraced, 429":             {reset, respond(429, ""), 1, true},
		"reset untraced, refused":         {reset, refused, 1, true},
		"502, 429":                        {written(respond(502, "")), respond(429, ""), 1, true},
		"no result, 429":                  {written(func(*http.Request) (*http.Response, error) { return nil, nil }), respond(429, ""), 1, true},
		"panic, 429":                      {written(func(*http.Request) (*http.Response, error) { panic("transport") }), respond(429, ""), 1, true},
		"never written, 502":              {unwritten(reset), respond(502, ""), 2, false},
		"never written, reset":            {unwritten(reset), reset, 2, false},
		"refused untraced, 502":           {refused, respond(502, ""), 2, false},
		"429, 503":                        {written(respond(429, "")), respond(503, ""), 2, false},
		"429, reset":                      {written(respond(429, "")), reset, 2, false},
		"429, another 429":                {written(respond(429, "")), respond(429, ""), 2, false},
		"refusal, copy":                   {written(respondError(403, "Forbidden")), respondError(403, "Forbidden"), 1, false},
		"503, copy":                       {written(respond(503, "")), respond(503, ""), 1, true},
		"throttling with 503, copy":       {written(respondError(503, "Throttling.User")), respondError(503, "Throttling.User"), 2, false},
		"success, copy without the id":    {written(created), respond(200, "{}"), 1, true},
		"success, status changed to 4xx":  {written(created), changeStatus(429), 1, true},
		"refusal, status changed to 5xx":  {written(respond(429, "")), changeStatus(503), 2, false},
		"failure, status changed to 4xx":  {written(respond(500, "")), changeStatus(429), 1, true},
		"success, status is not changed":  {written(created), changeStatus(200), 1, false},
		"throttling, status is the same":  {written(respondError(503, "Throttling.User")), changeStatus(503), 2, false},
		"unavailable, status is the same": {written(respond(503, "")), changeStatus(503), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.first, created)
				replaced := false
				err := submitJob(t.Context(), clientOver(t, rt, wrapWith(func(next http.RoundTripper, req *http.Request) (resp *http.Response, err error) {
					if replaced {
						return next.RoundTrip(req)
					}
					replaced = true
					func() {
						defer func() { _ = recover() }()
						resp, err = next.RoundTrip(req) //nolint:bodyclose // the client closes it
					}()
					return replace(tt.replacement, req, resp)
				})))
				if errors.Is(err, ErrAmbiguous) != tt.ambiguous || tt.submits == 2 && err != nil {
					t.Errorf("Submit: %v", err)
				}
				rt.wantRequests(t, tt.submits)
			})
		})
	}
}

// changeStatus changes the status of the response that is the Response of the request.
func changeStatus(status int) step {
	return func(req *http.Request) (*http.Response, error) {
		req.Response.StatusCode = status
		return req.Response, nil
	}
}

// replace closes resp and returns what another step returns, or what it makes of resp.
func replace(by step, req *http.Request, resp *http.Response) (*http.Response, error) {
	seen := *req
	seen.Response = resp
	replacement, err := by(&seen)
	if resp != nil && replacement != resp {
		resp.Body.Close()
	}
	return replacement, err
}

// TestMiddlewareHidesADelete checks that a Delete whose success a wrapper hides is one when the retry does not find the
// job.
func TestMiddlewareHidesADelete(t *testing.T) {
	t.Parallel()
	for name, replacement := range map[string]step{"429": respond(429, ""), "refused connection": failWith(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(respond(200, `{"RequestId":"r"}`), respondError(404, "JobNotFound"))
				hidden := false
				c := clientOver(t, rt, wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
					resp, err := next.RoundTrip(req)
					if hidden || err != nil {
						return resp, err
					}
					hidden = true
					return replace(replacement, req, resp)
				}))
				if _, err := c.DeleteLiveTranscodeJob(t.Context(), "job-1"); err != nil {
					t.Errorf("Delete: %v", err)
				}
			})
		})
	}
}

// TestMiddlewareDoesNotSend checks that a request that a wrapper does not send, or sends with a context that has ended,
// was not executed.
func TestMiddlewareDoesNotSend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wrapper  func(next http.RoundTripper, req *http.Request) (*http.Response, error)
		attempts int
	}{
		"error":     {func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, errors.New("open circuit") }, 1},
		"no result": {func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, nil }, 1},
		"response":  {func(_ http.RoundTripper, req *http.Request) (*http.Response, error) { return respond(503, "")(req) }, 3},
		"cut off": {func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
			return respondThenFail(200, "{", syscall.ECONNRESET)(req)
		}, 3},
		"empty": {func(_ http.RoundTripper, req *http.Request) (*http.Response, error) { return respond(200, "")(req) }, 1},
		"ended context": {func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithTimeout(req.Context(), -1)
			defer cancel()
			return next.RoundTrip(req.WithContext(ctx))
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(success)
				err := submitJob(t.Context(), clientOver(t, rt, wrapWith(tt.wrapper)))
				if err == nil || errors.Is(err, ErrAmbiguous) {
					t.Errorf("the error is %v", err)
				}
				got := 0
				if call, ok := errors.AsType[*CallError](err); ok {
					got = call.Attempts
				} else if api, ok := errors.AsType[*APIError](err); ok {
					got = api.Attempts
				}
				if got != tt.attempts {
					t.Errorf("%d attempts, want %d", got, tt.attempts)
				}
				rt.wantRequests(t, 0)
			})
		})
	}
}
