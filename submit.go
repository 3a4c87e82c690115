package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// FindLiveTranscodeJob returns the job whose Name is exactly name, whatever its status. The service does not require
// names to be unique: if there is none, the error is [ErrNotFound], and if there are several, [ErrNameConflict]. How
// soon a new job is listed is not documented, so a job that was just submitted may not be found. An empty name is a
// [*ParamError].
//
// RAM action: ice:ListLiveTranscodeJobs.
func (c *Client) FindLiveTranscodeJob(ctx context.Context, name string) (*Job, error) {
	const operation = "FindLiveTranscodeJob"
	switch {
	case name == "":
		return nil, &ParamError{Operation: operation, Field: "name", Reason: "is empty"}
	case !utf8.ValidString(name):
		return nil, &ParamError{Operation: operation, Field: "name", Reason: notUTF8}
	}
	return c.findJob(ctx, operation, name)
}

// findJob is FindLiveTranscodeJob under the name of the method that was called.
func (c *Client) findJob(ctx context.Context, operation, name string) (*Job, error) {
	var found []*Job
	for job, err := range c.AllLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{Keyword: name}) { // also finds parts of names
		if err != nil {
			return nil, err
		}
		if job.Name == name {
			found = append(found, job)
		}
	}
	switch len(found) {
	case 0:
		return nil, nameError(ErrNotFound, operation, name, "no job has this name")
	case 1:
		return found[0], nil
	}
	ids := ""
	for _, job := range found {
		ids += " " + job.JobID
	}
	return nil, nameError(ErrNameConflict, operation, name, fmt.Sprintf("%d jobs have this name:%s", len(found), ids))
}

// nameError is the error of an operation on a job by its name.
func nameError(kind error, operation, name, text string) error {
	text = fmt.Sprintf("livetranscode: %s %q: %s", operation, redact.Truncate(name, maxSnippet), redact.Truncate(text, maxMessage))
	return &opaqueError{text: redact.OneLine(text), kind: kind}
}

// EnsureLiveTranscodeJobResponse is the response to EnsureLiveTranscodeJob.
type EnsureLiveTranscodeJobResponse struct {
	// RequestID identifies the Submit at the service; empty if none was sent, or if its response was lost.
	RequestID string
	// JobID identifies the job. It is never empty.
	JobID string
	// Created reports whether the job was submitted by this call, or by a concurrent one that shared its Submit.
	Created bool
	// Existing is the job that was found; nil if Created. It may have stopped: check its Status before you wait for it.
	Existing *Job
}

// LogValue implements slog.LogValuer. It redacts what [Job.LogValue] redacts.
func (r EnsureLiveTranscodeJobResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.String("request_id", r.RequestID), slog.String("id", r.JobID),
		slog.Bool("created", r.Created), logJob("existing", r.Existing))
}

// ensureTimeout is how long a job is searched for by its name after an ambiguous Submit.
const ensureTimeout = 30 * time.Second

// EnsureLiveTranscodeJob searches for a job whose Name is exactly req.Name, and submits one if there is none. A stopped
// job of that name counts (check Existing), so put the date or the run into the name. If the job of that name has
// another template or input, or several jobs have it, the error is [ErrNameConflict].
//
// Concurrent calls of one Client for one name share one Submit. If the outcome of the Submit is unknown, the job is
// searched for by its name until it is found, or until 30 s or ctx end; then the error is [ErrAmbiguous]. Wait some
// minutes before you call again after it, although [Retryable] reports true: the job may exist without being listed
// yet.
//
// The service has no idempotency token, so this cannot prevent duplicates between processes that call concurrently, nor
// when it is called again before the service lists the first job; how long that takes is not documented.
//
// RAM actions: ice:ListLiveTranscodeJobs, ice:SubmitLiveTranscodeJob.
func (c *Client) EnsureLiveTranscodeJob(ctx context.Context, req *SubmitLiveTranscodeJobRequest) (*EnsureLiveTranscodeJobResponse, error) {
	const operation = "EnsureLiveTranscodeJob"
	if _, _, err := encodeParams(operation, "", req); err != nil {
		return nil, err
	}
	run := c.ensuring.join(req.Name)
	defer c.ensuring.leave(req.Name, run)
	select {
	case run.turn <- struct{}{}:
		defer func() { <-run.turn }()
	case <-ctx.Done():
		return nil, &CallError{Operation: operation, ResourceID: req.Name, Err: contextError(ctx)}
	}
	if run.resp == nil { // no concurrent call has succeeded
		resp, err := c.ensure(ctx, operation, req, run)
		if err != nil {
			return nil, err
		}
		own := *req
		run.req, run.resp = &own, resp
	}
	if !run.req.sameJob(req.TemplateID, req.StreamInput.InputURL) {
		return nil, nameError(ErrNameConflict, operation, req.Name, "job "+run.resp.JobID+" has another template or input")
	}
	resp := *run.resp
	if resp.Existing != nil { // concurrent calls must not share it
		resp.Existing = resp.Existing.clone()
	}
	return &resp, nil
}

// ensure is EnsureLiveTranscodeJob without concurrent calls for the same name.
func (c *Client) ensure(
	ctx context.Context, operation string, req *SubmitLiveTranscodeJobRequest, run *ensureRun,
) (*EnsureLiveTranscodeJobResponse, error) {
	if run.ambiguous != nil { // a concurrent call has submitted: a second Submit could create a duplicate
		return c.ensureSubmitted(ctx, operation, req, run)
	}
	job, err := c.findJob(ctx, operation, req.Name)
	switch {
	case err == nil && !req.sameJob(job.TemplateID, job.StreamInput.InputURL):
		return nil, nameError(ErrNameConflict, operation, req.Name, "job "+job.JobID+" has another template or input")
	case err == nil:
		return &EnsureLiveTranscodeJobResponse{JobID: job.JobID, Existing: job}, nil
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	resp, err := c.SubmitLiveTranscodeJob(ctx, req)
	switch {
	case err == nil:
		return &EnsureLiveTranscodeJobResponse{RequestID: resp.RequestID, JobID: resp.JobID, Created: true}, nil
	case !errors.Is(err, ErrAmbiguous):
		return nil, err
	}
	run.ambiguous, run.searchEnd = err, time.Now().Add(ensureTimeout)
	return c.ensureSubmitted(ctx, operation, req, run)
}

// ensureSubmitted searches for a job after an ambiguous Submit.
func (c *Client) ensureSubmitted(
	ctx context.Context, operation string, req *SubmitLiveTranscodeJobRequest, run *ensureRun,
) (*EnsureLiveTranscodeJobResponse, error) {
	job, searches := c.findSubmitted(ctx, operation, req, run.searchEnd)
	if job != nil {
		return &EnsureLiveTranscodeJobResponse{JobID: job.JobID, Created: true}, nil
	}
	failed := &ensureError{submit: run.ambiguous, searches: searches}
	if ctx.Err() != nil {
		failed.ended = contextError(ctx)
	}
	return nil, failed
}

// findSubmitted searches for a job whose Submit may have been executed. It returns nil if it is not found, and how
// often the list was read without it.
func (c *Client) findSubmitted(ctx context.Context, operation string, req *SubmitLiveTranscodeJobRequest, end time.Time) (found *Job, searches int) {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	for pause := time.Second; sleep(ctx, pause) == nil; pause = min(2*pause, 5*time.Second) {
		job, err := c.findJob(ctx, operation, req.Name)
		switch {
		case err == nil && req.sameJob(job.TemplateID, job.StreamInput.InputURL):
			return job, searches
		case errors.Is(err, ErrNotFound):
			searches++
		case err != nil && isPermanent(err), errors.Is(err, ErrNameConflict):
			return nil, searches
		}
	}
	return nil, searches
}

// sameJob reports whether a job with this template and input can be the one that the request describes. An empty value
// was not in the response.
func (r *SubmitLiveTranscodeJobRequest) sameJob(templateID, inputURL string) bool {
	return (templateID == "" || templateID == r.TemplateID) && (inputURL == "" || inputURL == r.StreamInput.InputURL)
}

// An ensureError is an ambiguous error of EnsureLiveTranscodeJob, which checks before it submits.
type ensureError struct {
	submit   error
	ended    error // the context's, if it ended the search
	searches int   // lists of jobs that did not have it
}

func (e *ensureError) Error() string {
	text := fmt.Sprintf("%v (not among the listed jobs in %d searches)", e.submit, e.searches)
	if e.searches == 0 {
		text = e.submit.Error() + " (the job was not searched for)"
	}
	if e.ended != nil {
		text += ": " + e.ended.Error()
	}
	return redact.OneLine(text)
}

func (e *ensureError) Unwrap() []error {
	if e.ended == nil {
		return []error{e.submit}
	}
	return []error{e.submit, e.ended}
}
func (e *ensureError) checksBeforeSubmit() {}
func (e *ensureError) ownError()           {}

// An ensureRun is what concurrent calls of EnsureLiveTranscodeJob for one name share. They take turns until one of them
// succeeds.
type ensureRun struct {
	turn  chan struct{} // holds a token of the call whose turn it is, which alone uses the fields below
	req   *SubmitLiveTranscodeJobRequest
	resp  *EnsureLiveTranscodeJobResponse // nil until a call has succeeded
	calls int                             // guarded by ensureRuns.mu

	ambiguous error     // of a Submit that may have been executed
	searchEnd time.Time // until when its job is searched for
}

// ensureRuns are the runs in progress, by name. The zero value is ready to use.
type ensureRuns struct {
	mu   sync.Mutex
	runs map[string]*ensureRun
}

// join returns the run of a name, which the caller has to leave.
func (e *ensureRuns) join(name string) *ensureRun {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs == nil {
		e.runs = make(map[string]*ensureRun)
	}
	run := e.runs[name]
	if run == nil {
		run = &ensureRun{turn: make(chan struct{}, 1)}
		e.runs[name] = run
	}
	run.calls++
	return run
}

// leave ends a call, and with the last one the run.
func (e *ensureRuns) leave(name string, run *ensureRun) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if run.calls--; run.calls == 0 {
		delete(e.runs, name)
	}
}
