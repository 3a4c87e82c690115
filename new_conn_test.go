package livetranscode

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNewConnEndsWithItsContext checks that a call ends with its context, whatever the caller's transport does to
// connect, and that a connection that comes too late is closed.
func TestNewConnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newRawServer(t, always(rawResponse(200, networkSuccess), keepOpen))
	proceed, closed := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	transport := &http.Transport{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		cancel()
		select { // whatever becomes of the context
		case <-proceed:
		case <-time.After(5 * time.Second): // the test has failed
		}
		conn, err := net.Dial(network, address)
		return &closeSignal{Conn: conn, closed: closed}, err
	}}
	err := submitJob(ctx, clientOver(t, transport, WithEndpoint(s.url)))
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "phase connect") {
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
