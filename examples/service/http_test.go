package main

import (
	"bufio"
	"context"
	"encoding/json"
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
			{"POST", "/jobs", `{"Name":1}`, 400, "invalid body"},
			{"POST", "/jobs", someJob("show") + `{}`, 400, "invalid body"},
			{"POST", "/jobs", someJob("show") + `x`, 400, "invalid body"},
			{"POST", "/jobs", `{"title":"x"}`, 400, "title"},
			{"POST", "/jobs", `{"StreamInput":{"Url":"x"}}`, 400, "Url"},
			{"POST", "/jobs", `{"Name":"x","TemplateId":"t"}`, 400, "StreamInput.InputURL is empty"},
			{"POST", "/jobs", `{"TemplateId":"t","StreamInput":{"InputUrl":"rtmp://h/a/b"}}`, 400, "Name is empty"},
			{"POST", "/jobs", `{"Name":"x","StreamInput":{"InputUrl":"rtmp://h/a/b"}}`, 400, "TemplateID is empty"},
			{"POST", "/jobs", withTimes(someJob("x"), `"EndTime":"2000-01-01T01:00:00Z"`), 400, "StartTime is zero"},
			{"POST", "/jobs", withTimes(someJob("x"), `"StartTime":"2000-01-01T02:00:00Z","EndTime":"2000-01-01T01:00:00Z"`), 400, "EndTime is before StartTime"},
			{"POST", "/jobs", withTimes(someJob("x"), `"StartTime":"tomorrow"`), 400, "StartTime"},
			{"POST", "/jobs", strings.Replace(someJob("x"), `"TemplateId"`, `"StartMode":"tomorrow","TemplateId"`, 1), 400, "StartMode"},
			{"POST", "/jobs", `{"Name":"` + strings.Repeat("x", maxBody) + `"}`, 400, "too large"},
			{"GET", "/jobs/none", ``, 404, "no such job"},
			{"DELETE", "/jobs", ``, 405, ""},
			{"GET", "/none", ``, 404, ""},
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
		if strings.Contains(i.log.String(), "level=ERROR") {
			t.Errorf("mistakes of the caller are errors of the service:\n%s", i.log)
		}
	})
}

// withTimes returns the body of a POST with a TimedConfig.
func withTimes(body, times string) string {
	return strings.Replace(body, `"TemplateId"`, `"StartMode":1,"TimedConfig":{`+times+`},"TemplateId"`, 1)
}

func TestSubmitFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  livetranscodetest.Fault
		status int
		inBody string
	}{
		{"response lost, job found", livetranscodetest.Fault{DropResponse: true}, 201, `"name":"show"`},
		{"timeout", livetranscodetest.Fault{Latency: time.Minute}, 504, "send the request again in a few minutes"},
		{"throttled", livetranscodetest.Fault{Code: "Throttling.User", Times: -1}, 503, "Throttling.User"},
		{"ambiguous, with Retry-After", livetranscodetest.Fault{Code: "ServiceUnavailable", RetryAfter: 90 * time.Second}, 504, "ServiceUnavailable"},
		{"refused", livetranscodetest.Fault{Code: "InvalidParameter.Name"}, 400, "InvalidParameter.Name"},
		{"no such template", livetranscodetest.Fault{Code: "TemplateNotFound"}, 404, "TemplateNotFound"},
		{"forbidden", livetranscodetest.Fault{Code: "Forbidden.RAM"}, 502, "Forbidden.RAM"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
				i := start(t, srv, file)
				test.fault.Operation = submitOperation
				srv.Inject(test.fault)
				status, _, text := i.do(http.MethodPost, "/jobs", someJob("show"))
				if status != test.status || !strings.Contains(text, test.inBody) {
					t.Errorf("%d %s", status, text)
				}
				i.stop()
				if logged := strings.Contains(i.log.String(), "level=ERROR"); logged != (status >= 500) {
					t.Errorf("status %d, log:\n%s", status, i.log)
				}
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
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/jobs", strings.NewReader(someJob("show")))
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
		restarted := start(t, srv, file)
		if stored := restarted.stored(); len(stored) != 1 {
			t.Errorf("the database has %v", stored)
		}
		restarted.stop()
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
		synctest.Wait()
		want("/healthz", 200, `{"status":"ok"}`)
		want("/readyz", 200, `"stale":""`)
		id := i.post("show")
		synctest.Wait()
		want("/readyz", 200, `"oldest_poll":"2000-01-01T00:00:00Z"`)
		credentials := srv.Credentials()
		srv.SetCredentials()
		time.Sleep(time.Minute)
		want("/readyz", 200, `"stale":""`) // the state is a minute old
		time.Sleep(5 * time.Minute)        // restarted in vain
		want("/readyz", 503, "authentication")
		want("/healthz", 200, "ok") // a restart of the process would not help
		srv.SetCredentials(credentials)
		time.Sleep(restartDelay + time.Second)
		want("/readyz", 200, `"stale":""`)
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Times: -1})
		time.Sleep(10 * time.Minute)
		want("/readyz", 503, "throttled")
		want("/healthz", 200, "ok")
		srv.ClearFaults()
		time.Sleep(time.Minute)
		want("/readyz", 200, `"stale":""`)
		equal(t, "status", []string{i.status(id)}, "in progress")
		i.stop()
	})
}

// While every List fails, each known job is polled, but no new one is found: no sweep is complete.
func TestReadyzWithoutList(t *testing.T) {
	t.Parallel()
	for name, jobs := range map[string]int{"no job": 0, "a job": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
				i := start(t, srv, file)
				for range jobs {
					i.post("show")
				}
				synctest.Wait()
				srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "ServiceUnavailable", Times: -1})
				time.Sleep(10 * time.Minute)
				if status, _, text := i.do(http.MethodGet, "/readyz", ""); status != 503 || !strings.Contains(text, "unavailable") {
					t.Errorf("/readyz: %d %s", status, text)
				}
				client := i.stream()
				client.statuses(t, "")
				if first, _ := client.first(); !strings.Contains(first.Stale, "unavailable") {
					t.Errorf("the page shows %q as stale", first.Stale)
				}
				srv.ClearFaults()
				time.Sleep(2 * time.Minute)
				if status, _, text := i.do(http.MethodGet, "/readyz", ""); status != 200 {
					t.Errorf("/readyz: %d %s", status, text)
				}
				i.stop()
			})
		})
	}
}

// While the watch cannot store events, the states are stale.
func TestReadyzWhileStuck(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		i.post("a")
		i.post("b")
		synctest.Wait()
		conn, err := i.store.db.Conn(t.Context()) // all statements wait for it
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute) // both jobs start after one
		if status, _, text := i.do(http.MethodGet, "/readyz", ""); status != 503 || !strings.Contains(text, "last fully up to date") {
			t.Errorf("/readyz: %d %s", status, text)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if status, _, text := i.do(http.MethodGet, "/readyz", ""); status != 200 {
			t.Errorf("/readyz: %d %s", status, text)
		}
		i.stop()
	})
}

// Before the first sweep is complete, nothing is known.
func TestReadyzAtStart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable", Times: -1})
		i := start(t, srv, file)
		time.Sleep(time.Minute)
		if status, _, text := i.do(http.MethodGet, "/readyz", ""); status != 503 || !strings.Contains(text, "unavailable") {
			t.Errorf("/readyz: %d %s", status, text)
		}
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
			if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			return conn // nothing reads it, and a pipe has no buffer
		}
		defer stall().Close()
		client := i.stream()
		id := i.post("show")
		time.Sleep(2 * time.Minute)
		got := client.statuses(t, id)
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

// Changes within a moment are one event, which has the latest state of each job.
func TestMergedChanges(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		client := i.stream()
		time.Sleep(streamInterval + streamPause)
		for _, status := range []string{"a", "b", "c"} {
			if _, err := i.store.put(t.Context(), state{ID: "1", Status: status}, true); err != nil {
				t.Fatal(err)
			}
			time.Sleep(streamPause / 10)
		}
		got := client.statuses(t, "1")
		equal(t, "events", got, "a", "c")
		i.stop()
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
		if _, err = io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the service blocks until the header is read
		for _, status := range []string{"a", "b", "c"} {
			for _, id := range []string{"1", "2"} {
				if _, err = i.store.put(t.Context(), state{ID: id, Status: status}, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var got []string
		for lines := bufio.NewScanner(resp.Body); len(got) < 2 && lines.Scan(); {
			var u received
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(text), &u) == nil {
				for _, v := range u.Jobs {
					got = append(got, v.ID+v.Status)
				}
			}
		}
		equal(t, "events", got, "1c", "2c")
		conn.Close()
		i.stop()
	})
}

// A HEAD request gets only the header, and the connection can be used again.
func TestHeadOfEvents(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		conn, err := i.net.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			_, _ = io.WriteString(conn, "HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n"+
				"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		}()
		if err = conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(text), "text/event-stream") || !strings.Contains(string(text), `{"status":"ok"}`) {
			t.Errorf("%q, error %v", text, err)
		}
		i.stop()
	})
}

// A stream outlives the timeouts of the server, kept open by updates.
func TestStreamKeepAlive(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		client := i.stream()
		time.Sleep(10 * time.Minute)
		id := i.post("show")
		got := client.statuses(t, id)
		equal(t, "events", got, "not started")
		if _, n := client.first(); n < 250 || n > 310 {
			t.Errorf("%d updates in 10 minutes", n)
		}
		i.stop()
	})
}
