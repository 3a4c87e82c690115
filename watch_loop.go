package livetranscode

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
)

// loopState is the state that the goroutine of a range keeps for the next sweep and the next range.
type loopState struct {
	plan         plan
	pacer        pacer
	unresponsive int                      // consecutive sweeps without a response
	listRead     map[listID]time.Duration // when the first page of a list was last read

	warnedAt time.Time // when jobs that were left unread were last logged
	warned   bool      // since all were read
}

// A run is the goroutine of one range.
type run struct {
	cancel context.CancelFunc
	done   chan struct{}
	end    error      // what ended it, other than its context
	caught *userPanic // a panic of user code
}

// startRun starts the goroutine of a range.
func (w *Watcher) startRun(ctx context.Context) *run {
	ctx, cancel := context.WithCancel(ctx)
	r := &run{cancel: cancel, done: make(chan struct{})}
	go guard(func() { r.end, r.caught = w.sweepOnSchedule(ctx) }, func(caught *userPanic) {
		if caught != nil { // of the logger, in this goroutine
			r.caught = caught
		}
		close(r.done)
	})
	return r
}

// stop ends the goroutine and waits for it.
func (r *run) stop() *run {
	r.cancel()
	<-r.done
	return r
}

// finished reports whether the goroutine has ended by itself.
func (r *run) finished() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// raise raises a panic of user code in the calling goroutine.
func (r *run) raise() {
	if r.caught != nil {
		r.caught.raise()
	}
}

// err returns the error that ends the range.
func (r *run) err(ctx context.Context) error {
	if ctx.Err() != nil {
		return &WatchError{Err: contextError(ctx)}
	}
	return r.end
}

// A userPanic is a panic, or a runtime.Goexit, of a function that the user provided.
type userPanic struct {
	value  any
	goexit bool
	stack  []byte
}

// guard calls f, and then exit with how f ended, nil if it returned. It is the outermost function of a goroutine.
func guard(f func(), exit func(*userPanic)) {
	returned := false
	defer func() {
		if returned {
			exit(nil)
			return
		}
		value := recover() // nil if it is a runtime.Goexit
		exit(&userPanic{value: value, goexit: value == nil, stack: debug.Stack()})
	}()
	f()
	returned = true
}

func (p *userPanic) raise() {
	if p.goexit {
		runtime.Goexit()
	}
	panic(p.value)
}

func (w *Watcher) enter() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case w.ranging:
		return ErrWatcherBusy
	}
	w.ranging, w.loop.unresponsive = true, 0
	return nil
}

func (w *Watcher) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ranging = false
}

// sweepOnSchedule sweeps until ctx ends, or returns the error that ends the watch, or a panic of user code.
func (w *Watcher) sweepOnSchedule(ctx context.Context) (end error, caught *userPanic) { //nolint:staticcheck // the error is a value here, not a failure
	for ctx.Err() == nil {
		s := w.nextDueSweep()
		if s == nil {
			w.waitForWork(ctx)
			continue
		}
		sweepCtx, endHooks := startHook(ctx, w.client.hooks.Sweep, SweepStart{Jobs: s.jobs, Full: s.full, Late: s.late})
		s.run(sweepCtx)
		end := w.finish(ctx, s)
		endHook(endHooks, s.outcome(end))
		if s.caught != nil {
			w.client.logger.LogAttrs(ctx, slog.LevelError, "livetranscode: a panic in the watch", slog.String("stack", string(s.caught.stack)))
			return nil, s.caught
		}
		if end != nil {
			return end, nil
		}
	}
	return nil, nil
}

// nextDueSweep returns the sweep that is due: of all jobs, or of those just added; nil if none is.
func (w *Watcher) nextDueSweep() *sweep {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	s := &sweep{w: w, loop: &w.loop, began: now, lastResponse: now, full: now >= max(w.nextSweep, w.notBefore)}
	if s.full && w.lastSweep != (time.Time{}) {
		s.late = now - max(w.nextSweep, w.notBefore)
	}
	var targets []*trackedJob
	if s.full {
		targets = make([]*trackedJob, 0, len(w.jobs))
		for _, j := range w.jobs {
			targets = append(targets, j)
		}
		s.filters = w.filters
	} else {
		targets = w.fresh
	}
	w.fresh = nil
	w.targets = 0
	for _, j := range targets {
		if w.jobs[j.id] == j && !j.ended {
			s.target(j)
		}
	}
	if w.targets == 0 && len(s.filters) == 0 {
		return nil
	}
	return s
}

// waitForWork waits for the next sweep, for Add, or for the end of ctx.
func (w *Watcher) waitForWork(ctx context.Context) {
	w.mu.Lock()
	pause, idle := max(w.nextSweep, w.notBefore)-w.now(), w.alive == 0 && len(w.filters) == 0
	w.mu.Unlock()
	var timeout <-chan time.Time
	if !idle {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-timeout:
	}
}

// sweepNow makes a sweep due.
func (w *Watcher) sweepNow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nextSweep, w.notBefore = 0, 0
	notify(w.wake)
}

// finish evaluates a sweep that has ended, and returns the error that ends the watch, if any.
func (w *Watcher) finish(ctx context.Context, s *sweep) error {
	ended := w.now()
	cut := ctx.Err() != nil || s.caught != nil
	if !cut {
		s.resolveAtEnd()
		w.loop.plan = w.loop.plan.next(s.report(), ended)
	}
	w.schedule(s, ended, cut)
	if cut {
		return nil
	}
	if s.end != nil {
		return &WatchError{Err: s.end}
	}
	if s.full {
		w.logUnread(ctx, s)
	}
	return w.countUnresponsive(s)
}

// schedule sets when the next sweep is due.
func (w *Watcher) schedule(s *sweep, ended time.Duration, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.unread = w.targets
	if s.full {
		w.nextSweep = s.began + w.cfg.interval(ended-w.lastEvent)
		w.notBefore = ended + s.busy()
	} else if soon := s.began + w.cfg.interval(0); soon < w.nextSweep { // Add has shortened the interval
		w.nextSweep = soon
	}
	w.notBefore = max(w.notBefore, s.retryAt)
	for _, j := range w.jobs {
		if cut && j.target && j.fresh { // polled first in the next range
			w.fresh = append(w.fresh, j)
		}
		if j.target && len(s.unreadIDs) < maxUnreadIDs {
			s.unreadIDs = append(s.unreadIDs, j.id)
		}
		w.unmark(j)
	}
	if cut || !s.full {
		return
	}
	w.lastSweep = w.start.Add(ended)
	if s.listedAll() {
		w.lastListed = s.began
	}
	if w.sweepErr = s.err(); w.sweepErr == nil {
		w.lastComplete = w.lastSweep
		w.expireSuppressed()
	}
}

// countUnresponsive ends the watch after too many consecutive sweeps without a response. Sweeps of new jobs
// do not count: five Adds in an outage are not five sweeps. Neither do sweeps with a Retry-After.
func (w *Watcher) countUnresponsive(s *sweep) error {
	switch {
	case s.responded || s.out.Throttled > 0 || s.retryAfterSeen || s.lastErr == nil:
		w.loop.unresponsive = 0
	case s.full:
		w.loop.unresponsive++
	}
	if w.loop.unresponsive > w.cfg.tolerate {
		return &WatchError{Sweeps: w.loop.unresponsive, Err: s.lastErr}
	}
	return nil
}

// warnEvery is the minimum time between two warnings about unread jobs.
const warnEvery = 10 * time.Minute

// maxUnreadIDs is the maximum number of their IDs to log.
const maxUnreadIDs = 3

// logUnread warns when a sweep leaves jobs unread, and logs when all are read again after a warning.
func (w *Watcher) logUnread(ctx context.Context, s *sweep) {
	l, logger := &w.loop, w.client.logger
	err := s.err()
	switch {
	case err == nil && l.warned:
		l.warned = false
		logger.LogAttrs(ctx, slog.LevelInfo, "livetranscode: the watch has polled all jobs again", slog.Int("jobs", s.jobs))
	case err != nil && (l.warnedAt.IsZero() || time.Since(l.warnedAt) >= warnEvery):
		l.warned, l.warnedAt = true, time.Now()
		text := "livetranscode: the watch could not poll all jobs"
		if s.unread == 0 {
			text = "livetranscode: the watch could not list all jobs, so new ones may be missed"
		}
		logger.LogAttrs(ctx, slog.LevelWarn, text, slog.Int("unread", s.unread),
			slog.Int("jobs", s.jobs), slog.Any("ids", s.unreadIDs), slog.String("error_kind", ErrorKind(err)), slog.String("error", err.Error()))
	}
}
