package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
)

const restartDelay = 30 * time.Second // before a watch that has ended restarts

// service watches the jobs of an account. The watch stores their states, and requests read them from the store.
type service struct {
	config
	client   *livetranscode.Client
	watcher  *livetranscode.Watcher
	store    *store
	log      *slog.Logger
	metrics  http.Handler
	requests atomic.Int64 // attempts, retries included
}

// newService returns a service that watches all jobs of the account, and resumes from those in the store.
func newService(ctx context.Context, c config, log *slog.Logger) (*service, error) {
	reader, metrics, err := prometheusReader()
	if err != nil {
		return nil, err
	}
	meters := livetranscodeotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	hooks, err := livetranscodeotel.Hooks(meters)
	if err != nil {
		return nil, err
	}
	s := &service{config: c, log: log, metrics: metrics}
	attempt := hooks.Attempt
	hooks.Attempt = func(ctx context.Context, start livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
		s.requests.Add(1)
		return attempt(ctx, start)
	}
	if s.client, err = c.newClient(ctx, livetranscode.WithHooks(hooks), livetranscode.WithLogger(log)); err != nil {
		return nil, err
	}
	if s.store, err = openStore(ctx, c.database); err != nil {
		return nil, err
	}
	s.watcher = s.client.NewWatcher(livetranscode.PollInterval(min(c.interval, 10*time.Second), c.interval))
	for _, v := range s.store.jobs {
		if v.Status != "lost" {
			// The URLs are not stored, so the first poll always yields an event; put ignores it if nothing has changed.
			s.watcher.Resume(&livetranscode.Job{JobID: v.ID, Name: v.Name, Status: v.Code, CreateTime: v.CreatedAt})
		}
	}
	s.watcher.AddAll(livetranscode.JobFilter{})
	_, err = livetranscodeotel.Watch(s.watcher, meters)
	return s, err
}

// prometheusReader returns a reader of metrics and the handler that serves them.
func prometheusReader() (sdkmetric.Reader, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	return reader, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), err
}

// watch keeps the store up to date until ctx ends. If the watcher stops, for example when credentials are revoked, it
// is restarted and continues where it stopped. An error means that a state could not be stored, and ends the process:
// only the watcher of the next process, which resumes from the stored states, delivers that state again.
func (s *service) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		for event, err := range s.watcher.Events(ctx) {
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				s.log.Error("watch ended", "error", err, "restart_in", restartDelay)
				break
			}
			v := newState(event.Job)
			if event.Kind == livetranscode.EventLost {
				s.log.Warn("job lost", "id", v.ID, "error", event.Err)
				v.Status, v.Error, v.Ended = "lost", livetranscode.ErrorKind(event.Err), true
			}
			if _, err := s.store.put(ctx, v, true); err != nil {
				return fmt.Errorf("storing the state of job %s: %w", v.ID, err)
			}
		}
		pause, cancel := context.WithTimeout(ctx, restartDelay)
		<-pause.Done()
		cancel()
	}
	return nil
}

// stale returns why the served states may be stale, or "". They are fresh if neither the oldest poll, which is never
// later than the last List, nor the oldest event that waits to be stored is older than three intervals and a sweep.
func (s *service) stale(stats livetranscode.WatcherStats) string {
	age, cause := time.Since(stats.OldestPoll), cmp.Or(livetranscode.ErrorKind(stats.Err), "a sweep is in progress")
	if !stats.OldestPending.IsZero() {
		age = max(age, time.Since(stats.OldestPending))
	}
	switch {
	case stats.LastComplete.IsZero():
		return "no sweep is complete yet: " + cause
	case age > 3*s.interval+10*time.Second:
		return fmt.Sprintf("last fully up to date %v ago: %s", age.Round(time.Second), cause)
	}
	return ""
}

// ensure submits the job that req describes, unless it exists, and returns its state and the response status. It
// stores the request first: whatever happens then, the next call knows that the job may exist, even if
// EnsureLiveTranscodeJob does not find it yet and would submit it again.
func (s *service) ensure(ctx context.Context, req *livetranscode.SubmitLiveTranscodeJobRequest) (v state, status int, err error) {
	text, _ := json.Marshal(req)                   // cannot fail: all fields can be encoded
	hash := fmt.Sprintf("%x", sha256.Sum256(text)) // the text contains stream keys
	if v, err = s.store.begin(ctx, req.Name, hash); err != nil || v.ID != "" {
		return v, http.StatusOK, err
	}
	resp, err := s.client.EnsureLiveTranscodeJob(ctx, req)
	switch {
	case errors.Is(err, livetranscode.ErrAmbiguous):
		err = fmt.Errorf("%w: send the request again in a few minutes", err)
	case err != nil || resp.Existing != nil: // nothing was submitted
		err = errors.Join(err, s.store.exec(ctx, "DELETE FROM submissions WHERE name = ?", req.Name))
	}
	if err != nil {
		return v, 0, err
	}
	v, status = newState(cmp.Or(resp.Existing, &livetranscode.Job{
		JobID: resp.JobID, Name: req.Name, Status: livetranscode.JobStatusUnknown, TemplateID: req.TemplateID, StreamInput: req.StreamInput,
	})), http.StatusOK
	if resp.Created {
		v.Status, status = "submitted", http.StatusCreated // until the watch has polled it
	}
	if v, err = s.store.put(ctx, v, false); err == nil {
		err = s.store.exec(ctx, "UPDATE submissions SET job = ? WHERE name = ?", v.ID, req.Name)
	}
	if !v.Ended {
		s.watcher.Add(v.ID) // AddAll would discover it, but later
	}
	return v, status, err
}
