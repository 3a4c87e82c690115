package livetranscode

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"
)

// validRequests have all parameters of the operations that take a request, and the calls with them.
func validRequests() map[string]struct {
	req  any
	call func(context.Context, *Client, any) error
} {
	schedule := &TimedConfig{StartTime: time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC)}
	config := &TemplateConfig{
		VideoParams: &VideoParams{Codec: VideoCodecH264, Width: 1280, FPS: 25, Bitrate: 1500, Profile: VideoProfileHigh},
		AudioParams: &AudioParams{Codec: AudioCodecAAC, Profile: AudioProfileAACLow},
	}
	type row = struct {
		req  any
		call func(context.Context, *Client, any) error
	}
	return map[string]row{
		"ListLiveTranscodeJobs": {
			&ListLiveTranscodeJobsRequest{Type: TemplateTypeNormal, SortBy: SortAscending, Keyword: "k"},
			func(ctx context.Context, c *Client, req any) error {
				_, err := c.ListLiveTranscodeJobs(ctx, req.(*ListLiveTranscodeJobsRequest))
				return err
			},
		},
		"SubmitLiveTranscodeJob": {
			&SubmitLiveTranscodeJobRequest{
				Name: "n", TemplateID: "t", StartMode: StartModeTimed, StreamInput: StreamInput{"rtmp", "u"},
				TranscodeOutput: TranscodeOutput{"LiveCenter", "d"}, TimedConfig: schedule,
			},
			func(ctx context.Context, c *Client, req any) error {
				_, err := c.SubmitLiveTranscodeJob(ctx, req.(*SubmitLiveTranscodeJobRequest))
				return err
			},
		},
		"UpdateLiveTranscodeJob": {
			&UpdateLiveTranscodeJobRequest{
				JobID: "j", Name: "n", StreamInput: &StreamInput{"rtmp", "u"}, TranscodeOutput: &TranscodeOutput{"LiveCenter", "d"},
				TimedConfig: schedule,
			},
			func(ctx context.Context, c *Client, req any) error {
				_, err := c.UpdateLiveTranscodeJob(ctx, req.(*UpdateLiveTranscodeJobRequest))
				return err
			},
		},
		"CreateLiveTranscodeTemplate": {
			&CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeNormal, TemplateConfig: config},
			func(ctx context.Context, c *Client, req any) error {
				_, err := c.CreateLiveTranscodeTemplate(ctx, req.(*CreateLiveTranscodeTemplateRequest))
				return err
			},
		},
		"ListLiveTranscodeTemplates": {
			&ListLiveTranscodeTemplatesRequest{
				Type: TemplateTypeNormal, VideoCodec: VideoCodecH264, Category: TemplateCategorySystem, SortBy: SortAscending, Keyword: "k",
			},
			func(ctx context.Context, c *Client, req any) error {
				_, err := c.ListLiveTranscodeTemplates(ctx, req.(*ListLiveTranscodeTemplatesRequest))
				return err
			},
		},
		"UpdateLiveTranscodeTemplate": {
			&UpdateLiveTranscodeTemplateRequest{TemplateID: "t", Name: "n", TemplateConfig: config},
			func(ctx context.Context, c *Client, req any) error {
				_, err := c.UpdateLiveTranscodeTemplate(ctx, req.(*UpdateLiveTranscodeTemplateRequest))
				return err
			},
		},
	}
}

// forEachText calls f with each text in a struct and its path.
func forEachText(v reflect.Value, path string, f func(path string, text reflect.Value)) {
	for _, field := range reflect.VisibleFields(v.Type()) {
		value := v.FieldByIndex(field.Index)
		if value.Kind() == reflect.Pointer && !value.IsNil() {
			value = value.Elem()
		}
		switch {
		case value.Kind() == reflect.String:
			f(path+field.Name, value)
		case value.Kind() == reflect.Struct && value.Type() != reflect.TypeFor[time.Time]():
			forEachText(value, path+field.Name+".", f)
		}
	}
}

// TestTimeZones checks that the zone of a time is not taken for a parameter: its name may be anything, and its data are
// shared with other goroutines.
func TestTimeZones(t *testing.T) {
	t.Parallel()
	start := time.Date(2022, 7, 20, 2, 48, 58, 0, time.FixedZone("caf\xe9", 3600))
	_, query := sentQuery(t, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeJob(ctx, &UpdateLiveTranscodeJobRequest{JobID: "j", TimedConfig: &TimedConfig{StartTime: start}})
		return err
	})
	if want := `{"StartTime":"2022-07-20T01:48:58Z"}`; query.Get("TimedConfig") != want {
		t.Errorf("sent was %s, want %s", query.Get("TimedConfig"), want)
	}
	var wg sync.WaitGroup
	for range 4 { // the race detector sees the zone being loaded
		wg.Go(func() {
			zone, err := time.LoadLocation("Asia/Shanghai")
			if err != nil {
				t.Error(err)
				return
			}
			req := &UpdateLiveTranscodeJobRequest{JobID: "j", TimedConfig: &TimedConfig{StartTime: start.In(zone).Local()}}
			if _, _, err := encodeParams("Update", "JobId", req); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestTextIsUTF8: text that the service could not read as it was signed is refused, in whatever parameter.
func TestTextIsUTF8(t *testing.T) {
	t.Parallel()
	for operation, test := range validRequests() {
		texts := 0
		forEachText(reflect.ValueOf(test.req).Elem(), "", func(path string, text reflect.Value) {
			texts++
			call := func(ctx context.Context, c *Client) error { return test.call(ctx, c, test.req) }
			before := text.String()
			text.SetString("直播 é")
			sentQuery(t, call)
			text.SetString("caf\xe9")
			wantParamError(t, call, operation, path)
			text.SetString(before)
		})
		if texts < 3 {
			t.Errorf("%s has only %d texts", operation, texts)
		}
	}
	for operation, test := range map[string]struct {
		field string
		call  func(context.Context, *Client, string) error
	}{
		"GetLiveTranscodeJob": {"JobID", func(ctx context.Context, c *Client, id string) error {
			_, err := c.GetLiveTranscodeJob(ctx, id)
			return err
		}},
		"DeleteLiveTranscodeJob": {"JobID", func(ctx context.Context, c *Client, id string) error {
			_, err := c.DeleteLiveTranscodeJob(ctx, id)
			return err
		}},
		"GetLiveTranscodeTemplate": {"TemplateID", func(ctx context.Context, c *Client, id string) error {
			_, err := c.GetLiveTranscodeTemplate(ctx, id)
			return err
		}},
		"DeleteLiveTranscodeTemplate": {"TemplateID", func(ctx context.Context, c *Client, id string) error {
			_, err := c.DeleteLiveTranscodeTemplate(ctx, id)
			return err
		}},
		"SendLiveTranscodeJobCommand": {"JobID", func(ctx context.Context, c *Client, id string) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, id, JobCommandStop)
			return err
		}},
	} {
		wantParamError(t, func(ctx context.Context, c *Client) error { return test.call(ctx, c, "caf\xe9") }, operation, test.field)
	}
	wantParamError(t, func(ctx context.Context, c *Client) error {
		_, err := c.SendLiveTranscodeJobCommand(ctx, "j", "caf\xe9")
		return err
	}, "SendLiveTranscodeJobCommand", "Command")
}
