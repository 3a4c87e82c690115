package livetranscode

import (
	"time"
)

// A JobFilter selects jobs for [Watcher.AddAll]. Its zero value selects all.
type JobFilter struct {
	// Type selects jobs by the kind of their template.
	Type TemplateType
	// StartMode selects jobs by their start mode: new(livetranscode.StartModeTimed).
	StartMode *StartMode
	// Keyword selects jobs by id, or by a part of the name.
	Keyword string
}

func (f JobFilter) isZero() bool { return f.Type == "" && f.StartMode == nil && f.Keyword == "" }

func (f JobFilter) equal(o JobFilter) bool {
	return f.Type == o.Type && f.Keyword == o.Keyword && (f.StartMode == nil) == (o.StartMode == nil) &&
		(f.StartMode == nil || *f.StartMode == *o.StartMode)
}

// request returns the request for a page of the jobs that the filter selects.
func (f JobFilter) request(no int) *ListLiveTranscodeJobsRequest {
	return &ListLiveTranscodeJobsRequest{
		Type: f.Type, StartMode: f.StartMode, Keyword: f.Keyword, PageNo: no, PageSize: maxPageSize, SortBy: SortDescending,
	}
}

// AddAll watches every job of the account that matches f: those that have not stopped, and those created later, even if
// they start and stop between two sweeps. What was created and stopped before the watch began, or while no range was
// running, is history and not reported. Several filters add up. It needs the permission ice:ListLiveTranscodeJobs: a
// refused List ends the watch. A filter that is invalid is the error of the next range.
func (w *Watcher) AddAll(f JobFilter) {
	if f.StartMode != nil {
		f.StartMode = new(*f.StartMode)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if field, reason := f.request(1).validate(); field != "" && w.err == nil {
		w.err = &ParamError{Operation: "AddAll", Field: field, Reason: reason}
	}
	for _, known := range w.filters {
		if known.equal(f) {
			return
		}
	}
	w.filters = append(w.filters[:len(w.filters):len(w.filters)], &filter{JobFilter: f})
	w.lastEvent, w.nextSweep = w.now(), 0
	notify(w.wake)
}

// A filter is one AddAll, and what its newest page was in the last sweep. It is used by the goroutine of the range only.
type filter struct {
	JobFilter
	newest newestPage
}

// A newestPage is the first page of the jobs of any status, newest first.
type newestPage struct {
	read    bool
	ids     map[string]bool
	created time.Time // the latest CreateTime
}

func newNewestPage(jobs []*Job) newestPage {
	p := newestPage{read: true, ids: make(map[string]bool, len(jobs))}
	for _, job := range jobs {
		p.ids[job.JobID] = true
		if job.CreateTime.After(p.created) {
			p.created = job.CreateTime
		}
	}
	return p
}

// since returns the jobs of a page that are new since p was read: those listed before a job of p, and those that are not
// older than its newest. more is whether the next page may have others.
func (p *newestPage) since(jobs []*Job) (created []*Job, more bool) {
	if !p.read {
		return nil, false // what was there before the watch is history, unless it is alive: then other pages have it
	}
	lastKnown := -1
	for i, job := range jobs {
		if p.ids[job.JobID] {
			lastKnown = i
		}
	}
	datable := !p.created.IsZero() || len(p.ids) == 0
	older := func(job *Job) bool { return !datable || job.CreateTime.Before(p.created) }
	for i, job := range jobs {
		if !p.ids[job.JobID] && (i < lastKnown || !older(job)) {
			created = append(created, job)
		}
	}
	return created, lastKnown < 0 && len(jobs) == maxPageSize && !older(jobs[len(jobs)-1])
}

// awayFor is for how many complete sweeps an id that has ended, or was removed, must not be found again: the index of List
// may lag behind.
const awayFor = 30

// An absence is an id that AddAll must not find again.
type absence struct {
	sweeps int  // for which it is still remembered
	listed bool // a page of the sweep under way has it as alive
}

// keepAway remembers an id that has ended or was removed. w.mu is held.
func (w *Watcher) keepAway(id string) { w.away[id] = &absence{sweeps: awayFor} }

// forgetAway forgets the ids that were not listed as alive for long enough, after a complete sweep. w.mu is held.
func (w *Watcher) forgetAway() {
	for id, a := range w.away {
		if a.sweeps--; a.listed {
			a.sweeps, a.listed = awayFor, false
		}
		if a.sweeps <= 0 {
			delete(w.away, id)
		}
	}
}

// discover begins to watch a job that a page has, unless its id must stay away. alive is whether the page lists jobs that
// have not stopped. w.mu is held.
func (w *Watcher) discover(job *Job, alive bool) *trackedJob {
	if a := w.away[job.JobID]; a != nil {
		a.listed = a.listed || alive
		return nil
	}
	if alive && job.Status == JobStatusStopped {
		return nil // of a service that ignores the filter
	}
	j := w.track(job.JobID)
	j.read = 0 // the page has its state
	return j
}
