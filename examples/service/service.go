package main

import (
	"cmp"
	"context"
	"crypto/sha256"
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
	streams   atomic.Int32 // open streams of events
}

// newService returns a service that watches all jobs of the account, and resumes from those in the store.
func newService(c config, client *livetranscode.Client, t *telemetry, st *store, log *slog.Logger) (*service, error) {
	s := &service{config: c, client: client, telemetry: t, store: st, log: log}
	s.watcher = client.NewWatcher(livetranscode.PollInterval(min(c.interval, 10*time.Second), c.interval))
	for _, v := range st.jobs {
		if !v.Ended {
			s.watcher.Resume(v.job())
		}
	}
	s.watcher.AddAll(livetranscode.JobFilter{})
	_, err := livetranscodeotel.Watch(s.watcher, t.options...)
	return s, err
}

// watch keeps the store up to date until ctx ends. A watch that ends, for example because the credentials were revoked,
// restarts and continues where it ended, since the cause may be repaired while the service runs. An error means that a
// state could not be stored, and ends the process: the watch does not deliver that state again, but the watch of the
// next process does, because it resumes from the stored states.
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
				v.Status, v.Error, v.Ended = "lost", publicError(event.Err).Error(), true
			}
			if _, err := s.store.put(ctx, v, true); err != nil {
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

// stale returns why the served states may be stale, or "". They are fresh if neither the oldest poll, which is never
// later than the last List, nor the oldest event that is not stored yet is older than three intervals and a sweep.
func (s *service) stale(stats livetranscode.WatcherStats) string {
	oldest := stats.OldestPoll
	if pending := stats.OldestPending; !pending.IsZero() && pending.Before(oldest) {
		oldest = pending
	}
	cause := cmp.Or(publicError(stats.Err), errors.New("the sweep has not ended"))
	switch age := time.Since(oldest); {
	case stats.LastComplete.IsZero():
		return fmt.Sprintf("no sweep is complete yet: %v", cause)
	case age > 3*s.interval+10*time.Second:
		return fmt.Sprintf("all jobs were last read and stored %v ago: %v", age.Round(time.Second), cause)
	}
	return ""
}

// submission is the body of a POST.
type submission struct {
	Name       string    `json:"name"`
	TemplateID string    `json:"template_id"`
	InputURL   string    `json:"input_url"`
	Domain     string    `json:"domain"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
}

// hash identifies a submission. It is stored instead of the input, which contains stream keys.
func (s submission) hash() string {
	texts := []string{s.Name, s.TemplateID, s.InputURL, s.Domain}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q %d %d", texts, s.Start.Unix(), s.End.Unix())))
}

func (s submission) request() *livetranscode.SubmitLiveTranscodeJobRequest {
	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: s.Name, TemplateID: s.TemplateID,
		StreamInput:     livetranscode.StreamInput{InputURL: s.InputURL},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: s.Domain},
	}
	if !s.Start.IsZero() || !s.End.IsZero() {
		req.StartMode = livetranscode.StartModeTimed
		req.TimedConfig = &livetranscode.TimedConfig{StartTime: s.Start, EndTime: s.End}
	}
	return req
}

// ensure returns the job that a submission describes, and whether this call submitted it. Of concurrent calls with the
// same submission, only the first sends requests, and the others get its result.
func (s *service) ensure(ctx context.Context, sub submission) (v view, created bool, err error) {
	job, err, _ := s.ensuring.Do(sub.hash(), func() (_ any, err error) {
		v, created, err = s.ensureOne(ctx, sub)
		return v, err
	})
	return job.(view), created, err
}

// ensureOne stores the request before it submits the job: whatever happens then, the next call knows that the job may
// exist, even if EnsureLiveTranscodeJob does not find it yet and would submit it again.
func (s *service) ensureOne(ctx context.Context, sub submission) (v view, created bool, err error) {
	if v, err = s.store.begin(ctx, sub.Name, sub.hash()); err != nil || v.ID != "" {
		return v, false, err
	}
	req := sub.request()
	resp, err := s.client.EnsureLiveTranscodeJob(ctx, req)
	switch {
	case errors.Is(err, livetranscode.ErrAmbiguous):
		return v, false, fmt.Errorf("%w: %w", errUnsettled, err)
	case err != nil: // it was not submitted
		return v, false, errors.Join(err, s.store.forget(ctx, sub.Name))
	case resp.Existing != nil:
		v = newView(resp.Existing)
	default:
		v = newView(&livetranscode.Job{JobID: resp.JobID, Name: req.Name, TemplateID: req.TemplateID, StreamInput: req.StreamInput})
		v.Status, v.Code = "submitted", livetranscode.JobStatusUnknown // until the watch has polled it
	}
	stored, err := s.store.put(ctx, v, false)
	if err = errors.Join(err, s.store.settle(ctx, sub.Name, v.ID)); err != nil { // the job exists all the same, and the watch discovers it
		s.log.Error("storing a new job failed", "id", v.ID, "error", err)
		stored = v
	}
	if !stored.Ended {
		s.watcher.Add(v.ID) // AddAll would discover it, but later
	}
	return stored, resp.Created, nil
}
