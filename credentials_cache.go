package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	cacheFresh   = 60 * time.Second  // the age from which credentials are refreshed in the background
	cacheUsable  = 150 * time.Second // the age until which they are served; session credentials last 180 s or more
	refreshPause = 5 * time.Second   // the pause after a background refresh that failed
)

// cachedCredentials makes a provider of a fetch function that may block, and must not run concurrently. refused tells
// it that the service has refused the credentials that it returned last.
type cachedCredentials struct {
	fetch func(refused bool) (Credentials, error)

	mu        sync.Mutex
	current   func() Credentials // nil: none; a function, so that printing shows an address
	fetched   time.Time          // when the fetch of current began
	rejected  bool               // the service refused credentials since the last fetch began
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

func newCachedCredentials(fetch func(refused bool) (Credentials, error)) *cachedCredentials {
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
	c.mu.Lock()
	began, refused := time.Now(), c.rejected
	c.rejected = false
	c.mu.Unlock()
	creds, err := Credentials{}, errors.New("the credentials lookup ended its goroutine")
	defer func() { c.finish(fetch, began, creds, err) }() // deferred: a provider may call runtime.Goexit
	creds, err = c.fetch(refused)
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
		c.current, c.rejected = nil, true
		if c.running != nil {
			c.running.stale = true
		}
	}
}
