package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/livetranscode/livetranscode-go"
)

// kind is what the display tells apart: each has a color and a sign.
type kind int

const (
	inProgress kind = iota
	notStarted
	stopped
	lost // no longer watched, because of an error
	other
)

// row is a job as the table shows it. Its texts are safe to print on a terminal.
type row struct {
	id, name, input, template string
	status                    string // in words
	kind                      kind
	since                     time.Time // when the job was first seen in this status
	orEarlier                 bool      // since may be later than the true time
	changed                   time.Time // when the job appeared or a change was seen; zero if watched from the start
}

// change is a printed event.
type change struct {
	Time     time.Time `json:"time"`
	JobID    string    `json:"job_id"`
	Name     string    `json:"name,omitempty"`
	Status   string    `json:"status"`
	Previous string    `json:"previous,omitempty"` // empty if the job is seen for the first time
	Input    string    `json:"input,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// count is the number of jobs in a status.
type count struct {
	status string
	kind   kind
	jobs   int
}

// state is what is known of the jobs. The watch writes it and the table reads it independently: a slow terminal
// delays nothing.
//
// It is also the client's limiter, which never waits but counts each request, retries included.
type state struct {
	title     string
	first     int           // number of jobs watched from the start
	keepEnded time.Duration // how long an ended job stays in the table; 0 means forever
	started   time.Time
	watcher   *livetranscode.Watcher

	mu          sync.Mutex
	rows        map[string]*row
	order       []*row // in the order of first sight
	counts      map[string]*count
	changes     int
	requests    int
	lastError   string
	lastErrorAt time.Time
	done        bool // all jobs have ended
}

// snapshot is a copy of the state at one time.
type snapshot struct {
	title         string
	started, now  time.Time
	rows          []row
	counts        []count
	jobs, changes int
	requests      int
	oldestPoll    time.Time // of the job polled least recently
	lastError     string
	lastErrorAt   time.Time
	done          bool
}

func newState() *state {
	return &state{started: time.Now(), rows: make(map[string]*row), counts: make(map[string]*count)}
}

// apply records an event and returns its printed form.
func (s *state) apply(event livetranscode.JobEvent) change {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	r, known := s.rows[event.JobID]
	if !known {
		r = &row{id: printable(event.JobID)}
		s.rows[event.JobID] = r
		s.order = append(s.order, r)
	}
	previous := r.status
	if known {
		s.counts[previous].jobs--
		s.changes++
	}
	if known || len(s.rows) > s.first {
		r.changed = now
	}
	r.update(event)
	c := change{Time: now, JobID: event.JobID, Name: r.name, Status: r.status, Previous: previous, Input: r.input}
	if event.Err != nil {
		c.Error = printable(event.Err.Error())
		if r.status != "gone" { // an error to show
			s.lastError, s.lastErrorAt = strings.TrimPrefix(c.Error, "livetranscode: "), c.Time
		}
	}
	if r.status != previous {
		r.since, r.orEarlier = now, !known
		if !known && r.kind == notStarted && !event.Job.CreateTime.IsZero() {
			r.since, r.orEarlier = event.Job.CreateTime, false // every job begins in this status
		}
	}
	if s.counts[r.status] == nil {
		s.counts[r.status] = &count{status: r.status, kind: r.kind}
	}
	s.counts[r.status].jobs++
	return c
}

// resume shows a job as it was when the state file was written.
func (s *state) resume(job *livetranscode.Job) {
	s.apply(livetranscode.JobEvent{Kind: livetranscode.EventFirstSeen, JobID: job.JobID, Job: job})
}

// fail shows an error.
func (s *state) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastError, s.lastErrorAt = printable(err.Error()), time.Now()
}

// update sets what the event says of the job.
func (r *row) update(event livetranscode.JobEvent) {
	switch job := event.Job; {
	case event.Err == nil:
		r.name, r.input = printable(job.Name), printable(redactedInput(job))
		r.template = printable(cmp.Or(job.TemplateName, job.TemplateID))
		r.status, r.kind = printable(job.Status.String()), kindOf(job.Status)
	case errors.Is(event.Err, livetranscode.ErrNotFound):
		r.status, r.kind = "gone", lost
	default:
		r.status, r.kind = "not watched", lost
	}
}

func kindOf(s livetranscode.JobStatus) kind {
	switch s {
	case livetranscode.JobStatusInProgress:
		return inProgress
	case livetranscode.JobStatusNotStarted:
		return notStarted
	case livetranscode.JobStatusStopped:
		return stopped
	default:
		return other
	}
}

// snapshot returns a copy of the current state. Jobs that ended more than keepEnded ago are still counted, but
// have no row.
func (s *state) snapshot() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.keepEnded > 0 {
		s.order = slices.DeleteFunc(s.order, func(r *row) bool {
			return (r.kind == stopped || r.kind == lost) && now.Sub(r.since) > s.keepEnded
		})
	}
	f := snapshot{
		title: s.title, started: s.started, now: now, jobs: len(s.rows), changes: s.changes,
		requests: s.requests, lastError: s.lastError, lastErrorAt: s.lastErrorAt, done: s.done,
	}
	if s.watcher != nil {
		f.oldestPoll = s.watcher.Stats().OldestPoll
	}
	for _, r := range s.order {
		f.rows = append(f.rows, *r)
	}
	for _, c := range s.counts {
		if c.jobs > 0 {
			f.counts = append(f.counts, *c)
		}
	}
	slices.SortFunc(f.counts, func(x, y count) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.status, y.status))
	})
	return f
}

// Wait implements livetranscode.Limiter.
func (s *state) Wait(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return nil
}

// allSeen reports whether all jobs that are watched from the start have been seen.
func (s *state) allSeen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows) >= s.first
}

// finish records that all jobs have ended.
func (s *state) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
}

// redactedInput returns the URL of the job's input without what may be a stream key. Job.LogValue redacts it.
func redactedInput(job *livetranscode.Job) string {
	for _, attr := range job.LogValue().Group() {
		if attr.Key == "input" {
			return attr.Value.String()
		}
	}
	return ""
}

// printable replaces what is not printable: text from others must not move the cursor or recolor the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
