package interop

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var (
	static    = livetranscode.Credentials{AccessKeyID: "key-id", AccessKeySecret: "key/secret+="}
	temporary = livetranscode.Credentials{AccessKeyID: "STS.key-id", AccessKeySecret: "key/secret+=", SecurityToken: "CAIS+token/=="}
)

// TestAlibabaCallsEmulator lets Alibaba's client carry out every operation on the emulator.
func TestAlibabaCallsEmulator(t *testing.T) {
	t.Parallel()
	for name, creds := range map[string]livetranscode.Credentials{"static": static, "temporary": temporary} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := livetranscodetest.NewServer(livetranscodetest.WithCredentials(creds))
			srv := httptest.NewServer(emulator)
			defer srv.Close()
			d := dialog{t, newSDK(t, srv, creds, nil)}
			d.templates()
			d.jobs()

			answered := map[string]bool{}
			for _, call := range emulator.Calls() {
				if call.StatusCode == http.StatusOK {
					answered[call.Operation] = true
				}
			}
			if got := slices.Sorted(maps.Keys(answered)); !slices.Equal(got, operations()) {
				t.Errorf("the operations carried out are %q, want %q", got, operations())
			}
		})
	}
}

// A dialog is a series of calls, each of which must go well.
type dialog struct {
	*testing.T
	sdk
}

func (d dialog) templates() {
	id := d.ask("CreateLiveTranscodeTemplate", parameters{
		"Name": "a & b", "Type": "normal",
		"TemplateConfig": &templateConfig{VideoParams: &videoParams{Width: "1280", Fps: "25", Bitrate: "2500"}},
	}).text("TemplateId")
	d.ask("GetLiveTranscodeTemplate", parameters{"TemplateId": id}).
		is("a & b", "TemplateContent", "Name").
		is("1280", "TemplateContent", "TemplateConfig", "VideoParams", "Width")
	d.ask("UpdateLiveTranscodeTemplate", parameters{
		"TemplateId": id, "Name": "renamed",
		"TemplateConfig": &templateConfig{AudioParams: &audioParams{Codec: "AAC", Bitrate: "64"}},
	})
	d.ask("ListLiveTranscodeTemplates", parameters{"Type": "normal", "Category": "customized", "KeyWord": "renamed"}).
		is("1", "TotalCount").
		is("64", "TemplateContentList", "0", "TemplateConfig", "AudioParams", "Bitrate")
	d.ask("DeleteLiveTranscodeTemplate", parameters{"TemplateId": id})
	d.refused("TemplateNotFound", "GetLiveTranscodeTemplate", parameters{"TemplateId": id})
}

func (d dialog) jobs() {
	input := "rtmp://domain/app/stream?auth_key=1+2&t=<é>"

	immediate := d.ask("SubmitLiveTranscodeJob", parameters{
		"Name": "immediate", "TemplateId": "t", "StartMode": int32(0),
		"StreamInput":     &streamInput{Type: "rtmp", InputURL: input},
		"TranscodeOutput": &transcodeOutput{Type: "LiveCenter", DomainName: "domain"},
	}).text("JobId")
	timed := d.ask("SubmitLiveTranscodeJob", parameters{
		"Name": "timed", "TemplateId": "t", "StartMode": int32(1),
		"StreamInput":     &streamInput{Type: "rtmp", InputURL: input},
		"TranscodeOutput": &transcodeOutput{Type: "LiveCenter", DomainName: "domain"},
		"TimedConfig":     &timedConfig{StartTime: wireTime(time.Hour), EndTime: wireTime(2 * time.Hour)},
	}).text("JobId")

	d.ask("GetLiveTranscodeJob", parameters{"JobId": immediate}).
		is("immediate", "Job", "Name").is("1", "Job", "Status").is("0", "Job", "StartMode").
		is(input, "Job", "StreamInput", "InputUrl").
		is("rtmp", "Job", "OutputStream", "StreamInfos", "0", "Type")
	d.ask("GetLiveTranscodeJob", parameters{"JobId": timed}).is("0", "Job", "Status").is("1", "Job", "StartMode")

	d.ask("ListLiveTranscodeJobs", nil).is("2", "TotalCount")
	d.ask("ListLiveTranscodeJobs", parameters{"Status": int32(0)}).is("1", "TotalCount").is(timed, "JobList", "0", "JobId")
	d.ask("ListLiveTranscodeJobs", parameters{"StartMode": int32(0)}).is("1", "TotalCount").is(immediate, "JobList", "0", "JobId")
	d.ask("ListLiveTranscodeJobs", parameters{"KeyWord": "nothing"}).is("0", "TotalCount")
	d.ask("ListLiveTranscodeJobs", parameters{"PageNo": int32(2), "PageSize": int32(1), "SortBy": "asc", "Type": "normal"}).
		is("2", "TotalCount").is(timed, "JobList", "0", "JobId")

	d.ask("UpdateLiveTranscodeJob", parameters{
		"JobId": timed, "Name": "later",
		"StreamInput":     &streamInput{Type: "rtmp", InputURL: "rtmp://other"},
		"TranscodeOutput": &transcodeOutput{Type: "LiveCenter", DomainName: "other"},
		"TimedConfig":     &timedConfig{StartTime: wireTime(3 * time.Hour), EndTime: wireTime(4 * time.Hour)},
	})
	d.ask("GetLiveTranscodeJob", parameters{"JobId": timed}).
		is("later", "Job", "Name").is("rtmp://other", "Job", "StreamInput", "InputUrl")

	d.ask("SendLiveTranscodeJobCommand", parameters{"JobId": immediate, "Command": "stop"})
	d.ask("GetLiveTranscodeJob", parameters{"JobId": immediate}).is("2", "Job", "Status")
	d.ask("DeleteLiveTranscodeJob", parameters{"JobId": immediate})
	d.refused("JobNotFound", "GetLiveTranscodeJob", parameters{"JobId": immediate})
}

func (d dialog) ask(operation string, in parameters) reply {
	d.Helper()
	body, err := d.call(operation, in)
	if err != nil {
		d.Fatalf("%s: %v", operation, err)
	}
	r := reply{d.T, body}
	r.text("RequestId")
	return r
}

func (d dialog) refused(code, operation string, in parameters) {
	d.Helper()
	if _, err := d.call(operation, in); codeOf(err) != code {
		d.Errorf("%s: %v, want %s", operation, err, code)
	}
}

// A reply is the JSON of an answer, as Alibaba's client decodes it.
type reply struct {
	*testing.T
	body map[string]any
}

// text returns a member of the answer, "" if it has none.
func (r reply) text(name string) string {
	r.Helper()
	text, _ := r.body[name].(string)
	if text == "" {
		r.Errorf("no %s in %v", name, r.body)
	}
	return text
}

// is checks the value at a path of names and indices.
func (r reply) is(want string, path ...string) reply {
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

// TestEmulatorRefusesAlibaba lets the emulator find what is wrong with a request of Alibaba's client.
func TestEmulatorRefusesAlibaba(t *testing.T) {
	t.Parallel()
	wrongSecret := static
	wrongSecret.AccessKeySecret += "!"
	dated := func(in time.Duration) []string { return []string{"x-acs-date", wireTime(in)} }

	for _, tt := range []struct {
		name    string
		creds   livetranscode.Credentials
		headers []string            // signed
		ahead   time.Duration       // the server's clock
		change  func(*http.Request) // after signing
		replay  bool                // the bytes of each request are sent once more
		calls   int                 // 0: one
		want    string
	}{
		{name: "nothing wrong", creds: static, calls: 2},
		{name: "date just in time", creds: static, headers: dated(-14 * time.Minute)},
		{name: "old date", creds: static, headers: dated(-16 * time.Minute), want: "InvalidTimeStamp.Expired"},
		{name: "future date", creds: static, headers: dated(16 * time.Minute), want: "InvalidTimeStamp.Expired"},
		{name: "server's clock", creds: static, ahead: 16 * time.Minute, want: "InvalidTimeStamp.Expired"},
		{name: "replay", creds: static, replay: true, want: "SignatureNonceUsed"},
		{
			name: "nonce signed anew", creds: static, want: "SignatureNonceUsed",
			headers: []string{"x-acs-signature-nonce", "nonce"}, calls: 2,
		},
		{name: "wrong secret", creds: wrongSecret, want: "SignatureDoesNotMatch"},
		{
			name: "value changed on the way", creds: static, want: "SignatureDoesNotMatch",
			change: func(r *http.Request) { r.URL.RawQuery = "PageSize=11" },
		},
		{
			name: "operation changed on the way", creds: static, want: "SignatureDoesNotMatch",
			change: func(r *http.Request) { r.Header["x-acs-action"] = []string{"ListLiveTranscodeTemplates"} },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(livetranscodetest.NewServer(
				livetranscodetest.WithCredentials(static), livetranscodetest.WithClockOffset(tt.ahead),
			))
			defer srv.Close()
			client := newSDK(t, srv, tt.creds, func(req *http.Request) (*http.Response, error) {
				if tt.change != nil {
					tt.change(req)
				}
				resp, err := srv.Client().Do(req)
				if err == nil && tt.replay {
					resp.Body.Close()
					resp, err = srv.Client().Do(req)
				}
				return resp, err
			})
			for i := range max(1, tt.calls) {
				want := tt.want
				if i < tt.calls-1 {
					want = "" // only the last call is refused
				}
				_, err := client.call("ListLiveTranscodeJobs", parameters{"PageSize": int32(10)}, tt.headers...)
				if codeOf(err) != want || (want == "" && err != nil) {
					t.Errorf("call %d: %v, want %q", i, err, want)
				}
			}
		})
	}
}

// wireTime is a time from now as the service writes it.
func wireTime(in time.Duration) string {
	return time.Now().Add(in).UTC().Format("2006-01-02T15:04:05Z")
}
