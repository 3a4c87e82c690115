package livetranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the tests allocate much and keep little
	goleak.VerifyTestMain(m)
}

// raceEnabled reports whether the race detector is on. It allocates on its own, and drops what sync.Pool keeps.
var raceEnabled = func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()

const (
	testKeyID  = "test-id"
	testSecret = "test/secret+0123456789"
	testToken  = "test/token+9876543210=="

	// documentedJob is the response that the service's documentation shows.
	documentedJob = `{"RequestId":"******3B-0E1A-586A-AC29-742247******","Job":{"Name":"task1","JobId":"****20b48fb04483915d4f2cd8ac****","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic","StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"},"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/mytranscode1"}]},"CreateTime":"2022-07-20T02:48:58Z"}}`
)

// success is a response that GetLiveTranscodeJob accepts.
var success = respond(200, documentedJob)

// kinds are the sentinels of which an error response is exactly one.
var kinds = []error{
	ErrNotFound, ErrThrottled, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrUnavailable, ErrBadResponse,
}

// A testOperation is an operation, with a response that it accepts.
type testOperation struct {
	name       string
	idempotent bool
	success    string
	call       func(context.Context, *Client) error
}

var allOperations = []testOperation{
	{"GetLiveTranscodeJob", true, documentedJob, getJob},
	{"ListLiveTranscodeJobs", true, `{"RequestId":"r","TotalCount":0,"JobList":[]}`, func(ctx context.Context, c *Client) error {
		_, err := c.ListLiveTranscodeJobs(ctx, nil)
		return err
	}},
	{"SubmitLiveTranscodeJob", false, `{"RequestId":"r","JobId":"j"}`, submitJob},
	{"UpdateLiveTranscodeJob", true, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeJob(ctx, &UpdateLiveTranscodeJobRequest{JobID: "j", Name: "n"})
		return err
	}},
	{"SendLiveTranscodeJobCommand", true, `{"RequestId":"r"}`, stopJob},
	{"DeleteLiveTranscodeJob", true, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.DeleteLiveTranscodeJob(ctx, "j")
		return err
	}},
	{"CreateLiveTranscodeTemplate", false, `{"RequestId":"r","TemplateId":"t"}`, func(ctx context.Context, c *Client) error {
		_, err := c.CreateLiveTranscodeTemplate(ctx, &CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeOrigin})
		return err
	}},
	{"GetLiveTranscodeTemplate", true, `{"RequestId":"r","TemplateContent":{"TemplateId":"t"}}`, func(ctx context.Context, c *Client) error {
		_, err := c.GetLiveTranscodeTemplate(ctx, "t")
		return err
	}},
	{"ListLiveTranscodeTemplates", true, `{"RequestId":"r","TotalCount":0,"TemplateContentList":[]}`, func(ctx context.Context, c *Client) error {
		_, err := c.ListLiveTranscodeTemplates(ctx, nil)
		return err
	}},
	{"UpdateLiveTranscodeTemplate", true, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeTemplate(ctx, &UpdateLiveTranscodeTemplateRequest{TemplateID: "t", Name: "n"})
		return err
	}},
	{"DeleteLiveTranscodeTemplate", true, `{"RequestId":"r"}`, func(ctx context.Context, c *Client) error {
		_, err := c.DeleteLiveTranscodeTemplate(ctx, "t")
		return err
	}},
}

func getJob(ctx context.Context, c *Client) error {
	_, err := c.GetLiveTranscodeJob(ctx, "job-1")
	return err
}

func stopJob(ctx context.Context, c *Client) error {
	_, err := c.SendLiveTranscodeJobCommand(ctx, "job-1", JobCommandStop)
	return err
}

func submitJob(ctx context.Context, c *Client) error {
	return submitStream(ctx, c, "rtmp://domain/app/streamkey")
}

func submitStream(ctx context.Context, c *Client, inputURL string) error {
	_, err := c.SubmitLiveTranscodeJob(ctx, &SubmitLiveTranscodeJobRequest{
		Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: inputURL},
	})
	return err
}

// clientOver returns a client that sends through rt with permanent credentials. opts come on top.
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

// attempts is a policy of n attempts.
func attempts(n int) Option { return WithRetryPolicy(RetryPolicy{MaxAttempts: n}) }

// limiterFunc makes a function a [Limiter].
type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// A step is what a transport does with one request.
type step func(*http.Request) (*http.Response, error)

// RoundTrip makes a step a transport.
func (s step) RoundTrip(req *http.Request) (*http.Response, error) { return s(req) }

// A scriptedTransport takes one step for each request, the last one repeatedly, and records the requests.
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

// requests returns the requests that were sent, and checks that every body was closed.
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

// respond responds with a status, a body, and headers given as alternating names and values.
func respond(status int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, strings.NewReader(body), header...), nil
	}
}

// respondTo responds with 200 and the body that f returns.
func respondTo(f func(*http.Request) string) step {
	return func(req *http.Request) (*http.Response, error) { return respond(200, f(req))(req) }
}

// respondError responds with an error as the service writes it.
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

func responseTo(req *http.Request, status int, body io.Reader, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Header: h, Body: io.NopCloser(body), Request: req,
	}
}

// respondAhead responds with an error whose Date is ahead of this machine's clock.
func respondAhead(status int, code string, ahead time.Duration, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		date := time.Now().Add(ahead).UTC().Format(http.TimeFormat)
		return respondError(status, code, append([]string{"Date", date}, header...)...)(req)
	}
}

// failWith returns an error instead of a response, and reports nothing to a trace.
func failWith(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// block does not respond until the request's context ends.
func block(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// respondThenFail responds with the beginning of a body, then err.
func respondThenFail(status int, beginning string, err error) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, io.MultiReader(strings.NewReader(beginning), readerFunc(func() error { return err }))), nil
	}
}

// respondThenBlock responds with the beginning of a body, and blocks until the request's context ends.
func respondThenBlock(status int, beginning string) step {
	return func(req *http.Request) (*http.Response, error) {
		return responseTo(req, status, io.MultiReader(strings.NewReader(beginning), readerFunc(func() error {
			<-req.Context().Done()
			return req.Context().Err()
		}))), nil
	}
}

// A readerFunc is a reader that returns no byte, only an error.
type readerFunc func() error

func (f readerFunc) Read([]byte) (int, error) { return 0, f() }

// unwritten is next on a transport that reports to a trace that it got no further than asking for a connection.
func unwritten(next step) step { return traced(next, func(*httptrace.ClientTrace) {}) }

// written is next on a transport that reports to a trace that the headers were sent.
func written(next step) step {
	return traced(next, func(trace *httptrace.ClientTrace) { trace.WroteHeaders() })
}

// traced is next on a transport that reports to a trace that it asked for a connection, and whatever report does.
func traced(next step, report func(*httptrace.ClientTrace)) step {
	return func(req *http.Request) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
			trace.GetConn(req.URL.Host)
			report(trace)
		}
		return next(req)
	}
}

// responseError returns the error of GetLiveTranscodeJob when the response is an error.
func responseError(t *testing.T, status int, body string, header ...string) error {
	t.Helper()
	err := getJob(t.Context(), clientOver(t, newScript(respond(status, body, header...)), attempts(1)))
	if err == nil {
		t.Fatalf("status %d with %q is no error", status, body)
	}
	wantOneLine(t, err)
	return err
}

// wantKind checks that err is of one kind and of no other.
func wantKind(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range append(kinds[:len(kinds):len(kinds)], ErrBadEndpoint) {
		if got := errors.Is(err, kind); got != errors.Is(want, kind) {
			t.Errorf("errors.Is(%q, %q) is %t", err, kind, got)
		}
	}
}

// wantOneLine checks that err is an error with a text of one line of valid UTF-8.
func wantOneLine(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	if text := err.Error(); redact.OneLine(text) != text || text == "" {
		t.Errorf("the error %q is not one line", text)
	}
}

// wantNoContextError checks that err does not read as the end of the caller's context.
func wantNoContextError(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("the error %q reads as the end of the caller's context", err)
	}
}

// wantNone checks that a text has none of the secrets.
func wantNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows %q", text, secret)
		}
	}
}

// A logRecorder records log entries of every level.
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

// entries returns the entries of a level.
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

// childVariable tells a process that inChild has started which test it is to run.
const childVariable = "LIVETRANSCODE_TEST_CHILD"

// inChild runs a test in a process of its own, so that it may be parallel and change the environment. There, the
// default chain of credentials finds nothing: no variable is set, the home directory is empty, and the metadata service
// refuses connections. env adds variables.
func inChild(t *testing.T, test func(t *testing.T), env ...string) {
	t.Helper()
	if os.Getenv(childVariable) == t.Name() {
		test(t)
		return
	}
	t.Parallel()
	home := t.TempDir()
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.v", "-test.timeout=1m")
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		if !strings.HasPrefix(name, "ALIBABA") && !strings.HasSuffix(name, "_PROXY") && name != "GODEBUG" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, childVariable+"="+t.Name(), "HOME="+home, "USERPROFILE="+home, "HTTP_PROXY=http://127.0.0.1:1")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) && !bytes.Contains(out, []byte("--- SKIP: "+t.Name())) {
		t.Errorf("the process of the test: %v\n%s", err, out)
	}
}
