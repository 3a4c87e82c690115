package livetranscode

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// A sweep polls each of a set of jobs once. It runs in the goroutine of the range, which alone uses its fields: the
// goroutines of the calls get a task and send a result.
type sweep struct {
	w       *Watcher
	loop    *loopState
	began   time.Duration
	late    time.Duration // after it was due
	full    bool          // of all jobs, not only of those just added
	filters []*filter     // of AddAll, in a full sweep
	jobs    int           // to poll

	// What is left to do.
	phase       int
	todo        []task        // of this phase
	prioritized []*trackedJob // to Get before all others
	check       *trackedJob   // the last job from healthyJob
	lists       []*pageSet
	before      map[pageKey][]*trackedJob // the jobs by the page where the last sweep found them
	stopped     bool                      // no more calls

	// The calls under way.
	results     chan result
	inFlight    int
	pausedUntil time.Duration
	took        time.Duration // by all calls together, but for those made while the service throttled
	longest     time.Duration // of these

	// What happened.
	out            SweepEnd
	pages          int        // that were read
	end            error      // of the watch
	caught         *userPanic // of a call
	lastErr        error      // of a call that did not report the state of its job
	lastResponse   time.Duration
	responded      bool
	gotJob         bool          // a Get was neither refused nor failed
	getFailed      bool          // a Get failed
	failures       int           // Gets that failed since the last response
	refused        []result      // Gets that were refused, with undecided scope
	absent         []*trackedJob // jobs that no page listed
	retryAfterSeen bool          // a response had a Retry-After
	retryAt        time.Duration // the earliest time of the next sweep
	delayed        bool          // stopped by a Retry-After

	orders        order
	listFailed    bool
	listThrottled bool          // so that it was given up
	pageFails     int           // pages that failed since the last response
	listRetry     time.Duration // the Retry-After delay of List
	refusedAt     int           // the least page that was refused
	listErr       error

	unread    int // when it has ended
	unreadIDs []string
}

// A task is one call.
type task struct {
	job  *trackedJob // to Get; nil for a page
	list *pageSet
	kind listKind
	no   int    // of the page
	seq  uint64 // of the first attempt, in the Watcher's sequence; 0 if there was none
}

// A result is a task and its outcome.
type result struct {
	task
	began  uint64        // in the Watcher's sequence
	sentAt time.Duration // when the call began
	at     time.Duration // when it ended
	read   *Job
	page   *ListLiveTranscodeJobsResponse
	err    error
	caught *userPanic
}

// phases are the steps of a sweep: each begins when the calls of the one before have ended.
var phases = []func(*sweep){
	(*sweep).startLists, (*sweep).restOfLists, (*sweep).startBaseList, (*sweep).restOfBaseList, (*sweep).getAbsent, (*sweep).probeGetAllowed,
}

// target makes a job one of those to poll. w.mu is held.
func (s *sweep) target(j *trackedJob) {
	if !j.target {
		j.target = true
		s.w.targets++
		s.jobs++
	}
}

// run polls the targets.
func (s *sweep) run(ctx context.Context) {
	s.results = make(chan result, s.w.cfg.concurrency)
	s.w.mu.Lock()
	events := s.w.events
	s.prepare()
	s.w.mu.Unlock()
	for {
		s.dispatch(ctx)
		if s.inFlight == 0 && !s.paused() {
			break
		}
		s.wait(ctx)
	}
	s.w.mu.Lock()
	s.out.Events = s.w.events - events
	s.w.mu.Unlock()
}

// prepare sorts the targets: those that were added to a running watch are polled first, the others by their pages.
// w.mu is held.
func (s *sweep) prepare() {
	if !s.full {
		return
	}
	s.before = make(map[pageKey][]*trackedJob)
	for _, j := range s.w.jobs {
		if j.target && j.prioritized && j.fresh {
			s.prioritized = append(s.prioritized, j)
		}
		if j.page != 0 {
			s.before[j.page] = append(s.before[j.page], j)
			j.page = 0
		}
	}
	if s.order(len(s.prioritized)).list {
		s.prioritized = nil
	}
	slices.SortFunc(s.prioritized, byLastPoll)
}

// order returns how the plan polls a number of jobs.
func (s *sweep) order(jobs int) order { return s.loop.plan.order(jobs, false, s.w.now()) }

func (s *sweep) paused() bool { return !s.stopped && s.w.now() < s.pausedUntil }

// dispatch starts as many calls as it may.
func (s *sweep) dispatch(ctx context.Context) {
	for s.inFlight < s.loop.pacer.slots && !s.stopped && ctx.Err() == nil && !s.paused() {
		t, ok := s.nextTask()
		if !ok {
			return
		}
		s.start(ctx, t)
	}
}

// nextTask returns the next call: jobs just added first, then those that have left their page, then the tasks of the
// phase. It begins the next phase when no call is in flight.
func (s *sweep) nextTask() (task, bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.adoptAdded()
	if j := s.healthyJob(); j != nil {
		s.check = j
		return task{job: j}, true
	}
	for len(s.prioritized) > 0 {
		j := s.prioritized[0]
		s.prioritized = s.prioritized[1:]
		if s.w.jobs[j.id] == j && j.target {
			return task{job: j}, true
		}
	}
	for {
		for len(s.todo) > 0 {
			if t := s.pick(); s.isNeeded(t) {
				return t, true
			}
		}
		if s.inFlight > 0 || s.phase == len(phases) {
			return task{}, false
		}
		s.phase++
		phases[s.phase-1](s)
	}
}

// manyFailed reports whether so many Gets have failed in a row that the next ones should tell an outage from jobs that
// always fail.
func (s *sweep) manyFailed() bool { return s.failures >= 2*s.w.cfg.concurrency }

// healthyJob returns, after many failures, the least recently polled of the jobs that their last poll read: if it can
// be read again, there is no outage. It is nil if there is none, or while the last one is being polled. w.mu is held.
func (s *sweep) healthyJob() *trackedJob {
	if !s.manyFailed() || s.check != nil && s.check.target {
		return nil
	}
	var least *trackedJob
	for _, j := range s.w.jobs {
		if j.target && j.job != nil && j.failure == nil && (least == nil || byLastPoll(j, least) < 0) {
			least = j
		}
	}
	return least
}

// adoptAdded adds the jobs that were added since the sweep began to its targets, unless there are so many that pages
// are cheaper: then they get a sweep of their own. w.mu is held.
func (s *sweep) adoptAdded() {
	if len(s.w.fresh) == 0 || s.order(len(s.w.fresh)).list {
		return
	}
	for _, j := range s.w.fresh {
		if s.w.jobs[j.id] == j && !j.ended {
			s.target(j)
			s.prioritized = append(s.prioritized, j)
		}
	}
	s.w.fresh = nil
}

// pick takes the next task of the phase. After many failures it picks one at random: those that come first may be the
// ones that always fail.
func (s *sweep) pick() task {
	if n := len(s.todo); n > 1 && s.todo[0].job != nil && s.manyFailed() {
		i := rand.IntN(n)
		s.todo[0], s.todo[i] = s.todo[i], s.todo[0]
	}
	t := s.todo[0]
	s.todo = s.todo[1:]
	return t
}

// isNeeded reports whether a task is still worth a call. w.mu is held.
func (s *sweep) isNeeded(t task) bool {
	switch {
	case t.job != nil:
		return s.w.jobs[t.job.id] == t.job && (t.job.target || s.phase == len(phases) && !t.job.ended)
	case s.refusedAt > 0 && t.no >= s.refusedAt, s.pageFails >= s.w.cfg.concurrency:
		return false
	case t.kind != listNewest && t.no > 1 && t.list.has(t.kind, t.no): // the list has turned out to be shorter
		return false
	}
	if t.list.filter != nil || s.w.targets > 0 {
		return true
	}
	if read := t.list.read[t.kind]; read != nil {
		read[t.no-1] = true // not needed any more
	}
	return false
}

// requeue queues a throttled task again, in the order of the first attempts.
func (s *sweep) requeue(t task) {
	i := slices.IndexFunc(s.todo, func(o task) bool { return o.seq == 0 || o.seq > t.seq })
	if i < 0 {
		i = len(s.todo)
	}
	s.todo = slices.Insert(s.todo, i, t)
}

// start makes a call in a new goroutine.
func (s *sweep) start(ctx context.Context, t task) {
	s.w.mu.Lock()
	r := result{task: t, began: s.w.nextSeq(), sentAt: s.w.now()}
	r.seq = cmp.Or(t.seq, r.began)
	s.w.mu.Unlock()
	s.inFlight++
	client, results := s.w.client, s.results
	go guard(func() {
		if t.job != nil {
			resp, err := client.GetLiveTranscodeJob(ctx, t.job.id)
			if r.err = err; err == nil {
				r.read = resp.Job
			}
			return
		}
		r.page, r.err = client.ListLiveTranscodeJobs(ctx, t.list.request(t.kind, t.no))
	}, func(caught *userPanic) {
		r.caught, r.at = caught, s.w.now()
		results <- r
	})
}

// wait waits for a result, the end of a pause, or Add.
func (s *sweep) wait(ctx context.Context) {
	var timeout <-chan time.Time
	wake := s.w.wake
	if s.paused() {
		timer := time.NewTimer(s.pausedUntil - s.w.now())
		defer timer.Stop()
		timeout = timer.C
	}
	cancelled := ctx.Done()
	if s.inFlight > 0 && ctx.Err() != nil {
		cancelled, wake = nil, nil
	}
	select {
	case r := <-s.results:
		s.inFlight--
		s.handleResult(ctx, r)
	case <-timeout:
	case <-wake:
	case <-cancelled:
		s.stopped = true
	}
}

// busy returns how long the calls took, as many at once as the options allow.
func (s *sweep) busy() time.Duration {
	return max(s.longest, s.took/time.Duration(s.w.cfg.concurrency))
}
