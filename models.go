package livetranscode

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// JobStatus is the state of a live transcoding job. int(s) is the value on the wire. A value that is unknown to
// this package is preserved: it prints as JobStatus(7), and [JobStatus.Known] reports false.
type JobStatus int

// The states of a job. A job goes from JobStatusNotStarted through JobStatusInProgress to JobStatusStopped, and never
// back.
const (
	// JobStatusUnknown is a status that was absent from the response, or null.
	JobStatusUnknown JobStatus = -1
	// JobStatusNotStarted is a job that has not started yet.
	JobStatusNotStarted JobStatus = 0
	// JobStatusInProgress is a job that is transcoding its input.
	JobStatusInProgress JobStatus = 1
	// JobStatusStopped is a job that has ended, by itself or by a command. It is final.
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

// Final reports whether a job never leaves state s, which is true of JobStatusStopped only.
func (s JobStatus) Final() bool { return s == JobStatusStopped }

// UnmarshalJSON accepts a number, quoted or not. Anything else is JobStatusUnknown.
func (s *JobStatus) UnmarshalJSON(b []byte) error { return unmarshalEnum(b, s) }

// StartMode says when a job starts. int(m) is the value on the wire. A value that is unknown to this package is
// preserved: it prints as StartMode(7), and [StartMode.Known] reports false.
type StartMode int

// The documented start modes.
const (
	// StartModeUnknown is a start mode that was absent from the response, or null.
	StartModeUnknown StartMode = -1
	// StartModeImmediate starts the job immediately after it is submitted.
	StartModeImmediate StartMode = 0
	// StartModeTimed starts the job at its scheduled time.
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

// EncodeValues implements query.Encoder of go-querystring: the value is sent as a number.
func (s JobStatus) EncodeValues(key string, v *url.Values) error {
	v.Set(key, strconv.Itoa(int(s)))
	return nil
}

// EncodeValues implements query.Encoder of go-querystring: the value is sent as a number.
func (m StartMode) EncodeValues(key string, v *url.Values) error {
	v.Set(key, strconv.Itoa(int(m)))
	return nil
}

// TemplateType is the type of a transcoding template. Values other than the constants are possible.
type TemplateType string

// The documented template types.
const (
	// TemplateTypeNormal transcodes with the parameters of the template.
	TemplateTypeNormal TemplateType = "normal"
	// TemplateTypeNarrowBand transcodes to a lower bit rate at the same quality (Narrowband HD).
	TemplateTypeNarrowBand TemplateType = "narrow-band"
	// TemplateTypeAudioOnly keeps the audio and drops the video.
	TemplateTypeAudioOnly TemplateType = "audio-only"
	// TemplateTypeOrigin passes the stream through unchanged.
	TemplateTypeOrigin TemplateType = "origin"
)

// Job is a live transcoding job as the service reports it. The service reports neither the schedule nor
// the output domain that the job was submitted with.
//
// Job encodes to JSON under the names that the service uses, and decodes from the service's responses.
type Job struct {
	// Name is the name that the job was submitted with. Names need not be unique.
	Name string
	// JobID identifies the job. It is opaque.
	JobID string `json:"JobId"`
	// TemplateType is the type of the job's template.
	TemplateType TemplateType
	// TemplateID identifies the job's template.
	TemplateID string `json:"TemplateId"`
	// TemplateName is the name of the job's template.
	TemplateName string
	// StartMode says whether the job starts immediately or as scheduled; StartModeUnknown if the response has none.
	StartMode StartMode
	// Status is the state of the job; JobStatusUnknown if the response has none.
	Status JobStatus
	// StreamInput is the stream that is transcoded. Its URL may contain a stream key: treat it as a secret.
	StreamInput StreamInput
	// OutputStream is the output of the job.
	OutputStream OutputStream
	// CreateTime is when the job was created, in UTC. It is the zero time if the response has none or one that is
	// invalid.
	CreateTime time.Time `json:",omitzero"`
}

// UnmarshalJSON decodes a job as the service writes it: enums may be absent, null or quoted, and a value of an
// unexpected type, such as a CreateTime that is not a time, decodes as if it were absent.
func (j *Job) UnmarshalJSON(b []byte) error { return unmarshal(b, j) }

// Format implements [fmt.Formatter]. It redacts the URLs of streams as [StreamInput.Format] does, and replaces control
// and invisible characters in texts, such as the name, with spaces.
//
// A Job in an unexported field of another struct cannot be redacted, as package fmt calls no methods there. A *Job in
// such a field prints as an address with %v, but unredacted with an invalid verb such as %s.
func (j Job) Format(f fmt.State, verb rune) {
	// Without this method, a verb that is invalid for a pointer makes package fmt print the job behind it without
	// calling the methods of its fields.
	type job Job
	fmt.Fprintf(f, fmt.FormatString(f, verb), job(j.printable()))
}

// printable returns a copy of j whose texts are safe to print.
func (j Job) printable() Job {
	for _, text := range []*string{&j.Name, &j.JobID, &j.TemplateID, &j.TemplateName, (*string)(&j.TemplateType)} {
		*text = redact.OneLine(*text)
	}
	return j
}

// clone returns a copy that shares nothing with j.
func (j Job) clone() *Job {
	j.OutputStream.StreamInfos = slices.Clone(j.OutputStream.StreamInfos)
	return &j
}

// LogValue implements [slog.LogValuer]. It redacts what [Job.Format] redacts.
func (j Job) LogValue() slog.Value {
	j = j.printable()
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

// Format implements [fmt.Formatter]. It redacts the parts of the URL that can contain a stream key: user info, query
// and the last element of the path, and more of an unusual URL. JSON keeps them.
func (s StreamInput) Format(f fmt.State, _ rune) { fmt.Fprint(f, streamText(s.Type, s.InputURL)) }

// LogValue implements [slog.LogValuer]. It redacts what Format redacts.
func (s StreamInput) LogValue() slog.Value { return slog.StringValue(streamText(s.Type, s.InputURL)) }

// OutputStream lists the streams that a job writes.
type OutputStream struct {
	// StreamInfos has one element per stream.
	StreamInfos []StreamInfo
}

// LogValue implements [slog.LogValuer]. It redacts what [Job.LogValue] redacts.
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

// Format implements [fmt.Formatter]. It redacts the parts of the URL that can contain a stream key: user info, query
// and the last element of the path, and more of an unusual URL. JSON keeps them.
func (s StreamInfo) Format(f fmt.State, _ rune) { fmt.Fprint(f, streamText(s.Type, s.OutputURL)) }

// LogValue implements [slog.LogValuer]. It redacts what Format redacts.
func (s StreamInfo) LogValue() slog.Value { return slog.StringValue(streamText(s.Type, s.OutputURL)) }

func streamText(kind, url string) string {
	return "{" + redact.OneLine(kind) + " " + redact.StreamURL(url) + "}"
}

// TranscodeOutput is the destination of a job's output.
type TranscodeOutput struct {
	// Type is the type of the destination. Defaults to LiveCenter, the only documented value.
	Type string
	// DomainName is the streaming domain in ApsaraVideo Live. [Client.UpdateLiveTranscodeJob] requires it;
	// [Client.SubmitLiveTranscodeJob], as documented, does not.
	DomainName string `json:",omitempty"`
}

// TimedConfig is the schedule of a timed job. Times are sent in UTC, truncated to whole seconds; a zero time is
// not sent. The service accepts times at most seven days ahead.
type TimedConfig struct {
	// StartTime is when the job starts. If its input is not live then, the job fails to start.
	StartTime time.Time `json:",omitzero"`
	// EndTime is when the job stops. The service does not document whether it may be omitted.
	EndTime time.Time `json:",omitzero"`
}

// EncodeValues implements query.Encoder of go-querystring: the value is sent as JSON.
func (s StreamInput) EncodeValues(key string, v *url.Values) error {
	s.Type = cmp.Or(s.Type, "rtmp")
	return setJSON(key, v, s)
}

// EncodeValues implements query.Encoder of go-querystring: the value is sent as JSON.
func (o TranscodeOutput) EncodeValues(key string, v *url.Values) error {
	o.Type = cmp.Or(o.Type, "LiveCenter")
	return setJSON(key, v, o)
}

// EncodeValues implements query.Encoder of go-querystring: the value is sent as JSON.
func (c TimedConfig) EncodeValues(key string, v *url.Values) error {
	c.StartTime, c.EndTime = wireTime(c.StartTime), wireTime(c.EndTime)
	return setJSON(key, v, c)
}

// wireTime returns t as it is sent, in UTC and whole seconds.
func wireTime(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// setJSON sets a query value to the JSON encoding of object.
func setJSON(key string, v *url.Values, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	v.Set(key, string(text))
	return nil
}

// JobCommand is a command for a job; see [Client.SendLiveTranscodeJobCommand].
type JobCommand string

// JobCommandStop stops a job. A stopped job cannot be started again.
const JobCommandStop JobCommand = "stop"

// SortOrder is an order by creation time.
type SortOrder string

// The sort orders.
const (
	SortAscending  SortOrder = "asc"  // oldest first
	SortDescending SortOrder = "desc" // newest first
)
