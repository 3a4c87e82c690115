package livetranscode

import (
	"cmp"
	"context"
	"iter"
)

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
