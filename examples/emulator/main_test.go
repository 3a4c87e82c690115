package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/livetranscode/livetranscode-go"
)

// TestMain lets tests run the command itself: the test binary with a variable set.
func TestMain(m *testing.M) {
	if os.Getenv("EMULATOR_TEST_RUN_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command returns the command with arguments, not yet started.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "EMULATOR_TEST_RUN_MAIN=1")
	return cmd
}

// readEnvironment reads the lines that the command prints at its start, with that of a security token if it has one.
func readEnvironment(t *testing.T, lines *bufio.Reader, hasToken bool) (c livetranscode.Credentials, endpoint string) {
	t.Helper()
	value := func(name string) string {
		line, err := lines.ReadString('\n')
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"=")
		if err != nil || !ok || text == "" {
			t.Fatalf("read %q, %v; want %s=...", line, err, name)
		}
		return text
	}
	c.AccessKeyID, c.AccessKeySecret = value("ALIBABA_CLOUD_ACCESS_KEY_ID"), value("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	if hasToken {
		c.SecurityToken = value("ALIBABA_CLOUD_SECURITY_TOKEN")
	}
	return c, value("ENDPOINT")
}

func TestServesUntilCanceled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		args  []string
		token string
		want  livetranscode.JobStatus
	}{
		{"defaults", nil, "", livetranscode.JobStatusNotStarted},
		{"start delay", []string{"-start-delay", "0"}, "", livetranscode.JobStatusInProgress},
		{"address", []string{"-addr", "localhost:0", "-start-delay", "1h"}, "", livetranscode.JobStatusNotStarted},
		{"security token", []string{"-security-token", "token+/="}, "token+/=", livetranscode.JobStatusNotStarted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, w := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- run(ctx, tc.args, w)
				_ = w.Close()
			}()
			lines := bufio.NewReader(r)
			credentials, endpoint := readEnvironment(t, lines, tc.token != "")
			if credentials.SecurityToken != tc.token {
				t.Errorf("the token is %q", credentials.SecurityToken)
			}
			if got := statusOfSubmitted(t, endpoint, credentials); got != tc.want {
				t.Errorf("the job is %v, want %v", got, tc.want)
			}
			if tc.token != "" {
				withoutToken := livetranscode.StaticCredentials(credentials.AccessKeyID, credentials.AccessKeySecret, "")
				client := newClient(t, endpoint, withoutToken)
				if _, err := client.ListLiveTranscodeJobs(ctx, nil); !errors.Is(err, livetranscode.ErrAuthentication) {
					t.Errorf("without the token: error %v, want ErrAuthentication", err)
				}
			}

			cancel()
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("printed more: %q, %v", rest, err)
			}
			if err := <-ended; err != nil {
				t.Errorf("error %v, want none", err)
			}
		})
	}
}

func newClient(t *testing.T, endpoint string, provider livetranscode.CredentialsProvider) *livetranscode.Client {
	t.Helper()
	client, err := livetranscode.NewClient(livetranscode.WithEndpoint(endpoint), livetranscode.WithCredentials(provider))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// statusOfSubmitted checks that there are no jobs, submits one and returns its status.
func statusOfSubmitted(t *testing.T, endpoint string, c livetranscode.Credentials) livetranscode.JobStatus {
	t.Helper()
	client := newClient(t, endpoint, livetranscode.StaticCredentials(c.AccessKeyID, c.AccessKeySecret, c.SecurityToken))
	for job, err := range client.AllLiveTranscodeJobs(t.Context(), nil) {
		t.Errorf("there is a job at the start: %+v, %v", job, err)
	}
	submitted, err := client.SubmitLiveTranscodeJob(t.Context(), &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: "evening-show", TemplateID: "template-1",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.GetLiveTranscodeJob(t.Context(), submitted.JobID)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Job.Status
}

func TestSignals(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such signals")
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			cmd := command(t)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stdout)
			_, endpoint := readEnvironment(t, lines, false)
			wantRefusal(t, endpoint)

			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("printed more: %q, %v", rest, err)
			}
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("exited with %v and %q on stderr, want status 0 and nothing", err, stderr.String())
			}
		})
	}
}

// wantRefusal checks that the emulator refuses a request without a signature.
func wantRefusal(t *testing.T, endpoint string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode < 400 || !strings.Contains(string(body), "RequestId") {
		t.Errorf("response %s %q, %v", resp.Status, body, err)
	}
}

func TestInvalidFlags(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"all addresses", []string{"-addr", "0.0.0.0:0"}, "-addr 0.0.0.0:0 is not a loopback address such as 127.0.0.1:8080"},
		{"no host", []string{"-addr", ":8080"}, "-addr :8080 is not a loopback address such as 127.0.0.1:8080"},
		{"remote host", []string{"-addr", "example.com:80"}, "-addr example.com:80 is not a loopback address such as 127.0.0.1:8080"},
		{"all addresses of IPv6", []string{"-addr", "[::]:0"}, "-addr [::]:0 is not a loopback address such as 127.0.0.1:8080"},
		{"no port", []string{"-addr", "127.0.0.1"}, "-addr: address 127.0.0.1: missing port in address"},
		{"negative delay", []string{"-start-delay", "-1s"}, "-start-delay must not be negative"},
		{"token of two words", []string{"-security-token", "a b"}, "-security-token must not contain spaces"},
		{"unexpected argument", []string{"x"}, `unexpected argument "x"`},
		{"unknown flag", []string{"-port", "1"}, "flag provided but not defined: -port"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // if it serves after all, it ends at once
			var out strings.Builder
			if err := run(ctx, tc.args, &out); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
			if out.Len() > 0 {
				t.Errorf("printed:\n%s", out.String())
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	cmd := command(t, "-addr", "0.0.0.0:0")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exited with %v, want status 1", err)
	}
	const want = "emulator: -addr 0.0.0.0:0 is not a loopback address such as 127.0.0.1:8080\n"
	if stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("stderr %q and stdout %q, want %q and nothing", stderr.String(), stdout.String(), want)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"-h"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-addr ADDRESS", "-start-delay duration", "-security-token TOKEN"} {
		if !strings.Contains(out.String(), flag) {
			t.Errorf("the usage lacks %s:\n%s", flag, out.String())
		}
	}
}
