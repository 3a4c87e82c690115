package interop

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// awkward is text with more than one encoding in a query or a JSON object. It lacks U+2028 and U+2029, which Alibaba's
// client escapes in JSON and ours does not, and invalid UTF-8, which Alibaba's client replaces and ours refuses.
const awkward = `a+b c*~/%2B&=?#"\<é世😀>` + "\t\n\x01"

var start, end = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC)

// everyCall has calls of every operation, for our client and for Alibaba's SDK.
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
