package livetranscode_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var simulationWorlds = flag.Int("simulation.worlds", 4, "how many small worlds to simulate")

// TestSmallWorlds simulates small services, each with its own faults, and checks the events against the history: every
// final state is delivered, once if it was stored; no change is delivered later than two intervals and two sweeps,
// not counting the time in which it could not be observed; no event is delivered twice.
func TestSmallWorlds(t *testing.T) {
	t.Parallel()
	first, n := uint64(1), *simulationWorlds
	if *simulationSeed != 0 {
		first, n = *simulationSeed, 1
	}
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			if n <= 100 {
				t.Parallel()
			}
			synctest.Test(t, func(t *testing.T) { newWorld(t, seed).run() })
		})
	}
}

const (
	worldInterval = 10 * time.Second // the longest
	worldLength   = 12 * time.Minute
	// worldSlack is how late a change may be delivered: two intervals with jitter, and two sweeps with retries.
	worldSlack = 2*worldInterval*11/10 + 2*15*time.Second
)

// A world is a small simulated service: jobs that change, faults, and processes that watch and are killed.
type world struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	srv  *livetranscodetest.Server
	list *livetranscodetest.Server // the index that List reads; srv, or one that lags

	// Its properties, chosen by the seed.
	jobs      int
	all       bool          // AddAll, else Add
	lag       time.Duration // of the index
	deep      bool          // page 2 is refused
	malformed bool          // malformed jobs on the pages
	kills     bool
	hold      time.Duration // the longest time that the loop body takes
	latency   time.Duration

	mu           sync.Mutex
	netRNG       *rand.Rand // of requests
	byID         map[string]*worldJob
	order        []*worldJob
	fault        string
	faultSince   time.Time // also for a while after it
	outage       bool      // also for a while after it
	tokens       float64   // of the shared quota
	filled       time.Time // the time of tokens
	unobservable []span    // when changes could not be observed
	store        map[string]*livetranscode.Job
	counts       map[string]int
	failed       int
}

// A worldJob is the history of a job and the events delivered.
type worldJob struct {
	id      string
	history []version
	failing bool
	watched bool
	added   time.Time
	last    int  // the version of the last event; -1: none
	over    bool // stopped or lost
	lost    bool
}

func (l *worldJob) status() livetranscode.JobStatus { return l.history[len(l.history)-1].status }

func newWorld(t *testing.T, seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 11))
	w := &world{
		t: t, seed: seed, rng: rng, netRNG: rand.New(rand.NewPCG(seed, 12)), srv: livetranscodetest.NewServer(),
		byID: map[string]*worldJob{}, store: map[string]*livetranscode.Job{}, counts: map[string]int{},
		jobs: 1 + rng.IntN(130), all: rng.IntN(2) == 0, deep: rng.IntN(6) == 0, malformed: rng.IntN(3) == 0, kills: rng.IntN(2) == 0,
	}
	w.list = w.srv
	switch rng.IntN(4) {
	case 0:
		w.lag = time.Duration(1+rng.IntN(20)) * time.Second
		w.list = livetranscodetest.NewServer(livetranscodetest.WithCredentials(w.srv.Credentials()))
	case 1:
		w.hold = 5 * time.Second
	case 2:
		w.latency = 2 * time.Second
	}
	if w.deep {
		w.all = false // jobs beyond the first page cannot be discovered
	}
	for range w.jobs {
		w.create(livetranscode.JobStatus(rng.IntN(2)))
	}
	for range rng.IntN(12) { // on no page, and every Get of them fails
		l := w.create(7)
		l.failing = true
	}
	return w
}

func (w *world) fail(format string, args ...any) {
	if w.failed++; w.failed <= 5 {
		w.t.Errorf("%v of %+v: %s", time.Now().Format(time.TimeOnly), w.String(), fmt.Sprintf(format, args...))
	}
}

func (w *world) String() string {
	return fmt.Sprintf("{seed %d: %d jobs, all %t, lag %v, deep refused %t, malformed %t, kills %t, hold %v, latency %v, fault %q}",
		w.seed, w.jobs, w.all, w.lag, w.deep, w.malformed, w.kills, w.hold, w.latency, w.fault)
}

func (w *world) create(status livetranscode.JobStatus) *worldJob {
	l := &worldJob{id: fmt.Sprintf("%032x", len(w.byID)), last: -1}
	w.byID[l.id] = l
	w.order = append(w.order, l)
	w.change(l, status)
	return l
}

// change makes a new version of a job; the index of List may lag behind.
func (w *world) change(l *worldJob, status livetranscode.JobStatus) {
	l.history = append(l.history, version{time.Now(), status})
	job := livetranscode.Job{
		JobID: l.id, Name: strconv.Itoa(len(l.history) - 1), Status: status, CreateTime: l.history[0].at.Truncate(time.Second),
	}
	apply := func(srv *livetranscodetest.Server) {
		if status == deleted {
			srv.RemoveJob(l.id)
		} else {
			srv.AddJob(job)
		}
	}
	apply(w.srv)
	switch {
	case w.list == w.srv:
	case len(l.history) == 1 && time.Now().Equal(worldStart):
		apply(w.list)
	default:
		after(w.lag, func() { apply(w.list) })
	}
}

var worldStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the time at which every bubble starts

// run evolves the service while processes watch it, one after another.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	go func() {
		w.evolve()
		cancel()
	}()
	for ctx.Err() == nil {
		processCtx, kill := context.WithCancel(ctx)
		if w.kills {
			after(time.Duration(10+w.random(120))*time.Second, kill)
		}
		w.process(processCtx)
		kill()
		began := time.Now()
		time.Sleep(time.Duration(w.random(30)) * time.Second)
		w.locked(func() { w.markUnobservable(began) })
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.order {
		switch final := l.status(); {
		case !l.watched && !w.all || l.failing:
		case l.over, l.last == len(l.history)-1:
		case w.all && l.last < 0 && (final == stopped || final == deleted): // it started and ended while no process ran
		default:
			w.fail("%s: version %d is the last delivered, of %+v", l.id, l.last, l.history)
		}
	}
	if w.counts["events"] == 0 {
		w.fail("no event")
	}
}

func (w *world) random(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

func (w *world) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// process is a process that watches, resuming from the store, until it is killed.
func (w *world) process(ctx context.Context) {
	client := w.srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(w.roundTrip)}))
	watcher := client.NewWatcher(livetranscode.PollInterval(worldInterval/2, worldInterval), livetranscode.NotFoundGrace(20*time.Second))
	if w.all {
		watcher.AddAll(livetranscode.JobFilter{})
	}
	w.locked(func() {
		for _, l := range w.order {
			switch job := w.store[l.id]; {
			case l.lost:
				watcher.Remove(l.id)
			case job != nil:
				watcher.Resume(job)
			case (!w.all || l.failing) && !l.over:
				w.add(watcher, l)
			}
		}
	})
	added := make(chan *worldJob)
	defer close(added)
	go func() { // jobs are added while it runs
		for {
			select {
			case <-added:
				return
			case <-time.After(7 * time.Second):
				w.locked(func() {
					for _, l := range w.order {
						if !w.all && !l.watched && !l.over {
							w.add(watcher, l)
						}
					}
				})
			}
		}
	}()
	for ctx.Err() == nil {
		for event, err := range watcher.Events(ctx) {
			if err != nil {
				w.locked(func() { w.checkEnd(ctx, err) })
				break
			}
			hold, crash := time.Duration(0), false
			w.locked(func() {
				crash = w.kills && w.rng.IntN(40) == 0 // before the event is stored
				w.checkEvent(event, crash)
				if w.hold > 0 && w.rng.IntN(3) == 0 {
					hold = time.Duration(w.rng.Int64N(int64(w.hold)))
				}
			})
			if crash {
				return
			}
			if hold > 0 {
				began := time.Now()
				time.Sleep(hold)
				w.locked(func() { w.markUnobservable(began) })
			}
		}
		began := time.Now()
		time.Sleep(time.Second)
		w.locked(func() { w.markUnobservable(began) })
	}
}

func (w *world) add(watcher *livetranscode.Watcher, l *worldJob) {
	l.watched = true
	if l.added.IsZero() {
		l.added = time.Now()
	}
	watcher.Add(l.id)
}

// evolve changes jobs and makes faults. At the end nothing changes for long enough that every event is delivered.
func (w *world) evolve() {
	rng := rand.New(rand.NewPCG(w.seed, 13))
	end := time.Now().Add(worldLength)
	for time.Now().Before(end) {
		fault := []string{"", "", "outage", "throttling", "Retry-After", "some failures"}[rng.IntN(6)]
		began := time.Now()
		w.locked(func() {
			if w.fault = fault; fault != "" {
				w.faultSince, w.outage = began, fault == "outage"
			}
		})
		for startPhase := time.Now().Add(time.Duration(30+rng.IntN(90)) * time.Second); time.Now().Before(startPhase); {
			time.Sleep(time.Duration(rng.ExpFloat64() * float64(4*time.Second)))
			w.locked(w.step)
		}
		if fault != "" {
			w.locked(func() { w.fault = "" })
			time.Sleep(time.Minute) // a delay that was asked for, the rest of a throttled sweep, and a pause as long
			w.locked(func() {
				w.markUnobservable(began)
				w.faultSince, w.outage = time.Time{}, false
			})
		}
	}
	w.locked(func() { w.fault = "" })
	time.Sleep(worldSlack + 2*time.Minute + w.lag)
}

// step changes one thing.
func (w *world) step() {
	if w.rng.IntN(5) == 0 && len(w.order) < w.jobs+60 {
		w.create(livetranscode.JobStatus(w.rng.IntN(2)))
		return
	}
	l := w.order[w.rng.IntN(len(w.order))]
	switch status := l.status(); {
	case status == deleted || l.failing:
	case status == stopped && w.rng.IntN(4) == 0 && l.over:
		w.change(l, deleted)
	case status == stopped:
	case w.rng.IntN(8) == 0:
		w.change(l, deleted)
	default:
		w.change(l, min(status+livetranscode.JobStatus(w.rng.IntN(2)), stopped))
	}
}
