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

// Credentials is what a request is signed with: an access key pair, and for temporary credentials the
// security token that belongs to it. However it is printed or encoded (package fmt with any verb but %p and
// %w, which go vet refuses, JSON, text, log/slog), only the id shows; the secret and the token never do.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // empty unless the credentials are temporary (STS)
}

// Format implements fmt.Formatter. It prints the id and hides the rest.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.redacted()) }

// MarshalJSON encodes the id and hides the rest. The result is for reading: it cannot be turned back.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

// MarshalText encodes the id and hides the rest.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.redacted()), nil }

// LogValue implements slog.LogValuer. It shows the id and hides the rest.
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

// CredentialsProvider supplies the credentials of each request. A Client asks it before every attempt, so
// credentials may change at any time. It must be safe for concurrent use, and should return when ctx ends.
type CredentialsProvider interface {
	Credentials(ctx context.Context) (Credentials, error)
}

// CredentialsFunc is a function that is a CredentialsProvider.
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// Credentials calls f.
func (f CredentialsFunc) Credentials(ctx context.Context) (Credentials, error) { return f(ctx) }

// StaticCredentials returns a provider of one key that does not change. securityToken is empty unless the
// key is a temporary one.
func StaticCredentials(accessKeyID, accessKeySecret, securityToken string) CredentialsProvider {
	// A function, so that printing a value that holds the provider shows an address and no secret.
	return CredentialsFunc(func(context.Context) (Credentials, error) {
		return Credentials{accessKeyID, accessKeySecret, securityToken}, nil
	})
}

// DefaultCredentials returns a provider over the default chain of github.com/aliyun/credentials-go: the
// environment variables ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and
// ALIBABA_CLOUD_SECURITY_TOKEN, then OIDC, the command line tool's profile, the credentials file, the
// instance's RAM role, and the credentials URI. If none of them ever had credentials, its error is
// ErrNoCredentials. After a failure the chain is built anew. Otherwise it behaves as FromCredential says.
func DefaultCredentials() CredentialsProvider {
	var chain credentials.Credential
	found := false
	return newCachedCredentials(func() (Credentials, error) { // one at a time
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
		chain = nil // a chain that has failed stays with its last provider
		if found {  // a source that has worked is in trouble, which is not the lack of one
			return Credentials{}, err
		}
		return Credentials{}, fmt.Errorf("%w: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET "+
			"(and ALIBABA_CLOUD_SECURITY_TOKEN for temporary ones), or configure another source: %s", ErrNoCredentials, redact.Abbreviate(err.Error(), 256))
	})
}

// FromCredential returns a provider over a credential of github.com/aliyun/credentials-go, and makes it safe
// to share: there is one lookup at a time, a caller whose ctx ends does not wait for it, and the next caller
// joins it. Credentials are kept for 60 s, then looked up again in the background and served until they are
// 150 s old, so that a lookup that fails now and then is not felt; once the service has refused them, they
// are looked up anew before the next attempt. A panic of c is an error. The text of an error is scrubbed and
// cut to 512 bytes, and its chain does not reach the error of c. A nil c is ErrNoCredentials.
//
// c must not be used by anything else at the same time: it is not safe for that.
func FromCredential(c credentials.Credential) CredentialsProvider {
	return newCachedCredentials(func() (Credentials, error) {
		if c == nil {
			return Credentials{}, fmt.Errorf("%w: the credential is nil", ErrNoCredentials)
		}
		return lookUp(c.GetCredential)
	})
}

// lookUp calls get, and turns all that credentials-go can do wrong into an error that can be shown.
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

// providerText returns what may be shown of an error of credentials-go, which can hold whole answers and
// files: the beginning, up to where such a thing starts, without what looks like a key.
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
	cacheFresh   = 60 * time.Second  // credentials this young are served as they are
	cacheUsable  = 150 * time.Second // those this young while others are fetched; STS leaves 180 s at least
	refreshPause = 5 * time.Second   // after a background fetch that failed
)

// cachedCredentials makes a fetch that blocks, and that only one caller may run, into a provider.
type cachedCredentials struct {
	fetch func() (Credentials, error)

	mu      sync.Mutex
	current func() Credentials // nil: none; a function, so that printing shows an address
	fetched time.Time          // when the fetch of current began
	pause   time.Time          // no background fetch before
	running *credentialsFetch  // nil: none
}

// credentialsFetch is one run of fetch.
type credentialsFetch struct {
	stale bool          // begun before the service refused the credentials; guarded by the mutex
	done  chan struct{} // closed when the rest is set
	creds func() Credentials
	err   error
}

func newCachedCredentials(fetch func() (Credentials, error)) *cachedCredentials {
	return &cachedCredentials{fetch: fetch}
}

// Credentials implements CredentialsProvider.
func (c *cachedCredentials) Credentials(ctx context.Context) (Credentials, error) {
	c.mu.Lock()
	now := time.Now()
	if c.current != nil && now.Sub(c.fetched) < cacheUsable {
		creds := c.current()
		if now.Sub(c.fetched) >= cacheFresh && now.After(c.pause) {
			c.start()
		}
		c.mu.Unlock()
		return creds, nil
	}
	run := c.start()
	c.mu.Unlock()

	select {
	case <-run.done:
	case <-ctx.Done():
		return Credentials{}, ctx.Err()
	}
	if run.err != nil {
		return Credentials{}, run.err
	}
	return run.creds(), nil
}

// start begins a fetch, unless one is under way, and returns it. c.mu is held.
func (c *cachedCredentials) start() *credentialsFetch {
	if c.running == nil {
		c.running = &credentialsFetch{done: make(chan struct{})}
		go c.run(c.running)
	}
	return c.running
}

// run fetches until what it brings was not refused meanwhile, and ends the fetch.
func (c *cachedCredentials) run(run *credentialsFetch) {
	for !c.fetchOnce(run) {
	}
}

func (c *cachedCredentials) fetchOnce(run *credentialsFetch) (done bool) {
	began := time.Now()
	creds, err := Credentials{}, errors.New("the credentials lookup ended its goroutine")
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if run.stale && err == nil { // what it brought may be just what was refused
			run.stale = false
			return
		}
		if done, run.err = true, err; err == nil {
			run.creds = func() Credentials { return creds }
			c.current, c.fetched = run.creds, began
		} else {
			c.pause = time.Now().Add(refreshPause)
		}
		c.running = nil
		close(run.done)
	}()
	creds, err = c.fetch()
	return false
}

// Format implements fmt.Formatter. It prints nothing of what c holds.
func (c *cachedCredentials) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "livetranscode.CredentialsProvider")
}

// refused drops credentials that the service does not accept.
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
