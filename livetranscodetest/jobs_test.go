package livetranscodetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestGetAddedJob(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	j := livetranscode.Job{
		Name: "task1", JobID: "****20b48fb04483915d4f2cd8ac****", TemplateType: "normal",
		TemplateID: "b6491d5b3e514b7d895d14b5453ea119", TemplateName: "basic", Status: inProgress,
		StreamInput:  livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{{Type: "rtmp", OutputURL: "rtmp://mydomain/app/mytranscode1"}}},
		CreateTime:   time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
	}
	if id := srv.AddJob(j); id != j.JobID {
		t.Fatal(id)
	}
	r := mustDo(t, srv, "GetLiveTranscodeJob", "JobId", j.JobID)
	// The documented example.
	want := `{"Job":{"Name":"task1","JobId":"****20b48fb04483915d4f2cd8ac****","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic","StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"},"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/mytranscode1"}]},"CreateTime":"2022-07-20T02:48:58Z"},"RequestId":"` + r.RequestID + `"}`
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Error(diff)
	}
	j.OutputStream.StreamInfos[0].Type = "changed"
	got, ok := srv.Job(j.JobID)
	if !ok || got.OutputStream.StreamInfos[0].Type != "rtmp" {
		t.Error("the server keeps the caller's slice")
	}
	got.OutputStream.StreamInfos[0].Type = "changed"
	if got, _ := srv.Job(j.JobID); got.OutputStream.StreamInfos[0].Type != "rtmp" {
		t.Error("the server returns its own slice")
	}
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	template := mustDo(t, srv, "CreateLiveTranscodeTemplate", "Name", "audio", "Type", "audio-only").TemplateID
	id := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("TemplateId", template)...).JobID
	mustDo(t, srv, "UpdateLiveTranscodeTemplate", "TemplateId", template, "Name", "renamed")
	got, ok := srv.Job(id)
	want := livetranscode.Job{
		Name: "task1", JobID: id, TemplateType: "audio-only", TemplateID: template, TemplateName: "audio", Status: inProgress,
		StreamInput:  livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://in/app/s?key=a&b=<c>"},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{{Type: "rtmp", OutputURL: "rtmp://out/app/" + id}}},
		CreateTime:   got.CreateTime,
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(diff)
	}
	r := mustDo(t, srv, "GetLiveTranscodeJob", "JobId", id)
	if !strings.Contains(r.body, "key=a&b=<c>") {
		t.Errorf("escaped for HTML: %s", r.body)
	}

	// An unknown template, and no domain.
	id = mustDo(t, srv, "SubmitLiveTranscodeJob", submission("TranscodeOutput", `{"Type":"LiveCenter"}`)...).JobID
	got, _ = srv.Job(id)
	if got.TemplateType != "normal" || got.TemplateName != "" || got.OutputStream.StreamInfos[0].OutputURL != "rtmp://mydomain/app/"+id {
		t.Errorf("%+v", got)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	const input, output = `{"Type":"rtmp","InputUrl":"rtmp://other"}`, `{"Type":"LiveCenter","DomainName":"other"}`
	tests := []struct {
		name    string
		mode    string
		status  livetranscode.JobStatus
		params  []string
		refused string // the code
	}{
		{"immediate: name while in progress", "0", inProgress, []string{"Name", "new"}, ""},
		{"immediate: name after the stop", "0", stopped, []string{"Name", "new"}, ""},
		{"immediate: input", "0", notStarted, []string{"Name", "new", "StreamInput", input}, "InvalidParameter"},
		{"immediate: output", "0", notStarted, []string{"TranscodeOutput", output}, "InvalidParameter"},
		{"immediate: times", "0", notStarted, []string{"TimedConfig", timed(600, 0)}, "InvalidParameter"},
		{"timed: all", "1", notStarted, []string{"Name", "new", "StreamInput", input, "TranscodeOutput", output, "TimedConfig", timed(600, 900)}, ""},
		{"timed: only the end", "1", notStarted, []string{"TimedConfig", timed(0, 900)}, ""},
		{"timed: start after the existing end", "1", notStarted, []string{"TimedConfig", timed(800, 0)}, "InvalidParameter"},
		{"timed: name while in progress", "1", inProgress, []string{"Name", "new"}, ""},
		{"timed: input while in progress", "1", inProgress, []string{"Name", "new", "StreamInput", input}, "InvalidParameter"},
		{"timed: times after the stop", "1", stopped, []string{"TimedConfig", timed(600, 900)}, "InvalidParameter"},
		{"timed: output without a domain", "1", notStarted, []string{"TranscodeOutput", `{"Type":"LiveCenter"}`}, "MissingParameter"},
		{"timed: input without an address", "1", notStarted, []string{"StreamInput", `{"Type":"rtmp"}`}, "MissingParameter"},
		{"timed: invalid time", "1", notStarted, []string{"Name", "new", "TimedConfig", timed(-600, 0)}, "InvalidParameter"},
		{"nothing", "1", notStarted, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			id := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", tt.mode, "TimedConfig", timed(300, 700))...).JobID
			srv.SetStatus(id, tt.status)
			before, _ := srv.Job(id)
			r := do(t, srv, "UpdateLiveTranscodeJob", append(tt.params, "JobId", id)...)
			if r.Code != tt.refused {
				t.Fatalf("%s %s", r.Code, r.Message)
			}
			want := before
			if tt.refused == "" {
				if slices.Contains(tt.params, "Name") {
					want.Name = "new"
				}
				if slices.Contains(tt.params, "StreamInput") {
					want.StreamInput.InputURL = "rtmp://other"
				}
				if slices.Contains(tt.params, "TranscodeOutput") {
					want.OutputStream.StreamInfos = []livetranscode.StreamInfo{{Type: "rtmp", OutputURL: "rtmp://other/app/" + id}}
				}
			}
			got, _ := srv.Job(id)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUpdateOfTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		id := mustDo(t, srv, "SubmitLiveTranscodeJob", submission("StartMode", "1", "TimedConfig", timed(60, 120))...).JobID
		wantStatus(t, srv, id, notStarted)
		mustDo(t, srv, "UpdateLiveTranscodeJob", "JobId", id, "TimedConfig", timed(90, 0))
		time.Sleep(89 * time.Second)
		wantStatus(t, srv, id, notStarted)
		time.Sleep(time.Second)
		wantStatus(t, srv, id, inProgress)
		time.Sleep(30 * time.Second) // the old end applies
		wantStatus(t, srv, id, stopped)
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status         livetranscode.JobStatus
		strictlyDenied bool
	}{
		{notStarted, true},
		{inProgress, false},
		{stopped, true},
		{livetranscode.JobStatusUnknown, true},
		{7, true},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, strict %t", tt.status, strict), func(t *testing.T) {
				t.Parallel()
				var opts []livetranscodetest.Option
				if strict {
					opts = append(opts, livetranscodetest.WithStrictCommands())
				}
				srv := livetranscodetest.NewServer(opts...)
				id := srv.AddJob(livetranscode.Job{Status: tt.status})
				r := do(t, srv, "SendLiveTranscodeJobCommand", "JobId", id, "Command", "stop")
				want := stopped
				if strict && tt.strictlyDenied {
					want = tt.status
					wantCode(t, r, 403, "OperationDenied", "state of the job")
				} else {
					wantCode(t, r, 200, "", "")
				}
				if j, _ := srv.Job(id); j.Status != want {
					t.Errorf("the job is %v, want %v", j.Status, want)
				}
			})
		}
	}
}

// With strict commands, the schedule of a submitted job decides.
func TestStopOfSubmittedJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithStrictCommands(), livetranscodetest.WithStartDelay(time.Minute))
		id := mustDo(t, srv, "SubmitLiveTranscodeJob", submission()...).JobID
		stop := []string{"JobId", id, "Command", "stop"}
		wantCode(t, do(t, srv, "SendLiveTranscodeJobCommand", stop...), 403, "OperationDenied", "")
		time.Sleep(time.Minute)
		mustDo(t, srv, "SendLiveTranscodeJobCommand", stop...)
		wantStatus(t, srv, id, stopped)
		wantCode(t, do(t, srv, "SendLiveTranscodeJobCommand", stop...), 403, "OperationDenied", "")
	})
}

func TestUnknownAndMissingJob(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	for _, op := range []string{"GetLiveTranscodeJob", "UpdateLiveTranscodeJob", "SendLiveTranscodeJobCommand", "DeleteLiveTranscodeJob"} {
		wantCode(t, do(t, srv, op, "Command", "stop"), 400, "MissingJobId", "JobId")
		wantCode(t, do(t, srv, op, "Command", "stop", "JobId", ""), 400, "MissingJobId", "JobId")
		wantCode(t, do(t, srv, op, "Command", "stop", "JobId", "none"), 404, "JobNotFound", "job")
	}
	id := srv.AddJob(livetranscode.Job{})
	wantCode(t, do(t, srv, "SendLiveTranscodeJobCommand", "JobId", id), 400, "MissingCommand", "Command")
	wantCode(t, do(t, srv, "SendLiveTranscodeJobCommand", "JobId", id, "Command", "start"), 400, "InvalidParameter", "Command")
	mustDo(t, srv, "DeleteLiveTranscodeJob", "JobId", id)
	wantCode(t, do(t, srv, "DeleteLiveTranscodeJob", "JobId", id), 404, "JobNotFound", "job")
	if n := mustDo(t, srv, "ListLiveTranscodeJobs").TotalCount; n != 0 {
		t.Errorf("%d jobs remain", n)
	}
}
