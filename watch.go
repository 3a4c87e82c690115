package livetranscode

import (
	"context"
	"iter"
	"sync"
	"time"
)

// A Watcher watches jobs for as long as a service runs: many jobs, few requests, one loop. It polls all of them in
// sweeps, each by the cheaper of two plans: a Get for each job, or the pages of the jobs in progress and not started
// and a Get for each watched job on neither. Without the permission ice:ListLiveTranscodeJobs it can only Get, which is
// many times more requests; it logs that as a warning.
//
// Create one with [Client.NewWatcher], choose jobs with Add, Resume or AddAll, and range over Events, again if it ends:
//
//	watcher := client.NewWatcher()
//	watcher.Resume(stored...)                  // as stored by an earlier process: only differences are events
//	watcher.AddAll(livetranscode.JobFilter{})  // every job of the account, also those created later
//	for ctx.Err() == nil {
//		for event, err := range watcher.Events(ctx) {
//			if err != nil {
//				log.Print(err) // the end of this range: of ctx, or for example of the credentials
//				break
//			}
//			handle(event) // then store, so that each event is handled at least once
//			store(event)  // Job is what Resume needs; delete it some time after EventStopped and EventLost
//		}
//		select { // a later range continues: no event is lost or delivered twice
//		case <-ctx.Done():
//		case <-time.After(10 * time.Second):
//		}
//	}
//
// For health checks: a service is live while that loop runs, and ready while its polls are recent, here not older than
// three intervals of 30 s and a sweep of 10 s:
//
//	stats := watcher.Stats()
//	ready := !stats.LastComplete.IsZero() && time.Since(stats.OldestPoll) < 100*time.Second
//
// All methods may be called at any time and from any goroutine, also from the body of the loop, except that only one
// range runs at a time. Between ranges a Watcher keeps its jobs and their states, and runs nothing. It need not be
// closed.
type Watcher struct {
	client *Client
	cfg    pollConfig
	start  time.Time     // all durations count from here
	wake   chan struct{} // holds a token when there may be new work
	ready  chan struct{} // holds a token when there may be events to deliver

	mu         sync.Mutex
	ranging    bool                    // a range is under way
	jobs       map[string]*trackedJob  // watched, or ended with an undelivered event
	alive      int                     // jobs that have not ended
	filters    []*filter               // of AddAll
	suppressed map[string]*suppression // IDs that AddAll must not discover again
	fresh      []*trackedJob           // added, and to be polled without waiting for a sweep
	pending    []pendingJob            // jobs with an event to deliver, oldest first
	targets    int                     // jobs that the sweep under way has not polled yet
	seq        uint64
	events     int // that were queued
	err        error

	lastListed   time.Duration // when all jobs of AddAll were last listed; when that was called if never
	lastEvent    time.Duration // or Add
	nextSweep    time.Duration // when it is due
	notBefore    time.Duration // the end of a pause after a sweep or of a Retry-After delay
	lastSweep    time.Time
	lastComplete time.Time
	sweepErr     error // of the last sweep

	loop loopState // used only by the goroutine of the range
}

// NewWatcher returns a Watcher without jobs. It uses [PollInterval], [TolerateErrors], [Concurrency] and
// [NotFoundGrace]; an invalid option, or [OnPoll], is the error of the first range.
func (c *Client) NewWatcher(opts ...PollOption) *Watcher {
	w := &Watcher{
		client:     c,
		cfg:        newPollConfig(10*time.Second, opts),
		start:      time.Now(),
		wake:       make(chan struct{}, 1),
		ready:      make(chan struct{}, 1),
		jobs:       make(map[string]*trackedJob),
		suppressed: make(map[string]*suppression),
	}
	w.loop = loopState{
		pacer:    pacer{slots: w.cfg.concurrency, most: w.cfg.concurrency},
		listRead: make(map[listID]time.Duration),
	}
	w.err = w.cfg.err
	if w.err == nil && w.cfg.onPoll != nil {
		w.err = &ParamError{Operation: "NewWatcher", Field: "OnPoll", Reason: "is for WaitUntil and WaitForStatus; use Events, Jobs and Stats"}
	}
	return w
}

// now returns the time since the Watcher was made.
func (w *Watcher) now() time.Duration { return time.Since(w.start) }

// notify puts a token into a channel with a buffer of one, unless it holds one already.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Add watches jobs. IDs that are already watched and empty IDs are ignored; one that has ended or was removed is
// watched as if for the first time. A new ID is polled next, without waiting for a sweep.
func (w *Watcher) Add(jobIDs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range jobIDs {
		w.add(id)
	}
}

// add adds one ID, and returns the job if it is new. w.mu is held.
func (w *Watcher) add(id string) *trackedJob {
	if id == "" || w.jobs[id] != nil {
		return nil
	}
	delete(w.suppressed, id)
	j := w.track(id)
	j.prioritized = w.ranging
	w.fresh = append(w.fresh, j)
	w.lastEvent = j.polled
	notify(w.wake)
	return j
}

// Resume watches jobs from the states that an earlier process stored, so that a restart repeats no event: a job has an
// event only when it differs from the one passed here, which is then the event's Previous. The jobs are copied. A job
// with [JobStatusUnknown] is added as by [Watcher.Add]. A stopped job is not watched, and [Watcher.AddAll] does not
// report it again although the service's list may lag; of a job that was lost, [Watcher.Remove] does that. Nil jobs,
// jobs without an ID and jobs that are already watched are ignored.
//
// To handle every event at least once, store JobEvent.Job by its JobID in the body of the loop, after the event is
// handled. A periodic snapshot of [Watcher.Jobs] is simpler, but a restart then repeats the events since the snapshot,
// and does not report a job that was first seen since and has stopped meanwhile. A Job is about 1 KiB. It holds the
// URLs of its streams, keys included: protect the store as you protect secrets.
func (w *Watcher) Resume(jobs ...*Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, job := range jobs {
		if job == nil {
			continue
		}
		if job.Status == JobStatusStopped {
			if w.jobs[job.JobID] == nil {
				w.suppress(job.JobID)
			}
			continue
		}
		if j := w.add(job.JobID); j != nil && job.Status != JobStatusUnknown {
			known := *job
			known.OutputStream.StreamInfos = append([]StreamInfo(nil), job.OutputStream.StreamInfos...)
			j.job, j.delivered = &known, &known
		}
	}
}

// Remove stops watching jobs and drops their undelivered events, except for an event that is being delivered.
// [Watcher.AddAll] does not discover a removed job while it is listed, also if it was not watched, or AddAll is called
// later.
func (w *Watcher) Remove(jobIDs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range jobIDs {
		j := w.jobs[id]
		if j != nil {
			w.unmark(j)
			delete(w.jobs, id)
			if !j.ended {
				w.alive--
			}
		}
		if id != "" {
			w.suppress(id)
		}
	}
	notify(w.wake)
}

// Events yields the events of the jobs: the first state of each, then every difference between two polls. States that a
// job has only between two polls are skipped, except the final one. The last event of a job is [EventStopped] or
// [EventLost]; then it is no longer watched. An event is yielded as soon as the response that shows it has been read.
//
// Sweeps run on schedule in a goroutine of the range, independent of the body of the loop. Their events wait in a queue
// with one entry per job: a slow reader sees the latest state of each job, and the queue is never longer than the
// number of jobs. A range without jobs waits for [Watcher.Add].
//
// The range ends only when the body breaks, or with an error, which is yielded once with a zero event: a [*WatchError]
// of ctx; of ErrAuthentication or ErrNoCredentials; of a wrong endpoint that the service reports; of the error of a Get
// if every Get is refused; of a refused List that AddAll needs; or of the last failure after more than 5 consecutive
// sweeps without any response ([TolerateErrors]). Throttling never ends it but slows the sweeps. [ErrWatcherBusy] and
// the [*ParamError] of an option are not wrapped. The jobs are kept, and a later range continues: events that were not
// delivered come first, and none is delivered twice. The event on which the body breaks or panics counts as delivered.
// When ctx
// ends, what was not delivered is kept for a later range; any other end delivers it first.
//
// The range leaves no goroutine and no request behind: it cancels the requests in flight and waits for them, which a
// transport, limiter or credentials provider that ignores its context delays. If one of them panics, or calls
// [runtime.Goexit], the same happens in the goroutine of the range.
func (w *Watcher) Events(ctx context.Context) iter.Seq2[JobEvent, error] {
	return func(yield func(JobEvent, error) bool) {
		if err := w.enter(); err != nil {
			yield(JobEvent{}, err)
			return
		}
		defer w.leave()
		run := w.startRun(ctx)
		defer run.stop() // also if the body panics
		for ctx.Err() == nil {
			finished := run.finished() // before the queue is read, so that all is delivered
			event, ok := w.dequeue()
			switch {
			case ok && !yield(event, nil):
				run.stop().raise()
				return
			case ok:
				continue
			case finished:
				run.stop().raise()
				yield(JobEvent{}, run.err(ctx))
				return
			}
			select {
			case <-w.ready:
			case <-run.done:
			case <-ctx.Done():
			}
		}
		run.stop().raise()
		yield(JobEvent{}, run.err(ctx))
	}
}

// WatchAllJobs yields the events of every job of the account that matches f, including those created later. It is
// [Watcher.AddAll] and [Watcher.Events] of a new [Watcher], and ends only as Events does. To resume after a restart,
// use a Watcher.
func (c *Client) WatchAllJobs(ctx context.Context, f JobFilter, opts ...PollOption) iter.Seq2[JobEvent, error] {
	return func(yield func(JobEvent, error) bool) {
		w := c.NewWatcher(opts...)
		w.AddAll(f)
		w.Events(ctx)(yield)
	}
}
