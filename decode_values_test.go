package livetranscode

import (
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// TestInternedStrings: what a table has interned before does not change how a string is decoded.
func TestInternedStrings(t *testing.T) {
	t.Parallel()
	texts := make([]string, 2000)
	for i := range texts {
		texts[i] = strings.Repeat("x", i%300) + fmt.Sprint(i)
	}
	var d decoder
	internQuoted := func(quoted, want string) (text string) {
		t.Helper()
		if err := setInterned(&d, reflect.ValueOf(&text).Elem(), []byte(quoted)); err != nil || text != want {
			t.Fatalf("%s is %q, %v", quoted, text, err)
		}
		return text
	}
	intern := func(want string) string { return internQuoted(`"`+want+`"`, want) }
	for i := range 20_000 {
		want := texts[rand.N(len(texts))]
		if i%2 == 0 { // of equal length, so that they differ only in characters
			want = crand.Text()
		}
		if once, again := intern(want), intern(want); (unsafe.StringData(once) == unsafe.StringData(again)) != (len(want) <= 256) {
			t.Fatalf("%q is allocated twice, or is long and interned", want)
		}
	}
	// Two to a slot: a job's own texts do not drive out what all jobs have in common.
	const common = "b6491d5b3e514b7d895d14b5453ea119"
	first := intern(common)
	for _, own := range texts[:250] {
		intern(own)
		if again := intern(common); unsafe.StringData(again) != unsafe.StringData(first) {
			t.Fatalf("it is allocated again after %q", own)
		}
	}
	for range 2 { // a text may equal the escaped form of another
		internQuoted(`"a\\/b"`, `a\/b`)
		internQuoted(`"a\/b"`, `a/b`)
	}
}

// TestInternedFields: names and ids are allocated once for all responses, and the URLs of streams are not retained.
func TestInternedFields(t *testing.T) {
	t.Parallel()
	d := decoders.New().(*decoder)
	read := func() *Job {
		job := new(Job)
		d.reset([]byte(`{"Name":"name","JobId":"a\/b","StreamInput":{"Type":"rtmp","InputUrl":"rtmp://h/CANARY","InputUrl":"rtmp:\/\/h\/CANARY"},
			"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://CANARY"}]}}`))
		if err := d.document(reflect.ValueOf(job).Elem()); err != nil {
			t.Fatal(err)
		}
		d.reset(nil)
		return job
	}
	a, b := read(), read()
	for _, pair := range [][2]string{
		{a.Name, b.Name},
		{a.JobID, b.JobID},
		{a.StreamInput.Type, b.StreamInput.Type},
		{a.StreamInput.Type, b.OutputStream.StreamInfos[0].Type},
	} {
		if unsafe.StringData(pair[0]) != unsafe.StringData(pair[1]) {
			t.Errorf("%q is allocated twice", pair[0])
		}
	}
	if all := fmt.Sprint(d.interned, d.input.String()); strings.Contains(all, "CANARY") {
		t.Error("the decoder retains a URL")
	}
}

// TestDecodeWrongTypes: a value of an unexpected type loses nothing but itself.
func TestDecodeWrongTypes(t *testing.T) {
	t.Parallel()
	input, outputs := exampleJob().StreamInput, exampleJob().OutputStream
	for name, want := range map[string]func(j *Job, value any){
		"Name":         func(j *Job, text any) { j.Name = text.(string) },
		"JobId":        func(j *Job, text any) { j.JobID = text.(string) },
		"TemplateType": func(j *Job, text any) { j.TemplateType = TemplateType(text.(string)) },
		"TemplateId":   func(j *Job, text any) { j.TemplateID = text.(string) },
		"TemplateName": func(j *Job, text any) { j.TemplateName = text.(string) },
		"Status":       func(j *Job, _ any) { j.Status = JobStatusUnknown },
		"StartMode":    func(j *Job, _ any) { j.StartMode = StartModeUnknown },
		"StreamInput":  func(j *Job, _ any) { j.StreamInput = StreamInput{} },
		"OutputStream": func(j *Job, _ any) { j.OutputStream = OutputStream{} },
		"CreateTime":   func(j *Job, _ any) { j.CreateTime = time.Time{} },
		`StreamInput":{"Type":"rtmp","InputUrl`: func(j *Job, text any) {
			j.StreamInput = StreamInput{Type: input.Type, InputURL: text.(string)}
		},
		`OutputStream":{"StreamInfos`: func(j *Job, _ any) { j.OutputStream.StreamInfos = nil },
		`OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl`: func(j *Job, text any) {
			j.OutputStream.StreamInfos = []StreamInfo{{outputs.StreamInfos[0].Type, text.(string)}}
		},
	} {
		for value, text := range map[string]string{
			`[]`: "", `[[{}],1]`: "", `true`: "", `{"a":{"Name":"other"}}`: "", `"\u0000"`: "\x00", `-1.5`: "-1.5", `12345678901234567890`: "12345678901234567890",
		} {
			switch { // these are of the expected type
			case strings.HasSuffix(name, "StreamInfos") && value[0] == '[', strings.HasPrefix(name, "OutputStream") && value[0] == '{',
				name == "StreamInput" && value[0] == '{':
				continue
			}
			job := exampleJob()
			want(job, text)
			whole, err := json.Marshal(exampleJob())
			if err != nil {
				t.Fatal(err)
			}
			closing := strings.Repeat("}", strings.Count(name, "{"))
			if strings.Contains(name, "[") {
				closing = "}]}"
			}
			// Duplicate fields: the last one wins.
			bad := strings.TrimSuffix(string(whole), "}") + `,"` + name + `":` + value + closing + `}`
			jobs, errs := decodeJob(t, bad)
			for way, got := range jobs {
				if way == "json v2" {
					continue // strict about duplicates before it asks Job
				}
				if errs[way] != nil {
					t.Errorf("%s: %s: %v", way, bad, errs[way])
				} else if diff := cmp.Diff(job, got); diff != "" {
					t.Errorf("%s: %s as %s (-want +got)\n%s", way, name, value, diff)
				}
			}
		}
	}
}

// TestDecodeNoObject: only what is not one JSON object cannot be decoded.
func TestDecodeNoObject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want error
	}{
		{`[]`, errNotObject},
		{`"x"`, errNotObject},
		{`1`, errNotObject},
		{``, io.ErrUnexpectedEOF},
		{` `, io.ErrUnexpectedEOF},
		{`{"Name":"x`, io.ErrUnexpectedEOF},
		{`{"OutputStream":{"StreamInfos":[`, io.ErrUnexpectedEOF},
		{`[{"Name":"x"`, io.ErrUnexpectedEOF},
		{`{"Name":12`, io.ErrUnexpectedEOF},
	} {
		if err := new(Job).UnmarshalJSON([]byte(test.text)); !errors.Is(err, test.want) {
			t.Errorf("%q: %v, want %v", test.text, err, test.want)
		}
	}
	// What was decoded before counts, but for a number that breaks off: there may be more digits.
	var job Job
	if err := decode([]byte(`{"TemplateId":1,"JobId":"whole","Name":12`), &job); err == nil || job.JobID != "whole" || job.TemplateID != "1" || job.Name != "" {
		t.Errorf("a number that breaks off: %v, %+v", err, job)
	}
	if err := new(Job).UnmarshalJSON([]byte(`{} {}`)); err == nil || !strings.Contains(err.Error(), "after offset 2") {
		t.Errorf("two values: %v", err)
	}
	// From a caller's own JSON, too.
	var caller struct{ Jobs []Job }
	if err := json.Unmarshal([]byte(`{"Jobs":[7]}`), &caller); err == nil || !strings.Contains(err.Error(), "Job: the JSON is not an object") {
		t.Errorf("the error is %v", err)
	}
}
