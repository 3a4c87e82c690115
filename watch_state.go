package livetranscode

import (
	"slices"
	"time"
)

// watched is what a Watcher keeps of a job.
type watched struct {
	id        string
	job       *Job   // as it was seen last; nil: never
	delivered *Job   // of the event before
	err       error  // its end, if that is an error
	read      uint64 // when job was read, in the Watcher's count
	added     int64  // Unix nanoseconds
	polls     int32
	fresh     bool // no look was taken yet
	target    bool // the sweep under way is to look at it, and has not yet
	ended     bool // it is not looked at any more
	queued    bool // it is in pending
}

// hasEvent reports whether there is something that was not delivered.
func (j *watched) hasEvent() bool {
	return j.err != nil || j.job != nil && (j.delivered == nil || !j.delivered.equal(j.job))
}

func (j *Job) equal(o *Job) bool {
	return j.Status == o.Status && j.Name == o.Name && j.JobID == o.JobID && j.TemplateType == o.TemplateType &&
		j.TemplateID == o.TemplateID && j.TemplateName == o.TemplateName && j.StartMode == o.StartMode &&
		j.StreamInput == o.StreamInput && j.CreateTime.Equal(o.CreateTime) &&
		slices.Equal(j.OutputStream.StreamInfos, o.OutputStream.StreamInfos)
}

// next takes the next event, if it may, and says how many jobs are left. A job that has ended leaves with its
// event.
func (w *Watcher) next(may bool) (event JobEvent, ok bool, left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for may && len(w.pending) > 0 {
		j := w.pending[0]
		w.pending[0], w.pending = nil, w.pending[1:]
		j.queued = false
		if w.jobs[j.id] != j || !j.hasEvent() {
			continue
		}
		event = JobEvent{JobID: j.id, Previous: j.delivered}
		if event.Err = j.err; j.err == nil {
			event.Job = j.job
		}
		j.delivered = j.job
		if j.ended {
			delete(w.jobs, j.id)
		}
		return event, true, len(w.jobs)
	}
	if may {
		w.pending = nil
	}
	return JobEvent{}, false, len(w.jobs)
}

// saw takes in a look that began at a count and has read a job. It reports whether the job is watched.
func (w *Watcher) saw(id string, began uint64, job *Job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.jobs[id]
	if j == nil || j.ended || began < j.read {
		return false // not watched, over, or known better
	}
	w.settle(j)
	j.polls++
	if j.job == nil || !j.job.equal(job) {
		j.job = job
	}
	j.ended = job.Status == JobStatusStopped
	w.enqueue(j)
	return true
}

// unread counts a look that has not read a job.
func (w *Watcher) unread(j *watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j.polls++
}

// missed takes in a look that did not find a job. That ends it, unless it was too new to be known when it was
// asked for.
func (w *Watcher) missed(j *watched, began uint64, asked time.Time, err error) {
	w.mu.Lock()
	wait := j.job == nil && asked.Sub(time.Unix(0, j.added)) < w.cfg.grace
	w.mu.Unlock()
	if !wait {
		w.ends(j, began, err)
	}
}

// ends takes in that a job has ended with an error.
func (w *Watcher) ends(j *watched, began uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jobs[j.id] != j || j.ended || began < j.read {
		return
	}
	w.settle(j)
	j.ended, j.err = true, err
	w.enqueue(j)
}

// settle notes that the current state of a job has just been read. w.mu is held.
func (w *Watcher) settle(j *watched) {
	j.read = w.tick()
	if j.target {
		j.target = false
		w.targets--
	}
}

// enqueue queues a job that has something to deliver. w.mu is held.
func (w *Watcher) enqueue(j *watched) {
	if !j.hasEvent() || j.queued {
		return
	}
	j.queued = true
	w.pending = append(w.pending, j)
	w.quiet = time.Now()
}
