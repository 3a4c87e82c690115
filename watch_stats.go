package livetranscode

import (
	"cmp"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// A WatchedJob is what a [Watcher] knows of a job.
type WatchedJob struct {
	// JobID is the watched ID.
	JobID string
	// Job is the Job of the last delivered event, or the one passed to [Watcher.Resume]. It is never nil: without
	// either, it has only the ID and [JobStatusUnknown]. It must not be changed.
	Job *Job
	// PolledAt is when a response last reported the state of the job; the zero time if none has.
	PolledAt time.Time
	// Err is the error of the last poll, nil if that succeeded.
	Err error
}

// watchedJobJSON is a WatchedJob as it is stored.
type watchedJobJSON struct {
	JobID    string `json:"JobId"`
	Job      *Job
	PolledAt time.Time `json:",omitzero"`
	Err      string    `json:",omitzero"`
}

// MarshalJSON implements json.Marshaler: Err is encoded as text. The URLs of streams are not redacted.
func (j WatchedJob) MarshalJSON() ([]byte, error) {
	return json.Marshal(watchedJobJSON{j.JobID, j.Job, j.PolledAt, errorText(j.Err)})
}

// UnmarshalJSON implements json.Unmarshaler. It restores only the text of Err.
func (j *WatchedJob) UnmarshalJSON(b []byte) error {
	var stored watchedJobJSON
	if err := json.Unmarshal(b, &stored); err != nil {
		return err
	}
	*j = WatchedJob{JobID: stored.JobID, Job: cmp.Or(stored.Job, unreadJob(stored.JobID)), PolledAt: stored.PolledAt}
	if stored.Err != "" {
		j.Err = errors.New(stored.Err)
	}
	return nil
}

// LogValue implements slog.LogValuer. It redacts what [Job.LogValue] redacts.
func (j WatchedJob) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("id", j.JobID), logJob("job", j.Job), slog.Time("polled_at", j.PolledAt)}
	if j.Err != nil {
		attrs = append(attrs, slog.String("error", j.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Jobs returns a snapshot of the watched jobs, sorted by ID, to store and to pass to [Watcher.Resume] after a restart.
// An event counts as delivered while the body of the loop handles it, and a job is removed when its last event is
// delivered. Jobs takes time proportional to the number of jobs, and may be called from any goroutine, at any time.
func (w *Watcher) Jobs() iter.Seq[WatchedJob] {
	return func(yield func(WatchedJob) bool) {
		for _, job := range w.snapshot() {
			if !yield(job) {
				return
			}
		}
	}
}

func (w *Watcher) snapshot() []WatchedJob {
	w.mu.Lock()
	all := make([]WatchedJob, 0, len(w.jobs))
	for _, j := range w.jobs {
		job := WatchedJob{JobID: j.id, Job: j.delivered}
		if j.delivered == nil {
			job.Job = unreadJob(j.id)
		}
		if j.responded {
			job.PolledAt = w.start.Add(j.polled)
		}
		if j.failure != nil {
			job.Err = j.failure.err
		}
		all = append(all, job)
	}
	w.mu.Unlock()
	slices.SortFunc(all, func(a, b WatchedJob) int { return cmp.Compare(a.JobID, b.JobID) })
	return all
}

// WatcherStats says how a [Watcher] is doing. For a readiness check, compare OldestPoll with the longest interval: a
// watch that keeps up has polled every job within an interval plus the duration of a sweep. Before the first sweep is
// complete, LastComplete is zero. OldestPending shows a loop whose body is stuck, which delays no poll.
type WatcherStats struct {
	// Jobs counts the watched jobs by the status that was last read, JobStatusUnknown if none was.
	Jobs map[JobStatus]int
	// Pending is the number of events that are not delivered yet.
	Pending int
	// OldestPending is when the oldest of these was queued; the zero time if there is none.
	OldestPending time.Time
	// LastSweep is when the last sweep ended; the zero time if none has.
	LastSweep time.Time
	// LastComplete is when the last sweep ended that polled every job; the zero time if none has.
	LastComplete time.Time
	// OldestPoll is when the job that was polled least recently was polled: when it was added, if it never was, and
	// now if no job is watched. Throttled calls and responses without the state of the job do not count. With
	// [Watcher.AddAll] it is not later than the last sweep that listed all jobs, so that it is also old while new jobs
	// cannot be discovered; pages that the service permanently refuses to list do not count.
	OldestPoll time.Time
	// Err is why the last sweep did not poll every job; nil if it did.
	Err error
}

// MarshalJSON implements json.Marshaler: the keys of Jobs are the texts of the states, and Err is encoded as text.
func (s WatcherStats) MarshalJSON() ([]byte, error) {
	jobs := make(map[string]int, len(s.Jobs))
	for status, n := range s.Jobs {
		jobs[status.String()] += n
	}
	return json.Marshal(struct {
		Jobs          map[string]int
		Pending       int
		OldestPending time.Time `json:",omitzero"`
		LastSweep     time.Time `json:",omitzero"`
		LastComplete  time.Time `json:",omitzero"`
		OldestPoll    time.Time
		Err           string `json:",omitzero"`
	}{jobs, s.Pending, s.OldestPending, s.LastSweep, s.LastComplete, s.OldestPoll, errorText(s.Err)}, json.Deterministic(true))
}

// LogValue implements slog.LogValuer.
func (s WatcherStats) LogValue() slog.Value {
	jobs := 0
	for _, n := range s.Jobs {
		jobs += n
	}
	attrs := []slog.Attr{
		slog.Int("jobs", jobs), slog.Int("pending", s.Pending), slog.Time("oldest_pending", s.OldestPending),
		slog.Time("last_sweep", s.LastSweep), slog.Time("last_complete", s.LastComplete), slog.Time("oldest_poll", s.OldestPoll),
	}
	if s.Err != nil {
		attrs = append(attrs, slog.String("error", s.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Stats returns the current statistics of the watch. It takes time proportional to the number of jobs, and may be
// called from any goroutine, at any time.
func (w *Watcher) Stats() WatcherStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	oldest := w.now()
	if len(w.filters) > 0 {
		oldest = w.lastListed
	}
	s := WatcherStats{Jobs: make(map[JobStatus]int), LastSweep: w.lastSweep, LastComplete: w.lastComplete, Err: w.sweepErr}
	for _, j := range w.jobs {
		status := JobStatusUnknown
		if j.job != nil {
			status = j.job.Status
		}
		s.Jobs[status]++
		if j.hasEvent() {
			s.Pending++
		}
		if !j.ended {
			oldest = min(oldest, j.polled)
		}
	}
	s.OldestPoll = w.start.Add(oldest)
	for _, p := range w.pending {
		if w.jobs[p.job.id] == p.job && p.job.hasEvent() {
			s.OldestPending = w.start.Add(p.since)
			break
		}
	}
	return s
}
