package livetranscode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	var order []string
	wrap := func(name string) Option {
		return WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return step(func(req *http.Request) (*http.Response, error) {
				order = append(order, name)
				all := fmt.Sprint(req.URL, req.Header, req.Host)
				wantNone(t, all, testSecret, testToken, "streamkey", "Signature=", "domain")
				if query := req.URL.Query(); query.Get("Name") != "redacted" || req.Header.Get("X-Acs-Action") != "SubmitLiveTranscodeJob" {
					t.Errorf("the middleware sees %s", all)
				}
				req = req.Clone(context.WithValue(req.Context(), hookKey{}, name))
				req.Header.Set("Traceparent-"+name, "00")
				return next.RoundTrip(req)
			})
		})
	}
	rt := newScript(respond(200, `{"RequestId":"r","JobId":"j"}`))
	c := clientOver(t, rt, WithMiddleware(nil), wrap("a"), wrap("b"), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
	if err := submitJob(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"a", "b"}) {
		t.Errorf("the middlewares ran as %v", order)
	}
	sent := rt.requests(t)[0]
	if !strings.Contains(sent.query, "streamkey") || sent.header.Get("X-Acs-Security-Token") != testToken ||
		!strings.Contains(sent.header.Get("Authorization"), "Signature=") || sent.header.Get("Traceparent-A") != "00" || sent.header.Get("Traceparent-B") != "00" {
		t.Errorf("sent were %s and %v", sent.query, sent.header)
	}
}

func TestMiddlewareMustDeriveTheContext(t *testing.T) {
	t.Parallel()
	rt := newScript(success)
	err := getJob(t.Context(), clientOver(t, rt, WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return step(func(req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(context.Background()))
		})
	})))
	if err == nil || !strings.Contains(err.Error(), "context") {
		t.Errorf("the error is %v", err)
	}
	rt.wantRequests(t, 0)
}

// TestMiddlewareKeepsFreshConnections checks that a Submit goes out on a new connection through a middleware too.
func TestMiddlewareKeepsFreshConnections(t *testing.T) {
	t.Parallel()
	w := newRawServer(t, func(int, string) (string, connectionEnd) { return rawResponse(200, networkSuccess), keepOpen })
	c := w.client(t, WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }))
	for range 3 {
		if err := submitJob(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if _, conns := w.seen(); conns != 3 {
		t.Errorf("3 Submits went out on %d connections", conns)
	}
}

// wrapWith is a middleware of one function.
func wrapWith(roundTrip func(next http.RoundTripper, req *http.Request) (*http.Response, error)) Option {
	return WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return step(func(req *http.Request) (*http.Response, error) { return roundTrip(next, req) })
	})
}

func TestMiddlewareIsNil(t *testing.T) {
	t.Parallel()
	for name, rt := range map[string]http.RoundTripper{"nil": nil, "nil pointer": (*http.Transport)(nil), "nil function": step(nil)} {
		_, err := NewClient(WithMiddleware(func(http.RoundTripper) http.RoundTripper { return rt }))
		if invalid, ok := errors.AsType[*ParamError](err); !ok || invalid.Operation != "WithMiddleware" || invalid.Field != "wrap" {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

// TestMiddlewareSeesNoSecrets checks everything that leads back from next to the real request.
func TestMiddlewareSeesNoSecrets(t *testing.T) {
	t.Parallel()
	server := newHTTP2Server(t, func(n int) http2Reply {
		if n%2 == 0 {
			return http2Respond(200, networkSuccess)
		}
		return http2Respond(400, errorBodyJSON("InvalidParameter", "m"))
	})
	raw := newRawServer(t, always(rawResponse(200, networkSuccess), keepOpen))
	unreachable := step(func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: fmt.Errorf("with the token %s: %w", testToken, syscall.ECONNREFUSED)}
	})
	for name, tt := range map[string]struct {
		url string
		rt  http.RoundTripper
	}{
		"HTTP/1.1": {raw.url, newTransport()}, "HTTP/2": {server.url, server.transport(t)}, "error": {"localhost", unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var seen []string
			note := func(what ...any) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprint(what...))
			}
			c := clientOver(t, tt.rt, WithEndpoint(tt.url), attempts(1), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)),
				wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
					req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
						WroteHeaderField: func(name string, values []string) { note(name, values) },
					}))
					resp, err := next.RoundTrip(req)
					if err != nil {
						note(err, fmt.Sprintf("%+v", err))
						if address := (*url.Error)(nil); errors.As(err, &address) || !errors.Is(err, syscall.ECONNREFUSED) {
							t.Errorf("the error is %v", err)
						}
						return nil, err
					}
					if resp.Request != req {
						t.Error("the request of the response is another one")
					}
					note(resp.Request.URL, resp.Request.Header)
					return resp, nil
				}))
			t.Cleanup(c.CloseIdleConnections)
			_ = submitJob(t.Context(), c)
			_ = getJob(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			text := strings.Join(seen, "\n")
			wantNone(t, text, testSecret, testToken, "streamkey", "Signature=", "job-1")
			if name != "error" && !strings.Contains(strings.ToLower(text), "x-acs-action") {
				t.Errorf("the trace was told nothing: %s", text)
			}
		})
	}
}

// TestMiddlewareChangesTheRequest checks that of what a wrapper changes only the context and additional headers count.
func TestMiddlewareChangesTheRequest(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*http.Request){
		"no headers": func(req *http.Request) { req.Header = nil },
		"host":       func(req *http.Request) { req.Host = "elsewhere.example" },
		"URL": func(req *http.Request) {
			req.URL = &url.URL{Scheme: "https", Host: "elsewhere.example", RawQuery: "a=b"}
		},
		"method": func(req *http.Request) { req.Method = http.MethodGet },
		"body": func(req *http.Request) {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader("body")), 4
		},
		"own headers": func(req *http.Request) {
			for name := range req.Header {
				req.Header[name] = []string{"changed"}
			}
			req.Header["x-acs-more"] = []string{"unsigned"}
			req.Header.Set("X-Acs-More", "unsigned")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var plain, changed string
			record := func(text *string) http.RoundTripper {
				return step(func(req *http.Request) (*http.Response, error) {
					for _, name := range []string{"Authorization", "x-acs-signature-nonce", "x-acs-date"} {
						if values := req.Header[http.CanonicalHeaderKey(name)]; len(values) != 1 || values[0] == "changed" {
							t.Errorf("%s is %q", name, values)
						}
						req.Header.Del(name)
					}
					var b bytes.Buffer
					if err := req.Clone(t.Context()).Write(&b); err != nil {
						t.Error(err)
					}
					*text = b.String()
					return success(req)
				})
			}
			if err := getJob(t.Context(), clientOver(t, record(&plain))); err != nil {
				t.Fatal(err)
			}
			c := clientOver(t, record(&changed), wrapWith(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
				change(req)
				return next.RoundTrip(req)
			}))
			if err := getJob(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if plain != changed {
				t.Errorf("the request was\n%s\nand not\n%s", changed, plain)
			}
		})
	}
}
