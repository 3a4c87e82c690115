package livetranscode

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestConnectionIsReusedAfterErrors: the body of an error is read to its end.
func TestConnectionIsReusedAfterErrors(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("<p>sorry</p>\n", 4000) // 52 KB
	answers := []string{
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
	w := newRawServer(t, func(n int, _ string) (string, connectionEnd) { return answers[n%len(answers)], keepOpen })
	c := w.client(t, attempts(1))
	for range len(answers) - 1 {
		if err := getJob(t.Context(), c); err == nil {
			t.Error("an error was taken for a success")
		}
	}
	if err := getJob(t.Context(), c); err != nil {
		t.Error(err)
	}
	if _, conns := w.seen(); conns != 1 {
		t.Errorf("%d connections were opened, want 1", conns)
	}
}

// TestSwitchingProtocols: after such an answer net/http hands over the bare connection, on which no context
// has power. Reading on would never end.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	w := newRawServer(t, func(int, string) (string, connectionEnd) {
		return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", stallConn
	})
	done := make(chan error, 1)
	go func() { done <- getJob(t.Context(), w.client(t, attempts(1))) }()
	select {
	case err := <-done:
		if !errors.Is(err, ErrBadResponse) {
			t.Errorf("the error is %v, want ErrBadResponse", err)
		}
	case <-time.After(2 * time.Second):
		t.Error("the call hangs")
		w.close()
		<-done
	}
}

func TestGetLiveTranscodeJob(t *testing.T) {
	t.Parallel()
	rt := newScript(respond(200, documentedJob, "X-Acs-Request-Id", "header-id"))
	got, err := clientOver(t, rt).GetLiveTranscodeJob(t.Context(), "****20b48fb04483915d4f2cd8ac****")
	if err != nil {
		t.Fatal(err)
	}
	want := &GetLiveTranscodeJobResponse{
		RequestID: "******3B-0E1A-586A-AC29-742247******",
		Job: &Job{
			Name:         "task1",
			JobID:        "****20b48fb04483915d4f2cd8ac****",
			TemplateType: TemplateTypeNormal,
			TemplateID:   "b6491d5b3e514b7d895d14b5453ea119",
			TemplateName: "basic",
			StartMode:    StartModeImmediate,
			Status:       JobStatusInProgress,
			StreamInput:  StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
			OutputStream: OutputStream{StreamInfos: []StreamInfo{{Type: "rtmp", OutputURL: "rtmp://mydomain/app/mytranscode1"}}},
			CreateTime:   time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	rt.wantRequests(t, 1)
}

func TestReadableAnswers(t *testing.T) {
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
		"long answer":                 {respond(200, `{"RequestId":"r","Job":{"Status":1,"Name":"`+strings.Repeat("x", 1<<20)+`"}}`), "r", JobStatusInProgress},
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

// TestUnusableAnswers: a success without its content is one error that says so, with what is known, after one
// request: the answer would be the same again.
func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		body      string
		requestID string // from the body; otherwise it is the header's
		text      string // in the error
	}{
		"no job":              {200, `{"RequestId":"body-id"}`, "body-id", "no Job"},
		"null job":            {200, `{"RequestId":"body-id","Job":null}`, "body-id", "no Job"},
		"job of another type": {200, `{"RequestId":"body-id","Job":[]}`, "body-id", "/Job"},
		"odd status":          {200, `{"RequestId":"body-id","Job":{"Status":"running"}}`, "body-id", "/Job/Status"},
		"misspelt job":        {200, `{"RequestId":"body-id","job":{}}`, "body-id", "no Job"},
		"empty object":        {200, `{}`, "", "no Job"},
		"empty":               {200, ``, "", "empty or cut off"},
		"white space":         {200, "\n", "", "empty or cut off"},
		"only a mark":         {200, "\xef\xbb\xbf", "", "empty or cut off"},
		"null":                {200, `null`, "", "no Job"},
		"array":               {200, `[]`, "", "wrong type"},
		"string":              {200, `"Job"`, "", "wrong type"},
		"broken JSON":         {200, `{"RequestId":"body-id","Job":}`, "body-id", "not valid JSON"},
		"cut JSON":            {200, `{"RequestId":"body-id","Job":{"Name":"task1","StreamInput":{"InputUrl":"rtmp://d/app/streamkey`, "body-id", "cut off"},
		"two values":          {200, documentedJob + documentedJob, "******3B-0E1A-586A-AC29-742247******", "not valid JSON"},
		"HTML":                {200, `<html>log in first</html>`, "", "not valid JSON"},
		"HTML that is shown":  {200, "\n" + `<html>log in first</html>`, "", "log in first"},
		"error body":          {200, errorBodyJSON("InternalError", "trouble"), "req-1", "InternalError"},
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
				t.Errorf("there is an answer beside the error: %v", resp)
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
			for _, kind := range kinds {
				if is := errors.Is(err, kind); is != errors.Is(ErrBadResponse, kind) {
					t.Errorf("errors.Is(%q, %q) is %t", err, kind, is)
				}
			}
			if text := err.Error(); !strings.Contains(text, tt.text) || strings.ContainsAny(text, "\r\n") || strings.Contains(text, "streamkey") {
				t.Errorf("the error is %q, want one line with %q", text, tt.text)
			}
			rt.wantRequests(t, 1)
		})
	}
}

// TestEmptyAnswersOfOthers: no operation takes nothing for a success.
func TestEmptyAnswersOfOthers(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		for _, body := range []string{``, `<html>`, `[]`, `{"RequestId":"r"`} {
			rt := newScript(respond(200, body))
			err := op.call(t.Context(), clientOver(t, rt))
			if !errors.Is(err, ErrBadResponse) || errors.Is(err, ErrAmbiguous) != op.once {
				t.Errorf("%s with %q: %v", op.name, body, err)
			}
			rt.wantRequests(t, 1)
		}
	}
}

func TestMalformedCreateTime(t *testing.T) {
	t.Parallel()
	for _, date := range []string{
		`"yesterday"`, `"2022-07-20"`, `12345`, `{"a":1}`, `"2022-13-45T00:00:00Z"`, `""`, `null`, `"soon","CreateTime":""`,
	} {
		t.Run(date, func(t *testing.T) {
			t.Parallel()
			c := clientOver(t, newScript(respond(200, `{"RequestId":"r","Job":{"JobId":"j","CreateTime":`+date+`,"Status":1}}`)))
			resp, err := c.GetLiveTranscodeJob(t.Context(), "j")
			if err != nil {
				t.Fatal(err)
			}
			if !resp.Job.CreateTime.IsZero() || resp.Job.Status != JobStatusInProgress {
				t.Errorf("CreateTime is %v and Status %v, want the zero time and %v", resp.Job.CreateTime, resp.Job.Status, JobStatusInProgress)
			}
		})
	}
}

// TestAnswerSize: a success is read up to 8 MiB and an error up to 64 KiB, decompressed.
func TestAnswerSize(t *testing.T) {
	t.Parallel()
	endless := func(status int, read *int) step {
		return func(req *http.Request) (*http.Response, error) {
			return responseTo(req, status, io.NopCloser(endlessBody{read}), "X-Acs-Request-Id", "header-id"), nil
		}
	}
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		var read int
		rt := newScript(endless(200, &read))
		err := getJob(t.Context(), clientOver(t, rt))
		if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, ErrBadResponse) || api.RequestID != "header-id" {
			t.Errorf("the error is %v, want ErrBadResponse", err)
		}
		if read > 8<<20+64<<10 {
			t.Errorf("%d bytes were read", read)
		}
		rt.wantRequests(t, 1)
	})
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		var read int
		err := getJob(t.Context(), clientOver(t, newScript(endless(502, &read)), attempts(1)))
		api, ok := errors.AsType[*APIError](err)
		if !ok || !errors.Is(err, ErrUnavailable) || len(api.Message) > 256 || api.Message == "" {
			t.Errorf("the error is %v", err)
		}
		if read > 64<<10+1 {
			t.Errorf("%d bytes were read", read)
		}
	})
	t.Run("as large as allowed", func(t *testing.T) {
		t.Parallel()
		body := `{"Job":{"Status":1}}`
		body += strings.Repeat(" ", 8<<20-len(body))
		if err := getJob(t.Context(), clientOver(t, newScript(respond(200, body)))); err != nil {
			t.Error(err)
		}
		if err := getJob(t.Context(), clientOver(t, newScript(respond(200, body+" ")))); !errors.Is(err, ErrBadResponse) {
			t.Errorf("the error of one byte more is %v", err)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, func(n int, head string) (string, connectionEnd) {
			if !strings.Contains(head, "\r\nAccept-Encoding: gzip\r\n") {
				t.Error("compression is not asked for")
			}
			plain := documentedJob
			if n > 0 {
				plain = `{"Job":{"Name":"` + strings.Repeat("0", 9<<20) + `"}}`
			}
			var packed bytes.Buffer
			z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
			io.WriteString(z, plain)
			z.Close()
			return rawResponse(200, packed.String(), "Content-Encoding", "gzip"), keepOpen
		})
		c := w.client(t)
		if err := getJob(t.Context(), c); err != nil {
			t.Error(err)
		}
		if err := getJob(t.Context(), c); !errors.Is(err, ErrBadResponse) {
			t.Errorf("the error of a bomb is %v, want ErrBadResponse", err)
		}
	})
}

type endlessBody struct{ read *int }

var filler = bytes.Repeat([]byte("x"), 1<<20)

func (b endlessBody) Read(p []byte) (int, error) {
	n := copy(p, filler)
	*b.read += n
	return n, nil
}

// TestCutAnswers: what breaks off on the way is asked for again, and if it stays so, it is an unusable answer
// with the status and id that did arrive.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"unexpected EOF": io.ErrUnexpectedEOF, "reset": syscall.ECONNRESET} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(respondThenFail(`{"RequestId":"r","Job":{`, err), respond(200, documentedJob))
			c := clientOver(t, rt, WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
			if failed := getJob(t.Context(), c); failed != nil {
				t.Error(failed)
			}
			rt.wantRequests(t, 2)

			rt = newScript(respondThenFail(`{"RequestId":"r","Job":{`, err))
			got := getJob(t.Context(), clientOver(t, rt, WithRetryPolicy(RetryPolicy{BaseDelay: 1})))
			api, ok := errors.AsType[*APIError](got)
			if !ok || !errors.Is(got, ErrBadResponse) || !errors.Is(got, err) || api.StatusCode != 200 || api.RequestID != "r" || api.Attempts != 3 {
				t.Errorf("the error is %#v", got)
			}
			rt.wantRequests(t, 3)
		})
	}
	t.Run("on the wire", func(t *testing.T) {
		t.Parallel()
		whole := rawResponse(200, documentedJob)
		w := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			switch n {
			case 0:
				return whole[:len(whole)-20], closeConn
			case 1:
				return "HTTP/1.1 200 OK\r\n", resetConn
			}
			return whole, keepOpen
		})
		if err := getJob(context.Background(), w.client(t, WithRetryPolicy(RetryPolicy{BaseDelay: 1}))); err != nil {
			t.Error(err)
		}
		if heads, _ := w.seen(); len(heads) != 3 {
			t.Errorf("%d requests were sent, want 3", len(heads))
		}
	})
}

// TestBuffersAreNotShared: answers that are read at the same time, or one after the other, do not mix.
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
