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

// TestMain lets tests start the command itself: it is this binary with a variable set.
func TestMain(m *testing.M) {
	if os.Getenv("EMULATOR_TEST_RUN_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command returns the command with the given arguments, to be started.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "EMULATOR_TEST_RUN_MAIN=1")
	return cmd
}

// printed reads the three lines by which the command says where it is, and nothing else.
func printed(t *testing.T, lines *bufio.Reader) (keyID, keySecret, endpoint string) {
	t.Helper()
	value := func(name string) string {
		line, err := lines.ReadString('\n')
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"=")
		if err != nil || !ok || text == "" {
			t.Fatalf("read %q, %v; want %s=...", line, err, name)
		}
		return text
	}
	return value("ALIBABA_CLOUD_ACCESS_KEY_ID"), value("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), value("ENDPOINT")
}

func TestServesUntilTheEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want livetranscode.JobStatus
	}{
		{"by default jobs take a while to start", nil, livetranscode.JobStatusNotStarted},
		{"start delay", []string{"-start-delay", "0"}, livetranscode.JobStatusInProgress},
		{"address", []string{"-addr", "localhost:0", "-start-delay", "1h"}, livetranscode.JobStatusNotStarted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			r, w := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- run(ctx, tc.args, w)
				_ = w.Close()
			}()
			lines := bufio.NewReader(r)
			keyID, keySecret, endpoint := printed(t, lines)

			client, err := livetranscode.NewClient(livetranscode.WithEndpoint(endpoint),
				livetranscode.WithCredentials(livetranscode.StaticCredentials(keyID, keySecret, "")))
			if err != nil {
				t.Fatal(err)
			}
			for job, err := range client.AllLiveTranscodeJobs(ctx, nil) {
				t.Errorf("it does not start empty: %+v, %v", job, err)
			}
			submitted, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: "evening-show", TemplateID: "template-1",
				StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
				TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
			})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.GetLiveTranscodeJob(ctx, submitted.JobID)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Job.Status != tc.want {
				t.Errorf("the job is %v, want %v", resp.Job.Status, tc.want)
			}

			stop()
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("it printed more: %q, %v", rest, err)
			}
			if err := <-ended; err != nil {
				t.Errorf("error %v, want a clean end", err)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be sent a signal there")
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
			_, _, endpoint := printed(t, lines)
			wantRefusal(t, endpoint)

			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("it printed more: %q, %v", rest, err)
			}
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("it ended with %v and said %q, want exit 0 and silence", err, stderr.String())
			}
		})
	}
}

// wantRefusal checks that the emulator answers, to a request that is not signed.
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
		t.Errorf("answered %s %q, %v", resp.Status, body, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"all addresses", []string{"-addr", "0.0.0.0:0"}, "-addr 0.0.0.0:0 is not a loopback address, such as 127.0.0.1:8080"},
		{"no host", []string{"-addr", ":8080"}, "-addr :8080 is not a loopback address, such as 127.0.0.1:8080"},
		{"another machine's name", []string{"-addr", "example.com:80"}, "-addr example.com:80 is not a loopback address, such as 127.0.0.1:8080"},
		{"all addresses of IPv6", []string{"-addr", "[::]:0"}, "-addr [::]:0 is not a loopback address, such as 127.0.0.1:8080"},
		{"no port", []string{"-addr", "127.0.0.1"}, "-addr: address 127.0.0.1: missing port in address"},
		{"negative delay", []string{"-start-delay", "-1s"}, "-start-delay is negative"},
		{"stray argument", []string{"x"}, `unexpected argument "x"`},
		{"unknown flag", []string{"-port", "1"}, "flag provided but not defined: -port"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // should it serve after all, it ends at once
			var out strings.Builder
			if err := run(ctx, tc.args, &out); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
			if out.Len() > 0 {
				t.Errorf("it printed:\n%s", out.String())
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
		t.Errorf("it ended with %v, want exit 1", err)
	}
	const want = "emulator: -addr 0.0.0.0:0 is not a loopback address, such as 127.0.0.1:8080\n"
	if stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("it said %q and printed %q, want %q and nothing", stderr.String(), stdout.String(), want)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"-h"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-addr ADDRESS", "-start-delay duration"} {
		if !strings.Contains(out.String(), flag) {
			t.Errorf("the usage does not name %s:\n%s", flag, out.String())
		}
	}
}
