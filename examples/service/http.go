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
	maxBody       = 64 << 10
	streamSilence = 15 * time.Second // then a comment is sent, so that proxies keep a stream open
	streamLimit   = 10 * time.Second // for a reader to take what is sent
)

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", s.postJob)
	mux.HandleFunc("GET /jobs", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"jobs": s.list(0)})
	})
	mux.HandleFunc("GET /jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		if v, ok := s.get(r.PathValue("id")); ok {
			answer(w, http.StatusOK, v)
		} else {
			refuse(w, http.StatusNotFound, "no such job, or it ended long ago")
		}
	})
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", s.healthz)
	return http.NewCrossOriginProtection().Handler(mux) // no page of another site may submit jobs
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
		refuse(w, http.StatusRequestEntityTooLarge, err.Error())
		return
	} else if err != nil {
		refuse(w, http.StatusBadRequest, "the body is not as it should be: "+err.Error())
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
	// A caller that hangs up must not leave a job behind that nobody knows of.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), submitLimit)
	defer cancel()
	v, err := s.submit(ctx, req)
	if err != nil {
		refuseSubmit(w, err)
		return
	}
	w.Header().Set("Location", "/jobs/"+v.ID)
	answer(w, http.StatusCreated, v)
}

// refuseSubmit tells why there is no job, or why there may be one. The library's errors hold no secret.
func refuseSubmit(w http.ResponseWriter, err error) {
	var api *livetranscode.APIError
	switch {
	case errors.Is(err, livetranscode.ErrAmbiguous):
		status := http.StatusBadGateway
		if errors.Is(err, context.DeadlineExceeded) {
			status = http.StatusGatewayTimeout
		}
		refuse(w, status, "the job may have been started: look for its name before another try: "+err.Error())
	case errors.Is(err, livetranscode.ErrInvalidRequest), errors.Is(err, livetranscode.ErrNotFound):
		refuse(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, livetranscode.ErrThrottled), errors.Is(err, livetranscode.ErrUnavailable):
		if errors.As(err, &api) && api.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(api.RetryAfter/time.Second)+1))
		}
		refuse(w, http.StatusServiceUnavailable, err.Error())
	default:
		refuse(w, http.StatusBadGateway, err.Error())
	}
}

// events sends the jobs as they are, or as they changed after the event that the reader names, and then every
// change. Nothing is queued: a reader that is slow gets the latest state of each job, and one that hangs is cut
// off.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	// When the service ends it does not wait for readers that hang.
	defer context.AfterFunc(r.Context(), func() { _ = stream.SetWriteDeadline(time.Now()) })()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	last, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	for {
		views, changed := s.changes(last)
		if err := stream.SetWriteDeadline(time.Now().Add(streamLimit)); err != nil || r.Context().Err() != nil {
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
		case <-time.After(streamSilence):
			fmt.Fprint(w, ": still here\n\n")
		}
	}
}

func (s *service) healthz(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	lookedAt, watchErr := s.lookedAt, s.watchErr
	s.mu.Unlock()
	health := struct {
		Status   string    `json:"status"`
		LookedAt time.Time `json:"looked_at,omitzero"` // when the watch had its last answer
		Error    string    `json:"error,omitempty"`
	}{"ok", lookedAt.UTC(), ""}
	if watchErr != nil {
		health.Status, health.Error = "the watch has ended and will begin anew", watchErr.Error()
		answer(w, http.StatusServiceUnavailable, health)
		return
	}
	answer(w, http.StatusOK, health)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader may be gone
}

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, map[string]string{"error": why})
}
