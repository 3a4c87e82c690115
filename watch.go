package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"
)

// A JobEvent is a difference between two looks at a job. Either Job or Err is set.
type JobEvent struct {
	// JobID is the watched id.
	JobID string
	// Job is the job as it is now; nil if Err is set. It must not be changed.
	Job *Job
	// Previous is the Job of the event before; nil if this is the first. It must not be changed.
	Previous *Job
	// Err is why the job is not watched any more: ErrNotFound, or an error that only this id meets.
	Err error
}

// LogValue implements slog.LogValuer. It hides what Job.LogValue hides.
func (e JobEvent) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("id", e.JobID), logJob("job", e.Job), logJob("previous", e.Previous)}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// A Watcher watches jobs for as long as a service runs: many jobs, few requests, one loop. It looks at all of
// them in sweeps, each by the cheaper of two plans: a Get for each job, or the pages of the jobs in progress
// and not started, and a Get for each watched job in neither. Without the permission ice:ListLiveTranscodeJobs it
// can only Get, which is many times more requests; it logs that as a warning.
//
// Create one with NewWatcher, name jobs with Add, and range over Events. Add and Remove may be called at any
// time, from any goroutine and from the body of the loop. Between ranges a Watcher keeps its jobs and what it
// knows of them. It has no goroutine of its own and needs no closing.
type Watcher struct {
	client *Client
	cfg    pollConfig
	wake   chan struct{} // holds a token when there may be something new to do

	mu      sync.Mutex
	ranging bool                // a loop is under way
	jobs    map[string]*watched // what is watched, and what has ended but was not yet delivered
	added   bool                // there are jobs that no look was taken for
	lastErr error               // of the last look, if a call had no answer
	pending []*watched          // those with an event to deliver, oldest first
	targets int                 // jobs that the sweep under way is still to see
	now     uint64              // counts the begins and ends of looks
	quiet   time.Time           // of the last event or Add
	due     time.Time           // when the next is to begin
	least   time.Time           // due is never before: a pause after a sweep, or what the service asked for

	plan plan // of the sweeps; used by the loop only
}

// NewWatcher returns a Watcher of no jobs. An option that is invalid is the error of the first range.
func (c *Client) NewWatcher(opts ...PollOption) *Watcher {
	return &Watcher{
		client: c,
		cfg:    newPollConfig(10*time.Second, opts),
		wake:   make(chan struct{}, 1),
		jobs:   make(map[string]*watched),
	}
}

// Add watches jobs. An id that is watched already stays as it is; one that has ended or was removed starts
// anew. A new id is looked at without waiting for the next sweep. Empty ids are ignored.
func (w *Watcher) Add(jobIDs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, id := range jobIDs {
		if id == "" || w.jobs[id] != nil {
			continue
		}
		w.jobs[id] = &watched{id: id, read: w.tick(), added: now.UnixNano(), fresh: true}
		w.added, w.quiet = true, now
	}
	w.rouse()
}

// Remove stops watching jobs, and drops what was not delivered of them. Ids that are not watched are ignored.
func (w *Watcher) Remove(jobIDs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range jobIDs {
		if j := w.jobs[id]; j != nil {
			w.settle(j)
			delete(w.jobs, id)
		}
	}
	w.rouse()
}

// rouse wakes a loop that waits. w.mu is held.
func (w *Watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// tick counts the begin or the end of a look. w.mu is held.
func (w *Watcher) tick() uint64 {
	w.now++
	return w.now
}

var errRanging = errors.New("livetranscode: another loop is ranging over the watcher")

// Events yields what happens to the jobs: the first sight of each, then every difference. States that a job
// passes between two looks are skipped, the final one never is. Its last event is a job that is stopped, or an
// Err; then it is no longer watched.
//
// Nothing runs while the loop's body does: sweeps are made when the next event is asked for. If the interval
// is over by then, the sweep comes first, and what it finds replaces what was not yet delivered: a slow reader
// sees the latest state of each job, and no queue grows. An empty set waits for Add.
//
// The sequence ends with an error, yielded once with a zero event: that of ctx; ErrAuthentication or
// ErrNoCredentials; a wrong endpoint; the error of a Get if every Get is refused; or the last one if, five
// times in a row, a whole sweep had no answer. Throttling never ends it, it slows the sweeps. The set is kept.
// A later range goes on where the one before ended or broke off, and repeats nothing. Only one loop at a time
// can range; a second one gets an error at once.
func (w *Watcher) Events(ctx context.Context) iter.Seq2[JobEvent, error] { return w.events(ctx, false) }

// events is Events; if finite, it ends without an error when no job is left, looks once more just before the
// deadline of ctx, and delivers what it knows before it ends with an error: there is no later range.
func (w *Watcher) events(ctx context.Context, finite bool) iter.Seq2[JobEvent, error] {
	return func(yield func(JobEvent, error) bool) {
		if err := w.enter(); err != nil {
			yield(JobEvent{}, err)
			return
		}
		defer w.leave()
		var end error
		for {
			if end == nil { // else it waits for what is delivered first
				end = w.look(ctx)
			}
			event, ok, left := w.next(end == nil || finite)
			switch {
			case ok:
				if !yield(event, nil) {
					return
				}
			case end != nil:
				yield(JobEvent{}, end)
				return
			case finite && left == 0:
				return
			default:
				w.rest(ctx, finite)
			}
		}
	}
}

func (w *Watcher) enter() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.cfg.err != nil:
		return w.cfg.err
	case w.ranging:
		return errRanging
	}
	w.ranging, w.plan.silent = true, 0
	return nil
}

func (w *Watcher) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ranging = false
}

// rest waits for the next sweep, for Add, or for the end of ctx.
func (w *Watcher) rest(ctx context.Context, finite bool) {
	w.mu.Lock()
	pause, idle := time.Until(w.due), len(w.jobs) == 0
	w.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ok && finite {
		if left := time.Until(deadline) - lastPollMargin; left > 0 && left < pause {
			pause = left
			w.mu.Lock()
			w.due = time.Now().Add(pause)
			w.mu.Unlock()
		}
	}
	var timeout <-chan time.Time
	if !idle {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-timeout:
	}
}

// look takes the looks that are due: a sweep, or at the jobs that are new. It returns the watch's end.
func (w *Watcher) look(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("livetranscode: watch: %w", contextError(ctx))
	}
	w.mu.Lock()
	began := time.Now()
	full := !began.Before(w.due)
	if !full && !w.added {
		w.mu.Unlock()
		return nil
	}
	targets := make([]*watched, 0, len(w.jobs))
	for _, j := range w.jobs {
		if j.target = !j.ended && (full || j.fresh); j.target {
			j.fresh = false
			targets = append(targets, j)
		}
	}
	w.added, w.targets = false, len(targets)
	w.mu.Unlock()
	if len(targets) == 0 {
		return nil
	}
	s := &sweep{Watcher: w, began: began, heard: began, full: full}
	err := s.run(ctx, targets)
	w.settleSweep(s, ctx.Err() != nil)
	if ctx.Err() != nil {
		return fmt.Errorf("livetranscode: watch: %w", contextError(ctx))
	}
	return err
}

// settleSweep takes in what a sweep leaves behind: its last error, when the next may begin, and, if it was cut
// off, the new jobs that it did not get to.
func (w *Watcher) settleSweep(s *sweep, cutOff bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastErr = s.lastErr
	if s.full {
		w.schedule(s.began, time.Now())
	} else if soon := s.began.Add(w.cfg.interval(0)); soon.Before(w.due) { // Add has ended the quiet
		w.due = soon
	}
	if s.asked.After(w.least) {
		w.least = s.asked
	}
	if w.least.After(w.due) {
		w.due = w.least
	}
	for _, j := range w.jobs {
		if cutOff && j.target && j.job == nil && !j.ended {
			j.fresh, w.added = true, true
		}
	}
}

// schedule sets when the next sweep is to begin: an interval after the last began, and not before a pause as
// long as it took. w.mu is held.
func (w *Watcher) schedule(began, ended time.Time) {
	w.due, w.least = began.Add(w.cfg.interval(ended.Sub(w.quiet))), ended.Add(ended.Sub(began))
}
