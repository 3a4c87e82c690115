package livetranscode

import (
	"cmp"
	"context"
	"iter"
)

// maxPageSize is the largest page that the service documents.
const maxPageSize = 100

// defaultPageSize is the page size that the service documents for a request without one.
const defaultPageSize = 10

func validatePage(no, size int) (field, reason string) {
	switch {
	case no < 0:
		return "PageNo", "is negative"
	case size < 0 || size > maxPageSize:
		return "PageSize", "is outside 1-100"
	}
	return "", ""
}

// A jobPage is what ListLiveTranscodeJobs decodes.
type jobPage struct {
	pageHead
	JobList []*Job
}

func (p *jobPage) missing() string { return p.missingList("JobList", p.JobList == nil) }

// A templatePage is what ListLiveTranscodeTemplates decodes.
type templatePage struct {
	pageHead
	TemplateContentList []*Template
}

func (p *templatePage) missing() string {
	return p.missingList("TemplateContentList", p.TemplateContentList == nil)
}

// A pageHead is what a page has besides its list.
type pageHead struct {
	baseResponse
	TotalCount totalCount

	before int // how many items are on the pages before this one
}

// A totalCount is the number of items on all pages, or -1 if the response does not say it.
type totalCount int

// pageHeadOf returns the head for the response to a request for a page.
func pageHeadOf(no, size int) pageHead {
	return pageHead{before: max(0, no-1) * cmp.Or(size, defaultPageSize)}
}

// missingList returns the name of a list that is missing where the page has items. A page behind the last item may
// come without its list.
func (p *pageHead) missingList(name string, isNil bool) string {
	if isNil && (p.TotalCount < 0 || p.before < int(p.TotalCount)) {
		return name
	}
	return ""
}

// AllLiveTranscodeJobs returns an iterator over all jobs that match req, newest first unless req.SortBy says otherwise,
// each once. It lists page by page as the loop asks for more. A nil req matches all jobs. PageNo and PageSize of req
// are ignored, and req is not changed.
//
// The pages shift while jobs come and go. A job that matches from the first request to the last is yielded, or else the
// iterator ends with an error; one that comes or goes meanwhile may be missed. An error is yielded once, with a nil
// job, and ends the iterator: that of a request, or [ErrBadResponse] if the pages do not add up to the service's
// TotalCount or shift faster than they can be read. Each range starts again.
func (c *Client) AllLiveTranscodeJobs(ctx context.Context, req *ListLiveTranscodeJobsRequest) iter.Seq2[*Job, error] {
	all := *cmp.Or(req, new(ListLiveTranscodeJobsRequest))
	all.SortBy = cmp.Or(all.SortBy, SortDescending)
	growsInFront := all.SortBy == SortDescending && all.Status == nil && all.Keyword == ""
	return walkPages(growsInFront, func(w window) (listPage[Job], error) {
		page := all
		page.PageNo, page.PageSize = w.no, w.size
		resp, err := c.ListLiveTranscodeJobs(ctx, &page)
		if err != nil {
			return listPage[Job]{}, err
		}
		return listPage[Job]{opListLiveTranscodeJobs, resp.RequestID, resp.TotalCount, resp.Jobs}, nil
	}, func(job *Job) string { return job.JobID })
}

// AllLiveTranscodeTemplates returns an iterator over all templates that match req, like [Client.AllLiveTranscodeJobs].
func (c *Client) AllLiveTranscodeTemplates(ctx context.Context, req *ListLiveTranscodeTemplatesRequest) iter.Seq2[*Template, error] {
	all := *cmp.Or(req, new(ListLiveTranscodeTemplatesRequest))
	all.SortBy = cmp.Or(all.SortBy, SortDescending)
	growsInFront := all.SortBy == SortDescending && all.VideoCodec == "" && all.Keyword == ""
	return walkPages(growsInFront, func(w window) (listPage[Template], error) {
		page := all
		page.PageNo, page.PageSize = w.no, w.size
		resp, err := c.ListLiveTranscodeTemplates(ctx, &page)
		if err != nil {
			return listPage[Template]{}, err
		}
		return listPage[Template]{opListLiveTranscodeTemplates, resp.RequestID, resp.TotalCount, resp.Templates}, nil
	}, func(template *Template) string { return template.TemplateID })
}

// notNil returns list, or an empty one for nil.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
