package livetranscode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// TestDecodeSpellings: JSON has more than one way to write a name and a text.
func TestDecodeSpellings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"plain", `{"Name":"show"}`, "show"},
		{"empty", `{"Name":""}`, ""},
		{"not ASCII", `{"Name":"直播 é 😀"}`, "直播 é 😀"},
		{"escapes", `{"Name":"a\"b\\c\/d\n\u00e9\ud83d\ude00"}`, "a\"b\\c/d\né😀"},
		{"an escaped name", `{"N\u0061me":"show"}`, "show"},
		{"an escaped name of nothing", `{"Name":"show","N\u0061m":"other","Nam\u0061":{}}`, "show"},
		{"a lone surrogate", `{"Name":"a\ud800b"}`, "a\ufffdb"},
		{"not UTF-8", "{\"Name\":\"a\xff\xfeb\"}", "a\ufffd\ufffdb"},
		{"white space", "{ \"Name\" :\t\"show\"\r\n}", "show"},
		{"long", `{"Name":"` + strings.Repeat("é", 1000) + `"}`, strings.Repeat("é", 1000)},
		{"long, with an escape", `{"Name":"` + strings.Repeat("é", 1000) + `\n"}`, strings.Repeat("é", 1000) + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 3 { // also from the decoder's memory
				var job Job
				if err := job.UnmarshalJSON([]byte(test.text)); err != nil || job.Name != test.want {
					t.Fatalf("%s is %q, %v, want %q", test.text, job.Name, err, test.want)
				}
			}
		})
	}
}

// TestDecoderMemory: whatever a decoder has read before, a text reads as it stands.
func TestDecoderMemory(t *testing.T) {
	t.Parallel()
	texts := make([]string, 2000)
	for i := range texts {
		texts[i] = strings.Repeat("x", i%300) + fmt.Sprint(i)
	}
	d := newDecoder(nil)
	defer d.release()
	for range 20_000 {
		want := texts[rand.N(len(texts))]
		got, ok := d.keep([]byte(want))
		if ok != (len(want) <= 256) || ok && got != want {
			t.Fatalf("%q is %q, %t", want, got, ok)
		}
		again, _ := d.keep([]byte(want))
		if ok && unsafe.StringData(again) != unsafe.StringData(got) {
			t.Fatalf("%q is made twice", want)
		}
	}
	// Two to a place: a job's own texts do not drive out what all jobs have in common.
	const common = "b6491d5b3e514b7d895d14b5453ea119"
	first, _ := d.keep([]byte(common))
	for _, own := range texts[:250] {
		d.keep([]byte(own))
		if again, _ := d.keep([]byte(common)); unsafe.StringData(again) != unsafe.StringData(first) {
			t.Fatalf("it is made again after %q", own)
		}
	}
}

func TestDecodeWrongTypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, where string }{
		{`[]`, ""},
		{`"x"`, ""},
		{`1`, ""},
		{`{"Name":1}`, "/Name"},
		{`{"JobId":true}`, "/JobId"},
		{`{"TemplateId":{}}`, "/TemplateId"},
		{`{"Status":"x"}`, "/Status"},
		{`{"StreamInput":[]}`, "/StreamInput"},
		{`{"StreamInput":{"InputUrl":[1]}}`, "/StreamInput/InputUrl"},
		{`{"OutputStream":{"StreamInfos":{}}}`, "/OutputStream/StreamInfos"},
		{`{"OutputStream":{"StreamInfos":[{},7]}}`, "/OutputStream/StreamInfos/1"},
		{`{"OutputStream":{"StreamInfos":[{"OutputUrl":1}]}}`, "/OutputStream/StreamInfos/0/OutputUrl"},
	} {
		err := new(Job).UnmarshalJSON([]byte(test.text))
		var wrong *typeError
		if !errors.As(err, &wrong) || string(wrong.pointer) != test.where || !strings.HasSuffix(err.Error(), strings.TrimSuffix("type at "+test.where, " at ")) {
			t.Errorf("%s: %v, want one about %q", test.text, err, test.where)
		}
	}
	// From a caller's own JSON, too.
	var caller struct{ Jobs []Job }
	if err := json.Unmarshal([]byte(`{"Jobs":[{"Name":1}]}`), &caller); err == nil || !strings.Contains(err.Error(), "wrong type at /Name") {
		t.Errorf("the error is %v", err)
	}
}

// TestDecodeLists: how the service may write a list, and what comes of it.
func TestDecodeLists(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		ids        []string // of the jobs
		total      int
	}{
		{"null", `{"RequestId":"R","TotalCount":7,"JobList":null}`, nil, 7},
		{"null count", `{"RequestId":"R","TotalCount":null,"JobList":[]}`, nil, 0},
		{"no count", `{"RequestId":"R","JobList":[{"JobId":"a"}]}`, []string{"a"}, 0},
		{"count behind", `{"JobList":[{"JobId":"a"},{"JobId":"b"}],"TotalCount":2,"RequestId":"R"}`, []string{"a", "b"}, 2},
		{"a job that is null", `{"JobList":[null,{"JobId":"b"}]}`, []string{"", "b"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp, err := clientOver(t, play(says(200, test.text))).ListLiveTranscodeJobs(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, job := range resp.Jobs {
				ids = append(ids, job.JobID)
				if job.Status != JobStatusUnknown || job.StartMode != StartModeUnknown {
					t.Errorf("a job without status is %v, %v", job.Status, job.StartMode)
				}
			}
			if diff := cmp.Diff(test.ids, ids); diff != "" || resp.TotalCount != test.total || resp.Jobs == nil {
				t.Errorf("total %d, want %d; ids\n%s", resp.TotalCount, test.total, diff)
			}
		})
	}
}
