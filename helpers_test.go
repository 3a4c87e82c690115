package livetranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the tests allocate a lot and retain little
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
