package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

const (
	watchPause = 30 * time.Second // before a watch that has ended begins anew
	keepEnded  = time.Hour        // for how long a job that has ended is served
)

// A view is what is served of a job. The URLs of its streams hold keys, so they are not shown: of the input
// there is the host, of the outputs nothing.
type view struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Status    string    `json:"status"` // in words; "submitted" and "unknown" before the first look, "lost" with an error
	Template  string    `json:"template,omitempty"`
	InputHost string    `json:"input_host,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ChangedAt time.Time `json:"changed_at"` // when the change was seen
	Error     string    `json:"error,omitempty"`

	version int64 // grows with every change of any job
	ended   bool
}

// A service keeps the state of the jobs. The watch writes it, requests read it.
type service struct {
	client  *livetranscode.Client
	watcher *livetranscode.Watcher
	file    string
	log     *slog.Logger

	mu       sync.Mutex
	views    map[string]view
	version  int64         // of the latest change
	changed  chan struct{} // closed by the next change
	lookedAt time.Time     // when the watch had its last answer
	watchErr error         // why the watch ended; nil again after an answer

	saving sync.Mutex // held while the file is written
}

// newService returns a service of the jobs in the file.
func newService(client *livetranscode.Client, file string, log *slog.Logger) (*service, error) {
	s := &service{
		client: client, file: file, log: log, views: make(map[string]view), changed: make(chan struct{}),
		// Versions are the ids of events, and a reader may come back with one from before a restart.
		version: time.Now().UnixMicro(),
	}
	s.watcher = client.NewWatcher(livetranscode.OnPoll(func(*livetranscode.Job) { s.answered() }))
	ids, err := load(file)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		s.put(view{ID: id, Status: "unknown"})
	}
	s.watcher.Add(ids...)
	return s, nil
}

// watch keeps the state fresh until ctx ends. What ends a watch, such as refused credentials, may be mended
// outside: then the next one goes on where it stopped.
func (s *service) watch(ctx context.Context) {
	for ctx.Err() == nil {
		for event, err := range s.watcher.Events(ctx) {
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				s.log.Error("the watch has ended", "error", err, "pause", watchPause)
				s.mu.Lock()
				s.watchErr = err
				s.mu.Unlock()
			default:
				s.apply(event)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
}

// answered notes that the watch works.
func (s *service) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookedAt, s.watchErr = time.Now(), nil
}

// apply takes in what the watch has seen.
func (s *service) apply(event livetranscode.JobEvent) {
	s.answered()
	v, _ := s.get(event.JobID)
	v.ID = event.JobID
	if job := event.Job; event.Err == nil {
		v.Name, v.Status, v.CreatedAt = job.Name, job.Status.String(), job.CreateTime
		v.Template = cmp.Or(job.TemplateName, job.TemplateID)
		v.ended = job.Status == livetranscode.JobStatusStopped
		if input, err := url.Parse(job.StreamInput.InputURL); err == nil {
			v.InputHost = input.Host
		}
	} else {
		v.Status, v.Error, v.ended = "lost", event.Err.Error(), true
	}
	s.put(v)
	s.log.Info("job", "id", v.ID, "name", v.Name, "status", v.Status)
	if v.ended {
		s.saveOrLog()
	}
}

// put sets the state of a job, and wakes who waits for changes. It forgets the jobs that ended long ago.
func (s *service) put(v view) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	v.version, v.ChangedAt = s.version, time.Now().UTC()
	s.views[v.ID] = v
	maps.DeleteFunc(s.views, func(_ string, v view) bool { return v.ended && time.Since(v.ChangedAt) > keepEnded })
	close(s.changed)
	s.changed = make(chan struct{})
	return v
}

// get returns the state of a job.
func (s *service) get(id string) (view, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[id]
	return v, ok
}

// list returns the jobs that changed after a version, in the order of their changes.
func (s *service) list(after int64) []view {
	views, _ := s.changes(after)
	return views
}

// changes is list, with a channel that the next change closes.
func (s *service) changes(after int64) ([]view, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	views := []view{} // in JSON not null
	for _, v := range s.views {
		if v.version > after {
			views = append(views, v)
		}
	}
	slices.SortFunc(views, func(a, b view) int { return cmp.Compare(a.version, b.version) })
	return views, s.changed
}

// submit starts a job, and keeps and watches it.
func (s *service) submit(ctx context.Context, req *livetranscode.SubmitLiveTranscodeJobRequest) (view, error) {
	resp, err := s.client.SubmitLiveTranscodeJob(ctx, req)
	if err != nil {
		s.log.Error("submit", "name", req.Name, "error", err, "ambiguous", errors.Is(err, livetranscode.ErrAmbiguous))
		return view{}, err
	}
	v := s.put(view{ID: resp.JobID, Name: req.Name, Status: "submitted"})
	s.saveOrLog()
	s.watcher.Add(v.ID)
	return v, nil
}
