//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
)

var record = flag.String("record", "", "directory to write the histories of some tests to")

// workerEnv holds the workerConfig of a test binary that is a worker.
const workerEnv = "LIVETRANSCODE_E2E_WORKER"

func TestMain(m *testing.M) {
	if text := os.Getenv(workerEnv); text != "" {
		if err := runWorker(text); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	path, err := findTemporal()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared, err = startServer(path, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.kill()
	return m.Run()
}

// A workerConfig is what the process of a worker is told.
type workerConfig struct {
	Address, Namespace string
	Endpoint           string
	Credentials        [3]string // id, secret, token
	KillOnSignal       string    // the process kills itself when it is to signal a change that contains this text
}

const (
	taskQueue = "livetranscode"
	streamKey = "stream-key-4cf1a2b7"
)

// runWorker runs a worker until standard input ends, as it does when the test ends.
func runWorker(text string) error {
	var config workerConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	t, err := client.Dial(client.Options{
		HostPort: config.Address, Namespace: config.Namespace, Identity: "worker",
		Logger: log.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))),
	})
	if err != nil {
		return err
	}
	id, secret, token := config.Credentials[0], config.Credentials[1], config.Credentials[2]
	c, err := livetranscode.NewClient(livetranscode.WithEndpoint(config.Endpoint),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(id, secret, token)))
	if err != nil {
		return err
	}
	w := worker.New(t, taskQueue, worker.Options{})
	livetranscodetemporal.Register(w, c, killingClient{Client: t, on: config.KillOnSignal}, request)
	stdinEnds := make(chan any)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stdinEnds)
	}()
	return w.Run(stdinEnds)
}

// request makes the request of a job. The stream key is known only to the worker.
func request(_ context.Context, spec livetranscodetemporal.JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		TemplateID:      "template",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://push.example.com/live/" + spec.Args["channel"] + streamKey + "?auth_key=" + streamKey},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "play.example.com"},
	}, nil
}

// A killingClient kills its process instead of sending a signal that contains a text.
type killingClient struct {
	client.Client
	on string
}

func (c killingClient) SignalWorkflow(ctx context.Context, id, run, signal string, arg any) error {
	text, err := json.Marshal(arg)
	if err != nil {
		return err
	}
	if c.on != "" && strings.Contains(string(text), c.on) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
	return c.Client.SignalWorkflow(ctx, id, run, signal, arg)
}
