package livetranscode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
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

func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		"", "null", "{}", "[]", "<html>", `{"Code":`, errorBodyJSON("Throttling.User", "slow down"), errorBodyJSON("SignatureDoesNotMatch", "server CanonicalRequest is [x]"),
		`{"code":"Forbidden","message":{"a":1},"requestId":7,"AccessDeniedDetail":{"AuthAction":"ice:X","PolicyType":5}}`, `{"AccessDeniedDetail":[]}`,
		"\xef\xbb\xbf{\"Code\":\"a\nb\"}", "{\"Message\":\"\xff\"}", `{"Recommend":"https://a.example/?q=1&token=CANARY"}`, "CanonicalRequest CANARY", "key CANARY",
	} {
		for _, status := range []int{200, 302, 400, 404, 429, 503} {
			f.Add(status, []byte(body), "header-id")
		}
	}
	f.Fuzz(func(t *testing.T, status int, response []byte, header string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host/?JobId=j", nil)
		if err != nil {
			t.Fatal(err)
		}
		attempt := &call{op: opGetLiveTranscodeJob, req: req, creds: Credentials{AccessKeySecret: "CANARY"}}
		resp := responseTo(req, status, io.NopCloser(bytes.NewReader(response)), headerRequestID, header)
		r, err := readBody(resp)
		if err != nil {
			return
		}
		was := bytes.Clone(r.bytes) // of a switch of protocols nothing is read
		e := attempt.newAPIError(r)
		r.release()
		text := e.Error()
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(text) {
			t.Errorf("the error %q is not one line", text)
		}
		if len(e.Code) > maxSnippet || len(e.Message) > maxMessage || len(e.RequestID) > maxSnippet || len(text) > 4<<10 {
			t.Errorf("the error has %d bytes: %q", len(text), text)
		}
		matching := 0
		for _, kind := range kinds {
			if e.Is(kind) {
				matching++
			}
		}
		if matching != 1 {
			t.Errorf("%#v is of %d kinds", e, matching)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Error(err)
		}
		if all := fmt.Sprintf("%#v %#v", e, e.AccessDenied); strings.Contains(all, "CANARY") && !bytes.ContainsAny(response, `%\&`) && !strings.ContainsAny(header, "%&\\") {
			t.Errorf("%q shows the secret: %s", response, all)
		}
		if acs3.LeaksRequest(e.Message) {
			t.Errorf("an echo is shown: %q", e.Message)
		}
		if again := attempt.newAPIError(&body{resp: resp, bytes: was}); !reflect.DeepEqual(e, again) {
			t.Errorf("the same answer is once %#v and once %#v", e, again)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{"", "0", "-1", "1", " 2 ", "2.5", "9223372036854775807", "99999999999999999999", "+3", "1e3", "Wed, 21 Oct 2026 07:28:00 GMT", "Wednesday, 21-Oct-26 07:28:00 GMT"} {
		f.Add(header, "", "", header)
		f.Add("", header, "", "Wed, 21 Oct 2026 07:27:00 GMT")
		f.Add("", "", header, header)
	}
	now := time.Date(2026, 10, 21, 7, 27, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, acs, proxy, limit, date string) {
		h := http.Header{"X-Acs-Retry-After": {acs}, "Retry-After": {proxy}, "X-Ratelimit-User": {limit}, "Date": {date}}
		got := retryAfter(h, now)
		want := time.Duration(0)
		for _, source := range []struct {
			value string
			unit  time.Duration
		}{{acs, time.Millisecond}, {proxy, time.Second}} {
			n, err := strconv.ParseInt(strings.TrimSpace(source.value), 10, 64)
			if want > 0 || err != nil || n <= 0 {
				continue
			}
			// In floating point there is no overflow to get wrong.
			if want = time.Duration(math.MaxInt64); float64(n)*float64(source.unit) < math.MaxInt64 {
				want = time.Duration(n) * source.unit
			}
			if source.unit == time.Second && rateLimit(limit) > 0 {
				want = rateLimit(limit)
			}
		}
		switch at, err := http.ParseTime(strings.TrimSpace(proxy)); {
		case got < 0:
			t.Errorf("the delay is %v", got)
		case want > 0 && got != want:
			t.Errorf("%v is a delay of %v, want %v", h, got, want)
		case want == 0 && rateLimit(limit) == 0 && err == nil:
			if d, dateErr := http.ParseTime(date); dateErr == nil && got != max(0, at.Sub(d)) {
				t.Errorf("%v is a delay of %v, want %v", h, got, at.Sub(d))
			}
		case want == 0 && rateLimit(limit) == 0 && got != 0:
			t.Errorf("%v is a delay of %v, want none", h, got)
		}
	})
}

func FuzzRateLimit(f *testing.F) {
	f.Add("Limit:1,Remain:0,TimeLeft:2000,Reset:1234", int64(0), int64(2000))
	f.Add("Remain:1,TimeLeft:2000", int64(1), int64(5))
	f.Add("TimeLeft:9223372036854775807", int64(-1), int64(math.MaxInt64))
	f.Add(" TimeLeft : 1 , Remain : x ,:,,", int64(0), int64(-7))
	f.Fuzz(func(t *testing.T, header string, remain, left int64) {
		if got := rateLimit(header); got < 0 || got > 0 && !strings.Contains(header, "TimeLeft") {
			t.Errorf("%q is a delay of %v", header, got)
		}
		want := toDuration(left, time.Millisecond)
		if remain > 0 {
			want = 0
		}
		for _, form := range []string{"Limit:1,Remain:%d,TimeLeft:%d,Reset:1", "TimeLeft:%[2]d,Remain:%[1]d", " Remain: %d , TimeLeft: %d "} {
			if text := fmt.Sprintf(form, remain, left); rateLimit(text) != want {
				t.Errorf("%q is a delay of %v, want %v", text, rateLimit(text), want)
			}
		}
	})
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
