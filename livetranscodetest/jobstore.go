package livetranscodetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// job is a job with what the service does not show.
type job struct {
	livetranscode.Job      // its Status counts only if automatic is false
	automatic         bool // the status follows from the schedule
	schedule          schedule
	visibleFrom       time.Time // Get and List hide the job before; zero for added jobs
	sequence          int       // the order of creation
}

// schedule is when an automatic job starts and ends. A zero end means never.
type schedule struct{ start, end time.Time }

// statusAt returns the status at a time. It is computed on reading: nothing changes a job in the background.
func (j *job) statusAt(now time.Time) livetranscode.JobStatus {
	switch {
	case !j.automatic:
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

// snapshot returns a copy of the state of the job at now.
func (j *job) snapshot(now time.Time) livetranscode.Job {
	c := j.Job
	c.Status = j.statusAt(now)
	c.OutputStream.StreamInfos = slices.Clone(c.OutputStream.StreamInfos)
	return c
}

// setStatus sets the status, which then no longer follows from the schedule.
func (j *job) setStatus(status livetranscode.JobStatus) { j.automatic, j.Status = false, status }

// byCreation orders jobs as the lists do: by second, then by the order of creation.
func byCreation(a, b *job) int {
	return cmp.Or(cmp.Compare(a.CreateTime.Unix(), b.CreateTime.Unix()), cmp.Compare(a.sequence, b.sequence))
}

// jobFilter selects jobs. Unknown and empty values select all.
type jobFilter struct {
	templateType livetranscode.TemplateType
	startMode    livetranscode.StartMode
	status       livetranscode.JobStatus
	keyword      string // in lower case
}

func (f jobFilter) matches(j *job, now time.Time) bool {
	return (f.templateType == "" || f.templateType == j.TemplateType) &&
		(f.startMode == livetranscode.StartModeUnknown || f.startMode == j.StartMode) &&
		(f.status == livetranscode.JobStatusUnknown || f.status == j.statusAt(now)) &&
		matchesKeyword(f.keyword, j.JobID, j.Name)
}

// selection is the result of a filter, valid from one time until another (zero: no end) unless the jobs change.
type selection struct {
	jobs        []*job
	from, until time.Time
}

// maxSelections is the number of results that are kept for later pages.
const maxSelections = 16

// jobStore holds the jobs. It is fast with 100,000: adding the newest job needs no sort, and the pages of one filter
// share a selection while nothing changes.
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

// changed must be called after every change of a job.
func (s *jobStore) changed() { clear(s.selections) }

// add adds j, which it then owns. It replaces a job of the same id.
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

// find returns the jobs that f selects, in the order of creation. The caller must not change the slice.
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

// AddJob adds a job without the checks of a submission and returns its id. Responses show every field as given, even a
// Status or StartMode that the service does not have, until it is changed; they omit a Status or StartMode of Unknown.
// An empty JobID defaults to a new unique id, and a zero CreateTime to the current second. A job of the same id is
// replaced. The server keeps a copy of j.
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

// SetStatus sets the status of a job, which then no longer follows its schedule, and reports whether the job exists.
// The status can be any number; responses omit JobStatusUnknown.
func (s *Server) SetStatus(jobID string, status livetranscode.JobStatus) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs.byID[jobID]
	if ok {
		j.setStatus(status)
		s.jobs.changed()
	}
	return ok
}

// Job returns the current state of the job and whether it exists. The caller owns the result.
func (s *Server) Job(jobID string) (livetranscode.Job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs.byID[jobID]
	if !ok {
		return livetranscode.Job{}, false
	}
	return j.snapshot(s.now()), true
}

// Jobs returns all jobs as they are now, in the order of creation, including those that a visibility delay still hides
// from clients. The caller owns the result.
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

// RemoveJob removes a job as if it had been deleted, and reports whether it existed.
func (s *Server) RemoveJob(jobID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs.remove(jobID)
}
