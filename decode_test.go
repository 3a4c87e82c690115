package livetranscode

import (
	"errors"
	"strings"
	"testing"
	"time"

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

// TestDecodeElements: no response makes more than ten thousand elements, in however many lists.
func TestDecodeElements(t *testing.T) {
	t.Parallel()
	list := func(n int, element string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	infos := func(n int) string { return `{"OutputStream":{"StreamInfos":` + list(n, "{}") + `}}` }
	for _, test := range []struct {
		name, text string
		good       bool
	}{
		{"jobs", `{"JobList":` + list(10_000, "{}") + `}`, true},
		{"one job too many", `{"JobList":` + list(10_001, "{}") + `}`, false},
		{"numbers", `{"JobList":` + list(10_001, "0") + `}`, false},
		{"nulls", `{"JobList":` + list(10_001, "null") + `}`, false},
		{"streams of a job", `{"JobList":[` + infos(9_999) + `]}`, true},
		{"too many streams of a job", `{"JobList":[` + infos(10_000) + `]}`, false},
		{"streams of all jobs", `{"JobList":` + list(100, infos(99)) + `}`, true},
		{"too many streams of all jobs", `{"JobList":` + list(100, infos(100)) + `}`, false},
		{"elements that are skipped", `{"Other":` + list(20_000, "{}") + `,"JobList":[]}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := clientOver(t, newScript(respond(200, test.text))).ListLiveTranscodeJobs(t.Context(), nil)
			if test.good && err != nil || !test.good && (!errors.Is(err, ErrBadResponse) || !strings.Contains(err.Error(), "more than 10000 list elements")) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestDecodeFails: what cannot be read changes nothing.
func TestDecodeFails(t *testing.T) {
	t.Parallel()
	job, want := exampleJob(), exampleJob()
	video, audio := VideoParams{Width: 1, Codec: "c"}, AudioParams{Channels: 1}
	for _, text := range []string{`{"Name":"new","Status":1`, `{"Name":"new"`, `[]`, `{"Name":"new"}}`} {
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

// TestDecodeDuplicates: the last of duplicate fields wins, as a whole; null is ignored.
func TestDecodeDuplicates(t *testing.T) {
	t.Parallel()
	want := Job{
		Name: "b", JobID: "b", StartMode: 1, Status: 2, CreateTime: time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
		StreamInput: StreamInput{InputURL: "b"}, OutputStream: OutputStream{StreamInfos: []StreamInfo{{OutputURL: "b"}}},
	}
	for _, text := range []string{
		`{"Name":"a","Name":"b","JobId":"a","JobId":"b","StartMode":0,"StartMode":1,"Status":1,"Status":"2","CreateTime":"x","CreateTime":"2022-07-20T02:48:58Z",
			"StreamInput":{"Type":"rtmp","InputUrl":"a"},"StreamInput":{"InputUrl":"b"},
			"OutputStream":{"StreamInfos":[{"OutputUrl":"a"},{"OutputUrl":"c"}]},"OutputStream":{"StreamInfos":[{"OutputUrl":"b"}]}}`,
		`{"Name":"b","Name":null,"JobId":"b","JobId":null,"StartMode":1,"StartMode":null,"Status":2,"Status":null,"CreateTime":"2022-07-20T02:48:58Z","CreateTime":null,
			"StreamInput":{"InputUrl":"b","InputUrl":null,"Type":null},"StreamInput":null,
			"OutputStream":{"StreamInfos":[{"OutputUrl":"b","OutputUrl":null}],"StreamInfos":null},"OutputStream":null}`,
	} {
		var job Job
		if err := job.UnmarshalJSON([]byte(text)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, job); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	var config TemplateConfig
	text := `{"VideoParams":{"Width":"1"},"VideoParams":{"Height":"2","Height":null,"Fps":1,"Fps":null},"VideoParams":null,"AudioParams":{"Channels":2,"Channels":null},"AudioParams":null}`
	if err := decode([]byte(text), &config); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(TemplateConfig{&VideoParams{Height: 2, FPS: 1}, &AudioParams{Channels: 2}}, config); diff != "" {
		t.Error(diff)
	}
}

// TestFoldName: the spellings of one name.
func TestFoldName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"RequestId": "requestid", "requestId": "requestid", "request_id": "requestid", "Request-ID": "requestid", "REQUESTID": "requestid",
		"": "", "é": "é", strings.Repeat("a", 32): strings.Repeat("a", 32), strings.Repeat("a", 33): "", strings.Repeat("a", 32) + "_": strings.Repeat("a", 32), strings.Repeat("_", 100) + "x": "x",
	} {
		if got := foldName([]byte(name)); got != want {
			t.Errorf("%q folds to %q, want %q", name, got, want)
		}
	}
}

// TestPageWithoutList: a page without its list does not read as the end of all jobs.
func TestPageWithoutList(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{"RequestId":"R"}`, `{"RequestId":"R","JobList":null}`, `{"RequestId":"R","TotalCount":null}`, `{"RequestId":"R","Joblist":[]}`,
		`{"TotalCount":7}`, `{"TotalCount":7,"JobList":null,"TemplateContentList":null}`, `{"TotalCount":""}`, `{"TotalCount":-1}`,
		`{"TotalCount":7,"JobList":{},"TemplateContentList":{}}`, `{"TotalCount":7,"JobList":"","TemplateContentList":""}`,
		`{"TotalCount":7,"JobList":[{}],"JobList":"x","TemplateContentList":[{}],"TemplateContentList":"x"}`,
	} {
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
		{"null, of no jobs", `{"RequestId":"R","TotalCount":0,"JobList":null}`, nil, 0},
		{"null count", `{"RequestId":"R","TotalCount":null,"JobList":[]}`, nil, 0},
		{"no count", `{"RequestId":"R","JobList":[{"JobId":"a"}]}`, []string{"a"}, 0},
		{"count behind", `{"JobList":[{"JobId":"a"},{"JobId":"b"}],"TotalCount":2,"RequestId":"R"}`, []string{"a", "b"}, 2},
		{"a list twice", `{"TotalCount":1,"JobList":[{"JobId":"a"},{"JobId":"b"}],"JobList":[{"JobId":"c"}]}`, []string{"c"}, 1},
		{"a list, and an empty one", `{"JobList":[{"JobId":"a"}],"JobList":[]}`, nil, 0},
		{"a list, and null", `{"JobList":[{"JobId":"a"}],"JobList":null}`, []string{"a"}, 0},
		{"a negative count", `{"TotalCount":-1,"JobList":[]}`, nil, 0},
		{"an empty count", `{"TotalCount":"","JobList":[{"JobId":"a"}]}`, []string{"a"}, 0},
		{"a count that is an object", `{"TotalCount":{},"JobList":[{"JobId":"a"}]}`, []string{"a"}, 0},
		{"a job that is null", `{"JobList":[null,{"JobId":"b"}]}`, []string{"", "b"}, 0},
		{"jobs that are none", `{"JobList":[7,"x",[{}],{"JobId":"b"},true]}`, []string{"", "", "", "b", ""}, 0},
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
