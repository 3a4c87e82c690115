package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// settled reports whether there has been no fault for long enough that requests and delays can be checked.
func (s *simulation) settled() bool {
	return s.phase.quiet && time.Since(s.since) > settleTime && time.Now().After(s.faultlessSince) && time.Now().After(s.listRefusedUntil.Add(settleTime))
}

// bound is how long a change may stay undelivered when every poll has a response. A deletion takes two sweeps.
func (s *simulation) bound(j *simJob) time.Duration {
	d := s.scale.longest*11/10 + time.Second
	if j.status() == deleted {
		d *= 2
	}
	return d
}

func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	if s.failures++; s.failures <= 10 {
		s.t.Errorf("%v, %s for %v: %s", time.Now().Format(time.TimeOnly), s.phase.name, time.Since(s.since), fmt.Sprintf(format, args...))
	}
}

// checkEvent checks an event against the history.
func (s *simulation) checkEvent(event livetranscode.JobEvent) {
	j := s.jobs[event.JobID]
	s.counts["events"]++
	if s.lastEvent = time.Now(); s.lastEvent.Equal(s.round.at) {
		s.round.lastEvent = s.lastEvent
	}
	switch {
	case j == nil || !j.watched:
		s.fail("%s: an event of a job that is not watched: %+v", event.JobID, event)
		return
	case event.Previous != j.last:
		s.fail("%s: Previous is %+v, want that of the event before, %+v", j.id, event.Previous, j.last)
	case event.Kind != s.kindOf(j, event):
		s.fail("%s: the kind is %v: %+v", j.id, event.Kind, event)
	}
	if event.Err != nil {
		s.counts["not found"]++
		j.watched = false
		switch {
		case !errors.Is(event.Err, livetranscode.ErrNotFound):
			s.fail("%s: ended with %v", j.id, event.Err)
		case j.status() != deleted:
			s.fail("%s: not found, but it is %v", j.id, j.status())
		case j.neverExisted() && time.Since(j.added) < grace:
			s.fail("%s: not found %v after Add", j.id, time.Since(j.added))
		}
		return
	}
	v, err := strconv.Atoi(event.Job.Name)
	switch {
	case err != nil || v < 0 || v >= len(j.history) || j.history[v].status != event.Job.Status || event.Job.JobID != j.id:
		s.fail("%s: no version is %+v", j.id, event.Job)
		return
	case v <= j.seen:
		s.fail("%s: version %d after %d", j.id, v, j.seen)
	case v < j.known-1: // a poll from before Add
		s.fail("%s: version %d, but it was added when it was %d", j.id, v, j.known-1)
	case v+1 < len(j.history) && event.Job.Status != stopped && time.Now().After(s.faultlessSince) && s.phase.faultless() && time.Since(later(j.history[v+1].at, s.faultlessSince)) > s.bound(j):
		s.fail("%s: version %d, replaced %v ago", j.id, v, time.Since(j.history[v+1].at))
	case j.last == nil && j.exists && s.settled() && !j.added.Before(s.since.Add(settleTime)) && time.Since(j.added) > 0:
		s.fail("%s: seen only %v after Add", j.id, time.Since(j.added))
	}
	j.last, j.seen = event.Job, v
	if event.Job.Status == stopped {
		s.counts["stopped"]++
		j.watched = false
	}
}

// kindOf returns the kind that an event must have.
func (s *simulation) kindOf(j *simJob, event livetranscode.JobEvent) livetranscode.EventKind {
	switch {
	case event.Err != nil:
		return livetranscode.EventLost
	case event.Job.Status == stopped:
		return livetranscode.EventStopped
	case j.last == nil:
		return livetranscode.EventFirstSeen
	}
	return livetranscode.EventChanged
}

// checkEnd checks why a range ended: the end of its context, or five sweeps without a response.
func (s *simulation) checkEnd(ctx context.Context, began time.Time, event livetranscode.JobEvent, err error) {
	unanswered := min(time.Since(began), time.Since(s.answered))
	switch {
	case event != livetranscode.JobEvent{}:
		s.fail("the watch ended with the event %+v", event)
	case ctx.Err() != nil:
		if s.counts["range ended"]++; !errors.Is(err, ctx.Err()) {
			s.fail("the context ended with %v, the range with %v", ctx.Err(), err)
		}
	case !errors.Is(err, livetranscode.ErrUnavailable):
		s.fail("the watch ended with %v", err)
	case unanswered < 4*s.scale.first*9/10:
		s.fail("the watch ended after %v without a response: %v", unanswered, err)
	default:
		s.counts["watch ended"]++
	}
}

// checkNothingIsOverdue checks that every change is delivered in time, once the faults are over and the reader waits.
func (s *simulation) checkNothingIsOverdue() {
	if !s.settled() {
		return
	}
	for _, j := range s.pool {
		if since, ok := j.undelivered(); ok && j.watched && time.Since(later(since, s.faultlessSince)) > s.bound(j) {
			s.fail("%s: version %d is the last delivered, %v late, of %+v", j.id, j.seen, time.Since(since), j.history)
		}
	}
}

// count counts the requests of a round.
func (s *simulation) count(req *http.Request) {
	s.counts["requests"]++
	r := &s.round
	if now := time.Now(); !now.Equal(r.at) {
		s.checkRound()
		*r = round{at: now, active: s.active, changes: s.changes, adds: s.adds, lastEvent: s.lastEvent}
		s.adds = 0
		if s.settled() {
			for _, j := range s.pool {
				if j.watched && (j.last == nil || j.status() == deleted) {
					r.new++
				}
			}
		}
	}
	if req.Header.Get("X-Acs-Action") != "ListLiveTranscodeJobs" {
		r.gets++
		return
	}
	r.lists++
	s.changes = 0
}

// checkRound checks the cost and the time of the last round.
func (s *simulation) checkRound() {
	r := s.round
	checked := s.settled() && r.at.After(s.since.Add(settleTime))
	if r.lists == 0 {
		if s.counts["polls of new jobs"]++; checked && r.gets > r.adds {
			s.fail("%d Gets for %d new jobs", r.gets, r.adds)
		}
		return
	}
	if checked {
		s.counts["sweeps"]++
		if most := 1.05*float64(r.active)/100 + 2 + float64(r.changes+r.new); float64(r.gets+r.lists) > most {
			s.fail("a sweep of %d jobs took %d Gets and %d Lists, want %.1f", r.active, r.gets, r.lists, most)
		}
		longest := s.scale.longest
		if s.lastSweep.at.Sub(s.lastSweep.lastEvent) <= 30*time.Second {
			longest = s.scale.first
		}
		gap := r.at.Sub(s.lastSweep.at)
		if s.lastSweep.at.After(s.since.Add(settleTime)) && (gap < s.scale.first*9/10 || gap > longest*11/10) {
			s.fail("a sweep %v after the last", gap)
		}
	}
	s.lastSweep = r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
