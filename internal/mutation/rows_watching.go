package main

// Waits and watches.
var watchingRows = []mutant{
	{"a new job may be not found for a while", "wait.go", `began < w.cfg.grace`, `began < 0*w.cfg.grace`, "TestWaitNotFoundGrace"},
	{"a job that was read may be not found once", "wait.go", `w.Last != nil && !w.notFound`, `false`, "TestWaitNotFoundOnce"},
	{"a job that was read is not found only once", "wait.go", `w.Last != nil && !w.notFound`, `w.Last != nil`, "TestWaitNotFoundOnce"},
	{"the last poll is before the deadline", "wait.go", `d = min(d, left)`, `d = min(d, left+lastPollMargin)`, "TestWaitPollsJustBeforeTheDeadline"},
	{"a wait tolerates transient failures", "wait.go", `w.failures <= w.cfg.tolerate`, `false`, "TestWaitToleratesTransientFailures"},
	{"a wait does not tolerate failures without end", "wait.go", `w.failures <= w.cfg.tolerate`, `true`, "TestWaitToleratesTransientFailures"},
	{"a wait counts consecutive failures", "wait.go", `w.Last, w.failures, w.notFound = resp.Job, 0, false`, `w.Last, w.notFound = resp.Job, false`, "TestWaitCountsConsecutiveFailures"},
	{"a failure with a Retry-After is not counted", "wait.go", `		tolerated = true
`, ``, "TestWaitRetryAfter"},
	{"a wait respects Retry-After", "wait.go", `d = max(d, jitter(asked, asked+asked/10))`, `_ = asked`, "TestWaitRetryAfter"},
	{"a wait that its context ends is an error", "wait.go", `return done, w.contextError(ctx)`, `return done, nil`, "TestWaitEndedByItsContextInCond"},
	{"a stopped job never starts again", "wait.go", `job.Status == JobStatusStopped && want != JobStatusStopped`, `job.Status == JobStatusStopped && want == JobStatusUnknown`, "TestWaitUnreachable"},
	{"an old look replaces no newer one", "watch_state.go", `if j == nil || j.ended || began < j.read {`, `if j == nil || j.ended {`, "TestWatchOldLooksDoNotCount"},
	{"absent is not gone", "sweep.go", `func(i int) { s.get(ctx, absent[i]) })`, `func(i int) {
		if s.listed.Load() > 0 {
			s.ends(absent[i], 1<<62, ErrNotFound)
			return
		}
		s.get(ctx, absent[i])
	})`, "TestWatchAsksForAbsentJobs"},
	{"what was removed is not delivered", "watch_state.go", `if w.jobs[j.id] != j || !j.hasEvent() {`, `if !j.hasEvent() {`, "TestWatchAddAndRemove"},
	{"throttled sweeps reach the last page", "sweep.go", `return time.Since(s.heard)`, `return time.Since(s.began)`, "TestWatchThrottledReachesAll"},
	{"an endless delay does not stop a watch", "poll.go", `return min(api.RetryAfter, maxRetryAfter)`, `return api.RetryAfter`, "TestWatchEndlessDelay|TestWaitRetryAfter"},
	{"throttled Gets leave room for Add", "sweep.go", `left = min(left, time.Until(s.getUntil))`, `left = min(left, time.Hour)`, "TestWatchThrottledGets"},
	{"Add does not end a pause", "watch.go", `if w.least.After(w.due) {`, `if w.least.After(w.due) && s.full {`, "TestWatchAddInAPause"},
	{"Add ends the quiet", "watch.go", `soon.Before(w.due) {`, `soon.Before(w.due) && !soon.Before(w.due) {`, "TestWatchAddAfterQuiet"},
	{"the end of a finite watch is kept", "watch.go", `if end == nil { // else`, `if true { // else`, "TestWatchEndIsNotLost"},
	{"looks that are not taken are not counted", "watch.go", `			j.fresh = false
`, `			j.fresh = false
			j.polls++
`, "TestWaitForAllCountsPolls"},
	{"one loop at a time", "watch.go", `case w.ranging:`, `case w.ranging && w.jobs == nil:`, "TestWatchOneLoopAtATime"},
	{"a refused permission ends no job", "sweep.go", `s.listed.Load() > 0 && !errors.Is(r.err, ErrForbidden)`, `s.listed.Load() > 0`, "TestWatchEnds"},
	{"throttling does not end a watch", "sweep.go", ` || errors.Is(s.lastErr, ErrThrottled) {`, ` {`, "TestWatchThrottlingOnlySlows"},
	{"a refused List is not asked again", "sweep.go", `s.plan.barred = time.Now().Add(barredFor)`, `s.plan.barred = time.Now().Add(0 * barredFor)`, "TestWatchListRefused"},
	{"many jobs are looked at by pages", "sweep.go", `return p.pages+p.alive < n`, `return p.pages+p.alive < 0*n`, "TestWatchUsesFewRequests|TestWatchChoosesThePlan"},
}
