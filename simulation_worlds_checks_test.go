package livetranscode_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// A span is an interval of time.
type span struct{ from, to time.Time }

// markUnobservable records that changes could not be observed since a time.
func (w *world) markUnobservable(from time.Time) {
	w.unobservable = append(w.unobservable, span{from, time.Now()})
}

// checkEvent checks an event against the history, and stores it unless the process crashes first.
func (w *world) checkEvent(event livetranscode.JobEvent, crash bool) {
	w.counts["events"]++
	l := w.byID[event.JobID]
	if l == nil || l.over {
		w.fail("an event of a job that has ended or does not exist: %+v", event)
		return
	}
	final := event.Kind == livetranscode.EventStopped || event.Kind == livetranscode.EventLost
	at := len(l.history) - 1
	if event.Kind == livetranscode.EventLost {
		if !errors.Is(event.Err, livetranscode.ErrNotFound) || l.status() != deleted {
			w.fail("%s: lost, but it is %v: %v", l.id, l.status(), event.Err)
		}
	} else {
		at, _ = strconv.Atoi(event.Job.Name)
		if at >= len(l.history) || l.history[at].status != event.Job.Status {
			w.fail("%s: no version is %+v", l.id, event.Job)
			return
		}
	}
	if known := w.store[l.id]; at <= l.last && !final && !w.isLagging(l, at) || known == nil != (event.Previous == nil) || known != nil && known.Name != event.Previous.Name {
		w.fail("%s: version %d after %d, Previous is %v", l.id, at, l.last, event.Previous)
	}
	w.checkLate(l, l.last+1, event)
	if crash {
		w.counts["crashes"]++
		return
	}
	l.last = at
	w.store[l.id] = event.Job
	if final {
		l.over, l.lost = true, event.Kind == livetranscode.EventLost
	}
}

// isLagging reports whether the index of List may still show an earlier version of the same status.
func (w *world) isLagging(l *worldJob, v int) bool {
	return w.lag > 0 && v < l.last && l.history[v].status >= l.history[l.last].status
}

// checkLate checks the delay of an event since the version after the last delivered one.
func (w *world) checkLate(l *worldJob, v int, event livetranscode.JobEvent) {
	if v >= len(l.history) || l.failing {
		return
	}
	since := later(l.history[v].at, l.added)
	late := time.Since(since) - w.unobservableFor(since)
	slack := worldSlack + w.lag
	if l.history[v].status == deleted || l.status() == deleted {
		slack += worldInterval + 20*time.Second // to confirm it
	}
	if late > slack {
		w.fail("%s: version %d of %+v was delivered after %v: %v", l.id, v, l.history, late, event.Kind)
	}
}

// unobservableFor returns for how long changes could not be observed since a time.
func (w *world) unobservableFor(since time.Time) (sum time.Duration) {
	spans := slices.Clone(w.unobservable)
	if !w.faultSince.IsZero() {
		spans = append(spans, span{w.faultSince, time.Now()})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	for _, s := range spans {
		if from := later(s.from, since); s.to.After(from) {
			sum += s.to.Sub(from)
			since = s.to
		}
	}
	return sum
}

func (w *world) checkEnd(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
	case (w.outage || w.onlyFailing()) && errors.Is(err, livetranscode.ErrUnavailable):
		w.counts["watch ended"]++
	default:
		w.fail("the watch ended with %v", err)
	}
}

// onlyFailing reports whether every watched job that has not ended is one whose Gets fail.
func (w *world) onlyFailing() bool {
	return !slices.ContainsFunc(w.order, func(l *worldJob) bool { return l.watched && !l.failing && !l.over })
}
