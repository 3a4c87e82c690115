package livetranscodetest

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

var templateTypes = []string{
	string(livetranscode.TemplateTypeNormal),
	string(livetranscode.TemplateTypeNarrowBand),
	string(livetranscode.TemplateTypeAudioOnly),
	string(livetranscode.TemplateTypeOrigin),
}

// template is a template in the form of the responses. Its config is replaced, never changed, so that responses can
// share it.
type template struct {
	Name           string
	TemplateID     string `json:"TemplateId"`
	Type           string
	Category       string
	CreateTime     string
	TemplateConfig templateConfig
}

// templateConfig has the parameters by name. All are strings in requests and responses.
type templateConfig struct {
	VideoParams map[string]string `json:",omitempty"`
	AudioParams map[string]string `json:",omitempty"`
}

// merge returns c with the parameters of change.
func (c templateConfig) merge(change templateConfig) templateConfig {
	merged := templateConfig{map[string]string{}, map[string]string{}}
	for _, from := range []templateConfig{c, change} {
		maps.Copy(merged.VideoParams, from.VideoParams)
		maps.Copy(merged.AudioParams, from.AudioParams)
	}
	return merged
}

// templateStore holds the templates in the order of creation.
type templateStore struct{ all []*template }

func (s *templateStore) byID(id string) *template {
	i := slices.IndexFunc(s.all, func(t *template) bool { return t.TemplateID == id })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// findTemplate returns the template of the parameter TemplateId. The error for an unknown one is not documented.
func (s *Server) findTemplate(p *params) *template {
	t := s.templates.byID(p.required("TemplateId"))
	if t == nil && p.err == nil {
		p.err = notFoundError("Template")
	}
	return t
}

func (s *Server) createTemplate(p *params) (result, *apiError) {
	t := &template{
		Name:           p.required("Name"),
		TemplateID:     newID(),
		Type:           p.required("Type", templateTypes...),
		Category:       "customized",
		CreateTime:     p.now.Truncate(time.Second).Format(timeLayout),
		TemplateConfig: p.templateConfig(),
	}
	p.checkConfig(t.Type, t.TemplateConfig)
	if p.err != nil {
		return nil, p.err
	}
	s.templates.all = append(s.templates.all, t)
	return result{"TemplateId": t.TemplateID}, nil
}

func (s *Server) getTemplate(p *params) (result, *apiError) {
	t := s.findTemplate(p)
	if p.err != nil {
		return nil, p.err
	}
	return result{"TemplateContent": *t}, nil
}

func (s *Server) listTemplates(p *params) (result, *apiError) {
	pg := p.paging()
	templateType := p.optional("Type", templateTypes...)
	codec := p.optional("VideoCodec", videoCodecs...)
	category := p.optional("Category", "system", "customized")
	keyword := strings.ToLower(p.optional("KeyWord"))
	if p.err != nil {
		return nil, p.err
	}
	found := []template{} // never null
	for _, t := range s.templates.all {
		if (templateType == "" || templateType == t.Type) &&
			(codec == "" || codec == t.TemplateConfig.VideoParams["Codec"]) &&
			(category == "" || category == t.Category) &&
			matchesKeyword(keyword, t.TemplateID, t.Name) {
			found = append(found, *t)
		}
	}
	// Dates of this form sort as text. They are out of order only if the clock was changed, or by AddTemplate.
	slices.SortStableFunc(found, func(a, b template) int { return strings.Compare(a.CreateTime, b.CreateTime) })
	return result{"TotalCount": len(found), "TemplateContentList": page(found, pg)}, nil
}

// updateTemplate merges the new config into the old one. Whether the service does is not documented.
func (s *Server) updateTemplate(p *params) (result, *apiError) {
	t := s.findTemplate(p)
	if p.err != nil {
		return nil, p.err
	}
	name := p.optional("Name")
	config := t.TemplateConfig.merge(p.templateConfig())
	p.checkConfig(t.Type, config)
	if p.err != nil {
		return nil, p.err
	}
	if name != "" {
		t.Name = name
	}
	t.TemplateConfig = config
	return nil, nil
}

func (s *Server) deleteTemplate(p *params) (result, *apiError) {
	t := s.findTemplate(p)
	if p.err != nil {
		return nil, p.err
	}
	s.templates.all = slices.DeleteFunc(s.templates.all, func(other *template) bool { return other == t })
	return nil, nil
}

// AddTemplate adds a template without the checks of CreateLiveTranscodeTemplate and returns its id. Responses show
// every field as given. An empty TemplateID defaults to a new unique id, an empty Category to customized, and a zero
// CreateTime to the current second. A template of the same id is replaced. The server keeps a copy of t.
//
// A job that is submitted with the id has the template's name and type.
func (s *Server) AddTemplate(t livetranscode.Template) (templateID string) {
	added := &template{
		Name:           t.Name,
		TemplateID:     cmp.Or(t.TemplateID, newID()),
		Type:           string(t.Type),
		Category:       string(cmp.Or(t.Category, livetranscode.TemplateCategoryCustomized)),
		TemplateConfig: configOf(t.TemplateConfig),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.CreateTime.IsZero() {
		t.CreateTime = s.now()
	}
	added.CreateTime = t.CreateTime.UTC().Format(timeLayout)
	s.templates.all = slices.DeleteFunc(s.templates.all, func(old *template) bool { return old.TemplateID == added.TemplateID })
	s.templates.all = append(s.templates.all, added)
	return added.TemplateID
}

// configOf returns c in the form of the responses, which is that of its JSON.
func configOf(c *livetranscode.TemplateConfig) (config templateConfig) {
	text, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		panic("livetranscodetest: AddTemplate: " + err.Error()) // only for a number that JSON does not have
	}
	return config
}
