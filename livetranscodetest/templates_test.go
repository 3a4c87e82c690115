package livetranscodetest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const normalConfig = `{"VideoParams":{"Codec":"H.264","Width":"1280","Fps":"25","Bitrate":"1000"},"AudioParams":{"Codec":"AAC","Bitrate":"128"}}`

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
		if diff := cmp.Diff(want, mustDo(t, srv, "GetLiveTranscodeTemplate", "TemplateId", id).TemplateContent); diff != "" {
			t.Error(diff)
		}

		mustDo(t, srv, "UpdateLiveTranscodeTemplate", "TemplateId", id, "Name", "better", "TemplateConfig", `{"VideoParams":{"Fps":"30","Gop":"60"}}`)
		want["Name"] = "better"
		want["TemplateConfig"].(map[string]any)["VideoParams"] = map[string]any{"Codec": "H.264", "Width": "1280", "Fps": "30", "Gop": "60", "Bitrate": "1000"}
		wantCode(t, do(t, srv, "UpdateLiveTranscodeTemplate", "TemplateId", id, "Name", "worse", "TemplateConfig", `{"VideoParams":{"Fps":"61"}}`), 400, "InvalidParameter", "Fps")
		if diff := cmp.Diff(want, mustDo(t, srv, "GetLiveTranscodeTemplate", "TemplateId", id).TemplateContent); diff != "" {
			t.Error(diff)
		}

		mustDo(t, srv, "DeleteLiveTranscodeTemplate", "TemplateId", id)
		for _, op := range []string{"GetLiveTranscodeTemplate", "UpdateLiveTranscodeTemplate", "DeleteLiveTranscodeTemplate"} {
			wantCode(t, do(t, srv, op, "TemplateId", id), 404, "InvalidParameter.ResourceNotFound", "TemplateId")
			wantCode(t, do(t, srv, op), 400, "MissingParameter", "TemplateId")
		}
	})
}

func TestTemplateRules(t *testing.T) {
	t.Parallel()
	video := func(leaves string) string { return `{"VideoParams":{` + leaves + `}}` }
	audio := func(leaves string) string { return `{"AudioParams":{` + leaves + `}}` }
	tests := []struct {
		kind, config, missing, invalid string
	}{
		{"normal", normalConfig, "", ""},
		{"origin", "", "", ""},
		{"audio-only", audio(`"Codec":"MP3","Samplerate":"96000","Channels":"2","Bitrate":"1000"`), "", ""},
		{"audio-only", audio(`"Codec":"AAC","Profile":"aac_ld","Samplerate":"44100"`), "", ""},
		{"narrow-band", video(`"Codec":"H.265","Width":"720","Height":"1280"`), "", ""},
		{"narrow-band", video(`"Codec":"H.264","Width":"2560","Height":"1440","Profile":"3","Gop":"3000"`), "", ""},
		{"normal", video(`"Height":"1440","Fps":"1","Bitrate":"6000"`), "", ""},
		{"origin", video(`"Fps":""`), "", ""},
		{"origin", video(`"Fps":"29.97"`), "", ""},

		{"", "", "Type", ""},
		{"odd", "", "", "Type"},
		{"normal", "", "Width or Height", ""},
		{"normal", video(`"Fps":"25","Bitrate":"1000"`), "Width or Height", ""},
		{"normal", video(`"Width":"128","Bitrate":"1000"`), "Fps", ""},
		{"normal", video(`"Width":"128","Fps":"25"`), "Bitrate", ""},
		{"origin", "[", "", "TemplateConfig"},
		{"origin", `{"Video":{}}`, "", "TemplateConfig"},
		{"origin", video(`"FPS":"25"`), "", "TemplateConfig.VideoParams"},
		{"origin", video(`"Fps":25`), "", "TemplateConfig"},
		{"origin", video(`"Codec":"H264"`), "", "Codec"},
		{"origin", video(`"Width":"127"`), "", "Width"},
		{"origin", video(`"Width":"2561"`), "", "Width"},
		{"origin", video(`"Width":"1441","Height":"1441"`), "", "VideoParams"},
		{"narrow-band", video(`"Codec":"H.265","Width":"1281"`), "", "VideoParams"},
		{"narrow-band", video(`"Codec":"H.265","Width":"721","Height":"721"`), "", "VideoParams"},
		{"origin", video(`"Fps":"0"`), "", "Fps"},
		{"origin", video(`"Fps":"61"`), "", "Fps"},
		{"origin", video(`"Fps":"NaN"`), "", "Fps"},
		{"origin", video(`"Bitrate":"6001"`), "", "Bitrate"},
		{"origin", video(`"Gop":"3001"`), "", "Gop"},
		{"origin", video(`"Gop":"x"`), "", "Gop"},
		{"origin", video(`"Gop":"1.5"`), "", "Gop"},
		{"origin", video(`"Profile":"4"`), "", "Profile"},
		{"origin", audio(`"Codec":"OPUS"`), "", "Codec"},
		{"origin", audio(`"Codec":"MP3","Profile":"aac_low"`), "", "Profile"},
		{"origin", audio(`"Codec":"AAC","Profile":"low"`), "", "Profile"},
		{"origin", audio(`"Bitrate":"1001"`), "", "Bitrate"},
		{"origin", audio(`"Samplerate":"22049"`), "", "Samplerate"},
		{"origin", audio(`"Profile":"aac_ld","Samplerate":"44101"`), "", "Samplerate"},
		{"origin", audio(`"Channels":"3"`), "", "Channels"},
	}
	for _, tt := range tests {
		t.Run(tt.kind+" "+tt.config, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			r := do(t, srv, "CreateLiveTranscodeTemplate", "Name", "n", "Type", tt.kind, "TemplateConfig", tt.config)
			switch {
			case tt.missing != "":
				wantCode(t, r, 400, "MissingParameter", tt.missing)
			case tt.invalid != "":
				wantCode(t, r, 400, "InvalidParameter", tt.invalid)
			default:
				wantCode(t, r, 200, "", "")
			}
		})
	}
	srv := livetranscodetest.NewServer()
	wantCode(t, do(t, srv, "CreateLiveTranscodeTemplate", "Type", "origin"), 400, "MissingParameter", "Name")
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
			t.Errorf("not in the order of the dates: %s", r.body)
		}
		for _, bad := range []string{"Type", "VideoCodec", "Category", "SortBy", "PageNo", "PageSize"} {
			wantCode(t, do(t, srv, "ListLiveTranscodeTemplates", bad, "odd"), 400, "InvalidParameter", bad)
		}
	})
}
