package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// A lookup takes no context. A caller whose context ends stops waiting for it, and the next caller waits on.
func TestBlockedLookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) { <-release; return numbered(n) }}
		provider := FromCredential(source)

		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := provider.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("error %v after %v, want the context's after 1s", err, time.Since(began))
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := provider.Credentials(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		time.AfterFunc(time.Hour, func() { close(release) })
		wantID(t, provider, "id 1")
		source.want(t, 1)
	})
}

func TestLookupsAreSingle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			time.Sleep(time.Second) // of the bubble's clock
			return numbered(n)
		}}
		provider := FromCredential(source)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { wantID(t, provider, "id 1") })
		}
		group.Wait()
		source.want(t, 1)
	})
}

func TestCredentialsAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) { time.Sleep(took); return numbered(n) }}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		time.Sleep(60*time.Second - 1)
		wantID(t, provider, "id 1")
		synctest.Wait()
		source.want(t, 1)

		time.Sleep(time.Nanosecond) // 60 s old: served at once, and refreshed in the background
		took = 10 * time.Second
		before := time.Now()
		wantID(t, provider, "id 1")
		if waited := time.Since(before); waited != 0 {
			t.Errorf("a caller waits %v for a background lookup", waited)
		}
		synctest.Wait()
		source.want(t, 2)
		wantID(t, provider, "id 1")
		source.want(t, 2)
		time.Sleep(took)
		synctest.Wait()
		wantID(t, provider, "id 2")

		// The age counts from the beginning of the lookup, whose result may be as old as that.
		time.Sleep(50 * time.Second)
		wantID(t, provider, "id 2")
		synctest.Wait()
		source.want(t, 3)
		time.Sleep(took)
		synctest.Wait()
		wantID(t, provider, "id 3")

		// After 150 s without a call, the next one waits for fresh credentials.
		time.Sleep(150*time.Second - took)
		before = time.Now()
		wantID(t, provider, "id 4")
		if waited := time.Since(before); waited != took {
			t.Errorf("a caller waited %v for fresh credentials, want %v", waited, took)
		}
	})
}

func TestStaleCredentialsAreServedFor150Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			if n > 1 {
				<-release
			}
			return numbered(n)
		}}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		time.Sleep(100 * time.Second)
		wantID(t, provider, "id 1") // starts a background lookup that gets stuck
		time.Sleep(50*time.Second - 1)
		wantID(t, provider, "id 1")
		time.Sleep(time.Nanosecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := provider.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v after 150 s, want the context's error", got, err)
		}
		close(release)
		wantID(t, provider, "id 2")
		source.want(t, 2)
	})
}

func TestFailedRefreshFailsNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		working := true
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			if !working {
				return nil, errors.New("metadata server is down")
			}
			return numbered(n)
		}}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		working = false
		time.Sleep(60 * time.Second)
		for range 1000 { // a busy caller
			wantID(t, provider, "id 1")
			synctest.Wait()
		}
		source.want(t, 2)
		for range 89 { // until just before the 150 s
			time.Sleep(time.Second)
			wantID(t, provider, "id 1")
			synctest.Wait()
		}
		if n := source.count.Load(); n < 10 || n > 20 {
			t.Errorf("%d lookups in 90 s of failure, want one every 5 s or so", n)
		}
		time.Sleep(time.Second)
		if got, err := provider.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), "metadata server is down") {
			t.Errorf("%v, %v after 150 s, want the lookup's error", got, err)
		}
		working = true
		wantID(t, provider, fmt.Sprint("id ", source.count.Load()+1))
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			if n == 2 {
				return nil, errors.New("once")
			}
			return numbered(n)
		}}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		time.Sleep(time.Minute)
		wantID(t, provider, "id 1")
		synctest.Wait() // lookup 2 has failed
		time.Sleep(6 * time.Second)
		wantID(t, provider, "id 1")
		synctest.Wait()
		wantID(t, provider, "id 3")
	})
}

func TestRefusedCredentialsAreRefetched(t *testing.T) {
	t.Parallel()
	source := &lookups{answer: numbered}
	provider := FromCredential(source).(credentialsRejecter)
	current := func() CredentialsProvider { return provider.(CredentialsProvider) }
	provider.refused(Credentials{}) // before there are any
	wantID(t, current(), "id 1")
	provider.refused(Credentials{"another id", "secret", ""})
	wantID(t, current(), "id 1")
	provider.refused(Credentials{"id 1", "another secret", ""})
	wantID(t, current(), "id 1")
	source.want(t, 1)
	provider.refused(Credentials{"id 1", "secret", ""})
	wantID(t, current(), "id 2")
	source.want(t, 2)
	provider.refused(Credentials{"id 1", "secret", ""}) // late
	wantID(t, current(), "id 2")
	source.want(t, 2)
}

// refusedDuringALookup returns a provider whose credentials the service refused during its second lookup. get is the
// third lookup.
func refusedDuringALookup(t *testing.T, get func() (*credentials.CredentialModel, error)) (CredentialsProvider, *lookups) {
	t.Helper()
	source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
		switch n {
		case 2:
			time.Sleep(time.Second) // of the bubble's clock
		case 3:
			return get()
		}
		return numbered(1) // whose key has not changed
	}}
	provider := FromCredential(source)
	wantID(t, provider, "id 1")
	time.Sleep(cacheFresh)
	wantID(t, provider, "id 1") // starts the second lookup
	time.Sleep(time.Second / 2)
	provider.(credentialsRejecter).refused(Credentials{"id 1", "secret", ""})
	return provider, source
}

// The credentials of a lookup that began before the refusal may be those that were refused.
func TestRefusedDuringALookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider, source := refusedDuringALookup(t, func() (*credentials.CredentialModel, error) { return numbered(3) })
		for range 2 {
			wantID(t, provider, "id 3")
		}
		source.want(t, 3)
	})
}

// A lookup that ends its goroutine, as t.FailNow does in a fake, is an error, even if it is the second of one fetch.
func TestGoexitInTheSecondLookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider, source := refusedDuringALookup(t, func() (*credentials.CredentialModel, error) { runtime.Goexit(); return nil, nil })
		if got, err := provider.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), "ended its goroutine") {
			t.Errorf("got %v, %v", got, err)
		}
		source.want(t, 3)
		wantID(t, provider, "id 1") // the next lookup
	})
}
