package livetranscodetest_test

import (
	"testing"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const normalConfig = `{"VideoParams":{"Codec":"H.264","Width":"1280","Fps":"25","Bitrate":"1000"},"AudioParams":{"Codec":"AAC","Bitrate":"128"}}`

func video(params string) string { return `{"VideoParams":{` + params + `}}` }
func audio(params string) string { return `{"AudioParams":{` + params + `}}` }

var templateTests = []struct {
	templateType, config, missing, invalid string
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
	{"unlisted", "", "", "Type"},
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

func TestTemplateRules(t *testing.T) {
	t.Parallel()
	for _, tt := range templateTests {
		t.Run(tt.templateType+" "+tt.config, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer()
			r := do(t, srv, "CreateLiveTranscodeTemplate", "Name", "n", "Type", tt.templateType, "TemplateConfig", tt.config)
			switch {
			case tt.missing != "":
				code := "MissingParameter"
				if tt.missing == "Type" {
					code = "MissingType"
				}
				wantCode(t, r, 400, code, tt.missing)
			case tt.invalid != "":
				wantCode(t, r, 400, "InvalidParameter", tt.invalid)
			default:
				wantCode(t, r, 200, "", "")
			}
		})
	}
	srv := livetranscodetest.NewServer()
	wantCode(t, do(t, srv, "CreateLiveTranscodeTemplate", "Type", "origin"), 400, "MissingName", "Name")
}
