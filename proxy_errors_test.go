package livetranscode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const proxiedEndpoint = "https://ice.cn-shanghai.aliyuncs.com"

// TestTextsOfProxies checks that a proxy that refuses in words of its own is recognized, also through a transport of
// the caller's, and that the same words are no proxy's without one.
func TestTextsOfProxies(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t, "ice.cn-shanghai.aliyuncs.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	backend := newTLSBackend(t, certificate)
	for line, kind := range map[string]error{
		"503 Service Temporarily Unavailable": ErrUnavailable,
		"504 Gateway Time-out":                ErrUnavailable,
		"408 Request Time-out":                ErrUnavailable,
		"503 No server is available":          ErrUnavailable,
		"503":                                 ErrUnavailable,
		"503 ":                                ErrUnavailable,
		"599 Whatever":                        ErrUnavailable,
		"407 authenticationrequired":          ErrBadEndpoint,
		"403 Filtered by policy":              ErrBadEndpoint,
		"302 Moved Temporarily":               ErrBadEndpoint,
	} {
		for _, owner := range []string{"own", "caller's"} {
			for op, call := range map[string]func(context.Context, *Client) error{"Get": getJob, "Submit": submitJob} {
				t.Run(line+"/"+owner+"/"+op, func(t *testing.T) {
					t.Parallel()
					refusal := &connectReply{raw: "HTTP/1.1 " + line + "\r\nContent-Length: 0\r\n\r\n", then: closeConn}
					var recovered atomic.Bool
					proxy := newConnectProxy(t, backend, func(n int) *connectReply {
						if recovered.Load() && n >= 4 {
							return nil
						}
						return refusal
					})
					c := networkClient(t, proxiedEndpoint, proxied(proxy.url, roots)[owner])
					err := call(t.Context(), c)
					if err == nil {
						t.Fatal("there is no error")
					}
					wantKind(t, err, kind)
					wantOneLine(t, err)
					if errors.Is(err, ErrAmbiguous) {
						t.Errorf("the error is %v", err)
					}
					if want := "the proxy " + proxy.addr + " refused to connect: " + line[:3]; !strings.Contains(err.Error(), want) {
						t.Errorf("the error %q lacks %q", err, want)
					}
					if recovered.Store(true); kind == ErrUnavailable { //nolint:errorlint // the kinds themselves are compared
						if err := call(t.Context(), c); err != nil {
							t.Errorf("the proxy recovers, the call does not: %v", err)
						}
					}
				})
			}
		}
	}
	noProxy := func(*http.Request) (*url.URL, error) { return nil, nil }
	for _, proxy := range []func(*http.Request) (*url.URL, error){nil, noProxy} {
		transport := &http.Transport{Proxy: proxy, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("Forbidden")
		}}
		err := getJob(t.Context(), networkClient(t, proxiedEndpoint, transport))
		if errors.Is(err, ErrBadEndpoint) || strings.Contains(err.Error(), "proxy") {
			t.Errorf("without a proxy the error is %v", err)
		}
	}
}

// TestCallersProxyHook checks that a caller's hook for the response of a proxy is called, and that its errors are kept.
func TestCallersProxyHook(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t, "ice.cn-shanghai.aliyuncs.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	backend := newTLSBackend(t, certificate)
	own := errors.New("the caller's own")
	for name, tt := range map[string]struct {
		reply *connectReply
		hook  error
		kind  error
		texts []string
	}{
		"refused":                 {refuseConnect(403), nil, ErrBadEndpoint, []string{"403 Forbidden"}},
		"refused, with an error":  {refuseConnect(403), own, ErrBadEndpoint, []string{"403 Forbidden", own.Error()}},
		"accepted":                {nil, nil, nil, nil},
		"accepted, with an error": {nil, own, ErrUnavailable, []string{own.Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := newConnectProxy(t, backend, func(int) *connectReply { return tt.reply })
			transport := proxied(proxy.url, roots)["caller's"]
			var called atomic.Int32
			transport.OnProxyConnectResponse = func(context.Context, *url.URL, *http.Request, *http.Response) error {
				called.Add(1)
				return tt.hook
			}
			err := submitJob(t.Context(), networkClient(t, proxiedEndpoint, transport))
			if called.Load() != 1 {
				t.Errorf("the hook was called %d times", called.Load())
			}
			if tt.kind == nil && err == nil {
				return
			}
			if err == nil {
				t.Fatal("there is no error")
			}
			wantKind(t, err, tt.kind)
			if errors.Is(err, ErrAmbiguous) || tt.hook != nil && !errors.Is(err, tt.hook) {
				t.Errorf("the error is %v", err)
			}
			for _, text := range tt.texts {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error %q lacks %q", err, text)
				}
			}
		})
	}
}
