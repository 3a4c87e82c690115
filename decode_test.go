package livetranscode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
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
	read := func(want string) (text string) {
		t.Helper()
		d.input = *bytes.NewBufferString(strconv.Quote(want))
		d.Reset(&d.input, jsonOptions)
		if err := d.keep(&text); err != nil || text != want {
			t.Fatalf("%q is %q, %v", want, text, err)
		}
		return text
	}
	for range 20_000 {
		want := texts[rand.N(len(texts))]
		if once, again := read(want), read(want); (unsafe.StringData(once) == unsafe.StringData(again)) != (len(want) <= 256) {
			t.Fatalf("%q is made twice, or is long and kept", want)
		}
	}
	// Two to a place: a job's own texts do not drive out what all jobs have in common.
	const common = "b6491d5b3e514b7d895d14b5453ea119"
	first := read(common)
	for _, own := range texts[:250] {
		read(own)
		if again := read(common); unsafe.StringData(again) != unsafe.StringData(first) {
			t.Fatalf("it is made again after %q", own)
		}
	}
}

// TestDecoderForgets: what a decoder leaves to the next one holds neither stream keys nor much memory.
func TestDecoderForgets(t *testing.T) {
	t.Parallel()
	d := newDecoder([]byte(`{"Name":"` + strings.Repeat("a", 2*maxPooled) + `\n"}`))
	if err := d.document(newJob()); err != nil {
		t.Fatal(err)
	}
	d.release()
	if cap(d.room) > maxPooled {
		t.Errorf("%d bytes are kept", cap(d.room))
	}
	d = newDecoder([]byte(`{"StreamInput":{"InputUrl":"rtmp://h/CANARY","InputUrl":"rtmp:\/\/h\/CANARY"},"Name":"a\n","OutputStream":{"StreamInfos":[{"OutputUrl":"rtmp://CANARY"}]}}`))
	if err := d.document(newJob()); err != nil {
		t.Fatal(err)
	}
	d.release()
	if all := fmt.Sprint(d.kept, string(d.room[:cap(d.room)]), d.input.String(), d.oddDate); strings.Contains(all, "CANARY") {
		t.Error("the decoder keeps an address")
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
		if !errors.As(err, &wrong) || string(wrong.pointer) != test.where || !strings.HasSuffix(err.Error(), strings.TrimSuffix("wrong type at "+test.where, " at ")) {
			t.Errorf("%s: %v, want one about %q", test.text, err, test.where)
		}
	}
	// No text is not the end of one, and a second value is one too many.
	for text, want := range map[string]error{"": io.ErrUnexpectedEOF, " ": io.ErrUnexpectedEOF, `{"Name":"x`: io.ErrUnexpectedEOF} {
		if err := new(Job).UnmarshalJSON([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if err := new(Job).UnmarshalJSON([]byte(`{} {}`)); err == nil || !strings.Contains(err.Error(), "after offset 2") {
		t.Errorf("two values: %v", err)
	}
	// From a caller's own JSON, too.
	var caller struct{ Jobs []Job }
	if err := json.Unmarshal([]byte(`{"Jobs":[{"Name":1}]}`), &caller); err == nil || !strings.Contains(err.Error(), "wrong type at /Name") {
		t.Errorf("the error is %v", err)
	}
}

// TestDecodeFails: what cannot be read changes nothing.
func TestDecodeFails(t *testing.T) {
	t.Parallel()
	job, want := exampleJob(), exampleJob()
	video, audio := VideoParams{Width: 1, Codec: "c"}, AudioParams{Channels: 1}
	for _, text := range []string{`{"Name":"new","Status":"x"}`, `{"Name":"new"`, `[]`} {
		if job.UnmarshalJSON([]byte(text)) == nil {
			t.Errorf("%s can be read", text)
		}
	}
	if video.UnmarshalJSON([]byte(`{"Width":"2","Codec":`)) == nil || audio.UnmarshalJSON([]byte(`{"Channels":2`)) == nil {
		t.Error("half a text can be read")
	}
	if diff := cmp.Diff(want, job); diff != "" || video != (VideoParams{Width: 1, Codec: "c"}) || audio != (AudioParams{Channels: 1}) {
		t.Errorf("%v, %v, %s", video, audio, diff)
	}
	if err := video.UnmarshalJSON([]byte(`{"Width":"2"}`)); err != nil || video != (VideoParams{Width: 2}) {
		t.Errorf("%v, %v: what the text does not mention is left", video, err)
	}
}

// TestDecodeTwice: of a member that comes twice the later counts, and null is as if it were not there.
func TestDecodeTwice(t *testing.T) {
	t.Parallel()
	two := Job{
		Name: "b", JobID: "b", StartMode: 1, Status: 2, CreateTime: time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
		StreamInput: StreamInput{Type: "rtmp", InputURL: "b"}, OutputStream: OutputStream{StreamInfos: []StreamInfo{{OutputURL: "b"}}},
	}
	for _, text := range []string{
		`{"Name":"a","Name":"b","JobId":"a","JobId":"b","StartMode":0,"StartMode":1,"Status":1,"Status":"2","CreateTime":"x","CreateTime":"2022-07-20T02:48:58Z",
			"StreamInput":{"Type":"rtmp","InputUrl":"a"},"StreamInput":{"InputUrl":"b"},
			"OutputStream":{"StreamInfos":[{"OutputUrl":"a"},{"OutputUrl":"c"}]},"OutputStream":{"StreamInfos":[{"OutputUrl":"b"}]}}`,
		`{"Name":"b","Name":null,"JobId":"b","JobId":null,"StartMode":1,"StartMode":null,"Status":2,"Status":null,"CreateTime":"2022-07-20T02:48:58Z","CreateTime":null,
			"StreamInput":{"Type":"rtmp","Type":null,"InputUrl":"b"},"StreamInput":null,
			"OutputStream":{"StreamInfos":[{"OutputUrl":"b","OutputUrl":null}],"StreamInfos":null},"OutputStream":null}`,
	} {
		var job Job
		if err := job.UnmarshalJSON([]byte(text)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(two, job); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	var config TemplateConfig
	text := `{"VideoParams":{"Width":"1"},"VideoParams":{"Height":"2","Height":null,"Fps":1,"Fps":null},"VideoParams":null,"AudioParams":{"Channels":2,"Channels":null},"AudioParams":null}`
	if err := unmarshal([]byte(text), &config); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(TemplateConfig{&VideoParams{Height: 2, FPS: 1}, &AudioParams{Channels: 2}}, config); diff != "" {
		t.Error(diff)
	}
}

// TestFold: the spellings of one name.
func TestFold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"RequestId": "requestid", "requestId": "requestid", "request_id": "requestid", "Request-ID": "requestid", "REQUESTID": "requestid",
		"": "", "é": "é", strings.Repeat("a", 32): strings.Repeat("a", 32), strings.Repeat("a", 33): "", strings.Repeat("_", 100) + "x": "x",
	} {
		if got := fold([]byte(name)); got != want {
			t.Errorf("%q folds to %q, want %q", name, got, want)
		}
	}
}

// TestPagesThatAreNone: an answer with neither a list nor a count does not read as the end of all jobs.
func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"RequestId":"R"}`, `{"RequestId":"R","JobList":null}`, `{"RequestId":"R","TotalCount":null}`, `{"RequestId":"R","Joblist":[]}`} {
		for name, call := range map[string]func(*Client) error{
			"list": func(c *Client) error { _, err := c.ListLiveTranscodeJobs(t.Context(), nil); return err },
			"all": func(c *Client) error {
				for _, err := range c.AllLiveTranscodeJobs(t.Context(), nil) {
					return err
				}
				return nil
			},
			"templates": func(c *Client) error { _, err := c.ListLiveTranscodeTemplates(t.Context(), nil); return err },
		} {
			if err := call(clientOver(t, newScript(respond(200, text)))); !errors.Is(err, ErrBadResponse) {
				t.Errorf("%s of %s: %v", name, text, err)
			}
		}
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
		{"a list twice", `{"TotalCount":1,"JobList":[{"JobId":"a"},{"JobId":"b"}],"JobList":[{"JobId":"c"}]}`, []string{"c"}, 1},
		{"a list, and null", `{"JobList":[{"JobId":"a"}],"JobList":null}`, []string{"a"}, 0},
		{"an odd count", `{"TotalCount":-1,"JobList":[]}`, nil, -1},
		{"a job that is null", `{"JobList":[null,{"JobId":"b"}]}`, []string{"", "b"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp, err := clientOver(t, newScript(respond(200, test.text))).ListLiveTranscodeJobs(t.Context(), nil)
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
