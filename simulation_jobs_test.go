package livetranscode_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// A version is a state of a job. Every change makes a new one, and the job's Name is its number, which tells the
// version of each event.
type version struct {
	at     time.Time
	status livetranscode.JobStatus
}

// A simJob is a job, or an id that does not exist yet or never will, with its history and the events delivered.
type simJob struct {
	id      string
	created time.Time
	history []version

	watched bool
	added   time.Time
	exists  bool               // when it was added
	known   int                // the number of versions then
	last    *livetranscode.Job // of the last event since then
	seen    int                // its version
}

func (s *simJob) status() livetranscode.JobStatus {
	if len(s.history) == 0 {
		return deleted
	}
	return s.history[len(s.history)-1].status
}

// active reports whether a page lists it.
func (s *simJob) active() bool { return s.status() == notStarted || s.status() == inProgress }

// neverExisted reports whether it has not existed since it was added: the grace applies.
func (s *simJob) neverExisted() bool { return !s.exists && len(s.history) == s.known }

// undelivered returns since when an event of the job is due, and whether one is.
func (s *simJob) undelivered() (since time.Time, ok bool) {
	switch {
	case s.last != nil:
		if s.seen+1 == len(s.history) {
			return time.Time{}, false
		}
		return s.history[s.seen+1].at, true
	case s.neverExisted():
		return s.added.Add(grace), true
	case s.status() == deleted: // perhaps before a poll
		return later(s.history[len(s.history)-1].at, s.added.Add(grace)), true
	case s.history[0].at.After(s.added):
		return s.history[0].at, true
	}
	return s.added, true
}

// newJob returns a job that does not exist yet.
func (s *simulation) newJob(created time.Time) *simJob {
	j := &simJob{id: fmt.Sprintf("%032x", len(s.jobs)), created: created.Truncate(time.Second)}
	s.jobs[j.id] = j
	s.pool = append(s.pool, j)
	return j
}

// change makes a new version of a job, in the history first.
func (s *simulation) change(j *simJob, status livetranscode.JobStatus) {
	if j.active() {
		s.active--
	}
	j.history = append(j.history, version{time.Now(), status})
	if j.active() {
		s.active++
	}
	s.changes++
	if status == deleted {
		s.srv.RemoveJob(j.id)
		return
	}
	s.srv.AddJob(livetranscode.Job{
		JobID: j.id, Name: strconv.Itoa(len(j.history) - 1), Status: status, CreateTime: j.created,
	})
}

func (s *simulation) add(j *simJob) {
	s.watcher.Add(j.id)
	if j.watched {
		return
	}
	if !j.added.IsZero() {
		s.counts["added again"]++
	}
	j.watched, j.added, j.exists, j.known = true, time.Now(), j.status() != deleted, len(j.history)
	j.last, j.seen = nil, -1
	s.adds++
	s.changes++
	s.lastEvent = j.added
	if time.Now().Equal(s.round.at) { // by the body of the loop: its poll is part of this round
		s.round.adds++
		s.round.changes++
	}
}

func (s *simulation) remove(j *simJob) {
	s.watcher.Remove(j.id)
	j.watched = false
}

// step changes one thing.
func (s *simulation) step() {
	j := s.pick()
	status, alive := j.status(), j.status() != deleted
	switch n := s.rng.IntN(100); {
	case n < 25 && s.active < s.scale.jobs:
		s.create()
	case n < 50 && alive:
		switch status {
		case notStarted:
			s.change(j, inProgress)
		case inProgress:
			if s.rng.IntN(3) == 0 {
				s.change(j, stopped)
			}
		case stopped:
			s.change(j, deleted)
		default:
			s.change(j, notStarted)
		}
	case n < 62 && alive:
		s.change(j, status)
	case n < 70 && alive:
		s.change(j, deleted)
	case n < 82:
		s.readd(j)
	case n < 88 && !s.phase.quiet:
		s.remove(j)
	case n < 96:
		s.add(j)
	case alive && status != stopped && !s.phase.quiet:
		s.change(j, 7) // a status that no page lists
	}
}

// readd removes a job, changes it, and adds it again: a response in flight is of a state that no longer counts.
func (s *simulation) readd(j *simJob) {
	s.remove(j)
	if j.active() {
		s.change(j, min(j.status()+livetranscode.JobStatus(s.rng.IntN(2)), inProgress))
	}
	s.add(j)
}

// pick returns a random job, and drops from the pool those that have ended.
func (s *simulation) pick() *simJob {
	for {
		i := s.rng.IntN(len(s.pool))
		j := s.pool[i]
		if j.watched || j.status() != deleted || s.rng.IntN(4) == 0 {
			return j
		}
		s.pool[i] = s.pool[len(s.pool)-1]
		s.pool = s.pool[:len(s.pool)-1]
	}
}

func (s *simulation) create() {
	j := s.newJob(time.Now())
	switch n := s.rng.IntN(10); {
	case n < 5:
		s.change(j, notStarted)
		s.add(j)
	case n < 7:
		s.add(j)
		s.counts["added before it existed"]++
		after(time.Duration(s.rng.Int64N(int64(creationDelay))), func() { s.locked(func() { s.change(j, inProgress) }) })
	case n < 8:
		s.add(j)
		s.counts["added and never existed"]++
	default:
		s.change(j, inProgress)
		if s.phase.quiet {
			s.add(j)
		}
	}
}
