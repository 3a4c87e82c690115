package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

const (
	maxBody            = 64 << 10
	streamKeepAlive    = 15 * time.Second // a comment after this much silence keeps proxies from closing a stream
	streamWriteTimeout = 10 * time.Second // for one write to a stream
)

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", s.postJob)
	mux.HandleFunc("GET /jobs", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]any{"jobs": s.list(0)})
	})
	mux.HandleFunc("GET /jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		if v, ok := s.get(r.PathValue("id")); ok {
			respond(w, http.StatusOK, v)
		} else {
			respondError(w, http.StatusNotFound, "no such job, or it ended more than an hour ago")
		}
	})
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics)
	return http.NewCrossOriginProtection().Handler(mux) // pages of other sites must not submit jobs
}

func (s *service) postJob(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name       string    `json:"name"`
		TemplateID string    `json:"template_id"`
		InputURL   string    `json:"input_url"`
		Domain     string    `json:"domain"`
		Start      time.Time `json:"start"`
		End        time.Time `json:"end"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	var tooLarge *http.MaxBytesError
	if err := decoder.Decode(&body); errors.As(err, &tooLarge) {
		respondError(w, http.StatusRequestEntityTooLarge, err.Error())
		return
	} else if err != nil {
		respondError(w, http.StatusBadRequest, "invalid body: "+err.Error())
		return
	}
	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            body.Name,
		TemplateID:      body.TemplateID,
		StreamInput:     livetranscode.StreamInput{InputURL: body.InputURL},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: body.Domain},
	}
	if !body.Start.IsZero() || !body.End.IsZero() {
		req.StartMode = livetranscode.StartModeTimed
		req.TimedConfig = &livetranscode.TimedConfig{StartTime: body.Start, EndTime: body.End}
	}
	// A client that disconnects must not leave behind a job that the service does not know.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), submitTimeout)
	defer cancel()
	v, err := s.submit(ctx, req)
	if err != nil {
		respondSubmitError(w, err)
		return
	}
	w.Header().Set("Location", "/jobs/"+v.ID)
	respond(w, http.StatusCreated, v)
}

// respondSubmitError responds to a failed submit. The library's errors hold no secrets.
func respondSubmitError(w http.ResponseWriter, err error) {
	var api *livetranscode.APIError
	switch {
	case errors.Is(err, livetranscode.ErrAmbiguous):
		status := http.StatusBadGateway
		if errors.Is(err, context.DeadlineExceeded) {
			status = http.StatusGatewayTimeout
		}
		respondError(w, status, "the job may have been started, check by name before retrying: "+err.Error())
	case errors.Is(err, livetranscode.ErrInvalidRequest), errors.Is(err, livetranscode.ErrNotFound):
		respondError(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, livetranscode.ErrThrottled), errors.Is(err, livetranscode.ErrUnavailable):
		if errors.As(err, &api) && api.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(api.RetryAfter/time.Second)+1))
		}
		respondError(w, http.StatusServiceUnavailable, err.Error())
	default:
		respondError(w, http.StatusBadGateway, err.Error())
	}
}

// events sends the state of all jobs, or of those that changed since the client's Last-Event-ID, and then every
// change. Nothing is queued: a slow client gets the latest state of each job, and a stalled one is disconnected.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	// A shutdown does not wait for stalled clients.
	defer context.AfterFunc(r.Context(), func() { _ = stream.SetWriteDeadline(time.Now()) })()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	last, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	for {
		views, changed := s.changes(last)
		if err := stream.SetWriteDeadline(time.Now().Add(streamWriteTimeout)); err != nil || r.Context().Err() != nil {
			return
		}
		for _, v := range views {
			text, err := json.Marshal(v)
			if err == nil {
				_, err = fmt.Fprintf(w, "id: %d\nevent: job\ndata: %s\n\n", v.version, text)
			}
			if err != nil {
				return
			}
			last = v.version
		}
		if stream.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-time.After(streamKeepAlive):
			fmt.Fprint(w, ": keep-alive\n\n")
		}
	}
}

// healthz fails if the watch does not run, which only a restart of the process can help.
func (s *service) healthz(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	watching := s.watching
	s.mu.Unlock()
	if !watching {
		respondError(w, http.StatusServiceUnavailable, "the watch does not run")
		return
	}
	respond(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz fails, with the reason, while the state that is served may be out of date.
func (s *service) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.ready(); err != nil {
		respondError(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	respond(w, http.StatusOK, map[string]any{"status": "ready", "oldest_poll": s.watcher.Stats().OldestPoll.UTC()})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

func respondError(w http.ResponseWriter, status int, message string) {
	respond(w, status, map[string]string{"error": message})
}
