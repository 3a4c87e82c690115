package livetranscode

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// exampleJob is the job of documentedJob.
func exampleJob() *Job {
	return &Job{
		Name:         "task1",
		JobID:        "****20b48fb04483915d4f2cd8ac****",
		TemplateType: TemplateTypeNormal,
		TemplateID:   "b6491d5b3e514b7d895d14b5453ea119",
		TemplateName: "basic",
		StartMode:    StartModeImmediate,
		Status:       JobStatusInProgress,
		StreamInput:  StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
		OutputStream: OutputStream{StreamInfos: []StreamInfo{{Type: "rtmp", OutputURL: "rtmp://mydomain/app/mytranscode1"}}},
		CreateTime:   time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
	}
}

func TestDocumentedResponse(t *testing.T) {
	t.Parallel()
	client := clientOver(t, success)
	resp, err := client.GetLiveTranscodeJob(t.Context(), "****20b48fb04483915d4f2cd8ac****")
	if err != nil {
		t.Fatal(err)
	}
	want := &GetLiveTranscodeJobResponse{RequestID: "******3B-0E1A-586A-AC29-742247******", Job: exampleJob()}
	if diff := cmp.Diff(want, resp); diff != "" {
		t.Errorf("decoded:\n%s", diff)
	}
}

func TestJobStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status JobStatus
		text   string
		known  bool
	}{
		{JobStatusUnknown, "unknown", false},
		{JobStatusNotStarted, "not started", true},
		{JobStatusInProgress, "in progress", true},
		{JobStatusStopped, "stopped", true},
		{3, "JobStatus(3)", false},
		{7, "JobStatus(7)", false},
		{-2, "JobStatus(-2)", false},
	} {
		if got := test.status.String(); got != test.text {
			t.Errorf("JobStatus %d is %q, want %q", int(test.status), got, test.text)
		}
		if got := test.status.Known(); got != test.known {
			t.Errorf("JobStatus %d: Known is %t", int(test.status), got)
		}
		if got := test.status.Final(); got != (test.status == JobStatusStopped) {
			t.Errorf("JobStatus %d: Final is %t", int(test.status), got)
		}
	}
	if JobStatusUnknown != -1 || JobStatusNotStarted != 0 || JobStatusInProgress != 1 || JobStatusStopped != 2 {
		t.Error("a status is not its value on the wire")
	}
}

func TestStartMode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode  StartMode
		text  string
		known bool
	}{
		{StartModeUnknown, "unknown", false},
		{StartModeImmediate, "immediate", true},
		{StartModeTimed, "timed", true},
		{2, "StartMode(2)", false},
		{7, "StartMode(7)", false},
		{-2, "StartMode(-2)", false},
	} {
		if got := test.mode.String(); got != test.text {
			t.Errorf("StartMode %d is %q, want %q", int(test.mode), got, test.text)
		}
		if got := test.mode.Known(); got != test.known {
			t.Errorf("StartMode %d: Known is %t", int(test.mode), got)
		}
	}
	if StartModeUnknown != -1 || StartModeImmediate != 0 || StartModeTimed != 1 {
		t.Error("a start mode is not its value on the wire")
	}
}

func TestListResponse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       *ListLiveTranscodeJobsResponse
	}{
		{"no match", `{"RequestId":"R","TotalCount":0,"JobList":[]}`, &ListLiveTranscodeJobsResponse{RequestID: "R", Jobs: []*Job{}}},
		{"no list", `{"RequestId":"R","TotalCount":0}`, &ListLiveTranscodeJobsResponse{RequestID: "R", Jobs: []*Job{}}},
		{
			"quoted count", `{"RequestId":"R","TotalCount":"12","JobList":[{"JobId":"a","Status":0},{"JobId":"b","Status":2}]}`,
			&ListLiveTranscodeJobsResponse{RequestID: "R", TotalCount: 12, Jobs: []*Job{
				{JobID: "a", StartMode: StartModeUnknown, Status: JobStatusNotStarted},
				{JobID: "b", StartMode: StartModeUnknown, Status: JobStatusStopped},
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := clientOver(t, respond(200, test.text))
			got, err := client.ListLiveTranscodeJobs(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPrintsAreOneLine prints what the service can choose: the names of jobs, templates and protocols.
func TestPrintsAreOneLine(t *testing.T) {
	t.Parallel()
	const text, want = "a\u202eb\u0085c\u009bd\ne\xff", "a b c d e\ufffd"
	job := Job{
		Name: text, JobID: text, TemplateID: text, TemplateName: text, TemplateType: text,
		StreamInput:  StreamInput{Type: text, InputURL: "rtmp://h/a" + text + "/key"},
		OutputStream: OutputStream{StreamInfos: []StreamInfo{{Type: text, OutputURL: "rtmp://h/" + text}}},
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "job", job, "input", job.StreamInput, "output", job.OutputStream)
	for how, got := range map[string]string{
		"%v": fmt.Sprintf("%v", job), "%+v": fmt.Sprintf("%+v", &job), "%s": fmt.Sprintf("%s", job.StreamInput),
		"an output": fmt.Sprint(job.OutputStream), "a log": strings.TrimSpace(log.String()),
	} {
		if !strings.Contains(got, want) || redact.OneLine(got) != got {
			t.Errorf("%s: %q, want the texts as %q", how, got, want)
		}
	}
	if job.Name != text {
		t.Error("printing changes the job")
	}
}
