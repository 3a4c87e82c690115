package livetranscode

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// An Option configures a [Client]. A nil Option is ignored, and so is one made from a nil argument, except for
// [WithCredentials].
type Option func(*config) error

type config struct {
	endpoint   url.URL // scheme and host
	explicit   bool    // endpoint comes from WithEndpoint
	provider   CredentialsProvider
	httpClient *http.Client
	policy     RetryPolicy
	limiter    Limiter
	logger     *slog.Logger
	userAgent  string
	hooks      Hooks
	middleware []func(http.RoundTripper) http.RoundTripper
}

// A Limiter delays requests. A [*golang.org/x/time/rate.Limiter] is one. It must be safe for concurrent use.
type Limiter interface {
	// Wait blocks until the next request may be sent. It should return as soon as ctx ends. An error ends the call.
	Wait(ctx context.Context) error
}

const defaultRegion = "cn-shanghai"

// regions are the regions of Intelligent Media Services.
var regions = []string{"cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-shenzhen", "ap-southeast-1", "us-west-1"}

// WithRegion selects the public endpoint of a region, such as cn-shanghai. The service offers live transcoding in
// Shanghai only. Use [WithEndpoint] for an endpoint inside a VPC. An unknown region is a [*ParamError] that lists
// the known ones. Defaults to cn-shanghai.
func WithRegion(region string) Option {
	return func(c *config) error {
		if !slices.Contains(regions, region) {
			return &ParamError{
				Operation: "WithRegion", Field: "region",
				Reason: fmt.Sprintf("%q is unknown; the regions are %s, and live transcoding is offered in %s only",
					region, strings.Join(regions, ", "), defaultRegion),
			}
		}
		if !c.explicit {
			c.endpoint = url.URL{Scheme: "https", Host: "ice." + region + ".aliyuncs.com"}
		}
		return nil
	}
}

// WithEndpoint sets the address that requests are sent to, such as ice-vpc.cn-shanghai.aliyuncs.com. It takes
// precedence over [WithRegion]. A bare host means https; http is accepted only for localhost and loopback
// addresses. A URL with user info, a query, a fragment or a path other than / is a [*ParamError]. Defaults to the
// public endpoint of the region.
func WithEndpoint(rawURL string) Option {
	return func(c *config) error {
		u, reason := parseEndpoint(rawURL)
		if reason != "" {
			return &ParamError{Operation: "WithEndpoint", Field: "rawURL", Reason: reason}
		}
		c.endpoint, c.explicit = u, true
		return nil
	}
}

// parseEndpoint returns the scheme and host of an endpoint, or why it is invalid. The reason never quotes the
// address, which may contain a password.
func parseEndpoint(rawURL string) (u url.URL, reason string) {
	if rawURL == "" {
		return u, "is empty"
	}
	if !strings.Contains(rawURL, "://") {
		rawURL = "https://" + rawURL
	}
	p, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return u, "is not a URL"
	case p.Scheme != "https" && p.Scheme != "http":
		return u, "has a scheme other than https and http"
	case p.Hostname() == "":
		return u, "has no host"
	case !acs3.IsPlainHost(p.Host):
		return u, "has a host with other characters than letters, digits, dots, hyphens and underscores"
	case !isPort(p.Port()):
		return u, "has a port that is not between 1 and 65535"
	case p.User != nil:
		return u, "has user info"
	case p.RawQuery != "" || p.ForceQuery:
		return u, "has a query"
	case p.Fragment != "" || strings.Contains(rawURL, "#"):
		return u, "has a fragment"
	case p.Path != "" && p.Path != "/":
		return u, "has a path"
	case p.Scheme == "http" && !isLoopback(p.Hostname()):
		return u, "has scheme http, which is accepted only for localhost and loopback addresses"
	}
	return url.URL{Scheme: p.Scheme, Host: strings.TrimSuffix(p.Host, ":")}, ""
}

// isPort reports whether a port is valid, or empty.
func isPort(port string) bool {
	n, err := strconv.Atoi(port)
	return port == "" || err == nil && n > 0 && n <= math.MaxUint16
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// WithCredentials sets the provider of the credentials of each request. A nil provider, nil pointer or nil function is
// a [*ParamError]: it would act under the identity of [DefaultCredentials], to which the option defaults.
func WithCredentials(provider CredentialsProvider) Option {
	return func(c *config) error {
		if isNil(provider) {
			return &ParamError{Operation: "WithCredentials", Field: "provider", Reason: "is nil"}
		}
		c.provider = provider
		return nil
	}
}

// WithHTTPClient sends requests through the transport of hc. hc is copied and never changed. An attempt ends after
// hc.Timeout or RetryPolicy.AttemptTimeout, whichever is shorter; a negative Timeout is a [*ParamError].
// CheckRedirect and Jar are ignored: redirects are never followed, and the service sets no cookies. A nil Transport
// means the value of [http.DefaultTransport] at the time of each request. Defaults to a transport of the client's
// own, which speaks HTTP/1.1, uses the proxy environment variables and keeps idle connections for 8 seconds.
//
// Submit and Create, which cannot be retried when their outcome is unknown, are sent on connections never used before,
// and so are retries after a connection has failed. An [*http.Transport] is cloned for that: the connections are opened
// as it opens its own, with its proxy, dial functions, TLS configuration and protocols, but they do not count against
// its MaxConnsPerHost, and what was added with RegisterProtocol is not used. Any other
// [http.RoundTripper] is used as it is; use [WithMiddleware] to wrap an [*http.Transport].
//
// Over HTTP/2 all calls share one connection. If it dies unnoticed, each call loses its first attempt to it until the
// operating system gives it up; SendPingTimeout in the HTTP2 field of an [*http.Transport] finds out sooner.
//
// A transport that records requests, as tracing does, sees stream keys in the query and the security token in a header.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return nil
		}
		if hc.Timeout < 0 {
			return &ParamError{Operation: "WithHTTPClient", Field: "Timeout", Reason: "is negative"}
		}
		clone := *hc
		c.httpClient = &clone
		return nil
	}
}

// WithRetryPolicy configures retries and the timeout of an attempt. A negative field is a [*ParamError]. Defaults to
// the zero [RetryPolicy], whose fields have defaults of their own.
func WithRetryPolicy(p RetryPolicy) Option {
	return func(c *config) error {
		var err error
		c.policy, err = p.withDefaults()
		return err
	}
}

// WithLimiter calls l before every attempt, retries included. The time it takes does not count against
// [RetryPolicy].AttemptTimeout. An error of l ends the call. A nil l, nil pointer or nil function is ignored. Defaults
// to no limit; the service does not document its own.
func WithLimiter(l Limiter) Option {
	return func(c *config) error {
		if !isNil(l) {
			c.limiter = l
		}
		return nil
	}
}

// WithLogger logs to l what the package documentation lists under "Observing": attempts and calls at level Debug, and
// at level Warn what needs attention. Secrets and stream keys are redacted. A nil l is ignored. Defaults to no logging.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l != nil {
			c.logger = l
		}
		return nil
	}
}

// WithUserAgent appends product, such as "myservice/1.4", to the User-Agent header, which names this package and the
// versions of it and of Go. A product with control characters is a [*ParamError]. By default nothing is appended.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		switch {
		case acs3.HasControl(product):
			return &ParamError{Operation: "WithUserAgent", Field: "product", Reason: "has control characters"}
		case product != "":
			c.userAgent += " " + product
		}
		return nil
	}
}
