package livetranscode

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// An Option configures a Client. A nil Option, and an Option made from a nil argument, is as if not set.
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
}

// A Limiter delays requests. golang.org/x/time/rate.Limiter is one.
type Limiter interface {
	// Wait returns when the next request may be sent, or an error, which ends the call.
	Wait(ctx context.Context) error
}

const defaultRegion = "cn-shanghai"

// regions are the regions of Intelligent Media Services. Live transcoding is offered in Shanghai only.
var regions = []string{"cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-shenzhen", "ap-southeast-1", "us-west-1"}

// WithRegion selects the public endpoint of a region, such as cn-shanghai. Live transcoding is offered in
// Shanghai only; an endpoint inside a VPC is chosen by WithEndpoint. An unknown region is an error that lists
// the known ones. If not set, the region is cn-shanghai.
func WithRegion(region string) Option {
	return func(c *config) error {
		if !slices.Contains(regions, region) {
			return &ParamError{
				Operation: "WithRegion", Field: "region",
				Reason: fmt.Sprintf("%q is not known; known are %s, and live transcoding is offered in %s only",
					region, strings.Join(regions, ", "), defaultRegion),
			}
		}
		if !c.explicit {
			c.endpoint = url.URL{Scheme: "https", Host: "ice." + region + ".aliyuncs.com"}
		}
		return nil
	}
}

// WithEndpoint sets the address that requests go to, such as ice-vpc.cn-shanghai.aliyuncs.com. It wins over
// WithRegion. A bare host means https; http is accepted only for localhost and loopback addresses. User
// info, a query, a fragment and a path other than / are errors. If not set, the region decides.
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

// parseEndpoint returns the scheme and host of an endpoint, or what is wrong with it. The reason never
// repeats the address, which may hold a password.
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
		return u, "has a host that is not ASCII, or has a zone"
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

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// WithCredentials sets where the credentials of each request come from. If not set, it is
// DefaultCredentials().
func WithCredentials(p CredentialsProvider) Option {
	return func(c *config) error {
		if f, isFunc := p.(CredentialsFunc); p == nil || isFunc && f == nil {
			return nil
		}
		c.provider = p
		return nil
	}
}

// WithHTTPClient sends requests through the transport of hc. hc is copied and never changed. Its Timeout
// bounds each attempt beside RetryPolicy.AttemptTimeout, whichever is shorter. Its CheckRedirect and Jar are
// not used: redirects are never followed, and the service sets no cookies. A nil Transport is
// http.DefaultTransport, as it is at the time of each request. If not set, the client has a transport of
// its own, which keeps connections for 8 seconds, heeds the proxy environment variables and speaks HTTP/1.1.
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

// WithRetryPolicy tunes retries and timeouts. If not set, the defaults of RetryPolicy hold.
func WithRetryPolicy(p RetryPolicy) Option {
	return func(c *config) error {
		var err error
		c.policy, err = p.withDefaults()
		return err
	}
}

// WithLimiter asks l before every attempt, retries too. An error of l ends the call. If not set, nothing
// limits the rate; the service's limits are not documented.
func WithLimiter(l Limiter) Option {
	return func(c *config) error {
		if l != nil {
			c.limiter = l
		}
		return nil
	}
}

// WithLogger logs each attempt at level Debug (operation, attempt, status, code, request id, delay), and at
// level Warn a clock that differs from the service's, dates that do not parse, and a Watcher that may not list
// jobs. No secret is logged. If not set, nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l != nil {
			c.logger = l
		}
		return nil
	}
}

// WithUserAgent appends product, such as "myservice/1.4", to the User-Agent header. If not set, the header
// names this package, its version and Go's.
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
