// Command temporal runs three short jobs as Temporal workflows against an emulator of the service, and prints what the
// workflows log.
//
// If the temporal command is installed, the program uses it to start a development server. It starts a worker as a
// separate process and kills it while the service executes a Submit: another worker takes over, and no job is submitted
// twice. With -address HOST:PORT it uses an existing Temporal cluster instead. Without either, the workflows run in the
// test environment of Temporal's SDK, without a server, and nothing is killed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	run := runJobs
	if os.Getenv(endpointEnv) != "" {
		run = runWorker // started by runJobs
	}
	if err := run(ctx, os.Args[1:], &lockedWriter{out: os.Stdout}); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

// jobs returns the three jobs. A real program puts the date or the run into the names: none can be used twice.
func jobs(run string) []livetranscodetemporal.JobSpec {
	return []livetranscodetemporal.JobSpec{
		{Name: "morning-show-" + run, Live: 3 * time.Second, Args: map[string]string{"channel": "1"}},
		{Name: "noon-show-" + run, Live: 4 * time.Second, Args: map[string]string{"channel": "2"}},
		{Name: "evening-show-" + run, Live: 5 * time.Second, Args: map[string]string{"channel": "3"}},
	}
}

// request returns the request for a job. It runs on the worker. A real program fetches the stream key here from a
// secret store: unlike Args, it then is not in the workflow's history.
func request(_ context.Context, spec livetranscodetemporal.JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		TemplateID:      templateID,
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://push.example.com/live/channel" + spec.Args["channel"] + "?auth_key=secret"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "play.example.com"},
	}, nil
}

func runJobs(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("temporal", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	address := flags.String("address", "", "`HOST:PORT` of a Temporal cluster to use")
	namespace := flags.String("namespace", client.DefaultNamespace, "`NAMESPACE` of the cluster")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *address != "" {
		return runOnServer(ctx, *address, *namespace, out)
	}
	path, err := exec.LookPath("temporal")
	if err != nil {
		fmt.Fprintln(out, "The temporal command is not installed, so the workflows run in the SDK's test environment: without a")
		fmt.Fprintln(out, "server, and without a worker that is killed. README.md says how to install it.")
		return runInTestEnvironment(ctx, out)
	}
	fmt.Fprintln(out, "starting a Temporal server with", path)
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
		ExistingPath: path, LogLevel: "never", Stdout: io.Discard, Stderr: io.Discard, ClientOptions: &client.Options{Logger: &logger{out: io.Discard}},
	})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	return runOnServer(ctx, server.FrontendHostPort(), client.DefaultNamespace, out)
}
