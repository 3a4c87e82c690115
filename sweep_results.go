package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

const (
	// throttlePatience is for how long a sweep goes on without any response while the service throttles.
	throttlePatience = 30 * time.Second
	// maxThrottlePause is the longest pause between two calls meanwhile, if the service does not ask for more.
	maxThrottlePause = 8 * time.Second
	// responsesForSlot is how many responses allow one more concurrent call after throttling.
	responsesForSlot = 10
)

// A pacer says how many calls may be under way at once: one while the service throttles, and one more for each ten
// responses.
type pacer struct {
	slots, most int
	responses   int
	slowed      bool          // the service throttles, or did until just now
	pause       time.Duration // before the next call
}

// throttled slows down, and returns for how long to pause.
func (p *pacer) throttled() time.Duration {
	p.pause = min(max(2*p.pause, time.Second), maxThrottlePause)
	p.slots, p.responses, p.slowed = 1, 0, true
	return p.pause
}

// responded speeds up.
func (p *pacer) responded() {
	p.pause = 0
	if !p.slowed {
		return
	}
	if p.responses++; p.responses >= responsesForSlot {
		p.slots, p.responses = min(p.slots+1, p.most), 0
		p.slowed = p.slots < p.most
	}
}

// take takes in the result of a call.
func (s *sweep) take(ctx context.Context, r result) {
	switch {
	case r.caught != nil:
		s.caught, s.stopped = r.caught, true
		return
	case r.err != nil && ctx.Err() != nil: // the error may be that of the context, whatever its cause was
		s.stopped = true
		if r.job != nil {
			s.w.countPoll(r.job)
		}
		return
	}
	if !s.loop.pacer.slowed {
		s.took, s.longest = s.took+r.at-r.asked, max(s.longest, r.at-r.asked)
	}
	if r.job != nil {
		s.out.Gets++
	} else {
		s.out.Pages++
	}
	switch scopeOf(r.err, r.job == nil) {
	case scopeThrottled:
		s.throttle(r)
		return
	case scopeTransient:
		s.fail(r)
		return
	case scopeWatch:
		s.end, s.stopped = r.err, true
		return
	case scopeList:
		s.refuseList(ctx, r)
	case scopeJob, scopeNone:
	}
	s.responded, s.heard = true, s.w.now()
	s.loop.pacer.responded()
	if s.delayed { // the delay was of another job alone
		s.delayed, s.stopped, s.askedUntil = false, false, 0
	}
	switch {
	case r.job != nil:
		s.takeGet(r)
	case r.err == nil:
		s.takePage(r)
		s.leftPage(r.list, r.kind, r.no)
	}
}

// throttle repeats a call that was throttled after a pause, or ends the sweep if there was no response for long.
func (s *sweep) throttle(r result) {
	s.out.Throttled++
	s.lastErr = r.err
	now := s.w.now()
	wait := retryAfterOf(r.err)
	if r.asked >= s.pausedUntil { // else it is of before the pause
		wait = max(wait, s.loop.pacer.throttled())
	}
	if r.job != nil && r.job.fresh {
		s.urgent = append([]*trackedJob{r.job}, s.urgent...)
	} else {
		s.repeat(r.task)
	}
	s.pausedUntil = max(s.pausedUntil, now+wait)
	if s.pausedUntil-s.heard > throttlePatience {
		s.stopped = true
		s.askedUntil = max(s.askedUntil, now+retryAfterOf(r.err))
	}
}

// fail takes in a transient error.
func (s *sweep) fail(r result) {
	s.out.Failed++
	s.lastErr = r.err
	delay, most := retryAfterOf(r.err), 4*s.w.cfg.concurrency
	if delay > 0 {
		s.asked = true
	}
	stop := delay > 0 && !s.responded
	if r.job == nil {
		s.pageFails++
		s.listFailed, s.listRetry = true, max(s.listRetry, delay)
		stop = stop && s.loop.plan.failing+1 < listGivenUp
	} else {
		s.w.recordError(r.job, r.err)
		s.getFailed = true
		s.failures++
	}
	if s.responded {
		most = 7 * s.w.cfg.concurrency // there is more reason to think that it is only these jobs
	}
	switch {
	case stop:
		s.stopped, s.delayed, s.askedUntil = true, true, max(s.askedUntil, s.w.now()+delay)
	case s.failures >= most: // the last of them were chosen at random
		s.stopped = true
	}
}

// refuseList takes in that a page is refused permanently.
func (s *sweep) refuseList(ctx context.Context, r result) {
	s.listErr = r.err
	if r.list.filter != nil && r.no == 1 {
		s.end, s.stopped = r.err, true
		return
	}
	said := s.refusedAt > 0
	if !said || r.no < s.refusedAt {
		s.refusedAt = r.no
	}
	if said {
		return
	}
	text, attrs := "livetranscode: List was refused; the watch polls each job with a Get", []slog.Attr{
		slog.Duration("for", refusedFor), slog.String("error_kind", ErrorKind(r.err)), slog.String("error", r.err.Error()),
	}
	if r.no > 1 {
		text = "livetranscode: a deep page of List was refused; the watch polls the jobs beyond it with a Get each"
		attrs = append(attrs, slog.Int("page", r.no))
	}
	s.w.client.logger.LogAttrs(ctx, slog.LevelWarn, text, attrs...)
}

// takeGet takes in the response to a Get, which counts for the id that was asked for.
func (s *sweep) takeGet(r result) {
	s.failures = 0
	read := reading{job: r.read, began: r.began, at: r.at}
	switch {
	case r.err == nil:
		s.w.mu.Lock()
		s.w.recordRead(r.job, read)
		s.w.mu.Unlock()
	case errors.Is(r.err, ErrNotFound):
		s.w.recordNotFound(r.job, read, r.asked, r.err)
	default:
		s.w.recordError(r.job, r.err)
		s.refused = append(s.refused, r)
		s.lastErr = r.err
		if !s.gotJob {
			return
		}
	}
	s.gotJob = true
	s.resolveRefusals()
}

// resolveRefusals decides what refused Gets mean: the end of their jobs if other calls succeed. Pages that can be read do
// not speak for the permission to Get. If every Get of a full sweep was refused, that is the end of the watch.
func (s *sweep) resolveRefusals() {
	undecided := s.refused[:0]
	for _, r := range s.refused {
		if s.gotJob || s.pages > 0 && !errors.Is(r.err, ErrForbidden) {
			s.w.recordLost(r.job, reading{began: r.began, at: r.at}, r.err)
		} else {
			undecided = append(undecided, r)
		}
	}
	s.refused = undecided
}

// judge decides what refused Gets mean when the sweep has ended.
func (s *sweep) judge() {
	s.resolveRefusals()
	if len(s.refused) > 0 && s.end == nil && s.full && !s.getFailed && s.out.Throttled == 0 {
		s.end = s.refused[0].err
	}
}

// report tells the plan what List did.
func (s *sweep) report() listReport {
	now := s.w.now()
	r := listReport{gets: s.out.Gets, refusedAt: s.refusedAt}
	if s.listRetry > 0 {
		r.retryAt = now + s.listRetry
	}
	switch {
	case s.listFailed:
		r.result = listFailing
	case s.pages == 0:
	case slices.ContainsFunc(s.lists, func(l *pageSet) bool { return !l.complete() }):
		r.result = listPartial
	default:
		r.result = listComplete
	}
	for _, l := range s.lists {
		if l.started() && (l.filter == nil || l.filter.isZero()) {
			r.pages = min(len(l.read[0]), s.orders.depth) + min(len(l.read[1]), s.orders.depth)
		}
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, j := range s.absent {
		if !j.target && !j.ended {
			r.unpaged++
		}
	}
	return r
}

// outcome returns what the sweep did, when it has ended.
func (s *sweep) outcome(end error) SweepEnd {
	out := s.out
	out.Unread, out.Err = s.unread, end
	if end == nil {
		out.Err = s.err()
	}
	return out
}

// err returns why the sweep did not poll all jobs; nil if it did.
func (s *sweep) err() error {
	listed := !slices.ContainsFunc(s.lists, func(l *pageSet) bool { return l.filter != nil && !l.complete() }) &&
		(s.filters == nil || len(s.lists) > 0)
	switch {
	case s.end != nil:
		return s.end
	case s.unread == 0 && listed:
		return nil
	case s.lastErr != nil:
		return s.lastErr
	case s.listErr != nil:
		return s.listErr
	case s.unread == 0:
		return errListLimited
	}
	return fmt.Errorf("livetranscode: watch: %d jobs were not polled", s.unread)
}

var errListLimited = errors.New("livetranscode: watch: List refuses some pages, so new jobs may be missed")
