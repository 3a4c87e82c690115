// Command lifecycle takes a job through its whole life, from creating its template to deleting both. Read it from top
// to bottom: it uses most of the API in the order in which a program needs it.
//
// It runs against an emulator in memory. With -endpoint URL it calls that endpoint with the credentials of the
// environment; the real service would also need an existing domain and stream.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt kills the program
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lifecycle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("lifecycle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	endpoint := flags.String("endpoint", "", "endpoint `URL` to call instead of the emulator in memory")
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

	if *endpoint == "" {
		return lifecycle(ctx, livetranscodetest.NewServer().Client(), out)
	}
	// One client is enough for a whole program: it is safe for concurrent use.
	client, err := livetranscode.NewClient(livetranscode.WithEndpoint(*endpoint))
	if err != nil {
		return err
	}
	return lifecycle(ctx, client, out)
}

func lifecycle(ctx context.Context, client *livetranscode.Client, out io.Writer) (err error) {
	// Calls are retried where that is safe, and waits continue through transient errors. The context is the deadline.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()

	templateID, err := createTemplate(ctx, client)
	if err != nil {
		return err
	}
	var jobID string
	defer func() {
		if err != nil { // a job that nobody stops keeps running and costs money
			cleanUp(ctx, client, jobID, templateID)
		}
	}()
	fmt.Fprintln(out, "created the template lifecycle-720p")
	if jobID, err = submitJob(ctx, client, templateID); err != nil {
		return err
	}
	fmt.Fprintln(out, "submitted the job evening-show")
	if err = runJob(ctx, client, jobID, out); err != nil {
		return err
	}
	return deleteAll(ctx, client, jobID, templateID, out)
}

// createTemplate creates a template, which defines the output: here 720p at 25 frames/s and 1500 kbit/s of video.
func createTemplate(ctx context.Context, client *livetranscode.Client) (templateID string, err error) {
	resp, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
		Name: "lifecycle-720p",
		Type: livetranscode.TemplateTypeNormal,
		TemplateConfig: &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{
				Codec: livetranscode.VideoCodecH264, Width: 1280, Height: 720, FPS: 25, Bitrate: 1500,
			},
			AudioParams: &livetranscode.AudioParams{
				Codec: livetranscode.AudioCodecAAC, Bitrate: 128, SampleRate: 44100, Channels: 2,
			},
		},
	})
	if err != nil {
		return "", err
	}
	return resp.TemplateID, nil
}

// submitJob submits a job. The client retries a Submit only where that cannot create a second job. If the response is
// lost, the error is ErrAmbiguous: a list filtered by name shows whether the job exists, so give each job a unique
// name.
func submitJob(ctx context.Context, client *livetranscode.Client, templateID string) (jobID string, err error) {
	resp, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      templateID,
		StartMode:       livetranscode.StartModeImmediate, // StartModeTimed needs a TimedConfig
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		return "", err
	}
	return resp.JobID, nil
}

// runJob follows the job from its start until it has stopped.
func runJob(ctx context.Context, client *livetranscode.Client, jobID string, out io.Writer) error {
	// A status changes within seconds. The wait polls the job and tolerates transient errors.
	job, err := client.WaitForStatus(ctx, jobID, livetranscode.JobStatusInProgress)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the job is %v with %d output\n", job.Status, len(job.OutputStream.StreamInfos))

	// The iterator fetches page after page. Filters for which 0 is a value are pointers.
	running := &livetranscode.ListLiveTranscodeJobsRequest{
		Status:  new(livetranscode.JobStatusInProgress),
		Keyword: jobID, // an id, or a part of a name
	}
	for job, err := range client.AllLiveTranscodeJobs(ctx, running) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "listed %s: %v, template %s\n", job.Name, job.Status, job.TemplateName)
	}

	// The name can be changed at any time, everything else only in a timed job before its start.
	_, err = client.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{JobID: jobID, Name: "late-show"})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "renamed the job to late-show")

	// Stopped is final: a job cannot be restarted.
	if _, err = client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop); err != nil {
		return err
	}
	fmt.Fprintln(out, "sent the stop command")
	if job, err = client.WaitForStatus(ctx, jobID, livetranscode.JobStatusStopped); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %v\n", job.Name, job.Status)
	return nil
}

// deleteAll deletes the job and the template. The job has stopped by now: what a delete does to a running job is not
// documented.
func deleteAll(ctx context.Context, client *livetranscode.Client, jobID, templateID string, out io.Writer) error {
	if _, err := client.DeleteLiveTranscodeJob(ctx, jobID); err != nil {
		return err
	}
	fmt.Fprintln(out, "deleted the job")
	if _, err := client.DeleteLiveTranscodeTemplate(ctx, templateID); err != nil {
		return err
	}
	fmt.Fprintln(out, "deleted the template")

	// errors.Is tells the kind of an error. This one is expected.
	_, err := client.GetLiveTranscodeJob(ctx, jobID)
	switch {
	case err == nil:
		return errors.New("the deleted job still exists")
	case !errors.Is(err, livetranscode.ErrNotFound):
		return err
	}
	fmt.Fprintln(out, "the job is not found")
	return nil
}

// cleanUp deletes what was created before a failure, as far as possible. It ignores errors: the failure counts.
func cleanUp(ctx context.Context, client *livetranscode.Client, jobID, templateID string) {
	// It runs even if ctx has ended, which may have been the failure.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if jobID != "" {
		_, _ = client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop)
		// A job that is not found is gone. Without NotFoundGrace(0), the wait would expect it to appear.
		_, _ = client.WaitForStatus(ctx, jobID, livetranscode.JobStatusStopped, livetranscode.NotFoundGrace(0))
		_, _ = client.DeleteLiveTranscodeJob(ctx, jobID)
	}
	_, _ = client.DeleteLiveTranscodeTemplate(ctx, templateID)
}
