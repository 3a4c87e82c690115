package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestPlanNext has every combination of what List did.
func TestPlanNext(t *testing.T) {
	t.Parallel()
	const now = time.Hour
	before := plan{pages: 7, unpaged: 8, gets: 30, failing: 1}
	for result := listNotAsked; result <= listFailing; result++ {
		for _, pages := range []int{0, 12} {
			for _, refusedAt := range []int{0, 1, 5} {
				for _, retryAt := range []time.Duration{0, now + time.Minute} {
					t.Run(fmt.Sprint(result, pages, refusedAt, retryAt), func(t *testing.T) {
						t.Parallel()
						want := plan{pages: 7, unpaged: 4, gets: 40, failing: 0}
						if pages > 0 { // they were counted
							want.pages, want.gets = 12, 0
						}
						switch result {
						case listNotAsked:
							want.failing = 1
						case listFailing:
							want.failing = 2
						case listComplete:
							want.unpaged = 3
						case listPartial:
						}
						switch {
						case refusedAt > 0: // the pages before it can be read
							want.depth, want.retryAt = refusedAt-1, now+10*time.Minute
						case retryAt > 0:
							want.retryAt = retryAt
						}
						got := before.next(listReport{result: result, pages: pages, unpaged: 3, gets: 10, refusedAt: refusedAt, retryAt: retryAt}, now)
						if got != want {
							t.Errorf("got %+v, want %+v", got, want)
						}
					})
				}
			}
		}
	}
}

// TestPlanOrder has every combination of what is known of List, the number of jobs, and whether all jobs are watched.
func TestPlanOrder(t *testing.T) {
	t.Parallel()
	const now = time.Hour
	for _, all := range []bool{false, true} {
		for _, jobs := range []int{0, 1, 2, 3, 12, 13, 100, 101, 100_000} {
			for _, pages := range []int{0, 12} {
				for _, unpaged := range []int{0, 90} {
					for _, gets := range []int{0, 39, 40} {
						for _, failing := range []int{0, 1, 2, 3} {
							for _, depth := range []int{-1, 0, 5} { // -1: no limit any more
								p := plan{pages: pages, unpaged: unpaged, gets: gets, failing: failing, depth: max(depth, 0), retryAt: now + 1}
								if depth < 0 {
									p.retryAt = now
								}
								got := p.order(jobs, all, now)
								wantDepth := depth
								if depth < 0 {
									wantDepth = unlimited
								}
								cheaper := pages == 0 || pages+unpaged < jobs
								list := depth != 0 && (all || jobs > 2 && (cheaper || gets >= 40))
								limited := list && (all || cheaper) && failing < 2
								if got.depth != wantDepth || got.list != list || (got.gets == 100) != limited || (got.gets == unlimited) == limited {
									t.Errorf("%+v for %d jobs, all %t: got %+v", p, jobs, all, got)
								}
							}
						}
					}
				}
			}
		}
	}
}

// TestPlanRecovers: after any ten sweeps, one good one makes the plan poll by pages again once no refusal is in force.
func TestPlanRecovers(t *testing.T) {
	t.Parallel()
	results := []listResult{listNotAsked, listComplete, listPartial, listFailing}
	for code := range 1 << 10 { // two sweeps of every kind, in any order, with and without a refusal
		p, now, n := plan{}, time.Duration(0), code
		for range 5 {
			r := listReport{result: results[n&3], gets: 500}
			if n>>10&1 == 1 {
				r.refusedAt = 1
			}
			n >>= 2
			p = p.next(r, now)
			now += 10 * time.Second
			if o := p.order(500, false, now); o.gets < fewGets {
				t.Fatalf("%+v allows %d Gets", p, o.gets)
			}
		}
		now += refusedFor
		for range 8 { // what was not on any page fades
			p = p.next(listReport{result: listPartial, pages: 5}, now)
		}
		if o := p.order(500, false, now); !o.list || o.depth != unlimited {
			t.Fatalf("%d: after recovery, %+v orders %+v", code, p, o)
		}
	}
}

func TestPlanRestIsCheaper(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		unpaged, rest, unread int
		want                  bool
	}{
		{0, 0, 0, true},
		{50, 0, 5, true}, // both first pages are all there is
		{0, 5, 5, false},
		{0, 5, 6, true},
		{50, 5, 55, false},
		{50, 5, 56, true},
	} {
		if got := (plan{unpaged: tt.unpaged}).restIsCheaper(tt.rest, tt.unread); got != tt.want {
			t.Errorf("%+v: got %t", tt, got)
		}
	}
}

// TestScopeOf has every kind of error, of Get and of List.
func TestScopeOf(t *testing.T) {
	t.Parallel()
	api := func(status int, code string) error { return &APIError{StatusCode: status, Code: code} }
	call := func(err error) error { return &CallError{Operation: "GetLiveTranscodeJob", Err: err} }
	for _, tt := range []struct {
		name      string
		err       error
		get, list scope
	}{
		{"success", nil, scopeNone, scopeNone},
		{"throttled", api(400, "Throttling.User"), scopeThrottled, scopeThrottled},
		{"throttled by a proxy", api(429, ""), scopeThrottled, scopeThrottled},
		{"server error", api(500, "InternalError"), scopeTransient, scopeTransient},
		{"unavailable", api(503, ""), scopeTransient, scopeTransient},
		{"a page of a proxy", api(404, ""), scopeTransient, scopeTransient},
		{"a success that cannot be used", api(200, ""), scopeTransient, scopeTransient},
		{"not found", api(404, "JobNotFound"), scopeJob, scopeList},
		{"something else not found", api(404, "DomainNotFound"), scopeTransient, scopeTransient},
		{"an account not found", api(404, "InvalidAccount.NotFound"), scopeWatch, scopeWatch},
		{"a proxy's code", api(404, ""), scopeTransient, scopeTransient},
		{"an invalid id, or page", api(400, "InvalidParameter"), scopeJob, scopeList},
		{"no permission", api(403, "Forbidden.RAM"), scopeJob, scopeList},
		{"a key that was revoked", api(404, "InvalidAccessKeyId.NotFound"), scopeWatch, scopeWatch},
		{"a wrong secret", api(400, "SignatureDoesNotMatch"), scopeWatch, scopeWatch},
		{"an expired token", api(403, "InvalidSecurityToken.Expired"), scopeWatch, scopeWatch},
		{"a wrong endpoint", api(404, "InvalidAction.NotFound"), scopeWatch, scopeWatch},
		{"no credentials", call(ErrNoCredentials), scopeWatch, scopeWatch},
		{"a provider that fails", call(errors.New("file is being written")), scopeTransient, scopeTransient},
		{"malformed credentials", call(&opaqueError{text: "AccessKeySecret has control characters"}), scopeTransient, scopeTransient},
		{"malformed credentials of the signer", &ParamError{Operation: "Sign", Field: "AccessKeySecret"}, scopeTransient, scopeTransient},
		{"an id, or a keyword, that cannot be sent", &ParamError{Field: "JobID"}, scopeJob, scopeList},
		{"a reset connection", call(&opaqueError{text: "reset", kind: ErrUnavailable}), scopeTransient, scopeTransient},
		{"a bad certificate", call(ErrBadEndpoint), scopeTransient, scopeTransient},
		{"a limiter that gives up", call(context.DeadlineExceeded), scopeTransient, scopeTransient},
		{"anything else", errors.New("surprise"), scopeTransient, scopeTransient},
	} {
		if got := scopeOf(tt.err, false); got != tt.get {
			t.Errorf("%s: of Get it is %d, want %d", tt.name, got, tt.get)
		}
		if got := scopeOf(tt.err, true); got != tt.list {
			t.Errorf("%s: of List it is %d, want %d", tt.name, got, tt.list)
		}
	}
}
