package livetranscodetest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/livetranscode/livetranscode-go"
)

var videoCodecs = []string{"H.264", "H.265"}

// leaf is what a leaf of a template's config may be: one of some texts, or a number in a range.
type leaf struct {
	oneOf    []string
	min, max float64
	fraction bool // the number need not be whole
}

var videoLeaves = map[string]leaf{
	"Codec":   {oneOf: videoCodecs},
	"Width":   {min: 128, max: 2560},
	"Height":  {min: 128, max: 2560},
	"Fps":     {min: 1, max: 60, fraction: true}, // 29.97 is a common rate; the service does not say
	"Bitrate": {min: 1, max: 6000},
	"Gop":     {min: 1, max: 3000},
	"Profile": {oneOf: []string{"1", "2", "3"}},
}

var audioLeaves = map[string]leaf{
	"Codec":      {oneOf: []string{"AAC", "MP3"}},
	"Profile":    {oneOf: []string{"aac_low", "aac_he", "aac_he_v2", "aac_ld"}},
	"Bitrate":    {min: 1, max: 1000},
	"Samplerate": {min: 22050, max: 96000},
	"Channels":   {oneOf: []string{"1", "2"}},
}

// templateConfig reads the parameter TemplateConfig; the zero value if it is not there.
func (p *params) templateConfig() templateConfig {
	text := p.values.Get("TemplateConfig")
	if text == "" {
		return templateConfig{}
	}
	var groups map[string]map[string]string // not a struct, for the reason given at object
	if err := json.Unmarshal([]byte(text), &groups); err != nil {
		p.invalid("TemplateConfig", "it must be a JSON object of objects of strings")
	}
	for group, leaves := range groups {
		known, ok := map[string]map[string]leaf{"VideoParams": videoLeaves, "AudioParams": audioLeaves}[group]
		if !ok {
			p.invalid("TemplateConfig", "it has an unknown member %q", group)
		}
		p.onlyMembers("TemplateConfig."+group, leaves, slices.Collect(maps.Keys(known)))
		maps.DeleteFunc(leaves, func(_, value string) bool { return value == "" })
		p.checkLeaves("TemplateConfig."+group, leaves, known)
	}
	return templateConfig{groups["VideoParams"], groups["AudioParams"]}
}

func (p *params) checkLeaves(group string, leaves map[string]string, known map[string]leaf) {
	for name, value := range leaves {
		l := known[name]
		if l.oneOf != nil {
			p.oneOf(group+"."+name, value, l.oneOf)
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		inRange := err == nil && n >= l.min && n <= l.max // false for NaN
		if !inRange || (!l.fraction && strings.Trim(value, "0123456789") != "") {
			p.invalid(group+"."+name, "it must be a number from %g to %g", l.min, l.max)
		}
	}
}

// checkConfig checks the rules that join leaves of a config to each other and to the template's type.
func (p *params) checkConfig(kind string, c templateConfig) {
	video, audio := c.VideoParams, c.AudioParams
	if kind == string(livetranscode.TemplateTypeNormal) {
		if video["Width"] == "" && video["Height"] == "" {
			p.missing("TemplateConfig.VideoParams.Width or Height")
		}
		p.need("TemplateConfig.VideoParams.Fps", video["Fps"])
		p.need("TemplateConfig.VideoParams.Bitrate", video["Bitrate"])
	}

	maxLong, maxShort := 2560, 1440
	if kind == string(livetranscode.TemplateTypeNarrowBand) && video["Codec"] == "H.265" {
		maxLong, maxShort = 1280, 720
	}
	// A side that is not given is 0, and so the shorter one: it follows from the other and the stream.
	width, _ := strconv.Atoi(video["Width"])
	height, _ := strconv.Atoi(video["Height"])
	if max(width, height) > maxLong || min(width, height) > maxShort {
		p.invalid("TemplateConfig.VideoParams", "the picture is larger than %dx%d", maxLong, maxShort)
	}

	if audio["Profile"] != "" && audio["Codec"] == "MP3" {
		p.invalid("TemplateConfig.AudioParams.Profile", "it goes with AAC only")
	}
	if rate, _ := strconv.Atoi(audio["Samplerate"]); rate > 44100 && audio["Profile"] == "aac_ld" {
		p.invalid("TemplateConfig.AudioParams.Samplerate", "with aac_ld it must be at most 44100")
	}
}
