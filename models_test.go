package livetranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-querystring/query"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// exampleAnswer is the example of the service's documentation.
const exampleAnswer = `{"RequestId":"******3B-0E1A-586A-AC29-742247******","Job":{"Name":"task1","JobId":"****20b48fb04483915d4f2cd8ac****","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic","StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"},"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/mytranscode1"}]},"CreateTime":"2022-07-20T02:48:58Z"}}`

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

// sentQuery returns the action and the parameters of the one request that call sends.
func sentQuery(t *testing.T, call func(context.Context, *Client) error) (action string, values url.Values) {
	t.Helper()
	sent := 0
	client := answeringClient(t, func(req *http.Request) string {
		sent++
		action, values = req.Header.Get(acs3.HeaderAction), req.URL.Query()
		return `{"RequestId":"R","JobId":"J","TemplateId":"T","Job":{},"TemplateContent":{},"TotalCount":0}`
	})
	if err := call(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if sent != 1 {
		t.Fatalf("%d requests, want 1", sent)
	}
	return action, values
}

// wantParamError makes a call that must be refused before anything is sent.
func wantParamError(t *testing.T, call func(context.Context, *Client) error, operation, field string) {
	t.Helper()
	client := answeringClient(t, func(req *http.Request) string {
		t.Errorf("sent %s", req.URL.RawQuery)
		return "{}"
	})
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

func TestDocumentedAnswer(t *testing.T) {
	t.Parallel()
	client := answeringClient(t, func(*http.Request) string { return exampleAnswer })
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

func TestDecodeOddJobs(t *testing.T) {
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
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(exampleAnswer), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Job, got); diff != "" {
		t.Error(diff)
	}
}

// TestNames reads the package's source: Go's spelling in names, the service's only in tags.
func TestNames(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			structure, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					if name.IsExported() {
						checked++
						checkName(t, file, name.Name, field.Tag)
					}
				}
			}
			return true
		})
	}
	if checked < 50 {
		t.Errorf("only %d fields were found", checked)
	}
}

var (
	misspelt   = regexp.MustCompile(`(Id|Url|Fps|Gop|Http|Api|Json|Aac|Ttl|Uri|Dns|Ram|Sts)s?([A-Z]|$)|Samplerate`)
	initialism = regexp.MustCompile(`ID|URL|FPS|GOP|SampleRate`)
)

func checkName(t *testing.T, file, name string, tag *ast.BasicLit) {
	t.Helper()
	if misspelt.MatchString(name) {
		t.Errorf("%s: field %s is spelt as on the wire, not as in Go", file, name)
	}
	if tag == nil {
		return
	}
	text, err := strconv.Unquote(tag.Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"json", "url"} {
		wire, _, _ := strings.Cut(reflect.StructTag(text).Get(key), ",")
		shorter := map[string]string{"Jobs": "JobList", "Template": "TemplateContent", "Templates": "TemplateContentList"}
		if wire != "" && !strings.EqualFold(wire, name) && wire != shorter[name] {
			t.Errorf("%s: field %s has another name on the wire: %s", file, name, wire)
		}
		if initialism.MatchString(name) && wire == name {
			t.Errorf("%s: field %s is spelt in Go's way on the wire", file, name)
		}
	}
}

// The names on the wire, after the service's documentation. Whatever is not listed here is not sent, and what
// is listed is read and written under just this name.
func TestWireNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string
	}{
		{Job{}, "Name JobId TemplateType TemplateId TemplateName StartMode Status StreamInput OutputStream CreateTime"},
		{StreamInput{}, "Type InputUrl"},
		{OutputStream{}, "StreamInfos"},
		{StreamInfo{}, "Type OutputUrl"},
		{TranscodeOutput{}, "Type DomainName"},
		{TimedConfig{}, "StartTime EndTime"},
		{Template{}, "Name TemplateId Type Category CreateTime TemplateConfig"},
		{TemplateConfig{}, "VideoParams AudioParams"},
		{VideoParams{}, "Codec Width Height Fps Bitrate Gop Profile"},
		{AudioParams{}, "Codec Profile Bitrate Samplerate Channels"},
		{AccessDeniedDetail{}, "PolicyType AuthAction NoPermissionType AuthPrincipalType AuthPrincipalDisplayName AuthPrincipalOwnerId EncodedDiagnosticMessage"},
		{commandParams{}, "JobId Command"},
		{ListLiveTranscodeJobsRequest{}, "Type StartMode Status PageNo PageSize SortBy KeyWord"},
		{SubmitLiveTranscodeJobRequest{}, "Name TemplateId StartMode StreamInput TranscodeOutput TimedConfig"},
		{UpdateLiveTranscodeJobRequest{}, "JobId Name StreamInput TranscodeOutput TimedConfig"},
		{CreateLiveTranscodeTemplateRequest{}, "Name Type TemplateConfig"},
		{ListLiveTranscodeTemplatesRequest{}, "Type VideoCodec Category PageNo PageSize SortBy KeyWord"},
		{UpdateLiveTranscodeTemplateRequest{}, "TemplateId Name TemplateConfig"},
	} {
		var got []string
		for field := range fieldsOf(test.value) {
			wire := field.Name
			for _, key := range []string{"json", "url"} {
				if name, _, _ := strings.Cut(field.Tag.Get(key), ","); name != "" {
					wire = name
				}
			}
			got = append(got, wire)
		}
		want := strings.Fields(test.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T:\n%s", test.value, diff)
		}
	}
}

func fieldsOf(structure any) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range reflect.TypeOf(structure).NumField() {
			if !yield(reflect.TypeOf(structure).Field(i)) {
				return
			}
		}
	}
}

func TestJobQueries(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("CST", 8*60*60)
	schedule := &TimedConfig{
		StartTime: time.Date(2022, 7, 20, 10, 48, 58, 999_999_999, east),
		EndTime:   time.Date(2022, 7, 20, 4, 0, 0, 1, time.UTC),
	}
	submit := func(req SubmitLiveTranscodeJobRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.SubmitLiveTranscodeJob(ctx, &req); return err }
	}
	update := func(req UpdateLiveTranscodeJobRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.UpdateLiveTranscodeJob(ctx, &req); return err }
	}
	list := func(req *ListLiveTranscodeJobsRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.ListLiveTranscodeJobs(ctx, req); return err }
	}
	for _, test := range []struct {
		name, action string
		call         func(context.Context, *Client) error
		want         url.Values
	}{
		{
			"get", "GetLiveTranscodeJob",
			func(ctx context.Context, c *Client) error {
				_, err := c.GetLiveTranscodeJob(ctx, " ****20b4+/&=中**** ")
				return err
			},
			url.Values{"JobId": {" ****20b4+/&=中**** "}}, // ids are opaque: passed on as they are
		},
		{
			"delete", "DeleteLiveTranscodeJob",
			func(ctx context.Context, c *Client) error { _, err := c.DeleteLiveTranscodeJob(ctx, "J"); return err },
			url.Values{"JobId": {"J"}},
		},
		{
			"stop", "SendLiveTranscodeJobCommand",
			func(ctx context.Context, c *Client) error {
				_, err := c.SendLiveTranscodeJobCommand(ctx, "J", JobCommandStop)
				return err
			},
			url.Values{"JobId": {"J"}, "Command": {"stop"}},
		},
		{"list, nil", "ListLiveTranscodeJobs", list(nil), url.Values{}},
		{"list, no filter", "ListLiveTranscodeJobs", list(&ListLiveTranscodeJobsRequest{}), url.Values{}},
		{
			"list, filters whose value is 0", "ListLiveTranscodeJobs",
			list(&ListLiveTranscodeJobsRequest{Status: new(JobStatusNotStarted), StartMode: new(StartModeImmediate)}),
			url.Values{"Status": {"0"}, "StartMode": {"0"}},
		},
		{
			"list, everything", "ListLiveTranscodeJobs",
			list(&ListLiveTranscodeJobsRequest{
				Type: TemplateTypeNarrowBand, StartMode: new(StartModeTimed), Status: new(JobStatusStopped),
				PageNo: 2, PageSize: 100, SortBy: SortAscending, Keyword: "a b",
			}),
			url.Values{
				"Type": {"narrow-band"}, "StartMode": {"1"}, "Status": {"2"},
				"PageNo": {"2"}, "PageSize": {"100"}, "SortBy": {"asc"}, "KeyWord": {"a b"},
			},
		},
		{
			"list, values of the future", "ListLiveTranscodeJobs",
			list(&ListLiveTranscodeJobsRequest{StartMode: new(StartMode(7)), Status: new(JobStatus(7))}),
			url.Values{"StartMode": {"7"}, "Status": {"7"}},
		},
		{
			"submit, least", "SubmitLiveTranscodeJob",
			submit(SubmitLiveTranscodeJobRequest{Name: "task1", TemplateID: "T", StreamInput: StreamInput{InputURL: "rtmp://h/a/s"}}),
			url.Values{
				"Name": {"task1"}, "TemplateId": {"T"}, "StartMode": {"0"},
				"StreamInput":     {`{"Type":"rtmp","InputUrl":"rtmp://h/a/s"}`},
				"TranscodeOutput": {`{"Type":"LiveCenter"}`},
			},
		},
		{
			"submit, everything", "SubmitLiveTranscodeJob",
			submit(SubmitLiveTranscodeJobRequest{
				Name: "a & b", TemplateID: "T", StartMode: StartModeTimed,
				StreamInput:     StreamInput{Type: "srt", InputURL: `rtmp://h/a/s?k=<1>&l="2"中`},
				TranscodeOutput: TranscodeOutput{Type: "Other", DomainName: "d.example"},
				TimedConfig:     schedule,
			}),
			url.Values{
				"Name": {"a & b"}, "TemplateId": {"T"}, "StartMode": {"1"},
				"StreamInput":     {`{"Type":"srt","InputUrl":"rtmp://h/a/s?k=<1>&l=\"2\"中"}`}, // nothing is escaped for HTML
				"TranscodeOutput": {`{"Type":"Other","DomainName":"d.example"}`},
				"TimedConfig":     {`{"StartTime":"2022-07-20T02:48:58Z","EndTime":"2022-07-20T04:00:00Z"}`},
			},
		},
		{
			"submit, no end", "SubmitLiveTranscodeJob",
			submit(SubmitLiveTranscodeJobRequest{
				Name: "n", TemplateID: "T", StartMode: StartModeTimed, StreamInput: StreamInput{InputURL: "u"},
				TimedConfig: &TimedConfig{StartTime: schedule.StartTime},
			}),
			url.Values{
				"Name": {"n"}, "TemplateId": {"T"}, "StartMode": {"1"},
				"StreamInput":     {`{"Type":"rtmp","InputUrl":"u"}`},
				"TranscodeOutput": {`{"Type":"LiveCenter"}`},
				"TimedConfig":     {`{"StartTime":"2022-07-20T02:48:58Z"}`},
			},
		},
		{"update, nothing", "UpdateLiveTranscodeJob", update(UpdateLiveTranscodeJobRequest{JobID: "J"}), url.Values{"JobId": {"J"}}},
		{
			"update, name", "UpdateLiveTranscodeJob",
			update(UpdateLiveTranscodeJobRequest{JobID: "J", Name: "n"}),
			url.Values{"JobId": {"J"}, "Name": {"n"}},
		},
		{
			"update, everything", "UpdateLiveTranscodeJob",
			update(UpdateLiveTranscodeJobRequest{
				JobID: "J", Name: "n",
				StreamInput:     &StreamInput{InputURL: "u"},
				TranscodeOutput: &TranscodeOutput{DomainName: "d"},
				TimedConfig:     &TimedConfig{EndTime: schedule.EndTime},
			}),
			url.Values{
				"JobId": {"J"}, "Name": {"n"},
				"StreamInput":     {`{"Type":"rtmp","InputUrl":"u"}`},
				"TranscodeOutput": {`{"Type":"LiveCenter","DomainName":"d"}`},
				"TimedConfig":     {`{"EndTime":"2022-07-20T04:00:00Z"}`},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			action, values := sentQuery(t, test.call)
			if action != test.action {
				t.Errorf("action %s, want %s", action, test.action)
			}
			if diff := cmp.Diff(test.want, values); diff != "" {
				t.Errorf("parameters:\n%s", diff)
			}
		})
	}
}

// A call changes nothing of the caller's: not to fill in a Type, nor to bring a time to UTC.
func TestRequestsAreNotChanged(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("CST", 8*60*60)
	start := time.Date(2022, 7, 20, 10, 48, 58, 999, east)
	make1 := func() *SubmitLiveTranscodeJobRequest {
		return &SubmitLiveTranscodeJobRequest{
			Name: "n", TemplateID: "T", StartMode: StartModeTimed, StreamInput: StreamInput{InputURL: "u"},
			TimedConfig: &TimedConfig{StartTime: start},
		}
	}
	make2 := func() *UpdateLiveTranscodeJobRequest {
		return &UpdateLiveTranscodeJobRequest{
			JobID: "J", StreamInput: &StreamInput{InputURL: "u"}, TranscodeOutput: &TranscodeOutput{DomainName: "d"},
			TimedConfig: &TimedConfig{StartTime: start},
		}
	}
	submit, update := make1(), make2()
	sentQuery(t, func(ctx context.Context, c *Client) error {
		_, err := c.SubmitLiveTranscodeJob(ctx, submit)
		return err
	})
	sentQuery(t, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeJob(ctx, update)
		return err
	})
	// reflect.DeepEqual, unlike cmp, also sees the zone of a time.
	if !reflect.DeepEqual(submit, make1()) {
		t.Errorf("Submit changed its request: %+v", submit)
	}
	if !reflect.DeepEqual(update, make2()) {
		t.Errorf("Update changed its request: %+v", update)
	}
}

// V11 from end to end: from the request struct to the signature.
func TestSubmitVector(t *testing.T) {
	t.Parallel()
	values, err := query.Values(&SubmitLiveTranscodeJobRequest{
		Name: "task1", TemplateID: "****96e8864746a0b6f3****",
		StreamInput:     StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := signable(t, "https://ice.cn-shanghai.aliyuncs.com/?"+acs3.EncodeQuery(values))
	req.Header.Set(acs3.HeaderAction, "SubmitLiveTranscodeJob")
	var signer Signer
	if err := signer.Sign(req, nil, signerCreds, signerTime, "nonce-0004"); err != nil {
		t.Fatal(err)
	}
	const want = "3a8353df4f81d55f9d465dc919485ec90382a2707b67382221eedd425f490b37"
	if !strings.HasSuffix(req.Header.Get("Authorization"), ",Signature="+want) {
		t.Errorf("Authorization %s, want signature %s, of query\n%s", req.Header.Get("Authorization"), want, req.URL.RawQuery)
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

// Boundaries that a check must let pass.
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

func TestListAnswer(t *testing.T) {
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
