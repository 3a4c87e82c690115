package livetranscode

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plainJob is Job as encoding/json reads it without help.
type plainJob struct {
	Name, JobId, TemplateType, TemplateId, TemplateName string //nolint:revive // the names on the wire
	StartMode, Status, CreateTime                       json.RawMessage
	StreamInput                                         struct{ Type, InputUrl string } //nolint:revive // the same
	OutputStream                                        struct {
		StreamInfos []struct{ Type, OutputUrl string } //nolint:revive // the same
	}
}

// enum reads a number, a quoted number, or nothing, which is -1.
func (plainJob) enum(raw json.RawMessage) (int, error) {
	if raw == nil || string(raw) == "null" {
		return -1, nil
	}
	text := string(raw)
	if unquoted, ok := strings.CutPrefix(text, `"`); ok {
		text = strings.TrimSuffix(unquoted, `"`)
	}
	return strconv.Atoi(text)
}

func (p plainJob) job() (*Job, error) {
	job := &Job{
		Name: p.Name, JobID: p.JobId, TemplateType: TemplateType(p.TemplateType), TemplateID: p.TemplateId, TemplateName: p.TemplateName,
		StreamInput: StreamInput{p.StreamInput.Type, p.StreamInput.InputUrl},
	}
	mode, err := p.enum(p.StartMode)
	if err != nil {
		return nil, err
	}
	status, err := p.enum(p.Status)
	if err != nil {
		return nil, err
	}
	job.StartMode, job.Status = StartMode(mode), JobStatus(status)
	if p.OutputStream.StreamInfos != nil {
		job.OutputStream.StreamInfos = []StreamInfo{}
	}
	for _, info := range p.OutputStream.StreamInfos {
		job.OutputStream.StreamInfos = append(job.OutputStream.StreamInfos, StreamInfo{info.Type, info.OutputUrl})
	}
	var created string
	if json.Unmarshal(p.CreateTime, &created) == nil {
		job.CreateTime, _ = parseTime(created)
	}
	return job, nil
}

// unambiguous rewrites JSON without what the two decoders read differently on purpose: names that come twice, and
// names that are right but for their case.
func unambiguous(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = unambiguous(v[i])
		}
	case map[string]any:
		known := []string{
			"Name", "JobId", "TemplateType", "TemplateId", "TemplateName", "StartMode", "Status", "CreateTime", "StreamInput", "OutputStream",
			"Type", "InputUrl", "StreamInfos", "OutputUrl",
		}
		for name := range maps.Clone(v) {
			v[name] = unambiguous(v[name])
			if !slices.Contains(known, name) && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
				delete(v, name)
			}
		}
	}
	return value
}

func FuzzDecodeJob(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, `[]`, `{"Status":1}`, `{"Status":"2","StartMode":null}`, `{"status":1}`, `{"Status":1,"Status":0}`, `{"Status":1e0}`,
		`{"Name":"\ud800","JobId":1}`, "{\"Name\":\"\xff\"}", `{"CreateTime":"2022-07-20T02:48Z"}`, `{"CreateTime":12}`, `{"StreamInput":null}`,
		`{"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://d/a/s"},null]}}`, `{"OutputStream":{"StreamInfos":{}}}`,
		documentedJob[strings.Index(documentedJob, `"Job":`)+len(`"Job":`) : len(documentedJob)-1],
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var raw Job
		if err := raw.UnmarshalJSON(text); err == nil && !json.Valid(text) {
			t.Fatalf("%q is no JSON, and decodes into %+v", text, raw)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var value any
		if decoder.Decode(&value) != nil {
			return
		}
		if _, err := decoder.Token(); err != io.EOF {
			return
		}
		clean, err := json.Marshal(unambiguous(value))
		if err != nil {
			t.Fatal(err)
		}
		var (
			got   Job
			plain plainJob
		)
		gotErr := got.UnmarshalJSON(clean)
		wantErr := json.Unmarshal(clean, &plain)
		want, enumErr := plain.job()
		if (gotErr == nil) != (wantErr == nil && enumErr == nil) {
			t.Fatalf("%s: the error is %v, encoding/json says %v, %v", clean, gotErr, wantErr, enumErr)
		}
		if gotErr != nil {
			return
		}
		if string(clean) == "null" {
			want = &Job{StartMode: StartModeUnknown, Status: JobStatusUnknown}
		}
		if diff := cmp.Diff(want, &got); diff != "" {
			t.Errorf("%s decodes differently:\n%s", clean, diff)
		}
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again Job
		if err := again.UnmarshalJSON(encoded); err != nil || !reflect.DeepEqual(normalised(got), normalised(again)) {
			t.Errorf("%s is %s after a round trip (%v)", clean, encoded, err)
		}
	})
}

// normalised returns a job whose empty and absent lists are the same.
func normalised(j Job) Job {
	if len(j.OutputStream.StreamInfos) == 0 {
		j.OutputStream.StreamInfos = nil
	}
	return j
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"", "2022-07-20T02:48:58Z", "2022-07-20T02:48:58.123456789+08:00", "2022-07-20T02:48Z", "2022-07-20T02:48:58", "2022-07-20T02:48",
		"2022-07-20", "2022-13-45T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59+23:59", "yesterday", "2022-07-20T02:48:58,5Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime(s)
		switch want, err := time.Parse(time.RFC3339, s); {
		case err == nil && (!ok || !got.Equal(want)):
			t.Errorf("%q is %v, %t, want %v", s, got, ok, want)
		case !ok && !got.IsZero(), s == "" && !ok:
			t.Errorf("%q is %v, %t", s, got, ok)
		case got.Location() != time.UTC:
			t.Errorf("%q is %v, not in UTC", s, got)
		case ok && s != "" && err != nil: // without seconds, offset, or both: adding them must not change it
			full := s
			if !strings.HasSuffix(s, "Z") && !strings.Contains(s[min(len(s), 11):], "+") && !strings.Contains(s[min(len(s), 11):], "-") {
				full += "Z"
			}
			if strings.Count(full[:min(len(full), 19)], ":") < 2 {
				full = full[:16] + ":00" + full[16:]
			}
			if want, err := time.Parse(time.RFC3339, full); err == nil && !want.Equal(got) {
				t.Errorf("%q is %v, but %q is %v", s, got, full, want)
			}
		}
	})
}
