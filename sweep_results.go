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
	// throttleTimeout is how long a sweep continues while the service throttles every call.
	throttleTimeout = 30 * time.Second
	// slowTimeout is how long a sweep that has had a response continues without another one: a sweep that starts again
	// makes less progress.
	slowTimeout = 2 * time.Minute
	// maxThrottlePause is the longest pause between two throttled calls, unless a Retry-After is longer.
	maxThrottlePause = 8 * time.Second
	// responsesForSlot is the number of responses after which one more concurrent call is allowed after throttling.
	responsesForSlot = 10
)

// A pacer limits the concurrent calls: to one while the service throttles, and to one more after every ten responses.
type pacer struct {
	slots, most int
	responses   int
	slowed      bool          // the service throttles, or the slots are not restored yet
	pause       time.Duration // before the next call
}

// throttled slows down, and returns how long to pause.
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

// handleResult handles the result of a call.
func (s *sweep) handleResult(ctx context.Context, r result) {
	switch {
	case r.caught != nil:
		s.caught, s.stopped = r.caught, true
		return
	case r.err != nil && ctx.Err() != nil: // the error may be caused by the context
		s.stopped = true
		if r.job != nil {
			s.w.countPoll(r.job)
		}
		return
	}
	if !s.loop.pacer.slowed {
		s.took, s.longest = s.took+r.at-r.sentAt, max(s.longest, r.at-r.sentAt)
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
	s.responded, s.lastResponse = true, s.w.now()
	s.loop.pacer.responded()
	if s.delayed { // the delay concerned only another job
		s.delayed, s.stopped, s.retryAt = false, false, 0
	}
	switch {
	case r.job != nil:
		s.handleGet(r)
	case r.err == nil:
		s.handlePage(r)
		s.leftPage(r.list, r.kind, r.no)
	}
}

// throttle retries a throttled call after a pause. After a time without a response it gives up List, whose quota may be
// one of its own, and then the sweep.
func (s *sweep) throttle(r result) {
	s.out.Throttled++
	s.lastErr = r.err
	now := s.w.now()
	wait := retryAfterOf(r.err)
	if r.sentAt >= s.pausedUntil { // otherwise it was sent before the pause
		wait = max(wait, s.loop.pacer.throttled())
	}
	if r.job != nil && r.job.fresh {
		s.prioritized = append([]*trackedJob{r.job}, s.prioritized...)
	} else {
		s.requeue(r.task)
	}
	s.pausedUntil = max(s.pausedUntil, now+wait)
	timeout := throttleTimeout
	switch {
	case s.responded:
		timeout = slowTimeout
	case r.job == nil && s.loop.plan.failing%2 == 1: // it was given up in the last sweep; the next tries it again
		timeout = 0
	}
	switch {
	case s.pausedUntil-s.lastResponse <= timeout:
	case r.job == nil && s.pages == 0:
		s.lastResponse = now // the Gets have a time of their own
		s.listFailed, s.listThrottled = true, true
		s.pageFails = s.w.cfg.concurrency
	default:
		s.stopped = true
		s.retryAt = max(s.retryAt, now+retryAfterOf(r.err))
	}
}

// fail records a transient error.
func (s *sweep) fail(r result) {
	s.out.Failed++
	s.lastErr = r.err
	delay, most := retryAfterOf(r.err), 4*s.w.cfg.concurrency
	if delay > 0 {
		s.retryAfterSeen = true
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
		most = 7 * s.w.cfg.concurrency // probably only these jobs fail
	}
	switch {
	case stop:
		s.stopped, s.delayed, s.retryAt = true, true, max(s.retryAt, s.w.now()+delay)
	case s.failures >= most: // the last of them were chosen at random
		s.stopped = true
	}
}

// refuseList records that a page is refused permanently.
func (s *sweep) refuseList(ctx context.Context, r result) {
	s.listErr = r.err
	if r.list.filter != nil && r.no == 1 {
		s.end, s.stopped = r.err, true
		return
	}
	logged := s.refusedAt > 0
	if !logged || r.no < s.refusedAt {
		s.refusedAt = r.no
	}
	if logged {
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

// handleGet records the response to a Get under the requested ID, whatever ID the response has.
func (s *sweep) handleGet(r result) {
	s.failures = 0
	read := reading{job: r.read, began: r.began, at: r.at}
	switch {
	case r.err == nil:
		s.w.mu.Lock()
		s.w.recordRead(r.job, read)
		s.w.mu.Unlock()
	case errors.Is(r.err, ErrNotFound):
		s.w.recordNotFound(r.job, read, r.sentAt, r.err)
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

// resolveRefusals decides what refused Gets mean: the end of their jobs if other calls succeed. Pages that can be
// read do not show that Gets are permitted. If every Get of a full sweep was refused, the watch ends.
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

// resolveAtEnd decides what the remaining refused Gets mean when the sweep has ended.
func (s *sweep) resolveAtEnd() {
	s.resolveRefusals()
	if len(s.refused) > 0 && s.end == nil && s.full && !s.getFailed && s.out.Throttled == 0 {
		s.end = s.refused[0].err
	}
}

// report returns what List did, for the plan.
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
	case slices.ContainsFunc(s.lists, func(l *pageSet) bool { return !l.complete(unlimited) }):
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
	listed := !slices.ContainsFunc(s.lists, func(l *pageSet) bool { return l.filter != nil && !l.complete(unlimited) }) &&
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
