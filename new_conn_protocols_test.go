package livetranscode

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
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
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that a test breaks
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
