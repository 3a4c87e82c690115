package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// newProtocolServer starts a server that speaks the protocols, such as h2, and counts requests by protocol.
func newProtocolServer(t *testing.T, protocols ...string) (server *httptest.Server, requests func(proto string) int) {
	t.Helper()
	var mu sync.Mutex
	count := make(map[string]int)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		count[r.Proto]++
		fmt.Fprint(w, networkSuccess)
	}))
	server.TLS = &tls.Config{NextProtos: protocols}
	for _, protocol := range protocols {
		server.EnableHTTP2 = server.EnableHTTP2 || protocol == "h2"
	}
	server.StartTLS()
	server.TLS.NextProtos = protocols
	t.Cleanup(server.Close)
	return server, func(proto string) int {
		mu.Lock()
		defer mu.Unlock()
		return count[proto]
	}
}

// addHTTP2 adds HTTP/2 to a transport as golang.org/x/net/http2 does: by functions for negotiated connections, which
// add them to a pool of their own.
func addHTTP2(t *http.Transport) {
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{
		"h2": func(string, *tls.Conn) http.RoundTripper {
			return failWith(errors.New("the pool of the caller's transport is used"))
		},
	}
	t.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
}

// TestSubmitThroughAnyTransport checks that a Submit goes through whatever *http.Transport the caller has, used or not,
// with the protocols that it and the server speak.
func TestSubmitThroughAnyTransport(t *testing.T) {
	t.Parallel()
	both, only1, only2 := []string{"h2", "http/1.1"}, []string{"http/1.1"}, []string{"h2"}
	for name, tt := range map[string]struct {
		server []string
		change func(*http.Transport)
		proto  string
	}{
		"forced":             {both, func(t *http.Transport) { t.ForceAttemptHTTP2 = true }, "HTTP/2.0"},
		"forced, h2 only":    {only2, func(t *http.Transport) { t.ForceAttemptHTTP2 = true }, "HTTP/2.0"},
		"forced, no h2":      {only1, func(t *http.Transport) { t.ForceAttemptHTTP2 = true }, "HTTP/1.1"},
		"TLS config":         {both, func(*http.Transport) {}, "HTTP/1.1"},
		"by another package": {both, addHTTP2, "HTTP/2.0"},
		"HTTP/2 off":         {both, func(t *http.Transport) { t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{} }, "HTTP/1.1"},
		"HTTP/1 alone": {both, func(t *http.Transport) {
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP1(true)
		}, "HTTP/1.1"},
		"HTTP/2 alone": {both, func(t *http.Transport) {
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP2(true)
		}, "HTTP/2.0"},
		"no keep-alives": {both, func(t *http.Transport) { t.ForceAttemptHTTP2, t.DisableKeepAlives = true, true }, "HTTP/2.0"},
		"TLS dialer": {both, func(t *http.Transport) {
			config := t.TLSClientConfig.Clone()
			config.NextProtos = both
			t.ForceAttemptHTTP2 = true
			t.DialTLSContext = (&tls.Dialer{Config: config}).DialContext
		}, "HTTP/2.0"},
	} {
		for _, used := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, used: %t", name, used), func(t *testing.T) {
				t.Parallel()
				server, requests := newProtocolServer(t, tt.server...)
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: rootsOf(server)}}
				tt.change(transport)
				c := networkClient(t, server.URL, transport)
				if used && name != "by another package" {
					if err := getJob(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				beforeRequests := requests(tt.proto)
				var wg sync.WaitGroup
				const submits = 4
				for range submits { // at once: connections of HTTP/2 would be shared
					wg.Go(func() {
						if err := submitJob(t.Context(), c); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if got := requests(tt.proto) - beforeRequests; got != submits {
					t.Errorf("%d of %d Submits arrived over %s", got, submits, tt.proto)
				}
			})
		}
	}
}

func rootsOf(server *httptest.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}

// TestSubmitThroughPlainTransport checks the transport that has no TLS configuration, to which net/http adds HTTP/2 at
// its first use: its clones negotiate HTTP/2 and do not speak it.
func TestSubmitThroughPlainTransport(t *testing.T) {
	t.Parallel()
	server, _ := newProtocolServer(t, "h2", "http/1.1")
	transport := new(http.Transport)
	clone := transport.Clone() // adds HTTP/2 to transport
	if transport.TLSClientConfig == nil || clone.TLSClientConfig == nil {
		t.Fatal("net/http adds HTTP/2 in another way")
	}
	transport.TLSClientConfig.RootCAs = rootsOf(server)
	for range 2 {
		c := networkClient(t, server.URL, transport)
		if err := submitJob(t.Context(), c); err != nil {
			t.Error(err)
		}
		if err := getJob(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
}

// TestSubmitsShareNoConnection checks that concurrent Submits over HTTP/2 have a connection each.
func TestSubmitsShareNoConnection(t *testing.T) {
	t.Parallel()
	const submits = 8
	var arrived sync.WaitGroup
	arrived.Add(submits)
	server := newHTTP2Server(t, func(int) http2Reply {
		arrived.Done()
		arrived.Wait() // all are in flight at once
		return http2Respond(200, networkSuccess)
	})
	c := networkClient(t, server.url, server.transport(t))
	var wg sync.WaitGroup
	for range submits {
		wg.Go(func() {
			if err := submitJob(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := server.connections(); got != submits {
		t.Errorf("%d Submits were sent on %d connections", submits, got)
	}
}

// TestRefusedStreams checks that a server that always refuses gets no more requests than the policy allows, and that a
// Submit that it refused before processing is not ambiguous.
func TestRefusedStreams(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]http2Reply{"REFUSED_STREAM": http2Reset(7), "GOAWAY": http2GoAway(0, false), "GOAWAY, calm": http2GoAway(11, false)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newHTTP2Server(t, func(int) http2Reply { return reply })
			err := submitJob(t.Context(), networkClient(t, server.url, server.transport(t)))
			wantKind(t, err, ErrUnavailable)
			if errors.Is(err, ErrAmbiguous) {
				t.Errorf("the error is %v", err)
			}
			if got := server.requests.Load(); got != 3 {
				t.Errorf("%d requests arrived, want 3", got)
			}
		})
	}
}

// TestRetriesLeaveDeadConnections checks that a call whose connection is dead is retried on a new one, also if the pool
// has more that seem alive.
func TestRetriesLeaveDeadConnections(t *testing.T) {
	t.Parallel()
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		server := newHTTP2Server(t, func(n int) http2Reply {
			if n == 1 {
				return http2Lose(stallConn)
			}
			return http2Respond(200, networkSuccess)
		})
		c := clientOver(t, server.transport(t), WithEndpoint(server.url), WithRetryPolicy(RetryPolicy{BaseDelay: 1, AttemptTimeout: 200 * time.Millisecond}))
		for range 2 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		if got := server.connections(); got != 2 {
			t.Errorf("%d connections, want 2", got)
		}
	})
	t.Run("HTTP/1.1", func(t *testing.T) {
		t.Parallel()
		const callers = 4
		var arrived sync.WaitGroup
		arrived.Add(callers)
		s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n < callers {
				arrived.Done()
				arrived.Wait() // each on a connection of its own
				return rawResponse(200, networkSuccess), stallConn
			}
			return rawResponse(200, networkSuccess), keepOpen
		})
		c := s.client(t, WithRetryPolicy(RetryPolicy{MaxAttempts: 2, BaseDelay: 1, AttemptTimeout: 500 * time.Millisecond}))
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if err := getJob(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := getJob(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
}

// TestNewConnEndsWithItsContext checks that a call ends with its context, whatever the caller's transport does to
// connect, and that a connection that comes too late is closed.
func TestNewConnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newRawServer(t, always(rawResponse(200, networkSuccess), keepOpen))
	proceed, closed := make(chan struct{}), make(chan struct{})
	transport := &http.Transport{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		select { // whatever becomes of the context
		case <-proceed:
		case <-time.After(5 * time.Second): // the test has failed
		}
		conn, err := net.Dial(network, address)
		return &closeSignal{Conn: conn, closed: closed}, err
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := submitJob(ctx, clientOver(t, transport, WithEndpoint(s.url)))
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "phase connect") {
		t.Errorf("the error is %v", err)
	}
	close(proceed)
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the connection is not closed")
	}
	s.wantRequests(t, 0)
}

// A closeSignal tells when a connection is closed.
type closeSignal struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closeSignal) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestNewConnAsksForTheProxyOfTheRequest checks that the caller's Proxy sees the real request, and its error that
// nothing was sent.
func TestNewConnAsksForTheProxyOfTheRequest(t *testing.T) {
	t.Parallel()
	var seen []string
	noProxy := errors.New("no proxy today")
	for name, want := range map[string]error{"none": nil, "error": noProxy} {
		s := newRawServer(t, always(rawResponse(200, networkSuccess), keepOpen))
		seen = nil
		transport := &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) {
			seen = append(seen, req.Method+" "+req.URL.Host)
			return nil, want
		}}
		err := submitJob(t.Context(), clientOver(t, transport, WithEndpoint(s.url), attempts(1)))
		if !errors.Is(err, want) || errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: the error is %v", name, err)
		}
		if want := "POST " + strings.TrimPrefix(s.url, "http://"); len(seen) != 1 || seen[0] != want {
			t.Errorf("%s: Proxy saw %q, want %q once", name, seen, want)
		}
	}
}

// TestNewConnIsTraced checks that a trace is told of the connection of a Submit.
func TestNewConnIsTraced(t *testing.T) {
	t.Parallel()
	s := newRawServer(t, always(rawResponse(200, networkSuccess), keepOpen))
	var mu sync.Mutex
	var order []string
	note := func(event string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, event)
	}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GetConn:              func(string) { note("get") },
		ConnectDone:          func(string, string, error) { note("connected") },
		WroteHeaders:         func() { note("wrote") },
		GotFirstResponseByte: func() { note("response") },
	})
	if err := submitJob(ctx, s.client(t)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(order, " "); got != "get connected wrote response" {
		t.Errorf("the trace was told %s", got)
	}
}

// TestGetConn checks that a trace is told the same address of a connection whichever way a request is sent.
func TestGetConn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		endpoint, proxy, want string
		proxyErr              error
	}{
		"HTTP":             {"http://localhost", "", "localhost:80", nil},
		"HTTPS":            {"https://ice.example", "", "ice.example:443", nil},
		"port":             {"https://ice.example:8443", "", "ice.example:8443", nil},
		"IPv6":             {"https://[2001:db8::1]", "", "[2001:db8::1]:443", nil},
		"HTTP proxy":       {"https://ice.example", "http://proxy.example", "proxy.example:80", nil},
		"HTTPS proxy":      {"http://localhost", "https://proxy.example", "proxy.example:443", nil},
		"SOCKS proxy":      {"https://ice.example", "socks5://proxy.example", "proxy.example:1080", nil},
		"SOCKS name proxy": {"https://ice.example", "socks5h://proxy.example", "proxy.example:1080", nil},
		"proxy with port":  {"https://ice.example", "http://user:pass@proxy.example:3128", "proxy.example:3128", nil},
		"no proxy":         {"https://ice.example", "", "", errors.New("no proxy today")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &http.Transport{
				Proxy: func(*http.Request) (*url.URL, error) {
					if tt.proxy == "" {
						return nil, tt.proxyErr
					}
					return url.Parse(tt.proxy)
				},
				DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
			}
			c := clientOver(t, transport, WithEndpoint(tt.endpoint), attempts(1))
			for operation, call := range map[string]func(context.Context, *Client) error{"Get": getJob, "Submit": submitJob} {
				var got string
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(hostPort string) { got = hostPort }})
				if err := call(ctx, c); err == nil || got != tt.want {
					t.Errorf("%s: GetConn was told %q, want %q; the error is %v", operation, got, tt.want, err)
				}
			}
		})
	}
}

// TestHTTP2IsOff checks that the error of a transport that negotiates HTTP/2 without speaking it says what to do.
func TestHTTP2IsOff(t *testing.T) {
	t.Parallel()
	server, requests := newProtocolServer(t, "h2")
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: rootsOf(server), NextProtos: []string{"h2"}}}
	err := submitJob(t.Context(), networkClient(t, server.URL, transport))
	if err == nil || errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "ForceAttemptHTTP2") || !strings.Contains(err.Error(), "NextProtos") {
		t.Errorf("the error is %v", err)
	}
	transport.ForceAttemptHTTP2 = true
	if err := submitJob(t.Context(), networkClient(t, server.URL, transport.Clone())); err != nil || requests("HTTP/2.0") != 1 {
		t.Errorf("as the error says: %v", err)
	}
}
