package livetranscodetest_test

import (
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// submitTest changes one parameter of a valid submission.
type submitTest struct {
	name, field, value string
	missing, invalid   string // the parameter that the error names
}

func submitTests() []submitTest {
	const week = 7 * 24 * 60 * 60
	return []submitTest{
		{"no name", "Name", "", "Name", ""},
		{"no template", "TemplateId", "", "TemplateId", ""},
		{"no start mode", "StartMode", "", "StartMode", ""},
		{"start mode 2", "StartMode", "2", "", "StartMode"},
		{"start mode x", "StartMode", "x", "", "StartMode"},
		{"no input", "StreamInput", "", "StreamInput", ""},
		{"null input", "StreamInput", "null", "StreamInput", ""},
		{"input is not JSON", "StreamInput", "{", "", "StreamInput"},
		{"input is an array", "StreamInput", "[]", "", "StreamInput"},
		{"input without a type", "StreamInput", `{"InputUrl":"u"}`, "StreamInput.Type", ""},
		{"input of another type", "StreamInput", `{"Type":"srt","InputUrl":"u"}`, "", "StreamInput.Type"},
		{"input without a URL", "StreamInput", `{"Type":"rtmp","InputUrl":""}`, "StreamInput.InputUrl", ""},
		{"input with an unknown field", "StreamInput", `{"Type":"rtmp","InputURL":"u"}`, "", "StreamInput"},
		{"no output", "TranscodeOutput", "", "TranscodeOutput", ""},
		{"output without a type", "TranscodeOutput", `{"DomainName":"d"}`, "TranscodeOutput.Type", ""},
		{"output of another type", "TranscodeOutput", `{"Type":"OSS"}`, "", "TranscodeOutput.Type"},
		{"timed without times", "TimedConfig", "", "TimedConfig", ""},
		{"timed with only an end", "TimedConfig", timed(0, 60), "TimedConfig.StartTime", ""},
		{"start in the past", "TimedConfig", timed(-60, 60), "", "TimedConfig.StartTime"},
		{"start too far", "TimedConfig", timed(week+60, 0), "", "TimedConfig.StartTime"},
		{"end too far", "TimedConfig", timed(60, week+60), "", "TimedConfig.EndTime"},
		{"end before start", "TimedConfig", timed(60, 30), "", "TimedConfig.EndTime"},
		{"end is start", "TimedConfig", timed(60, 60), "", "TimedConfig.EndTime"},
		{"start is not a time", "TimedConfig", `{"StartTime":"tomorrow"}`, "", "TimedConfig.StartTime"},
		{"start with an offset", "TimedConfig", `{"StartTime":"2999-07-20T02:48:58+08:00"}`, "", "TimedConfig.StartTime"},
		{"valid end", "TimedConfig", timed(60, 120), "", ""},
		{"valid start", "TimedConfig", timed(week-60, 0), "", ""},
	}
}

func TestSubmitRules(t *testing.T) {
	t.Parallel()
	for _, tt := range submitTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			params := submission(tt.field, tt.value)
			if strings.HasPrefix(tt.invalid+tt.missing+tt.field, "TimedConfig") {
				params = with(params, "StartMode", "1")
			}
			r := do(t, srv, "SubmitLiveTranscodeJob", params...)
			switch {
			case tt.missing != "":
				code := "Missing" + tt.missing
				if strings.Contains(tt.missing, ".") {
					code = "MissingParameter"
				}
				wantCode(t, r, 400, code, tt.missing+" is mandatory")
			case tt.invalid != "":
				wantCode(t, r, 400, "InvalidParameter", "parameter "+tt.invalid+" is not valid")
			default:
				wantCode(t, r, 200, "", "")
			}
			if r.status != 200 && mustDo(t, srv, "ListLiveTranscodeJobs").TotalCount != 0 {
				t.Error("a refused job was created")
			}
		})
	}
}
