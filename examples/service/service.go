package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodeotel"
)

const (
	restartDelay    = 30 * time.Second // before a watch that has ended restarts
	longestInterval = 30 * time.Second // between two sweeps
	keepEnded       = time.Hour        // how long an ended job is served
)

// view is the state of a job as it is served. The URLs of its streams hold keys, so they are not shown: of the input
// only the host, of the outputs nothing.
type view struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Status    string    `json:"status"` // in words; "submitted" or "unknown" before the first poll, "lost" with an error
	Template  string    `json:"template,omitempty"`
	InputHost string    `json:"input_host,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ChangedAt time.Time `json:"changed_at"` // when the change was seen
	Error     string    `json:"error,omitempty"`

	version int64 // increases with every change of any job
	ended   bool
}

// service keeps the state of the jobs. The watch writes it, requests read it.
type service struct {
	client  *livetranscode.Client
	watcher *livetranscode.Watcher
	metrics http.Handler
	file    string
	log     *slog.Logger

	mu       sync.Mutex
	views    map[string]view
	version  int64         // of the latest change
	changed  chan struct{} // closed on the next change
	watching bool          // the watch runs, or is about to restart
	watchErr error         // what ended the watch; nil again after an event

	saving sync.Mutex // held while the file is written
	saved  int64      // the version in the file
}

// newService returns a service that watches all jobs of the account, and resumes from the jobs in file.
func newService(client *livetranscode.Client, t *telemetry, file string, log *slog.Logger) (*service, error) {
	s := &service{
		client: client, metrics: t.handler, file: file, log: log, views: make(map[string]view), changed: make(chan struct{}),
		// Versions are event ids, which clients send again after a restart.
		version: time.Now().UnixMicro(),
	}
	s.watcher = client.NewWatcher(livetranscode.PollInterval(0, longestInterval))
	if _, err := livetranscodeotel.Watch(s.watcher, t.options...); err != nil {
		return nil, err
	}
	known, err := load(file)
	if err != nil {
		return nil, err
	}
	for _, watched := range known {
		s.put(newView(watched.Job))
		s.watcher.Resume(watched.Job)
	}
	s.watcher.AddAll(livetranscode.JobFilter{})
	return s, nil
}

// watch keeps the state up to date until ctx ends. What ends a watch, such as revoked credentials, may be repaired
// while the service runs, so the watch restarts and continues where it stopped.
func (s *service) watch(ctx context.Context) {
	s.setWatching(true)
	defer s.setWatching(false)
	for ctx.Err() == nil {
		for event, err := range s.watcher.Events(ctx) {
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				s.log.Error("watch ended", "error", err, "restart_in", restartDelay)
				s.mu.Lock()
				s.watchErr = err
				s.mu.Unlock()
			default:
				s.apply(event)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartDelay):
		}
	}
}

func (s *service) setWatching(watching bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watching = watching
}

// apply records an event.
func (s *service) apply(event livetranscode.JobEvent) {
	v := newView(event.Job)
	switch event.Kind {
	case livetranscode.EventFirstSeen, livetranscode.EventChanged:
	case livetranscode.EventStopped:
		v.ended = true
	case livetranscode.EventLost:
		v.Status, v.Error, v.ended = "lost", event.Err.Error(), true
	}
	s.put(v)
	s.mu.Lock()
	s.watchErr = nil
	s.mu.Unlock()
	s.log.Info("job", "id", v.ID, "name", v.Name, "status", v.Status)
}

// newView returns what is served of a job.
func newView(job *livetranscode.Job) view {
	v := view{
		ID: job.JobID, Name: job.Name, Status: job.Status.String(), CreatedAt: job.CreateTime,
		Template: cmp.Or(job.TemplateName, job.TemplateID),
	}
	if input, err := url.Parse(job.StreamInput.InputURL); err == nil {
		v.InputHost = input.Host
	}
	return v
}

// notReadyAfter is how old the oldest poll of a job may be: three of the longest intervals, and a sweep.
const notReadyAfter = 3*longestInterval + 10*time.Second

// ready returns why the state that is served may be out of date; nil if it is not.
func (s *service) ready() error {
	stats := s.watcher.Stats()
	age := time.Since(stats.OldestPoll).Round(time.Second)
	if age <= notReadyAfter {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("a job was last polled %v ago: %w", age, cmp.Or(s.watchErr, stats.Err, errSlow))
}

var errSlow = errors.New("the sweeps take long")

// put sets the state of a job and wakes the event streams. It drops jobs that ended more than keepEnded ago.
func (s *service) put(v view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(v)
}

// putNew is put of a job that the watch has not found yet; of one that it has, it returns the state.
func (s *service) putNew(v view) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.views[v.ID]; ok {
		return known
	}
	return s.putLocked(v)
}

func (s *service) putLocked(v view) view {
	s.version++
	v.version, v.ChangedAt = s.version, time.Now().UTC()
	s.views[v.ID] = v
	maps.DeleteFunc(s.views, func(_ string, v view) bool { return v.ended && time.Since(v.ChangedAt) > keepEnded })
	close(s.changed)
	s.changed = make(chan struct{})
	return v
}

// get returns the state of a job and whether there is one.
func (s *service) get(id string) (view, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[id]
	return v, ok
}

// list returns the jobs that changed after a version, in order of change.
func (s *service) list(after int64) []view {
	views, _ := s.changes(after)
	return views
}

// changes is list, and returns a channel that is closed on the next change.
func (s *service) changes(after int64) ([]view, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	views := []view{} // not null in JSON
	for _, v := range s.views {
		if v.version > after {
			views = append(views, v)
		}
	}
	slices.SortFunc(views, func(a, b view) int { return cmp.Compare(a.version, b.version) })
	return views, s.changed
}

// submit submits a job, saves its id and watches it.
func (s *service) submit(ctx context.Context, req *livetranscode.SubmitLiveTranscodeJobRequest) (view, error) {
	resp, err := s.client.SubmitLiveTranscodeJob(ctx, req)
	if err != nil {
		s.log.Error("submit failed", "name", req.Name, "error", err, "ambiguous", errors.Is(err, livetranscode.ErrAmbiguous))
		return view{}, err
	}
	v := s.putNew(view{ID: resp.JobID, Name: req.Name, Status: "submitted"})
	s.watcher.Add(v.ID) // AddAll finds it too, but later
	s.saveOrLog()
	return v, nil
}
