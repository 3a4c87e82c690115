package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// pipes is a listener in memory, for use in a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// instance is a running service and a client of it.
type instance struct {
	*service
	t      *testing.T
	net    *pipes
	http   *http.Client
	cancel context.CancelFunc
	ended  chan error
	log    *bytes.Buffer // read it only after the service has ended
}

func start(t *testing.T, srv *livetranscodetest.Server, file string) *instance {
	t.Helper()
	return startWith(t, srv, config{database: file, local: true})
}

func startWith(t *testing.T, srv *livetranscodetest.Server, c config) *instance {
	t.Helper()
	i := &instance{
		t: t, net: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, ended: make(chan error, 1),
		log: new(bytes.Buffer),
	}
	// The client closes idle connections before the server does: a POST at that instant would fail.
	transport := &http.Transport{DialContext: i.net.dial, IdleConnTimeout: 20 * time.Second}
	i.http = &http.Client{Transport: transport}
	c.interval = 30 * time.Second
	c.newClient = func(_ context.Context, opts ...livetranscode.Option) (*livetranscode.Client, error) {
		return srv.Client(opts...), nil
	}
	var err error
	if i.service, err = newService(t.Context(), c, slog.New(slog.NewTextHandler(i.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	i.cancel = func() {
		cancel()
		transport.CloseIdleConnections()
	}
	go func() {
		err := i.serve(ctx, i.net)
		i.ended <- cmp.Or(err, i.store.db.Close())
	}()
	return i
}

// stop shuts the service down as SIGTERM does and returns how long that took.
func (i *instance) stop() time.Duration {
	i.t.Helper()
	began := time.Now()
	i.cancel()
	if err := <-i.ended; err != nil {
		i.t.Errorf("serve: %v", err)
	}
	if text := i.log.String(); strings.Contains(text, "s3cret") {
		i.t.Errorf("a stream key is in the log:\n%s", text)
	} else if !strings.Contains(text, "shutting down") || strings.Contains(text, "<nil>") {
		i.t.Errorf("the log does not say why the service ended:\n%s", text)
	}
	return time.Since(began)
}

// do sends a request and returns the response. A stream key in it fails the test.
func (i *instance) do(method, path, body string) (status int, header http.Header, text string) {
	i.t.Helper()
	return i.send(method, "http://localhost"+path, body, "")
}

// send is do with a URL and an Authorization header.
func (i *instance) send(method, url, body, authorization string) (status int, header http.Header, text string) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := i.http.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	if strings.Contains(string(read), "s3cret") {
		i.t.Errorf("%s %s serves a stream key: %s", method, url, read)
	}
	return resp.StatusCode, resp.Header, string(read)
}

// someJob returns the body of a POST, with stream keys.
func someJob(name string) string {
	return `{"Name":"` + name + `","TemplateId":"t","StreamInput":{"InputUrl":"rtmp://u:s3cret@in.example.net/app/s3cret?k=s3cret"}}`
}

// post submits a job and returns its id.
func (i *instance) post(name string) string {
	i.t.Helper()
	status, header, text := i.do(http.MethodPost, "/jobs", someJob(name))
	if status != http.StatusCreated {
		i.t.Fatalf("POST /jobs: %d %s", status, text)
	}
	id, ok := strings.CutPrefix(header.Get("Location"), "/jobs/")
	if !ok || !strings.HasPrefix(text, `{"id":"`+id+`","name":"`+name+`","status":"submitted"`) {
		i.t.Fatalf("Location %q, body %s", header.Get("Location"), text)
	}
	return id
}

// status returns the served status of a job, or "" if there is no such job.
func (i *instance) status(id string) string {
	i.t.Helper()
	status, _, text := i.do(http.MethodGet, "/jobs/"+id, "")
	if status == http.StatusNotFound {
		return ""
	}
	var v state
	if err := json.Unmarshal([]byte(text), &v); err != nil || status != http.StatusOK {
		i.t.Fatalf("GET /jobs/%s: %d %s %v", id, status, text, err)
	}
	return v.Status
}

// received is an event of a stream.
type received struct {
	Jobs       []state   `json:"jobs"`
	All        bool      `json:"all"`
	Now        time.Time `json:"now"`
	Source     string    `json:"source"`
	Stale      string    `json:"stale"`
	LastSweep  time.Time `json:"last_sweep"`
	OldestPoll time.Time `json:"oldest_poll"`
	Requests   int64     `json:"requests"`
}

// stream is what a client of /events has received.
type stream struct {
	mu      sync.Mutex
	updates []received
	text    string
	ended   bool
}

func (i *instance) stream() *stream {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, "http://localhost/events", http.NoBody)
	if err != nil {
		i.t.Fatal(err)
	}
	resp, err := i.http.Do(req) //nolint:bodyclose // the goroutine below closes it
	if err != nil {
		i.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		i.t.Fatalf("GET /events: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	s := new(stream)
	go func() {
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			s.receive(i.t, lines.Text())
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
	}()
	return s
}

func (s *stream) receive(t *testing.T, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += line + "\n"
	data, ok := strings.CutPrefix(line, "data: ")
	if !ok {
		return
	}
	var u received
	if err := json.Unmarshal([]byte(data), &u); err != nil || u.Jobs == nil {
		t.Errorf("data %q: %v", data, err)
	}
	if u.All != (len(s.updates) == 0) {
		t.Errorf("update %d has all: %v", len(s.updates), u.All)
	}
	s.updates = append(s.updates, u)
}

// first returns the first event, and the number of events.
func (s *stream) first() (first received, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates[0], len(s.updates)
}

// statuses returns the statuses received of a job.
func (s *stream) statuses(t *testing.T, id string) (statuses []string) {
	t.Helper()
	time.Sleep(2 * streamPause)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	version := int64(0)
	for _, u := range s.updates {
		for _, v := range u.Jobs {
			if v.Version <= version {
				t.Errorf("version %d after %d", v.Version, version)
			}
			version = v.Version
			// Whether a client sees "submitted" depends on whether it is faster than the first poll.
			if v.ID == id && v.Status != "submitted" {
				statuses = append(statuses, v.Status)
			}
		}
	}
	if strings.Contains(s.text, "s3cret") {
		t.Errorf("a stream key is in the events:\n%s", s.text)
	}
	return statuses
}

// jobs returns the jobs that are served.
func (i *instance) jobs() []state {
	i.t.Helper()
	jobs, _ := i.store.since(0)
	return values(jobs)
}

// stored returns the ids of the stored jobs that have not ended.
func (i *instance) stored() (ids []string) {
	i.t.Helper()
	for _, v := range i.jobs() {
		if !v.Ended {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// execute changes a database that no service has open.
func execute(t *testing.T, file, statements string) {
	t.Helper()
	st, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer st.db.Close()
	if err := st.exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

// values returns what the pointers point to.
func values(states []*state) (values []state) {
	for _, s := range states {
		values = append(values, *s)
	}
	return values
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// inBubble runs f in a synctest bubble with an emulator whose jobs take a minute to start.
func inBubble(t *testing.T, f func(t *testing.T, srv *livetranscodetest.Server, file string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) {
		f(t, livetranscodetest.NewServer(livetranscodetest.WithStartDelay(time.Minute)), file)
	})
}

// readFile returns the text of a file. It skips the test if the file is outside this directory and this is a copy of
// the service, whose go.mod does not replace the modules of the repository by relative paths.
func readFile(t *testing.T, name string) string {
	t.Helper()
	if strings.HasPrefix(name, "../") && !strings.Contains(readFile(t, "go.mod"), "=> ../..") {
		t.Skipf("%s is not here: this is a copy of the service", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
