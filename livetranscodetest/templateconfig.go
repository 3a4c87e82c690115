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

// paramRule is what a parameter of a template may be: one of several texts, or a number in a range.
type paramRule struct {
	oneOf    []string
	min, max float64
	fraction bool // the number need not be an integer
}

var videoRules = map[string]paramRule{
	"Codec":   {oneOf: videoCodecs},
	"Width":   {min: 128, max: 2560},
	"Height":  {min: 128, max: 2560},
	"Fps":     {min: 1, max: 60, fraction: true}, // 29.97 is a common rate; not documented
	"Bitrate": {min: 1, max: 6000},
	"Gop":     {min: 1, max: 3000},
	"Profile": {oneOf: []string{"1", "2", "3"}},
}

var audioRules = map[string]paramRule{
	"Codec":      {oneOf: []string{"AAC", "MP3"}},
	"Profile":    {oneOf: []string{"aac_low", "aac_he", "aac_he_v2", "aac_ld"}},
	"Bitrate":    {min: 1, max: 1000},
	"Samplerate": {min: 22050, max: 96000},
	"Channels":   {oneOf: []string{"1", "2"}},
}

// templateConfig returns the value of the parameter TemplateConfig; the zero value if it is missing.
func (p *params) templateConfig() templateConfig {
	text := p.values.Get("TemplateConfig")
	if text == "" {
		return templateConfig{}
	}
	var groups map[string]map[string]string // a map for the reason given at object
	if err := json.Unmarshal([]byte(text), &groups); err != nil {
		p.invalid("TemplateConfig", "it must be a JSON object of objects of strings")
	}
	for group, params := range groups {
		known, ok := map[string]map[string]paramRule{"VideoParams": videoRules, "AudioParams": audioRules}[group]
		if !ok {
			p.invalid("TemplateConfig", "it has an unknown field %q", group)
		}
		p.onlyFields("TemplateConfig."+group, params, slices.Collect(maps.Keys(known)))
		maps.DeleteFunc(params, func(_, value string) bool { return value == "" })
		p.checkParams("TemplateConfig."+group, params, known)
	}
	return templateConfig{groups["VideoParams"], groups["AudioParams"]}
}

func (p *params) checkParams(group string, params map[string]string, known map[string]paramRule) {
	for name, value := range params {
		rule := known[name]
		if rule.oneOf != nil {
			p.oneOf(group+"."+name, value, rule.oneOf)
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		inRange := err == nil && n >= rule.min && n <= rule.max // false for NaN
		if !inRange || (!rule.fraction && strings.Trim(value, "0123456789") != "") {
			p.invalid(group+"."+name, "it must be a number from %g to %g", rule.min, rule.max)
		}
	}
}

// checkConfig checks the rules between parameters, and between them and the type of the template.
func (p *params) checkConfig(templateType string, c templateConfig) {
	video, audio := c.VideoParams, c.AudioParams
	if templateType == string(livetranscode.TemplateTypeNormal) {
		if video["Width"] == "" && video["Height"] == "" {
			p.missing("TemplateConfig.VideoParams.Width or Height")
		}
		p.requireValue("TemplateConfig.VideoParams.Fps", video["Fps"])
		p.requireValue("TemplateConfig.VideoParams.Bitrate", video["Bitrate"])
	}

	maxLong, maxShort := 2560, 1440
	if templateType == string(livetranscode.TemplateTypeNarrowBand) && video["Codec"] == "H.265" {
		maxLong, maxShort = 1280, 720
	}
	// A missing side counts as 0, the shorter one: the service derives it from the other side and the stream.
	width, _ := strconv.Atoi(video["Width"])
	height, _ := strconv.Atoi(video["Height"])
	if max(width, height) > maxLong || min(width, height) > maxShort {
		p.invalid("TemplateConfig.VideoParams", "the video is larger than %dx%d", maxLong, maxShort)
	}

	if audio["Profile"] != "" && audio["Codec"] == "MP3" {
		p.invalid("TemplateConfig.AudioParams.Profile", "it requires AAC")
	}
	if rate, _ := strconv.Atoi(audio["Samplerate"]); rate > 44100 && audio["Profile"] == "aac_ld" {
		p.invalid("TemplateConfig.AudioParams.Samplerate", "with aac_ld it must be at most 44100")
	}
}
