// Command lifecycle takes a job through its whole life: from the template that it transcodes with to its end.
// Read it from top to bottom; it uses most of the API in the order in which a program needs it.
//
// It runs on an emulator of its own; -endpoint URL makes it call another one, with the credentials of the
// environment. The service itself would also need a domain and a stream that exist.
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
	context.AfterFunc(ctx, stop) // so that a second interrupt ends it at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lifecycle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("lifecycle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	endpoint := flags.String("endpoint", "", "call this `URL` instead of an emulator in memory")
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
	// One client serves a whole program, all goroutines of it.
	client, err := livetranscode.NewClient(livetranscode.WithEndpoint(*endpoint))
	if err != nil {
		return err
	}
	return lifecycle(ctx, client, out)
}

func lifecycle(ctx context.Context, client *livetranscode.Client, out io.Writer) (err error) {
	// Calls are repeated where that is safe, and waits last as long as they must. The context is the only limit.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()

	// A template says what comes out: here 720p at 25 frames and 1500 kbit of picture a second.
	template, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
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
		return err
	}
	var jobID string
	defer func() {
		if err != nil { // a job that nobody stops runs on, and is billed
			cleanUp(ctx, client, jobID, template.TemplateID)
		}
	}()
	fmt.Fprintln(out, "created   the template lifecycle-720p")

	// Submit is the call to be careful with. The client never repeats it blindly, for that could start a second
	// job: if the answer is lost, the error is ErrAmbiguous. Then a list by the name tells whether there is a
	// job, so give each a name of its own.
	submitted, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      template.TemplateID,
		StartMode:       livetranscode.StartModeImmediate, // StartModeTimed needs a TimedConfig
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		return err
	}
	jobID = submitted.JobID
	fmt.Fprintln(out, "submitted the job evening-show")

	// Transitions take seconds. The wait looks at the job now and then, and gets over failures that pass.
	job, err := client.WaitForStatus(ctx, jobID, livetranscode.JobStatusInProgress)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "waited    until it is %v; outputs: %d\n", job.Status, len(job.OutputStream.StreamInfos))

	// The service lists in pages; the iterator turns them. Filters for which 0 counts are pointers.
	running := &livetranscode.ListLiveTranscodeJobsRequest{
		Status:  new(livetranscode.JobStatusInProgress),
		KeyWord: jobID, // an id, or a part of a name
	}
	for job, err := range client.AllLiveTranscodeJobs(ctx, running) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "listed    %s: %v, template %s\n", job.Name, job.Status, job.TemplateName)
	}

	// The name can be changed at any time. The rest is fixed, except in a timed job before its start.
	_, err = client.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{JobID: jobID, Name: "late-show"})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "renamed   it to late-show")

	// Stopped is final: a job cannot be started again.
	if _, err = client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop); err != nil {
		return err
	}
	fmt.Fprintln(out, "told      it to stop")
	if job, err = client.WaitForStatus(ctx, jobID, livetranscode.JobStatusStopped); err != nil {
		return err
	}
	fmt.Fprintf(out, "waited    until %s is %v\n", job.Name, job.Status)

	// What a delete does to a running job is not documented, so it comes after the wait.
	if _, err = client.DeleteLiveTranscodeJob(ctx, jobID); err != nil {
		return err
	}
	fmt.Fprintln(out, "deleted   the job")
	if _, err = client.DeleteLiveTranscodeTemplate(ctx, template.TemplateID); err != nil {
		return err
	}
	fmt.Fprintln(out, "deleted   the template")

	// Errors have kinds, for errors.Is. This one is no trouble, it is the proof.
	switch _, err = client.GetLiveTranscodeJob(ctx, jobID); {
	case err == nil:
		return errors.New("the deleted job is still there")
	case !errors.Is(err, livetranscode.ErrNotFound):
		return err
	}
	fmt.Fprintln(out, "looked    for the job: not found")
	return nil
}

// cleanUp removes what was made before something failed, as far as it goes: the failure is what matters.
func cleanUp(ctx context.Context, client *livetranscode.Client, jobID, templateID string) {
	// Also after the context has ended, which may be what failed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if jobID != "" {
		_, _ = client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop)
		// A job that is not found now is gone; by default a wait takes it for one that is yet to appear.
		_, _ = client.WaitForStatus(ctx, jobID, livetranscode.JobStatusStopped, livetranscode.NotFoundGrace(0))
		_, _ = client.DeleteLiveTranscodeJob(ctx, jobID)
	}
	_, _ = client.DeleteLiveTranscodeTemplate(ctx, templateID)
}
