package livetranscode

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// JobStatus is the state of a live transcoding job. int(s) is the value on the wire. A value that this
// package does not know passes through unchanged: it prints as JobStatus(7), and Known reports false.
type JobStatus int

// The states of a job. A job moves from JobStatusNotStarted over JobStatusInProgress to JobStatusStopped,
// and never back.
const (
	// JobStatusUnknown stands for a status that the answer did not carry: absent, or null.
	JobStatusUnknown JobStatus = -1
	// JobStatusNotStarted is a job that waits for its start.
	JobStatusNotStarted JobStatus = 0
	// JobStatusInProgress is a job that transcodes its input.
	JobStatusInProgress JobStatus = 1
	// JobStatusStopped is a job that has ended, by itself or on command. It is final.
	JobStatusStopped JobStatus = 2
)

// String returns the status in words, such as "in progress"; for a value without a name, "JobStatus(7)".
func (s JobStatus) String() string {
	switch s {
	case JobStatusUnknown:
		return "unknown"
	case JobStatusNotStarted:
		return "not started"
	case JobStatusInProgress:
		return "in progress"
	case JobStatusStopped:
		return "stopped"
	}
	return "JobStatus(" + strconv.Itoa(int(s)) + ")"
}

// Known reports whether s is one of the three documented states. JobStatusUnknown is not.
func (s JobStatus) Known() bool { return s >= JobStatusNotStarted && s <= JobStatusStopped }

// Final reports whether a job stays in state s: it is JobStatusStopped.
func (s JobStatus) Final() bool { return s == JobStatusStopped }

// UnmarshalJSON accepts a number, quoted or not. Anything else is JobStatusUnknown.
func (s *JobStatus) UnmarshalJSON(b []byte) error { return unmarshalEnum(b, s) }

// StartMode says when a job starts. int(m) is the value on the wire. A value that this package does not
// know passes through unchanged: it prints as StartMode(7), and Known reports false.
type StartMode int

// The documented start modes.
const (
	// StartModeUnknown stands for a start mode that the answer did not carry: absent, or null.
	StartModeUnknown StartMode = -1
	// StartModeImmediate starts the job as soon as it is submitted.
	StartModeImmediate StartMode = 0
	// StartModeTimed starts the job at the time of its schedule.
	StartModeTimed StartMode = 1
)

// String returns the start mode in words, such as "timed"; for a value without a name, "StartMode(7)".
func (m StartMode) String() string {
	switch m {
	case StartModeUnknown:
		return "unknown"
	case StartModeImmediate:
		return "immediate"
	case StartModeTimed:
		return "timed"
	}
	return "StartMode(" + strconv.Itoa(int(m)) + ")"
}

// Known reports whether m is a documented start mode. StartModeUnknown is not.
func (m StartMode) Known() bool { return m == StartModeImmediate || m == StartModeTimed }

// UnmarshalJSON accepts a number, quoted or not. Anything else is StartModeUnknown.
func (m *StartMode) UnmarshalJSON(b []byte) error { return unmarshalEnum(b, m) }

// EncodeValues implements query.Encoder of go-querystring: the value travels as its number.
func (s JobStatus) EncodeValues(key string, v *url.Values) error {
	v.Set(key, strconv.Itoa(int(s)))
	return nil
}

// EncodeValues implements query.Encoder of go-querystring: the value travels as its number.
func (m StartMode) EncodeValues(key string, v *url.Values) error {
	v.Set(key, strconv.Itoa(int(m)))
	return nil
}

// TemplateType is the kind of a transcoding template. Values other than the constants are possible.
type TemplateType string

// The documented kinds of template.
const (
	// TemplateTypeNormal transcodes with the parameters of the template.
	TemplateTypeNormal TemplateType = "normal"
	// TemplateTypeNarrowBand transcodes to a lower bit rate at the same quality (Narrowband HD).
	TemplateTypeNarrowBand TemplateType = "narrow-band"
	// TemplateTypeAudioOnly keeps the sound and drops the picture.
	TemplateTypeAudioOnly TemplateType = "audio-only"
	// TemplateTypeOrigin passes the stream on as it is.
	TemplateTypeOrigin TemplateType = "origin"
)

// Job is a live transcoding job as the service reports it. The service reports neither the schedule nor
// the output domain that the job was submitted with.
//
// Job encodes to JSON under the names that the service uses, and decodes from the service's answers.
type Job struct {
	// Name is the name that the job was submitted with. Names need not be unique.
	Name string
	// JobID identifies the job. It is opaque.
	JobID string `json:"JobId"`
	// TemplateType is the kind of the job's template.
	TemplateType TemplateType
	// TemplateID identifies the job's template.
	TemplateID string `json:"TemplateId"`
	// TemplateName is the name of the job's template.
	TemplateName string
	// StartMode says whether the job starts at once or by schedule; StartModeUnknown if the answer has none.
	StartMode StartMode
	// Status is the state of the job; JobStatusUnknown if the answer has none.
	Status JobStatus
	// StreamInput is the stream that is transcoded. Its URL may hold a stream key: treat it as a secret.
	StreamInput StreamInput
	// OutputStream is what the job produces.
	OutputStream OutputStream
	// CreateTime is when the job was created, in UTC. It is the zero time if the answer has none, or one
	// that is not a date.
	CreateTime time.Time `json:",omitzero"`
}

// UnmarshalJSON decodes a job as the service writes it: enums may be absent, null or quoted, and a
// value of an unexpected type, such as a CreateTime that is not a time, decodes like an absent one.
func (j *Job) UnmarshalJSON(b []byte) error { return unmarshal(b, j) }

// Format implements fmt.Formatter. The URLs of streams print as StreamInput.Format has them.
func (j Job) Format(f fmt.State, verb rune) {
	// Without this, a verb that does not fit a pointer makes package fmt print the job behind it past the methods
	// of its fields.
	type job Job
	fmt.Fprintf(f, fmt.FormatString(f, verb), job(j))
}

// LogValue implements slog.LogValuer. It hides where keys stand in the URLs of streams: user info, query and
// the last element of the path.
func (j Job) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", j.JobID),
		slog.String("name", j.Name),
		slog.String("status", j.Status.String()),
		slog.String("start_mode", j.StartMode.String()),
		slog.String("template_id", j.TemplateID),
		slog.String("template_name", j.TemplateName),
		slog.String("template_type", string(j.TemplateType)),
		slog.String("input", redact.StreamURL(j.StreamInput.InputURL)),
		slog.Any("outputs", j.OutputStream.texts()),
		slog.Time("created", j.CreateTime),
	)
}

// StreamInput is the stream that a job reads.
type StreamInput struct {
	// Type is the protocol of the stream. The only documented value is rtmp.
	Type string
	// InputURL is where the stream is read from.
	InputURL string `json:"InputUrl"`
}

// Format implements fmt.Formatter. It hides where keys stand in the URL: user info, query and the last element
// of the path. JSON keeps them.
func (s StreamInput) Format(f fmt.State, _ rune) { fmt.Fprint(f, streamText(s.Type, s.InputURL)) }

// LogValue implements slog.LogValuer. It hides what Format hides.
func (s StreamInput) LogValue() slog.Value { return slog.StringValue(streamText(s.Type, s.InputURL)) }

// OutputStream lists the streams that a job writes.
type OutputStream struct {
	// StreamInfos has an element for each stream.
	StreamInfos []StreamInfo
}

// LogValue implements slog.LogValuer. It hides where keys stand in the URLs, as Job.LogValue does.
func (s OutputStream) LogValue() slog.Value { return slog.AnyValue(s.texts()) }

func (s OutputStream) texts() []string {
	texts := make([]string, len(s.StreamInfos))
	for i, info := range s.StreamInfos {
		texts[i] = redact.StreamURL(info.OutputURL)
	}
	return texts
}

// StreamInfo is one stream that a job writes.
type StreamInfo struct {
	// Type is the protocol of the stream. The only documented value is rtmp.
	Type string
	// OutputURL is where the stream can be played.
	OutputURL string `json:"OutputUrl"`
}

// Format implements fmt.Formatter. It hides where keys stand in the URL: user info, query and the last element
// of the path. JSON keeps them.
func (s StreamInfo) Format(f fmt.State, _ rune) { fmt.Fprint(f, streamText(s.Type, s.OutputURL)) }

// LogValue implements slog.LogValuer. It hides what Format hides.
func (s StreamInfo) LogValue() slog.Value { return slog.StringValue(streamText(s.Type, s.OutputURL)) }

func streamText(kind, url string) string { return "{" + kind + " " + redact.StreamURL(url) + "}" }

// TranscodeOutput is where a job sends what it produces.
type TranscodeOutput struct {
	// Type is the kind of output. Empty is sent as LiveCenter, the only documented value.
	Type string
	// DomainName is the streaming domain in ApsaraVideo Live. UpdateLiveTranscodeJob requires it;
	// SubmitLiveTranscodeJob, as documented, does not.
	DomainName string `json:",omitempty"`
}

// TimedConfig is the schedule of a timed job. Times are sent in UTC and whole seconds; a zero time is not
// sent. The service accepts times within seven days from now.
type TimedConfig struct {
	// StartTime is when the job starts. If its input is not live then, the job fails to start.
	StartTime time.Time `json:",omitzero"`
	// EndTime is when the job stops. Whether it may be left out is not documented.
	EndTime time.Time `json:",omitzero"`
}

// EncodeValues implements query.Encoder of go-querystring: the value travels as JSON text.
func (s StreamInput) EncodeValues(key string, v *url.Values) error {
	s.Type = cmp.Or(s.Type, "rtmp")
	return setJSON(key, v, s)
}

// EncodeValues implements query.Encoder of go-querystring: the value travels as JSON text.
func (o TranscodeOutput) EncodeValues(key string, v *url.Values) error {
	o.Type = cmp.Or(o.Type, "LiveCenter")
	return setJSON(key, v, o)
}

// EncodeValues implements query.Encoder of go-querystring: the value travels as JSON text.
func (c TimedConfig) EncodeValues(key string, v *url.Values) error {
	c.StartTime, c.EndTime = wireTime(c.StartTime), wireTime(c.EndTime)
	return setJSON(key, v, c)
}

// wireTime returns t as it travels: UTC and whole seconds.
func wireTime(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// setJSON sets one query value to the JSON text of an object.
func setJSON(key string, v *url.Values, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	v.Set(key, string(text))
	return nil
}

// JobCommand is what a job can be told to do.
type JobCommand string

// JobCommandStop stops a job. A stopped job cannot be started again.
const JobCommandStop JobCommand = "stop"

// SortOrder is an order by time of creation.
type SortOrder string

// The two orders.
const (
	SortAscending  SortOrder = "asc"  // oldest first
	SortDescending SortOrder = "desc" // newest first
)
