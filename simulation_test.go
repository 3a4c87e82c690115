package livetranscode_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var (
	simulationFull = flag.Bool("simulation.full", false, "simulate whole days of large worlds, from several seeds and a new one")
	simulationSeed = flag.Uint64("simulation.seed", 0, "simulate from this seed only")
)

// TestSimulation checks a Watcher against a simulated service that records the history of each job, with and without
// faults. The seed repeats the changes; when requests meet them depends on the scheduler and the Watcher's jitter.
func TestSimulation(t *testing.T) {
	t.Parallel()
	s := scale{jobs: 130, length: 2 * time.Hour, first: 40 * time.Second, longest: time.Minute}
	seeds := []uint64{1}
	if *simulationFull {
		s = scale{jobs: 1000, length: 24 * time.Hour, first: 10 * time.Second, longest: 30 * time.Second}
		seeds = []uint64{1, 2, 3, 4, 5, rand.Uint64()}
	}
	if *simulationSeed != 0 {
		seeds = []uint64{*simulationSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newSimulation(t, s, seed).run() })
		})
	}
}

// scale is the size of a simulation.
type scale struct {
	jobs           int // about how many that have not stopped
	length         time.Duration
	first, longest time.Duration // the Watcher's intervals
}

// A phase of a simulation has its own pace and faults.
type phase struct {
	name      string
	lasts     time.Duration             // 0: 11 minutes
	pace      time.Duration             // between changes, on average
	inFlight  float64                   // the probability of a change just before or after a response
	latency   time.Duration             // the longest, each way
	fails     float64                   // the probability that a request meets one of the faults
	faults    []livetranscodetest.Fault // one of them
	always    livetranscodetest.Fault   // for every request of its operation, if it has one
	holds     time.Duration             // the longest time that the loop body takes
	breaks    float64                   // the probability that it breaks the loop after an event
	rangesFor time.Duration             // the deadline of a range
	quiet     bool                      // no faults: requests and delays are checked
}

// faultless reports whether every poll has a response, without delay.
func (w *phase) faultless() bool { return w.latency == 0 && w.fails == 0 && w.always.Operation == "" }

var phases = []phase{
	{name: "quiet", lasts: 18 * time.Minute, pace: 5 * time.Second, quiet: true},
	{name: "pages that shift", pace: 4 * time.Second, inFlight: .25, latency: 3 * time.Second},
	{name: "slow reader", lasts: 18 * time.Minute, pace: 2 * time.Second, holds: 5 * time.Minute},
	{name: "reader that breaks", lasts: 10 * time.Minute, pace: 2 * time.Second, latency: time.Second, breaks: .2, rangesFor: 45 * time.Second},
	{name: "throttling", lasts: 5 * time.Minute, pace: 5 * time.Second, fails: .4, latency: 100 * time.Millisecond, faults: []livetranscodetest.Fault{
		{Code: "Throttling.User"}, {Code: "Throttling", RetryAfter: 3 * time.Second},
	}},
	{name: "errors", lasts: 3 * time.Minute, pace: 5 * time.Second, inFlight: .1, latency: time.Second, fails: .3, faults: []livetranscodetest.Fault{
		{Code: "ServiceUnavailable"},
		{Code: "InternalError"},
		{Body: "<html>"},
		{Drop: true},
		{DropResponse: true},
		{Code: "Throttling.Api"},
		{StatusCode: 404, Body: "<html>"},
	}},
	{name: "List refused", lasts: 2 * time.Minute, pace: 5 * time.Second, always: livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM"}},
	{name: "outage", lasts: 15 * time.Minute, pace: 3 * time.Second, fails: 1, faults: []livetranscodetest.Fault{{StatusCode: 503}, {Drop: true}}},
	{name: "overload", lasts: 6 * time.Minute, pace: 5 * time.Second, fails: 1, faults: []livetranscodetest.Fault{{Code: "Throttling.User"}}},
	{name: "quiet", lasts: 18 * time.Minute, pace: 5 * time.Second, quiet: true},
	{name: "all at once", pace: 2 * time.Second, inFlight: .15, latency: 3 * time.Second, fails: .1, holds: 2 * time.Minute, breaks: .05, rangesFor: 2 * time.Minute, faults: []livetranscodetest.Fault{
		{Code: "Throttling.User"}, {Code: "InternalError"}, {Drop: true},
	}},
}

const (
	deleted = livetranscode.JobStatus(-9) // in the history of a job: it was deleted

	settleTime    = 3 * time.Minute  // how long faults have an effect: a throttled sweep, and a pause as long
	grace         = 30 * time.Second // the Watcher's NotFoundGrace
	creationDelay = 20 * time.Second // a job exists at most this long after Add, or never; polls that began before end within the grace
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

type simulation struct {
	t                *testing.T
	scale            scale
	seed             uint64
	srv              *livetranscodetest.Server
	watcher          *livetranscode.Watcher
	requestsInFlight atomic.Int32

	mu       sync.Mutex
	rng      *rand.Rand // of changes
	netRNG   *rand.Rand // of faults and latency
	jobs     map[string]*simJob
	pool     []*simJob // those that may still change
	active   int       // the number of those that a page lists
	failures int

	phase            phase
	since            time.Time // of the phase
	faultlessSince   time.Time
	listRefusedUntil time.Time // the Watcher does not call List before, because it was refused
	answered         time.Time // when the last request had a response
	round            round
	lastSweep        round          // the last sweep
	changes          int            // since then
	adds             int            // since the last round
	lastEvent        time.Time      // of the last event or Add
	counts           map[string]int // of each kind of occurrence
}

// A round is the requests of one instant: without faults, a whole sweep or the first polls of new jobs.
type round struct {
	at          time.Time
	gets, lists int
	active, new int       // jobs on the pages; jobs never read or deleted
	changes     int       // since the sweep before
	adds        int       // since the round before
	lastEvent   time.Time // of the last event or Add that the time of the next sweep depends on
}

func newSimulation(t *testing.T, sc scale, seed uint64) *simulation {
	s := &simulation{
		t: t, scale: sc, seed: seed, srv: livetranscodetest.NewServer(),
		rng: rand.New(rand.NewPCG(seed, 1)), netRNG: rand.New(rand.NewPCG(seed, 2)),
		jobs: map[string]*simJob{}, counts: map[string]int{},
	}
	client := s.srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: s}))
	s.watcher = client.NewWatcher(livetranscode.PollInterval(sc.first, sc.longest))
	for range sc.jobs {
		j := s.newJob(time.Now().Add(-time.Duration(s.rng.Int64N(int64(24 * time.Hour)))))
		s.change(j, livetranscode.JobStatus(s.rng.IntN(2)))
		s.add(j)
	}
	return s
}

// run evolves the service while a reader ranges over the events.
func (s *simulation) run() {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	go func() {
		s.evolve()
		cancel()
	}()
	s.read(ctx)
	s.t.Logf("%d jobs, %v", len(s.jobs), s.counts)
	for _, what := range []string{
		"stopped", "not found", "added again", "slow body", "break", "range ended", "watch ended", "sweeps", "polls of new jobs",
		"added before it existed", "added and never existed", "changed in flight",
	} {
		if s.counts[what] == 0 {
			s.t.Errorf("%q never happened", what)
		}
	}
}

// evolve goes through the phases and changes jobs. At the end nothing changes for long enough that every event must
// have been delivered.
func (s *simulation) evolve() {
	rng := rand.New(rand.NewPCG(s.seed, 3))
	end := time.Now().Add(s.scale.length)
	for i := 0; time.Now().Before(end); i++ {
		w := phases[i%len(phases)]
		s.startPhase(w)
		for change := time.Now().Add(cmp.Or(w.lasts, 11*time.Minute)); time.Now().Before(change); {
			time.Sleep(time.Duration(rng.ExpFloat64() * float64(s.phase.pace)))
			s.locked(func() {
				s.step()
				s.checkNothingIsOverdue()
			})
		}
	}
	s.startPhase(phase{name: "end", quiet: true})
	time.Sleep(settleTime + grace + 3*s.scale.longest)
	s.locked(func() {
		s.checkNothingIsOverdue()
		for _, j := range s.jobs {
			if _, undelivered := j.undelivered(); j.watched && undelivered {
				s.fail("%s: version %d is the last delivered, of %+v", j.id, j.seen, j.history)
			}
		}
	})
}

func (s *simulation) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// startPhase changes the phase. Before one without faults every job that has not stopped is watched and listed, so
// that the requests can be counted.
func (s *simulation) startPhase(w phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv.ClearFaults()
	if w.always.Operation != "" {
		w.always.Times = -1
		s.srv.Inject(w.always)
	}
	if s.phase.always.Operation != "" {
		s.listRefusedUntil = time.Now().Add(10 * time.Minute)
	}
	if !s.phase.faultless() || s.phase.name == "" {
		s.faultlessSince = time.Now().Add(settleTime)
	}
	s.phase, s.since = w, time.Now()
	if !w.quiet {
		return
	}
	for _, j := range s.pool {
		if status := j.status(); status != deleted && status != stopped {
			if !j.active() {
				s.change(j, inProgress)
			}
			s.add(j)
		}
	}
}

// settled reports whether there has been no fault for long enough that requests and delays can be checked.
func (s *simulation) settled() bool {
	return s.phase.quiet && time.Since(s.since) > settleTime && time.Now().After(s.faultlessSince) && time.Now().After(s.listRefusedUntil.Add(settleTime))
}

// bound is how long a change may stay undelivered when every poll has a response. A deletion takes two sweeps.
func (s *simulation) bound(j *simJob) time.Duration {
	d := s.scale.longest*11/10 + time.Second
	if j.status() == deleted {
		d *= 2
	}
	return d
}

func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	if s.failures++; s.failures <= 10 {
		s.t.Errorf("%v, %s for %v: %s", time.Now().Format(time.TimeOnly), s.phase.name, time.Since(s.since), fmt.Sprintf(format, args...))
	}
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

// RoundTrip is the network between the Watcher and the emulator.
func (s *simulation) RoundTrip(req *http.Request) (*http.Response, error) {
	s.requestsInFlight.Add(1)
	defer s.requestsInFlight.Add(-1)
	var out, back time.Duration
	s.locked(func() {
		s.count(req)
		if l := s.phase.latency; l > 0 && s.netRNG.IntN(2) == 0 {
			out, back = time.Duration(s.netRNG.Int64N(int64(l))), time.Duration(s.netRNG.Int64N(int64(l)))
		}
	})
	if err := pause(req.Context(), out); err != nil {
		return nil, err
	}
	list := req.Header.Get("X-Acs-Action") == "ListLiveTranscodeJobs"
	s.changeInFlight(true, list)
	resp, err := s.srv.Transport().RoundTrip(req)
	s.changeInFlight(false, list)
	if late := pause(req.Context(), back); err == nil && late != nil {
		resp.Body.Close()
		return nil, late
	}
	if err == nil && (resp.StatusCode == http.StatusOK || resp.Header.Get("Content-Type") == "application/json;charset=utf-8") {
		s.locked(func() { s.answered = time.Now() })
	}
	return resp, err
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// changeInFlight changes jobs, and injects faults, while a request is in flight: more often for a List, whose many
// jobs may change, or be removed and added again, before it arrives.
func (s *simulation) changeInFlight(out, list bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	faultless := 1 - s.phase.inFlight
	if list {
		faultless /= 4
	}
	for s.phase.inFlight > 0 && s.netRNG.Float64() > faultless {
		s.counts["changed in flight"]++
		if j := s.pick(); list && !out && j.watched && j.active() {
			s.readd(j)
		} else {
			s.step()
		}
	}
	if out && s.netRNG.Float64() < s.phase.fails {
		s.srv.Inject(s.phase.faults[s.netRNG.IntN(len(s.phase.faults))])
	}
}

// read ranges over the events repeatedly.
func (s *simulation) read(ctx context.Context) {
	rng := rand.New(rand.NewPCG(s.seed, 4))
	for ctx.Err() == nil {
		s.readRange(ctx, rng)
		if s.requestsInFlight.Load() != 0 {
			s.locked(func() { s.fail("a request is in flight after the loop") })
		}
		time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Second))))
	}
}

// readRange ranges over the events once.
func (s *simulation) readRange(ctx context.Context, rng *rand.Rand) {
	var w phase
	s.locked(func() { w = s.phase })
	if w.rangesFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.rangesFor)
		defer cancel()
	}
	began := time.Now()
	for event, err := range s.watcher.Events(ctx) {
		var hold time.Duration
		broke := false
		s.locked(func() {
			w = s.phase
			if err != nil {
				s.checkEnd(ctx, began, event, err)
				return
			}
			s.checkEvent(event)
			switch rng.IntN(30) {
			case 0: // drops a pending event
				s.remove(s.pool[rng.IntN(len(s.pool))])
			case 1:
				s.add(s.pool[rng.IntN(len(s.pool))])
			}
			if w.holds > 0 && rng.IntN(5) == 0 {
				s.counts["slow body"]++
				hold = time.Duration(rng.Int64N(int64(w.holds)))
			}
			if broke = rng.Float64() < w.breaks; broke {
				s.counts["break"]++
			}
		})
		time.Sleep(hold)
		if broke {
			break
		}
	}
}

// checkEvent checks an event against the history.
func (s *simulation) checkEvent(event livetranscode.JobEvent) {
	j := s.jobs[event.JobID]
	s.counts["events"]++
	if s.lastEvent = time.Now(); s.lastEvent.Equal(s.round.at) {
		s.round.lastEvent = s.lastEvent
	}
	switch {
	case j == nil || !j.watched:
		s.fail("%s: an event of a job that is not watched: %+v", event.JobID, event)
		return
	case event.Previous != j.last:
		s.fail("%s: Previous is %+v, want that of the event before, %+v", j.id, event.Previous, j.last)
	case event.Kind != s.kindOf(j, event):
		s.fail("%s: the kind is %v: %+v", j.id, event.Kind, event)
	}
	if event.Err != nil {
		s.counts["not found"]++
		j.watched = false
		switch {
		case !errors.Is(event.Err, livetranscode.ErrNotFound):
			s.fail("%s: ended with %v", j.id, event.Err)
		case j.status() != deleted:
			s.fail("%s: not found, but it is %v", j.id, j.status())
		case j.neverExisted() && time.Since(j.added) < grace:
			s.fail("%s: not found %v after Add", j.id, time.Since(j.added))
		}
		return
	}
	v, err := strconv.Atoi(event.Job.Name)
	switch {
	case err != nil || v < 0 || v >= len(j.history) || j.history[v].status != event.Job.Status || event.Job.JobID != j.id:
		s.fail("%s: no version is %+v", j.id, event.Job)
		return
	case v <= j.seen:
		s.fail("%s: version %d after %d", j.id, v, j.seen)
	case v < j.known-1: // a poll from before Add
		s.fail("%s: version %d, but it was added when it was %d", j.id, v, j.known-1)
	case v+1 < len(j.history) && event.Job.Status != stopped && time.Now().After(s.faultlessSince) && s.phase.faultless() && time.Since(later(j.history[v+1].at, s.faultlessSince)) > s.bound(j):
		s.fail("%s: version %d, replaced %v ago", j.id, v, time.Since(j.history[v+1].at))
	case j.last == nil && j.exists && s.settled() && !j.added.Before(s.since.Add(settleTime)) && time.Since(j.added) > 0:
		s.fail("%s: seen only %v after Add", j.id, time.Since(j.added))
	}
	j.last, j.seen = event.Job, v
	if event.Job.Status == stopped {
		s.counts["stopped"]++
		j.watched = false
	}
}

// kindOf returns the kind that an event must have.
func (s *simulation) kindOf(j *simJob, event livetranscode.JobEvent) livetranscode.EventKind {
	switch {
	case event.Err != nil:
		return livetranscode.EventLost
	case event.Job.Status == stopped:
		return livetranscode.EventStopped
	case j.last == nil:
		return livetranscode.EventFirstSeen
	}
	return livetranscode.EventChanged
}

// checkEnd checks why a range ended: the end of its context, or five sweeps without a response.
func (s *simulation) checkEnd(ctx context.Context, began time.Time, event livetranscode.JobEvent, err error) {
	unanswered := min(time.Since(began), time.Since(s.answered))
	switch {
	case event != livetranscode.JobEvent{}:
		s.fail("the watch ended with the event %+v", event)
	case ctx.Err() != nil:
		if s.counts["range ended"]++; !errors.Is(err, ctx.Err()) {
			s.fail("the context ended with %v, the range with %v", ctx.Err(), err)
		}
	case !errors.Is(err, livetranscode.ErrUnavailable):
		s.fail("the watch ended with %v", err)
	case unanswered < 4*s.scale.first*9/10:
		s.fail("the watch ended after %v without a response: %v", unanswered, err)
	default:
		s.counts["watch ended"]++
	}
}

// checkNothingIsOverdue checks that every change is delivered in time, once the faults are over and the reader waits.
func (s *simulation) checkNothingIsOverdue() {
	if !s.settled() {
		return
	}
	for _, j := range s.pool {
		if since, ok := j.undelivered(); ok && j.watched && time.Since(later(since, s.faultlessSince)) > s.bound(j) {
			s.fail("%s: version %d is the last delivered, %v late, of %+v", j.id, j.seen, time.Since(since), j.history)
		}
	}
}

// count counts the requests of a round.
func (s *simulation) count(req *http.Request) {
	s.counts["requests"]++
	r := &s.round
	if now := time.Now(); !now.Equal(r.at) {
		s.checkRound()
		*r = round{at: now, active: s.active, changes: s.changes, adds: s.adds, lastEvent: s.lastEvent}
		s.adds = 0
		if s.settled() {
			for _, j := range s.pool {
				if j.watched && (j.last == nil || j.status() == deleted) {
					r.new++
				}
			}
		}
	}
	if req.Header.Get("X-Acs-Action") != "ListLiveTranscodeJobs" {
		r.gets++
		return
	}
	r.lists++
	s.changes = 0
}

// checkRound checks the cost and the time of the last round.
func (s *simulation) checkRound() {
	r := s.round
	checked := s.settled() && r.at.After(s.since.Add(settleTime))
	if r.lists == 0 {
		if s.counts["polls of new jobs"]++; checked && r.gets > r.adds {
			s.fail("%d Gets for %d new jobs", r.gets, r.adds)
		}
		return
	}
	if checked {
		s.counts["sweeps"]++
		if most := 1.05*float64(r.active)/100 + 2 + float64(r.changes+r.new); float64(r.gets+r.lists) > most {
			s.fail("a sweep of %d jobs took %d Gets and %d Lists, want %.1f", r.active, r.gets, r.lists, most)
		}
		longest := s.scale.longest
		if s.lastSweep.at.Sub(s.lastSweep.lastEvent) <= 30*time.Second {
			longest = s.scale.first
		}
		gap := r.at.Sub(s.lastSweep.at)
		if s.lastSweep.at.After(s.since.Add(settleTime)) && (gap < s.scale.first*9/10 || gap > longest*11/10) {
			s.fail("a sweep %v after the last", gap)
		}
	}
	s.lastSweep = r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
