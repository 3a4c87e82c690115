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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

const (
	maxBody            = 64 << 10
	callTimeout        = 25 * time.Second // for a call to the service, retries included
	maxStreams         = 200
	streamInterval     = 2 * time.Second       // the longest time between two events of a stream
	streamPause        = 50 * time.Millisecond // the shortest
	streamWriteTimeout = 10 * time.Second
)

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("POST /jobs", handle(s.authorized(s.postJob)))
	mux.HandleFunc("DELETE /jobs/{id}", handle(s.authorized(s.deleteJob)))
	mux.HandleFunc("GET /jobs", handle(s.getJobs))
	mux.HandleFunc("GET /jobs/{id}", handle(s.getJob))
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", handle(s.healthz))
	mux.HandleFunc("GET /readyz", handle(s.readyz))
	mux.Handle("GET /metrics", s.telemetry.handler)
	// Pages of other sites must not submit jobs through the browser of somebody who can reach the service.
	return s.ownHost(http.NewCrossOriginProtection().Handler(mux))
}

// ownHost refuses requests for hosts other than this machine if the service listens on a loopback address. Such a
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

// A handler returns the status and the body of a response. The body may be an error: the library's errors contain no
// secrets.
type handler = func(header http.Header, r *http.Request) (status int, body any)

// handle sends the response as JSON. The context of next is not canceled with the request: a client that disconnects
// must not leave behind a job that the service does not know.
func handle(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
		defer cancel()
		status, body := next(w.Header(), r.WithContext(ctx))
		if err, ok := body.(error); ok {
			body = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // the client may be gone
	}
}

// authorized requires the token, if one is configured.
func (s *service) authorized(next handler) handler {
	want := sha256.Sum256([]byte(s.token)) // hashed: the comparison takes the same time for any length
	return func(header http.Header, r *http.Request) (int, any) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
		if s.token != "" && (!strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) == 0) {
			header.Set("WWW-Authenticate", "Bearer")
			return http.StatusUnauthorized, errors.New("the Authorization header must be Bearer TOKEN")
		}
		return next(header, r)
	}
}

// jsonFields replaces the fields that a *livetranscode.ParamError names by those in the body of a POST.
var jsonFields = strings.NewReplacer("Name", "name", "TemplateID", "template_id", "StreamInput.InputURL", "input_url",
	"TranscodeOutput.DomainName", "domain", "TimedConfig.StartTime", "start", "TimedConfig.EndTime", "end",
	"StartTime", "start", ", and StartModeTimed needs it", "")

func (s *service) postJob(header http.Header, r *http.Request) (status int, body any) {
	var sub submission
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&sub)
	if _, end := decoder.Token(); err == nil && !errors.Is(end, io.EOF) {
		err = cmp.Or(end, errors.New("there is more than one object"))
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, err
	} else if err != nil {
		return http.StatusBadRequest, fmt.Errorf("invalid body: %w", err)
	}
	v, created, err := s.ensure(r.Context(), sub)
	if err != nil {
		if status = s.errorStatus(header, err); status == http.StatusNotFound { // the template
			status = http.StatusBadRequest
		}
		if p, ok := errors.AsType[*livetranscode.ParamError](err); ok {
			err = errors.New(jsonFields.Replace(p.Field + " " + p.Reason))
		}
		return status, err
	}
	header.Set("Location", "/jobs/"+url.PathEscape(v.ID))
	if created {
		return http.StatusCreated, v
	}
	return http.StatusOK, v
}

// deleteJob stops a job. The watch reports when it has stopped.
func (s *service) deleteJob(header http.Header, r *http.Request) (status int, body any) {
	id := r.PathValue("id")
	if _, err := s.client.SendLiveTranscodeJobCommand(r.Context(), id, livetranscode.JobCommandStop); err != nil {
		return s.errorStatus(header, err), publicError(err)
	}
	return http.StatusAccepted, map[string]string{"id": id, "status": "stopping"}
}

// statuses are the response statuses of errors. The first kind that matches counts.
var statuses = []struct {
	kind   error
	status int
}{
	{errStore, http.StatusServiceUnavailable},
	{errUnsettled, http.StatusGatewayTimeout},
	{livetranscode.ErrAmbiguous, http.StatusGatewayTimeout},
	{livetranscode.ErrNameConflict, http.StatusConflict},
	{livetranscode.ErrInvalidRequest, http.StatusBadRequest},
	{livetranscode.ErrNotFound, http.StatusNotFound},
	{livetranscode.ErrThrottled, http.StatusServiceUnavailable}, // before DeadlineExceeded: a long Retry-After is both
	{livetranscode.ErrUnavailable, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
}

// errorStatus returns the status of the response to an error, and sets Retry-After. It logs the error, unless the
// caller made a mistake.
func (s *service) errorStatus(header http.Header, err error) int {
	status := http.StatusBadGateway
	for _, k := range statuses {
		if errors.Is(err, k.kind) {
			status = k.status
			break
		}
	}
	if status >= http.StatusInternalServerError {
		s.log.Error("request failed", "error", err, "kind", livetranscode.ErrorKind(err))
	}
	api, ok := errors.AsType[*livetranscode.APIError](err)
	// A 504 has no Retry-After: a POST may have submitted the job, and must not be sent again so soon.
	if ok && api.RetryAfter > 0 && status == http.StatusServiceUnavailable {
		header.Set("Retry-After", strconv.Itoa(int(api.RetryAfter/time.Second)+1))
	}
	return status
}

// publicError returns an error that anyone may read: without the service's message, which can quote a job.
func publicError(err error) error {
	if api, ok := errors.AsType[*livetranscode.APIError](err); ok {
		return fmt.Errorf("%s: %s, status %d, code %s, request id %s",
			api.Operation, livetranscode.ErrorKind(api), api.StatusCode, api.Code, api.RequestID)
	}
	return err
}

func (s *service) getJobs(http.Header, *http.Request) (status int, body any) {
	jobs, _, _ := s.store.since(0)
	return http.StatusOK, map[string]any{"jobs": jobs}
}

// getJob returns the state of a job and its changes, the latest first. The table of changes has none of a job that has
// not changed for a long time.
func (s *service) getJob(header http.Header, r *http.Request) (status int, body any) {
	job := s.store.job(r.PathValue("id"))
	changes, err := s.store.states(r.Context(), "changes WHERE id = ?", r.PathValue("id"))
	if err != nil {
		return s.errorStatus(header, err), err
	}
	if len(changes) > 0 {
		job = changes[len(changes)-1]
	}
	if job.ID == "" {
		return http.StatusNotFound, errors.New("no such job")
	}
	slices.Reverse(changes)
	return http.StatusOK, struct {
		view
		Changes []view `json:"changes"`
	}{job, changes}
}

// healthz always succeeds: if the watch fails, the process ends.
func (s *service) healthz(http.Header, *http.Request) (status int, body any) {
	return http.StatusOK, map[string]string{"status": "ok"}
}

// readyz fails, with the reason, while the served states may be stale.
func (s *service) readyz(http.Header, *http.Request) (status int, body any) {
	stats := s.watcher.Stats()
	if reason := s.stale(stats); reason != "" {
		return http.StatusServiceUnavailable, errors.New(reason)
	}
	return http.StatusOK, map[string]any{
		"status": "ready", "last_complete": stats.LastComplete.UTC(), "oldest_poll": stats.OldestPoll.UTC(),
	}
}

// An update is an event of a stream, without its jobs.
type update struct {
	All        bool      `json:"all"` // the event has all jobs, not only the changed ones
	Now        time.Time `json:"now"`
	Source     string    `json:"source"`
	Stale      string    `json:"stale,omitempty"` // why the states may be stale
	LastSweep  time.Time `json:"last_sweep,omitzero"`
	OldestPoll time.Time `json:"oldest_poll"`
	Requests   int64     `json:"requests"`
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
	defer s.streams.Add(-1)
	if s.streams.Add(1) > maxStreams {
		http.Error(w, "too many streams", http.StatusServiceUnavailable)
		return
	}
	for version, all := int64(0), true; ; all = false {
		jobs, latest, changed := s.store.since(version)
		version = latest
		if stream.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) != nil || r.Context().Err() != nil {
			return
		}
		stats := s.watcher.Stats()
		text, _ := json.Marshal(update{ // cannot fail: all fields can be encoded
			All: all, Now: time.Now(), Source: cmp.Or(s.endpoint, "emulator"), Stale: s.stale(stats),
			LastSweep: stats.LastSweep, OldestPoll: stats.OldestPoll, Requests: s.telemetry.requests.Load(),
		})
		// The jobs are encoded already, so they are inserted before the other fields.
		_, err := fmt.Fprintf(w, "retry: 1000\ndata: {\"jobs\":%s,%s\n\n", jobs, text[1:])
		if err != nil || stream.Flush() != nil {
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

// pagePolicy allows the style and the script in the page, connections to this service, and nothing else.
var pagePolicy = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'" + allow("style") + allow("script")

// allow returns the directive that allows the page's only element with a tag, by its hash.
func allow(tag string) string {
	_, rest, _ := strings.Cut(page, "<"+tag+">")
	text, _, _ := strings.Cut(rest, "</"+tag+">")
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("; %s-src 'sha256-%s'", tag, base64.StdEncoding.EncodeToString(sum[:]))
}

func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = io.WriteString(w, page)
}
