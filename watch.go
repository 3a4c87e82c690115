package livetranscode

import (
	"context"
	"iter"
	"sync"
	"time"
)

// A Watcher watches jobs for as long as a service runs: many jobs, few requests, one loop. It polls all of them in
// sweeps, each by the cheaper of two plans: a Get for each job, or the pages of the jobs in progress and not started and
// a Get for each watched job on neither. Without the permission ice:ListLiveTranscodeJobs it can only Get, which is many
// times more requests; it logs that as a warning.
//
// Create one with [Client.NewWatcher], name jobs with Add, Resume or AddAll, and range over Events, again if it ends:
//
//	watcher := client.NewWatcher()
//	watcher.Resume(stored...)                  // as an earlier process knew them: only differences are events
//	watcher.AddAll(livetranscode.JobFilter{})  // every job of the account, also those created later
//	for ctx.Err() == nil {
//		for event, err := range watcher.Events(ctx) {
//			if err != nil {
//				log.Print(err) // the end of this range: of ctx, or for example of the credentials
//				break
//			}
//			handle(event)
//			store(event) // Kind, and Job: what Resume needs; EventStopped and EventLost are a job's last
//		}
//		wait(ctx, time.Minute) // a later range continues: nothing is lost, and nothing repeated
//	}
//
// A service is live while that loop runs, and ready while [Watcher.Stats] has an OldestPoll that is not older than three
// of its longest intervals and the time that a sweep takes; its Err is the reason to show.
//
// All methods may be called at any time and from any goroutine, also from the body of the loop, except that only one
// range runs at a time. Between ranges a Watcher keeps its jobs and what it knows of them, and runs nothing. It needs no
// closing.
type Watcher struct {
	client *Client
	cfg    pollConfig
	start  time.Time     // all durations count from here
	wake   chan struct{} // holds a token when there may be something new to do
	ready  chan struct{} // holds a token when there may be something to deliver

	mu      sync.Mutex
	ranging bool                   // a range is under way
	jobs    map[string]*trackedJob // what is watched, and what has ended but was not delivered yet
	alive   int                    // jobs that have not ended
	filters []*filter              // of AddAll
	away    map[string]*absence    // what AddAll must not find again
	fresh   []*trackedJob          // added, and to be polled without waiting for a sweep
	pending []*trackedJob          // jobs with something to deliver, oldest first
	targets int                    // jobs that the sweep under way has not polled yet
	seq     uint64
	events  int // that were queued
	err     error

	lastEvent    time.Duration // or Add
	nextSweep    time.Duration // when it is due
	notBefore    time.Duration // a pause after a sweep, or a Retry-After
	lastSweep    time.Time
	lastComplete time.Time
	sweepErr     error // of the last sweep

	loop loopState // used by the goroutine of the range only
}

// NewWatcher returns a Watcher of no jobs. It uses [PollInterval], [TolerateErrors], [Concurrency] and [NotFoundGrace];
// an option that is invalid, or [OnPoll], is the error of the first range.
func (c *Client) NewWatcher(opts ...PollOption) *Watcher {
	w := &Watcher{
		client: c,
		cfg:    newPollConfig(10*time.Second, opts),
		start:  time.Now(),
		wake:   make(chan struct{}, 1),
		ready:  make(chan struct{}, 1),
		jobs:   make(map[string]*trackedJob),
		away:   make(map[string]*absence),
	}
	w.loop.pacer = pacer{slots: w.cfg.concurrency, most: w.cfg.concurrency}
	w.err = w.cfg.err
	if w.err == nil && w.cfg.onPoll != nil {
		w.err = &ParamError{Operation: "NewWatcher", Field: "OnPoll", Reason: "is for WaitUntil and WaitForStatus; use Events, Jobs and Stats"}
	}
	return w
}

// now returns the time since the Watcher was made.
func (w *Watcher) now() time.Duration { return time.Since(w.start) }

// notify leaves a token in a channel that holds one.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Add watches jobs. An id that is watched already is left as it is; one that has ended or was removed is watched as if
// for the first time. A new id is polled next, without waiting for a sweep. Empty ids are ignored.
func (w *Watcher) Add(jobIDs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range jobIDs {
		w.add(id)
	}
}

// add is Add of one id, and returns the job if it is new. w.mu is held.
func (w *Watcher) add(id string) *trackedJob {
	if id == "" || w.jobs[id] != nil {
		return nil
	}
	delete(w.away, id)
	j := w.track(id)
	j.urgent = w.ranging
	w.fresh = append(w.fresh, j)
	w.lastEvent = j.polled
	notify(w.wake)
	return j
}

// Resume watches jobs as an earlier process knew them, so that a restart repeats no event: a job has an event only once
// it differs from the one given here, which is then the event's Previous. The jobs are copied. A job with
// JobStatusUnknown, of which nothing is known but its id, is added as by Add; nil, a stopped job, one without an id and
// one that is watched already are ignored. [Watcher.Jobs] and the events' Jobs are what to store.
func (w *Watcher) Resume(jobs ...*Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, job := range jobs {
		if job == nil || job.Status == JobStatusStopped {
			continue
		}
		if j := w.add(job.JobID); j != nil && job.Status != JobStatusUnknown {
			known := *job
			known.OutputStream.StreamInfos = append([]StreamInfo(nil), job.OutputStream.StreamInfos...)
			j.job, j.delivered = &known, &known
		}
	}
}

// Remove stops watching jobs, and drops what was not delivered of them, except for an event that is being delivered. A
// removed job that AddAll would find stays away for as long as it is listed. Ids that are not watched are ignored.
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
		if j != nil || len(w.filters) > 0 {
			w.keepAway(id)
		}
	}
	notify(w.wake)
}

// Events yields what happens to the jobs: the first sight of each, then every difference between two polls. States that
// a job passes between two polls are skipped, the final one never is. Its last event is an EventStopped or an EventLost;
// then it is no longer watched. An event is yielded as soon as it is known.
//
// Sweeps are made on schedule in a goroutine of the range, whatever the body of the loop does. What they find waits in a
// queue with one entry for each job: a slow reader sees the latest state of each job, and the queue cannot grow beyond
// their number. A set without jobs waits for Add.
//
// The range ends only when the body breaks, or with an error, which is yielded once with a zero event: a [*WatchError] of
// ctx; of ErrAuthentication or ErrNoCredentials; of a wrong endpoint, by the service's word; of the error of a Get if
// every Get is refused; of a refused List that AddAll needs; or of the last failure after more than 5 consecutive sweeps
// without any response ([TolerateErrors]). Throttling never ends it, it slows the sweeps. [ErrWatcherBusy] and the
// [*ParamError] of an option come bare. The jobs are kept, and a later range continues: events that were not delivered
// come first, and none comes twice. The event on which the body breaks counts as delivered. When ctx ends, what was not
// delivered is kept for a later range; any other end delivers it first.
//
// No goroutine and no request is left behind when the range ends: it waits for those that are under way, whose contexts
// end with it. A transport, limiter or credentials provider that ignores its context delays that. If one of them panics,
// or calls runtime.Goexit, that is raised in the goroutine of the range.
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
			event, ok := w.take()
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

// WatchAllJobs yields the events of every job of the account that matches f, those created later included: it is AddAll
// and Events of a new [Watcher], and ends only as Events does. To resume after a restart, use a Watcher.
func (c *Client) WatchAllJobs(ctx context.Context, f JobFilter, opts ...PollOption) iter.Seq2[JobEvent, error] {
	return func(yield func(JobEvent, error) bool) {
		w := c.NewWatcher(opts...)
		w.AddAll(f)
		w.Events(ctx)(yield)
	}
}
