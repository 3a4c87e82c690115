package livetranscode

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/google/go-querystring/query"
)

// version is this package's, for the User-Agent header.
const version = "0.1.0"

// apiVersion is the version of the service's API.
const apiVersion = "2020-11-09"

// A Client calls the live transcoding operations of Alibaba Cloud Intelligent Media Services. Create one with
// NewClient and share it: it is safe for concurrent use, and keeps connections, retry quota and clock for all
// its callers. It needs no closing.
type Client struct {
	template  *http.Request // of every attempt: all but the query, the action and the signature
	provider  CredentialsProvider
	transport func() http.RoundTripper
	closeIdle func()
	policy    RetryPolicy
	limiter   Limiter
	logger    *slog.Logger

	signer Signer
	quota  quota
	clock  atomic.Int64 // nanoseconds that the service's clock is ahead of the machine's
}

// NewClient returns a client. It does no I/O. Without options it calls the endpoint of cn-shanghai with
// DefaultCredentials. An option that cannot be used is a *ParamError.
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
			URL: &url.URL{Scheme: cfg.endpoint.Scheme, Host: cfg.endpoint.Host, Path: "/"}, Host: cfg.endpoint.Host, Body: http.NoBody,
			Header: http.Header{"Accept": {"application/json"}, "User-Agent": {cfg.userAgent}, headerVersion: {apiVersion}},
		},
		provider: cfg.provider,
		policy:   cfg.policy,
		limiter:  cfg.limiter,
		logger:   cfg.logger,
	}
	if hc := cfg.httpClient; hc != nil {
		c.closeIdle = hc.CloseIdleConnections
		c.transport = func() http.RoundTripper {
			if hc.Transport == nil {
				return http.DefaultTransport
			}
			return hc.Transport
		}
		if hc.Timeout > 0 {
			c.policy.AttemptTimeout = min(c.policy.AttemptTimeout, hc.Timeout)
		}
	} else {
		own := newTransport()
		c.closeIdle = own.CloseIdleConnections
		c.transport = func() http.RoundTripper { return own }
	}
	return c, nil
}

// newTransport returns the transport of a client that was not given one. HTTP/2 stays off: all calls would
// share one connection, and a stalled one would hold up all of them until their timeouts.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		TLSClientConfig:        &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        8 * time.Second, // the gateway closes at about 10 s: be first
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// CloseIdleConnections closes the connections that no call is using. The client stays usable.
func (c *Client) CloseIdleConnections() { c.closeIdle() }

// Format implements fmt.Formatter. For every verb it prints the endpoint, and nothing of the credentials.
func (c *Client) Format(f fmt.State, _ rune) {
	if c == nil {
		fmt.Fprint(f, "livetranscode.Client(nil)")
		return
	}
	fmt.Fprintf(f, "livetranscode.Client(%s://%s)", c.template.URL.Scheme, c.template.Host)
}

// An operation is what a call needs to know of the operation that it calls.
type operation struct {
	name   string
	action []string // the value of x-acs-action
	once   bool     // not idempotent: sent again only if it surely was not carried out
}

func repeatable(name string) *operation { return &operation{name: name, action: []string{name}} }
func notRepeatable(name string) *operation {
	return &operation{name: name, action: []string{name}, once: true}
}

// params is what the parameters of an operation can do: name a field that is invalid, and why. Their
// query is made by go-querystring.
type params interface {
	check() (field, reason string)
}

// call carries out one operation: it checks and encodes the parameters, sends the request until it succeeds
// or is not worth another try, and decodes the answer into out.
func (c *Client) call(ctx context.Context, op *operation, in params, out answer) error {
	if field, reason := in.check(); field != "" {
		return &ParamError{Operation: op.name, Field: field, Reason: reason}
	}
	values, err := query.Values(in)
	if err != nil {
		return &ParamError{Operation: op.name, Field: "request", Reason: "cannot be encoded: " + err.Error()}
	}
	try := &try{client: c, op: op, query: encodeQuery(values)}
	for {
		reply, failed := try.attempt(ctx)
		if failed == nil {
			return try.decode(ctx, reply, out)
		}
		if err := try.again(ctx, failed); err != nil {
			return err
		}
	}
}

// attempt sends the request once, with a date, nonce and credentials of its own.
func (t *try) attempt(ctx context.Context) (*reply, *failure) {
	if err := t.wait(ctx); err != nil {
		return nil, t.local(ctx, err)
	}
	attemptCtx, cancel := context.WithTimeout(ctx, t.client.policy.AttemptTimeout)
	defer cancel()
	if err := t.authorize(attemptCtx); err != nil {
		return nil, t.local(ctx, err)
	}
	req, written := t.newRequest(attemptCtx)
	if err := t.sign(req); err != nil {
		return nil, t.local(ctx, err)
	}
	t.req = req
	resp, err := t.send(req)
	if err != nil {
		return nil, t.unanswered(ctx, err, written)
	}
	reply, err := read(resp)
	return t.classify(ctx, resp, reply, err)
}

// wait asks the limiter.
func (t *try) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.client.limiter == nil {
		return nil
	}
	return t.client.limiter.Wait(ctx)
}

// errSameCredentials ends a call whose credentials were refused and then offered again.
var errSameCredentials = errors.New("the provider returned the refused credentials again")

// authorize asks for the credentials of this attempt.
func (t *try) authorize(ctx context.Context) error {
	creds, err := t.client.provider.Credentials(ctx)
	switch {
	case err != nil && isContextError(err):
		return fmt.Errorf("no credentials in %v: %w", t.client.policy.AttemptTimeout, err)
	case err != nil:
		return err
	case creds.AccessKeyID == "" || creds.AccessKeySecret == "":
		return fmt.Errorf("%w: the provider returned an empty access key", ErrNoCredentials)
	case t.refetched && creds == t.refused:
		return errSameCredentials
	}
	t.creds = creds
	return nil
}

// newRequest returns the request of one attempt, not yet signed. If the operation must not be repeated
// blindly, its headers' way to the network is traced.
func (t *try) newRequest(ctx context.Context) (*http.Request, *writeTrace) {
	var written *writeTrace
	if t.op.once {
		ctx, written = traceWrite(ctx)
	}
	req := t.client.template.WithContext(ctx)
	u := *req.URL // its query comes with the signature
	req.URL = &u
	req.Header = maps.Clone(req.Header)
	req.Header[headerAction] = t.op.action
	return req, written
}

// sign signs the request with the service's time, as far as it is known.
func (t *try) sign(req *http.Request) error {
	t.clock = time.Duration(t.client.clock.Load())
	t.started = time.Now()
	err := t.client.signer.sign(req, t.query, emptyHash, t.creds, t.started.Add(t.clock), rand.Text())
	if err != nil {
		var refused *ParamError
		if errors.As(err, &refused) {
			refused.Operation = t.op.name
		}
	}
	return err
}

// send hands the request to the transport, and guards against transports that break their contract.
func (t *try) send(req *http.Request) (*http.Response, error) {
	t.sent++
	t.spent, t.cost = t.spent+t.cost, 0
	resp, err := t.client.transport().RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}
