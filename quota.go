package livetranscode

import "sync"

const (
	quotaSize        = 500
	retryCost        = 5  // of a retry
	timeoutRetryCost = 10 // of a retry after a timeout
)

// A quota is a token bucket that limits the retries of all calls of a client, so that retries do not overload a
// service that is failing. The zero value is full.
type quota struct {
	mu        sync.Mutex
	used      int
	exhausted bool // was exhausted since it was last half free
}

// take takes n from the quota if that much is left. exhausted reports whether this is the first time that it is not.
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

// giveBack returns n to the quota.
func (q *quota) giveBack(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used = max(0, q.used-n); q.used <= quotaSize/2 {
		q.exhausted = false
	}
}
