package livetranscode

import (
	"cmp"
	"math"
	"net/url"
	"time"
)

// Template is a set of transcoding parameters as the service reports it.
type Template struct {
	// Name is the name of the template.
	Name string
	// TemplateID identifies the template. It is opaque.
	TemplateID string `json:"TemplateId"`
	// Type is the type of the template.
	Type TemplateType
	// Category says whether the template is the service's or the account's own.
	Category TemplateCategory
	// CreateTime is when the template was created, in UTC. It is the zero time if the response has none or one that
	// is invalid.
	CreateTime time.Time `json:",omitzero"`
	// TemplateConfig holds the parameters; nil if the response has none.
	TemplateConfig *TemplateConfig `json:",omitzero"`
}

// TemplateCategory says whether a template is the service's or the account's own. Values other than the constants are
// possible.
type TemplateCategory string

// The documented categories.
const (
	TemplateCategorySystem     TemplateCategory = "system"
	TemplateCategoryCustomized TemplateCategory = "customized"
)

// TemplateConfig holds the parameters of a template. Nil fields are not sent.
type TemplateConfig struct {
	VideoParams *VideoParams `json:",omitzero"`
	AudioParams *AudioParams `json:",omitzero"`
}

// VideoParams are the parameters of the video. Zero fields are not sent. The ranges are those that the service
// documents; they are not checked before a call, because the service may widen them. On the wire all values are JSON
// strings, which this type encodes and decodes.
type VideoParams struct {
	// Codec is the codec of the video.
	Codec VideoCodec `json:",omitzero"`
	// Width is in pixels, from 128 through 2560, or through 1280 for H.265 in a narrow-band template.
	Width int `json:",string,omitzero"`
	// Height is in pixels, from 128 through 1440, or through 720 for H.265 in a narrow-band template.
	Height int `json:",string,omitzero"`
	// FPS is in frames per second, from 1 through 60.
	FPS float64 `json:"Fps,string,omitzero"`
	// Bitrate is in kbit/s, from 1 through 6000.
	Bitrate int `json:",string,omitzero"`
	// GOP is the key frame interval in frames, from 1 through 3000.
	GOP int `json:"Gop,string,omitzero"`
	// Profile is the profile of the codec.
	Profile VideoProfile `json:",omitzero"`
}

// VideoCodec is a video codec. Values other than the constants are possible.
type VideoCodec string

// The documented video codecs.
const (
	VideoCodecH264 VideoCodec = "H.264"
	VideoCodecH265 VideoCodec = "H.265"
)

// VideoProfile is an H.264 profile. Values other than the constants are possible.
type VideoProfile string

// The documented video profiles.
const (
	VideoProfileBaseline VideoProfile = "1" // for mobile devices
	VideoProfileMain     VideoProfile = "2" // for standard definition
	VideoProfileHigh     VideoProfile = "3" // for high definition
)

// AudioParams are the parameters of the audio. Zero fields are not sent. The ranges are those that the service
// documents; they are not checked before a call, because the service may widen them. On the wire all values are JSON
// strings, which this type encodes and decodes.
type AudioParams struct {
	// Codec is the codec of the audio.
	Codec AudioCodec `json:",omitzero"`
	// Profile is the AAC profile.
	Profile AudioProfile `json:",omitzero"`
	// Bitrate is in kbit/s, from 1 through 1000.
	Bitrate int `json:",string,omitzero"`
	// SampleRate is in Hz, from 22050 through 96000, or through 44100 for AudioProfileAACLD.
	SampleRate int `json:"Samplerate,string,omitzero"`
	// Channels is the number of channels: 1 or 2.
	Channels int `json:",string,omitzero"`
}

// AudioCodec is an audio codec. Values other than the constants are possible.
type AudioCodec string

// The documented audio codecs.
const (
	AudioCodecAAC AudioCodec = "AAC"
	AudioCodecMP3 AudioCodec = "MP3"
)

// AudioProfile is an AAC profile. Values other than the constants are possible.
type AudioProfile string

// The documented audio profiles.
const (
	AudioProfileAACLow  AudioProfile = "aac_low"
	AudioProfileAACHE   AudioProfile = "aac_he"
	AudioProfileAACHEV2 AudioProfile = "aac_he_v2"
	AudioProfileAACLD   AudioProfile = "aac_ld"
)

// UnmarshalJSON accepts numbers, quoted or not. A malformed number is 0.
func (p *VideoParams) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// UnmarshalJSON accepts numbers, quoted or not. A malformed number is 0.
func (p *AudioParams) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// EncodeValues implements query.Encoder of go-querystring: the value is sent as JSON.
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
	// TemplateConfig holds the parameters. Templates of [TemplateTypeNormal] require VideoParams with FPS, Bitrate,
	// and Width or Height.
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

// CreateLiveTranscodeTemplateResponse is the response to [Client.CreateLiveTranscodeTemplate].
type CreateLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId,case:ignore"`
	// TemplateID identifies the new template. It is never empty.
	TemplateID string `json:"TemplateId,case:ignore"`
}

func (r *CreateLiveTranscodeTemplateResponse) requestID() *string { return &r.RequestID }

func (r *CreateLiveTranscodeTemplateResponse) missing() string {
	if r.TemplateID == "" {
		return "TemplateId"
	}
	return ""
}

// GetLiveTranscodeTemplateResponse is the response to [Client.GetLiveTranscodeTemplate].
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
	// Type selects templates by type.
	Type TemplateType `url:"Type,omitempty"`
	// VideoCodec selects templates by the codec of the video.
	VideoCodec VideoCodec `url:"VideoCodec,omitempty"`
	// Category selects the service's templates or the account's own.
	Category TemplateCategory `url:"Category,omitempty"`
	// PageNo is the page number, counted from 1. Defaults to 1.
	PageNo int `url:"PageNo,omitempty"`
	// PageSize is the number of templates on a page, from 1 through 100. Defaults to 10, which is the service's
	// default.
	PageSize int `url:"PageSize,omitempty"`
	// SortBy orders the templates by creation time. Defaults to newest first.
	SortBy SortOrder `url:"SortBy,omitempty"`
	// Keyword selects templates by ID or by part of the name.
	Keyword string `url:"KeyWord,omitempty"`
}

func (r *ListLiveTranscodeTemplatesRequest) validate() (field, reason string) {
	return validatePage(r.PageNo, r.PageSize)
}

// ListLiveTranscodeTemplatesResponse is one page of templates.
type ListLiveTranscodeTemplatesResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
	// TotalCount is the number of matching templates on all pages.
	TotalCount int
	// Templates are the templates of this page. No element is nil.
	Templates []*Template `json:"TemplateContentList"`
}

// UpdateLiveTranscodeTemplateRequest describes a change to a template.
type UpdateLiveTranscodeTemplateRequest struct {
	// TemplateID is required.
	TemplateID string `url:"TemplateId"`
	// Name is the new name; empty leaves the name unchanged.
	Name string `url:"Name,omitempty"`
	// TemplateConfig holds the new parameters; nil leaves them unchanged. The service does not document whether it
	// merges them with the old parameters or replaces all: send all.
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

// UpdateLiveTranscodeTemplateResponse is the response to [Client.UpdateLiveTranscodeTemplate].
type UpdateLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

// DeleteLiveTranscodeTemplateResponse is the response to [Client.DeleteLiveTranscodeTemplate].
type DeleteLiveTranscodeTemplateResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

func (r *CreateLiveTranscodeTemplateResponse) newID() string { return r.TemplateID }
