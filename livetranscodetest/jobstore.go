package livetranscodetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// job is a job and what the service does not show of it.
type job struct {
	livetranscode.Job // with a Status that holds only when the job does not live by time
	byTime            bool
	schedule          schedule
	visibleFrom       time.Time // before, Get and List do not show it; zero for added jobs
	sequence          int       // the order of creation
}

// schedule is when a job that lives by time starts and ends; without an end it runs on.
type schedule struct{ start, end time.Time }

// statusAt is the whole life of a submitted job: nothing happens to it, it is looked at.
func (j *job) statusAt(now time.Time) livetranscode.JobStatus {
	switch {
	case !j.byTime:
		return j.Status
	case now.Before(j.schedule.start):
		return livetranscode.JobStatusNotStarted
	case j.schedule.end.IsZero() || now.Before(j.schedule.end):
		return livetranscode.JobStatusInProgress
	}
	return livetranscode.JobStatusStopped
}

func (j *job) visibleAt(now time.Time) bool { return !now.Before(j.visibleFrom) }

// nextChange returns when the job's status or visibility may change without a call. The zero time means never.
func (j *job) nextChange(now time.Time) time.Time {
	var next time.Time
	for _, t := range [...]time.Time{j.visibleFrom, j.schedule.start, j.schedule.end} {
		if now.Before(t) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// snapshot returns a copy of the job as it is at now.
func (j *job) snapshot(now time.Time) livetranscode.Job {
	c := j.Job
	c.Status = j.statusAt(now)
	c.OutputStream.StreamInfos = slices.Clone(c.OutputStream.StreamInfos)
	return c
}

// settle ends the job's life by time.
func (j *job) settle(status livetranscode.JobStatus) { j.byTime, j.Status = false, status }

// byCreation orders jobs as the lists do: within a second, by the order of creation.
func byCreation(a, b *job) int {
	return cmp.Or(cmp.Compare(a.CreateTime.Unix(), b.CreateTime.Unix()), cmp.Compare(a.sequence, b.sequence))
}

// jobFilter selects jobs; the fields' Unknown and empty values select all.
type jobFilter struct {
	templateType livetranscode.TemplateType
	startMode    livetranscode.StartMode
	status       livetranscode.JobStatus
	keyWord      string // in lower case
}

func (f jobFilter) matches(j *job, now time.Time) bool {
	return (f.templateType == "" || f.templateType == j.TemplateType) &&
		(f.startMode == livetranscode.StartModeUnknown || f.startMode == j.StartMode) &&
		(f.status == livetranscode.JobStatusUnknown || f.status == j.statusAt(now)) &&
		matchesKeyWord(f.keyWord, j.JobID, j.Name)
}

// selection is what a filter selected, good from one time until before another; no end: until the jobs change.
type selection struct {
	jobs        []*job
	from, until time.Time
}

// maxSelections bounds what is kept for the next pages.
const maxSelections = 16

// jobStore holds the jobs, made for pages of 100,000: a job costs nothing where it is appended last, and the
// pages of one filter share a selection as long as nothing changes.
type jobStore struct {
	byID       map[string]*job
	ordered    []*job // by creation, if sorted
	sorted     bool
	sequence   int
	selections map[jobFilter]selection
}

func newJobStore() jobStore {
	return jobStore{byID: map[string]*job{}, sorted: true, selections: map[jobFilter]selection{}}
}

// changed is to be called after every change of a job.
func (s *jobStore) changed() { clear(s.selections) }

// add takes j over. A job of the same id is replaced.
func (s *jobStore) add(j *job) {
	s.remove(j.JobID)
	s.sequence++
	j.sequence = s.sequence
	if n := len(s.ordered); n > 0 && byCreation(s.ordered[n-1], j) > 0 {
		s.sorted = false
	}
	s.byID[j.JobID] = j
	s.ordered = append(s.ordered, j)
	s.changed()
}

func (s *jobStore) remove(id string) bool {
	j, ok := s.byID[id]
	if !ok {
		return false
	}
	s.sort()
	i, _ := slices.BinarySearchFunc(s.ordered, j, byCreation)
	s.ordered = slices.Delete(s.ordered, i, i+1)
	delete(s.byID, id)
	s.changed()
	return true
}

func (s *jobStore) sort() {
	if !s.sorted {
		slices.SortFunc(s.ordered, byCreation)
		s.sorted = true
	}
}

// find returns the jobs that f selects, in the order of creation. The caller does not change the slice.
func (s *jobStore) find(f jobFilter, now time.Time) []*job {
	sel, ok := s.selections[f]
	if ok && !now.Before(sel.from) && (sel.until.IsZero() || now.Before(sel.until)) {
		return sel.jobs
	}
	s.sort()
	sel = selection{from: now}
	for _, j := range s.ordered {
		if j.visibleAt(now) && f.matches(j, now) {
			sel.jobs = append(sel.jobs, j)
		}
		if next := j.nextChange(now); !next.IsZero() && (sel.until.IsZero() || next.Before(sel.until)) {
			sel.until = next
		}
	}
	if len(s.selections) >= maxSelections {
		clear(s.selections)
	}
	s.selections[f] = sel
	return sel.jobs
}

// AddJob adds a job as it is, without the rules for submitted ones: every field, also a Status or StartMode
// that does not exist, is served as set, and stays so until it is changed. A Status or StartMode of Unknown is
// left out of the answers. An empty JobID becomes a fresh unique one, and a zero CreateTime the present second.
// A job of the same id is replaced by a new one. AddJob returns the id; the server keeps a copy of j.
func (s *Server) AddJob(j livetranscode.Job) (jobID string) {
	j.OutputStream.StreamInfos = slices.Clone(j.OutputStream.StreamInfos)
	if j.JobID == "" {
		j.JobID = newID()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.CreateTime.IsZero() {
		j.CreateTime = s.now().Truncate(time.Second)
	}
	s.jobs.add(&job{Job: j})
	return j.JobID
}

// SetStatus sets the status of a job, which then stays as set, also that of a submitted job. Any number goes;
// JobStatusUnknown leaves the status out of the answers. It reports whether there is such a job.
func (s *Server) SetStatus(jobID string, status livetranscode.JobStatus) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs.byID[jobID]
	if ok {
		j.settle(status)
		s.jobs.changed()
	}
	return ok
}

// Job returns the job as it is now, and whether there is such a job. The caller owns the result.
func (s *Server) Job(jobID string) (livetranscode.Job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs.byID[jobID]
	if !ok {
		return livetranscode.Job{}, false
	}
	return j.snapshot(s.now()), true
}

// Jobs returns all jobs as they are now, in the order of their creation: also those that a visibility delay still
// hides from clients. The caller owns the result.
func (s *Server) Jobs() []livetranscode.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs.sort()
	now, all := s.now(), make([]livetranscode.Job, len(s.jobs.ordered))
	for i, j := range s.jobs.ordered {
		all[i] = j.snapshot(now)
	}
	return all
}

// RemoveJob removes a job as if it had been deleted, and reports whether there was such a job.
func (s *Server) RemoveJob(jobID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs.remove(jobID)
}
