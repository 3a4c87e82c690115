package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// A proxyError is a proxy's refusal of a CONNECT request. Nothing was sent to the service.
type proxyError struct {
	proxy  string // host and port
	status int    // 0 if it is unknown; then it is also unknown whether the proxy refused
	err    error  // with a status, that of the caller's OnProxyConnectResponse, or nil; else the transport's
}

func (e *proxyError) Error() string {
	if e.status == 0 {
		return "through the proxy " + e.proxy + ": " + e.err.Error()
	}
	text := fmt.Sprintf("the proxy %s refused to connect: %d %s", e.proxy, e.status, http.StatusText(e.status))
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return strings.TrimSpace(text)
}

func (e *proxyError) Unwrap() error { return e.err }

// class returns the class of the refusal. If the status is unknown, it is transient: a retry opens a new connection,
// which reveals the status.
func (e *proxyError) class() transportClass {
	switch {
	case e.status >= 500, e.status == 0,
		e.status == http.StatusTooManyRequests, e.status == http.StatusRequestTimeout, e.status == http.StatusTooEarly:
		return transportTransient
	}
	return transportBadEndpoint
}

// proxyConnectHook is the type of [http.Transport.OnProxyConnectResponse].
type proxyConnectHook = func(ctx context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error

// onProxyConnect returns a hook that reports a proxy's refusal as a *proxyError; net/http returns only its text. The
// hook calls next first, unless it is nil.
func onProxyConnect(next proxyConnectHook) proxyConnectHook {
	return func(ctx context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error {
		var err error
		if next != nil {
			err = next(ctx, proxy, req, resp)
		}
		if typed := (*proxyError)(nil); resp.StatusCode == http.StatusOK || errors.As(err, &typed) {
			return err
		}
		return &proxyError{proxy: proxy.Host, status: resp.StatusCode, err: err}
	}
}

// withProxyRefusal returns err as a *proxyError if it may be a proxy's refusal. A transport without our hook returns
// only a text: the reason phrase of the response, which differs between proxies.
func withProxyRefusal(err error, t *http.Transport, req *http.Request) error {
	if t.Proxy == nil || req.URL.Scheme != "https" || errors.Unwrap(err) != nil || isContextError(err) {
		return err
	}
	proxy, proxyErr := t.Proxy(req)
	if proxyErr != nil || proxy == nil {
		return err
	}
	if status := reasonPhrases[foldPhrase(err.Error())]; status != 0 {
		return &proxyError{proxy: proxy.Host, status: status}
	}
	if classifyTransportError(err) == transportUnknown {
		return &proxyError{proxy: proxy.Host, err: err}
	}
	return err
}

// reasonPhrases maps the reason phrases of refused CONNECT requests to their statuses: the standard ones, and those of
// HAProxy, nginx and others.
var reasonPhrases = func() map[string]int {
	phrases := map[string]int{
		"authenticationrequired":        http.StatusProxyAuthRequired,
		"movedtemporarily":              http.StatusFound,
		"servicetemporarilyunavailable": http.StatusServiceUnavailable,
	}
	for status := 300; status < 600; status++ {
		if text := http.StatusText(status); text != "" {
			phrases[foldPhrase(text)] = status
		}
	}
	return phrases
}()

// foldPhrase returns the letters of a reason phrase in lower case: "Gateway Time-out" is "Gateway Timeout".
func foldPhrase(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
