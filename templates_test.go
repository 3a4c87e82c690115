package livetranscode

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

func exampleTemplate() *Template {
	return &Template{
		Name: "basic", TemplateID: "T", Type: TemplateTypeNormal, Category: TemplateCategoryCustomized,
		CreateTime: time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
		TemplateConfig: &TemplateConfig{
			VideoParams: &VideoParams{Codec: VideoCodecH264, Width: 1280, Height: 720, FPS: 29.97, Bitrate: 1500, GOP: 250, Profile: VideoProfileHigh},
			AudioParams: &AudioParams{Codec: AudioCodecAAC, Profile: AudioProfileAACLow, Bitrate: 128, SampleRate: 44100, Channels: 2},
		},
	}
}

// exampleTemplateText is exampleTemplate as the service writes it: every leaf is a string.
const exampleTemplateText = `{"Name":"basic","TemplateId":"T","Type":"normal","Category":"customized","CreateTime":"2022-07-20T02:48:58Z",` +
	`"TemplateConfig":` + exampleConfigText + `}`

const exampleConfigText = `{"VideoParams":{"Codec":"H.264","Width":"1280","Height":"720","Fps":"29.97","Bitrate":"1500","Gop":"250","Profile":"3"},` +
	`"AudioParams":{"Codec":"AAC","Profile":"aac_low","Bitrate":"128","Samplerate":"44100","Channels":"2"}}`

// decodeTemplate decodes an answer with one template, by a Get and by a List.
func decodeTemplate(t *testing.T, text string) map[string]*Template {
	t.Helper()
	client := clientOver(t, respondTo(func(req *http.Request) string {
		if req.Header.Get(acs3.HeaderAction) == "GetLiveTranscodeTemplate" {
			return `{"RequestId":"R","TemplateContent":` + text + `}`
		}
		return `{"RequestId":"R","TotalCount":1,"TemplateContentList":[` + text + `]}`
	}))
	got, err := client.GetLiveTranscodeTemplate(t.Context(), "T")
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.ListLiveTranscodeTemplates(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.RequestID != "R" || page.RequestID != "R" || page.TotalCount != 1 || len(page.Templates) != 1 {
		t.Fatalf("around the template: %+v, %+v", got, page)
	}
	return map[string]*Template{"get": got.Template, "list": page.Templates[0]}
}

func TestDecodeTemplates(t *testing.T) {
	t.Parallel()
	video := func(p VideoParams) Template { return Template{TemplateConfig: &TemplateConfig{VideoParams: &p}} }
	audio := func(p AudioParams) Template { return Template{TemplateConfig: &TemplateConfig{AudioParams: &p}} }
	for _, test := range []struct {
		name, text string
		want       Template
	}{
		{"every field", exampleTemplateText, *exampleTemplate()},
		{"empty", `{}`, Template{}},
		{"nulls", `{"Name":null,"CreateTime":null,"TemplateConfig":null}`, Template{}},
		{"empty config", `{"TemplateConfig":{}}`, Template{TemplateConfig: &TemplateConfig{}}},
		{"null params", `{"TemplateConfig":{"VideoParams":null}}`, Template{TemplateConfig: &TemplateConfig{}}},
		{"empty params", `{"TemplateConfig":{"VideoParams":{},"AudioParams":{}}}`, Template{TemplateConfig: &TemplateConfig{&VideoParams{}, &AudioParams{}}}},
		{"malformed date", `{"Name":"n","CreateTime":"soon"}`, Template{Name: "n"}},
		{
			"numbers instead of strings",
			`{"TemplateConfig":{"VideoParams":{"Width":1280,"Height":720,"Fps":29.97,"Bitrate":1500,"Gop":250,"Profile":3}}}`,
			video(VideoParams{Width: 1280, Height: 720, FPS: 29.97, Bitrate: 1500, GOP: 250, Profile: "3"}),
		},
		{
			"numbers instead of strings, audio",
			`{"TemplateConfig":{"AudioParams":{"Bitrate":128,"Samplerate":44100,"Channels":2}}}`,
			audio(AudioParams{Bitrate: 128, SampleRate: 44100, Channels: 2}),
		},
		{
			"values outside the documented sets",
			`{"TemplateConfig":{"VideoParams":{"Codec":"264","Profile":"1"},"AudioParams":{"Codec":"opus","Profile":"new"}}}`,
			Template{TemplateConfig: &TemplateConfig{&VideoParams{Codec: "264", Profile: "1"}, &AudioParams{Codec: "opus", Profile: "new"}}},
		},
		{
			"codec as a number", `{"TemplateConfig":{"VideoParams":{"Codec":264}}}`, video(VideoParams{Codec: "264"}),
		},
		{
			"empty, null and words", `{"TemplateConfig":{"VideoParams":{"Width":"","Height":null,"Fps":"auto","Bitrate":"1500k","Gop":{},"Codec":null}}}`,
			video(VideoParams{}),
		},
		{
			"fractions where there are none", `{"TemplateConfig":{"VideoParams":{"Width":"1280.0","Bitrate":"1500.9","Gop":1e2}}}`,
			video(VideoParams{Width: 1280, Bitrate: 1500, GOP: 100}),
		},
		{
			"no numbers, too large ones", `{"TemplateConfig":{"VideoParams":{"Fps":"NaN","Width":"Inf","Height":"1e300","Gop":99999999999,"Bitrate":"1e999"}}}`,
			video(VideoParams{}),
		},
		{"more fields than known", `{"TemplateConfig":{"VideoParams":{"Width":"1280","New":[1]},"New":1},"New":{}}`, video(VideoParams{Width: 1280})},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for way, got := range decodeTemplate(t, test.text) {
				if diff := cmp.Diff(test.want, *got); diff != "" {
					t.Errorf("%s:\n%s", way, diff)
				}
			}
		})
	}
}

func TestParamsThatAreNoObject(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`[]`, `"x"`, `1`} {
		video, audio := VideoParams{Width: 1}, AudioParams{Channels: 1}
		if err := json.Unmarshal([]byte(text), &video); err == nil {
			t.Errorf("video params %s: no error", text)
		}
		if err := json.Unmarshal([]byte(text), &audio); err == nil {
			t.Errorf("audio params %s: no error", text)
		}
	}
}

func TestTemplateRoundTrip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template *Template
		text     string
	}{
		{exampleTemplate(), exampleTemplateText},
		{&Template{TemplateID: "T"}, `{"Name":"","TemplateId":"T","Type":"","Category":""}`},
		{
			&Template{TemplateConfig: &TemplateConfig{VideoParams: &VideoParams{Width: 640}}},
			`{"Name":"","TemplateId":"","Type":"","Category":"","TemplateConfig":{"VideoParams":{"Width":"640"}}}`,
		},
	} {
		v1, err := json.Marshal(test.template)
		if err != nil || string(v1) != test.text {
			t.Errorf("encoding/json writes\n%s, %v, want\n%s", v1, err, test.text)
		}
		v2, err := jsonv2.Marshal(test.template)
		if err != nil || string(v2) != test.text {
			t.Errorf("json v2 writes\n%s, %v, want\n%s", v2, err, test.text)
		}
		var back1, back2 Template
		if err := json.Unmarshal(v1, &back1); err != nil {
			t.Error(err)
		}
		if err := jsonv2.Unmarshal(v2, &back2); err != nil {
			t.Error(err)
		}
		for _, back := range []Template{back1, back2} {
			if diff := cmp.Diff(*test.template, back); diff != "" {
				t.Error(diff)
			}
		}
	}
}

// TestTemplateQueries checks queries that testdata/requests does not have.
func TestTemplateQueries(t *testing.T) {
	t.Parallel()
	create := func(config *TemplateConfig) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			_, err := c.CreateLiveTranscodeTemplate(ctx, &CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeNormal, TemplateConfig: config})
			return err
		}
	}
	list := func(req *ListLiveTranscodeTemplatesRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			_, err := c.ListLiveTranscodeTemplates(ctx, req)
			return err
		}
	}
	checkQueries(t, []queryTest{
		{
			"create, empty config", "CreateLiveTranscodeTemplate", create(&TemplateConfig{}),
			url.Values{"Name": {"n"}, "Type": {"normal"}, "TemplateConfig": {`{}`}},
		},
		{
			"create, a zero is not sent", "CreateLiveTranscodeTemplate",
			create(&TemplateConfig{VideoParams: &VideoParams{Codec: "<&>", FPS: 25}}),
			url.Values{"Name": {"n"}, "Type": {"normal"}, "TemplateConfig": {`{"VideoParams":{"Codec":"<&>","Fps":"25"}}`}},
		},
		{
			"update, least", "UpdateLiveTranscodeTemplate",
			func(ctx context.Context, c *Client) error {
				_, err := c.UpdateLiveTranscodeTemplate(ctx, &UpdateLiveTranscodeTemplateRequest{TemplateID: "T"})
				return err
			},
			url.Values{"TemplateId": {"T"}},
		},
		{"list, no filter", "ListLiveTranscodeTemplates", list(&ListLiveTranscodeTemplatesRequest{}), url.Values{}},
	})
}

func TestTemplateChecks(t *testing.T) {
	t.Parallel()
	type row struct {
		name, operation, field string
		call                   func(context.Context, *Client) error
	}
	create := func(req *CreateLiveTranscodeTemplateRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			_, err := c.CreateLiveTranscodeTemplate(ctx, req)
			return err
		}
	}
	update := func(req *UpdateLiveTranscodeTemplateRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			_, err := c.UpdateLiveTranscodeTemplate(ctx, req)
			return err
		}
	}
	list := func(req ListLiveTranscodeTemplatesRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			_, err := c.ListLiveTranscodeTemplates(ctx, &req)
			return err
		}
	}
	rows := []row{
		{"get without id", "GetLiveTranscodeTemplate", "TemplateID", func(ctx context.Context, c *Client) error {
			_, err := c.GetLiveTranscodeTemplate(ctx, "")
			return err
		}},
		{"delete without id", "DeleteLiveTranscodeTemplate", "TemplateID", func(ctx context.Context, c *Client) error {
			_, err := c.DeleteLiveTranscodeTemplate(ctx, "")
			return err
		}},
		{"create nil", "CreateLiveTranscodeTemplate", "req", create(nil)},
		{"create, name", "CreateLiveTranscodeTemplate", "Name", create(&CreateLiveTranscodeTemplateRequest{Type: TemplateTypeOrigin})},
		{"create, type", "CreateLiveTranscodeTemplate", "Type", create(&CreateLiveTranscodeTemplateRequest{Name: "n"})},
		{"update nil", "UpdateLiveTranscodeTemplate", "req", update(nil)},
		{"update, id", "UpdateLiveTranscodeTemplate", "TemplateID", update(&UpdateLiveTranscodeTemplateRequest{Name: "n"})},
		{"list, page", "ListLiveTranscodeTemplates", "PageNo", list(ListLiveTranscodeTemplatesRequest{PageNo: -1})},
		{"list, negative size", "ListLiveTranscodeTemplates", "PageSize", list(ListLiveTranscodeTemplatesRequest{PageSize: -1})},
		{"list, size", "ListLiveTranscodeTemplates", "PageSize", list(ListLiveTranscodeTemplatesRequest{PageSize: 101})},
	}
	for _, p := range []struct {
		field  string
		config TemplateConfig
	}{
		{"VideoParams.Width", TemplateConfig{VideoParams: &VideoParams{Width: -1}}},
		{"VideoParams.Height", TemplateConfig{VideoParams: &VideoParams{Height: -1}}},
		{"VideoParams.FPS", TemplateConfig{VideoParams: &VideoParams{FPS: -0.1}}},
		{"VideoParams.FPS", TemplateConfig{VideoParams: &VideoParams{FPS: math.NaN()}}},
		{"VideoParams.FPS", TemplateConfig{VideoParams: &VideoParams{FPS: math.Inf(1)}}},
		{"VideoParams.FPS", TemplateConfig{VideoParams: &VideoParams{FPS: math.Inf(-1)}}},
		{"VideoParams.Bitrate", TemplateConfig{VideoParams: &VideoParams{Bitrate: -1}}},
		{"VideoParams.GOP", TemplateConfig{VideoParams: &VideoParams{GOP: -1}}},
		{"AudioParams.Bitrate", TemplateConfig{AudioParams: &AudioParams{Bitrate: -1}}},
		{"AudioParams.SampleRate", TemplateConfig{AudioParams: &AudioParams{SampleRate: -1}}},
		{"AudioParams.Channels", TemplateConfig{AudioParams: &AudioParams{Channels: -1}}},
	} {
		rows = append(rows,
			row{
				"create, " + p.field, "CreateLiveTranscodeTemplate", "TemplateConfig." + p.field,
				create(&CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeNormal, TemplateConfig: &p.config}),
			},
			row{
				"update, " + p.field, "UpdateLiveTranscodeTemplate", "TemplateConfig." + p.field,
				update(&UpdateLiveTranscodeTemplateRequest{TemplateID: "T", TemplateConfig: &p.config}),
			})
	}
	for _, test := range rows {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantParamError(t, test.call, test.operation, test.field)
		})
	}
}
