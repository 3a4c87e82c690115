package main

import (
	"bufio"
	"bytes"
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

// pipes is a network in memory, for a bubble.
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

// An instance is a service that runs, as a bubble's test sees it.
type instance struct {
	*service
	t      *testing.T
	net    *pipes
	http   *http.Client
	cancel context.CancelFunc
	ended  chan error
	log    *bytes.Buffer // to be read when it has ended
}

func start(t *testing.T, srv *livetranscodetest.Server, file string) *instance {
	t.Helper()
	i := &instance{
		t: t, net: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, ended: make(chan error, 1),
		log: new(bytes.Buffer),
	}
	transport := &http.Transport{DialContext: i.net.dial}
	i.http = &http.Client{Transport: transport}
	s, err := newService(srv.Client(), file, slog.New(slog.NewTextHandler(i.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	i.service = s
	ctx, cancel := context.WithCancel(t.Context())
	i.cancel = func() {
		cancel()
		transport.CloseIdleConnections()
	}
	go func() { i.ended <- i.serve(ctx, i.net) }()
	return i
}

// stop ends the service as SIGTERM does, and returns how long that took.
func (i *instance) stop() time.Duration {
	i.t.Helper()
	began := time.Now()
	i.cancel()
	if err := <-i.ended; err != nil {
		i.t.Errorf("serve: %v", err)
	}
	if text := i.log.String(); strings.Contains(text, "s3cret") {
		i.t.Errorf("a stream key is in the log:\n%s", text)
	}
	return time.Since(began)
}

// do makes a request and returns the answer, checked for stream keys.
func (i *instance) do(method, path, body string) (status int, header http.Header, text string) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, "http://service"+path, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
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
		i.t.Errorf("%s %s serves a stream key: %s", method, path, read)
	}
	return resp.StatusCode, resp.Header, string(read)
}

const someJob = `{"name":"show","template_id":"t","input_url":"rtmp://u:s3cret@in.example.net/app/s3cret?k=s3cret"}`

// post submits a job and returns its id.
func (i *instance) post() string {
	i.t.Helper()
	status, header, text := i.do(http.MethodPost, "/jobs", someJob)
	if status != http.StatusCreated {
		i.t.Fatalf("POST /jobs: %d %s", status, text)
	}
	id, ok := strings.CutPrefix(header.Get("Location"), "/jobs/")
	if !ok || !strings.HasPrefix(text, `{"id":"`+id+`","name":"show","status":"submitted"`) {
		i.t.Fatalf("Location %q, body %s", header.Get("Location"), text)
	}
	return id
}

// status returns a job's status as it is served; empty: there is no such job.
func (i *instance) status(id string) string {
	i.t.Helper()
	status, _, text := i.do(http.MethodGet, "/jobs/"+id, "")
	if status == http.StatusNotFound {
		return ""
	}
	var v view
	if err := json.Unmarshal([]byte(text), &v); err != nil || status != http.StatusOK {
		i.t.Fatalf("GET /jobs/%s: %d %s %v", id, status, text, err)
	}
	return v.Status
}

// A stream is what a reader of /events has received.
type stream struct {
	mu    sync.Mutex
	lines []string
	ended bool
}

func (i *instance) stream(lastEventID string) *stream {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, "http://service/events", http.NoBody)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", lastEventID)
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
			s.mu.Lock()
			s.lines = append(s.lines, lines.Text())
			s.mu.Unlock()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
	}()
	return s
}

// statuses returns the statuses that came, of a job, and the id of the last event.
func (s *stream) statuses(t *testing.T, id string) (statuses []string, last string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		switch name, value, _ := strings.Cut(line, ": "); name {
		case "id":
			if len(value) < len(last) || value <= last && len(value) == len(last) {
				t.Errorf("id %q after %q", value, last)
			}
			last = value
		case "data":
			var v view
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				t.Errorf("data %q: %v", value, err)
			}
			// Whether a reader sees "submitted" depends on whether it is faster than the first look.
			if v.ID == id && v.Status != "submitted" {
				statuses = append(statuses, v.Status)
			}
		case "event":
			if value != "job" {
				t.Errorf("event %q", value)
			}
		}
	}
	if text := strings.Join(s.lines, "\n"); strings.Contains(text, "s3cret") {
		t.Errorf("a stream key is among the events:\n%s", text)
	}
	return statuses, last
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// inBubble runs a test in a bubble of its own, where a minute passes in no time.
func inBubble(t *testing.T, f func(t *testing.T, srv *livetranscodetest.Server, file string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jobs.json")
	synctest.Test(t, func(t *testing.T) {
		f(t, livetranscodetest.NewServer(livetranscodetest.WithStartDelay(time.Minute)), file)
	})
}

func TestLifeOfAJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		reader := i.stream("")
		id := i.post()
		synctest.Wait() // the first look is at once
		equal(t, "after the first look", []string{i.status(id)}, "not started")
		if ids, err := load(file); err != nil || len(ids) != 1 || ids[0] != id {
			t.Errorf("the file has %q, error %v", ids, err)
		}

		time.Sleep(90 * time.Second) // it has started, and sweeps are 30 s apart at most
		equal(t, "later", []string{i.status(id)}, "in progress")
		srv.SetStatus(id, livetranscode.JobStatusStopped)
		time.Sleep(40 * time.Second)
		equal(t, "in the end", []string{i.status(id)}, "stopped")
		if ids, err := load(file); err != nil || len(ids) != 0 {
			t.Errorf("the file still has %q, error %v", ids, err)
		}
		got, _ := reader.statuses(t, id)
		equal(t, "events", got, "not started", "in progress", "stopped")

		// Reading makes no calls.
		calls := len(srv.Calls())
		for range 10 {
			_, _, text := i.do(http.MethodGet, "/jobs", "")
			if !strings.Contains(text, `"name":"show","status":"stopped","template":"t","input_host":"in.example.net","created_at":"2000-`) {
				t.Errorf("GET /jobs: %s", text)
			}
		}
		if n := len(srv.Calls()); n != calls {
			t.Errorf("GET made %d calls", n-calls)
		}

		time.Sleep(2 * time.Hour) // an ended job is forgotten with the next change
		i.post()
		equal(t, "long after", []string{i.status(id)}, "")
		i.stop()
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		first := start(t, srv, file)
		early := first.stream("")
		kept, ended, deleted := first.post(), first.post(), first.post()
		synctest.Wait()
		srv.SetStatus(ended, livetranscode.JobStatusStopped)
		time.Sleep(15 * time.Second)
		_, last := early.statuses(t, kept)
		first.stop()
		srv.RemoveJob(deleted) // while nobody looks
		srv.SetStatus(kept, livetranscode.JobStatusInProgress)

		time.Sleep(time.Minute)
		srv.Inject(livetranscodetest.Fault{Latency: time.Second, Times: 4})
		second := start(t, srv, file)
		equal(t, "before the first look", []string{second.status(kept), second.status(ended), second.status(deleted)}, "unknown", "", "unknown")
		time.Sleep(time.Minute)
		equal(t, "after the first look", []string{second.status(kept), second.status(deleted)}, "in progress", "lost")
		got, _ := second.stream(last).statuses(t, kept) // a reader of before comes back
		equal(t, "events", got, "in progress")
		second.stop()
		if ids, err := load(file); err != nil || len(ids) != 1 || ids[0] != kept {
			t.Errorf("the file has %q, error %v", ids, err)
		}
		if names, err := os.ReadDir(filepath.Dir(file)); err != nil || len(names) != 1 {
			t.Errorf("beside the file there is more: %v, error %v", names, err)
		}
	})
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		for _, test := range []struct {
			method, path, body string
			status             int
			says               string
		}{
			{"POST", "/jobs", ``, 400, "the body is not as it should be"},
			{"POST", "/jobs", `{"name":1}`, 400, "the body is not as it should be"},
			{"POST", "/jobs", `{"title":"x"}`, 400, "title"},
			{"POST", "/jobs", `{"name":"x","template_id":"t"}`, 400, "InputURL"},
			{"POST", "/jobs", `{"name":"x","template_id":"t","input_url":"rtmp://h/a/b","end":"2000-01-01T01:00:00Z"}`, 400, "StartTime"},
			{"POST", "/jobs", `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too large"},
			{"GET", "/jobs/none", ``, 404, "no such job"},
			{"DELETE", "/jobs", ``, 405, ""},
			{"GET", "/", ``, 404, ""},
		} {
			status, _, text := i.do(test.method, test.path, test.body)
			if status != test.status || !strings.Contains(text, test.says) {
				t.Errorf("%s %s %.80s: %d %s, want %d with %q", test.method, test.path, test.body, status, text, test.status, test.says)
			}
		}
		if n := len(srv.Calls()); n != 0 {
			t.Errorf("bad input made %d calls", n)
		}
		i.stop()
	})
}

func TestSubmitFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		fault      livetranscodetest.Fault
		status     int
		says       string
		retryAfter string
	}{
		{"answer lost", livetranscodetest.Fault{DropAnswer: true}, 502, "the job may have been started", ""},
		{"no answer in time", livetranscodetest.Fault{Latency: time.Minute}, 504, "the job may have been started", ""},
		{"throttled", livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 90 * time.Second}, 503, "Throttling.User", "91"},
		{"refused", livetranscodetest.Fault{Code: "InvalidParameter.Name"}, 400, "InvalidParameter.Name", ""},
		{"forbidden", livetranscodetest.Fault{Code: "Forbidden.RAM"}, 502, "Forbidden.RAM", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
				i := start(t, srv, file)
				srv.Inject(test.fault)
				status, header, text := i.do(http.MethodPost, "/jobs", someJob)
				if status != test.status || !strings.Contains(text, test.says) || header.Get("Retry-After") != test.retryAfter {
					t.Errorf("%d %s, Retry-After %q", status, text, header.Get("Retry-After"))
				}
				i.stop()
			})
		})
	}
}

// A caller that hangs up leaves no job behind that the service does not know.
func TestCallerHangsUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		srv.Inject(livetranscodetest.Fault{Latency: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://service/jobs", strings.NewReader(someJob))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := i.http.Do(req); err == nil {
			resp.Body.Close()
			t.Fatal("there was an answer")
		}
		if took := i.stop(); took < 3*time.Second {
			t.Errorf("it ended after %v, and did not finish the submit", took)
		}
		if ids, err := load(file); err != nil || len(ids) != 1 {
			t.Errorf("the file has %q, error %v", ids, err)
		}
	})
}

func TestHealthz(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		healthz := func(want int, says string) {
			t.Helper()
			if status, _, text := i.do(http.MethodGet, "/healthz", ""); status != want || !strings.Contains(text, says) {
				t.Errorf("%d %s, want %d with %q", status, text, want, says)
			}
		}
		healthz(200, `{"status":"ok"}`)
		id := i.post()
		synctest.Wait()
		healthz(200, `"looked_at":"2000-01-01T00:00:00Z"`)
		credentials := srv.Credentials()
		srv.SetCredentials()
		time.Sleep(15 * time.Second)
		healthz(503, "InvalidAccessKeyId.NotFound")
		time.Sleep(5 * time.Minute) // begun anew, in vain
		healthz(503, "the watch has ended")
		srv.SetCredentials(credentials)
		time.Sleep(watchPause + time.Second)
		healthz(200, `"status":"ok"`)
		equal(t, "status", []string{i.status(id)}, "in progress")
		i.stop()
	})
}

// A reader that hangs holds up neither the watch, nor other readers, nor the end.
func TestReaderHangs(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		hang := func() net.Conn {
			conn, err := i.net.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: service\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			return conn // nothing reads it, and a pipe holds nothing
		}
		defer hang().Close()
		reader := i.stream("")
		id := i.post()
		time.Sleep(2 * time.Minute)
		got, _ := reader.statuses(t, id)
		equal(t, "events of another reader", got, "not started", "in progress")

		defer hang().Close()
		synctest.Wait()
		if took := i.stop(); took > 3*time.Second {
			t.Errorf("the end took %v", took)
		}
		reader.mu.Lock()
		defer reader.mu.Unlock()
		if !reader.ended {
			t.Error("the stream of the other reader goes on")
		}
	})
}

// A reader that is slow gets the latest state of each job, and misses only what was in between.
func TestReaderIsSlow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		conn, err := i.net.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err = io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: service\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the service waits for someone to read the header
		for _, status := range []string{"a", "b", "c"} {
			i.put(view{ID: "1", Status: status})
			i.put(view{ID: "2", Status: status})
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var data []string
		for lines := bufio.NewScanner(resp.Body); len(data) < 2 && lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				data = append(data, text[:len(`{"id":"1","status":"c"`)])
			}
		}
		equal(t, "events", data, `{"id":"1","status":"c"`, `{"id":"2","status":"c"`)
		conn.Close()
		i.stop()
	})
}

// A stream outlives the timeouts of the server, and says so.
func TestStreamLasts(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		reader := i.stream("")
		time.Sleep(10 * time.Minute)
		id := i.post()
		got, _ := reader.statuses(t, id)
		equal(t, "events", got, "not started")
		if reader.lines[0] != ": still here" {
			t.Errorf("lines: %q", reader.lines[:1])
		}
		i.stop()
	})
}

func TestStateFile(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "jobs.json")
	if err := os.WriteFile(broken, []byte(`["a`), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if _, err := newService(livetranscodetest.NewServer().Client(), broken, log); err == nil {
		t.Error("a broken file was taken for an empty one")
	}
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, filepath.Join(filepath.Dir(file), "no", "such", "folder"))
		i.post() // there is a job, so it is 201 all the same
		i.cancel()
		if err := <-i.ended; err == nil || !strings.Contains(i.log.String(), "the state file was not written") {
			t.Errorf("error %v, log:\n%s", err, i.log)
		}
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		env  map[string]string
		want string // in the error; empty: none
	}{
		{"emulator", map[string]string{"EMULATOR": "true", "LOG_FORMAT": "json"}, ""},
		{"real service", map[string]string{"EMULATOR": "false"}, ""},
		{"format", map[string]string{"LOG_FORMAT": "xml"}, `LOG_FORMAT is "xml"`},
		{"emulator?", map[string]string{"EMULATOR": "perhaps"}, `EMULATOR is "perhaps"`},
		{"endpoint", map[string]string{"ENDPOINT": "ftp://x"}, "WithEndpoint"},
		{"address", map[string]string{"EMULATOR": "true", "LISTEN_ADDR": "127.0.0.1:no"}, "listen tcp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.env["LISTEN_ADDR"] == "" {
				test.env["LISTEN_ADDR"] = "127.0.0.1:0"
			}
			// The log tells when it serves; then it is told to end.
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			logs := writerFunc(func(line []byte) {
				if bytes.Contains(line, []byte("serving")) {
					cancel()
				}
			})
			err := run(ctx, func(name string) string { return test.env[name] }, logs)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
