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

// TestSimulation holds a Watcher against a world that keeps its own history, in good weather and bad. The seed
// repeats what happens to the world; when the requests meet it is up to the scheduler and the Watcher's jitter.
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

// scale is how large a simulation is.
type scale struct {
	jobs           int // that are alive and not stopped, about
	length         time.Duration
	first, longest time.Duration // the Watcher's intervals
}

// weather is what the world is like for a while.
type weather struct {
	name      string
	lasts     time.Duration             // 0: 11 minutes
	pace      time.Duration             // between changes of the world, on average
	inFlight  float64                   // the chance that it changes just before, or after, a request is answered
	latency   time.Duration             // the longest, each way
	fails     float64                   // the chance that a request meets one of the faults
	faults    []livetranscodetest.Fault // one of them
	always    livetranscodetest.Fault   // what all of an operation meet, if it names one
	holds     time.Duration             // how long the reader may hold the loop
	breaks    float64                   // the chance that it breaks the loop after an event
	rangesFor time.Duration             // how long the context of a range lasts
	quiet     bool                      // nothing goes wrong: what is promised for then can be checked
}

// calm reports whether every look has an answer, made and read at once.
func (w *weather) calm() bool { return w.latency == 0 && w.fails == 0 && w.always.Operation == "" }

var weathers = []weather{
	{name: "quiet", lasts: 18 * time.Minute, pace: 5 * time.Second, quiet: true},
	{name: "pages that shift", pace: 4 * time.Second, inFlight: .25, latency: 3 * time.Second},
	{name: "slow reader", lasts: 18 * time.Minute, pace: 2 * time.Second, holds: 5 * time.Minute},
	{name: "reader that breaks", lasts: 10 * time.Minute, pace: 2 * time.Second, latency: time.Second, breaks: .2, rangesFor: 45 * time.Second},
	{name: "throttling", lasts: 5 * time.Minute, pace: 5 * time.Second, fails: .4, latency: 100 * time.Millisecond, faults: []livetranscodetest.Fault{
		{Code: "Throttling.User"}, {Code: "Throttling", RetryAfter: 3 * time.Second},
	}},
	{name: "trouble", lasts: 3 * time.Minute, pace: 5 * time.Second, inFlight: .1, latency: time.Second, fails: .3, faults: []livetranscodetest.Fault{
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
	gone = livetranscode.JobStatus(-9) // what the history says of a job that was deleted

	settles  = 3 * time.Minute  // how long bad weather has an effect: a throttled sweep, and a pause as long
	grace    = 30 * time.Second // the Watcher's, for jobs that are not found
	lateness = 20 * time.Second // after Add a job exists, or never; the looks begun before have ended within the grace
)

// A version is a state of a job. Every change makes a new one, and the job's Name is its number: so a look can
// be placed in the history.
type version struct {
	at     time.Time
	status livetranscode.JobStatus
}

// A subject is a job, or an id that is none yet or never, with its history and what the reader knows of it.
type subject struct {
	id      string
	created time.Time
	history []version

	watched bool
	added   time.Time
	exists  bool               // it did when it was added
	known   int                // how many versions there were
	last    *livetranscode.Job // of the last event since then
	seen    int                // its version
}

func (s *subject) status() livetranscode.JobStatus {
	if len(s.history) == 0 {
		return gone
	}
	return s.history[len(s.history)-1].status
}

// active reports whether a page lists it.
func (s *subject) active() bool { return s.status() == notStarted || s.status() == inProgress }

// unborn reports whether it did not exist at any time since it was added: then it has the grace.
func (s *subject) unborn() bool { return !s.exists && len(s.history) == s.known }

// owed returns since when there is something to tell of the job; false: there is not.
func (s *subject) owed() (since time.Time, ok bool) {
	switch {
	case s.last != nil:
		if s.seen+1 == len(s.history) {
			return time.Time{}, false
		}
		return s.history[s.seen+1].at, true
	case s.unborn():
		return s.added.Add(grace), true
	case s.status() == gone: // perhaps before a look could see it
		return later(s.history[len(s.history)-1].at, s.added.Add(grace)), true
	case s.history[0].at.After(s.added):
		return s.history[0].at, true
	}
	return s.added, true
}

type simulation struct {
	t       *testing.T
	scale   scale
	seed    uint64
	srv     *livetranscodetest.Server
	watcher *livetranscode.Watcher
	flying  atomic.Int32

	mu       sync.Mutex
	rng      *rand.Rand // of the world
	wind     *rand.Rand // of what meets requests
	subjects map[string]*subject
	pool     []*subject // those to which something may yet happen
	active   int        // those that a page lists
	failures int

	weather   weather
	since     time.Time // of the weather
	calmSince time.Time
	barred    time.Time // until when List may not be asked, for it was refused
	answered  time.Time // when the last request had an answer
	round     round
	swept     round          // the last sweep
	changes   int            // of the world since then
	adds      int            // since the last round
	news      time.Time      // of the last event or Add
	told      map[string]int // what has happened, for the log
}

// A round is what the Watcher asks at one moment, which in quiet weather is a whole sweep or a look at new jobs.
type round struct {
	at          time.Time
	gets, lists int
	active, new int       // jobs on the pages, and jobs that were never read or are not found any more
	changes     int       // of the world since the sweep before
	adds        int       // since the round before
	news        time.Time // of the last event or Add that the time of the next sweep goes by
}

func newSimulation(t *testing.T, sc scale, seed uint64) *simulation {
	s := &simulation{
		t: t, scale: sc, seed: seed, srv: livetranscodetest.NewServer(),
		rng: rand.New(rand.NewPCG(seed, 1)), wind: rand.New(rand.NewPCG(seed, 2)),
		subjects: map[string]*subject{}, told: map[string]int{},
	}
	client := s.srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: s}))
	s.watcher = client.NewWatcher(livetranscode.PollInterval(sc.first, sc.longest))
	for range sc.jobs {
		sub := s.newSubject(time.Now().Add(-time.Duration(s.rng.Int64N(int64(24 * time.Hour)))))
		s.change(sub, livetranscode.JobStatus(s.rng.IntN(2)))
		s.add(sub)
	}
	return s
}

// run lets the world live while a reader reads.
func (s *simulation) run() {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	go func() {
		s.live()
		cancel()
	}()
	s.read(ctx)
	s.t.Logf("%d jobs, %v", len(s.subjects), s.told)
	for _, what := range []string{
		"stopped", "not found", "added again", "held", "broke off", "range ended", "watch ended", "sweeps", "looks at new jobs",
		"added before it was", "added and never was", "changed in flight",
	} {
		if s.told[what] == 0 {
			s.t.Errorf("%q never happened", what)
		}
	}
}

// live makes the weather and changes the world. In the end it leaves the world alone for long enough that all
// must have been told.
func (s *simulation) live() {
	rng := rand.New(rand.NewPCG(s.seed, 3))
	end := time.Now().Add(s.scale.length)
	for i := 0; time.Now().Before(end); i++ {
		w := weathers[i%len(weathers)]
		s.turn(w)
		for change := time.Now().Add(cmp.Or(w.lasts, 11*time.Minute)); time.Now().Before(change); {
			time.Sleep(time.Duration(rng.ExpFloat64() * float64(s.weather.pace)))
			s.locked(func() {
				s.step()
				s.checkNothingIsOverdue()
			})
		}
	}
	s.turn(weather{name: "end", quiet: true})
	time.Sleep(settles + grace + 3*s.scale.longest)
	s.locked(func() {
		s.checkNothingIsOverdue()
		for _, sub := range s.subjects {
			if _, owed := sub.owed(); sub.watched && owed {
				s.fail("%s: in the end version %d is known, of %+v", sub.id, sub.seen, sub.history)
			}
		}
	})
}

func (s *simulation) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// turn changes the weather. Before a quiet time all that is alive is watched and on the pages, so that
// the requests can be counted.
func (s *simulation) turn(w weather) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv.ClearFaults()
	if w.always.Operation != "" {
		w.always.Times = -1
		s.srv.Inject(w.always)
	}
	if s.weather.always.Operation != "" {
		s.barred = time.Now().Add(10 * time.Minute)
	}
	if !s.weather.calm() || s.weather.name == "" {
		s.calmSince = time.Now().Add(settles)
	}
	s.weather, s.since = w, time.Now()
	if !w.quiet {
		return
	}
	for _, sub := range s.pool {
		if status := sub.status(); status != gone && status != stopped {
			if !sub.active() {
				s.change(sub, inProgress)
			}
			s.add(sub)
		}
	}
}

// settled reports whether quiet weather has lasted for so long that what is promised for it holds.
func (s *simulation) settled() bool {
	return s.weather.quiet && time.Since(s.since) > settles && time.Now().After(s.calmSince) && time.Now().After(s.barred.Add(settles))
}

// bound is how long a change may stay untold when every poll has a response. That a job is gone takes two sweeps.
func (s *simulation) bound(sub *subject) time.Duration {
	d := s.scale.longest*11/10 + time.Second
	if sub.status() == gone {
		d *= 2
	}
	return d
}

func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	if s.failures++; s.failures <= 10 {
		s.t.Errorf("%v, %s for %v: %s", time.Now().Format(time.TimeOnly), s.weather.name, time.Since(s.since), fmt.Sprintf(format, args...))
	}
}

// newSubject names a job that does not exist yet.
func (s *simulation) newSubject(created time.Time) *subject {
	sub := &subject{id: fmt.Sprintf("%032x", len(s.subjects)), created: created.Truncate(time.Second)}
	s.subjects[sub.id] = sub
	s.pool = append(s.pool, sub)
	return sub
}

// change makes a new version of a job, in the history first: nobody sees a state that is not there.
func (s *simulation) change(sub *subject, status livetranscode.JobStatus) {
	if sub.active() {
		s.active--
	}
	sub.history = append(sub.history, version{time.Now(), status})
	if sub.active() {
		s.active++
	}
	s.changes++
	if status == gone {
		s.srv.RemoveJob(sub.id)
		return
	}
	s.srv.AddJob(livetranscode.Job{
		JobID: sub.id, Name: strconv.Itoa(len(sub.history) - 1), Status: status, CreateTime: sub.created,
	})
}

func (s *simulation) add(sub *subject) {
	s.watcher.Add(sub.id)
	if sub.watched {
		return
	}
	if !sub.added.IsZero() {
		s.told["added again"]++
	}
	sub.watched, sub.added, sub.exists, sub.known = true, time.Now(), sub.status() != gone, len(sub.history)
	sub.last, sub.seen = nil, -1
	s.adds++
	s.changes++
	s.news = sub.added
	if time.Now().Equal(s.round.at) { // by the body of the loop: the look is of the same moment
		s.round.adds++
		s.round.changes++
	}
}

func (s *simulation) remove(sub *subject) {
	s.watcher.Remove(sub.id)
	sub.watched = false
}

// step changes one thing.
func (s *simulation) step() {
	sub := s.pick()
	status, alive := sub.status(), sub.status() != gone
	switch n := s.rng.IntN(100); {
	case n < 25 && s.active < s.scale.jobs:
		s.create()
	case n < 50 && alive:
		switch status {
		case notStarted:
			s.change(sub, inProgress)
		case inProgress:
			if s.rng.IntN(3) == 0 {
				s.change(sub, stopped)
			}
		case stopped:
			s.change(sub, gone)
		default:
			s.change(sub, notStarted)
		}
	case n < 62 && alive:
		s.change(sub, status)
	case n < 70 && alive:
		s.change(sub, gone)
	case n < 82:
		s.renew(sub)
	case n < 88 && !s.weather.quiet:
		s.remove(sub)
	case n < 96:
		s.add(sub)
	case alive && status != stopped && !s.weather.quiet:
		s.change(sub, 7) // a status that no page lists
	}
}

// renew removes a job, changes it, and adds it again: an answer under way tells of a state that no longer counts.
func (s *simulation) renew(sub *subject) {
	s.remove(sub)
	if sub.active() {
		s.change(sub, min(sub.status()+livetranscode.JobStatus(s.rng.IntN(2)), inProgress))
	}
	s.add(sub)
}

// pick returns any subject, and forgets on the way those that are over.
func (s *simulation) pick() *subject {
	for {
		i := s.rng.IntN(len(s.pool))
		sub := s.pool[i]
		if sub.watched || sub.status() != gone || s.rng.IntN(4) == 0 {
			return sub
		}
		s.pool[i] = s.pool[len(s.pool)-1]
		s.pool = s.pool[:len(s.pool)-1]
	}
}

func (s *simulation) create() {
	sub := s.newSubject(time.Now())
	switch n := s.rng.IntN(10); {
	case n < 5:
		s.change(sub, notStarted)
		s.add(sub)
	case n < 7:
		s.add(sub)
		s.told["added before it was"]++
		after(time.Duration(s.rng.Int64N(int64(lateness))), func() { s.locked(func() { s.change(sub, inProgress) }) })
	case n < 8:
		s.add(sub)
		s.told["added and never was"]++
	default:
		s.change(sub, inProgress)
		if s.weather.quiet {
			s.add(sub)
		}
	}
}

// RoundTrip is the network between the Watcher and the emulator.
func (s *simulation) RoundTrip(req *http.Request) (*http.Response, error) {
	s.flying.Add(1)
	defer s.flying.Add(-1)
	var there, back time.Duration
	s.locked(func() {
		s.count(req)
		if l := s.weather.latency; l > 0 && s.wind.IntN(2) == 0 {
			there, back = time.Duration(s.wind.Int64N(int64(l))), time.Duration(s.wind.Int64N(int64(l)))
		}
	})
	if err := pause(req.Context(), there); err != nil {
		return nil, err
	}
	list := req.Header.Get("X-Acs-Action") == "ListLiveTranscodeJobs"
	s.disturb(true, list)
	resp, err := s.srv.Transport().RoundTrip(req)
	s.disturb(false, list)
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

// disturb is what may happen to the world, and to a request, while it travels: more to a List, which tells of
// many jobs that may change, or be removed and added again, before it arrives.
func (s *simulation) disturb(out, list bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	calm := 1 - s.weather.inFlight
	if list {
		calm /= 4
	}
	for s.weather.inFlight > 0 && s.wind.Float64() > calm {
		s.told["changed in flight"]++
		if sub := s.pick(); list && !out && sub.watched && sub.active() {
			s.renew(sub)
		} else {
			s.step()
		}
	}
	if out && s.wind.Float64() < s.weather.fails {
		s.srv.Inject(s.weather.faults[s.wind.IntN(len(s.weather.faults))])
	}
}

// read is the reader.
func (s *simulation) read(ctx context.Context) {
	rng := rand.New(rand.NewPCG(s.seed, 4))
	for ctx.Err() == nil {
		s.readFor(ctx, rng)
		if s.flying.Load() != 0 {
			s.locked(func() { s.fail("a request is still under way after the loop") })
		}
		time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Second))))
	}
}

// readFor ranges over the events once.
func (s *simulation) readFor(ctx context.Context, rng *rand.Rand) {
	var w weather
	s.locked(func() { w = s.weather })
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
			w = s.weather
			if err != nil {
				s.checkEnd(ctx, began, event, err)
				return
			}
			s.checkEvent(event)
			switch rng.IntN(30) {
			case 0: // what is pending is dropped
				s.remove(s.pool[rng.IntN(len(s.pool))])
			case 1:
				s.add(s.pool[rng.IntN(len(s.pool))])
			}
			if w.holds > 0 && rng.IntN(5) == 0 {
				s.told["held"]++
				hold = time.Duration(rng.Int64N(int64(w.holds)))
			}
			if broke = rng.Float64() < w.breaks; broke {
				s.told["broke off"]++
			}
		})
		time.Sleep(hold)
		if broke {
			break
		}
	}
}

// checkEvent holds an event against the history.
func (s *simulation) checkEvent(event livetranscode.JobEvent) {
	sub := s.subjects[event.JobID]
	s.told["events"]++
	if s.news = time.Now(); s.news.Equal(s.round.at) {
		s.round.news = s.news
	}
	switch {
	case sub == nil || !sub.watched:
		s.fail("%s: an event of a job that is not watched: %+v", event.JobID, event)
		return
	case event.Previous != sub.last:
		s.fail("%s: Previous is %+v, want that of the event before, %+v", sub.id, event.Previous, sub.last)
	case event.Kind != s.kindOf(sub, event):
		s.fail("%s: the kind is %v: %+v", sub.id, event.Kind, event)
	}
	if event.Err != nil {
		s.told["not found"]++
		sub.watched = false
		switch {
		case !errors.Is(event.Err, livetranscode.ErrNotFound):
			s.fail("%s: ended with %v", sub.id, event.Err)
		case sub.status() != gone:
			s.fail("%s: not found, but it is %v", sub.id, sub.status())
		case sub.unborn() && time.Since(sub.added) < grace:
			s.fail("%s: not found %v after Add", sub.id, time.Since(sub.added))
		}
		return
	}
	v, err := strconv.Atoi(event.Job.Name)
	switch {
	case err != nil || v < 0 || v >= len(sub.history) || sub.history[v].status != event.Job.Status || event.Job.JobID != sub.id:
		s.fail("%s: never was as %+v", sub.id, event.Job)
		return
	case v <= sub.seen:
		s.fail("%s: version %d after %d", sub.id, v, sub.seen)
	case v < sub.known-1: // a look from before Add
		s.fail("%s: version %d, but it was added when it was %d", sub.id, v, sub.known-1)
	case v+1 < len(sub.history) && event.Job.Status != stopped && time.Now().After(s.calmSince) && s.weather.calm() && time.Since(later(sub.history[v+1].at, s.calmSince)) > s.bound(sub):
		s.fail("%s: version %d, which is over for %v", sub.id, v, time.Since(sub.history[v+1].at))
	case sub.last == nil && sub.exists && s.settled() && !sub.added.Before(s.since.Add(settles)) && time.Since(sub.added) > 0:
		s.fail("%s: seen only %v after Add", sub.id, time.Since(sub.added))
	}
	sub.last, sub.seen = event.Job, v
	if event.Job.Status == stopped {
		s.told["stopped"]++
		sub.watched = false
	}
}

// kindOf returns the kind that an event must have.
func (s *simulation) kindOf(sub *subject, event livetranscode.JobEvent) livetranscode.EventKind {
	switch {
	case event.Err != nil:
		return livetranscode.EventLost
	case event.Job.Status == stopped:
		return livetranscode.EventStopped
	case sub.last == nil:
		return livetranscode.EventFirstSeen
	}
	return livetranscode.EventChanged
}

// checkEnd holds the end of a range against what happened: the end of its context, or a silence of five sweeps.
func (s *simulation) checkEnd(ctx context.Context, began time.Time, event livetranscode.JobEvent, err error) {
	silent := min(time.Since(began), time.Since(s.answered))
	switch {
	case event != livetranscode.JobEvent{}:
		s.fail("the watch ended with the event %+v", event)
	case ctx.Err() != nil:
		if s.told["range ended"]++; !errors.Is(err, ctx.Err()) {
			s.fail("the context ended with %v, the range with %v", ctx.Err(), err)
		}
	case !errors.Is(err, livetranscode.ErrUnavailable):
		s.fail("the watch ended with %v", err)
	case silent < 4*s.scale.first*9/10:
		s.fail("the watch ended after a silence of %v: %v", silent, err)
	default:
		s.told["watch ended"]++
	}
}

// checkNothingIsOverdue checks that all is told in time, once the weather has been calm for a while and the
// reader waits.
func (s *simulation) checkNothingIsOverdue() {
	if !s.settled() {
		return
	}
	for _, sub := range s.pool {
		if since, ok := sub.owed(); ok && sub.watched && time.Since(later(since, s.calmSince)) > s.bound(sub) {
			s.fail("%s: version %d is the last that was told, after %v, of %+v", sub.id, sub.seen, time.Since(since), sub.history)
		}
	}
}

// count counts requests. In quiet weather those of one moment are a sweep, or a look at new jobs.
func (s *simulation) count(req *http.Request) {
	s.told["requests"]++
	r := &s.round
	if now := time.Now(); !now.Equal(r.at) {
		s.checkRound()
		*r = round{at: now, active: s.active, changes: s.changes, adds: s.adds, news: s.news}
		s.adds = 0
		if s.settled() {
			for _, sub := range s.pool {
				if sub.watched && (sub.last == nil || sub.status() == gone) {
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

// checkRound checks what the last round has cost, and when it was.
func (s *simulation) checkRound() {
	r := s.round
	checked := s.settled() && r.at.After(s.since.Add(settles))
	if r.lists == 0 {
		if s.told["looks at new jobs"]++; checked && r.gets > r.adds {
			s.fail("%d Gets for %d new jobs", r.gets, r.adds)
		}
		return
	}
	if checked {
		s.told["sweeps"]++
		if most := 1.05*float64(r.active)/100 + 2 + float64(r.changes+r.new); float64(r.gets+r.lists) > most {
			s.fail("a sweep of %d jobs took %d Gets and %d Lists, want %.1f", r.active, r.gets, r.lists, most)
		}
		longest := s.scale.longest
		if s.swept.at.Sub(s.swept.news) <= 30*time.Second {
			longest = s.scale.first
		}
		gap := r.at.Sub(s.swept.at)
		if s.swept.at.After(s.since.Add(settles)) && (gap < s.scale.first*9/10 || gap > longest*11/10) {
			s.fail("a sweep %v after the last", gap)
		}
	}
	s.swept = r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
