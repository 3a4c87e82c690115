package livetranscode

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// version is the version of this package, for the User-Agent header.
const version = "0.1.0"

// apiVersion is the version of the service's API.
const apiVersion = "2020-11-09"

// maxHeaders is the number of headers of a request without a security token. A map of 8 elements is one allocation.
const maxHeaders = 8

// A Client calls the live transcoding operations of Alibaba Cloud Intelligent Media Services. Create one with
// [NewClient] and share it: it is safe for concurrent use, and its callers share connections, retry quota and
// clock. It needs no closing.
type Client struct {
	template  *http.Request // of every attempt: all but the query and the headers
	userAgent string
	provider  CredentialsProvider
	sender    sender
	redacting *redactingTransport // around sender, for a middleware; nil without one
	policy    RetryPolicy
	limiter   Limiter
	logger    *slog.Logger
	hooks     Hooks

	signer      Signer
	quota       quota
	clockOffset atomic.Int64 // nanoseconds that the service's clock is ahead of the machine's

	credentialsRefused atomic.Bool // by the last response that tells
	ensuring           ensureRuns
}

// NewClient returns a client. It does no I/O. Without options the client calls the endpoint of cn-shanghai with
// [DefaultCredentials]. An invalid option is a [*ParamError].
func NewClient(opts ...Option) (*Client, error) {
	cfg := config{
		userAgent: fmt.Sprintf("livetranscode-go/%s (%s; %s) %s", version, runtime.GOOS, runtime.GOARCH, runtime.Version()),
		logger:    slog.New(slog.DiscardHandler),
	}
	defaults := []Option{WithRegion(defaultRegion), WithRetryPolicy(RetryPolicy{})}
	for _, opt := range append(defaults, opts...) {
		if opt == nil {
			continue
		}
		if err := opt(&cfg); err != nil {
			return nil, err
		}
	}
	if cfg.provider == nil {
		cfg.provider = DefaultCredentials()
	}
	c := &Client{
		template: &http.Request{
			Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			URL:  &url.URL{Scheme: cfg.endpoint.Scheme, Host: cfg.endpoint.Host, Path: "/"},
			Host: cfg.endpoint.Host, Body: http.NoBody,
		},
		userAgent: cfg.userAgent,
		provider:  cfg.provider,
		policy:    cfg.policy,
		limiter:   cfg.limiter,
		logger:    cfg.logger,
		hooks:     cfg.hooks,
	}
	if c.sender.client = cfg.httpClient; c.sender.client == nil {
		c.sender.client = &http.Client{Transport: newTransport()}
	}
	if timeout := c.sender.client.Timeout; timeout > 0 {
		c.policy.AttemptTimeout = min(c.policy.AttemptTimeout, timeout)
	}
	if len(cfg.middleware) > 0 {
		var err error
		if c.redacting, err = newRedactingTransport(&c.sender, cfg.middleware); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// newHeader returns the headers of a request, except those of its signature. It shares no values with other requests: a
// transport or middleware may overwrite them in place.
func (c *Client) newHeader(action string) http.Header {
	values := &[...]string{action, apiVersion, "application/json", c.userAgent} // one array: one allocation
	header := make(http.Header, maxHeaders)
	header[acs3.HeaderAction] = values[0:1:1]
	header[acs3.HeaderVersion] = values[1:2:2]
	header["Accept"] = values[2:3:3]
	header["User-Agent"] = values[3:4:4]
	return header
}

// CloseIdleConnections closes the connections that no call is using. The client stays usable.
func (c *Client) CloseIdleConnections() { c.sender.client.CloseIdleConnections() }

// Format implements [fmt.Formatter]. For every verb it prints the endpoint, and nothing of the credentials.
func (c *Client) Format(f fmt.State, _ rune) {
	if c == nil {
		fmt.Fprint(f, "livetranscode.Client(nil)")
		return
	}
	fmt.Fprintf(f, "livetranscode.Client(%s://%s)", c.template.URL.Scheme, c.template.Host)
}
