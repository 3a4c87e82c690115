package livetranscode

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

// wantKind checks that err is of one kind and of no other.
func wantKind(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range kinds {
		if got := errors.Is(err, kind); got != errors.Is(want, kind) {
			t.Errorf("errors.Is(%q, %q) is %t", err, kind, got)
		}
	}
}

// wantOneLine checks what every error's text must be.
func wantOneLine(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(text) || text == "" {
		t.Errorf("the error %q is not one line", text)
	}
}

// wantNone checks that a text holds none of the secrets.
func wantNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows %q", text, secret)
		}
	}
}

// answered returns the error of an attempt to get a job that got this answer.
func answered(t *testing.T, status int, body string, header ...string) error {
	t.Helper()
	err := getJob(t.Context(), clientOver(t, newScript(respond(status, body, header...)), attempts(1)))
	if err == nil {
		t.Fatalf("status %d with %q is no error", status, body)
	}
	wantOneLine(t, err)
	return err
}

const (
	testKeyID  = "test-id"
	testSecret = "test/secret+0123456789"
	testToken  = "test/token+9876543210=="

	// documentedJob is the answer that the service's documentation shows.
	documentedJob = `{"RequestId":"******3B-0E1A-586A-AC29-742247******","Job":{"Name":"task1","JobId":"****20b48fb04483915d4f2cd8ac****","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic","StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"},"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/mytranscode1"}]},"CreateTime":"2022-07-20T02:48:58Z"}}`
)

// kinds are the sentinels of which an error of the service is exactly one.
var kinds = []error{
	ErrNotFound, ErrThrottled, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrUnavailable, ErrBadResponse,
}

// everyOperation has a row for each operation, with an answer that it accepts.
var allOperations = []struct {
	name    string
	once    bool // not idempotent
	success string
	call    func(context.Context, *Client) error
}{
	{"GetLiveTranscodeJob", false, documentedJob, getJob},
	{"ListLiveTranscodeJobs", false, `{"RequestId":"r","TotalCount":0,"JobList":[]}`, func(ctx context.Context, c *Client) error {
		_, err := c.ListLiveTranscodeJobs(ctx, nil)
		return err
	}},
	{"SubmitLiveTranscodeJob", true, `{"RequestId":"r","JobId":"j"}`, submitJob},
	{"UpdateLiveTranscodeJob", false, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeJob(ctx, &UpdateLiveTranscodeJobRequest{JobID: "j", Name: "n"})
		return err
	}},
	{"SendLiveTranscodeJobCommand", false, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.SendLiveTranscodeJobCommand(ctx, "j", JobCommandStop)
		return err
	}},
	{"DeleteLiveTranscodeJob", false, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.DeleteLiveTranscodeJob(ctx, "j")
		return err
	}},
	{"CreateLiveTranscodeTemplate", true, `{"RequestId":"r","TemplateId":"t"}`, func(ctx context.Context, c *Client) error {
		_, err := c.CreateLiveTranscodeTemplate(ctx, &CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeOrigin})
		return err
	}},
	{"GetLiveTranscodeTemplate", false, `{"RequestId":"r","TemplateContent":{"TemplateId":"t"}}`, func(ctx context.Context, c *Client) error {
		_, err := c.GetLiveTranscodeTemplate(ctx, "t")
		return err
	}},
	{"ListLiveTranscodeTemplates", false, `{"RequestId":"r","TotalCount":0,"TemplateContentList":[]}`, func(ctx context.Context, c *Client) error {
		_, err := c.ListLiveTranscodeTemplates(ctx, nil)
		return err
	}},
	{"UpdateLiveTranscodeTemplate", false, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeTemplate(ctx, &UpdateLiveTranscodeTemplateRequest{TemplateID: "t", Name: "n"})
		return err
	}},
	{"DeleteLiveTranscodeTemplate", false, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.DeleteLiveTranscodeTemplate(ctx, "t")
		return err
	}},
}

func getJob(ctx context.Context, c *Client) error {
	_, err := c.GetLiveTranscodeJob(ctx, "job-1")
	return err
}

func submitJob(ctx context.Context, c *Client) error {
	_, err := c.SubmitLiveTranscodeJob(ctx, &SubmitLiveTranscodeJobRequest{
		Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: "rtmp://domain/app/streamkey"},
	})
	return err
}

// clientOver returns a client that sends through rt with permanent credentials; options come on top.
func clientOver(t *testing.T, rt http.RoundTripper, opts ...Option) *Client {
	t.Helper()
	c, err := NewClient(append([]Option{
		WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
		WithHTTPClient(&http.Client{Transport: rt}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// attempts is the policy of n attempts.
func attempts(n int) Option { return WithRetryPolicy(RetryPolicy{MaxAttempts: n}) }

// A step is what a transport does with one request.
type step func(*http.Request) (*http.Response, error)

// RoundTrip makes a step a transport.
func (s step) RoundTrip(req *http.Request) (*http.Response, error) { return s(req) }

// A script is a transport that takes one step for each request, the last one again and again, and remembers
// what it saw and when.
type scriptedTransport struct {
	steps []step

	mu   sync.Mutex
	seen []sentRequest
	open atomic.Int32 // bodies that were not closed
}

type sentRequest struct {
	at     time.Time
	query  string
	header http.Header
}

func newScript(steps ...step) *scriptedTransport { return &scriptedTransport{steps: steps} }

func (s *scriptedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	next := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, sentRequest{time.Now(), req.URL.RawQuery, req.Header.Clone()})
	s.mu.Unlock()
	resp, err := next(req)
	if resp != nil && resp.Body != nil {
		s.open.Add(1)
		resp.Body = &countedBody{ReadCloser: resp.Body, open: &s.open}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	once sync.Once
	open *atomic.Int32
}

func (b *countedBody) Close() error {
	b.once.Do(func() { b.open.Add(-1) })
	return b.ReadCloser.Close()
}

// requests returns what was sent, and checks that every body was closed.
func (s *scriptedTransport) requests(t *testing.T) []sentRequest {
	t.Helper()
	if n := s.open.Load(); n != 0 {
		t.Errorf("%d bodies were not closed", n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// wantRequests checks how many requests were sent.
func (s *scriptedTransport) wantRequests(t *testing.T, want int) {
	t.Helper()
	if got := len(s.requests(t)); got != want {
		t.Errorf("%d requests were sent, want %d", got, want)
	}
}

// gaps returns the times between the requests.
func (s *scriptedTransport) gaps(t *testing.T) []time.Duration {
	t.Helper()
	seen := s.requests(t)
	var gaps []time.Duration
	for i := 1; i < len(seen); i++ {
		gaps = append(gaps, seen[i].at.Sub(seen[i-1].at))
	}
	return gaps
}

// says answers with a status, a body, and headers as name and value in turn.
func respond(status int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, io.NopCloser(strings.NewReader(body)), header...), nil
	}
}

// refuses answers with an error as the service writes it.
func respondError(status int, code string, header ...string) step {
	return respond(status, errorBodyJSON(code, "text of "+code), header...)
}

func errorBodyJSON(code, message string) string {
	b, _ := json.Marshal(map[string]string{
		"RequestId": "req-1", "HostId": "ice.cn-shanghai.aliyuncs.com", "Code": code, "Message": message,
		"Recommend": "https://api.example.com/troubleshoot?q=" + code,
	})
	return string(b)
}

func responseTo(req *http.Request, status int, body io.ReadCloser, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Header: h, Body: body, Request: req,
	}
}

// breaks returns an error instead of an answer, and reports nothing to a trace.
func failWith(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hangs answers nothing until the request's context ends.
func block(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// breaksOff answers 200 with the beginning of a body, then err.
func respondThenFail(beginning string, err error) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, 200, io.NopCloser(io.MultiReader(strings.NewReader(beginning), failingReader{err}))), nil
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// hangsOff answers 200 with the beginning of a body, and no more until the request's context ends.
func respondThenBlock(beginning string) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, 200, io.NopCloser(io.MultiReader(strings.NewReader(beginning), endOf{req.Context()}))), nil
	}
}

type endOf struct{ ctx context.Context }

func (r endOf) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

// unwritten is next on a transport that reports to a trace that it got no further than asking for a connection.
func unwritten(next step) step {
	return func(req *http.Request) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GetConn != nil {
			trace.GetConn(req.URL.Host)
		}
		return next(req)
	}
}

// written is next on a transport that reports to a trace that the headers were sent.
func written(next step) step {
	return unwritten(func(req *http.Request) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
			trace.WroteHeaders()
		}
		return next(req)
	})
}

// A logbook keeps what is logged.
type logRecorder struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logRecorder) option() Option {
	return WithLogger(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func (l *logRecorder) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// entries returns what was logged at a level.
func (l *logRecorder) entries(t *testing.T, level slog.Level) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(l.text()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["level"] == level.String() {
			all = append(all, entry)
		}
	}
	return all
}

// A wire is a server that shows the bytes that a client sends.
type rawServer struct {
	url  string
	stop chan struct{}

	mu    sync.Mutex
	conns []net.Conn
	heads []string
	once  sync.Once
	wg    sync.WaitGroup
	ln    net.Listener
}

// An ending is what a wire does with a connection after an answer.
type connectionEnd int

const (
	keepOpen  connectionEnd = iota
	closeConn               // in an orderly way
	resetConn
	stallConn // keeps the connection and reads no more
)

// listen starts a wire. answer gets the number of the request, from 0, and its head.
func newRawServer(t *testing.T, answer func(n int, head string) (raw string, then connectionEnd)) *rawServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newRawServerOn(t, ln, answer)
}

// listenOn starts a wire on a listener of one's own, which it closes.
func newRawServerOn(t *testing.T, ln net.Listener, answer func(n int, head string) (raw string, then connectionEnd)) *rawServer {
	w := &rawServer{url: "http://" + ln.Addr().String(), stop: make(chan struct{}), ln: ln}
	w.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conns = append(w.conns, conn)
			w.mu.Unlock()
			w.wg.Go(func() { w.serve(conn, answer) })
		}
	})
	t.Cleanup(w.close)
	return w
}

func (w *rawServer) close() {
	w.once.Do(func() {
		close(w.stop)
		w.ln.Close()
		w.mu.Lock()
		for _, conn := range w.conns {
			conn.Close()
		}
		w.mu.Unlock()
		w.wg.Wait()
	})
}

func (w *rawServer) serve(conn net.Conn, answer func(int, string) (string, connectionEnd)) {
	defer conn.Close()
	for br := bufio.NewReader(conn); ; {
		var head strings.Builder
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
			if line == "\r\n" {
				break
			}
		}
		w.mu.Lock()
		n := len(w.heads)
		w.heads = append(w.heads, head.String())
		w.mu.Unlock()
		raw, then := answer(n, head.String())
		if _, err := io.WriteString(conn, raw); err != nil {
			return
		}
		switch then {
		case keepOpen:
		case closeConn:
			return
		case resetConn:
			conn.(*net.TCPConn).SetLinger(0)
			return
		case stallConn:
			<-w.stop
			return
		}
	}
}

func (w *rawServer) seen() (heads []string, conns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.heads), len(w.conns)
}

// client returns a client with a transport of its own that calls the wire.
func (w *rawServer) client(t *testing.T, opts ...Option) *Client {
	t.Helper()
	c, err := NewClient(append([]Option{
		WithEndpoint(w.url), WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// rawAnswer is an answer as it travels.
func rawResponse(status int, body string, header ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	return b.String() + "\r\n" + body
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var success = respond(200, documentedJob)

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// dated answers that the timestamp is not accepted, from a clock that is ahead of this machine's.
func dated(code string, ahead time.Duration, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		h := append([]string{"Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat)}, header...)
		return respondError(400, code, h...)(req)
	}
}
