package livetranscode

import (
	"cmp"
	"math"
	"net/url"
	"time"
)

// Template is a set of transcoding parameters as the service reports it.
type Template struct {
	// Name is the name that the template was created with.
	Name string
	// TemplateID identifies the template. It is opaque.
	TemplateID string `json:"TemplateId"`
	// Type is the kind of the template.
	Type TemplateType
	// Category says whose template it is.
	Category TemplateCategory
	// CreateTime is when the template was created, in UTC. It is the zero time if the answer has none, or one
	// that is not a date.
	CreateTime time.Time `json:",omitzero"`
	// TemplateConfig holds the parameters; nil if the answer has none.
	TemplateConfig *TemplateConfig `json:",omitzero"`
}

// TemplateCategory says whose template it is. Values other than the constants are possible.
type TemplateCategory string

// The documented categories.
const (
	TemplateCategorySystem     TemplateCategory = "system"
	TemplateCategoryCustomized TemplateCategory = "customized"
)

// TemplateConfig holds the parameters of a template. A nil part is not set.
type TemplateConfig struct {
	VideoParams *VideoParams `json:",omitzero"`
	AudioParams *AudioParams `json:",omitzero"`
}

// VideoParams are parameters of the picture. A zero field is not set. The service documents the ranges; it
// may widen them, so they are not checked before a call. It writes all values as JSON strings, which this
// type takes care of.
type VideoParams struct {
	// Codec is the codec of the picture.
	Codec VideoCodec `json:",omitzero"`
	// Width is in pixels: at least 128, at most 2560, and 1280 for H.265 in a narrow-band template.
	Width int `json:",string,omitzero"`
	// Height is in pixels: at least 128, at most 1440, and 720 for H.265 in a narrow-band template.
	Height int `json:",string,omitzero"`
	// FPS is in frames a second: 1 to 60.
	FPS float64 `json:"Fps,string,omitzero"`
	// Bitrate is in kbit/s: 1 to 6000.
	Bitrate int `json:",string,omitzero"`
	// GOP is the distance of key frames, in frames: 1 to 3000.
	GOP int `json:"Gop,string,omitzero"`
	// Profile is the profile of the codec.
	Profile VideoProfile `json:",omitzero"`
}

// VideoCodec is a codec of pictures. Values other than the constants are possible.
type VideoCodec string

// The documented video codecs.
const (
	VideoCodecH264 VideoCodec = "H.264"
	VideoCodecH265 VideoCodec = "H.265"
)

// VideoProfile is a profile of H.264. Values other than the constants are possible.
type VideoProfile string

// The documented video profiles.
const (
	VideoProfileBaseline VideoProfile = "1" // for mobile devices
	VideoProfileMain     VideoProfile = "2" // for standard definition
	VideoProfileHigh     VideoProfile = "3" // for high definition
)

// AudioParams are parameters of the sound. A zero field is not set. The service documents the ranges; it may
// widen them, so they are not checked before a call. It writes all values as JSON strings, which this type
// takes care of.
type AudioParams struct {
	// Codec is the codec of the sound.
	Codec AudioCodec `json:",omitzero"`
	// Profile is the profile of the codec, with AAC.
	Profile AudioProfile `json:",omitzero"`
	// Bitrate is in kbit/s: 1 to 1000.
	Bitrate int `json:",string,omitzero"`
	// SampleRate is in Hz: 22050 to 96000, and at most 44100 with AudioProfileAACLD.
	SampleRate int `json:"Samplerate,string,omitzero"`
	// Channels is the number of channels: 1 or 2.
	Channels int `json:",string,omitzero"`
}

// AudioCodec is a codec of sound. Values other than the constants are possible.
type AudioCodec string

// The documented audio codecs.
const (
	AudioCodecAAC AudioCodec = "AAC"
	AudioCodecMP3 AudioCodec = "MP3"
)

// AudioProfile is a profile of AAC. Values other than the constants are possible.
type AudioProfile string

// The documented audio profiles.
const (
	AudioProfileAACLow  AudioProfile = "aac_low"
	AudioProfileAACHE   AudioProfile = "aac_he"
	AudioProfileAACHEV2 AudioProfile = "aac_he_v2"
	AudioProfileAACLD   AudioProfile = "aac_ld"
)

// UnmarshalJSON reads the parameters whether their values are strings or numbers. A number that does not
// parse is 0.
func (p *VideoParams) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// UnmarshalJSON reads the parameters whether their values are strings or numbers. A number that does not
// parse is 0.
func (p *AudioParams) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// EncodeValues implements query.Encoder of go-querystring: the value travels as JSON text.
func (c TemplateConfig) EncodeValues(key string, v *url.Values) error { return setJSON(key, v, c) }

func (c *TemplateConfig) validate() (field, reason string) {
	if c == nil {
		return "", ""
	}
	video, audio := cmp.Or(c.VideoParams, new(VideoParams)), cmp.Or(c.AudioParams, new(AudioParams))
	for _, p := range []struct {
		field string
		value float64
	}{
		{"VideoParams.Width", float64(video.Width)},
		{"VideoParams.Height", float64(video.Height)},
		{"VideoParams.FPS", video.FPS},
		{"VideoParams.Bitrate", float64(video.Bitrate)},
		{"VideoParams.GOP", float64(video.GOP)},
		{"AudioParams.Bitrate", float64(audio.Bitrate)},
		{"AudioParams.SampleRate", float64(audio.SampleRate)},
		{"AudioParams.Channels", float64(audio.Channels)},
	} {
		switch {
		case p.value < 0:
			return "TemplateConfig." + p.field, "is negative"
		case math.IsNaN(p.value) || math.IsInf(p.value, 0):
			return "TemplateConfig." + p.field, "is not a number"
		}
	}
	return "", ""
}

// CreateLiveTranscodeTemplateRequest describes a new template.
type CreateLiveTranscodeTemplateRequest struct {
	// Name is required.
	Name string
	// Type is required.
	Type TemplateType
	// TemplateConfig holds the parameters. A template of TemplateTypeNormal needs in its VideoParams Width or
	// Height, FPS and Bitrate.
	TemplateConfig *TemplateConfig `url:"TemplateConfig,omitempty"`
}

func (r *CreateLiveTranscodeTemplateRequest) validate() (field, reason string) {
	switch {
	case r == nil:
		return "req", "is nil"
	case r.Name == "":
		return "Name", "is empty"
	case r.Type == "":
		return "Type", "is empty"
	}
	return r.TemplateConfig.validate()
}

// CreateLiveTranscodeTemplateResponse is the answer to CreateLiveTranscodeTemplate.
type CreateLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
	// TemplateID identifies the new template. It is never empty.
	TemplateID string `json:"TemplateId"`
}

func (r *CreateLiveTranscodeTemplateResponse) requestID() *string { return &r.RequestID }

func (r *CreateLiveTranscodeTemplateResponse) missing() string {
	if r.TemplateID == "" {
		return "TemplateId"
	}
	return ""
}

// GetLiveTranscodeTemplateResponse is the answer to GetLiveTranscodeTemplate.
type GetLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
	// Template is the template. It is never nil.
	Template *Template `json:"TemplateContent"`
}

func (r *GetLiveTranscodeTemplateResponse) requestID() *string { return &r.RequestID }

func (r *GetLiveTranscodeTemplateResponse) missing() string {
	if r.Template == nil {
		return "TemplateContent"
	}
	return ""
}

// ListLiveTranscodeTemplatesRequest selects templates. An empty field does not filter.
type ListLiveTranscodeTemplatesRequest struct {
	// Type selects templates by kind.
	Type TemplateType `url:"Type,omitempty"`
	// VideoCodec selects templates by the codec of the picture.
	VideoCodec VideoCodec `url:"VideoCodec,omitempty"`
	// Category selects the service's templates, or one's own.
	Category TemplateCategory `url:"Category,omitempty"`
	// PageNo is the page, counted from 1. 0 is the first.
	PageNo int `url:"PageNo,omitempty"`
	// PageSize is the number of templates in a page, 1 to 100. 0 is the service's default, 10.
	PageSize int `url:"PageSize,omitempty"`
	// SortBy orders by time of creation. Empty is newest first.
	SortBy SortOrder `url:"SortBy,omitempty"`
	// Keyword selects templates by id, or by a part of the name.
	Keyword string `url:"KeyWord,omitempty"`
}

func (r *ListLiveTranscodeTemplatesRequest) validate() (field, reason string) {
	return validatePage(r.PageNo, r.PageSize)
}

// ListLiveTranscodeTemplatesResponse is one page of templates.
type ListLiveTranscodeTemplatesResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
	// TotalCount is the number of templates that match, on all pages.
	TotalCount int
	// Templates are the templates of this page. No element is nil.
	Templates []*Template `json:"TemplateContentList"`
}

// UpdateLiveTranscodeTemplateRequest describes a change of a template.
type UpdateLiveTranscodeTemplateRequest struct {
	// TemplateID is required.
	TemplateID string `url:"TemplateId"`
	// Name is the new name; empty leaves it.
	Name string `url:"Name,omitempty"`
	// TemplateConfig holds the new parameters; nil leaves them. Whether the service merges them into the old
	// ones or replaces all is not documented: send all.
	TemplateConfig *TemplateConfig `url:"TemplateConfig,omitempty"`
}

func (r *UpdateLiveTranscodeTemplateRequest) validate() (field, reason string) {
	switch {
	case r == nil:
		return "req", "is nil"
	case r.TemplateID == "":
		return "TemplateID", "is empty"
	}
	return r.TemplateConfig.validate()
}

// UpdateLiveTranscodeTemplateResponse is the answer to UpdateLiveTranscodeTemplate.
type UpdateLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

// DeleteLiveTranscodeTemplateResponse is the answer to DeleteLiveTranscodeTemplate.
type DeleteLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

func (r *CreateLiveTranscodeTemplateResponse) newID() string { return r.TemplateID }
