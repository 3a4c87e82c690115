package livetranscode_test

import (
	"context"
	"go/ast"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	alibaba "github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// This file has values of the exported types, with secrets in them.

func canaryJob() *livetranscode.Job {
	return &livetranscode.Job{
		Name: "n", JobID: "job-1", Status: livetranscode.JobStatusInProgress, CreateTime: time.Now(),
		StreamInput:  livetranscode.StreamInput{Type: "rtmp", InputURL: canaryInput},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{{Type: "rtmp", OutputURL: canaryOutput}}},
	}
}

func canarySubmit() *livetranscode.SubmitLiveTranscodeJobRequest {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: "n", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: canaryInput},
	}
}

func canaryUpdate() *livetranscode.UpdateLiveTranscodeJobRequest {
	return &livetranscode.UpdateLiveTranscodeJobRequest{JobID: "job-1", StreamInput: &livetranscode.StreamInput{InputURL: canaryInput}}
}

// A canaryCredential is one of credentials-go.
type canaryCredential struct {
	alibaba.Credential
	get func() (*alibaba.CredentialModel, error)
}

func (c canaryCredential) GetCredential() (*alibaba.CredentialModel, error) { return c.get() }

// exportedValues has a value of each exported type, with canaries wherever there is room for one.
func exportedValues(t *testing.T) map[string]any {
	client, err := livetranscode.NewClient(livetranscode.WithCredentials(livetranscode.StaticCredentials(canaryID, canarySecret, canaryToken)))
	if err != nil {
		t.Fatal(err)
	}
	cached := livetranscode.FromCredential(canaryCredential{get: func() (*alibaba.CredentialModel, error) {
		return &alibaba.CredentialModel{AccessKeyId: new(canaryID), AccessKeySecret: new(canarySecret), SecurityToken: new(canaryToken)}, nil
	}})
	if _, err = cached.Credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // package fmt reads it without a lock: let the lookup end
	var signer livetranscode.Signer
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Sign(req, nil, canaryCreds, time.Now(), "nonce"); err != nil {
		t.Fatal(err)
	}
	srv := livetranscodetest.NewServer()
	for range srv.Client().WatchJobs(t.Context(), []string{srv.AddJob(*canaryJob())}) {
		break
	}
	watcher := srv.Client().NewWatcher(livetranscode.OnPoll(func(*livetranscode.Job) {}))
	watcher.Add(srv.AddJob(*canaryJob()))
	for range watcher.Events(t.Context()) {
		break
	}
	job := canaryJob()
	return map[string]any{
		"APIError":                            &livetranscode.APIError{Operation: "GetLiveTranscodeJob", AccessDenied: new(livetranscode.AccessDeniedDetail)},
		"AccessDeniedDetail":                  livetranscode.AccessDeniedDetail{},
		"CallError":                           &livetranscode.CallError{Err: io.EOF},
		"Client":                              client,
		"CredentialsFunc":                     livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) { return canaryCreds, nil }),
		"CredentialsProvider":                 cached,
		"Credentials":                         canaryCreds,
		"JobEvent":                            livetranscode.JobEvent{Kind: livetranscode.EventLost, JobID: "job-1", Job: job, Previous: job, Err: &livetranscode.WaitError{JobID: "job-1", Last: job}},
		"EventKind":                           livetranscode.EventLost,
		"WatchError":                          &livetranscode.WatchError{Sweeps: 6, Err: &livetranscode.WaitError{JobID: "job-1", Last: job, Err: livetranscode.ErrJobStopped}},
		"WatchedJob":                          livetranscode.WatchedJob{JobID: "job-1", Job: job, Err: &livetranscode.WaitError{JobID: "job-1", Last: job}},
		"WatcherStats":                        livetranscode.WatcherStats{Err: &livetranscode.WaitError{JobID: "job-1", Last: job}},
		"JobFilter":                           livetranscode.JobFilter{StartMode: new(livetranscode.StartModeTimed)},
		"Job":                                 *job,
		"OutputStream":                        job.OutputStream,
		"Option":                              livetranscode.WithCredentials(cached),
		"PollOption":                          livetranscode.PollInterval(1, 2),
		"ParamError":                          &livetranscode.ParamError{},
		"Signer":                              &signer,
		"StreamInfo":                          job.OutputStream.StreamInfos[0],
		"StreamInput":                         job.StreamInput,
		"WaitErrors":                          livetranscode.WaitErrors{{JobID: "job-1", Last: job, Err: livetranscode.ErrJobStopped}},
		"WaitError":                           &livetranscode.WaitError{JobID: "job-1", Last: job, Err: livetranscode.ErrJobStopped},
		"Watcher":                             watcher,
		"GetLiveTranscodeJobResponse":         livetranscode.GetLiveTranscodeJobResponse{Job: job},
		"ListLiveTranscodeJobsResponse":       livetranscode.ListLiveTranscodeJobsResponse{Jobs: []*livetranscode.Job{job}},
		"SubmitLiveTranscodeJobRequest":       *canarySubmit(),
		"UpdateLiveTranscodeJobRequest":       *canaryUpdate(),
		"livetranscodetest.Call":              srv.Calls(),
		"livetranscodetest.Server":            livetranscodetest.NewServer(livetranscodetest.WithCredentials(canaryCreds)),
		"livetranscodetest.Option":            livetranscodetest.WithCredentials(canaryCreds),
		"livetranscodetest.Fault":             livetranscodetest.Fault{},
		"AudioParams":                         livetranscode.AudioParams{},
		"CreateLiveTranscodeTemplateRequest":  livetranscode.CreateLiveTranscodeTemplateRequest{},
		"CreateLiveTranscodeTemplateResponse": livetranscode.CreateLiveTranscodeTemplateResponse{},
		"DeleteLiveTranscodeJobResponse":      livetranscode.DeleteLiveTranscodeJobResponse{},
		"DeleteLiveTranscodeTemplateResponse": livetranscode.DeleteLiveTranscodeTemplateResponse{},
		"GetLiveTranscodeTemplateResponse":    livetranscode.GetLiveTranscodeTemplateResponse{},
		"Limiter":                             struct{ livetranscode.Limiter }{},
		"ListLiveTranscodeJobsRequest":        livetranscode.ListLiveTranscodeJobsRequest{},
		"ListLiveTranscodeTemplatesRequest":   livetranscode.ListLiveTranscodeTemplatesRequest{},
		"ListLiveTranscodeTemplatesResponse":  livetranscode.ListLiveTranscodeTemplatesResponse{},
		"RetryPolicy":                         livetranscode.RetryPolicy{},
		"SendLiveTranscodeJobCommandResponse": livetranscode.SendLiveTranscodeJobCommandResponse{},
		"SubmitLiveTranscodeJobResponse":      livetranscode.SubmitLiveTranscodeJobResponse{},
		"Template":                            livetranscode.Template{},
		"TemplateConfig":                      livetranscode.TemplateConfig{},
		"TimedConfig":                         livetranscode.TimedConfig{},
		"TranscodeOutput":                     livetranscode.TranscodeOutput{},
		"UpdateLiveTranscodeJobResponse":      livetranscode.UpdateLiveTranscodeJobResponse{},
		"UpdateLiveTranscodeTemplateRequest":  livetranscode.UpdateLiveTranscodeTemplateRequest{},
		"UpdateLiveTranscodeTemplateResponse": livetranscode.UpdateLiveTranscodeTemplateResponse{},
		"VideoParams":                         livetranscode.VideoParams{},
		"EnsureLiveTranscodeJobResponse":      livetranscode.EnsureLiveTranscodeJobResponse{Existing: job},
		"Hooks":                               new(canaryLog).hooks(),
		"CallStart":                           livetranscode.CallStart{},
		"CallEnd":                             livetranscode.CallEnd{Err: &livetranscode.CallError{Err: io.EOF}},
		"AttemptStart":                        livetranscode.AttemptStart{},
		"AttemptEnd":                          livetranscode.AttemptEnd{Err: &livetranscode.CallError{Err: io.EOF}},
		"SweepStart":                          livetranscode.SweepStart{},
		"SweepEnd":                            livetranscode.SweepEnd{},
	}
}

// holdsStreams are the types whose JSON has the stream URLs: that is what it is for.
var holdsStreams = []string{
	"Job", "JobEvent", "OutputStream", "StreamInfo", "StreamInput", "WatchedJob", "WatchError", "WatcherStats", "WaitError", "WaitErrors", "EnsureLiveTranscodeJobResponse", "GetLiveTranscodeJobResponse", "ListLiveTranscodeJobsResponse",
	"SubmitLiveTranscodeJobRequest", "UpdateLiveTranscodeJobRequest", "livetranscodetest.Call",
}

// exportedTypes returns the names of the exported types of a package of this module.
func exportedTypes(t *testing.T, dir, prefix string) (names []string) {
	t.Helper()
	tests := parsed(t, filepath.Join(dir, "*_test.go"))
	for _, file := range parsed(t, filepath.Join(dir, "*.go")) {
		if slices.Contains(tests, file) {
			continue
		}
		for node := range ast.Preorder(file) {
			spec, ok := node.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				continue
			}
			if _, plain := spec.Type.(*ast.Ident); !plain { // a string or a number is just itself
				names = append(names, prefix+spec.Name.Name)
			}
		}
	}
	return names
}
