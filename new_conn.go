package livetranscode

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
)

// newConns sends each request on a new connection. The server cannot have closed such a connection while it was idle,
// which would leave the outcome of a request unknown; net/http resends nothing on it; and it is certain whether a
// request failed before it was written. It is safe for concurrent use.
type newConns struct {
	mu          sync.Mutex
	base, clone *http.Transport // of the last request
}

// roundTrip sends a request as base would, but on a new connection. If none can be opened, the error is a
// *connectError.
func (n *newConns) roundTrip(base *http.Transport, req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	next := req.URL // what is connected to
	if base.Proxy != nil {
		proxy, err := base.Proxy(req)
		if err != nil {
			return nil, &connectError{err}
		}
		ctx = context.WithValue(ctx, chosenProxy{}, proxy)
		if proxy != nil {
			next = proxy
		}
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GetConn != nil {
		trace.GetConn(hostPort(next))
	}
	conn, err := connect(ctx, n.transport(base), req.URL)
	if err != nil {
		return nil, &connectError{explainHTTP2(err)}
	}
	resp, err := conn.RoundTrip(req)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	resp.Body = &connBody{resp.Body, conn}
	return resp, nil
}

// connect opens a connection. It returns as soon as ctx ends, even if the caller's dial function does not.
func connect(ctx context.Context, t *http.Transport, address *url.URL) (*http.ClientConn, error) {
	type result struct {
		conn *http.ClientConn
		err  error
	}
	connected := make(chan result)
	go func() {
		conn, err := t.NewClientConn(ctx, address.Scheme, hostPort(address))
		select {
		case connected <- result{conn, err}:
		case <-ctx.Done():
			if err == nil {
				_ = conn.Close()
			}
		}
	}()
	select {
	case r := <-connected:
		return r.conn, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// defaultPorts maps the schemes that net/http supports to their default ports.
var defaultPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// hostPort returns the host and port of a URL.
func hostPort(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPorts[u.Scheme]))
}

// explainHTTP2 adds advice to net/http's error for an HTTP/2 connection on a transport without HTTP/2.
func explainHTTP2(err error) error {
	if !strings.Contains(err.Error(), "does not support NewClientConn") {
		return err
	}
	return fmt.Errorf(`%w: HTTP/2 was negotiated, but is off in the *http.Transport of WithHTTPClient; `+
		`set its ForceAttemptHTTP2 (or SetHTTP2 in its Protocols), or remove "h2" from NextProtos in its TLSClientConfig`, err)
}

// transport returns the clone of base that opens the connections.
func (n *newConns) transport(base *http.Transport) *http.Transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.base != base {
		n.base, n.clone = base, cloneTransport(base)
	}
	return n.clone
}

// chosenProxy is the context key of the *url.URL of the proxy to connect through; nil for none.
type chosenProxy struct{}

// cloneTransport returns a transport that connects as base does and reports a proxy's refusal as a *proxyError.
func cloneTransport(base *http.Transport) *http.Transport {
	t := base.Clone()
	t.OnProxyConnectResponse = onProxyConnect(base.OnProxyConnectResponse)
	if base.Proxy != nil { // already called: net/http would call it with another request than the real one
		t.Proxy = func(req *http.Request) (*url.URL, error) {
			proxy, _ := req.Context().Value(chosenProxy{}).(*url.URL)
			return proxy, nil
		}
	}
	if base.TLSNextProto["h2"] != nil {
		// HTTP/2 was added to base, by net/http on its first use or by golang.org/x/net. A clone negotiates it but
		// does not speak it: it takes net/http's entry for one set by the caller, and x/net's hands its connections to
		// base.
		delete(t.TLSNextProto, "h2")
		delete(t.TLSNextProto, "unencrypted_http2")
		if t.Protocols == nil {
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP1(true)
			t.Protocols.SetHTTP2(true)
		}
	}
	return t
}

// A connBody is a response body that closes its connection when it is closed.
type connBody struct {
	io.ReadCloser
	conn io.Closer
}

func (b *connBody) Close() error {
	err := b.ReadCloser.Close()
	b.conn.Close()
	return err
}
