package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var simulationWorlds = flag.Int("simulation.worlds", 8, "how many small worlds to simulate")

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

// A span is an interval of time.
type span struct{ from, to time.Time }

// A worldJob is the history of a job and the events delivered.
type worldJob struct {
	id      string
	history []version
	failing bool
	watched bool
	added   time.Time
	last    int // the version of the last event; -1: none
	over    bool
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

// markUnobservable records that changes could not be observed since a time.
func (w *world) markUnobservable(from time.Time) {
	w.unobservable = append(w.unobservable, span{from, time.Now()})
}

// process is a process that watches, resuming from the store, until it is killed.
func (w *world) process(ctx context.Context) {
	client := w.srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: w}))
	watcher := client.NewWatcher(livetranscode.PollInterval(worldInterval/2, worldInterval), livetranscode.NotFoundGrace(20*time.Second))
	w.locked(func() {
		for _, l := range w.order {
			if job := w.store[l.id]; job != nil {
				watcher.Resume(job)
			} else if (!w.all || l.failing) && !l.over {
				w.add(watcher, l)
			}
		}
	})
	if w.all {
		watcher.AddAll(livetranscode.JobFilter{})
	}
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

// checkEvent checks an event against the history, and stores it unless the process crashes first.
func (w *world) checkEvent(event livetranscode.JobEvent, crash bool) {
	w.counts["events"]++
	l := w.byID[event.JobID]
	if l == nil || l.over {
		w.fail("an event of a job that has ended or does not exist: %+v", event)
		return
	}
	final := event.Kind == livetranscode.EventStopped || event.Kind == livetranscode.EventLost
	at := len(l.history) - 1
	if event.Kind == livetranscode.EventLost {
		if !errors.Is(event.Err, livetranscode.ErrNotFound) || l.status() != deleted {
			w.fail("%s: lost, but it is %v: %v", l.id, l.status(), event.Err)
		}
	} else {
		at, _ = strconv.Atoi(event.Job.Name)
		if at >= len(l.history) || l.history[at].status != event.Job.Status {
			w.fail("%s: no version is %+v", l.id, event.Job)
			return
		}
	}
	if known := w.store[l.id]; at <= l.last && !final && !w.isLagging(l, at) || known == nil != (event.Previous == nil) || known != nil && known.Name != event.Previous.Name {
		w.fail("%s: version %d after %d, Previous is %v", l.id, at, l.last, event.Previous)
	}
	w.checkLate(l, l.last+1, event)
	if crash {
		w.counts["crashes"]++
		return
	}
	l.last = at
	w.store[l.id] = event.Job
	if final {
		l.over = true
		delete(w.store, l.id)
	}
}

// isLagging reports whether the index of List may still show an earlier version of the same status.
func (w *world) isLagging(l *worldJob, v int) bool {
	return w.lag > 0 && v < l.last && l.history[v].status >= l.history[l.last].status
}

// checkLate checks the delay of an event since the version after the last delivered one.
func (w *world) checkLate(l *worldJob, v int, event livetranscode.JobEvent) {
	if v >= len(l.history) || l.failing {
		return
	}
	since := later(l.history[v].at, l.added)
	late := time.Since(since) - w.unobservableFor(since)
	slack := worldSlack + w.lag
	if l.history[v].status == deleted || l.status() == deleted {
		slack += worldInterval + 20*time.Second // to confirm it
	}
	if late > slack {
		w.fail("%s: version %d of %+v was delivered after %v: %v", l.id, v, l.history, late, event.Kind)
	}
}

// unobservableFor returns for how long changes could not be observed since a time.
func (w *world) unobservableFor(since time.Time) (sum time.Duration) {
	spans := slices.Clone(w.unobservable)
	if !w.faultSince.IsZero() {
		spans = append(spans, span{w.faultSince, time.Now()})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	for _, s := range spans {
		if from := later(s.from, since); s.to.After(from) {
			sum += s.to.Sub(from)
			since = s.to
		}
	}
	return sum
}

func (w *world) checkEnd(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
	case (w.outage || w.onlyFailing()) && errors.Is(err, livetranscode.ErrUnavailable):
		w.counts["watch ended"]++
	default:
		w.fail("the watch ended with %v", err)
	}
}

// onlyFailing reports whether every watched job that has not ended is one whose Gets fail.
func (w *world) onlyFailing() bool {
	return !slices.ContainsFunc(w.order, func(l *worldJob) bool { return l.watched && !l.failing && !l.over })
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
			time.Sleep(45 * time.Second) // a delay that was asked for, a pause, and the sweep
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

// RoundTrip is the network, with the properties and faults of the world.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	var resp *http.Response
	var delay time.Duration
	w.locked(func() { resp, delay = w.respond(req) }) //nolint:bodyclose // the caller closes it
	if err := pause(req.Context(), delay); err != nil {
		return nil, err
	}
	if resp != nil {
		if resp.StatusCode == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return resp, nil
	}
	if !isList(req) {
		return w.srv.Transport().RoundTrip(req)
	}
	resp, err := w.list.Transport().RoundTrip(req)
	if err != nil || !w.malformed || req.URL.Query().Get("Status") == "" {
		return resp, err
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	const head = `"JobList":[`
	text = bytes.Replace(text, []byte(head), []byte(head+`{"JobId":"","Status":"x"},{"Name":5,"Status":[]},`), 1)
	text = bytes.Replace(text, []byte(`,]`), []byte(`]`), 1)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), -1
	resp.Header.Del("Content-Length")
	return resp, err
}

// respond returns a fault's response, if any, and the latency of the request.
func (w *world) respond(req *http.Request) (*http.Response, time.Duration) {
	w.counts["requests"]++
	var delay time.Duration
	if w.latency > 0 {
		delay = time.Duration(w.netRNG.Int64N(int64(w.latency)))
	}
	if l := w.byID[req.URL.Query().Get("JobId")]; l != nil && l.failing {
		return failure(req, 500, "InternalError"), delay
	}
	if no, _ := strconv.Atoi(req.URL.Query().Get("PageNo")); w.deep && no > 1 {
		return failure(req, 400, "InvalidParameter.PageNo"), delay
	}
	switch w.fault {
	case "outage":
		if w.netRNG.IntN(2) == 0 {
			return new(http.Response), delay // none
		}
		return failure(req, 503, ""), delay
	case "throttling": // another client shares the quota
		now := time.Now()
		w.tokens = min(w.tokens+now.Sub(w.filled).Seconds()/2, 3)
		w.filled = now
		if w.tokens < 1 || w.netRNG.IntN(2) == 0 {
			return failure(req, 400, "Throttling.User"), delay
		}
		w.tokens--
	case "Retry-After":
		resp := failure(req, 503, "ServiceUnavailable")
		resp.Header.Set("X-Acs-Retry-After", "20000")
		return resp, delay
	case "some failures":
		if w.netRNG.IntN(4) == 0 {
			return failure(req, []int{500, 502, 503, 404}[w.netRNG.IntN(4)], ""), delay
		}
	}
	return nil, delay
}
