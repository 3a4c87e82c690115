package livetranscodetest_test

import (
	"cmp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		id := mustDo(t, srv, "CreateLiveTranscodeTemplate", "Name", "basic", "Type", "normal", "TemplateConfig", normalConfig).TemplateID
		want := map[string]any{
			"Name": "basic", "TemplateId": id, "Type": "normal", "Category": "customized", "CreateTime": "2000-01-01T00:00:00Z",
			"TemplateConfig": map[string]any{
				"VideoParams": map[string]any{"Codec": "H.264", "Width": "1280", "Fps": "25", "Bitrate": "1000"},
				"AudioParams": map[string]any{"Codec": "AAC", "Bitrate": "128"},
			},
		}
		if diff := gocmp.Diff(want, mustDo(t, srv, "GetLiveTranscodeTemplate", "TemplateId", id).TemplateContent); diff != "" {
			t.Error(diff)
		}

		mustDo(t, srv, "UpdateLiveTranscodeTemplate", "TemplateId", id, "Name", "better", "TemplateConfig", `{"VideoParams":{"Fps":"30","Gop":"60"}}`)
		want["Name"] = "better"
		want["TemplateConfig"].(map[string]any)["VideoParams"] = map[string]any{"Codec": "H.264", "Width": "1280", "Fps": "30", "Gop": "60", "Bitrate": "1000"}
		wantCode(t, do(t, srv, "UpdateLiveTranscodeTemplate", "TemplateId", id, "Name", "worse", "TemplateConfig", `{"VideoParams":{"Fps":"61"}}`), 400, "InvalidParameter", "Fps")
		if diff := gocmp.Diff(want, mustDo(t, srv, "GetLiveTranscodeTemplate", "TemplateId", id).TemplateContent); diff != "" {
			t.Error(diff)
		}

		mustDo(t, srv, "DeleteLiveTranscodeTemplate", "TemplateId", id)
		for _, op := range []string{"GetLiveTranscodeTemplate", "UpdateLiveTranscodeTemplate", "DeleteLiveTranscodeTemplate"} {
			wantCode(t, do(t, srv, op, "TemplateId", id), 404, "TemplateNotFound", "template")
			wantCode(t, do(t, srv, op), 400, "MissingTemplateId", "TemplateId")
		}
	})
}

func TestListTemplates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		if r := mustDo(t, srv, "ListLiveTranscodeTemplates"); !strings.Contains(r.body, `"TemplateContentList":[]`) {
			t.Error(r.body)
		}
		ids := map[string]string{}
		for _, tt := range []struct{ name, kind, codec string }{{"a", "origin", "H.264"}, {"b", "narrow-band", "H.265"}, {"c", "origin", "H.265"}} {
			ids[tt.name] = mustDo(t, srv, "CreateLiveTranscodeTemplate", "Name", "T-"+tt.name, "Type", tt.kind,
				"TemplateConfig", `{"VideoParams":{"Codec":"`+tt.codec+`"}}`).TemplateID
			if tt.name == "b" {
				time.Sleep(time.Minute)
			}
		}
		for _, tt := range []struct {
			params []string
			total  int
			want   string
		}{
			{nil, 3, "T-c T-b T-a"},
			{[]string{"SortBy", "asc"}, 3, "T-a T-b T-c"},
			{[]string{"PageSize", "2", "PageNo", "2"}, 3, "T-a"},
			{[]string{"PageSize", "2", "PageNo", "3"}, 3, ""},
			{[]string{"Type", "origin"}, 2, "T-c T-a"},
			{[]string{"VideoCodec", "H.265"}, 2, "T-c T-b"},
			{[]string{"VideoCodec", "H.265", "Type", "origin"}, 1, "T-c"},
			{[]string{"Category", "customized"}, 3, "T-c T-b T-a"},
			{[]string{"Category", "system"}, 0, ""},
			{[]string{"KeyWord", "t-B"}, 1, "T-b"},
			{[]string{"KeyWord", ids["a"]}, 1, "T-a"},
			{[]string{"KeyWord", ids["a"][:8]}, 0, ""},
		} {
			r := mustDo(t, srv, "ListLiveTranscodeTemplates", tt.params...)
			var got []string
			for _, c := range r.TemplateContentList {
				got = append(got, c.Name)
			}
			if r.TotalCount != tt.total || strings.Join(got, " ") != tt.want {
				t.Errorf("%v: %d %v, want %d %s", tt.params, r.TotalCount, got, tt.total, tt.want)
			}
		}
		srv.SetClockOffset(-10 * time.Minute)
		mustDo(t, srv, "CreateLiveTranscodeTemplate", "Name", "older", "Type", "origin")
		if r := mustDo(t, srv, "ListLiveTranscodeTemplates", "SortBy", "asc"); r.TemplateContentList[0].Name != "older" {
			t.Errorf("not in the order of creation: %s", r.body)
		}
		for _, bad := range []string{"Type", "VideoCodec", "Category", "SortBy", "PageNo", "PageSize"} {
			wantCode(t, do(t, srv, "ListLiveTranscodeTemplates", bad, "unlisted"), 400, "InvalidParameter", bad)
		}
	})
}

// A client reads what AddTemplate was given, and jobs get the template's name and type.
func TestAddTemplate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		client, ctx := srv.Client(), t.Context()
		config := &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{Codec: "264", Width: 1, FPS: 29.97, Bitrate: 100_000},
			AudioParams: &livetranscode.AudioParams{Codec: livetranscode.AudioCodecAAC, SampleRate: 44100},
		}
		for _, want := range []livetranscode.Template{
			{Name: "empty", Type: "unlisted"},
			{
				Name: "system", TemplateID: "****", Type: livetranscode.TemplateTypeAudioOnly,
				Category: livetranscode.TemplateCategorySystem, CreateTime: time.Unix(1, 0).UTC(), TemplateConfig: config,
			},
			{Name: "replaced", TemplateID: "****", TemplateConfig: &livetranscode.TemplateConfig{}},
		} {
			id := srv.AddTemplate(want)
			if want.TemplateID != "" && id != want.TemplateID || len(id) == 0 {
				t.Errorf("the id is %q", id)
			}
			want.TemplateID = id
			want.Category = cmp.Or(want.Category, livetranscode.TemplateCategoryCustomized)
			want.CreateTime = cmp.Or(want.CreateTime, time.Now().UTC())
			resp, err := client.GetLiveTranscodeTemplate(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if want.TemplateConfig == nil {
				want.TemplateConfig = resp.Template.TemplateConfig // empty
			}
			if diff := gocmp.Diff(&want, resp.Template); diff != "" {
				t.Error(diff)
			}
			list, err := client.ListLiveTranscodeTemplates(ctx, &livetranscode.ListLiveTranscodeTemplatesRequest{Keyword: id})
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff([]*livetranscode.Template{&want}, list.Templates); diff != "" {
				t.Error(diff)
			}
			job, _ := srv.Job(mustDo(t, srv, "SubmitLiveTranscodeJob", submission("TemplateId", id)...).JobID)
			if job.TemplateName != want.Name || job.TemplateType != want.Type {
				t.Errorf("the job has the template %s, %s", job.TemplateName, job.TemplateType)
			}
		}
		config.VideoParams.Width = 2 // the server keeps a copy
		mustDo(t, srv, "UpdateLiveTranscodeTemplate", "TemplateId", "****", "Name", "renamed")
		if n := mustDo(t, srv, "ListLiveTranscodeTemplates").TotalCount; n != 2 {
			t.Errorf("%d templates, want 2", n)
		}
	})
}
