package livetranscode

import (
	"log/slog"
)

// GetLiveTranscodeJobResponse is the response to [Client.GetLiveTranscodeJob].
type GetLiveTranscodeJobResponse struct {
	// RequestID identifies the call at the service; quote it in a support ticket.
	RequestID string `json:"RequestId"`
	// Job is the job. It is never nil.
	Job *Job
}

func (r *GetLiveTranscodeJobResponse) requestID() *string { return &r.RequestID }

func (r *GetLiveTranscodeJobResponse) missing() string {
	if r.Job == nil {
		return "Job"
	}
	return ""
}

// LogValue implements [slog.LogValuer]. It redacts what [Job.LogValue] redacts.
func (r GetLiveTranscodeJobResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.String("request_id", r.RequestID), logJob("job", r.Job))
}

// logJob returns the log attribute of a job, which may be nil.
func logJob(key string, job *Job) slog.Attr {
	if job == nil {
		return slog.Any(key, nil)
	}
	return slog.Any(key, *job)
}

// ListLiveTranscodeJobsRequest selects jobs. A nil or zero field does not filter.
type ListLiveTranscodeJobsRequest struct {
	// Type selects jobs by the type of their template.
	Type TemplateType `url:"Type,omitempty"`
	// StartMode selects jobs by their start mode: new(livetranscode.StartModeTimed).
	StartMode *StartMode `url:"StartMode,omitempty"`
	// Status selects jobs by their state: new(livetranscode.JobStatusNotStarted).
	Status *JobStatus `url:"Status,omitempty"`
	// PageNo is the page number, counted from 1. Defaults to 1.
	PageNo int `url:"PageNo,omitempty"`
	// PageSize is the number of jobs on a page, from 1 through 100. Defaults to 10, which is the service's default.
	PageSize int `url:"PageSize,omitempty"`
	// SortBy orders the jobs by creation time. Defaults to newest first.
	SortBy SortOrder `url:"SortBy,omitempty"`
	// Keyword selects jobs by ID or by part of the name.
	Keyword string `url:"KeyWord,omitempty"`
}

func (r *ListLiveTranscodeJobsRequest) validate() (field, reason string) {
	switch {
	case r.StartMode != nil && *r.StartMode < 0:
		return "StartMode", "is negative"
	case r.Status != nil && *r.Status < 0:
		return "Status", "is negative"
	}
	return validatePage(r.PageNo, r.PageSize)
}

// ListLiveTranscodeJobsResponse is one page of jobs.
type ListLiveTranscodeJobsResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
	// TotalCount is the number of matching jobs on all pages.
	TotalCount int
	// Jobs are the jobs of this page. No element is nil.
	Jobs []*Job `json:"JobList"`
}

// LogValue implements [slog.LogValuer]. It reports only the number of jobs, because their URLs contain stream keys.
func (r ListLiveTranscodeJobsResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.String("request_id", r.RequestID), slog.Int("total", r.TotalCount), slog.Int("jobs", len(r.Jobs)))
}

// SubmitLiveTranscodeJobRequest describes a new job.
type SubmitLiveTranscodeJobRequest struct {
	// Name is required. A unique name makes the job easy to find after a lost response.
	Name string
	// TemplateID is required.
	TemplateID string `url:"TemplateId"`
	// StartMode says when the job starts. Defaults to [StartModeImmediate].
	StartMode StartMode
	// StreamInput is the stream to transcode. Its InputURL is required; its Type defaults to rtmp. The stream must be
	// playable when the job starts.
	StreamInput StreamInput
	// TranscodeOutput is the destination of the job's output.
	TranscodeOutput TranscodeOutput
	// TimedConfig is required for [StartModeTimed] and invalid for [StartModeImmediate].
	TimedConfig *TimedConfig `url:"TimedConfig,omitempty"`
}

// LogValue implements [slog.LogValuer]. It redacts what [StreamInput.LogValue] redacts.
func (r SubmitLiveTranscodeJobRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", r.Name), slog.String("template_id", r.TemplateID),
		slog.String("start_mode", r.StartMode.String()), slog.Any("input", r.StreamInput),
		slog.Any("output", r.TranscodeOutput), slog.Any("schedule", r.TimedConfig))
}

func (r *SubmitLiveTranscodeJobRequest) validate() (field, reason string) {
	switch {
	case r == nil:
		return "req", "is nil"
	case r.Name == "":
		return "Name", "is empty"
	case r.TemplateID == "":
		return "TemplateID", "is empty"
	case r.StartMode == StartModeUnknown:
		return "StartMode", "is StartModeUnknown"
	case r.StartMode < 0:
		return "StartMode", "is negative"
	case r.StreamInput.InputURL == "":
		return "StreamInput.InputURL", "is empty"
	case r.StartMode == StartModeImmediate && r.TimedConfig != nil:
		return "TimedConfig", "is set, but StartModeImmediate would start, and bill, the job now"
	case r.StartMode == StartModeTimed && r.TimedConfig == nil:
		return "TimedConfig", "is nil, and StartModeTimed needs it"
	case r.StartMode == StartModeTimed && r.TimedConfig.StartTime.IsZero():
		return "TimedConfig.StartTime", "is zero, and StartModeTimed needs it"
	}
	return r.TimedConfig.validate()
}

func (c *TimedConfig) validate() (field, reason string) {
	if c == nil {
		return "", ""
	}
	start, end := wireTime(c.StartTime), wireTime(c.EndTime)
	switch {
	case !isYear(start.Year()):
		return "TimedConfig.StartTime", "has a year outside 0-9999"
	case !isYear(end.Year()):
		return "TimedConfig.EndTime", "has a year outside 0-9999"
	case !start.IsZero() && !end.IsZero() && end.Before(start):
		return "TimedConfig.EndTime", "is before StartTime"
	}
	return "", ""
}

// isYear reports whether RFC 3339 can represent the year.
func isYear(year int) bool { return year >= 0 && year <= 9999 }

// SubmitLiveTranscodeJobResponse is the response to [Client.SubmitLiveTranscodeJob].
type SubmitLiveTranscodeJobResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId,case:ignore"`
	// JobID identifies the new job. It is never empty.
	JobID string `json:"JobId,case:ignore"`
}

func (r *SubmitLiveTranscodeJobResponse) requestID() *string { return &r.RequestID }

func (r *SubmitLiveTranscodeJobResponse) missing() string {
	if r.JobID == "" {
		return "JobId"
	}
	return ""
}

// UpdateLiveTranscodeJobRequest describes a change to a job. Empty and nil fields leave
// the job unchanged.
type UpdateLiveTranscodeJobRequest struct {
	// JobID is required.
	JobID string `url:"JobId"`
	// Name can be changed in any state.
	Name string `url:"Name,omitempty"`
	// StreamInput can be changed for a timed job that has not started.
	StreamInput *StreamInput `url:"StreamInput,omitempty"`
	// TranscodeOutput can be changed for a timed job that has not started. Its DomainName is required.
	TranscodeOutput *TranscodeOutput `url:"TranscodeOutput,omitempty"`
	// TimedConfig can be changed for a timed job that has not started.
	TimedConfig *TimedConfig `url:"TimedConfig,omitempty"`
}

// LogValue implements [slog.LogValuer]. It redacts what [StreamInput.LogValue] redacts.
func (r UpdateLiveTranscodeJobRequest) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("id", r.JobID), slog.String("name", r.Name)}
	if r.StreamInput != nil {
		attrs = append(attrs, slog.Any("input", *r.StreamInput))
	}
	return slog.GroupValue(append(attrs, slog.Any("output", r.TranscodeOutput), slog.Any("schedule", r.TimedConfig))...)
}

func (r *UpdateLiveTranscodeJobRequest) validate() (field, reason string) {
	switch {
	case r == nil:
		return "req", "is nil"
	case r.JobID == "":
		return "JobID", "is empty"
	case r.StreamInput != nil && r.StreamInput.InputURL == "":
		return "StreamInput.InputURL", "is empty"
	case r.TranscodeOutput != nil && r.TranscodeOutput.DomainName == "":
		return "TranscodeOutput.DomainName", "is empty"
	}
	return r.TimedConfig.validate()
}

// UpdateLiveTranscodeJobResponse is the response to [Client.UpdateLiveTranscodeJob].
type UpdateLiveTranscodeJobResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

// SendLiveTranscodeJobCommandResponse is the response to [Client.SendLiveTranscodeJobCommand].
type SendLiveTranscodeJobCommandResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

// DeleteLiveTranscodeJobResponse is the response to [Client.DeleteLiveTranscodeJob].
type DeleteLiveTranscodeJobResponse struct {
	// RequestID identifies the call at the service.
	RequestID string `json:"RequestId"`
}

// commandParams are the parameters of SendLiveTranscodeJobCommand.
type commandParams struct {
	JobID   string `url:"JobId"`
	Command JobCommand
}

func (p *commandParams) validate() (field, reason string) {
	switch {
	case p.JobID == "":
		return "JobID", "is empty"
	case p.Command == "":
		return "Command", "is empty"
	}
	return "", ""
}

func (r *SubmitLiveTranscodeJobResponse) newID() string { return r.JobID }
