package livetranscodetest

import (
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

// template is a template, in the form of the answers. Its config is replaced, never changed, so that an answer
// may hold it.
type template struct {
	Name           string
	TemplateID     string `json:"TemplateId"`
	Type           string
	Category       string
	CreateTime     string
	TemplateConfig templateConfig
}

// templateConfig has the leaves by name; on the wire they all are strings.
type templateConfig struct {
	VideoParams map[string]string `json:",omitempty"`
	AudioParams map[string]string `json:",omitempty"`
}

// merge returns c with the leaves of change set.
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

// findTemplate returns the template that the parameter TemplateId names.
func (s *Server) findTemplate(p *params) *template {
	t := s.templates.byID(p.required("TemplateId"))
	if t == nil && p.refused == nil {
		p.refused = notFound("TemplateId")
	}
	return t
}

func (s *Server) createTemplate(p *params) (result, *refusal) {
	t := &template{
		Name:           p.required("Name"),
		TemplateID:     newID(),
		Type:           p.required("Type", templateTypes...),
		Category:       "customized",
		CreateTime:     p.now.Truncate(time.Second).Format(timeLayout),
		TemplateConfig: p.templateConfig(),
	}
	p.checkConfig(t.Type, t.TemplateConfig)
	if p.refused != nil {
		return nil, p.refused
	}
	s.templates.all = append(s.templates.all, t)
	return result{"TemplateId": t.TemplateID}, nil
}

func (s *Server) getTemplate(p *params) (result, *refusal) {
	t := s.findTemplate(p)
	if p.refused != nil {
		return nil, p.refused
	}
	return result{"TemplateContent": *t}, nil
}

func (s *Server) listTemplates(p *params) (result, *refusal) {
	pg := p.paging()
	kind := p.optional("Type", templateTypes...)
	codec := p.optional("VideoCodec", videoCodecs...)
	category := p.optional("Category", "system", "customized")
	keyWord := strings.ToLower(p.optional("KeyWord"))
	if p.refused != nil {
		return nil, p.refused
	}
	found := []template{} // never null
	for _, t := range s.templates.all {
		if (kind == "" || kind == t.Type) &&
			(codec == "" || codec == t.TemplateConfig.VideoParams["Codec"]) &&
			(category == "" || category == t.Category) &&
			matchesKeyWord(keyWord, t.TemplateID, t.Name) {
			found = append(found, *t)
		}
	}
	// The form of the dates sorts as text. They are out of order only after a change of the clock.
	slices.SortStableFunc(found, func(a, b template) int { return strings.Compare(a.CreateTime, b.CreateTime) })
	return result{"TotalCount": len(found), "TemplateContentList": page(found, pg)}, nil
}

// updateTemplate merges: whether the service does is not documented.
func (s *Server) updateTemplate(p *params) (result, *refusal) {
	t := s.findTemplate(p)
	if p.refused != nil {
		return nil, p.refused
	}
	name := p.optional("Name")
	config := t.TemplateConfig.merge(p.templateConfig())
	p.checkConfig(t.Type, config)
	if p.refused != nil {
		return nil, p.refused
	}
	if name != "" {
		t.Name = name
	}
	t.TemplateConfig = config
	return nil, nil
}

func (s *Server) deleteTemplate(p *params) (result, *refusal) {
	t := s.findTemplate(p)
	if p.refused != nil {
		return nil, p.refused
	}
	s.templates.all = slices.DeleteFunc(s.templates.all, func(other *template) bool { return other == t })
	return nil, nil
}
