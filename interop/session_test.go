package interop

import (
	"fmt"
	"testing"
	"time"
)

// session is a series of calls, each of which must succeed.
type session struct {
	*testing.T
	sdk
}

func (s session) templates() {
	id := s.mustCall("CreateLiveTranscodeTemplate", parameters{
		"Name": "a & b", "Type": "normal",
		"TemplateConfig": &templateConfig{VideoParams: &videoParams{Width: "1280", Fps: "25", Bitrate: "2500"}},
	}).text("TemplateId")
	s.mustCall("GetLiveTranscodeTemplate", parameters{"TemplateId": id}).
		is("a & b", "TemplateContent", "Name").
		is("1280", "TemplateContent", "TemplateConfig", "VideoParams", "Width")
	s.mustCall("UpdateLiveTranscodeTemplate", parameters{
		"TemplateId": id, "Name": "renamed",
		"TemplateConfig": &templateConfig{AudioParams: &audioParams{Codec: "AAC", Bitrate: "64"}},
	})
	s.mustCall("ListLiveTranscodeTemplates", parameters{"Type": "normal", "Category": "customized", "KeyWord": "renamed"}).
		is("1", "TotalCount").
		is("64", "TemplateContentList", "0", "TemplateConfig", "AudioParams", "Bitrate")
	s.mustCall("DeleteLiveTranscodeTemplate", parameters{"TemplateId": id})
	s.mustFail("TemplateNotFound", "GetLiveTranscodeTemplate", parameters{"TemplateId": id})
}

func (s session) jobs() {
	input := "rtmp://domain/app/stream?auth_key=1+2&t=<é>"

	immediate := s.mustCall("SubmitLiveTranscodeJob", parameters{
		"Name": "immediate", "TemplateId": "t", "StartMode": int32(0),
		"StreamInput":     &streamInput{Type: "rtmp", InputURL: input},
		"TranscodeOutput": &transcodeOutput{Type: "LiveCenter", DomainName: "domain"},
	}).text("JobId")
	timed := s.mustCall("SubmitLiveTranscodeJob", parameters{
		"Name": "timed", "TemplateId": "t", "StartMode": int32(1),
		"StreamInput":     &streamInput{Type: "rtmp", InputURL: input},
		"TranscodeOutput": &transcodeOutput{Type: "LiveCenter", DomainName: "domain"},
		"TimedConfig":     &timedConfig{StartTime: wireTime(time.Hour), EndTime: wireTime(2 * time.Hour)},
	}).text("JobId")

	s.mustCall("GetLiveTranscodeJob", parameters{"JobId": immediate}).
		is("immediate", "Job", "Name").is("1", "Job", "Status").is("0", "Job", "StartMode").
		is(input, "Job", "StreamInput", "InputUrl").
		is("rtmp", "Job", "OutputStream", "StreamInfos", "0", "Type")
	s.mustCall("GetLiveTranscodeJob", parameters{"JobId": timed}).is("0", "Job", "Status").is("1", "Job", "StartMode")

	s.mustCall("ListLiveTranscodeJobs", nil).is("2", "TotalCount")
	s.mustCall("ListLiveTranscodeJobs", parameters{"Status": int32(0)}).is("1", "TotalCount").is(timed, "JobList", "0", "JobId")
	s.mustCall("ListLiveTranscodeJobs", parameters{"StartMode": int32(0)}).is("1", "TotalCount").is(immediate, "JobList", "0", "JobId")
	s.mustCall("ListLiveTranscodeJobs", parameters{"KeyWord": "nothing"}).is("0", "TotalCount")
	s.mustCall("ListLiveTranscodeJobs", parameters{"PageNo": int32(2), "PageSize": int32(1), "SortBy": "asc", "Type": "normal"}).
		is("2", "TotalCount").is(timed, "JobList", "0", "JobId")

	s.mustCall("UpdateLiveTranscodeJob", parameters{
		"JobId": timed, "Name": "later",
		"StreamInput":     &streamInput{Type: "rtmp", InputURL: "rtmp://other"},
		"TranscodeOutput": &transcodeOutput{Type: "LiveCenter", DomainName: "other"},
		"TimedConfig":     &timedConfig{StartTime: wireTime(3 * time.Hour), EndTime: wireTime(4 * time.Hour)},
	})
	s.mustCall("GetLiveTranscodeJob", parameters{"JobId": timed}).
		is("later", "Job", "Name").is("rtmp://other", "Job", "StreamInput", "InputUrl")

	s.mustCall("SendLiveTranscodeJobCommand", parameters{"JobId": immediate, "Command": "stop"})
	s.mustCall("GetLiveTranscodeJob", parameters{"JobId": immediate}).is("2", "Job", "Status")
	s.mustCall("DeleteLiveTranscodeJob", parameters{"JobId": immediate})
	s.mustFail("JobNotFound", "GetLiveTranscodeJob", parameters{"JobId": immediate})
}

func (s session) mustCall(operation string, in parameters) response {
	s.Helper()
	body, err := s.call(operation, in)
	if err != nil {
		s.Fatalf("%s: %v", operation, err)
	}
	r := response{s.T, body}
	r.text("RequestId")
	return r
}

func (s session) mustFail(code, operation string, in parameters) {
	s.Helper()
	if _, err := s.call(operation, in); codeOf(err) != code {
		s.Errorf("%s: %v, want %s", operation, err, code)
	}
}

// response is the JSON of a response as Alibaba's client decodes it.
type response struct {
	*testing.T
	body map[string]any
}

// text returns a field of the response, which must be a text that is not empty.
func (r response) text(name string) string {
	r.Helper()
	text, _ := r.body[name].(string)
	if text == "" {
		r.Errorf("no %s in %v", name, r.body)
	}
	return text
}

// is checks the value at a path of names and indices.
func (r response) is(want string, path ...string) response {
	r.Helper()
	var at any = r.body
	for _, step := range path {
		switch node := at.(type) {
		case map[string]any:
			at = node[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(node) {
				r.Fatalf("%q: no %s in %v", path, step, node)
			}
			at = node[i]
		}
	}
	if got := fmt.Sprint(at); got != want {
		r.Errorf("%q is %s, want %s", path, got, want)
	}
	return r
}
