package livetranscode

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
)

// wantOptionError checks that NewClient returns the *ParamError of an option, and no client.
func wantOptionError(t *testing.T, opt Option, operation, field string) error {
	t.Helper()
	client, err := NewClient(opt)
	var refused *ParamError
	if !errors.As(err, &refused) || refused.Operation != operation || refused.Field != field || client != nil {
		t.Fatalf("client %v, error %v, want a *ParamError of %s about %s", client, err, operation, field)
	}
	if !errors.Is(err, ErrInvalidRequest) {
		t.Errorf("%v is not ErrInvalidRequest", err)
	}
	return err
}

func mustClient(t *testing.T, opts ...Option) *Client {
	t.Helper()
	client, err := NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type nullLimiter struct{}

func (nullLimiter) Wait(context.Context) error { return nil }

// A nil option and an option made from nil are ignored: they neither fail nor undo an earlier one.
func TestNilOptions(t *testing.T) {
	t.Parallel()
	nils := []Option{
		nil, WithHTTPClient(nil), WithLogger(nil), WithUserAgent(""),
		WithLimiter(nil), WithLimiter((*rate.Limiter)(nil)), WithLimiter(limiterFunc(nil)), WithLimiter((*nullLimiter)(nil)),
	}
	plain, bare := mustClient(t), mustClient(t, nils...)
	if bare.provider == nil || bare.sender.client == nil || bare.limiter != nil || bare.logger == nil {
		t.Errorf("the client is not that of no options: %+v", bare.policy)
	}
	if diff := cmp.Diff(plain.newHeader("Get"), bare.newHeader("Get")); diff != "" {
		t.Error(diff)
	}
	bare.logger.Error("is discarded")

	provider, transport, logger := new(cachedCredentials), new(http.Transport), slog.New(slog.NewTextHandler(io.Discard, nil))
	set := []Option{
		WithCredentials(provider), WithHTTPClient(&http.Client{Transport: transport}), WithLimiter(nullLimiter{}), WithLogger(logger), WithUserAgent("x/1"),
	}
	kept := mustClient(t, append(set, nils...)...)
	if kept.provider != CredentialsProvider(provider) || kept.sender.client.Transport != http.RoundTripper(transport) ||
		kept.limiter != Limiter(nullLimiter{}) || kept.logger != logger || !strings.HasSuffix(kept.userAgent, " x/1") {
		t.Error("a nil option undoes an earlier one")
	}
}

// A client with a nil provider must not use the default chain: that may be another identity.
func TestWithCredentialsRefusesNil(t *testing.T) {
	t.Parallel()
	for name, provider := range map[string]CredentialsProvider{
		"nil": nil, "nil function": CredentialsFunc(nil), "nil pointer": (*cachedCredentials)(nil), "nil pointer to a value": (*providerValue)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantOptionError(t, WithCredentials(provider), "WithCredentials", "provider")
			if _, err := NewClient(WithCredentials(provider), WithCredentials(StaticCredentials("id", "secret", ""))); err == nil {
				t.Error("a later option hides the mistake")
			}
		})
	}
	mustClient(t, WithCredentials(providerValue{}), WithCredentials(&providerValue{}), WithCredentials(providerMap(nil)))
}

type providerValue struct{}

func (providerValue) Credentials(context.Context) (Credentials, error) { return Credentials{}, nil }

type providerMap map[string]string

func (m providerMap) Credentials(context.Context) (Credentials, error) {
	return Credentials{AccessKeyID: m["id"], AccessKeySecret: m["secret"]}, nil
}

func TestWithRetryPolicy(t *testing.T) {
	t.Parallel()
	defaults := RetryPolicy{MaxAttempts: 3, BaseDelay: 100 * time.Millisecond, MaxDelay: 20 * time.Second, AttemptTimeout: 30 * time.Second}
	full := RetryPolicy{MaxAttempts: 7, BaseDelay: 1, MaxDelay: 2, AttemptTimeout: 3}
	for _, test := range []struct {
		name string
		opts []Option
		want RetryPolicy
	}{
		{"not set", nil, defaults},
		{"zero", []Option{WithRetryPolicy(RetryPolicy{})}, defaults},
		{"full", []Option{WithRetryPolicy(full)}, full},
		{"one field", []Option{WithRetryPolicy(RetryPolicy{MaxAttempts: 1})}, RetryPolicy{1, defaults.BaseDelay, defaults.MaxDelay, defaults.AttemptTimeout}},
		{"the last one wins", []Option{WithRetryPolicy(full), WithRetryPolicy(RetryPolicy{})}, defaults},
	} {
		if diff := cmp.Diff(test.want, mustClient(t, test.opts...).policy); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
	for field, policy := range map[string]RetryPolicy{
		"MaxAttempts":    {MaxAttempts: -1},
		"BaseDelay":      {BaseDelay: -1},
		"MaxDelay":       {MaxDelay: -1},
		"AttemptTimeout": {AttemptTimeout: -1},
	} {
		wantOptionError(t, WithRetryPolicy(policy), "WithRetryPolicy", field)
	}
}

func TestWithUserAgent(t *testing.T) {
	t.Parallel()
	script := newScript(respond(http.StatusOK, documentedJob))
	if err := getJob(t.Context(), clientOver(t, script, WithUserAgent("one/1"), WithUserAgent("two/2 (é)"))); err != nil {
		t.Fatal(err)
	}
	sent := script.requests(t)[0].header["User-Agent"]
	if len(sent) != 1 || !strings.HasPrefix(sent[0], "livetranscode-go/"+version+" (") || !strings.HasSuffix(sent[0], " one/1 two/2 (é)") {
		t.Errorf("User-Agent %q", sent)
	}
	for _, product := range []string{"a\r\nX: y", "a\n", "\x00", "a\tb", "\x7f"} {
		wantOptionError(t, WithUserAgent(product), "WithUserAgent", "product")
	}
}

// unusedJar fails the test if it is used.
type unusedJar struct{ t *testing.T }

func (j unusedJar) SetCookies(*url.URL, []*http.Cookie) { j.t.Error("cookies are stored") }

func (j unusedJar) Cookies(*url.URL) []*http.Cookie { j.t.Error("cookies are sent"); return nil }

func TestWithHTTPClient(t *testing.T) {
	t.Parallel()
	script := newScript(respond(http.StatusOK, documentedJob))
	hc := &http.Client{
		Transport: script, Timeout: 7 * time.Second, Jar: unusedJar{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { t.Error("CheckRedirect is called"); return nil },
	}
	client := mustClient(t, WithCredentials(StaticCredentials("id", "secret", "")), WithHTTPClient(hc))
	if client.policy.AttemptTimeout != 7*time.Second {
		t.Errorf("AttemptTimeout %v, want the client's Timeout", client.policy.AttemptTimeout)
	}
	if hc.Transport == nil || hc.Timeout != 7*time.Second || hc.Jar != http.CookieJar(unusedJar{t}) || hc.CheckRedirect == nil {
		t.Errorf("the caller's client was changed: %+v", hc)
	}

	// The caller may change its client afterwards.
	hc.Transport = failWith(errors.New("the caller's client is used"))
	if err := getJob(t.Context(), client); err != nil {
		t.Error(err)
	}
	script.wantRequests(t, 1)
}

func TestHTTPClientTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ client, policy, want time.Duration }{
		{0, 0, 30 * time.Second},
		{time.Second, 0, time.Second},
		{time.Minute, 0, 30 * time.Second},
		{time.Minute, 2 * time.Minute, time.Minute},
		{0, time.Second, time.Second},
	} {
		hc, policy := WithHTTPClient(&http.Client{Timeout: test.client}), WithRetryPolicy(RetryPolicy{AttemptTimeout: test.policy})
		for _, opts := range [][]Option{{hc, policy}, {policy, hc}} {
			if got := mustClient(t, opts...).policy.AttemptTimeout; got != test.want {
				t.Errorf("Timeout %v, AttemptTimeout %v: %v, want %v", test.client, test.policy, got, test.want)
			}
		}
	}
	wantOptionError(t, WithHTTPClient(&http.Client{Timeout: -1}), "WithHTTPClient", "Timeout")
}

// Following a redirect would send the token to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	script := newScript(respond(http.StatusTemporaryRedirect, "", "Location", "https://elsewhere.example/"))
	err := getJob(t.Context(), clientOver(t, script))
	if !errors.Is(err, ErrBadResponse) {
		t.Errorf("error %v, want ErrBadResponse", err)
	}
	script.wantRequests(t, 1)
}

func TestOptionErrorsComeFirst(t *testing.T) {
	t.Parallel()
	want := errors.New("mine")
	if client, err := NewClient(WithUserAgent("x"), func(*config) error { return want }, WithRegion("nowhere")); !errors.Is(err, want) || client != nil {
		t.Errorf("client %v, error %v, want the first option's", client, err)
	}
}

// NewClient must not write into a slice of options that the caller keeps.
func TestOptionsAreNotChanged(t *testing.T) {
	t.Parallel()
	opts := make([]Option, 1, 8)
	opts[0] = WithRegion("cn-beijing")
	mustClient(t, opts...)
	for i, opt := range opts[:cap(opts)] {
		if (opt != nil) != (i == 0) {
			t.Errorf("option %d was changed", i)
		}
	}
}
