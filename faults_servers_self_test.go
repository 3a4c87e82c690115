package livetranscode

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// proxyResult is what came of a request: "200 body", the error's text, or both if the body broke off.
type proxyResult struct {
	text   string
	proto  string
	header http.Header
}

// post sends a request without a body through rt.
func post(t *testing.T, rt http.RoundTripper, address string) proxyResult {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return proxyResult{text: err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	text := resp.Status[:3] + " " + string(body)
	if err != nil {
		text += ": " + err.Error()
	}
	return proxyResult{text, resp.Proto, resp.Header}
}

func TestHTTP2Server(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reply http2Reply
		want  string // contained in the result of the first request
	}{
		"response":                  {http2Respond(404, "page", "x-acs-request-id", "id"), "404 page"},
		"reset":                     {http2Reset(2), "INTERNAL_ERROR"},
		"reset in the body":         {http2RespondThen("half", http2Reset(8)), "200 half: stream error: stream ID 1; CANCEL"},
		"goaway":                    {http2GoAway(11, true), "ENHANCE_YOUR_CALM"},
		"goaway, not processed":     {http2GoAway(0, false), "200 second"}, // retried by net/http itself
		"goaway in the body":        {http2RespondThen("half", http2GoAway(2, true)), "200 half: "},
		"connection closed":         {http2Lose(closeConn), "EOF"},
		"connection reset":          {http2Lose(resetConn), "reset"},
		"connection reset in body":  {http2RespondThen("half", http2Lose(resetConn)), "200 half: "},
		"connection closed in body": {http2RespondThen("half", http2Lose(closeConn)), "200 half: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHTTP2Server(t, func(n int) http2Reply {
				if n == 0 {
					return tt.reply
				}
				return http2Respond(200, "second")
			})
			rt := s.transport(t)
			got := post(t, rt, s.url)
			if !strings.Contains(got.text, tt.want) {
				t.Errorf("result %q, want %q", got.text, tt.want)
			}
			if got.proto != "" && got.proto != "HTTP/2.0" {
				t.Errorf("the protocol is %s", got.proto)
			}
			if name == "response" && got.header.Get("X-Acs-Request-Id") != "id" {
				t.Errorf("headers: %v", got.header)
			}
			if later := post(t, rt, s.url); later.text != "200 second" {
				t.Errorf("a later request: %q", later.text)
			}
			if n := int(s.requests.Load()); n < 2 || n > 3 || s.connections() > 2 {
				t.Errorf("%d requests on %d connections", n, s.connections())
			}
		})
	}
}

// throughProxy returns a transport that uses a proxy for every request.
func throughProxy(t *testing.T, proxy *url.URL, roots *x509.CertPool) *http.Transport {
	t.Helper()
	rt := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func TestConnectProxy(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t, "example.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	address := newTLSBackend(t, certificate)
	for name, tt := range map[string]struct {
		reply *connectReply
		want  string
	}{
		"tunnel":                {nil, "200 " + networkSuccess},
		"502":                   {refuseConnect(502), "Bad Gateway"},
		"407":                   {refuseConnect(407, "Proxy-Authenticate", "Basic"), "Proxy Authentication Required"},
		"closed":                {&connectReply{then: closeConn}, "EOF"},
		"reset":                 {&connectReply{then: resetConn}, "reset"},
		"not HTTP":              {&connectReply{raw: "SSH-2.0-OpenSSH_9.6\r\n", then: closeConn}, "malformed HTTP response"},
		"a page in the tunnel":  {&connectReply{raw: "HTTP/1.1 200 OK\r\n\r\n", then: closeConn, tunneled: "HTTP/1.1 200 OK\r\n\r\n<html>"}, "first record does not look like a TLS handshake"},
		"closed after the head": {&connectReply{raw: "HTTP/1.1 200 OK\r\n\r\n", then: closeConn}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newConnectProxy(t, address, func(int) *connectReply { return tt.reply })
			got := post(t, throughProxy(t, p.url, roots), "https://example.com/").text
			if !strings.Contains(got, tt.want) {
				t.Errorf("result %q, want %q", got, tt.want)
			}
			if seen := p.requests(); len(seen) != 1 || seen[0] != "CONNECT example.com:443" {
				t.Errorf("the proxy saw %q", seen)
			}
		})
	}
}

func TestSOCKSProxy(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t, "example.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	address := newTLSBackend(t, certificate)
	for name, tt := range map[string]struct {
		reply    socksReply
		want     string
		requests int
	}{
		"tunnel":           {socksReply{}, "200 " + networkSuccess, 1},
		"no method":        {socksReply{refuseMethod: true}, "no acceptable authentication methods", 0},
		"general failure":  {socksReply{code: 1}, "general SOCKS server failure", 1},
		"not allowed":      {socksReply{code: 2}, "connection not allowed by ruleset", 1},
		"host unreachable": {socksReply{code: 4}, "host unreachable", 1},
		"refused":          {socksReply{code: 5}, "connection refused", 1},
		"closed":           {socksReply{end: closeConn}, "EOF", 1},
		"reset":            {socksReply{end: resetConn}, "reset", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newSOCKSProxy(t, address, func(int) socksReply { return tt.reply })
			got := post(t, throughProxy(t, p.url, roots), "https://example.com/").text
			if !strings.Contains(got, tt.want) {
				t.Errorf("result %q, want %q", got, tt.want)
			}
			if n := int(p.requests.Load()); n != tt.requests || p.connections() != 1 {
				t.Errorf("%d connect requests on %d connections", n, p.connections())
			}
		})
	}
}
