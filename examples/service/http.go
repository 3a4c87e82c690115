package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

const (
	maxBody            = 64 << 10
	callTimeout        = 25 * time.Second // for a call to the service, retries included
	maxStreams         = 200
	streamInterval     = 2 * time.Second       // between two updates, at most
	streamPause        = 50 * time.Millisecond // between two updates, at least
	streamWriteTimeout = 10 * time.Second
)

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("POST /jobs", s.authorized(s.postJob))
	mux.HandleFunc("DELETE /jobs/{id}", s.authorized(s.deleteJob))
	mux.HandleFunc("GET /jobs", handle(s.getJobs))
	mux.HandleFunc("GET /jobs/{id}", handle(s.getJob))
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", handle(func(http.Header, *http.Request) (int, any) {
		return http.StatusOK, map[string]string{"status": "ok"} // the process ends if the watch fails
	}))
	mux.HandleFunc("GET /readyz", handle(s.readyz))
	mux.Handle("GET /metrics", s.telemetry.handler)
	// Pages of other sites must not submit jobs through the browser of somebody who can reach the service.
	return s.ownHost(http.NewCrossOriginProtection().Handler(mux))
}

// handle returns a handler that responds with the status and the body that f returns. The body may be an error: those
// of the library contain no secrets.
func handle(f func(http.Header, *http.Request) (status int, body any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body := f(w.Header(), r)
		if err, ok := body.(error); ok {
			body = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // the client may be gone
	}
}

// authorized is like handle, but requires the token, if one is configured. The context of f is not canceled with the
// request: a client that disconnects must not leave behind a job that the service does not know.
func (s *service) authorized(f func(http.Header, *http.Request) (status int, body any)) http.HandlerFunc {
	want := sha256.Sum256([]byte(s.token)) // the comparison takes the same time for any length
	return handle(func(header http.Header, r *http.Request) (int, any) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
		if s.token != "" && (!strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) == 0) {
			header.Set("WWW-Authenticate", "Bearer")
			return http.StatusUnauthorized, errors.New("the Authorization header must be Bearer and the token")
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
		defer cancel()
		return f(header, r.WithContext(ctx))
	})
}

// ownHost refuses requests for other hosts than this machine if the service listens on a loopback address. Such a
// request comes from a page of another site whose name resolves to that address, or through a proxy.
func (s *service) ownHost(next http.Handler) http.Handler {
	address, _ := netip.ParseAddrPort(s.address)
	local := s.token == "" || address.Addr().IsLoopback()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		host := (&url.URL{Host: r.Host}).Hostname()
		if ip, _ := netip.ParseAddr(host); local && host != "localhost" && !ip.IsLoopback() {
			http.Error(w, "on a loopback address this service accepts only requests for localhost", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *service) postJob(header http.Header, r *http.Request) (status int, body any) {
	var job struct {
		Name       string    `json:"name"`
		TemplateID string    `json:"template_id"`
		InputURL   string    `json:"input_url"`
		Domain     string    `json:"domain"`
		Start      time.Time `json:"start"`
		End        time.Time `json:"end"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&job)
	if _, end := decoder.Token(); err == nil && !errors.Is(end, io.EOF) {
		err = cmp.Or(end, errors.New("there is more than an object"))
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return http.StatusRequestEntityTooLarge, err
		}
		return http.StatusBadRequest, fmt.Errorf("invalid body: %w", err)
	}
	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            job.Name,
		TemplateID:      job.TemplateID,
		StreamInput:     livetranscode.StreamInput{InputURL: job.InputURL},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: job.Domain},
	}
	if !job.Start.IsZero() || !job.End.IsZero() {
		req.StartMode = livetranscode.StartModeTimed
		req.TimedConfig = &livetranscode.TimedConfig{StartTime: job.Start, EndTime: job.End}
	}
	v, created, err := s.ensure(r.Context(), req)
	if err != nil {
		return s.failed(header, err, http.StatusBadRequest) // the template does not exist
	}
	header.Set("Location", "/jobs/"+v.ID)
	if created {
		return http.StatusCreated, v
	}
	return http.StatusOK, v
}

// deleteJob stops a job. The watch reports when it has stopped.
func (s *service) deleteJob(header http.Header, r *http.Request) (status int, body any) {
	id := r.PathValue("id")
	if _, err := s.client.SendLiveTranscodeJobCommand(r.Context(), id, livetranscode.JobCommandStop); err != nil {
		status, _ = s.failed(header, err, http.StatusNotFound)
		return status, public(err)
	}
	return http.StatusAccepted, map[string]string{"id": id, "status": "stopping"}
}

// jsonFields names what a *livetranscode.ParamError refuses as the body of a POST does.
var jsonFields = strings.NewReplacer("Name", "name", "TemplateID", "template_id", "StreamInput.InputURL", "input_url",
	"TranscodeOutput.DomainName", "domain", "TimedConfig.StartTime", "start", "TimedConfig.EndTime", "end",
	"StartTime", "start", ", and StartModeTimed needs it", "")

// failed returns the response to a failed call; notFound is the status for ErrNotFound. It logs the error, unless it is
// a mistake of the caller.
func (s *service) failed(header http.Header, err error, notFound int) (status int, body any) {
	status, body = http.StatusBadGateway, err
	switch {
	case errors.Is(err, errStore):
		status = http.StatusServiceUnavailable
	case errors.Is(err, errUnsettled):
		status = http.StatusGatewayTimeout
	case errors.Is(err, livetranscode.ErrAmbiguous):
		status, body = http.StatusGatewayTimeout, fmt.Errorf("the job may have been submitted; check by name before retrying: %w", err)
	case errors.Is(err, livetranscode.ErrNameConflict):
		status = http.StatusConflict
	case errors.Is(err, livetranscode.ErrInvalidRequest):
		status = http.StatusBadRequest
		if p, ok := errors.AsType[*livetranscode.ParamError](err); ok {
			body = errors.New(jsonFields.Replace(p.Field + " " + p.Reason))
		}
	case errors.Is(err, livetranscode.ErrNotFound):
		status = notFound
	case errors.Is(err, livetranscode.ErrThrottled), errors.Is(err, livetranscode.ErrUnavailable):
		status = http.StatusServiceUnavailable
		if api, ok := errors.AsType[*livetranscode.APIError](err); ok && api.RetryAfter > 0 {
			header.Set("Retry-After", strconv.Itoa(int(api.RetryAfter/time.Second)+1))
		}
	case errors.Is(err, context.DeadlineExceeded): // after ErrThrottled: a long Retry-After is both
		status = http.StatusGatewayTimeout
	}
	if status >= http.StatusInternalServerError {
		s.log.Error("call failed", "error", err, "kind", livetranscode.ErrorKind(err))
	}
	return status, body
}

// public returns what anyone may read of an error: not the service's message, which can quote a job.
func public(err error) error {
	if api, ok := errors.AsType[*livetranscode.APIError](err); ok {
		return fmt.Errorf("%s: %s, status %d, code %s, request id %s",
			api.Operation, livetranscode.ErrorKind(api), api.StatusCode, api.Code, api.RequestID)
	}
	return err
}

func (s *service) getJobs(_ http.Header, r *http.Request) (status int, body any) {
	jobs, err := s.store.jobs(r.Context(), 0)
	if err != nil {
		return http.StatusInternalServerError, err
	}
	return http.StatusOK, map[string]any{"jobs": jobs}
}

// getJob returns the state of a job and its changes, the latest first.
func (s *service) getJob(_ http.Header, r *http.Request) (status int, body any) {
	changes, err := s.store.query(r.Context(), "SELECT state FROM changes WHERE id = ? ORDER BY version DESC", r.PathValue("id"))
	switch {
	case err != nil:
		return http.StatusInternalServerError, err
	case len(changes) == 0:
		return http.StatusNotFound, errors.New("no such job")
	}
	return http.StatusOK, struct {
		view
		Changes []view `json:"changes"`
	}{changes[0], changes}
}

// readyz fails, with the reason, while the states that are served may be stale.
func (s *service) readyz(http.Header, *http.Request) (status int, body any) {
	stats := s.watcher.Stats()
	if err := s.ready(stats); err != nil {
		return http.StatusServiceUnavailable, err
	}
	return http.StatusOK, map[string]any{
		"status": "ready", "last_complete": stats.LastComplete.UTC(), "oldest_poll": stats.OldestPoll.UTC(),
	}
}

// An update is an event of a stream: jobs that have changed, and the state of the watch.
type update struct {
	All        bool      `json:"all"` // Jobs contains all jobs
	Jobs       []view    `json:"jobs"`
	Now        time.Time `json:"now"`
	Source     string    `json:"source"`
	Stale      string    `json:"stale,omitempty"` // why the states may be stale
	LastSweep  time.Time `json:"last_sweep,omitzero"`
	OldestPoll time.Time `json:"oldest_poll"`
	Requests   int64     `json:"requests"`
}

// events sends an update with all jobs, then one after every change and at least every two seconds. Nothing is queued:
// a slow client gets the latest state of each job, and a stalled one is disconnected.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	// A shutdown does not wait for stalled clients.
	defer context.AfterFunc(r.Context(), func() { _ = stream.SetWriteDeadline(time.Now()) })()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	defer s.streams.Add(-1)
	if s.streams.Add(1) > maxStreams {
		http.Error(w, "too many streams", http.StatusServiceUnavailable)
		return
	}
	for version, all := int64(0), true; ; all = false {
		changed := s.store.nextChange() // before the query, so that no change is missed
		jobs, err := s.store.jobs(r.Context(), version)
		if err != nil || stream.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) != nil || r.Context().Err() != nil {
			return
		}
		if len(jobs) > 0 {
			version = jobs[len(jobs)-1].Version
		}
		if _, err := fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", s.update(all, jobs)); err != nil || stream.Flush() != nil {
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

func (s *service) update(all bool, jobs []view) []byte {
	stats := s.watcher.Stats()
	u := update{
		All: all, Jobs: jobs, Now: time.Now(), Source: cmp.Or(s.endpoint, "emulator"),
		LastSweep: stats.LastSweep, OldestPoll: stats.OldestPoll, Requests: s.telemetry.requests.Load(),
	}
	if err := s.ready(stats); err != nil {
		u.Stale = err.Error()
	}
	text, _ := json.Marshal(u) // cannot fail: all fields can be encoded
	return text
}

//go:embed wall.html
var page string

var pagePolicy = contentSecurityPolicy(page)

func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = io.WriteString(w, page)
}

// contentSecurityPolicy allows the style and the script in the page, connections to this service, and nothing else.
func contentSecurityPolicy(page string) string {
	policy := "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'"
	for _, tag := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(page, "<"+tag+">")
		text, _, _ := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(text))
		policy += fmt.Sprintf("; %s-src 'sha256-%s'", tag, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return policy
}
