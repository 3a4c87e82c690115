package livetranscode_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
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
	client := s.srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(s.roundTrip)}))
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
