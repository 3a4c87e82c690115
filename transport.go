package livetranscode

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// newTransport returns the transport of a client that was not given one. HTTP/2 is off: all calls would share
// one connection, and a stalled one would delay them all until their timeouts.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		TLSClientConfig:        &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        8 * time.Second, // the gateway closes at about 10 s: be first
		MaxResponseHeaderBytes: 256 << 10,
		OnProxyConnectResponse: onProxyConnect(nil),
	}
}

// A sender sends requests through the transport of an http.Client, without following redirects.
type sender struct {
	client   *http.Client
	newConns newConns
}

// send sends a request. onNewConn opens a connection for it, which only an *http.Transport can do.
func (s *sender) send(req *http.Request, onNewConn bool) (*http.Response, error) {
	base := s.client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	transport, ok := base.(*http.Transport)
	switch {
	case !ok:
		return base.RoundTrip(req)
	case onNewConn:
		return s.newConns.roundTrip(transport, req)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		err = withProxyRefusal(err, transport, req)
	}
	return resp, err
}

// A writeTrace records whether a request's headers were written. It is safe for concurrent use. A nil one, and
// one to which the transport does not report, knows nothing.
type writeTrace struct{ reports, wrote atomic.Bool }

func traceWrite(ctx context.Context) (context.Context, *writeTrace) {
	w := new(writeTrace)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.reports.Store(true) },
		// HTTP/2 reports WroteHeaders only after all headers; a field is reported before anything is written.
		WroteHeaderField: func(string, []string) { w.wrote.Store(true) },
		WroteHeaders:     func() { w.wrote.Store(true) },
	}), w
}

// mayBeExecuted reports whether the request may have been executed, given the transport's error. The trace
// counts more than the error, which may come from a retry of the transport's own.
func (w *writeTrace) mayBeExecuted(err error) bool {
	switch {
	case neverProcessed(err):
		return false
	case w != nil && w.wrote.Load():
		return true
	case w != nil && w.reports.Load():
		return false
	}
	return !neverWritten(err)
}
