package livetranscode

import (
	"slices"
	"time"
)

// A trackedJob is the state of a watched job, guarded by the mutex of the Watcher. Times are durations since the
// Watcher was made, because the wall clock may step.
type trackedJob struct {
	id          string
	job         *Job         // as it was last read; nil if never
	delivered   *Job         // of the event before
	failure     *pollFailure // nil if the last poll read the job
	read        uint64       // when the current state was read, in the Watcher's sequence
	polled      time.Duration
	at          time.Duration // when job, or the error that it ended with, was read
	polls       int32
	page        pageKey // where the last sweep found it
	responded   bool    // polled is the time of a response, not of Add
	fresh       bool    // no poll has ended except by throttling
	prioritized bool    // fresh, and added while a range was under way
	target      bool    // the sweep under way is to poll it, and has not yet
	ended       bool    // it is no longer polled
	lost        bool    // ended, with failure.err
	queued      bool    // it is in pending
}

// A pollFailure is the last poll of a job that did not read it.
type pollFailure struct {
	err      error
	added    time.Duration // when; for a job that was never read
	seq      uint64        // when, in the Watcher's sequence
	notFound bool          // the last response was that the job is not found
}

// A pendingJob is a job with an event to deliver.
type pendingJob struct {
	job   *trackedJob
	since time.Duration
}

// hasEvent reports whether there is an event to deliver.
func (j *trackedJob) hasEvent() bool {
	return j.lost || j.job != nil && (j.delivered == nil || !j.delivered.equal(j.job))
}

// lastPollSeq returns when the job was last polled, in the Watcher's sequence.
func (j *trackedJob) lastPollSeq() uint64 {
	if j.failure != nil {
		return max(j.read, j.failure.seq)
	}
	return j.read
}

// byLastPoll orders jobs: new ones first, those added to a running watch before others; then those that were polled
// least recently.
func byLastPoll(a, b *trackedJob) int {
	rank := func(j *trackedJob) int {
		switch {
		case j.fresh && j.prioritized:
			return 0
		case j.fresh:
			return 1
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	if a.lastPollSeq() < b.lastPollSeq() {
		return -1
	}
	return 1
}

func (j *Job) equal(o *Job) bool {
	return j.Status == o.Status && j.Name == o.Name && j.JobID == o.JobID && j.TemplateType == o.TemplateType &&
		j.TemplateID == o.TemplateID && j.TemplateName == o.TemplateName && j.StartMode == o.StartMode &&
		j.StreamInput == o.StreamInput && j.CreateTime.Equal(o.CreateTime) &&
		slices.Equal(j.OutputStream.StreamInfos, o.OutputStream.StreamInfos)
}

// unreadJob is the Job of an id that was never read.
func unreadJob(id string) *Job {
	return &Job{JobID: id, StartMode: StartModeUnknown, Status: JobStatusUnknown}
}

// track begins to watch a job. w.mu is held.
func (w *Watcher) track(id string) *trackedJob {
	j := &trackedJob{id: id, read: w.nextSeq(), polled: w.now(), fresh: true}
	w.jobs[id] = j
	w.alive++
	return j
}

// isEmpty reports whether no job is left, including those with an undelivered event.
func (w *Watcher) isEmpty() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.jobs) == 0
}

// nextSeq numbers the starts and ends of polls. w.mu is held.
func (w *Watcher) nextSeq() uint64 {
	w.seq++
	return w.seq
}

// dequeue returns the next event, if there is one, and removes a job with its last event.
func (w *Watcher) dequeue() (event JobEvent, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pending) > 0 {
		j := w.pending[0].job
		w.pending[0], w.pending = pendingJob{}, w.pending[1:]
		j.queued = false
		if w.jobs[j.id] != j || !j.hasEvent() {
			continue
		}
		event = w.event(j)
		j.delivered = j.job
		if j.ended {
			delete(w.jobs, j.id)
		}
		return event, true
	}
	w.pending = nil
	return JobEvent{}, false
}

// event returns the event to deliver for a job. w.mu is held.
func (w *Watcher) event(j *trackedJob) JobEvent {
	event := JobEvent{Kind: EventChanged, JobID: j.id, Job: j.job, Previous: j.delivered, At: w.start.Add(j.at)}
	switch {
	case j.lost:
		event.Kind, event.Err = EventLost, j.failure.err
		if j.job == nil {
			event.Job = unreadJob(j.id)
		}
	case j.job.Status == JobStatusStopped:
		event.Kind = EventStopped
	case j.delivered == nil:
		event.Kind = EventFirstSeen
	}
	return event
}

// A reading is a response that contains a job.
type reading struct {
	job   *Job
	began uint64        // when the request was sent, in the Watcher's sequence
	at    time.Duration // when the response was read
	page  pageKey       // that listed it; 0 for a Get
}

// recordRead records a response that contains a job. A response to a request sent before the current state was
// read is stale and ignored. w.mu is held.
func (w *Watcher) recordRead(j *trackedJob, r reading) {
	if w.jobs[j.id] != j || j.ended || r.began < j.read {
		return
	}
	if r.page != 0 && j.job != nil && r.job.Status.Known() && r.job.Status < j.job.Status && j.job.Status.Known() {
		return // jobs do not go back, so the index of List is stale: a Get will decide
	}
	w.markRead(j)
	j.polls++
	j.polled, j.responded, j.page, j.fresh, j.failure = r.at, true, r.page, false, nil
	if j.job == nil || !j.job.equal(r.job) {
		j.job, j.at = r.job, r.at
	}
	if r.job.Status == JobStatusStopped {
		w.end(j)
	}
	w.enqueue(j)
}

// recordNotFound records that a request sent at sentAt did not find a job. That ends the job, unless it was
// added within the grace period, or was read before and this is the first such response.
func (w *Watcher) recordNotFound(j *trackedJob, r reading, sentAt time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jobs[j.id] != j || j.ended || r.began < j.read {
		return
	}
	w.recordErrorLocked(j, err)
	confirmed := j.failure.notFound
	if j.job == nil {
		confirmed = sentAt-j.failure.added >= w.cfg.grace
	}
	w.markRead(j)
	j.polled, j.responded, j.failure.notFound = r.at, true, true
	if confirmed {
		w.lose(j, r.at)
	}
}

// recordLost records that a job is refused permanently.
func (w *Watcher) recordLost(j *trackedJob, r reading, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jobs[j.id] != j || j.ended || r.began < j.read {
		return
	}
	w.recordErrorLocked(j, err)
	j.polls-- // it was counted when the response came
	w.markRead(j)
	w.lose(j, r.at)
}

// recordError records a poll that did not report the state of the job.
func (w *Watcher) recordError(j *trackedJob, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recordErrorLocked(j, err)
}

// countPoll counts a poll that was canceled.
func (w *Watcher) countPoll(j *trackedJob) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j.polls++
}

// recordErrorLocked is recordError with w.mu held.
func (w *Watcher) recordErrorLocked(j *trackedJob, err error) {
	if j.failure == nil {
		j.failure = &pollFailure{added: j.polled}
	}
	j.failure.err, j.failure.seq = err, w.nextSeq()
	j.fresh = false
	j.polls++
}

// lose ends a job with the error of its last poll. w.mu is held.
func (w *Watcher) lose(j *trackedJob, at time.Duration) {
	j.lost, j.at = true, at
	w.end(j)
	w.enqueue(j)
}

// end marks a job as no longer polled. w.mu is held.
func (w *Watcher) end(j *trackedJob) {
	j.ended = true
	w.alive--
	w.suppress(j.id)
}

// markRead records that the current state of a job has just been read. w.mu is held.
func (w *Watcher) markRead(j *trackedJob) {
	j.read = w.nextSeq()
	w.unmark(j)
}

// unmark removes a job from the targets of the current sweep. w.mu is held.
func (w *Watcher) unmark(j *trackedJob) {
	if j.target {
		j.target = false
		w.targets--
	}
}

// enqueue queues a job that has an event to deliver. w.mu is held.
func (w *Watcher) enqueue(j *trackedJob) {
	if !j.hasEvent() || j.queued {
		return
	}
	j.queued = true
	w.lastEvent = w.now()
	if len(w.pending) > 2*len(w.jobs) { // jobs were removed
		w.pending = slices.DeleteFunc(w.pending, func(p pendingJob) bool { return w.jobs[p.job.id] != p.job })
	}
	w.pending = append(w.pending, pendingJob{j, w.lastEvent})
	w.events++
	notify(w.ready)
}
