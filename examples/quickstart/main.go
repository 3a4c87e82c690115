// Command quickstart reads one live transcoding job and prints it.
//
// Without flags it reads the job of the service's documentation from an emulator in memory. With -job it calls the real
// service with the credentials of the environment.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	jobID := flags.String("job", "", "read the job `ID` from the real service")
	endpoint := flags.String("endpoint", "", "with -job: the service's `URL` (default: that of cn-shanghai)")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *endpoint != "" && *jobID == "":
		return errors.New("-endpoint needs -job")
	}

	var client *livetranscode.Client
	if *jobID == "" {
		fmt.Fprintln(out, "This job is from the emulator; use -job ID to read one from the real service.")
		emulator := livetranscodetest.NewServer()
		*jobID = emulator.AddJob(documentedJob)
		client = emulator.Client()
	} else {
		var err error
		if client, err = realClient(ctx, *endpoint); err != nil {
			return err
		}
	}
	resp, err := client.GetLiveTranscodeJob(ctx, *jobID)
	if err != nil {
		return err
	}
	return show(out, resp.Job)
}

// realClient returns a client of the real service. It fails early if there are no credentials.
func realClient(ctx context.Context, endpoint string) (*livetranscode.Client, error) {
	credentials := livetranscode.DefaultCredentials()
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	if _, err := credentials.Credentials(ctx); errors.Is(err, context.DeadlineExceeded) {
		return nil, errors.New("no credentials found in 8 seconds: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	} else if err != nil {
		return nil, err
	}
	opts := []livetranscode.Option{livetranscode.WithCredentials(credentials)}
	if endpoint != "" {
		opts = append(opts, livetranscode.WithEndpoint(endpoint))
	}
	return livetranscode.NewClient(opts...)
}

func show(out io.Writer, job *livetranscode.Job) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(w, "  %s\t%s\n", name, cmp.Or(value, "-")) }
	line("name", job.Name)
	line("id", job.JobID)
	line("status", job.Status.String())
	line("input", job.StreamInput.InputURL)
	for _, stream := range job.OutputStream.StreamInfos {
		line("output", stream.OutputURL)
	}
	line("template", fmt.Sprintf("%s (%s)", cmp.Or(job.TemplateName, job.TemplateID), job.TemplateType))
	created := ""
	if !job.CreateTime.IsZero() {
		created = job.CreateTime.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	line("created", created)
	return w.Flush()
}

// documentedJob is the example of the service's documentation.
var documentedJob = livetranscode.Job{
	Name:         "task1",
	JobID:        "****20b48fb04483915d4f2cd8ac****",
	TemplateType: livetranscode.TemplateTypeNormal,
	TemplateID:   "b6491d5b3e514b7d895d14b5453ea119",
	TemplateName: "basic",
	Status:       livetranscode.JobStatusInProgress,
	StreamInput:  livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
	OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
		{Type: "rtmp", OutputURL: "rtmp://mydomain/app/mytranscode1"},
	}},
	CreateTime: time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
}
