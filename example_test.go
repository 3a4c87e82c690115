package livetranscode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"golang.org/x/time/rate"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The examples run on the emulator. A program calls NewClient where they call srv.Client.
func Example() {
	srv := livetranscodetest.NewServer()
	client := srv.Client() // instead of livetranscode.NewClient()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name, "is", resp.Job.Status)
	// Output: evening-show is in progress
}

// Without options a client calls cn-shanghai, with credentials from the environment.
func ExampleNewClient() {
	client, err := livetranscode.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)

	client, err = livetranscode.NewClient(
		livetranscode.WithEndpoint("ice-vpc.cn-shanghai.aliyuncs.com"), // inside a VPC of that region
		livetranscode.WithUserAgent("myservice/1.4"),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)

	// What cannot be right is refused here, before any call.
	_, err = livetranscode.NewClient(livetranscode.WithEndpoint("http://ice.cn-shanghai.aliyuncs.com"))
	fmt.Println(err)
	// Output:
	// livetranscode.Client(https://ice.cn-shanghai.aliyuncs.com)
	// livetranscode.Client(https://ice-vpc.cn-shanghai.aliyuncs.com)
	// livetranscode: WithEndpoint: rawURL has scheme http, which is accepted only for localhost and loopback addresses
}

func ExampleClient_GetLiveTranscodeJob() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{
		Name:        "evening-show",
		Status:      livetranscode.JobStatusInProgress,
		StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://mydomain/app/stream1-720p"},
		}},
		CreateTime: time.Date(2026, 7, 20, 2, 48, 58, 0, time.UTC),
	})

	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	job := resp.Job
	fmt.Println("name:   ", job.Name)
	fmt.Println("status: ", job.Status)
	fmt.Println("input:  ", job.StreamInput.InputURL)
	for _, stream := range job.OutputStream.StreamInfos {
		fmt.Println("output: ", stream.OutputURL)
	}
	fmt.Println("created:", job.CreateTime)
	// Output:
	// name:    evening-show
	// status:  in progress
	// input:   rtmp://mydomain/app/stream1
	// output:  rtmp://mydomain/app/stream1-720p
	// created: 2026-07-20 02:48:58 +0000 UTC
}

func ExampleClient_SubmitLiveTranscodeJob() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	resp, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      "b6491d5b3e514b7d895d14b5453ea119",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.WaitForStatus(ctx, resp.JobID, livetranscode.JobStatusInProgress)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Name, "is", job.Status)
	// Output: evening-show is in progress
}

// A job that starts and ends by itself.
func ExampleClient_SubmitLiveTranscodeJob_timed() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	start := time.Now().Add(2 * time.Hour) // at most seven days ahead
	resp, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      "b6491d5b3e514b7d895d14b5453ea119",
		StartMode:       livetranscode.StartModeTimed,
		TimedConfig:     &livetranscode.TimedConfig{StartTime: start, EndTime: start.Add(time.Hour)},
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		log.Fatal(err)
	}
	got, err := client.GetLiveTranscodeJob(ctx, resp.JobID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Job.StartMode, "and", got.Job.Status)
	// Output: timed and not started
}

// A Submit whose answer is lost may have started a job all the same. A list by the name tells; here the name
// is a unique one.
func ExampleClient_SubmitLiveTranscodeJob_ambiguous() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.Inject(livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", DropAnswer: true})

	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show-2026-07-20",
		TemplateID:      "b6491d5b3e514b7d895d14b5453ea119",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	}
	_, err := client.SubmitLiveTranscodeJob(ctx, req)
	if errors.Is(err, livetranscode.ErrAmbiguous) {
		fmt.Println("the answer was lost")
		look, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // ctx may be what has ended
		for job, err := range client.AllLiveTranscodeJobs(look, &livetranscode.ListLiveTranscodeJobsRequest{KeyWord: req.Name}) {
			if err != nil {
				log.Fatal(err)
			}
			if job.Name == req.Name { // KeyWord also finds parts of names
				fmt.Println("but the job is there, and", job.Status)
			}
		}
		cancel()
	}
	// Output:
	// the answer was lost
	// but the job is there, and in progress
}

func ExampleClient_ListLiveTranscodeJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	for _, name := range []string{"morning-show", "noon-show", "evening-show"} {
		srv.AddJob(livetranscode.Job{Name: name})
	}

	resp, err := client.ListLiveTranscodeJobs(context.Background(), &livetranscode.ListLiveTranscodeJobsRequest{
		Status:   new(livetranscode.JobStatusNotStarted), // a pointer, because 0 is a state; nil is any
		PageSize: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(resp.Jobs), "of", resp.TotalCount)
	for _, job := range resp.Jobs {
		fmt.Println(job.Name)
	}
	// Output:
	// 2 of 3
	// evening-show
	// noon-show
}

// The iterator turns the pages, as far as the loop goes.
func ExampleClient_AllLiveTranscodeJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	for i := range 250 {
		srv.AddJob(livetranscode.Job{Name: fmt.Sprintf("show-%d", i+1), Status: livetranscode.JobStatusInProgress})
	}

	running := 0
	req := &livetranscode.ListLiveTranscodeJobsRequest{Status: new(livetranscode.JobStatusInProgress)}
	for job, err := range client.AllLiveTranscodeJobs(context.Background(), req) {
		if err != nil {
			log.Fatal(err)
		}
		if running++; running == 1 {
			fmt.Println("the newest is", job.Name)
		}
	}
	fmt.Println(running, "are in progress, listed with", len(srv.Calls()), "requests")
	// Output:
	// the newest is show-250
	// 250 are in progress, listed with 3 requests
}

func ExampleClient_UpdateLiveTranscodeJob() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	// What is not set stays as it is. Once a job has started, only the name can change.
	_, err := client.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{JobID: id, Name: "late-show"})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.GetLiveTranscodeJob(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: late-show
}

func ExampleClient_SendLiveTranscodeJobCommand() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	// The answer says that the command was accepted, not that the job has stopped.
	if _, err := client.SendLiveTranscodeJobCommand(ctx, id, livetranscode.JobCommandStop); err != nil {
		log.Fatal(err)
	}
	job, err := client.WaitForStatus(ctx, id, livetranscode.JobStatusStopped)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Name, "is", job.Status)
	// Output: evening-show is stopped
}

// A delete of what is gone already is no trouble.
func ExampleClient_DeleteLiveTranscodeJob() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusStopped})

	for range 2 {
		_, err := client.DeleteLiveTranscodeJob(context.Background(), id)
		switch {
		case errors.Is(err, livetranscode.ErrNotFound):
			fmt.Println("there is no such job")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println("deleted")
		}
	}
	// Output:
	// deleted
	// there is no such job
}

func ExampleClient_CreateLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	created, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
		Name: "720p",
		Type: livetranscode.TemplateTypeNormal,
		TemplateConfig: &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{Codec: livetranscode.VideoCodecH264, Height: 720, FPS: 25, Bitrate: 1500},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	got, err := client.GetLiveTranscodeTemplate(ctx, created.TemplateID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Template.Name, got.Template.Type, got.Template.Category)
	// Output: 720p normal customized
}

func ExampleClient_GetLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := newTemplate(ctx, client, "720p")

	resp, err := client.GetLiveTranscodeTemplate(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	// A part that the template does not set is nil.
	if config := resp.Template.TemplateConfig; config != nil && config.VideoParams != nil {
		video := config.VideoParams
		fmt.Printf("%d lines at %g frames/s and %d kbit/s\n", video.Height, video.FPS, video.Bitrate)
	}
	// Output: 720 lines at 25 frames/s and 1500 kbit/s
}

func ExampleClient_ListLiveTranscodeTemplates() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	newTemplate(ctx, client, "540p")
	newTemplate(ctx, client, "720p")

	resp, err := client.ListLiveTranscodeTemplates(ctx, &livetranscode.ListLiveTranscodeTemplatesRequest{
		Category: livetranscode.TemplateCategoryCustomized,
		SortBy:   livetranscode.SortAscending,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.TotalCount, "templates")
	for _, template := range resp.Templates {
		fmt.Println(template.Name)
	}
	// Output:
	// 2 templates
	// 540p
	// 720p
}

// A template by its name: the service selects roughly, the loop exactly.
func ExampleClient_AllLiveTranscodeTemplates() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	newTemplate(ctx, client, "720p-50")
	newTemplate(ctx, client, "720p")
	newTemplate(ctx, client, "540p")

	req := &livetranscode.ListLiveTranscodeTemplatesRequest{KeyWord: "720p"}
	for template, err := range client.AllLiveTranscodeTemplates(ctx, req) {
		if err != nil {
			log.Fatal(err)
		}
		if template.Name == "720p" {
			fmt.Println("found", template.Name, "with an id of", len(template.TemplateID), "characters")
			break
		}
	}
	// Output: found 720p with an id of 32 characters
}

// Whether the service merges a new config into the old one is not documented, so send it whole.
func ExampleClient_UpdateLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := newTemplate(ctx, client, "720p")

	resp, err := client.GetLiveTranscodeTemplate(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	config := resp.Template.TemplateConfig
	config.VideoParams.Bitrate = 2000
	_, err = client.UpdateLiveTranscodeTemplate(ctx, &livetranscode.UpdateLiveTranscodeTemplateRequest{
		TemplateID: id, TemplateConfig: config,
	})
	if err != nil {
		log.Fatal(err)
	}

	if resp, err = client.GetLiveTranscodeTemplate(ctx, id); err != nil {
		log.Fatal(err)
	}
	video := resp.Template.TemplateConfig.VideoParams
	fmt.Printf("%d lines and %d kbit/s\n", video.Height, video.Bitrate)
	// Output: 720 lines and 2000 kbit/s
}

func ExampleClient_DeleteLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := newTemplate(ctx, client, "720p")

	if _, err := client.DeleteLiveTranscodeTemplate(ctx, id); err != nil {
		log.Fatal(err)
	}
	_, err := client.GetLiveTranscodeTemplate(ctx, id)
	fmt.Println("gone:", errors.Is(err, livetranscode.ErrNotFound))
	// Output: gone: true
}

// newTemplate creates a template for the examples.
func newTemplate(ctx context.Context, client *livetranscode.Client, name string) (templateID string) {
	resp, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
		Name: name,
		Type: livetranscode.TemplateTypeNormal,
		TemplateConfig: &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{Codec: livetranscode.VideoCodecH264, Height: 720, FPS: 25, Bitrate: 1500},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return resp.TemplateID
}

// The context is the only limit of a wait, so give it one.
func ExampleClient_WaitForStatus() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	job, err := client.WaitForStatus(ctx, id, livetranscode.JobStatusInProgress)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Name, "is", job.Status)
	// Output: evening-show is in progress
}

// A condition other than a status: here, that the job has an output.
func ExampleClient_WaitUntil() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{
		Name:   "evening-show",
		Status: livetranscode.JobStatusInProgress,
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://mydomain/app/stream1-720p"},
		}},
	})

	hasOutput := func(job *livetranscode.Job) (bool, error) {
		if job.Status == livetranscode.JobStatusStopped {
			return false, errors.New("it stopped without an output") // it is final: do not wait on
		}
		return len(job.OutputStream.StreamInfos) > 0, nil
	}
	job, err := client.WaitUntil(context.Background(), id, hasOutput)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.OutputStream.StreamInfos[0].OutputURL)
	// Output: rtmp://mydomain/app/stream1-720p
}

// Many jobs are waited for with few requests. Those that arrive are returned, also if others cannot.
func ExampleClient_WaitForAll() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	live := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	over := srv.AddJob(livetranscode.Job{Name: "morning-show", Status: livetranscode.JobStatusStopped})

	jobs, err := client.WaitForAll(context.Background(), []string{live, over}, livetranscode.JobStatusInProgress)
	for _, job := range jobs {
		fmt.Println(job.Name, "is", job.Status)
	}
	var missed *livetranscode.WaitError // the first; Unwrap() []error of err has them all
	if errors.As(err, &missed) {
		fmt.Printf("%s: %v\n", missed.Last.Name, missed.Err)
	}
	// Output:
	// evening-show is in progress
	// morning-show: status can no longer be reached
}

// The loop ends when all jobs have ended.
func ExampleClient_WatchJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})

	// Every millisecond is for the emulator only; the default is made for the service.
	for event, err := range client.WatchJobs(context.Background(), []string{id}, livetranscode.PollInterval(time.Millisecond, 0)) {
		switch {
		case err != nil:
			log.Fatal(err)
		case event.Err != nil:
			fmt.Println(event.JobID, "is lost:", event.Err)
			continue
		}
		fmt.Println(event.Job.Name, "is", event.Job.Status)
		srv.SetStatus(id, event.Job.Status+1) // time goes by
	}
	// Output:
	// evening-show is not started
	// evening-show is in progress
	// evening-show is stopped
}

// A watch that goes on for as long as the program does; here it ends with the job.
func ExampleWatcher_Events() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	watcher := client.NewWatcher(livetranscode.PollInterval(time.Millisecond, 0)) // for the emulator only
	watcher.Add(id)
	for event, err := range watcher.Events(context.Background()) {
		if err != nil {
			log.Fatal(err) // the watch is over, but its jobs are kept: range again to go on
		}
		switch {
		case event.Err != nil:
			fmt.Println(event.JobID, "is lost:", event.Err)
		case event.Previous == nil:
			fmt.Println("first seen", event.Job.Status)
		default:
			fmt.Println("from", event.Previous.Status, "to", event.Job.Status)
		}
		if event.Job == nil || event.Job.Status == livetranscode.JobStatusStopped {
			break
		}
		srv.SetStatus(id, livetranscode.JobStatusStopped) // time goes by
	}
	// Output:
	// first seen in progress
	// from in progress to stopped
}

// Add may be called at any time, also in the loop: a new job is looked at without waiting for the next sweep.
func ExampleWatcher_Add() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	first := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	second := srv.AddJob(livetranscode.Job{Name: "late-show"})

	watcher := client.NewWatcher()
	watcher.Add(first)
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Job.Name, "is", event.Job.Status)
		if event.JobID == second {
			break
		}
		watcher.Add(second)
	}
	// Output:
	// evening-show is in progress
	// late-show is not started
}

// A program that is interested in jobs until they run.
func ExampleWatcher_Remove() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	first := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	second := srv.AddJob(livetranscode.Job{Name: "late-show", Status: livetranscode.JobStatusInProgress})

	watcher := client.NewWatcher()
	watcher.Add(first, second)
	waiting := 2
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		if event.Job.Status == livetranscode.JobStatusInProgress {
			fmt.Println(event.Job.Name, "is", event.Job.Status)
			watcher.Remove(event.JobID)
			waiting--
		}
		if waiting == 0 {
			break // a Watcher without jobs would wait for Add
		}
	}
	// Unordered output:
	// evening-show is in progress
	// late-show is in progress
}

// OnPoll shows the progress of a wait: it sees every look, not only the last.
func ExampleOnPoll() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})

	_, err := client.WaitForStatus(context.Background(), id, livetranscode.JobStatusInProgress,
		livetranscode.PollInterval(time.Millisecond, 0), // for the emulator only
		livetranscode.OnPoll(func(job *livetranscode.Job) {
			fmt.Println(job.Name, "is", job.Status)
			srv.SetStatus(id, livetranscode.JobStatusInProgress) // time goes by
		}))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// evening-show is not started
	// evening-show is in progress
}

// errors.Is finds the kind of an error, whatever the service calls it.
func Example_errors() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	switch {
	case err == nil:
		fmt.Println("found")
	case errors.Is(err, livetranscode.ErrNotFound):
		fmt.Println("there is no such job")
	case errors.Is(err, livetranscode.ErrForbidden), errors.Is(err, livetranscode.ErrAuthentication):
		fmt.Println("the credentials do not do:", err)
	case errors.Is(err, livetranscode.ErrThrottled), errors.Is(err, livetranscode.ErrUnavailable):
		fmt.Println("it may pass, but not within the retries:", err)
	default:
		fmt.Println(err)
	}
	// Output: there is no such job
}

// errors.As finds what the service said.
func ExampleAPIError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.Inject(livetranscodetest.Fault{Code: "Forbidden.RAM"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	var refused *livetranscode.APIError
	if errors.As(err, &refused) {
		fmt.Println("operation: ", refused.Operation)
		fmt.Println("status:    ", refused.StatusCode)
		fmt.Println("code:      ", refused.Code)
		fmt.Println("request id:", refused.RequestID != "") // for a support ticket
	}
	// Output:
	// operation:  GetLiveTranscodeJob
	// status:     403
	// code:       Forbidden.RAM
	// request id: true
}

// What cannot be meant is refused before anything is sent.
func ExampleParamError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	_, err := client.SubmitLiveTranscodeJob(context.Background(), &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:        "evening-show",
		StreamInput: livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
	})
	var refused *livetranscode.ParamError
	if errors.As(err, &refused) {
		fmt.Println(refused.Operation, "was refused:", refused.Field, refused.Reason)
	}
	fmt.Println(len(srv.Calls()), "requests")
	// Output:
	// SubmitLiveTranscodeJob was refused: TemplateID is empty
	// 0 requests
}

// A wait that fails still tells what it saw.
func ExampleWaitError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusStopped})

	_, err := client.WaitForStatus(context.Background(), id, livetranscode.JobStatusInProgress)
	var missed *livetranscode.WaitError
	if errors.As(err, &missed) && errors.Is(err, livetranscode.ErrUnreachable) {
		fmt.Println("too late: it is", missed.Last.Status)
	}
	// Output:
	// too late: it is stopped
}

// A limiter of golang.org/x/time/rate holds back all goroutines that use the client, and retries too. Where a
// call would have to wait beyond its deadline, it fails at once.
func ExampleWithLimiter() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	limiter := rate.NewLimiter(rate.Every(time.Minute), 2) // one a minute, after two at once
	client := srv.Client(livetranscode.WithLimiter(limiter))

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range 3 {
		resp, err := client.GetLiveTranscodeJob(ctx, id)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Job.Name)
	}
	// Output:
	// evening-show
	// evening-show
	// livetranscode: GetLiveTranscodeJob: rate: Wait(n=1) would exceed context deadline
}

// Each attempt at level Debug. The time, the request ids and the delays, which differ from run to run, are left
// out of this example's lines.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			switch attr.Key {
			case slog.TimeKey, "request_id", "delay":
				return slog.Attr{}
			}
			return attr
		},
	}))
	srv := livetranscodetest.NewServer()
	client := srv.Client(
		livetranscode.WithLogger(logger),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: time.Millisecond}),
	)
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})

	if _, err := client.GetLiveTranscodeJob(context.Background(), id); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=DEBUG msg="livetranscode: attempt failed" operation=GetLiveTranscodeJob attempt=1 status=503 code=ServiceUnavailable
	// level=DEBUG msg="livetranscode: attempt succeeded" operation=GetLiveTranscodeJob attempt=2 status=200 code=""
}

// A program with its own retries wants none of the client's.
func ExampleWithRetryPolicy() {
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{
		MaxAttempts:    1,
		AttemptTimeout: 5 * time.Second,
	}))
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	fmt.Println(errors.Is(err, livetranscode.ErrUnavailable), "after", len(srv.Calls()), "request")
	// Output: true after 1 request
}

// Credentials from a place of one's own. The function is asked before every attempt, so it should keep what it
// has fetched.
func ExampleCredentialsFunc() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	vault := func(context.Context) (livetranscode.Credentials, error) {
		return srv.Credentials(), nil // fetched from where they are kept
	}

	client := srv.Client(livetranscode.WithCredentials(livetranscode.CredentialsFunc(vault)))
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: evening-show
}

// Any credential of github.com/aliyun/credentials-go.
func ExampleFromCredential() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	key := srv.Credentials()

	credential, err := credentials.NewCredential(new(credentials.Config).
		SetType("access_key").
		SetAccessKeyId(key.AccessKeyID).
		SetAccessKeySecret(key.AccessKeySecret))
	if err != nil {
		log.Fatal(err)
	}
	client := srv.Client(livetranscode.WithCredentials(livetranscode.FromCredential(credential)))
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: evening-show
}

// However credentials are printed, the secret and the token do not show.
func ExampleStaticCredentials() {
	provider := livetranscode.StaticCredentials("my-key-id", "my-secret", "")
	creds, err := provider.Credentials(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(creds)
	fmt.Printf("%#v\n", creds)
	asJSON, err := json.Marshal(creds)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", asJSON)
	// Output:
	// Credentials{AccessKeyID=my-key-id AccessKeySecret=[redacted]}
	// Credentials{AccessKeyID=my-key-id AccessKeySecret=[redacted]}
	// "Credentials{AccessKeyID=my-key-id AccessKeySecret=[redacted]}"
}

// A Signer signs calls that this package does not cover. The date and the nonce are arguments; this is the
// example of the service's documentation.
func ExampleSigner() {
	ctx := context.Background()
	const address = "https://ecs.cn-shanghai.aliyuncs.com/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("x-acs-action", "RunInstances")
	req.Header.Set("x-acs-version", "2014-05-26")

	var signer livetranscode.Signer
	creds := livetranscode.Credentials{AccessKeyID: "YourAccessKeyId", AccessKeySecret: "YourAccessKeySecret"}
	at := time.Date(2023, 10, 26, 10, 22, 32, 0, time.UTC) // time.Now()
	nonce := "3156853299f313e23d1673dc12e1703d"            // crypto/rand.Text(), a new one for each request
	if err := signer.Sign(req, nil, creds, at, nonce); err != nil {
		log.Fatal(err)
	}
	for part := range strings.SplitSeq(req.Header.Get("Authorization"), ",") {
		fmt.Println(part)
	}
	// Output:
	// ACS3-HMAC-SHA256 Credential=YourAccessKeyId
	// SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version
	// Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0
}
