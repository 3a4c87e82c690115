package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// TestAttemptsAreSignedSeparately checks that each attempt asks for credentials, and has a nonce and a date of its own.
// The date is that of the signing, however long the provider takes.
func TestAttemptsAreSignedSeparately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 5
		asked := 0
		rt := newScript(respondError(400, "Throttling.User", "X-Acs-Retry-After", "3000"))
		c := clientOver(t, rt, WithRetryPolicy(RetryPolicy{MaxAttempts: n, AttemptTimeout: time.Hour}),
			WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				time.Sleep(16 * time.Minute) // the service accepts dates that differ by 15 minutes
				asked++
				return Credentials{AccessKeyID: fmt.Sprint("id-", asked), AccessKeySecret: "secret", SecurityToken: fmt.Sprint("token-", asked)}, nil
			})))
		getJob(t.Context(), c)
		getJob(t.Context(), c)
		seen := rt.requests(t)
		if len(seen) != 2*n || asked != 2*n {
			t.Fatalf("%d requests were sent and the provider was asked %d times, want %d", len(seen), asked, 2*n)
		}
		nonces, signatures := make(map[string]bool), make(map[string]bool)
		for i, s := range seen {
			nonces[s.header.Get("x-acs-signature-nonce")] = true
			_, signature, _ := strings.Cut(s.header.Get("Authorization"), "Signature=")
			signatures[signature] = true
			if got, want := s.header.Get("x-acs-date"), s.at.UTC().Format("2006-01-02T15:04:05Z"); got != want {
				t.Errorf("attempt %d has the date %s, want %s", i+1, got, want)
			}
			if got, want := s.header.Get("x-acs-security-token"), fmt.Sprint("token-", i+1); got != want {
				t.Errorf("attempt %d has the token %s, want %s", i+1, got, want)
			}
			if want := fmt.Sprintf("Credential=id-%d,", i+1); !strings.Contains(s.header.Get("Authorization"), want) {
				t.Errorf("attempt %d has Authorization %s, want %s", i+1, s.header.Get("Authorization"), want)
			}
			if s.query != seen[0].query {
				t.Errorf("attempt %d has the query %s, the first %s", i+1, s.query, seen[0].query)
			}
		}
		if len(nonces) != 2*n || len(signatures) != 2*n {
			t.Errorf("%d requests have %d nonces and %d signatures", 2*n, len(nonces), len(signatures))
		}
	})
}

// TestNoRedirectIsFollowed checks that redirects are errors: following one would send the signature, and the security
// token, to another host.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"https://elsewhere.example/", "//elsewhere.example/", "/?JobId=again", ""} {
			rt := newScript(respond(status, "moved", "Location", location, "X-Acs-Request-Id", "header-id"), success)
			hc := &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
			err := getJob(t.Context(), clientOver(t, nil, WithHTTPClient(hc)))
			api, ok := errors.AsType[*APIError](err)
			if !ok || !errors.Is(err, ErrBadResponse) || api.StatusCode != status || api.RequestID != "header-id" || api.Attempts != 1 {
				t.Errorf("%d to %q: the error is %#v, want an *APIError that is ErrBadResponse", status, location, err)
			}
			if !strings.Contains(err.Error(), "check the endpoint, ice.cn-shanghai.aliyuncs.com") {
				t.Errorf("%d to %q: the error %q does not say what to check", status, location, err)
			}
			rt.wantRequests(t, 1)
		}
	}
}

// TestTransportsThatBreakTheirContract checks that they cause an error and no panic, and that bodies are closed.
func TestTransportsThatBreakTheirContract(t *testing.T) {
	t.Parallel()
	reading := func(read func([]byte) (int, error)) step {
		return func(req *http.Request) (*http.Response, error) { return responseTo(req, 200, brokenReader(read)), nil }
	}
	for name, next := range map[string]step{
		"neither response nor error": func(*http.Request) (*http.Response, error) { return nil, nil },
		"no body": func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req}, nil
		},
		"nothing but a body": func(*http.Request) (*http.Response, error) {
			return &http.Response{Body: io.NopCloser(strings.NewReader(documentedJob))}, nil
		},
		"response and error": func(req *http.Request) (*http.Response, error) {
			resp, _ := success(req)
			return resp, errors.New("both")
		},
		"response without a body, and error": func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req}, errors.New("both")
		},
		"a body that reads nothing":  reading(func([]byte) (int, error) { return 0, nil }),
		"a body that reads too much": reading(func(p []byte) (int, error) { return 1 << 30, nil }),
		"a body that reads one more": reading(func(p []byte) (int, error) { return len(p) + 1, io.EOF }),
		"a body that reads less":     reading(func([]byte) (int, error) { return -1, nil }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range allOperations {
				rt := newScript(next)
				err := op.call(t.Context(), clientOver(t, rt, attempts(1)))
				wantOneLine(t, err)
				if errors.Is(err, ErrAmbiguous) == op.idempotent {
					t.Errorf("%s: the error is %v", op.name, err)
				}
				rt.wantRequests(t, 1)
			}
		})
	}
}

// A brokenReader is a reader that is given more freedom than io.Reader has.
type brokenReader func([]byte) (int, error)

func (f brokenReader) Read(p []byte) (int, error) { return f(p) }

// TestAttemptTimeout checks that an attempt that takes too long ends and is retried, and that its end does not read as
// that of the caller's context.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next        step
		credentials time.Duration // that they take
		kind        error
		text        string
	}{
		"no response": {block, 0, ErrUnavailable, "no response in 30s"},
		"no response, wrapped": {func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, &url.Error{Op: "Post", URL: "https://h/?KeyWord=secret-value", Err: fmt.Errorf("sending: %w", req.Context().Err())}
		}, 0, ErrUnavailable, "no response in 30s: sending: "},
		"half a body":      {respondThenBlock(200, `{"RequestId":"r","Job":`), 0, ErrBadResponse, "the body did not arrive in time"},
		"fast credentials": {block, time.Millisecond, ErrUnavailable, "no response in 30s"},
		"slow credentials": {block, 29 * time.Second, ErrUnavailable, "no response in 30s"},
		"no credentials":   {success, time.Hour, ErrUnavailable, "no credentials in 30s: fetching"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := func(rt http.RoundTripper, policy RetryPolicy) *Client {
					return clientOver(t, rt, WithRetryPolicy(policy), WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
						if err := sleep(ctx, tt.credentials); err != nil {
							return Credentials{}, fmt.Errorf("fetching: %w", err)
						}
						return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, nil
					})))
				}
				start := time.Now()
				err := getJob(t.Context(), client(tt.next, RetryPolicy{MaxAttempts: 1}))
				if got := time.Since(start); got != 30*time.Second {
					t.Errorf("the attempt ended after %v, want 30s", got)
				}
				wantKind(t, err, tt.kind)
				wantNoContextError(t, err)
				wantOneLine(t, err)
				wantNone(t, err.Error(), "secret-value")
				if !strings.Contains(err.Error(), tt.text) {
					t.Errorf("the error %q lacks %q", err, tt.text)
				}

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start = time.Now()
				err = getJob(ctx, client(tt.next, RetryPolicy{}))
				if got := time.Since(start); got != 5*time.Second {
					t.Errorf("the call ended after %v, want 5s", got)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("the error %q does not read as the caller's deadline", err)
				}
				wantOneLine(t, err)
				if tt.credentials > time.Minute { // TestSlowProvider has the retries
					return
				}

				rt := newScript(tt.next, success)
				start = time.Now()
				if err := getJob(t.Context(), client(rt, RetryPolicy{})); err != nil {
					t.Error(err)
				}
				if got := time.Since(start) - 30*time.Second - tt.credentials; got < 0 || got > 400*time.Millisecond {
					t.Errorf("the delay was %v, want up to 400ms", got)
				}
				rt.wantRequests(t, 2)

				if tt.credentials > time.Second {
					return
				}
				rt = newScript(tt.next)
				start = time.Now()
				wantNoContextError(t, getJob(t.Context(), client(rt, RetryPolicy{AttemptTimeout: 2 * time.Second})))
				if got := time.Since(start) - 3*2*time.Second; got < 0 || got > 1200*time.Millisecond {
					t.Errorf("the delays of three attempts were %v, want up to 1.2s", got)
				}
				rt.wantRequests(t, 3)
			})
		})
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	limited := func(t *testing.T, rt http.RoundTripper, wait limiterFunc) error {
		return getJob(t.Context(), clientOver(t, rt, WithLimiter(wait)))
	}
	t.Run("before every attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			rt := newScript(respondError(500, ""), respondError(400, "SignatureNonceUsed"), success)
			err := limited(t, step(func(req *http.Request) (*http.Response, error) {
				if sent := len(rt.requests(t)); asked != sent+1 {
					t.Errorf("before request %d the limiter was asked %d times", sent+1, asked)
				}
				return rt.RoundTrip(req)
			}), func(context.Context) error { asked++; return nil })
			if err != nil || asked != 3 {
				t.Errorf("the limiter was asked %d times, want 3; the error is %v", asked, err)
			}
		})
	})
	t.Run("its error ends the call", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			enough := errors.New("enough")
			rt := newScript(success)
			err := limited(t, rt, func(context.Context) error { return enough })
			if call, ok := errors.AsType[*CallError](err); !ok || !errors.Is(err, enough) || call.Attempts != 0 || errors.Is(err, ErrUnavailable) {
				t.Errorf("the error is %#v", err)
			}
			rt.wantRequests(t, 0)

			rt = newScript(respondError(503, "ServiceUnavailable"))
			err = limited(t, rt, func(context.Context) error {
				if len(rt.requests(t)) > 0 {
					return enough
				}
				return nil
			})
			if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, enough) || !errors.Is(err, ErrUnavailable) || api.Attempts != 1 {
				t.Errorf("the error is %#v", err)
			}
			rt.wantRequests(t, 1)
		})
	})
	t.Run("of x/time/rate", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := clientOver(t, newScript(success), WithLimiter(rate.NewLimiter(2, 1)))
			start := time.Now()
			for range 5 {
				if err := getJob(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
			if got := time.Since(start); got != 2*time.Second {
				t.Errorf("5 calls at 2 a second took %v, want 2s", got)
			}
		})
	})
	t.Run("its own deadline is not the caller's", func(t *testing.T) {
		t.Parallel()
		for _, own := range []error{context.DeadlineExceeded, errors.New("the burst would exceed context deadline")} {
			err := limited(t, newScript(success), func(context.Context) error { return own })
			wantOneLine(t, err)
			wantNoContextError(t, err)
		}
	})
	t.Run("a hook's deadline is not the caller's", func(t *testing.T) {
		t.Parallel()
		limiter := rate.NewLimiter(rate.Every(time.Hour), 1)
		limiter.Allow()
		hook := func(ctx context.Context, _ AttemptStart) (context.Context, func(AttemptEnd)) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			return ctx, func(AttemptEnd) { cancel() }
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		err := getJob(ctx, clientOver(t, newScript(success), WithLimiter(limiter), WithHooks(Hooks{Attempt: hook})))
		wantOneLine(t, err)
		wantNoContextError(t, err)
	})
	t.Run("that does not wait past the caller's deadline", func(t *testing.T) {
		t.Parallel()
		limiter := rate.NewLimiter(rate.Every(time.Hour), 1)
		limiter.Allow()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		rt := newScript(success)
		err := getJob(ctx, clientOver(t, rt, WithLimiter(limiter)))
		if !errors.Is(err, context.DeadlineExceeded) || ErrorKind(err) != "deadline_exceeded" {
			t.Errorf("the error is %v, want context.DeadlineExceeded", err)
		}
		rt.wantRequests(t, 0)
	})
}
