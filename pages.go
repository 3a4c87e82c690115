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

// AllLiveTranscodeJobs yields all jobs that match req, page by page as they are asked for, each job once;
// newest first unless req.SortBy says otherwise. A nil req matches all. PageNo and PageSize of req are not
// used, and req is not changed.
//
// It is no snapshot: the service numbers its pages anew for each call, so while jobs come and go between two
// pages, others may be missed. A loop that deletes jobs should collect their ids first. An error is yielded
// once, with a nil job, and ends the sequence. Each range starts afresh.
func (c *Client) AllLiveTranscodeJobs(ctx context.Context, req *ListLiveTranscodeJobsRequest) iter.Seq2[*Job, error] {
	all := *cmp.Or(req, new(ListLiveTranscodeJobsRequest))
	all.PageSize, all.SortBy = maxPageSize, cmp.Or(all.SortBy, SortDescending)
	return walk(func(no int) ([]*Job, int, error) {
		page := all
		page.PageNo = no
		resp, err := c.ListLiveTranscodeJobs(ctx, &page)
		if err != nil {
			return nil, 0, err
		}
		return resp.Jobs, resp.TotalCount, nil
	}, func(job *Job) string { return job.JobID })
}

// AllLiveTranscodeTemplates yields all templates that match req, as AllLiveTranscodeJobs does with jobs.
func (c *Client) AllLiveTranscodeTemplates(ctx context.Context, req *ListLiveTranscodeTemplatesRequest) iter.Seq2[*Template, error] {
	all := *cmp.Or(req, new(ListLiveTranscodeTemplatesRequest))
	all.PageSize, all.SortBy = maxPageSize, cmp.Or(all.SortBy, SortDescending)
	return walk(func(no int) ([]*Template, int, error) {
		page := all
		page.PageNo = no
		resp, err := c.ListLiveTranscodeTemplates(ctx, &page)
		if err != nil {
			return nil, 0, err
		}
		return resp.Templates, resp.TotalCount, nil
	}, func(template *Template) string { return template.TemplateID })
}

// walk yields what the pages hold, each id once. It ends when a page brings nothing new, or when as many were
// seen as there are and the page was not full: so it ends even on a service that ignores the page number,
// repeats a page or miscounts.
func walk[T any](page func(no int) (items []*T, total int, err error), id func(*T) string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := make(map[string]bool)
		for no := 1; ; no++ {
			items, total, err := page(no)
			if err != nil {
				yield(nil, err)
				return
			}
			before := len(seen)
			for _, item := range items {
				if seen[id(item)] {
					continue
				}
				seen[id(item)] = true
				if !yield(item, nil) {
					return
				}
			}
			if len(seen) == before || len(seen) >= total && len(items) < maxPageSize {
				return
			}
		}
	}
}

// notNil returns list, or an empty one for nil.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
