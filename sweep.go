package livetranscode

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A plan is what sweeps have learnt for the next one.
type plan struct {
	pages    int       // of the jobs in progress and not started; 0: not known
	alive    int       // watched jobs that are alive and on none of the pages
	unlisted int       // Gets since the pages were counted
	barred   time.Time // until when List is not asked, for it was refused
	broken   int       // sweeps in a row in which List failed for now
	silent   int       // sweeps in a row without an answer
}

const (
	// probeEvery is after how many Gets a look at the first two pages is worth it: a twentieth more requests,
	// and they bring jobs too.
	probeEvery = 40
	// barredFor is how long List is not asked after it was refused.
	barredFor = 10 * time.Minute
	// throttlePatience is how long a sweep repeats throttled looks before it leaves the rest to the next one. With
	// pages it goes on for as long as there are answers, for the next one would begin with the same pages; with
	// Gets the next one begins with those that were left.
	throttlePatience = 30 * time.Second
	// throttlePause is the longest time between two of them, if the service does not ask for more.
	throttlePause = 8 * time.Second
	// brokenLists is after how many sweeps in a row jobs are asked for one by one although List only fails for
	// now: a service in trouble is not to be met with a Get for each job.
	brokenLists = 3
)

// listPays reports whether the pages are worth asking for n jobs.
func (p *plan) listPays(n int) bool {
	switch {
	case n <= 2 || time.Now().Before(p.barred):
		return false
	case p.pages == 0 || p.unlisted >= probeEvery:
		return true
	}
	return p.pages+p.alive < n
}

// A sweep is one look at each of a set of jobs.
type sweep struct {
	*Watcher
	began    time.Time
	full     bool // of all jobs, not only of new ones between two sweeps
	complete bool // all pages were read
	passing  bool // a page failed for now; guarded by mu

	gets, listed atomic.Int32 // calls that were answered
	fails        atomic.Int32 // Gets that had no answer
	stop         atomic.Bool  // no more calls in this sweep

	mu       sync.Mutex
	end      error        // the watch's end
	lastErr  error        // of a call without an answer
	asked    time.Time    // before this the service wants no more requests
	heard    time.Time    // when a call had an answer last; the begin, if none had
	getUntil time.Time    // until when throttled Gets are repeated; set before the first
	refused  []refusedGet // of Gets
	read     []*Job       // for OnPoll
}

// A refusedGet is one that was answered with an error that waiting will not cure.
type refusedGet struct {
	job   *watched
	began uint64
	err   error
}

// run looks at the targets and returns the watch's end.
func (s *sweep) run(ctx context.Context, targets []*watched) error {
	if s.plan.listPays(len(targets)) {
		s.list(ctx)
		if s.plan.broken++; !s.passing {
			s.plan.broken = 0
		}
	}
	absent := s.absent(targets)
	s.getUntil = time.Now().Add(throttlePatience)
	if s.plan.broken == 0 || s.plan.broken >= brokenLists || len(absent) <= maxPageSize {
		s.each(ctx, len(absent), func(i int) { s.get(ctx, absent[i]) })
	}
	s.learn(absent)
	s.seekWitness(ctx)
	if s.cfg.onPoll != nil {
		for _, job := range s.read {
			s.cfg.onPoll(job)
		}
	}
	if s.end == nil {
		s.end = s.judge()
	}
	return s.end
}

// seekWitness asks for a job that a page had, if all Gets were refused while the pages can be read: its answer
// tells whether the refusals concern their jobs or the permission to Get.
func (s *sweep) seekWitness(ctx context.Context) {
	if len(s.refused) == 0 || s.gets.Load() > 0 || s.fails.Load() > 0 || s.listed.Load() == 0 || s.stop.Load() {
		return
	}
	s.Watcher.mu.Lock()
	var witness *watched
	for _, j := range s.jobs {
		if j.job != nil && !j.ended && !slices.ContainsFunc(s.refused, func(r refusedGet) bool { return r.job == j }) {
			witness = j
			break
		}
	}
	s.Watcher.mu.Unlock()
	if witness != nil {
		s.get(ctx, witness)
	}
}

// absent returns the targets that no page had, those first that were seen least recently.
func (s *sweep) absent(targets []*watched) []*watched {
	s.Watcher.mu.Lock()
	defer s.Watcher.mu.Unlock()
	absent := slices.DeleteFunc(targets, func(j *watched) bool { return !j.target })
	slices.SortFunc(absent, func(a, b *watched) int { return cmp.Compare(a.read, b.read) })
	return absent
}

// learn counts, for the next plan, the jobs that are alive although no page had them.
func (s *sweep) learn(absent []*watched) {
	if s.listed.Load() > 0 {
		s.plan.unlisted = 0
	} else {
		s.plan.unlisted += len(absent)
	}
	if !s.complete {
		s.plan.alive /= 2 // an old count fades
		return
	}
	s.Watcher.mu.Lock()
	defer s.Watcher.mu.Unlock()
	s.plan.alive = 0
	for _, j := range absent {
		if !j.target && !j.ended {
			s.plan.alive++
		}
	}
}

// list reads the pages of the jobs that are in progress and not started: the first of each, and then, if that
// is cheaper than Gets for the jobs still missing, the rest.
func (s *sweep) list(ctx context.Context) {
	states := [2]JobStatus{JobStatusInProgress, JobStatusNotStarted}
	var pages [2]int
	s.each(ctx, 2, func(i int) { pages[i] = s.page(ctx, states[i], 1) })
	if pages[0] == 0 || pages[1] == 0 {
		return
	}
	s.plan.pages = pages[0] + pages[1]
	rest := s.plan.pages - 2
	if rest > 0 && rest+s.plan.alive >= s.missing() {
		return
	}
	var read atomic.Int32
	s.each(ctx, rest, func(i int) {
		state, no := states[0], i+2
		if no > pages[0] {
			state, no = states[1], no-pages[0]+1
		}
		if s.missing() == 0 || s.page(ctx, state, no) > 0 {
			read.Add(1)
		}
	})
	s.complete = int(read.Load()) == rest
}

// missing returns how many jobs are still to be seen.
func (s *sweep) missing() int {
	s.Watcher.mu.Lock()
	defer s.Watcher.mu.Unlock()
	return s.targets
}

// page reads one page, and returns how many there are, or 0.
func (s *sweep) page(ctx context.Context, status JobStatus, no int) (pages int) {
	var resp *ListLiveTranscodeJobsResponse
	began, err := s.call(ctx, func() (err error) {
		resp, err = s.client.ListLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{
			Status: &status, PageNo: no, PageSize: maxPageSize, SortBy: SortDescending,
		})
		return err
	})
	switch {
	case err == nil:
		s.listed.Add(1)
		for _, job := range resp.Jobs {
			s.found(job.JobID, began, job)
		}
		return max(1, (resp.TotalCount+maxPageSize-1)/maxPageSize)
	case s.ended(): // the whole watch
	case isPermanent(err): // forbidden, or too deep
		s.bar(ctx, err)
	default:
		s.mu.Lock()
		s.passing = true
		s.mu.Unlock()
	}
	return 0
}

// ended reports whether a call has ended the watch.
func (s *sweep) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end != nil
}

// bar ends asking for pages for a while, and says so: a Get for each job is many times dearer.
func (s *sweep) bar(ctx context.Context, err error) {
	s.mu.Lock()
	said := time.Now().Before(s.plan.barred)
	s.plan.barred = time.Now().Add(barredFor)
	s.mu.Unlock()
	if !said {
		s.client.logger.LogAttrs(ctx, slog.LevelWarn, "livetranscode: List was refused; the watch asks for each job by itself",
			slog.Duration("for", barredFor), slog.String("error", err.Error()))
	}
}

// get looks at one job.
func (s *sweep) get(ctx context.Context, j *watched) {
	var resp *GetLiveTranscodeJobResponse
	var asked time.Time // the last try of it
	began, err := s.call(ctx, func() (err error) {
		asked = time.Now()
		resp, err = s.client.GetLiveTranscodeJob(ctx, j.id)
		return err
	})
	if err == nil {
		s.gets.Add(1)
		s.found(j.id, began, resp.Job)
		return
	}
	s.unread(j)
	switch {
	case ctx.Err() != nil: // the error may be that of the context, whatever its cause was
	case errors.Is(err, ErrNotFound):
		s.gets.Add(1)
		s.missed(j, began, asked, err)
	case isPermanent(err):
		s.mu.Lock()
		s.refused = append(s.refused, refusedGet{j, began, err})
		s.mu.Unlock()
	default:
		// With nothing but failures the service is down: asking for the rest would not help it.
		if s.fails.Add(1) >= int32(2*s.cfg.concurrency) && s.gets.Load() == 0 && s.listed.Load() == 0 {
			s.stop.Store(true)
		}
	}
}

// found takes in a job that a look has read, if it is watched.
func (s *sweep) found(id string, began uint64, job *Job) {
	if s.saw(id, began, job) && s.cfg.onPoll != nil {
		s.mu.Lock()
		s.read = append(s.read, job)
		s.mu.Unlock()
	}
}

// call makes one call, and says when it began. A throttled one is repeated, ever more slowly, for as long as
// the sweep has patience.
func (s *sweep) call(ctx context.Context, do func() error) (began uint64, err error) {
	for pause := time.Second; ; pause = min(2*pause, throttlePause) {
		s.Watcher.mu.Lock()
		began = s.tick()
		s.Watcher.mu.Unlock()
		err = do()
		silence := s.note(err)
		if err == nil {
			return began, nil
		}
		wait, left := max(pause, retryAfterOf(err)), throttlePatience-silence
		if !s.getUntil.IsZero() {
			left = min(left, time.Until(s.getUntil))
		}
		switch {
		case !errors.Is(err, ErrThrottled) || s.stop.Load():
			return began, err
		case wait > left || sleep(ctx, wait) != nil:
			s.stop.Store(true)
			return began, err
		}
	}
}

// note keeps what the outcome of a call means for the sweep as a whole, and says for how long none had an answer.
func (s *sweep) note(err error) (silence time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var api *APIError
	switch {
	case err == nil:
		s.heard = time.Now()
	case errors.Is(err, ErrAuthentication), errors.Is(err, ErrNoCredentials), errors.As(err, &api) && isWrongEndpoint(api.Code):
		s.end = err
		s.stop.Store(true)
	case !isPermanent(err):
		s.lastErr = err
		if until := time.Now().Add(retryAfterOf(err)); until.After(s.asked) {
			s.asked = until
		}
	}
	return time.Since(s.heard)
}

// judge says what refused Gets mean, and a sweep without an answer: the end of their jobs if other calls
// succeed, else that of the watch. A look at new jobs between two sweeps asks too few to say that of the watch:
// one bad id is no refusal of every Get, and five Adds in an outage are no five sweeps.
func (s *sweep) judge() error {
	answered := s.gets.Load() > 0 || s.listed.Load() > 0
	for _, r := range s.refused {
		switch {
		case s.gets.Load() > 0 || s.listed.Load() > 0 && !errors.Is(r.err, ErrForbidden):
			s.ends(r.job, r.began, r.err)
		case s.full && s.fails.Load() == 0:
			// Every Get was refused. Pages that can be read do not speak for the permission to Get.
			return r.err
		}
	}
	if answered || len(s.refused) > 0 || s.lastErr == nil || errors.Is(s.lastErr, ErrThrottled) {
		s.plan.silent = 0
		return nil
	}
	if !s.full {
		return nil
	}
	if s.plan.silent++; s.plan.silent >= s.cfg.tolerate {
		return s.lastErr
	}
	return nil
}

// each calls do for 0 to n-1, as many side by side as the options allow, until it is told to stop.
func (s *sweep) each(ctx context.Context, n int, do func(i int)) {
	var (
		next    atomic.Int64
		workers sync.WaitGroup
	)
	for range min(n, s.cfg.concurrency) {
		workers.Go(func() {
			for !s.stop.Load() && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	workers.Wait()
}
