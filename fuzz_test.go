package livetranscode

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An anyObject is an object as encoding/json decodes it without a type, and how its values become fields.
type anyObject map[string]any

func (o anyObject) text(name string) string {
	switch v := o[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (o anyObject) enum(name string) int {
	n, err := strconv.ParseFloat(o.text(name), 64)
	if err != nil || n < -math.MaxInt32 || n > math.MaxInt32 || n != math.Trunc(n) {
		return -1
	}
	return int(n)
}

func (o anyObject) object(name string) anyObject {
	object, _ := o[name].(map[string]any)
	return object
}

func (o anyObject) job() *Job {
	job := &Job{
		Name: o.text("Name"), JobID: o.text("JobId"), TemplateType: TemplateType(o.text("TemplateType")), TemplateID: o.text("TemplateId"),
		TemplateName: o.text("TemplateName"), StartMode: StartMode(o.enum("StartMode")), Status: JobStatus(o.enum("Status")),
		StreamInput: StreamInput{o.object("StreamInput").text("Type"), o.object("StreamInput").text("InputUrl")},
	}
	infos, ok := o.object("OutputStream")["StreamInfos"].([]any)
	if ok {
		job.OutputStream.StreamInfos = []StreamInfo{}
	}
	for _, info := range infos {
		object, _ := info.(map[string]any)
		job.OutputStream.StreamInfos = append(job.OutputStream.StreamInfos, StreamInfo{anyObject(object).text("Type"), anyObject(object).text("OutputUrl")})
	}
	if created, ok := o["CreateTime"].(string); ok {
		job.CreateTime = parseTime(created)
	}
	return job
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
		clean, err := json.Marshal(value) // of duplicate fields the last
		if err != nil {
			t.Fatal(err)
		}
		object, isObject := value.(map[string]any)
		var got Job
		err = got.UnmarshalJSON(clean)
		if (err == nil) != (isObject || value == nil) {
			t.Fatalf("%s: the error is %v", clean, err)
		} else if err != nil {
			return
		}
		if diff := cmp.Diff(anyObject(object).job(), &got); diff != "" {
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
		"2022-07-20", "2022-13-45T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59+23:59", "9999-12-31T23:59:59-01:00", "yesterday", "2022-07-20T02:48:58,5Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := parseTime(s)
		switch want, err := time.Parse(time.RFC3339, s); {
		case err == nil && (want.UTC().Year() < 0 || want.UTC().Year() > 9999): // cannot be encoded
			if !got.IsZero() {
				t.Errorf("%q is %v, want no time", s, got)
			}
		case err == nil && !got.Equal(want):
			t.Errorf("%q is %v, want %v", s, got, want)
		case got.Location() != time.UTC:
			t.Errorf("%q is %v, not in UTC", s, got)
		case err != nil && !got.IsZero(): // without seconds, offset, or both: adding them must not change it
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
