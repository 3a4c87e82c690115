package livetranscode

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestRetryQuota checks that retries stop when there are too many of them, and that first attempts never do.
func TestRetryQuota(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next  step
		calls int // whose retry fits into the quota
	}{
		"server error": {respondError(500, "InternalError"), 100},
		"throttled":    {respondError(400, "Throttling"), 100},
		"network":      {failWith(io.EOF), 100},
		"timed out":    {block, 50},
		"half a body":  {respondThenBlock(200, "{"), 50},
		"timeout":      {failWith(timeoutError{}), 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.next)
				c := clientOver(t, rt, attempts(2))
				// callsThatSend makes calls and checks how many requests each sends.
				callsThatSend := func(n, calls int, next step) {
					t.Helper()
					rt.steps = []step{next}
					for i := range calls {
						before, start := len(rt.requests(t)), time.Now()
						getJob(t.Context(), c)
						if got := len(rt.requests(t)) - before; got != n {
							t.Fatalf("call %d of %d sent %d requests, want %d", i+1, calls, got, n)
						}
						if got := time.Since(start); n == 1 && got > 30*time.Second {
							t.Errorf("a call without a retry took %v", got)
						}
					}
				}
				callsThatSend(2, tt.calls, tt.next)
				callsThatSend(1, 3, tt.next)
				// A success gives back 1, so cost successes pay for a retry.
				cost := quotaSize / tt.calls
				callsThatSend(1, cost-1, success)
				callsThatSend(1, 1, tt.next)
				callsThatSend(1, 1, success)
				callsThatSend(2, 1, tt.next)
			})
		})
	}
	t.Run("a success gives back what its retries took", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := clientOver(t, step(func(req *http.Request) (*http.Response, error) {
				n++
				return []step{success, respondError(500, "InternalError"), failWith(timeoutError{})}[n%3](req)
			}))
			for i := range 200 { // 15 each, if they were not given back
				if err := getJob(t.Context(), c); err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
				if c.quota.used != 0 {
					t.Fatalf("after call %d the quota lacks %d", i, c.quota.used)
				}
			}
		})
	})
	t.Run("a retry that is not sent costs nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			delayed := newScript(respondError(400, "Throttling.User", "X-Acs-Retry-After", "10000"))
			c := clientOver(t, delayed)
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				if err := getJob(ctx, c); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			delayed.wantRequests(t, 200)
			if c.quota.used != 0 {
				t.Errorf("200 retries that were not made cost %d", c.quota.used)
			}

			refused := newScript(respondError(403, "InvalidSecurityToken.Expired"))
			c = clientOver(t, refused, WithCredentials(StaticCredentials("STS.id", testSecret, testToken)))
			for range 100 {
				if err := getJob(t.Context(), c); !errors.Is(err, ErrAuthentication) {
					t.Fatal(err)
				}
			}
			refused.wantRequests(t, 100)
			if c.quota.used != 0 {
				t.Errorf("100 retries without other credentials cost %d", c.quota.used)
			}
		})
	})
	t.Run("never more than full", func(t *testing.T) {
		t.Parallel()
		var q quota
		q.giveBack(1000)
		for i := range 100 {
			if ok, _ := q.take(5); !ok {
				t.Fatalf("the quota is empty after %d", i*5)
			}
		}
		if ok, exhausted := q.take(1); ok || !exhausted {
			t.Error("the quota holds more than 500")
		}
	})
	t.Run("shared by all callers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(respondError(500, "InternalError"))
			c := clientOver(t, rt, attempts(4))
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() { getJob(t.Context(), c) })
			}
			wg.Wait()
			rt.wantRequests(t, 200+100)
		})
	})
}
