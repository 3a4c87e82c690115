package main

import (
	"context"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/examples/internal/simulation"
)

// watch is a running watch of the real service's jobs or the emulator's, and the state that it keeps.
type watch struct {
	options
	state      *state
	watcher    *livetranscode.Watcher
	simulation *simulation.Simulation // nil for the real service
	saved      time.Time              // when the state file was last written
}

func newWatch(o options, s *state) (*watch, error) {
	w := &watch{options: o, state: s}
	var err error
	if o.useService() {
		err = w.useService()
	} else {
		w.useEmulator()
	}
	s.watcher = w.watcher
	return w, err
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
	w.watcher = client.NewWatcher(w.pollOptions()...)
	if err := w.resume(); err != nil {
		return err
	}
	w.watcher.Add(w.jobIDs...) // those that are not resumed
	if w.all {
		w.watcher.AddAll(livetranscode.JobFilter{})
	}
	return nil
}

func (w *watch) useEmulator() {
	w.state.title, w.state.first, w.state.keepEnded = "emulator", w.jobs, 20*time.Second
	if w.interval == 0 {
		w.interval = time.Second
	}
	w.simulation = simulation.New(w.seed, w.jobs)
	w.watcher = w.simulation.Server.Client(w.clientOptions()...).NewWatcher(w.pollOptions()...)
	w.watcher.Add(w.simulation.JobIDs()...)
}

func (w *watch) clientOptions() []livetranscode.Option {
	return []livetranscode.Option{
		livetranscode.WithLimiter(w.state),
		livetranscode.WithHooks(w.state.hooks()),
	}
}

func (w *watch) pollOptions() []livetranscode.PollOption {
	poll := []livetranscode.PollOption{
		livetranscode.PollInterval(w.interval, w.interval), // 0 means the defaults
	}
	if w.once { // a single sweep decides: a job that it does not find is gone, and a sweep that fails ends the watch
		poll = append(poll, livetranscode.NotFoundGrace(0), livetranscode.TolerateErrors(0))
	}
	return poll
}

// follow records each event and passes the change to report, until ctx or all jobs have ended; with -once, until all
// jobs have been seen.
func (w *watch) follow(ctx context.Context, report func(change) error) error {
	defer w.save()
	for event, err := range w.watcher.Events(ctx) {
		switch {
		case ctx.Err() != nil:
			return nil // the user ended the program
		case err != nil:
			return err
		}
		if err := report(w.state.apply(event)); err != nil {
			return err
		}
		if w.once && w.state.allSeen() || w.isOver() {
			return nil
		}
		if time.Since(w.saved) >= time.Second {
			w.save()
		}
	}
	return nil
}

// isOver reports whether nothing is left to watch: new jobs come only from the emulator, or with -all.
func (w *watch) isOver() bool {
	if w.all || w.simulation != nil && !w.once {
		return false
	}
	for range w.watcher.Jobs() {
		return false
	}
	return true
}
