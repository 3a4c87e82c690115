package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json" // refuses duplicate fields and trailing data

	"github.com/livetranscode/livetranscode-go"
)

const (
	maxBody        = 64 << 10
	callTimeout    = 25 * time.Second      // for a call to the service, retries included
	streamInterval = 2 * time.Second       // the longest time between two events of a stream
	streamPause    = 50 * time.Millisecond // the shortest
)

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("POST /jobs", s.authorized(s.postJob))
	mux.HandleFunc("DELETE /jobs/{id}", s.authorized(s.deleteJob))
	mux.HandleFunc("GET /jobs", s.getJobs)
	mux.HandleFunc("GET /jobs/{id}", s.getJob)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"}) // the process ends if a state cannot be stored
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics)
	// Pages of other sites must not submit jobs through the browser of somebody who can reach the service.
	return s.ownHost(http.NewCrossOriginProtection().Handler(mux))
}

// ownHost refuses requests for other hosts if the service listens on a loopback address. They come from a proxy, or from
// a page of another site whose name resolves to that address (DNS rebinding).
func (s *service) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		host := (&url.URL{Host: r.Host}).Hostname()
		if ip, _ := netip.ParseAddr(host); s.local && host != "localhost" && !ip.IsLoopback() {
			http.Error(w, "on a loopback address this service accepts only requests for localhost", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// authorized requires the token, if one is configured. The context of next is not canceled with the request: a client
// that disconnects must not leave behind a job that the service does not know about.
func (s *service) authorized(next http.HandlerFunc) http.HandlerFunc {
	want := []byte("Bearer " + s.token)
	return func(w http.ResponseWriter, r *http.Request) {
		if s.token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) == 0 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeJSON(w, http.StatusUnauthorized, errors.New("the Authorization header must be Bearer TOKEN"))
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
		defer cancel()
		next(w, r.WithContext(ctx))
	}
}

// writeJSON sends a response. An error is sent as its text, which has no secrets but those of the sender.
func writeJSON(w http.ResponseWriter, status int, body any) {
	if err, ok := body.(error); ok {
		body = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// statuses maps error kinds to response statuses. Any other kind is 502.
var statuses = map[string]int{
	"invalid_request": http.StatusBadRequest, "not_found": http.StatusNotFound, "name_conflict": http.StatusConflict,
	"throttled": http.StatusServiceUnavailable, "unavailable": http.StatusServiceUnavailable,
	"deadline_exceeded": http.StatusGatewayTimeout, "ambiguous": http.StatusGatewayTimeout,
	"other": http.StatusInternalServerError, // a database error
}

// writeError responds with err, and logs it unless the caller caused it.
func (s *service) writeError(w http.ResponseWriter, err error) {
	kind := livetranscode.ErrorKind(err)
	status := cmp.Or(statuses[kind], http.StatusBadGateway)
	if status >= http.StatusInternalServerError {
		s.log.Error("request failed", "error", err, "kind", kind)
	}
	writeJSON(w, status, err)
}

func (s *service) postJob(w http.ResponseWriter, r *http.Request) {
	req := new(livetranscode.SubmitLiveTranscodeJobRequest)
	err := jsonv2.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), req,
		jsonv2.RejectUnknownMembers(true), jsonv2.MatchCaseInsensitiveNames(true))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, fmt.Errorf("invalid body: %w", err))
		return
	}
	job, status, err := s.ensure(r.Context(), req)
	if err != nil {
		s.writeError(w, err)
		return
	}
	w.Header().Set("Location", "/jobs/"+url.PathEscape(job.ID))
	writeJSON(w, status, job)
}

// deleteJob stops a job. The watch reports when it has stopped.
func (s *service) deleteJob(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, err := s.client.SendLiveTranscodeJobCommand(r.Context(), id, livetranscode.JobCommandStop); err != nil {
		s.writeError(w, err)
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]string{"id": id, "status": "stopping"})
}

func (s *service) getJobs(w http.ResponseWriter, _ *http.Request) {
	jobs, _ := s.store.since(0)
	writeJSON(w, http.StatusOK, map[string]any{"jobs": jobs})
}

func (s *service) getJob(w http.ResponseWriter, r *http.Request) {
	switch job, err := s.store.job(r.Context(), r.PathValue("id")); {
	case err != nil:
		s.writeError(w, err)
	case job.ID == "":
		writeJSON(w, http.StatusNotFound, errors.New("no such job"))
	default:
		writeJSON(w, http.StatusOK, job)
	}
}

// readyz fails, with the reason, while the served states may be stale.
func (s *service) readyz(w http.ResponseWriter, _ *http.Request) {
	stats, status := s.watcher.Stats(), http.StatusOK
	reason := s.stale(stats)
	if reason != "" {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, map[string]any{"stale": reason, "last_sweep": stats.LastSweep, "oldest_poll": stats.OldestPoll})
}

// events sends all jobs, and then the changed ones: after every change, and at least every two seconds. Nothing is
// queued: a slow client gets the latest state of each job, and a stalled one is disconnected.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	// A shutdown does not wait for stalled clients.
	defer context.AfterFunc(r.Context(), func() { _ = stream.SetWriteDeadline(time.Now()) })()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	for version, all := int64(0), true; ; all = false {
		jobs, changed := s.store.since(version)
		if len(jobs) > 0 {
			version = jobs[len(jobs)-1].Version
		}
		stats := s.watcher.Stats()
		text, _ := json.Marshal(map[string]any{ // cannot fail: all values can be encoded
			"jobs": jobs, "all": all, "now": time.Now(), "source": s.source, "stale": s.stale(stats),
			"last_sweep": stats.LastSweep, "oldest_poll": stats.OldestPoll, "requests": s.requests.Load(),
		})
		if stream.SetWriteDeadline(time.Now().Add(callTimeout)) != nil || r.Context().Err() != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", text); err != nil || stream.Flush() != nil {
			return
		}
		next := time.After(streamInterval)
		time.Sleep(streamPause)
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-next:
		}
	}
}

//go:embed wall.html
var page string

// servePage serves the page. The policy allows its style, script and icon, connections to this service, and no more.
func servePage(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	w.Header().Set("Content-Security-Policy", strings.ReplaceAll("default-src 'none'; style-src 'nonce-NONCE'; "+
		"script-src 'nonce-NONCE'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "+
		"frame-ancestors 'none'; require-trusted-types-for 'script'", "NONCE", nonce))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, strings.ReplaceAll(page, "NONCE", nonce))
}
