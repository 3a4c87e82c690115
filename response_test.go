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

func TestUsableResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step      step
		requestID string
		status    JobStatus
	}{
		"request id from the header":  {respond(200, `{"Job":{"Status":1}}`, "X-Acs-Request-Id", "header-id"), "header-id", JobStatusInProgress},
		"request id from the body":    {respond(200, `{"RequestId":"r","Job":{"Status":1}}`, "X-Acs-Request-Id", "header-id"), "r", JobStatusInProgress},
		"no request id":               {respond(200, `{"Job":{"Status":1}}`), "", JobStatusInProgress},
		"byte order mark":             {respond(200, "\xef\xbb\xbf"+`{"RequestId":"r","Job":{"Status":2}}`), "r", JobStatusStopped},
		"another 2xx":                 {respond(201, `{"RequestId":"r","Job":{"Status":2}}`), "r", JobStatusStopped},
		"absent status":               {respond(200, `{"RequestId":"r","Job":{}}`), "r", JobStatusUnknown},
		"null status":                 {respond(200, `{"RequestId":"r","Job":{"Status":null}}`), "r", JobStatusUnknown},
		"quoted status":               {respond(200, `{"RequestId":"r","Job":{"Status":"1"}}`), "r", JobStatusInProgress},
		"unknown status":              {respond(200, `{"RequestId":"r","Job":{"Status":7}}`), "r", JobStatus(7)},
		"unknown fields":              {respond(200, `{"RequestId":"r","New":[{}],"Job":{"Newer":{},"Status":0}}`), "r", JobStatusNotStarted},
		"invalid UTF-8":               {respond(200, "{\"RequestId\":\"r\",\"Job\":{\"Name\":\"\xff\",\"Status\":0}}"), "r", JobStatusNotStarted},
		"duplicate names":             {respond(200, `{"RequestId":"q","RequestId":"r","Job":{"Status":0,"Status":1}}`), "r", JobStatusInProgress},
		"code beside a job":           {respond(200, `{"RequestId":"r","Code":"Success","Job":{"Status":1}}`), "r", JobStatusInProgress},
		"white space around the JSON": {respond(200, "\r\n {\"RequestId\":\"r\",\"Job\":{\"Status\":1}} \r\n"), "r", JobStatusInProgress},
		"long response":               {respond(200, `{"RequestId":"r","Job":{"Status":1,"Name":"`+strings.Repeat("x", 1<<20)+`"}}`), "r", JobStatusInProgress},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := clientOver(t, newScript(tt.step)).GetLiveTranscodeJob(t.Context(), "job-1")
			if err != nil {
				t.Fatal(err)
			}
			if resp.RequestID != tt.requestID || resp.Job.Status != tt.status {
				t.Errorf("request id %q and status %v, want %q and %v", resp.RequestID, resp.Job.Status, tt.requestID, tt.status)
			}
		})
	}
}

// TestUnusableResponses checks that a success without its content is not retried, and that its error says what is
// missing.
func TestUnusableResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		body      string
		requestID string // from the body; otherwise it is the header's
		text      string // in the error
	}{
		"no job":              {200, `{"RequestId":"body-id"}`, "body-id", "no Job"},
		"null job":            {200, `{"RequestId":"body-id","Job":null}`, "body-id", "no Job"},
		"job of another type": {200, `{"RequestId":"body-id","Job":[]}`, "body-id", "no Job"},
		"two jobs, one bad":   {200, `{"RequestId":"body-id","Job":{},"Job":"x"}`, "body-id", "no Job"},
		"other case":          {200, `{"RequestId":"body-id","job":{}}`, "body-id", "no Job"},
		"empty object":        {200, `{}`, "", "no Job"},
		"empty":               {200, ``, "", "empty or cut off"},
		"white space":         {200, "\n", "", "empty or cut off"},
		"byte order mark":     {200, "\xef\xbb\xbf", "", "empty or cut off"},
		"null":                {200, `null`, "", "not a JSON object"},
		"array":               {200, `[]`, "", "not a JSON object"},
		"string":              {200, `"Job"`, "", "not a JSON object"},
		"invalid JSON":        {200, `{"RequestId":"body-id","Job":}`, "body-id", "not valid JSON"},
		"cut JSON":            {200, `{"RequestId":"body-id","Job":{"Name":"task1","StreamInput":{"InputUrl":"rtmp://d/app/streamkey`, "body-id", "cut off"},
		"two values":          {200, documentedJob + documentedJob, "******3B-0E1A-586A-AC29-742247******", "not valid JSON"},
		"HTML":                {200, `<html>log in first</html>`, "", "not valid JSON"},
		"HTML that is shown":  {200, "\n" + `<html>log in first</html>`, "", "log in first"},
		"error body":          {200, errorBodyJSON("InternalError", "text"), "req-1", "InternalError"},
		"throttled with 200":  {200, errorBodyJSON("Throttling.User", "slow down"), "req-1", "Throttling.User"},
		"no content":          {204, ``, "", "empty or cut off"},
		"accepted":            {202, `{"RequestId":"body-id"}`, "body-id", "no Job"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(respond(tt.status, tt.body, "X-Acs-Request-Id", "header-id"), respond(200, documentedJob))
			resp, err := clientOver(t, rt).GetLiveTranscodeJob(t.Context(), "job-1")
			if resp != nil {
				t.Errorf("there is a response beside the error: %v", resp)
			}
			api, ok := errors.AsType[*APIError](err)
			if !ok {
				t.Fatalf("the error is %#v, want an *APIError", err)
			}
			want := tt.requestID
			if want == "" {
				want = "header-id"
			}
			if api.StatusCode != tt.status || api.RequestID != want || api.Attempts != 1 || api.Operation != "GetLiveTranscodeJob" {
				t.Errorf("status %d, request id %q, %d attempts, operation %q; want %d, %q, 1",
					api.StatusCode, api.RequestID, api.Attempts, api.Operation, tt.status, want)
			}
			wantKind(t, err, ErrBadResponse)
			wantOneLine(t, err)
			wantNone(t, err.Error(), "streamkey")
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error %q lacks %q", err, tt.text)
			}
			rt.wantRequests(t, 1)
		})
	}
}

// TestEmptyResponses: an operation that returns nothing has succeeded if the service's gateway added a request id,
// whatever the 2xx status, and whether there is a body. To the others an empty response is none.
func TestEmptyResponses(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		returnsNothing := op.success == `{"RequestId":"r"}`
		for _, tt := range []struct {
			status   int
			body, id string
			good     bool
		}{
			{200, "", "header-id", returnsNothing},
			{200, " \r\n", "header-id", returnsNothing},
			{200, "\xef\xbb\xbf", "header-id", returnsNothing},
			{200, "{}", "header-id", returnsNothing},
			{200, `{"RequestId":"r"}`, "", returnsNothing},
			{200, `{"RequestId":"r","Code":"OK","Message":"ok"}`, "", returnsNothing},
			{200, `{"RequestId":"r","code":"InternalError"}`, "header-id", false},
			{202, "", "header-id", returnsNothing},
			{202, `{"RequestId":"r"}`, "", returnsNothing},
			{204, "", "header-id", returnsNothing},
			{200, "", "", false}, // anybody can say nothing
			{200, "{}", "", false},
			{202, "", "", false},
			{204, "", "", false},
			{200, "<html>", "header-id", false},
			{200, "[]", "header-id", false},
			{200, "null", "header-id", false},
			{200, `{"RequestId":"r"`, "header-id", false},
		} {
			rt := newScript(respond(tt.status, tt.body, "X-Acs-Request-Id", tt.id))
			err := op.call(t.Context(), clientOver(t, rt))
			if tt.good {
				if err != nil {
					t.Errorf("%s with %d and %q: %v", op.name, tt.status, tt.body, err)
				}
				continue
			}
			if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, ErrBadResponse) || errors.Is(err, ErrAmbiguous) == op.idempotent || api.Attempts != 1 {
				t.Errorf("%s with %d and %q: %#v", op.name, tt.status, tt.body, err)
			}
			rt.wantRequests(t, 1)
		}
	}
	var id string
	deleted, err := clientOver(t, newScript(respond(204, "", "X-Acs-Request-Id", "header-id"))).DeleteLiveTranscodeJob(t.Context(), "j")
	if err == nil {
		id = deleted.RequestID
	}
	if id != "header-id" {
		t.Errorf("the request id is %q, %v", id, err)
	}
}

// newIDOperations are the operations that return a new id, whose name in the response is name.
var newIDOperations = []struct {
	operation, name string
	call            func(context.Context, *Client) (id string, err error)
}{
	{"SubmitLiveTranscodeJob", "JobId", func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.SubmitLiveTranscodeJob(ctx, &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: "u"}})
		if err != nil {
			return "", err
		}
		return resp.JobID, nil
	}},
	{"CreateLiveTranscodeTemplate", "TemplateId", func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.CreateLiveTranscodeTemplate(ctx, &CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeOrigin})
		if err != nil {
			return "", err
		}
		return resp.TemplateID, nil
	}},
}

// TestNewIDIsKept: a response that has a new id is a success, whatever follows the id, or breaks after it. What was
// read of an id that may not be whole is in the error.
func TestNewIDIsKept(t *testing.T) {
	t.Parallel()
	const id = "the-new-id"
	for _, op := range newIDOperations {
		whole := `{"RequestId":"r","` + op.name + `":"` + id + `","Other":[{"Name":"x"}]}`
		known := strings.Index(whole, id) + len(id) + 1 // where the id is whole
		for n := range len(whole) + 1 {
			for name, step := range map[string]step{
				"ends early":   respond(200, whole[:n]),
				"reset":        respondThenFail(200, whole[:n], syscall.ECONNRESET),
				"cut off":      respondThenFail(200, whole[:n], io.ErrUnexpectedEOF),
				"then HTML":    respond(200, whole[:n]+"<html>"),
				"then another": respond(200, whole[:n]+"{}"),
			} {
				rt := newScript(step)
				got, err := op.call(t.Context(), clientOver(t, rt))
				rt.wantRequests(t, 1)
				if n >= known {
					if got != id || err != nil {
						t.Errorf("%s after %q, %s: %q, %v", op.operation, whole[:n], name, got, err)
					}
					continue
				}
				if err == nil || !errors.Is(err, ErrAmbiguous) {
					t.Fatalf("%s after %q, %s: %q, %v", op.operation, whole[:n], name, got, err)
				}
				part := whole[min(n, strings.Index(whole, id)):n]
				if part != "" && !strings.HasPrefix(name, "then") && !strings.Contains(err.Error(), "names the id "+part+", perhaps") {
					t.Errorf("%s after %q, %s: the error %q does not name %q", op.operation, whole[:n], name, err, part)
				}
			}
		}
	}
}

// TestNewIDMalformed: ids in responses that are malformed in other ways.
func TestNewIDMalformed(t *testing.T) {
	t.Parallel()
	for _, op := range newIDOperations {
		for _, tt := range []struct{ body, id, named string }{
			{`{"NAME":123,"RequestId":"r"`, "123", ""},
			{`{"NAME":"a\u002fb"`, "a/b", ""},
			{`{"NAME":"old","NAME":"new","RequestId":`, "new", ""},
			{`{"NAME":"x"} {"NAME":"y"}`, "x", ""},
			{`{"NAME":12`, "", "12"}, // there may be more digits
			{`{"NAME" : "cut`, "", "cut"},
			{`{"RequestId":tru,"NAME":"whole"}`, "", "whole"},
			{`{"Data":{"NAME":"inner"}}`, "", "inner"},
			{`{"NAME":nul`, "", ""},
			{`{"NAME":"`, "", ""},
			{`{"NAME"`, "", ""},
			{`{"NAME":null}`, "", ""},
			{`{"NAME":[]}`, "", ""},
			{`{"requestId":"r","CAMEL":"x"`, "x", ""},
			{`{"requestId":"r","CAMEL":"cut`, "", "cut"},
			{`{"NAME":"x","CAMEL":"","CAMEL":null,"CAMEL":[]`, "x", ""},
		} {
			tt.body = strings.ReplaceAll(tt.body, "CAMEL", strings.ToLower(op.name[:1])+op.name[1:])
			got, err := op.call(t.Context(), clientOver(t, newScript(respondThenFail(200, strings.ReplaceAll(tt.body, "NAME", op.name), io.ErrUnexpectedEOF))))
			if tt.id != "" {
				if got != tt.id || err != nil {
					t.Errorf("%s: %q, %v", tt.body, got, err)
				}
				continue
			}
			if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, io.ErrUnexpectedEOF) ||
				strings.Contains(err.Error(), "names the id "+tt.named+", perhaps") != (tt.named != "") || strings.Contains(err.Error(), "names the id") != (tt.named != "") {
				t.Errorf("%s: %v", tt.body, err)
			}
		}
		// The caller's context ends while the rest is awaited.
		for body, known := range map[string]bool{`{"NAME":"whole",`: true, `{"NAME":"par`: false} {
			ctx, cancel := context.WithCancel(t.Context())
			got, err := op.call(ctx, clientOver(t, newScript(func(req *http.Request) (*http.Response, error) {
				time.AfterFunc(time.Millisecond, cancel)
				return respondThenBlock(200, strings.ReplaceAll(body, "NAME", op.name))(req)
			})))
			if known && (got != "whole" || err != nil) || !known && (!errors.Is(err, ErrAmbiguous) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "names the id par, perhaps")) {
				t.Errorf("%s, and the context ends: %q, %v", body, got, err)
			}
		}
	}
}

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

// TestSwitchingProtocols checks that the body of such a response is not read: it is the bare connection, which no
// context interrupts.
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
