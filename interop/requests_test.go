package interop

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// awkward is text that a query or a JSON object could spell in more than one way. Left out are U+2028 and
// U+2029, which Alibaba's JSON writes as \u2028 and ours as they are, and bytes that are not UTF-8, which
// Alibaba's code replaces and ours refuses inside an object.
const awkward = `a+b c*~/%2B&=?#"\<é世😀>` + "\t\n\x01"

var start, end = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC)

// everyCall has the calls of every operation, as our client and as Alibaba's SDK are asked for them.
var everyCall = []struct {
	name, operation string
	ours            func(context.Context, *livetranscode.Client) error
	alibabas        parameters
}{
	{
		"get", "GetLiveTranscodeJob",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.GetLiveTranscodeJob(ctx, awkward)
			return err
		},
		parameters{"JobId": awkward},
	},
	{
		"list all", "ListLiveTranscodeJobs",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, nil)
			return err
		},
		nil,
	},
	{
		"list some", "ListLiveTranscodeJobs",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, &livetranscode.ListLiveTranscodeJobsRequest{
				Type: livetranscode.TemplateTypeNarrowBand, Keyword: awkward, PageNo: 2, PageSize: 100,
				StartMode: new(livetranscode.StartModeImmediate), Status: new(livetranscode.JobStatusNotStarted),
				SortBy: livetranscode.SortAscending,
			})
			return err
		},
		parameters{
			"Type": "narrow-band", "KeyWord": awkward, "PageNo": int32(2), "PageSize": int32(100),
			"StartMode": int32(0), "Status": int32(0), "SortBy": "asc",
		},
	},
	{
		"submit immediate", "SubmitLiveTranscodeJob",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: "n", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://domain/app/stream"},
			})
			return err
		},
		parameters{
			"Name": "n", "TemplateId": "t", "StartMode": int32(0),
			"StreamInput":     &streamInput{InputURL: "rtmp://domain/app/stream", Type: "rtmp"},
			"TranscodeOutput": &transcodeOutput{Type: "LiveCenter"},
		},
	},
	{
		"submit timed", "SubmitLiveTranscodeJob",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: awkward, TemplateID: "t", StartMode: livetranscode.StartModeTimed,
				StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://domain/app/" + awkward},
				TranscodeOutput: livetranscode.TranscodeOutput{DomainName: awkward},
				TimedConfig:     &livetranscode.TimedConfig{StartTime: start, EndTime: end},
			})
			return err
		},
		parameters{
			"Name": awkward, "TemplateId": "t", "StartMode": int32(1),
			"StreamInput":     &streamInput{InputURL: "rtmp://domain/app/" + awkward, Type: "rtmp"},
			"TranscodeOutput": &transcodeOutput{DomainName: awkward, Type: "LiveCenter"},
			"TimedConfig":     &timedConfig{EndTime: "2026-01-03T03:04:05Z", StartTime: "2026-01-02T03:04:05Z"},
		},
	},
	{
		"rename", "UpdateLiveTranscodeJob",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{JobID: "j", Name: awkward})
			return err
		},
		parameters{"JobId": "j", "Name": awkward},
	},
	{
		"update", "UpdateLiveTranscodeJob",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{
				JobID: "j", Name: "n",
				StreamInput:     &livetranscode.StreamInput{InputURL: "rtmp://domain/app/stream?a=1&b=2"},
				TranscodeOutput: &livetranscode.TranscodeOutput{DomainName: "domain"},
				TimedConfig:     &livetranscode.TimedConfig{StartTime: start, EndTime: end},
			})
			return err
		},
		parameters{
			"JobId": "j", "Name": "n",
			"StreamInput":     &streamInput{InputURL: "rtmp://domain/app/stream?a=1&b=2", Type: "rtmp"},
			"TranscodeOutput": &transcodeOutput{DomainName: "domain", Type: "LiveCenter"},
			"TimedConfig":     &timedConfig{EndTime: "2026-01-03T03:04:05Z", StartTime: "2026-01-02T03:04:05Z"},
		},
	},
	{
		"stop", "SendLiveTranscodeJobCommand",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, "j", livetranscode.JobCommandStop)
			return err
		},
		parameters{"JobId": "j", "Command": "stop"},
	},
	{
		"delete", "DeleteLiveTranscodeJob",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.DeleteLiveTranscodeJob(ctx, "j")
			return err
		},
		parameters{"JobId": "j"},
	},
	{
		"create template", "CreateLiveTranscodeTemplate",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
				Name: awkward, Type: livetranscode.TemplateTypeNormal, TemplateConfig: &livetranscode.TemplateConfig{
					VideoParams: &livetranscode.VideoParams{
						Codec: livetranscode.VideoCodecH264, Width: 1280, Height: 720, FPS: 29.97, Bitrate: 2500, GOP: 250,
						Profile: livetranscode.VideoProfileHigh,
					},
					AudioParams: &livetranscode.AudioParams{
						Codec: livetranscode.AudioCodecAAC, Profile: livetranscode.AudioProfileAACLow, Bitrate: 64,
						SampleRate: 44100, Channels: 2,
					},
				},
			})
			return err
		},
		parameters{"Name": awkward, "Type": "normal", "TemplateConfig": &templateConfig{
			VideoParams: &videoParams{
				Codec: "H.264", Width: "1280", Height: "720", Fps: "29.97", Bitrate: "2500", Gop: "250", Profile: "3",
			},
			AudioParams: &audioParams{Codec: "AAC", Profile: "aac_low", Bitrate: "64", Samplerate: "44100", Channels: "2"},
		}},
	},
	{
		"create template without parameters", "CreateLiveTranscodeTemplate",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
				Name: "n", Type: livetranscode.TemplateTypeOrigin,
			})
			return err
		},
		parameters{"Name": "n", "Type": "origin"},
	},
	{
		"get template", "GetLiveTranscodeTemplate",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.GetLiveTranscodeTemplate(ctx, "t")
			return err
		},
		parameters{"TemplateId": "t"},
	},
	{
		"list templates", "ListLiveTranscodeTemplates",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeTemplates(ctx, &livetranscode.ListLiveTranscodeTemplatesRequest{
				Type: livetranscode.TemplateTypeAudioOnly, VideoCodec: livetranscode.VideoCodecH265,
				Category: livetranscode.TemplateCategorySystem, PageNo: 3, PageSize: 20,
				SortBy: livetranscode.SortDescending, Keyword: awkward,
			})
			return err
		},
		parameters{
			"Type": "audio-only", "VideoCodec": "H.265", "Category": "system", "PageNo": int32(3), "PageSize": int32(20),
			"SortBy": "desc", "KeyWord": awkward,
		},
	},
	{
		"update template", "UpdateLiveTranscodeTemplate",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeTemplate(ctx, &livetranscode.UpdateLiveTranscodeTemplateRequest{
				TemplateID: "t", Name: "n", TemplateConfig: &livetranscode.TemplateConfig{
					VideoParams: &livetranscode.VideoParams{FPS: 25, Bitrate: 6000},
				},
			})
			return err
		},
		parameters{
			"TemplateId": "t", "Name": "n",
			"TemplateConfig": &templateConfig{VideoParams: &videoParams{Fps: "25", Bitrate: "6000"}},
		},
	},
	{
		"delete template", "DeleteLiveTranscodeTemplate",
		func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.DeleteLiveTranscodeTemplate(ctx, "t")
			return err
		},
		parameters{"TemplateId": "t"},
	},
}

// operations returns the names of all operations, sorted.
func operations() []string {
	names := map[string]bool{}
	for _, call := range everyCall {
		names[call.operation] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// TestRequestsAreAlibabas compares what travels when our client and when Alibaba's make the same call.
func TestRequestsAreAlibabas(t *testing.T) {
	t.Parallel()
	if n := len(operations()); n != 11 {
		t.Fatalf("%d operations are compared, want 11", n)
	}
	for _, tt := range everyCall {
		for name, creds := range map[string]livetranscode.Credentials{"static": static, "temporary": temporary} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				rec := newRecorder(t)
				client, err := livetranscode.NewClient(
					livetranscode.WithEndpoint(rec.URL),
					livetranscode.WithHTTPClient(rec.Client()),
					livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken)),
				)
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.ours(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				if _, err := newSDK(t, rec.Server, creds, nil).call(tt.operation, tt.alibabas); err != nil {
					t.Fatal(err)
				}
				ours, alibabas := <-rec.seen, <-rec.seen
				compare(t, ours, alibabas)
			})
		}
	}
}

// A seen is a request as it arrived.
type seen struct {
	*http.Request
	body  string
	query url.Values
}

func compare(t *testing.T, ours, alibabas seen) {
	t.Helper()
	same := func(what, ours, alibabas string) {
		t.Helper()
		if ours != alibabas {
			t.Errorf("%s\n ours     %q\n Alibaba's %q", what, ours, alibabas)
		}
	}
	same("method", ours.Method, alibabas.Method)
	same("path", ours.URL.EscapedPath(), alibabas.URL.EscapedPath())
	same("host", ours.Host, alibabas.Host)
	same("body", ours.body, alibabas.body)
	same("length of the body", strconv.FormatInt(ours.ContentLength, 10), strconv.FormatInt(alibabas.ContentLength, 10))
	same("transfer encoding", strings.Join(ours.TransferEncoding, ","), strings.Join(alibabas.TransferEncoding, ","))
	for _, name := range []string{
		"Accept", "Content-Type", "X-Acs-Action", "X-Acs-Version", "X-Acs-Content-Sha256", "X-Acs-Security-Token",
	} {
		same(name, strings.Join(ours.Header.Values(name), ","), strings.Join(alibabas.Header.Values(name), ","))
	}
	same("names of the parameters", strings.Join(slices.Sorted(maps.Keys(ours.query)), " "), strings.Join(slices.Sorted(maps.Keys(alibabas.query)), " "))
	for name, values := range ours.query {
		if len(values) != 1 || len(alibabas.query[name]) != 1 {
			t.Errorf("%s comes more than once", name)
			continue
		}
		mine, theirs := values[0], alibabas.query.Get(name)
		same("length of "+name, strconv.Itoa(len(mine)), strconv.Itoa(len(theirs)))
		same(name, sortMembers(mine), sortMembers(theirs))
	}
}

// sortMembers sorts the members of a JSON object, and of objects in it, by name, and leaves each other byte as
// it is. Other text comes back unchanged.
//
// It is needed for the one difference that there is: the members of our objects are in the order of the
// documentation, those of Alibaba's SDKs, which are generated, in the order of their names.
func sortMembers(text string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return text
	}
	sorted := make([]string, 0, len(members))
	for name, value := range members {
		sorted = append(sorted, `"`+name+`":`+sortMembers(string(value)))
	}
	slices.Sort(sorted)
	return "{" + strings.Join(sorted, ",") + "}"
}

// A recorder is a server that keeps the requests and answers any operation with success.
type recorder struct {
	*httptest.Server
	seen chan seen
}

func newRecorder(t *testing.T) recorder {
	r := recorder{seen: make(chan seen, 2)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		query, err := url.ParseQuery(req.URL.RawQuery)
		if err != nil {
			t.Error(err)
		}
		r.seen <- seen{req, string(body), query}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"RequestId":"r","JobId":"j","Job":{},"JobList":[],"TemplateId":"t","TemplateContent":{},"TemplateContentList":[]}`)
	}))
	t.Cleanup(r.Close)
	return r
}
