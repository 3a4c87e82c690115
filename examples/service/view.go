package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// view is the state of a job as it is stored and served. The URLs of streams contain keys, so it has only the host of
// the input, and nothing of the outputs.
type view struct {
	ID        string                  `json:"id"`
	Name      string                  `json:"name,omitempty"`
	Status    string                  `json:"status"` // in words; "submitted" before the first poll; "lost"
	Code      livetranscode.JobStatus `json:"code"`   // as last read
	Template  string                  `json:"template,omitempty"`
	InputHost string                  `json:"input_host,omitempty"`
	CreatedAt time.Time               `json:"created_at,omitzero"`
	Since     time.Time               `json:"since"`                // when the status was first seen
	OrEarlier bool                    `json:"or_earlier,omitempty"` // the job may have had the status before
	ChangedAt time.Time               `json:"changed_at"`           // when the state was stored
	Ended     bool                    `json:"ended,omitempty"`
	Error     string                  `json:"error,omitempty"`
	Version   int64                   `json:"version"` // increases with every change of any job
}

// newView returns the state of a job. It takes the host from the printed StreamInput, whose redaction is more
// careful than url.Parse: in rtmp://user:12/KEY@host/app, 12 is not a port.
func newView(job *livetranscode.Job) view {
	_, input, _ := strings.Cut(fmt.Sprint(job.StreamInput), "://")
	host, _, _ := strings.Cut(strings.TrimSuffix(input, "}"), "/")
	return view{
		ID: job.JobID, Name: job.Name, Status: job.Status.String(), Code: job.Status, Ended: job.Status.Final(),
		Template: cmp.Or(job.TemplateName, job.TemplateID), InputHost: host, CreatedAt: job.CreateTime,
	}
}

// job returns the stored part of the job, to resume from. Its URLs are missing, so the next poll results in an event;
// put recognizes that nothing has changed.
func (v view) job() *livetranscode.Job {
	return &livetranscode.Job{JobID: v.ID, Name: v.Name, Status: v.Code, CreateTime: v.CreatedAt}
}

// expired reports whether the job ended so long ago that it is not served any more.
func (v *view) expired() bool { return v.Ended && time.Since(v.ChangedAt) > keepEnded }

// same reports whether two states differ only in times.
func (v view) same(o view) bool {
	return v.Name == o.Name && v.Status == o.Status && v.Template == o.Template && v.InputHost == o.InputHost && v.Error == o.Error
}

// follow completes a new state from the previous one, and sets the times.
func (v *view) follow(known view) {
	v.Name, v.Template = cmp.Or(v.Name, known.Name), cmp.Or(v.Template, known.Template)
	v.InputHost, v.CreatedAt = cmp.Or(v.InputHost, known.InputHost), cmp.Or(v.CreatedAt, known.CreatedAt)
	v.ChangedAt = time.Now().UTC().Truncate(time.Millisecond)
	v.Since, v.OrEarlier = v.ChangedAt, known.ID == "" && v.Code != livetranscode.JobStatusUnknown
	switch {
	case known.Status == v.Status:
		v.Since, v.OrEarlier = known.Since, known.OrEarlier
	case v.OrEarlier && v.Code == livetranscode.JobStatusNotStarted && !v.CreatedAt.IsZero(): // the initial status
		v.Since, v.OrEarlier = v.CreatedAt, false
	}
}
