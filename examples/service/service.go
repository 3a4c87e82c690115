package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
)

const restartDelay = 30 * time.Second // before a watch that has ended restarts

// service watches the jobs of an account. The watch stores their states, and requests read them from the store.
type service struct {
	config
	client    *livetranscode.Client
	watcher   *livetranscode.Watcher
	telemetry *telemetry
	store     *store
	log       *slog.Logger
	ensuring  singleflight.Group
	streams   atomic.Int32 // of events, now open
}

// newService returns a service that watches all jobs of the account, and resumes from those in the store.
func newService(c config, client *livetranscode.Client, t *telemetry, st *store, log *slog.Logger) (*service, error) {
	s := &service{config: c, client: client, telemetry: t, store: st, log: log}
	s.watcher = client.NewWatcher(livetranscode.PollInterval(min(c.interval, 10*time.Second), c.interval))
	if _, err := livetranscodeotel.Watch(s.watcher, t.options...); err != nil {
		return nil, err
	}
	stored, err := st.jobs(context.Background(), 0)
	for _, v := range stored {
		if !v.Ended {
			s.watcher.Resume(v.job())
		}
	}
	s.watcher.AddAll(livetranscode.JobFilter{})
	return s, err
}

// watch keeps the store up to date until ctx ends. A watch that ends, for example because the credentials were revoked,
// restarts and continues where it ended, since the cause may be repaired while the service runs. An error means that a
// state could not be stored. It ends the process: the watch does not deliver the state again, but the next process
// does, because it resumes without it.
func (s *service) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		for event, err := range s.watcher.Events(ctx) {
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				s.log.Error("watch ended", "error", err, "restart_in", restartDelay)
				continue
			}
			v := newView(event.Job)
			if event.Kind == livetranscode.EventLost {
				v.Status, v.Error, v.Ended = "lost", public(event.Err).Error(), true
			}
			if _, err := s.store.put(v, true); err != nil {
				return fmt.Errorf("storing the state of job %s: %w", v.ID, err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartDelay):
		}
	}
	return nil
}

// ready returns why the served states may be stale, or nil. The oldest poll, which is not later than the last List, and
// the oldest event that is not stored yet may be as old as three of the longest intervals and a sweep.
func (s *service) ready(stats livetranscode.WatcherStats) error {
	oldest := stats.OldestPoll
	if pending := stats.OldestPending; !pending.IsZero() && pending.Before(oldest) {
		oldest = pending
	}
	cause := cmp.Or(public(stats.Err), errors.New("the sweep has not ended"))
	if stats.LastComplete.IsZero() {
		return fmt.Errorf("no sweep is complete yet: %w", cause)
	}
	if age := time.Since(oldest); age > 3*s.interval+10*time.Second {
		return fmt.Errorf("all jobs were last read and stored %v ago: %w", age.Round(time.Second), cause)
	}
	return nil
}

// ensure returns the job that a request describes, and whether this call submitted it. Of concurrent calls for the same
// request, only the first one sends requests, and the others get its result.
func (s *service) ensure(ctx context.Context, req *livetranscode.SubmitLiveTranscodeJobRequest) (v view, created bool, err error) {
	sum := s.store.sum(req)
	job, err, _ := s.ensuring.Do(sum, func() (_ any, err error) {
		v, created, err = s.ensureOne(ctx, req, sum)
		return v, err
	})
	return job.(view), created, err
}

// ensureOne submits a job only after it has stored that it will: whatever happens then, the next call knows that the
// job may exist, although EnsureLiveTranscodeJob does not find it and would submit it again.
func (s *service) ensureOne(ctx context.Context, req *livetranscode.SubmitLiveTranscodeJobRequest, sum string) (v view, created bool, err error) {
	known, first, err := s.store.begin(ctx, req.Name, sum)
	switch {
	case err != nil || known.ID != "":
		return known, false, err
	case !first: // an earlier call has no result, or the process ended before it was stored
		if _, err = s.client.FindLiveTranscodeJob(ctx, req.Name); errors.Is(err, livetranscode.ErrNotFound) {
			return v, false, errUnsettled
		} else if err != nil {
			return v, false, err
		}
	}
	resp, err := s.client.EnsureLiveTranscodeJob(ctx, req)
	if err != nil {
		if first && !errors.Is(err, livetranscode.ErrAmbiguous) { // it was not submitted
			err = errors.Join(err, s.store.forget(req.Name))
		}
		return v, false, err
	}
	v = newView(&livetranscode.Job{
		JobID: resp.JobID, Name: req.Name, TemplateID: req.TemplateID, StreamInput: req.StreamInput, Status: livetranscode.JobStatusUnknown,
	})
	v.Status = "submitted" // until the watch has polled it
	if resp.Existing != nil {
		v = newView(resp.Existing)
	}
	stored, err := s.store.put(v, false)
	if err != nil { // the job exists all the same, and the watch discovers it
		s.log.Error("storing a new job failed", "id", v.ID, "error", err)
		stored = v
	}
	if !stored.Ended {
		s.watcher.Add(v.ID) // AddAll would discover it, but later
	}
	return stored, resp.Created, nil
}
