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

	// What is to be done.
	phase   int
	todo    []task        // of this phase
	urgent  []*trackedJob // to Get before all else
	lists   []*pageSet
	before  map[pageKey][]*trackedJob // the jobs by the page where the last sweep found them
	stopped bool                      // no more calls

	// The calls under way.
	results     chan result
	flying      int
	pausedUntil time.Duration
	took        time.Duration // by all calls together, but for those made while the service throttled
	longest     time.Duration // of these

	// What happened.
	out        SweepEnd
	pages      int        // that were read
	end        error      // of the watch
	caught     *userPanic // of a call
	lastErr    error      // of a call that said nothing of its job
	heard      time.Duration
	responded  bool
	gotJob     bool          // a Get was neither refused nor failed
	getFailed  bool          // a Get failed
	failures   int           // Gets that failed since the last response
	refused    []result      // Gets that were, and it is not decided what that means
	absent     []*trackedJob // those that no page had
	asked      bool          // the service asked for a delay
	askedUntil time.Duration // the next sweep is not before
	delayed    bool          // stopped for that

	orders     order
	listFailed bool
	pageFails  int           // pages that failed since the last response
	listRetry  time.Duration // the delay that List asked for
	refusedAt  int           // the least page that was refused
	listErr    error

	unread    int // when it has ended
	unreadIDs []string
}

// A task is one call.
type task struct {
	job  *trackedJob // to Get; nil: it is a page
	list *pageSet
	kind listKind
	no   int    // of the page
	turn uint64 // when it was first begun, in the Watcher's sequence; 0: it was not
}

// A result is a task and its outcome.
type result struct {
	task
	began  uint64        // in the Watcher's sequence
	asked  time.Duration // when the call began
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
		if s.flying == 0 && !s.paused() {
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
		if j.target && j.urgent && j.fresh {
			s.urgent = append(s.urgent, j)
		}
		if j.page != 0 {
			s.before[j.page] = append(s.before[j.page], j)
			j.page = 0
		}
	}
	if s.order(len(s.urgent)).list {
		s.urgent = nil
	}
	slices.SortFunc(s.urgent, byTried)
}

// order asks the plan how to poll a number of jobs.
func (s *sweep) order(jobs int) order { return s.loop.plan.order(jobs, false, s.w.now()) }

func (s *sweep) paused() bool { return !s.stopped && s.w.now() < s.pausedUntil }

// dispatch starts as many calls as it may.
func (s *sweep) dispatch(ctx context.Context) {
	for s.flying < s.loop.pacer.slots && !s.stopped && ctx.Err() == nil && !s.paused() {
		t, ok := s.nextTask()
		if !ok {
			return
		}
		s.start(ctx, t)
	}
}

// nextTask returns the next call: jobs just added first, then those that have left their page, then what the phase has to
// do. It begins the next phase when nothing else is under way.
func (s *sweep) nextTask() (task, bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.takeAdded()
	for len(s.urgent) > 0 {
		j := s.urgent[0]
		s.urgent = s.urgent[1:]
		if s.w.jobs[j.id] == j && j.target {
			return task{job: j}, true
		}
	}
	for {
		for len(s.todo) > 0 {
			if t := s.pick(); s.wanted(t) {
				return t, true
			}
		}
		if s.flying > 0 || s.phase == len(phases) {
			return task{}, false
		}
		s.phase++
		phases[s.phase-1](s)
	}
}

// takeAdded takes in the jobs that were added since the sweep began, unless there are so many that pages are cheaper: then
// they have a sweep of their own. w.mu is held.
func (s *sweep) takeAdded() {
	if len(s.w.fresh) == 0 || s.order(len(s.w.fresh)).list {
		return
	}
	for _, j := range s.w.fresh {
		if s.w.jobs[j.id] == j && !j.ended {
			s.target(j)
			s.urgent = append(s.urgent, j)
		}
	}
	s.w.fresh = nil
}

// pick takes the next task of the phase. After many failures it takes one at random: a few jobs that always fail prove
// nothing of the rest.
func (s *sweep) pick() task {
	if n := len(s.todo); n > 1 && s.todo[0].job != nil && s.failures >= 2*s.w.cfg.concurrency {
		i := rand.IntN(n)
		s.todo[0], s.todo[i] = s.todo[i], s.todo[0]
	}
	t := s.todo[0]
	s.todo = s.todo[1:]
	return t
}

// wanted reports whether a task is still worth a call. w.mu is held.
func (s *sweep) wanted(t task) bool {
	switch {
	case t.job != nil:
		return s.w.jobs[t.job.id] == t.job && (t.job.target || s.phase == len(phases) && !t.job.ended)
	case s.refusedAt > 0 && t.no >= s.refusedAt, s.pageFails >= s.w.cfg.concurrency:
		return false
	}
	if t.list.filter != nil || s.w.targets > 0 {
		return true
	}
	if read := t.list.read[t.kind]; read != nil {
		read[t.no-1] = true // as good as
	}
	return false
}

// repeat makes a task that was throttled one of the next, in the order in which they were first begun.
func (s *sweep) repeat(t task) {
	i := slices.IndexFunc(s.todo, func(o task) bool { return o.turn == 0 || o.turn > t.turn })
	if i < 0 {
		i = len(s.todo)
	}
	s.todo = slices.Insert(s.todo, i, t)
}

// start makes a call in a goroutine of its own.
func (s *sweep) start(ctx context.Context, t task) {
	s.w.mu.Lock()
	r := result{task: t, began: s.w.nextSeq(), asked: s.w.now()}
	r.turn = cmp.Or(t.turn, r.began)
	s.w.mu.Unlock()
	s.flying++
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
	if s.flying > 0 && ctx.Err() != nil {
		cancelled, wake = nil, nil
	}
	select {
	case r := <-s.results:
		s.flying--
		s.take(ctx, r)
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
