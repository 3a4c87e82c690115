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
	{"a poll begun before the state in hand replaces nothing", "watch_state.go", `	if w.jobs[j.id] != j || j.ended || r.began < j.read {
		return
	}
	if r.page`, `	if w.jobs[j.id] != j || j.ended {
		return
	}
	if r.page`, "TestWatchReadingsOutOfOrder"},
	{"a stale page does not set a job back", "watch_state.go", `r.job.Status < j.job.Status && `, `r.job.Status > 99 && `, "TestWatchLaggingIndex"},
	{"absent is not gone", "sweep_lists.go", `		s.todo = append(s.todo, task{job: j})
	}
}

// probe`, `		j.lost, j.failure = true, &pollFailure{err: ErrNotFound}
		s.w.end(j)
		s.w.enqueue(j)
	}
}

// probe`, "TestWatchAsksForAbsentJobs"},
	{"what was removed is not delivered", "watch_state.go", `if w.jobs[j.id] != j || !j.hasEvent() {`, `if !j.hasEvent() {`, "TestWatchQueueAfterRemove"},
	{"throttled sweeps reach the last page", "sweep_results.go", `s.pausedUntil-s.lastResponse <= timeout`, `s.pausedUntil-s.began <= timeout`, "TestWatchThrottledReachesAll"},
	{"an endless delay does not stop a watch", "poll.go", `return min(api.RetryAfter, maxRetryAfter)`, `return api.RetryAfter`, "TestWatchHugeRetryAfter|TestWaitRetryAfter"},
	{"Add does not end a pause", "watch_loop.go", `w.notBefore = max(w.notBefore, s.retryAt)`, `w.notBefore = s.retryAt`, "TestWatchAddInAPause|TestWatchPauses"},
	{"Add ends the long interval", "watch_loop.go", `soon < w.nextSweep {`, `soon < 0 {`, "TestWatchAddAfterQuiet"},
	{"one loop at a time", "watch_loop.go", `case w.ranging:`, `case w.ranging && w.jobs == nil:`, "TestWatchOneRangeAtATime"},
	{"a refused permission ends no job", "sweep_results.go", `s.pages > 0 && !errors.Is(r.err, ErrForbidden)`, `s.pages > 0`, "TestWatchEnds"},
	{"throttling does not end a watch", "watch_loop.go", ` || s.out.Throttled > 0 || `, ` || `, "TestWatchThrottlingOnlySlows"},
	{"n sweeps without a response are tolerated", "watch_loop.go", `w.loop.unresponsive > w.cfg.tolerate`, `w.loop.unresponsive >= w.cfg.tolerate`, "TestWatchToleratesSweepsWithoutResponse"},
	{"a Retry-After is no sweep without a response", "watch_loop.go", ` || s.retryAfterSeen || `, ` || `, "TestWatchRetryAfter"},
	{"a delay of one job delays no other", "sweep_results.go", `s.delayed, s.stopped, s.retryAt = false, false, 0`, `_ = s`, "TestWatchRetryAfterOfOneJob"}, //nolint:dupword // quoted source
	{"a refused List is not asked again", "plan.go", `now+refusedFor`, `now`, "TestWatchListRefused"},
	{"many jobs are polled by pages", "plan.go", `p.pages+p.unpaged < jobs:`, `false:`, "TestWatchUsesFewRequests|TestWatchChoosesThePlan"},
	{"a failing List does not delay the first Gets", "sweep_lists.go", `gets = min(gets, s.orders.gets)
	}
	for`, `gets = 0
	}
	for`, "TestWatchFailingPages|TestWaitForAllWithoutList"},
	{"jobs that always fail are not proof of an outage", "sweep.go", `s.todo[0].job != nil && s.manyFailed()`, `s.todo == nil`, "TestWatchFailingJobs"},
	{"a job that was read tells an outage from failing jobs", "sweep.go", `j.target && j.job != nil && j.failure == nil`, `false`, "TestWatchManyFailingJobsAdded"},
	{"one such job at a time is polled", "sweep.go", ` || s.check != nil && s.check.target {`, ` {`, "TestWatchManyFailingJobsAdded"},
	{"the least recently polled come first", "watch_state.go", `a.lastPollSeq() < b.lastPollSeq()`, `a.lastPollSeq() > b.lastPollSeq()`, "TestWatchFailingJobs"},
	{"malformed credentials end nothing", "plan.go", `return scopeTransient // a provider`, `return scopeJob // a provider`, "TestScopeOf"},
	{"an added job is polled next", "sweep.go", `	s.adoptAdded()
`, ``, "TestWatchAddAmongMany"},
	{"jobs that left their page are polled immediately", "sweep_lists.go", `len(left) <= maxLeft`, `len(left) < 0`, "TestWatchPollsJobsThatLeftTheirPage"},
	{"one call at a time while the service throttles", "sweep_results.go", `p.slots, p.responses, p.slowed = 1, 0, true`, `p.slots, p.responses, p.slowed = p.most, 0, true`, "TestWatchConcurrencyAfterThrottling"},
	{"unread jobs are logged", "watch_loop.go", `case err != nil && (`, `case err == nil && (`, "TestWatchLogsUnreadJobs"},
	{"a panic is raised in the range", "watch_loop.go", `	if r.caught != nil {
		r.caught.raise()
	}`, ``, "TestWatchUserPanics"},
	{"not found once is not lost", "watch_state.go", `	if confirmed {
		w.lose`, `	if confirmed || true {
		w.lose`, "TestWatchNotFoundOnce"},
	{"a resumed job is no event", "watch.go", `j.job, j.delivered = &known, &known`, `j.job = &known`, "TestWatchResume"},
	{"what has ended is not found again", "watch_all.go", `	if a := w.suppressed[job.JobID]; a != nil {
		a.listed`, `	if a := w.suppressed[job.JobID]; a != nil && a.sweeps < 0 {
		a.listed`, "TestWatchAllDoesNotRevive"},
	{"OldestPoll is old while List fails", "watch_stats.go", `oldest = w.lastListed`, `oldest = w.now()`, "TestWatchAllOldestPoll"},
	{"a removed job is not the oldest pending", "watch_stats.go", `w.jobs[p.job.id] == p.job && p.job.hasEvent()`, `p.job.hasEvent()`, "TestWatchOldestPending"},
	{"a job that was resumed as stopped is not found again", "watch.go", `			if w.jobs[job.JobID] == nil {
				w.suppress(job.JobID)
			}`, "", "TestWatchResumeLaggingList"},
	{"a throttled List does not hold up the Gets", "sweep_results.go", `case r.job == nil && s.pages == 0:`, `case false:`, "TestWatchListThrottled"},
	{"a throttled List is tried again", "sweep_results.go", `s.loop.plan.failing%2 == 1:`, `s.loop.plan.failing > 0:`, "TestWatchTightQuota"},
	{"a sweep that had a response continues for longer", "sweep_results.go", `timeout = slowTimeout`, `timeout = throttleTimeout`, "TestWatchTightQuota"},
	{"an empty page is the end of a list", "sweep_lists.go", `case n == 0:`, `case n < 0:`, "TestWatchMiscount"},
	{"behind a full page there may be another", "sweep_lists.go", `total < no*maxPageSize && no < maxPages`, `total < 0 && no < maxPages`, "TestWatchMiscount"},
	{"OldestPoll needs the lists of all filters", "sweep_lists.go", `return l.filter != nil && !l.complete(depth)`, `return l.filter != nil && l.index < 0`, "TestWatchAllThrottledFilter|TestWatchAllOldestPoll"},
	{"Remove before AddAll counts", "watch.go", `		if id != "" {
			w.suppress(id)`, `		if len(w.filters) > 0 {
			w.suppress(id)`, "TestWatchRemoveBeforeAddAll"},
	{"removed jobs leave the queue", "watch_state.go", `len(w.pending) > 2*len(w.jobs)`, `false`, "TestWatchQueueIsBounded"},
	{"the history is not new", "watch_all.go", `(i < lastKnown || !older(job))`, `(i < lastKnown || !older(job) || true)`, "TestWatchAllHistory"},
	{"a job that starts and stops between two sweeps is seen", "watch_all.go", `(i < lastKnown || !older(job))`, `(i < lastKnown || !older(job)) && false`, "TestWatchAllShortLives"},
	{"undelivered events are kept when ctx ends", "watch.go", `for ctx.Err() == nil {
			finished`, `for {
			finished`, "TestWatchKeepsEventsWhenCtxEnds"},
}
