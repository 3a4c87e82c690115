package interop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
)

// The bodies of the functions in this file are the "after" blocks of docs/migration.md.

func afterConstruction() (*livetranscode.Client, error) {
	return livetranscode.NewClient()
}

func afterNetwork(credential credentials.Credential, proxy *url.URL) (*livetranscode.Client, error) {
	transport := &http.Transport{ // but for the proxy and the dialer, as the client's own
		Proxy:               http.ProxyURL(proxy),
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext, // with it, HTTP/1.1
		TLSHandshakeTimeout: 5 * time.Second,
		IdleConnTimeout:     8 * time.Second, // the service closes idle connections at about 10 s
		MaxIdleConnsPerHost: 256,
	}
	return livetranscode.NewClient(
		livetranscode.WithEndpoint("ice-vpc.cn-shanghai.aliyuncs.com"),
		livetranscode.WithCredentials(livetranscode.FromCredential(credential)),
		livetranscode.WithHTTPClient(&http.Client{Transport: transport}),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{AttemptTimeout: 10 * time.Second}),
		livetranscode.WithUserAgent("myservice/1.4"),
	)
}

func afterSharedCredentials(config *credentials.Config) (*openapi.Config, livetranscode.Option, error) {
	forOld, err := credentials.NewCredential(config)
	if err != nil {
		return nil, nil, err
	}
	forNew, err := credentials.NewCredential(config) // not forOld
	if err != nil {
		return nil, nil, err
	}
	oldConfig := &openapi.Config{Credential: forOld, Endpoint: tea.String("ice.cn-shanghai.aliyuncs.com")}
	newOption := livetranscode.WithCredentials(livetranscode.FromCredential(forNew))
	return oldConfig, newOption, nil
}

func afterFields(ctx context.Context, client *livetranscode.Client, jobID string) (string, error) {
	resp, err := client.GetLiveTranscodeJob(ctx, jobID)
	if err != nil {
		return "", err
	}
	switch job := resp.Job; job.Status {
	case livetranscode.JobStatusNotStarted:
		return "waits since " + job.CreateTime.Format(time.RFC3339), nil
	case livetranscode.JobStatusInProgress:
		outputs := ""
		for _, stream := range job.OutputStream.StreamInfos {
			outputs += stream.OutputURL + " "
		}
		return outputs, nil
	case livetranscode.JobStatusUnknown: // the response has no status, or none that is a number
		return "", errors.New("no status")
	default:
		return job.Status.String(), nil // "stopped", or "JobStatus(7)" for a status that is new
	}
}

func afterErrors(err error) string {
	var (
		waitErr  *livetranscode.WaitError
		paramErr *livetranscode.ParamError
		apiErr   *livetranscode.APIError
	)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, livetranscode.ErrAmbiguous):
		return "may have been submitted: search for it before submitting again"
	case errors.Is(err, livetranscode.ErrJobStopped):
		return "has stopped" // of a wait for another status
	case errors.Is(err, livetranscode.ErrNameConflict):
		return "another job has this name" // of Find and Ensure
	case errors.As(err, &paramErr):
		return paramErr.Field + " " + paramErr.Reason // nothing was sent
	case errors.As(err, &waitErr) && errors.Is(err, context.DeadlineExceeded) && waitErr.Last != nil:
		return "still " + waitErr.Last.Status.String() // Last is nil if the job was never read
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "canceled or too late" // by ctx, not by a timeout of the client
	case errors.Is(err, livetranscode.ErrNotFound):
		return "no such job"
	case livetranscode.Retryable(err):
		return "try again later" // the client has made its own retries by now
	case errors.As(err, &apiErr) && apiErr.AccessDenied != nil: // nil if the response does not explain
		return "grant " + apiErr.AccessDenied.AuthAction
	case errors.As(err, &apiErr):
		return fmt.Sprintf("%s (status %d, request id %s)", apiErr.Code, apiErr.StatusCode, apiErr.RequestID)
	}
	return "no usable response: " + err.Error()
}

func afterRetries() (*livetranscode.Client, error) {
	return livetranscode.NewClient(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{
		MaxAttempts: 5,               // 1: no retries
		MaxDelay:    5 * time.Second, // between two attempts, unless the service asks for more
	}))
}

func afterLogging() (*livetranscode.Client, error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return livetranscode.NewClient(livetranscode.WithLogger(logger))
}

func afterGetLiveTranscodeJob(ctx context.Context, client *livetranscode.Client, jobID string) (*livetranscode.Job, error) {
	resp, err := client.GetLiveTranscodeJob(ctx, jobID)
	if err != nil {
		return nil, err
	}
	return resp.Job, nil
}

func afterListLiveTranscodeJobs(ctx context.Context, client *livetranscode.Client, _ string) (jobs []*livetranscode.Job, err error) {
	// All pages, not only the first: AllLiveTranscodeJobs instead of ListLiveTranscodeJobs.
	req := &livetranscode.ListLiveTranscodeJobsRequest{
		Status:   new(livetranscode.JobStatusInProgress),
		Keyword:  "evening",
		PageSize: 100,
		PageNo:   1,
	}
	resp, err := client.ListLiveTranscodeJobs(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp.Jobs, nil
}

func afterSubmitLiveTranscodeJob(ctx context.Context, client *livetranscode.Client, templateID string) (jobID string, err error) {
	// EnsureLiveTranscodeJob takes the same request and is safe to repeat.
	resp, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      templateID,
		StartMode:       livetranscode.StartModeTimed,
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
		TimedConfig: &livetranscode.TimedConfig{
			StartTime: time.Date(2026, 11, 26, 18, 0, 0, 0, time.UTC),
			EndTime:   time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC),
		},
	})
	if err != nil {
		return "", err
	}
	return resp.JobID, nil
}

func afterUpdateLiveTranscodeJob(ctx context.Context, client *livetranscode.Client, jobID string) error {
	_, err := client.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{
		JobID:       jobID,
		Name:        "late-show",
		StreamInput: &livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream2"},
	})
	return err
}

func afterSendLiveTranscodeJobCommand(ctx context.Context, client *livetranscode.Client, jobID string) error {
	_, err := client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop)
	return err
}

func afterDeleteLiveTranscodeJob(ctx context.Context, client *livetranscode.Client, jobID string) error {
	_, err := client.DeleteLiveTranscodeJob(ctx, jobID)
	if errors.Is(err, livetranscode.ErrNotFound) {
		return nil // gone already
	}
	return err
}

func afterCreateLiveTranscodeTemplate(ctx context.Context, client *livetranscode.Client, _ string) (templateID string, err error) {
	resp, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
		Name: "720p",
		Type: livetranscode.TemplateTypeNormal,
		TemplateConfig: &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{Codec: livetranscode.VideoCodecH264, Height: 720, FPS: 25, Bitrate: 2000},
			AudioParams: &livetranscode.AudioParams{Codec: livetranscode.AudioCodecAAC, Bitrate: 128, SampleRate: 44100},
		},
	})
	if err != nil {
		return "", err
	}
	return resp.TemplateID, nil
}

func afterGetLiveTranscodeTemplate(ctx context.Context, client *livetranscode.Client, templateID string) (*livetranscode.Template, error) {
	resp, err := client.GetLiveTranscodeTemplate(ctx, templateID)
	if err != nil {
		return nil, err
	}
	return resp.Template, nil
}

func afterListLiveTranscodeTemplates(ctx context.Context, client *livetranscode.Client, _ string) ([]*livetranscode.Template, error) {
	resp, err := client.ListLiveTranscodeTemplates(ctx, &livetranscode.ListLiveTranscodeTemplatesRequest{
		Category: livetranscode.TemplateCategorySystem,
		SortBy:   livetranscode.SortAscending,
		PageSize: 100,
	})
	if err != nil {
		return nil, err
	}
	return resp.Templates, nil
}

func afterUpdateLiveTranscodeTemplate(ctx context.Context, client *livetranscode.Client, templateID string) error {
	_, err := client.UpdateLiveTranscodeTemplate(ctx, &livetranscode.UpdateLiveTranscodeTemplateRequest{
		TemplateID:     templateID,
		TemplateConfig: &livetranscode.TemplateConfig{VideoParams: &livetranscode.VideoParams{Bitrate: 2500}},
	})
	return err
}

func afterDeleteLiveTranscodeTemplate(ctx context.Context, client *livetranscode.Client, templateID string) error {
	_, err := client.DeleteLiveTranscodeTemplate(ctx, templateID)
	return err
}

func afterWaitLoop(ctx context.Context, client *livetranscode.Client, jobID string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute) // the only deadline
	defer cancel()
	_, err := client.WaitForStatus(ctx, jobID, livetranscode.JobStatusInProgress)
	return err
}

func afterListLoop(ctx context.Context, client *livetranscode.Client, use func(*livetranscode.Job)) error {
	for job, err := range client.AllLiveTranscodeJobs(ctx, nil) { // or a request with filters
		if err != nil {
			return err
		}
		use(job)
	}
	return nil
}

func afterSubmitLoop(
	ctx context.Context, client *livetranscode.Client, req *livetranscode.SubmitLiveTranscodeJobRequest,
) (string, error) {
	resp, err := client.EnsureLiveTranscodeJob(ctx, req)
	if err != nil {
		return "", err // if it is Retryable, call again later
	}
	if resp.Existing != nil && resp.Existing.Status == livetranscode.JobStatusStopped {
		return "", errors.New("a job of that name has stopped")
	}
	return resp.JobID, nil
}
