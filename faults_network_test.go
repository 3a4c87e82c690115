package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The faults of HTTP/2 and of proxies, on real connections. They span transport.go, attempt.go and retry.go.

const networkSuccess = `{"RequestId":"r","JobId":"j","Job":{"JobId":"j","Status":1}}`

// networkClient returns a client that sends through rt without long delays.
func networkClient(t *testing.T, address string, rt http.RoundTripper) *Client {
	t.Helper()
	c := clientOver(t, rt, WithEndpoint(address), WithRetryPolicy(RetryPolicy{BaseDelay: 1, AttemptTimeout: 5 * time.Second}))
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// TestHTTP2Faults checks that what is retried with HTTP/1.1 is retried with HTTP/2, and that a Submit is not.
func TestHTTP2Faults(t *testing.T) {
	t.Parallel()
	type row struct {
		fault     http2Reply
		ambiguous bool // for a Submit
	}
	tests := map[string]row{
		"connection closed":          {http2Lose(closeConn), true},
		"connection reset":           {http2Lose(resetConn), true},
		"reset, refused":             {http2Reset(7), false},
		"connection closed in body":  {http2RespondThen(`{"RequestId":`, http2Lose(closeConn)), true},
		"connection reset in body":   {http2RespondThen(`{"RequestId":`, http2Lose(resetConn)), true},
		"id, then reset":             {http2RespondThen(networkSuccess, http2Reset(2)), false},
		"id, then GOAWAY":            {http2RespondThen(networkSuccess, http2GoAway(2, true)), false},
		"503":                        {http2Respond(503, ""), true},
		"408":                        {http2Respond(408, ""), true},
		"throttled":                  {http2Respond(400, errorBodyJSON("Throttling", "m"), "x-acs-retry-after", "1"), false},
		"connection lost without it": {http2GoAway(11, true), true},
	}
	for code := range uint32(14) {
		if code != 7 {
			tests[fmt.Sprint("reset ", code)] = row{http2Reset(code), true}
			tests[fmt.Sprint("reset in body ", code)] = row{http2RespondThen(`{"RequestId":`, http2Reset(code)), true}
		}
		tests[fmt.Sprint("GOAWAY ", code)] = row{http2GoAway(code, true), true}
		tests[fmt.Sprint("GOAWAY, not processed ", code)] = row{http2GoAway(code, false), false}
		tests[fmt.Sprint("GOAWAY in body ", code)] = row{http2RespondThen(`{"RequestId":`, http2GoAway(code, true)), true}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newHTTP2Server(t, func(n int) http2Reply {
				if n%2 == 0 { // each call meets the fault first
					return tt.fault
				}
				return http2Respond(200, networkSuccess)
			})
			c := networkClient(t, server.url, server.transport(t))
			if err := getJob(t.Context(), c); err != nil {
				t.Errorf("Get: %v", err)
			}
			server = newHTTP2Server(t, func(n int) http2Reply {
				if n == 0 {
					return tt.fault
				}
				return http2Respond(200, networkSuccess)
			})
			c = networkClient(t, server.url, server.transport(t))
			err := submitJob(t.Context(), c)
			if errors.Is(err, ErrAmbiguous) != tt.ambiguous || !tt.ambiguous && err != nil {
				t.Errorf("Submit: %v, want an ambiguous error: %t", err, tt.ambiguous)
			}
		})
	}
}

// proxied returns the client's own transport and a caller's, both through a proxy.
func proxied(proxy *url.URL, roots *x509.CertPool) map[string]*http.Transport {
	transports := map[string]*http.Transport{"own": newTransport(), "caller's": http.DefaultTransport.(*http.Transport).Clone()}
	for _, rt := range transports {
		rt.Proxy = http.ProxyURL(proxy)
		rt.TLSClientConfig.RootCAs = roots
	}
	return transports
}

// TestProxyFaults checks what a client does when a proxy fails before anything reaches the service.
func TestProxyFaults(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t, "ice.cn-shanghai.aliyuncs.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	backend := newTLSBackend(t, certificate)
	type row struct {
		reply *connectReply
		kind  error // of the call if the proxy always fails
		text  string
	}
	tests := map[string]row{"closed": {&connectReply{then: closeConn}, ErrUnavailable, ""}, "reset": {&connectReply{then: resetConn}, ErrUnavailable, ""}}
	for status, kind := range map[int]error{
		500: ErrUnavailable, 502: ErrUnavailable, 503: ErrUnavailable, 504: ErrUnavailable, 429: ErrUnavailable,
		403: ErrBadEndpoint, 407: ErrBadEndpoint, 404: ErrBadEndpoint, 302: ErrBadEndpoint,
	} {
		tests[fmt.Sprint(status)] = row{refuseConnect(status), kind, fmt.Sprintf("refused to connect: %d %s", status, http.StatusText(status))}
	}
	for name, tt := range tests {
		for _, owner := range []string{"own", "caller's"} {
			for _, op := range []string{"Get", "Submit"} {
				t.Run(name+"/"+owner+"/"+op, func(t *testing.T) {
					t.Parallel()
					call := getJob
					if op == "Submit" {
						call = submitJob
					}
					var recovers atomic.Bool
					proxy := newConnectProxy(t, backend, func(n int) *connectReply {
						if recovers.Load() && n%2 == 1 {
							return nil
						}
						return tt.reply
					})
					c := networkClient(t, "https://ice.cn-shanghai.aliyuncs.com", proxied(proxy.url, roots)[owner])
					err := call(t.Context(), c)
					if !errors.Is(err, tt.kind) || errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrUnavailable) != (tt.kind == ErrUnavailable) { //nolint:errorlint // the kinds themselves are compared
						t.Fatalf("the error is %v, want %v", err, tt.kind)
					}
					if !strings.Contains(err.Error(), tt.text) || owner == "own" && tt.text != "" && !strings.Contains(err.Error(), proxy.addr) {
						t.Errorf("the error %q does not name the proxy's refusal", err)
					}
					attempts := 3
					if tt.kind == ErrBadEndpoint { //nolint:errorlint // the kinds themselves are compared
						attempts = 1
					}
					if got := len(proxy.requests()); got != attempts {
						t.Errorf("%d CONNECTs, want %d", got, attempts)
					}
					if tt.kind == ErrBadEndpoint { //nolint:errorlint // the kinds themselves are compared
						return
					}
					if recovers.Store(true); len(proxy.requests())%2 == 1 {
						getJob(t.Context(), networkClient(t, "https://ice.cn-shanghai.aliyuncs.com", proxied(proxy.url, roots)[owner]))
					}
					if err := call(t.Context(), networkClient(t, "https://ice.cn-shanghai.aliyuncs.com", proxied(proxy.url, roots)[owner])); err != nil {
						t.Errorf("the proxy recovers, the call does not: %v", err)
					}
				})
			}
		}
	}
}

// TestSOCKSFaults is TestProxyFaults for SOCKS.
func TestSOCKSFaults(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t, "ice.cn-shanghai.aliyuncs.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	backend := newTLSBackend(t, certificate)
	for name, tt := range map[string]struct {
		fault socksReply
		kind  error
	}{
		"general failure":     {socksReply{code: 1}, ErrUnavailable},
		"not allowed":         {socksReply{code: 2}, ErrBadEndpoint},
		"network unreachable": {socksReply{code: 3}, ErrUnavailable},
		"host unreachable":    {socksReply{code: 4}, ErrUnavailable},
		"refused":             {socksReply{code: 5}, ErrUnavailable},
		"TTL expired":         {socksReply{code: 6}, ErrUnavailable},
		"no method":           {socksReply{refuseMethod: true}, ErrBadEndpoint},
		"closed":              {socksReply{end: closeConn}, ErrUnavailable},
		"reset":               {socksReply{end: resetConn}, ErrUnavailable},
	} {
		for owner := range proxied(nil, nil) {
			t.Run(name+"/"+owner, func(t *testing.T) {
				t.Parallel()
				proxy := newSOCKSProxy(t, backend, func(n int) socksReply {
					if n%2 == 0 || tt.kind == ErrBadEndpoint { //nolint:errorlint // the kinds themselves are compared
						return tt.fault
					}
					return socksReply{}
				})
				for _, call := range []func(context.Context, *Client) error{getJob, submitJob} {
					before := proxy.connections()
					err := call(t.Context(), networkClient(t, "https://ice.cn-shanghai.aliyuncs.com", proxied(proxy.url, roots)[owner]))
					switch connections := proxy.connections() - before; {
					case tt.kind == ErrUnavailable && (err != nil || connections != 2): //nolint:errorlint // the kinds themselves are compared
						t.Errorf("after %d connections the error is %v, want success after 2", connections, err)
					case tt.kind == ErrBadEndpoint && (!errors.Is(err, ErrBadEndpoint) || errors.Is(err, ErrAmbiguous) || connections != 1): //nolint:errorlint // the kinds themselves are compared
						t.Errorf("after %d connections the error is %v, want ErrBadEndpoint after 1", connections, err)
					}
				}
			})
		}
	}
}

// TestSubmitOnFreshConnections checks that a server that closes every connection after its response makes no Submit
// ambiguous.
func TestSubmitOnFreshConnections(t *testing.T) {
	t.Parallel()
	const submits = 100 // on connections that are used again, about 7 of them would fail
	for _, owner := range []string{"own", "caller's", "http.DefaultTransport's"} {
		t.Run(owner, func(t *testing.T) {
			t.Parallel()
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return rawResponse(200, networkSuccess), closeConn })
			var opts []Option
			switch owner {
			case "caller's":
				opts = append(opts, WithHTTPClient(&http.Client{Transport: &http.Transport{}}))
			case "http.DefaultTransport's":
				opts = append(opts, WithHTTPClient(&http.Client{}))
			}
			c := w.client(t, append(opts, attempts(1))...)
			var ambiguous atomic.Int32
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range submits / 4 {
						if err := submitJob(t.Context(), c); err != nil {
							ambiguous.Add(1)
						}
					}
				})
			}
			wg.Wait()
			if n := ambiguous.Load(); n > 0 {
				t.Errorf("%d of %d Submits failed", n, submits)
			}
		})
	}
}

// newTLSBackend starts a server that responds to everything with success, and returns its address.
func newTLSBackend(t *testing.T, certificate tls.Certificate) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, networkSuccess) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that a test breaks
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).String()
}
