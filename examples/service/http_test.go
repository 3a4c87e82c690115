package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const submitOperation = "SubmitLiveTranscodeJob" // the watch sends other requests meanwhile

func TestInvalidRequests(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		for _, test := range []struct {
			method, path, body string
			status             int
			inBody             string
		}{
			{"POST", "/jobs", ``, 400, "invalid body"},
			{"POST", "/jobs", `{"name":1}`, 400, "invalid body"},
			{"POST", "/jobs", `{"title":"x"}`, 400, "title"},
			{"POST", "/jobs", `{"name":"x","template_id":"t"}`, 400, "InputURL"},
			{"POST", "/jobs", `{"name":"x","template_id":"t","input_url":"rtmp://h/a/b","end":"2000-01-01T01:00:00Z"}`, 400, "StartTime"},
			{"POST", "/jobs", `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too large"},
			{"GET", "/jobs/none", ``, 404, "no such job"},
			{"DELETE", "/jobs", ``, 405, ""},
			{"GET", "/", ``, 404, ""},
		} {
			status, _, text := i.do(test.method, test.path, test.body)
			if status != test.status || !strings.Contains(text, test.inBody) {
				t.Errorf("%s %s %.80s: %d %s, want %d with %q", test.method, test.path, test.body, status, text, test.status, test.inBody)
			}
		}
		for _, call := range srv.Calls() {
			if call.Operation == submitOperation {
				t.Error("an invalid request was submitted")
			}
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
		inBody     string
		retryAfter string
	}{
		{"response lost", livetranscodetest.Fault{DropResponse: true}, 502, "the job may have been started", ""},
		{"timeout", livetranscodetest.Fault{Latency: time.Minute}, 504, "the job may have been started", ""},
		{"throttled", livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 90 * time.Second}, 503, "Throttling.User", "91"},
		{"refused", livetranscodetest.Fault{Code: "InvalidParameter.Name"}, 400, "InvalidParameter.Name", ""},
		{"forbidden", livetranscodetest.Fault{Code: "Forbidden.RAM"}, 502, "Forbidden.RAM", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
				i := start(t, srv, file)
				test.fault.Operation = submitOperation
				srv.Inject(test.fault)
				status, header, text := i.do(http.MethodPost, "/jobs", someJob)
				if status != test.status || !strings.Contains(text, test.inBody) || header.Get("Retry-After") != test.retryAfter {
					t.Errorf("%d %s, Retry-After %q", status, text, header.Get("Retry-After"))
				}
				i.stop()
			})
		})
	}
}

// A client that disconnects leaves behind no job that the service does not know.
func TestClientDisconnects(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		srv.Inject(livetranscodetest.Fault{Operation: submitOperation, Latency: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://service/jobs", strings.NewReader(someJob))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := i.http.Do(req); err == nil {
			resp.Body.Close()
			t.Fatal("a response arrived")
		}
		if took := i.stop(); took < 3*time.Second {
			t.Errorf("the service ended after %v without finishing the submit", took)
		}
		if jobs, err := load(file); err != nil || len(jobs) != 1 {
			t.Errorf("the file has %v, error %v", jobs, err)
		}
	})
}

func TestHealthzAndReadyz(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		want := func(path string, want int, inBody string) {
			t.Helper()
			if status, _, text := i.do(http.MethodGet, path, ""); status != want || !strings.Contains(text, inBody) {
				t.Errorf("%s: %d %s, want %d with %q", path, status, text, want, inBody)
			}
		}
		want("/healthz", 200, `{"status":"ok"}`)
		want("/readyz", 200, `"status":"ready"`)
		id := i.post()
		synctest.Wait()
		want("/readyz", 200, `"oldest_poll":"2000-01-01T00:00:00Z"`)
		credentials := srv.Credentials()
		srv.SetCredentials()
		time.Sleep(time.Minute)
		want("/readyz", 200, "ready") // the state is a minute old
		time.Sleep(5 * time.Minute)   // restarted in vain
		want("/readyz", 503, "InvalidAccessKeyId.NotFound")
		want("/healthz", 200, "ok") // a restart of the process would not help
		srv.SetCredentials(credentials)
		time.Sleep(restartDelay + time.Second)
		want("/readyz", 200, "ready")
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Times: -1})
		time.Sleep(10 * time.Minute)
		want("/readyz", 503, "Throttling.User")
		want("/healthz", 200, "ok")
		srv.ClearFaults()
		time.Sleep(time.Minute)
		want("/readyz", 200, "ready")
		i.setWatching(false)
		want("/healthz", 503, "does not run")
		equal(t, "status", []string{i.status(id)}, "in progress")
		i.stop()
	})
}

// A stalled client delays neither the watch, nor other clients, nor the shutdown.
func TestStalledClient(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		stall := func() net.Conn {
			conn, err := i.net.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: service\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			return conn // nothing reads it, and a pipe has no buffer
		}
		defer stall().Close()
		client := i.stream("")
		id := i.post()
		time.Sleep(2 * time.Minute)
		got, _ := client.statuses(t, id)
		equal(t, "events of the other client", got, "not started", "in progress")

		defer stall().Close()
		synctest.Wait()
		if took := i.stop(); took > 3*time.Second {
			t.Errorf("the shutdown took %v", took)
		}
		client.mu.Lock()
		defer client.mu.Unlock()
		if !client.ended {
			t.Error("the stream of the other client is still open")
		}
	})
}

// A slow client gets the latest state of each job and misses only the states in between.
func TestSlowClient(t *testing.T) {
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
		synctest.Wait() // the service blocks until the header is read
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

// A stream outlives the timeouts of the server, kept open by comments.
func TestStreamKeepAlive(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		client := i.stream("")
		time.Sleep(10 * time.Minute)
		id := i.post()
		got, _ := client.statuses(t, id)
		equal(t, "events", got, "not started")
		if client.lines[0] != ": keep-alive" {
			t.Errorf("lines: %q", client.lines[:1])
		}
		i.stop()
	})
}
