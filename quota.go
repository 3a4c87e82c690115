package livetranscode

import (
	"context"
	"log/slog"
	"sync"
)

const (
	quotaSize        = 500
	retryCost        = 5  // what a retry costs
	timeoutRetryCost = 10 // what it costs after an attempt that timed out
)

// takeQuota takes the cost of a retry from the quota, and reports whether there was enough left.
func (r *retrier) takeQuota(ctx context.Context, f *failure) bool {
	cost := retryCost
	if f.timedOut {
		cost = timeoutRetryCost
	}
	ok, exhausted := r.client.quota.take(cost)
	if exhausted {
		r.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: the retry quota is used up; calls are not retried until others succeed",
			append(r.attrs(), slog.Int("quota", quotaSize), slog.String("error_kind", ErrorKind(f.err)))...)
	}
	if ok {
		r.cost = cost
	}
	return ok
}

// A quota is a token bucket that limits the retries of all calls of a client, so that retries do not overload a
// service that is failing. The zero value is full.
type quota struct {
	mu        sync.Mutex
	used      int
	exhausted bool // since the last time that half of it was free
}

// take takes n from the quota if that much is left. exhausted reports the first time that it is not.
func (q *quota) take(n int) (ok, exhausted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used+n > quotaSize {
		exhausted, q.exhausted = !q.exhausted, true
		return false, exhausted
	}
	q.used += n
	return true, false
}

func (q *quota) giveBack(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used = max(0, q.used-n); q.used <= quotaSize/2 {
		q.exhausted = false
	}
}
