package main

import (
	"context"
	"iter"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// watch is a running watch of the real service's jobs or the emulator's, and the state that it keeps.
type watch struct {
	options
	state      *state
	events     func(context.Context) iter.Seq2[livetranscode.JobEvent, error]
	watcher    *livetranscode.Watcher // of the emulator's jobs
	simulation *simulation            // nil for the real service
}

func newWatch(o options, s *state) (*watch, error) {
	w := &watch{options: o, state: s}
	if len(o.jobIDs) > 0 {
		return w, w.useService()
	}
	w.useEmulator()
	return w, nil
}

func (w *watch) useService() error {
	w.state.title, w.state.first = "real service", len(w.jobIDs)
	opts := w.clientOptions()
	if w.endpoint != "" {
		w.state.title = w.endpoint
		opts = append(opts, livetranscode.WithEndpoint(w.endpoint))
	}
	client, err := livetranscode.NewClient(opts...)
	if err != nil {
		return err
	}
	w.events = func(ctx context.Context) iter.Seq2[livetranscode.JobEvent, error] {
		return client.WatchJobs(ctx, w.jobIDs, w.pollOptions()...)
	}
	return nil
}

func (w *watch) useEmulator() {
	w.state.title, w.state.first, w.state.keepEnded = "emulator", w.jobs, 20*time.Second
	if w.interval == 0 {
		w.interval = time.Second
	}
	w.simulation = newSimulation(w.seed, w.jobs)
	w.watcher = w.simulation.srv.Client(w.clientOptions()...).NewWatcher(w.pollOptions()...)
	w.watcher.Add(w.simulation.jobIDs()...)
	w.events = w.watcher.Events
}

func (w *watch) clientOptions() []livetranscode.Option {
	return []livetranscode.Option{
		livetranscode.WithLimiter(w.state),
		livetranscode.WithHooks(w.state.hooks()),
	}
}

func (w *watch) pollOptions() []livetranscode.PollOption {
	poll := []livetranscode.PollOption{
		livetranscode.OnPoll(w.state.polled),
		livetranscode.PollInterval(w.interval, w.interval), // 0 means the defaults
	}
	if w.once { // a single sweep decides: a job that it does not find is gone, and a sweep that fails ends the watch
		poll = append(poll, livetranscode.NotFoundGrace(0), livetranscode.TolerateErrors(1))
	}
	return poll
}

// follow records each event and passes the change to report, until ctx or all jobs have ended; with -once, until all
// jobs have been seen.
func (w *watch) follow(ctx context.Context, report func(change) error) error {
	for event, err := range w.events(ctx) {
		switch {
		case ctx.Err() != nil:
			return nil // the user ended the program
		case err != nil:
			return err
		}
		if err := report(w.state.apply(event)); err != nil {
			return err
		}
		if w.once && w.state.allSeen() {
			return nil
		}
	}
	return nil
}
