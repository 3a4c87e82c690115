package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/go-json-experiment/json"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// Credentials are what a request is signed with: an access key pair and, if they are temporary, the security
// token that belongs to it.
//
// The secret and the token are redacted by package fmt with every verb but %p, by log/slog, and in JSON, XML and
// text. One case cannot be redacted: package fmt calls no method of a value in an unexported field, so that %v of
// a struct with a Credentials in such a field prints the secret. Store a [CredentialsProvider] there instead.
type Credentials struct {
	// AccessKeyID identifies the key. It is not secret.
	AccessKeyID string
	// AccessKeySecret is the key that signs requests.
	AccessKeySecret string
	// SecurityToken is the token of temporary credentials (STS), empty for permanent ones.
	SecurityToken string
}

// Format implements [fmt.Formatter]. It prints the id and redacts the rest.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.redacted()) }

// MarshalJSON encodes the id and redacts the rest. The result cannot be decoded.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

// MarshalText encodes the id and redacts the rest.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.redacted()), nil }

// LogValue implements [slog.LogValuer]. It shows the id and redacts the rest.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

func (c Credentials) redacted() string {
	s := "AccessKeyID=" + c.AccessKeyID
	if c.AccessKeySecret != "" {
		s += " AccessKeySecret=[redacted]"
	}
	if c.SecurityToken != "" {
		s += " SecurityToken=[redacted]"
	}
	return "Credentials{" + s + "}"
}

// CredentialsProvider supplies the credentials of requests. A [Client] calls it before every attempt, so that
// credentials may change at any time. It must be safe for concurrent use.
type CredentialsProvider interface {
	// Credentials returns the current credentials. It should return as soon as ctx ends.
	Credentials(ctx context.Context) (Credentials, error)
}

// CredentialsFunc is an adapter that makes a function a [CredentialsProvider].
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// Credentials calls f(ctx).
func (f CredentialsFunc) Credentials(ctx context.Context) (Credentials, error) { return f(ctx) }

// StaticCredentials returns a provider that always returns the given key. securityToken is empty for a permanent
// key.
func StaticCredentials(accessKeyID, accessKeySecret, securityToken string) CredentialsProvider {
	// A function, so that printing a value that holds the provider shows an address and no secret.
	return CredentialsFunc(func(context.Context) (Credentials, error) {
		return Credentials{accessKeyID, accessKeySecret, securityToken}, nil
	})
}

// DefaultCredentials returns a provider that searches the default chain of github.com/aliyun/credentials-go: the
// environment variables ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and
// ALIBABA_CLOUD_SECURITY_TOKEN, OIDC, the profile of the command line tool, the credentials file, the RAM role of
// the instance, and the credentials URI, in this order. Its error is [ErrNoCredentials] if the chain has never
// had credentials. After a failure the chain is rebuilt. Caching and errors are those of [FromCredential].
func DefaultCredentials() CredentialsProvider {
	var chain credentials.Credential
	found := false
	return newCachedCredentials(func() (Credentials, error) { // one call at a time
		creds, err := lookUp(func() (_ *credentials.CredentialModel, err error) {
			if chain == nil {
				if chain, err = credentials.NewCredential(nil); err != nil {
					return nil, err
				}
			}
			return chain.GetCredential()
		})
		if err == nil {
			found = true
			return creds, nil
		}
		chain = nil // a chain that has failed never leaves its last provider
		if found {  // a failing source is not a missing one
			return Credentials{}, err
		}
		return Credentials{}, fmt.Errorf("%w: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET "+
			"(and ALIBABA_CLOUD_SECURITY_TOKEN for temporary ones), or configure another source: %s",
			ErrNoCredentials, redact.Abbreviate(err.Error(), 256))
	})
}

// FromCredential returns a provider that wraps c, a credential of github.com/aliyun/credentials-go, and makes it
// safe for concurrent use: c is called by one goroutine at a time, a caller whose ctx ends returns at once, and the
// next caller waits for the lookup that is still running.
//
// Credentials are cached. After 60 s they are refreshed in the background, and served until they are 150 s old, so
// that a lookup may fail now and then without failing a call. Credentials that the service has refused are
// looked up again before the next attempt.
//
// A panic of c is an error. Error texts are redacted and truncated to 512 bytes; errors.Is and errors.As do not
// find the error that c returned. The error is [ErrNoCredentials] if c is nil.
//
// Nothing else may use c, which is not safe for concurrent use.
func FromCredential(c credentials.Credential) CredentialsProvider {
	return newCachedCredentials(func() (Credentials, error) {
		if c == nil {
			return Credentials{}, fmt.Errorf("%w: the credential is nil", ErrNoCredentials)
		}
		return lookUp(c.GetCredential)
	})
}

// lookUp calls get, and returns its panics and incomplete results as errors, too.
func lookUp(get func() (*credentials.CredentialModel, error)) (creds Credentials, err error) {
	defer func() {
		if r := recover(); r != nil {
			creds, err = Credentials{}, errors.New("the credentials lookup panicked: "+providerText(fmt.Sprint(r)))
		}
	}()
	model, err := get()
	if err != nil {
		return Credentials{}, errors.New("the credentials lookup failed: " + providerText(err.Error()))
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	if model != nil {
		creds = Credentials{text(model.AccessKeyId), text(model.AccessKeySecret), text(model.SecurityToken)}
	}
	if creds.AccessKeyID == "" || creds.AccessKeySecret == "" {
		return Credentials{}, errors.New("the credentials lookup returned no access key")
	}
	return creds, nil
}

// providerText redacts the text of an error of credentials-go, which can contain whole responses and files: it
// keeps what comes before the first of them, without what looks like a key.
func providerText(text string) string {
	for i := range len(text) {
		if c := text[i]; c == '{' || c == '<' || c == '\n' || c == '\r' {
			text = text[:i] + "..."
			break
		}
	}
	return redact.Abbreviate(redact.Opaque(redact.Text(text)), 512)
}

const (
	cacheFresh   = 60 * time.Second  // the age from which credentials are refreshed in the background
	cacheUsable  = 150 * time.Second // the age until which they are served; session credentials last 180 s or more
	refreshPause = 5 * time.Second   // the pause after a background refresh that failed
)

// cachedCredentials makes a provider of a fetch function that may block, and must not run concurrently.
type cachedCredentials struct {
	fetch func() (Credentials, error)

	mu        sync.Mutex
	current   func() Credentials // nil: none; a function, so that printing shows an address
	fetched   time.Time          // when the fetch of current began
	notBefore time.Time          // of the next background refresh
	running   *credentialsFetch  // nil: none
}

// credentialsFetch is a fetch that callers wait for.
type credentialsFetch struct {
	stale bool          // the service refused credentials after it began; guarded by cachedCredentials.mu
	done  chan struct{} // closed when the fields below are set
	creds func() Credentials
	err   error
}

func newCachedCredentials(fetch func() (Credentials, error)) *cachedCredentials {
	return &cachedCredentials{fetch: fetch}
}

// Credentials implements [CredentialsProvider].
func (c *cachedCredentials) Credentials(ctx context.Context) (Credentials, error) {
	c.mu.Lock()
	now := time.Now()
	if c.current != nil && now.Sub(c.fetched) < cacheUsable {
		creds := c.current()
		if now.Sub(c.fetched) >= cacheFresh && now.After(c.notBefore) {
			c.start()
		}
		c.mu.Unlock()
		return creds, nil
	}
	fetch := c.start()
	c.mu.Unlock()

	select {
	case <-fetch.done:
	case <-ctx.Done():
		return Credentials{}, ctx.Err()
	}
	if fetch.err != nil {
		return Credentials{}, fetch.err
	}
	return fetch.creds(), nil
}

// start returns the running fetch, and begins one if there is none. c.mu is held.
func (c *cachedCredentials) start() *credentialsFetch {
	if c.running == nil {
		c.running = &credentialsFetch{done: make(chan struct{})}
		go c.run(c.running)
	}
	return c.running
}

// run calls fetch once.
func (c *cachedCredentials) run(fetch *credentialsFetch) {
	began := time.Now()
	creds, err := Credentials{}, errors.New("the credentials lookup ended its goroutine")
	defer func() { c.finish(fetch, began, creds, err) }() // deferred: a provider may call runtime.Goexit
	creds, err = c.fetch()
}

// finish stores the result of a fetch and releases those who wait for it.
func (c *cachedCredentials) finish(fetch *credentialsFetch, began time.Time, creds Credentials, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fetch.stale && err == nil { // these may be the credentials that were refused: fetch again
		fetch.stale = false
		go c.run(fetch)
		return
	}
	if fetch.err = err; err == nil {
		fetch.creds = func() Credentials { return creds }
		c.current, c.fetched = fetch.creds, began
	} else {
		c.notBefore = time.Now().Add(refreshPause)
	}
	c.running = nil
	close(fetch.done)
}

// Format implements [fmt.Formatter]. It prints no credentials.
func (c *cachedCredentials) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "livetranscode.CredentialsProvider")
}

// refused drops the cached credentials if they are those that the service refused.
func (c *cachedCredentials) refused(creds Credentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.current() == creds {
		c.current = nil
		if c.running != nil {
			c.running.stale = true
		}
	}
}
