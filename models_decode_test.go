package livetranscode

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// decoders are the ways in which an answer becomes a Job: through a call, and by either JSON package.
func decodeJob(t *testing.T, text string) (jobs map[string]*Job, errs map[string]error) {
	t.Helper()
	var v1, v2 Job
	jobs, errs = make(map[string]*Job), make(map[string]error)
	jobs["encoding/json"], errs["encoding/json"] = &v1, json.Unmarshal([]byte(text), &v1)
	jobs["json v2"], errs["json v2"] = &v2, jsonv2.Unmarshal([]byte(text), &v2)
	client := clientOver(t, respond(200, `{"RequestId":"R","Job":`+text+`}`))
	resp, err := client.GetLiveTranscodeJob(t.Context(), "J")
	if errs["call"] = err; err == nil {
		jobs["call"] = resp.Job
	}
	client = clientOver(t, respond(200, `{"RequestId":"R","JobList":[`+text+`]}`))
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
		{`"9999-12-31T23:59:59-01:00"`, time.Time{}}, // 10000 in UTC, which cannot be encoded as JSON
		{`"0000-01-01T00:00:00+01:00"`, time.Time{}},
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
	unusual := Job{JobID: "J", Name: `<a href="?x=1&y=2">`, StartMode: 7, Status: 7, CreateTime: time.Date(2022, 7, 20, 2, 48, 58, 250, time.UTC)}
	for _, job := range []Job{*exampleJob(), bare, unusual} {
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
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(documentedJob), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Job, got); diff != "" {
		t.Error(diff)
	}
}
