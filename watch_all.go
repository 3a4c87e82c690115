package livetranscode

import (
	"time"
)

// A JobFilter selects jobs for [Watcher.AddAll]. Its zero value selects all.
type JobFilter struct {
	// Type selects jobs by the type of their template.
	Type TemplateType
	// StartMode selects jobs by their start mode: new(livetranscode.StartModeTimed).
	StartMode *StartMode
	// Keyword selects jobs by ID or by part of the name.
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
// they start and stop between two sweeps. Jobs that were created and stopped before the first range began, or while no
// process was running, are history and not reported: list them with [Client.AllLiveTranscodeJobs] if they matter.
// Several calls add up. AddAll requires the permission ice:ListLiveTranscodeJobs: a refused List ends the watch. An
// invalid filter is the error of the next range.
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
	now := w.now()
	if len(w.filters) == 0 {
		w.lastListed = now
	}
	w.filters = append(w.filters[:len(w.filters):len(w.filters)], &filter{JobFilter: f})
	w.lastEvent, w.nextSweep = now, 0
	notify(w.wake)
}

// A filter is the filter of one AddAll and its newest page in the last sweep. Only the goroutine of the range uses it.
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

// since returns the jobs of a page that are new since p was read: those listed before a job of p, and those that are
// not older than its newest. more is whether the next page may have others.
func (p *newestPage) since(jobs []*Job) (created []*Job, more bool) {
	if !p.read {
		return nil, false // older jobs are not reported, unless they are alive: then other pages list them
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

// suppressSweeps is the number of complete sweeps for which an ID that has ended, or was removed, is not discovered
// again: the index of List may be stale.
const suppressSweeps = 30

// A suppression is an ID that AddAll must not discover again.
type suppression struct {
	sweeps int  // remaining
	listed bool // a page of the sweep under way has it as alive
}

// suppress keeps AddAll from discovering an ID that has ended or was removed. w.mu is held.
func (w *Watcher) suppress(id string) { w.suppressed[id] = &suppression{sweeps: suppressSweeps} }

// expireSuppressed removes the IDs that have not been listed as alive for long enough. It is called after each complete
// sweep. w.mu is held.
func (w *Watcher) expireSuppressed() {
	for id, a := range w.suppressed {
		if a.sweeps--; a.listed {
			a.sweeps, a.listed = suppressSweeps, false
		}
		if a.sweeps <= 0 {
			delete(w.suppressed, id)
		}
	}
}

// discover begins to watch a job that a page lists, unless its ID is suppressed. alive is whether the page lists jobs
// that have not stopped. w.mu is held.
func (w *Watcher) discover(job *Job, alive bool) *trackedJob {
	if a := w.suppressed[job.JobID]; a != nil {
		a.listed = a.listed || alive
		return nil
	}
	if alive && job.Status == JobStatusStopped {
		return nil // the service ignores the filter
	}
	j := w.track(job.JobID)
	j.read = 0 // the page reports its state
	return j
}
