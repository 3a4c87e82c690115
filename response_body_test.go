package livetranscode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestResponseSize checks that a success is read up to 8 MiB and an error up to 64 KiB.
func TestResponseSize(t *testing.T) {
	t.Parallel()
	endless := func(status int) (rt *scriptedTransport, read *int) {
		read = new(int)
		return newScript(func(req *http.Request) (*http.Response, error) {
			return responseTo(req, status, endlessBody{read}, "X-Acs-Request-Id", "header-id"), nil
		}), read
	}
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		rt, read := endless(200)
		err := getJob(t.Context(), clientOver(t, rt))
		if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, ErrBadResponse) || api.RequestID != "header-id" {
			t.Errorf("the error is %v, want ErrBadResponse", err)
		}
		if *read > 8<<20+64<<10 {
			t.Errorf("%d bytes were read", *read)
		}
		rt.wantRequests(t, 1)
	})
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		rt, read := endless(502)
		err := getJob(t.Context(), clientOver(t, rt, attempts(1)))
		api, ok := errors.AsType[*APIError](err)
		if !ok || !errors.Is(err, ErrUnavailable) || len(api.Message) > 256 || api.Message == "" {
			t.Errorf("the error is %v", err)
		}
		if *read > 64<<10+1 {
			t.Errorf("%d bytes were read", *read)
		}
	})
	t.Run("the largest success", func(t *testing.T) {
		t.Parallel()
		const job = `{"Job":{"Status":1}}`
		body := job + strings.Repeat(" ", 8<<20-len(job)+1)
		if err := getJob(t.Context(), clientOver(t, newScript(respond(200, body[:8<<20])))); err != nil {
			t.Error(err)
		}
		if err := getJob(t.Context(), clientOver(t, newScript(respond(200, body)))); !errors.Is(err, ErrBadResponse) {
			t.Errorf("the error of one byte more is %v", err)
		}
	})
}

type endlessBody struct{ read *int }

func (b endlessBody) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	*b.read += len(p)
	return len(p), nil
}

// TestCutOffResponses checks that a response that is cut off is retried, and that the error of the last one has the
// status and the request id that arrived.
func TestCutOffResponses(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"unexpected EOF": io.ErrUnexpectedEOF, "reset": syscall.ECONNRESET} {
		for _, status := range []int{200, 400} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				t.Parallel()
				cutOff := respondThenFail(status, `{"RequestId":"r","Job":{`, err)
				policy := WithRetryPolicy(RetryPolicy{BaseDelay: 1})
				rt := newScript(cutOff, success)
				if failed := getJob(t.Context(), clientOver(t, rt, policy)); failed != nil {
					t.Error(failed)
				}
				rt.wantRequests(t, 2)

				rt = newScript(cutOff)
				got := getJob(t.Context(), clientOver(t, rt, policy))
				api, ok := errors.AsType[*APIError](got)
				if !ok || !errors.Is(got, ErrBadResponse) || !errors.Is(got, err) || api.StatusCode != status || api.RequestID != "r" || api.Attempts != 3 {
					t.Errorf("the error is %#v", got)
				}
				rt.wantRequests(t, 3)
			})
		}
	}
	t.Run("on the wire", func(t *testing.T) {
		t.Parallel()
		whole := rawResponse(200, documentedJob)
		s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			switch n {
			case 0:
				return whole[:len(whole)-20], closeConn
			case 1:
				return "HTTP/1.1 200 OK\r\n", resetConn
			}
			return whole, keepOpen
		})
		if err := getJob(t.Context(), s.client(t, WithRetryPolicy(RetryPolicy{BaseDelay: 1}))); err != nil {
			t.Error(err)
		}
		s.wantRequests(t, 3)
	})
}

// TestBuffersAreNotShared checks that responses that are read concurrently, or one after the other, do not mix.
func TestBuffersAreNotShared(t *testing.T) {
	t.Parallel()
	rt := step(func(req *http.Request) (*http.Response, error) {
		id := req.URL.Query().Get("JobId")
		return respond(200, `{"RequestId":"`+id+`","Job":{"JobId":"`+id+`","Name":"`+strings.Repeat(id, 500)+`"}}`)(req)
	})
	c := clientOver(t, rt)
	jobs := make(chan *Job, 400)
	for i := range 4 {
		go func() {
			for j := range 100 {
				resp, err := c.GetLiveTranscodeJob(context.Background(), "job-"+strconv.Itoa(i*100+j))
				if err != nil {
					t.Error(err)
					jobs <- new(Job)
					continue
				}
				jobs <- resp.Job
			}
		}()
	}
	seen := make(map[string]bool)
	for range cap(jobs) {
		job := <-jobs
		seen[job.JobID] = true
		if job.Name != strings.Repeat(job.JobID, 500) {
			t.Errorf("job %s has the name %.40q...", job.JobID, job.Name)
		}
	}
	if len(seen) != cap(jobs) {
		t.Errorf("%d jobs came back, want %d", len(seen), cap(jobs))
	}
}

// TestConnectionIsReusedAfterErrors checks that the body of an error is read to its end.
func TestConnectionIsReusedAfterErrors(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("<p>error</p>\n", 4000) // 52 KB
	responses := []string{
		rawResponse(404, errorBodyJSON("InvalidParameter.ResourceNotFound", "no such job")),
		rawResponse(500, ""),
		rawResponse(502, page, "Content-Type", "text/html"),
		"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		rawResponse(302, "moved", "Location", "/elsewhere"),
		rawResponse(200, `{"RequestId":"r"`),
		rawResponse(200, ""),
		"HTTP/1.1 204 No Content\r\n\r\n",
		rawResponse(200, documentedJob),
	}
	s := newRawServer(t, func(n int, _ string) (string, connectionEnd) { return responses[n%len(responses)], keepOpen })
	c := s.client(t, attempts(1))
	for range len(responses) - 1 {
		if err := getJob(t.Context(), c); err == nil {
			t.Error("an error was taken for a success")
		}
	}
	if err := getJob(t.Context(), c); err != nil {
		t.Error(err)
	}
	if _, conns := s.seen(); conns != 1 {
		t.Errorf("%d connections were opened, want 1", conns)
	}
}

// TestSwitchingProtocols checks that the body of a 101 is not read: it is the bare connection, which no context
// interrupts.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	s := newRawServer(t, always("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", stallConn))
	done := make(chan error, 1)
	go func() { done <- getJob(t.Context(), s.client(t, attempts(1))) }()
	select {
	case err := <-done:
		if !errors.Is(err, ErrBadResponse) {
			t.Errorf("the error is %v, want ErrBadResponse", err)
		}
	case <-time.After(2 * time.Second):
		t.Error("the call does not end")
		s.close()
		<-done
	}
}

// TestMemoryIsBounded checks that a call allocates less than 32 MiB, whatever the response. All allocations count,
// those that were garbage already and those of the test's server too, so the peak is lower.
//
// It runs in a process of its own because the allocations of other tests would count.
func TestMemoryIsBounded(t *testing.T) { //nolint:paralleltest // inChild does it
	inChild(t, testMemoryIsBounded)
}

func testMemoryIsBounded(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	var chunk []byte // of 32 KiB
	chunk = fmt.Appendf(chunk, "%x\r\n%s\r\n", 32<<10, bytes.Repeat([]byte(" "), 32<<10))
	zeros := gzipped(strings.Repeat("0", 1<<20))
	member := fmt.Appendf(nil, "%x\r\n%s\r\n", len(zeros), zeros)
	opening := gzipped(`{"RequestId":"r","Job":{"Name":"`)
	opening = fmt.Sprintf("%x\r\n%s\r\n", len(opening), opening)
	const gz = "Content-Encoding: gzip\r\n"
	spaces := func() *flood { return &flood{"", chunk, 3200} }
	bomb := func() *flood { return &flood{opening, member, 1024} }
	brackets := func() *flood { return &flood{`{"Job":`, bytes.Repeat([]byte("["), 32<<10), 255} }
	objects := func() *flood { return &flood{`{"JobList":[`, bytes.Repeat([]byte("{},"), 10<<10), 272} } // 8 MiB
	get, list, getAndSubmit := faultOperations[:1], allOperations[1:2], []testOperation{faultOperations[0], faultOperations[2]}
	for _, tt := range []struct {
		name, head string
		body       func() *flood
		ops        []testOperation
		kind       error
	}{
		{"100 MiB", "HTTP/1.1 200 OK\r\n" + chunked, spaces, getAndSubmit, ErrBadResponse},
		{"100 MiB, announced", "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", spaces, get, ErrBadResponse},
		{"1 GiB, compressed", "HTTP/1.1 200 OK\r\n" + gz + chunked, bomb, getAndSubmit, ErrBadResponse},
		{"an error of 100 MiB", "HTTP/1.1 400 No\r\n" + chunked, spaces, get, ErrBadResponse},
		{"an error of 1 GiB, compressed", "HTTP/1.1 400 No\r\n" + gz + chunked, bomb, get, ErrBadResponse},
		{"a head without an end", "HTTP/1.1 200 OK\r\nX: ", spaces, get, ErrUnavailable},
		{"brackets", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", brackets, faultOperations, ErrBadResponse},
		{"list elements", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", objects, list, ErrBadResponse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var conns connCounter
			c, err := NewClient(WithEndpoint(serveFlood(t, tt.head, tt.body)), WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
				WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), attempts(1))
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range tt.ops {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := op.call(t.Context(), c)
				runtime.ReadMemStats(&after)
				wantKind(t, err, tt.kind)
				wantOneLine(t, err)
				if used := after.TotalAlloc - before.TotalAlloc; used >= 32<<20 {
					t.Errorf("%s allocates %d MiB", op.name, used>>20)
				}
			}
			conns.wantNoneOpen(t, c)
		})
	}
}
