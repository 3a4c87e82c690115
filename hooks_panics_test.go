package livetranscode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

// TestHooksOfPanics checks that the ends of hooks are called, and that the quota of a retry is given back, if user code
// panics or ends its goroutine.
func TestHooksOfPanics(t *testing.T) {
	t.Parallel()
	for way, crash := range map[string]func(){"panic": func() { panic("surprise") }, "Goexit": runtime.Goexit} {
		crashAt := func(n int) func() {
			return func() {
				if n--; n == 0 {
					crash()
				}
			}
		}
		for name, opts := range map[string]func(at func()) []Option{
			"limiter": func(at func()) []Option {
				return []Option{WithLimiter(limiterFunc(func(context.Context) error { at(); return nil }))}
			},
			"provider": func(at func()) []Option {
				return []Option{WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
					at()
					return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, nil
				}))}
			},
			"transport": func(at func()) []Option {
				return []Option{WithHTTPClient(&http.Client{Transport: step(func(req *http.Request) (*http.Response, error) {
					at()
					return respondError(503, "ServiceUnavailable")(req)
				})})}
			},
			"body": func(at func()) []Option {
				return []Option{WithHTTPClient(&http.Client{Transport: step(func(req *http.Request) (*http.Response, error) {
					return responseTo(req, 503, readerFunc(func() error { at(); return io.EOF })), nil
				})})}
			},
			"inner Attempt hook": func(at func()) []Option {
				return []Option{WithHooks(Hooks{Attempt: func(context.Context, AttemptStart) (context.Context, func(AttemptEnd)) { at(); return nil, nil }})}
			},
			"end of the inner Attempt hook": func(at func()) []Option {
				return []Option{WithHooks(Hooks{Attempt: func(context.Context, AttemptStart) (context.Context, func(AttemptEnd)) {
					return nil, func(AttemptEnd) { at() }
				}})}
			},
			"inner Call hook": func(at func()) []Option {
				return []Option{WithHooks(Hooks{Call: func(context.Context, CallStart) (context.Context, func(CallEnd)) { at(); return nil, nil }})}
			},
			"end of the inner Call hook": func(at func()) []Option {
				return []Option{WithHooks(Hooks{Call: func(context.Context, CallStart) (context.Context, func(CallEnd)) {
					return nil, func(CallEnd) { at() }
				}})}
			},
		} {
			for n := range 2 {
				if n++; n > 1 && strings.Contains(name, "Call") {
					continue
				}
				t.Run(fmt.Sprint(way, " ", name, " ", n), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						var r hookRecorder
						rt := newScript(respondError(503, "ServiceUnavailable"))
						c := clientOver(t, rt, append([]Option{WithHooks(r.hooks(t, "outer"))}, opts(crashAt(n))...)...)
						done := make(chan struct{})
						go func() {
							defer close(done)
							defer func() { _ = recover() }()
							getJob(t.Context(), c)
							t.Error("nothing has crashed")
						}()
						<-done
						if len(r.starts) != 1 || len(r.calls) != 1 || len(r.numbers) != len(r.attempts) {
							t.Errorf("the hooks ran as %v", r.order)
						}
						if len(r.calls) > 0 && r.calls[0].Err == nil {
							t.Error("the call ended without an error")
						}
						for _, end := range r.attempts {
							if end.Err == nil {
								t.Error("an attempt ended without an error")
							}
						}
						cost := 0
						if strings.HasPrefix(name, "end of") { // the retries before were sent
							cost = retryCost * (len(rt.requests(t)) - 1)
						}
						if c.quota.used != cost {
							t.Errorf("the quota lacks %d, want %d", c.quota.used, cost)
						}
					})
				})
			}
		}
	}
}
