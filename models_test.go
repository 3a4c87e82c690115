package livetranscode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// exampleResponse is the example of the service's documentation.
const exampleResponse = `{"RequestId":"******3B-0E1A-586A-AC29-742247******","Job":{"Name":"task1","JobId":"****20b48fb04483915d4f2cd8ac****","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic","StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"},"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/mytranscode1"}]},"CreateTime":"2022-07-20T02:48:58Z"}}`

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

// answeringFunc is a transport that answers 200 with the body that it returns.
type answeringFunc func(*http.Request) string

func (f answeringFunc) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: make(http.Header), Request: req,
		Body: io.NopCloser(strings.NewReader(f(req))),
	}, nil
}

func answeringClient(t *testing.T, answer answeringFunc) *Client {
	t.Helper()
	client, err := NewClient(WithCredentials(StaticCredentials("id", "secret", "")), WithHTTPClient(&http.Client{Transport: answer}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestDocumentedResponse(t *testing.T) {
	t.Parallel()
	client := answeringClient(t, func(*http.Request) string { return exampleResponse })
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

// decoders are the ways in which an answer becomes a Job: through a call, and by either JSON package.
func decodeJob(t *testing.T, text string) (jobs map[string]*Job, errs map[string]error) {
	t.Helper()
	var v1, v2 Job
	jobs, errs = make(map[string]*Job), make(map[string]error)
	jobs["encoding/json"], errs["encoding/json"] = &v1, json.Unmarshal([]byte(text), &v1)
	jobs["json v2"], errs["json v2"] = &v2, jsonv2.Unmarshal([]byte(text), &v2)
	client := answeringClient(t, func(*http.Request) string { return `{"RequestId":"R","Job":` + text + `}` })
	resp, err := client.GetLiveTranscodeJob(t.Context(), "J")
	if errs["call"] = err; err == nil {
		jobs["call"] = resp.Job
	}
	client = answeringClient(t, func(*http.Request) string { return `{"RequestId":"R","JobList":[` + text + `]}` })
	page, err := client.ListLiveTranscodeJobs(t.Context(), nil)
	if errs["list"] = err; err == nil {
		jobs["list"] = page.Jobs[0]
	}
	return jobs, errs
}

func TestDecodeEnums(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string // empty: absent
		want  int
	}{
		{"", -1},
		{"null", -1},
		{"-1", -1},
		{"0", 0},
		{"1", 1},
		{"2", 2},
		{"7", 7},
		{`"0"`, 0},
		{`"1"`, 1},
		{`"7"`, 7},
		{"1.0", 1},
		{"1e0", 1},
		{`"2.0"`, 2},
		{`"\u0031"`, 1},
		{"-2", -2},
		{`"stopped"`, -1},
		{`""`, -1},
		{`"\""`, -1},
		{"true", -1},
		{"{}", -1},
		{"[1]", -1},
		{"1.5", -1},
		{`"1.5"`, -1},
		{`" 1"`, -1},
		{`"99999999999999999999"`, -1},
		{"99999999999999999999", -1},
		{`"NaN"`, -1},
		{`"Inf"`, -1},
		{"1e999", -1},
	} {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			text := `{"JobId":"J","Status":` + test.value + `,"StartMode":` + test.value + `}`
			if test.value == "" {
				text = `{"JobId":"J"}`
			}
			jobs, errs := decodeJob(t, text)
			for way, job := range jobs {
				if errs[way] != nil {
					t.Errorf("%s: %v", way, errs[way])
				} else if int(job.Status) != test.want || int(job.StartMode) != test.want {
					t.Errorf("%s: status %d, start mode %d, want %d", way, job.Status, job.StartMode, test.want)
				}
			}
		})
	}
}

// The enums stand on their own, too: in a caller's struct they are not absent but untouched.
func TestEnumsRoundTrip(t *testing.T) {
	t.Parallel()
	type pair struct {
		S JobStatus
		M StartMode
	}
	for _, n := range []int{-1, 0, 1, 2, 7} {
		in := pair{JobStatus(n), StartMode(n)}
		text, err := json.Marshal(in)
		if want := fmt.Sprintf(`{"S":%d,"M":%d}`, n, n); err != nil || string(text) != want {
			t.Errorf("%d encodes as %s, %v, want %s", n, text, err, want)
		}
		var out pair
		if err := json.Unmarshal(text, &out); err != nil || out != in {
			t.Errorf("%s decodes as %+v, %v", text, out, err)
		}
	}
	for _, text := range []string{`{"S":null,"M":null}`, `{"S":"x","M":{}}`, `{"S":"","M":1.5}`} {
		out := pair{S: 1, M: 1}
		if err := json.Unmarshal([]byte(text), &out); err != nil || out != (pair{-1, -1}) {
			t.Errorf("%s decodes as %+v, %v, want unknown", text, out, err)
		}
	}
}

func TestDecodeCreateTime(t *testing.T) {
	t.Parallel()
	second := time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC)
	minute := second.Truncate(time.Minute)
	for _, test := range []struct {
		value string // empty: absent
		want  time.Time
	}{
		{`"2022-07-20T02:48:58Z"`, second},
		{`"2022-07-20T02:48:58.25Z"`, second.Add(250 * time.Millisecond)},
		{`"2022-07-20T10:48:58+08:00"`, second},
		{`"2022-07-20T10:48:58.25+08:00"`, second.Add(250 * time.Millisecond)},
		{`"2022-07-20T02:48Z"`, minute},
		{`"2022-07-20T10:48+08:00"`, minute},
		{`"2022-07-20T02:48:58"`, second},
		{`"2022-07-20T02:48"`, minute},
		{"", time.Time{}},
		{`null`, time.Time{}},
		{`""`, time.Time{}},
		{`1658285338000`, time.Time{}},
		{`"1658285338"`, time.Time{}},
		{`"yesterday"`, time.Time{}},
		{`"2022-07-20"`, time.Time{}},
		{`"2022-13-20T02:48:58Z"`, time.Time{}},
		{`{"at":1}`, time.Time{}},
		{`true`, time.Time{}},
	} {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			text := `{"JobId":"J","CreateTime":` + test.value + `,"Status":1}`
			if test.value == "" {
				text = `{"JobId":"J","Status":1}`
			}
			jobs, errs := decodeJob(t, text)
			for way, job := range jobs {
				switch {
				case errs[way] != nil:
					t.Errorf("%s: %v", way, errs[way])
				case !job.CreateTime.Equal(test.want) || job.CreateTime.Location() != time.UTC:
					t.Errorf("%s: %v, want %v", way, job.CreateTime, test.want)
				case job.JobID != "J" || job.Status != JobStatusInProgress:
					t.Errorf("%s: the rest is lost: %+v", way, job)
				}
			}
		})
	}
}

func TestDecodeMalformedJobs(t *testing.T) {
	t.Parallel()
	unknown := Job{StartMode: StartModeUnknown, Status: JobStatusUnknown}
	with := func(change func(*Job)) Job { job := unknown; change(&job); return job }
	for _, test := range []struct {
		name, text string
		want       Job
	}{
		{"empty", `{}`, unknown},
		{"nulls", `{"Name":null,"JobId":null,"StreamInput":null,"OutputStream":null,"CreateTime":null}`, unknown},
		{"more fields than known", `{"JobId":"J","New":{"a":[1,2]}}`, with(func(j *Job) { j.JobID = "J" })},
		{"a name twice", `{"JobId":"I","JobId":"J"}`, with(func(j *Job) { j.JobID = "J" })},
		{"not UTF-8", "{\"Name\":\"a\xffb\"}", with(func(j *Job) { j.Name = "a\ufffdb" })},
		{"unknown kind", `{"TemplateType":"new-kind"}`, with(func(j *Job) { j.TemplateType = "new-kind" })},
		{"no outputs", `{"OutputStream":{}}`, unknown},
		{
			"two outputs", `{"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"a"},{"Type":"hls","OutputUrl":"b"}]}}`,
			with(func(j *Job) { j.OutputStream.StreamInfos = []StreamInfo{{"rtmp", "a"}, {"hls", "b"}} }),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			jobs, errs := decodeJob(t, test.text)
			for way, job := range jobs {
				if way == "json v2" && errs[way] != nil && (test.name == "a name twice" || test.name == "not UTF-8") {
					continue // strict by its own choice, before it asks Job
				}
				if errs[way] != nil {
					t.Errorf("%s: %v", way, errs[way])
				} else if diff := cmp.Diff(test.want, *job); diff != "" {
					t.Errorf("%s:\n%s", way, diff)
				}
			}
		})
	}
}

// Decoding replaces what a Job held before, also what the answer does not mention.
func TestDecodeReplaces(t *testing.T) {
	t.Parallel()
	job := exampleJob()
	if err := json.Unmarshal([]byte(`{"JobId":"J"}`), job); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Job{JobID: "J", StartMode: StartModeUnknown, Status: JobStatusUnknown}, job); diff != "" {
		t.Error(diff)
	}
}

func TestJobRoundTrip(t *testing.T) {
	t.Parallel()
	bare := Job{JobID: "J", StartMode: StartModeUnknown, Status: JobStatusUnknown}
	odd := Job{JobID: "J", Name: `<a href="?x=1&y=2">`, StartMode: 7, Status: 7, CreateTime: time.Date(2022, 7, 20, 2, 48, 58, 250, time.UTC)}
	for _, job := range []Job{*exampleJob(), bare, odd} {
		for name, codec := range map[string]struct {
			marshal   func(any) ([]byte, error)
			unmarshal func([]byte, any) error
		}{
			"encoding/json": {json.Marshal, json.Unmarshal},
			"json v2": {
				func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
				func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
			},
		} {
			text, err := codec.marshal(job)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var back Job
			if err := codec.unmarshal(text, &back); err != nil {
				t.Errorf("%s: %s: %v", name, text, err)
			}
			// json v2 writes a nil slice as [].
			if diff := cmp.Diff(job, back, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s:\n%s", name, text, diff)
			}
			if job.CreateTime.IsZero() && strings.Contains(string(text), "CreateTime") {
				t.Errorf("%s: a date that is not there is written: %s", name, text)
			}
		}
	}
}

// A Job encodes to what the service writes.
func TestJobEncodesAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(exampleJob())
	if err != nil {
		t.Fatal(err)
	}
	var got any
	var want struct{ Job any }
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(exampleResponse), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Job, got); diff != "" {
		t.Error(diff)
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
			client := answeringClient(t, func(*http.Request) string { return test.text })
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
