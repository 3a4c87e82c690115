package livetranscodetest

import (
	"net/http"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// wireJob is a job in a response.
type wireJob struct {
	Name         string
	JobID        string `json:"JobId"`
	TemplateType livetranscode.TemplateType
	TemplateID   string `json:"TemplateId"`
	TemplateName string
	StartMode    *int `json:",omitempty"`
	Status       *int `json:",omitempty"`
	StreamInput  struct {
		Type     string
		InputURL string `json:"InputUrl"`
	}
	OutputStream struct {
		StreamInfos []wireStreamInfo `json:",omitzero"`
	}
	CreateTime string
}

type wireStreamInfo struct {
	Type      string
	OutputURL string `json:"OutputUrl"`
}

func toWire(j livetranscode.Job) wireJob {
	w := wireJob{
		Name: j.Name, JobID: j.JobID,
		TemplateType: j.TemplateType, TemplateID: j.TemplateID, TemplateName: j.TemplateName,
		StartMode:  numberUnless(int(j.StartMode), int(livetranscode.StartModeUnknown)),
		Status:     numberUnless(int(j.Status), int(livetranscode.JobStatusUnknown)),
		CreateTime: j.CreateTime.UTC().Format(timeLayout),
	}
	w.StreamInput.Type, w.StreamInput.InputURL = j.StreamInput.Type, j.StreamInput.InputURL
	if j.OutputStream.StreamInfos != nil {
		w.OutputStream.StreamInfos = make([]wireStreamInfo, len(j.OutputStream.StreamInfos))
	}
	for i, info := range j.OutputStream.StreamInfos {
		w.OutputStream.StreamInfos[i] = wireStreamInfo(info)
	}
	return w
}

func numberUnless(n, unknown int) *int {
	if n == unknown {
		return nil
	}
	return &n
}

// outputOf returns the output of a submitted job, formed like that of the documented example.
func outputOf(domain, jobID string) livetranscode.OutputStream {
	if domain == "" {
		domain = "mydomain"
	}
	return livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
		{Type: "rtmp", OutputURL: "rtmp://" + domain + "/app/" + jobID},
	}}
}

// findJob returns the job of the parameter JobId. The error for an unknown one is not documented.
func (s *Server) findJob(p *params) *job {
	id := p.required("JobId")
	j := s.jobs.byID[id]
	if j == nil && p.err == nil {
		p.err = notFoundError("Job")
	}
	return j
}

// notFoundError returns the error for an unknown Job or Template.
func notFoundError(kind string) *apiError {
	return newAPIError(http.StatusNotFound, kind+"NotFound", "The specified %s is not found.", strings.ToLower(kind))
}

// submitJob accepts templates that do not exist, so that a test need not create one. The error is not documented.
func (s *Server) submitJob(p *params) (result, *apiError) {
	j := &job{automatic: true}
	j.JobID = newID()
	j.Name = p.required("Name")
	j.TemplateID = p.required("TemplateId")
	p.required("StartMode")
	j.StartMode = livetranscode.StartMode(p.number("StartMode", 0, 0, 1))
	j.CreateTime = p.now.Truncate(time.Second)
	j.visibleFrom = p.now.Add(s.visibilityDelay)

	input := p.streamInput()
	domain, hasOutput := p.transcodeOutput()
	if input == nil {
		p.missing("StreamInput")
	}
	if !hasOutput {
		p.missing("TranscodeOutput")
	}
	j.schedule.start = p.now.Add(s.startDelay)
	if j.StartMode == livetranscode.StartModeTimed {
		config := p.timedConfig(schedule{})
		if config == nil {
			p.missing("TimedConfig")
		} else {
			j.schedule = *config
		}
	}
	if p.err != nil {
		return nil, p.err
	}

	j.StreamInput = *input
	j.OutputStream = outputOf(domain, j.JobID)
	j.TemplateType = livetranscode.TemplateTypeNormal
	if t := s.templates.byID(j.TemplateID); t != nil {
		j.TemplateType, j.TemplateName = livetranscode.TemplateType(t.Type), t.Name
	}
	s.jobs.add(j)
	return result{"JobId": j.JobID}, nil
}

func (s *Server) getJob(p *params) (result, *apiError) {
	j := s.findJob(p)
	if j != nil && !j.visibleAt(p.now) {
		p.err = notFoundError("Job")
	}
	if p.err != nil {
		return nil, p.err
	}
	return result{"Job": toWire(j.snapshot(p.now))}, nil
}

func (s *Server) listJobs(p *params) (result, *apiError) {
	pg := p.paging()
	filter := jobFilter{
		templateType: livetranscode.TemplateType(p.optional("Type", templateTypes...)),
		startMode:    livetranscode.StartMode(p.number("StartMode", int(livetranscode.StartModeUnknown), 0, 1)),
		status:       livetranscode.JobStatus(p.number("Status", int(livetranscode.JobStatusUnknown), 0, 2)),
		keyword:      strings.ToLower(p.optional("KeyWord")),
	}
	if p.err != nil {
		return nil, p.err
	}
	found := s.jobs.find(filter, p.now)
	list := []wireJob{} // never null
	for _, j := range page(found, pg) {
		list = append(list, toWire(j.snapshot(p.now)))
	}
	return result{"TotalCount": len(found), "JobList": list}, nil
}

func (s *Server) updateJob(p *params) (result, *apiError) {
	j := s.findJob(p)
	if p.err != nil {
		return nil, p.err
	}
	name := p.optional("Name")
	input := p.streamInput()
	domain, hasOutput := p.transcodeOutput()
	if hasOutput {
		p.requireValue("TranscodeOutput.DomainName", domain)
	}
	config := p.timedConfig(j.schedule)
	if input != nil || hasOutput || config != nil {
		switch {
		case j.StartMode != livetranscode.StartModeTimed:
			p.invalid("JobId", "only the name of a job that is not timed can be changed")
		case j.statusAt(p.now) != livetranscode.JobStatusNotStarted:
			p.invalid("JobId", "only the name of a job that has started can be changed")
		}
	}
	if p.err != nil {
		return nil, p.err
	}

	if name != "" {
		j.Name = name
	}
	if input != nil {
		j.StreamInput = *input
	}
	if hasOutput {
		j.OutputStream = outputOf(domain, j.JobID)
	}
	if config != nil {
		j.schedule = *config
	}
	s.jobs.changed()
	return nil, nil
}

// commandJob stops a job. Whether the service accepts that in every state is not documented.
func (s *Server) commandJob(p *params) (result, *apiError) {
	p.required("JobId")
	p.required("Command", "stop")
	j := s.findJob(p)
	if p.err != nil {
		return nil, p.err
	}
	if s.strictCommands && j.statusAt(p.now) != livetranscode.JobStatusInProgress {
		return nil, newAPIError(http.StatusForbidden, "OperationDenied", "The operation is not allowed in the current state of the job.")
	}
	j.setStatus(livetranscode.JobStatusStopped)
	s.jobs.changed()
	return nil, nil
}

// deleteJob deletes a job in any state. What the service does with a running job is not documented.
func (s *Server) deleteJob(p *params) (result, *apiError) {
	j := s.findJob(p)
	if p.err != nil {
		return nil, p.err
	}
	s.jobs.remove(j.JobID)
	return nil, nil
}
