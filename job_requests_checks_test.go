package livetranscode

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wantParamError makes a call that must be refused before anything is sent.
func wantParamError(t *testing.T, call func(context.Context, *Client) error, operation, field string) {
	t.Helper()
	client := clientOver(t, respondTo(func(req *http.Request) string {
		t.Errorf("sent %s", req.URL.RawQuery)
		return "{}"
	}))
	err := call(t.Context(), client)
	var refused *ParamError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v, want a *ParamError", err)
	}
	if refused.Operation != operation || refused.Field != field || refused.Reason == "" {
		t.Errorf("error %q of %s about %s, want one of %s about %s", err, refused.Operation, refused.Field, operation, field)
	}
	if !errors.Is(err, ErrInvalidRequest) {
		t.Errorf("%v is not ErrInvalidRequest", err)
	}
	if want := "livetranscode: " + operation + ": " + field + " "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %q does not start with %q", err, want)
	}
}

func TestJobChecks(t *testing.T) {
	t.Parallel()
	now := time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC)
	submit := func(change func(*SubmitLiveTranscodeJobRequest)) func(context.Context, *Client) error {
		req := &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "T", StreamInput: StreamInput{InputURL: "u"}}
		change(req)
		return func(ctx context.Context, c *Client) error { _, err := c.SubmitLiveTranscodeJob(ctx, req); return err }
	}
	update := func(req *UpdateLiveTranscodeJobRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.UpdateLiveTranscodeJob(ctx, req); return err }
	}
	list := func(req ListLiveTranscodeJobsRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.ListLiveTranscodeJobs(ctx, &req); return err }
	}
	for _, test := range []struct {
		name, operation, field string
		call                   func(context.Context, *Client) error
	}{
		{"get without id", "GetLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) error {
			_, err := c.GetLiveTranscodeJob(ctx, "")
			return err
		}},
		{"delete without id", "DeleteLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) error {
			_, err := c.DeleteLiveTranscodeJob(ctx, "")
			return err
		}},
		{"command without id", "SendLiveTranscodeJobCommand", "JobID", func(ctx context.Context, c *Client) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, "", JobCommandStop)
			return err
		}},
		{"command without command", "SendLiveTranscodeJobCommand", "Command", func(ctx context.Context, c *Client) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, "J", "")
			return err
		}},
		{"list, start mode", "ListLiveTranscodeJobs", "StartMode", list(ListLiveTranscodeJobsRequest{StartMode: new(StartModeUnknown)})},
		{"list, status", "ListLiveTranscodeJobs", "Status", list(ListLiveTranscodeJobsRequest{Status: new(JobStatusUnknown)})},
		{"list, page", "ListLiveTranscodeJobs", "PageNo", list(ListLiveTranscodeJobsRequest{PageNo: -1})},
		{"list, negative size", "ListLiveTranscodeJobs", "PageSize", list(ListLiveTranscodeJobsRequest{PageSize: -1})},
		{"list, size", "ListLiveTranscodeJobs", "PageSize", list(ListLiveTranscodeJobsRequest{PageSize: 101})},
		{"all, status", "ListLiveTranscodeJobs", "Status", func(ctx context.Context, c *Client) error {
			for _, err := range c.AllLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{Status: new(JobStatusUnknown)}) {
				return err
			}
			return nil
		}},
		{"submit nil", "SubmitLiveTranscodeJob", "req", func(ctx context.Context, c *Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, nil)
			return err
		}},
		{"submit, name", "SubmitLiveTranscodeJob", "Name", submit(func(r *SubmitLiveTranscodeJobRequest) { r.Name = "" })},
		{"submit, template", "SubmitLiveTranscodeJob", "TemplateID", submit(func(r *SubmitLiveTranscodeJobRequest) { r.TemplateID = "" })},
		{"submit, unknown start mode", "SubmitLiveTranscodeJob", "StartMode", submit(func(r *SubmitLiveTranscodeJobRequest) { r.StartMode = StartModeUnknown })},
		{"submit, negative start mode", "SubmitLiveTranscodeJob", "StartMode", submit(func(r *SubmitLiveTranscodeJobRequest) { r.StartMode = -2 })},
		{"submit, input", "SubmitLiveTranscodeJob", "StreamInput.InputURL", submit(func(r *SubmitLiveTranscodeJobRequest) { r.StreamInput.InputURL = "" })},
		{"submit, no schedule", "SubmitLiveTranscodeJob", "TimedConfig", submit(func(r *SubmitLiveTranscodeJobRequest) { r.StartMode = StartModeTimed })},
		{"submit, no start", "SubmitLiveTranscodeJob", "TimedConfig.StartTime", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.StartMode, r.TimedConfig = StartModeTimed, &TimedConfig{EndTime: now}
		})},
		{"submit, end before start", "SubmitLiveTranscodeJob", "TimedConfig.EndTime", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.StartMode, r.TimedConfig = StartModeTimed, &TimedConfig{StartTime: now, EndTime: now.Add(-time.Second)}
		})},
		{"update nil", "UpdateLiveTranscodeJob", "req", update(nil)},
		{"update, id", "UpdateLiveTranscodeJob", "JobID", update(&UpdateLiveTranscodeJobRequest{Name: "n"})},
		{"update, input", "UpdateLiveTranscodeJob", "StreamInput.InputURL", update(&UpdateLiveTranscodeJobRequest{JobID: "J", StreamInput: &StreamInput{Type: "rtmp"}})},
		{"update, output", "UpdateLiveTranscodeJob", "TranscodeOutput.DomainName", update(&UpdateLiveTranscodeJobRequest{JobID: "J", TranscodeOutput: &TranscodeOutput{Type: "LiveCenter"}})},
		{"update, schedule", "UpdateLiveTranscodeJob", "TimedConfig.EndTime", update(&UpdateLiveTranscodeJobRequest{
			JobID: "J", TimedConfig: &TimedConfig{StartTime: now, EndTime: now.Add(-time.Second)},
		})},
		{"submit, schedule of an immediate job", "SubmitLiveTranscodeJob", "TimedConfig", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.TimedConfig = &TimedConfig{StartTime: now.Add(48 * time.Hour)}
		})},
		{"submit, empty schedule of an immediate job", "SubmitLiveTranscodeJob", "TimedConfig", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.TimedConfig = &TimedConfig{}
		})},
		{"submit, year", "SubmitLiveTranscodeJob", "TimedConfig.StartTime", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.StartMode, r.TimedConfig = StartModeTimed, &TimedConfig{StartTime: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
		})},
		{"update, year", "UpdateLiveTranscodeJob", "TimedConfig.EndTime", update(&UpdateLiveTranscodeJobRequest{
			JobID: "J", TimedConfig: &TimedConfig{EndTime: time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -3600))},
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantParamError(t, test.call, test.operation, test.field)
		})
	}
}

// Boundary cases that the checks must allow.
func TestJobChecksAllow(t *testing.T) {
	t.Parallel()
	now := time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC)
	for name, request := range map[string]params{
		"largest page":                     &ListLiveTranscodeJobsRequest{PageNo: 1 << 20, PageSize: 100},
		"start mode of the future":         &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "T", StartMode: 2, StreamInput: StreamInput{InputURL: "u"}},
		"schedule of a mode of the future": &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "T", StartMode: 2, StreamInput: StreamInput{InputURL: "u"}, TimedConfig: &TimedConfig{}},
		"end at the start":                 &UpdateLiveTranscodeJobRequest{JobID: "J", TimedConfig: &TimedConfig{StartTime: now, EndTime: now}},
		"only an end":                      &UpdateLiveTranscodeJobRequest{JobID: "J", TimedConfig: &TimedConfig{EndTime: now}},
		"command of the future":            &commandParams{JobID: "J", Command: "pause"},
	} {
		if field, reason := request.validate(); field != "" {
			t.Errorf("%s: %s %s", name, field, reason)
		}
	}
}
