package livetranscode

import (
	"cmp"
	"slices"
)

// A listKind is one of the lists whose pages are read.
type listKind int

const (
	listInProgress listKind = iota
	listNotStarted
	listNewest // of any status, to discover jobs that start and stop between two sweeps
)

// A pageKey names a page of a sweep; 0 is none.
type pageKey int32

// A pageSet is the progress of a sweep through the lists of a filter, or through the base lists: all jobs of the
// account.
type pageSet struct {
	filter *filter // of AddAll; nil: base lists, which are read only as far as that is cheaper than Gets
	index  int
	read   [2][]bool // the pages; nil: the first is not read yet

	newest     newestPage // the first page of listNewest
	newestRead bool       // as many pages of it as are needed
}

func (l *pageSet) request(kind listKind, no int) *ListLiveTranscodeJobsRequest {
	var f JobFilter
	if l.filter != nil {
		f = l.filter.JobFilter
	}
	req := f.request(no)
	switch kind {
	case listInProgress:
		req.Status = new(JobStatusInProgress)
	case listNotStarted:
		req.Status = new(JobStatusNotStarted)
	default:
	}
	return req
}

func (l *pageSet) key(kind listKind, no int) pageKey {
	return pageKey(l.index&31<<26 | int(kind)<<24 | no&(1<<24-1))
}

// started reports whether both first pages are read.
func (l *pageSet) started() bool { return l.read[0] != nil && l.read[1] != nil }

// complete reports whether all pages up to depth are read.
func (l *pageSet) complete(depth int) bool {
	return l.started() && len(l.unread(depth)) == 0 && (l.filter == nil || l.newestRead)
}

// maxPages is the largest number of pages that the service is believed to have.
const maxPages = 1 << 17

// recordPage records that a page with n jobs of total has been read. Whatever total is, an empty page is the end of the
// list, and behind a full page that total does not count there may be another, which it reports.
func (l *pageSet) recordPage(kind listKind, no, n, total int) (another bool) {
	if l.read[kind] == nil {
		pages := min(max(1, (total-1)/maxPageSize+1), maxPages)
		l.read[kind] = make([]bool, pages)
	}
	pages := l.read[kind]
	if no > len(pages) {
		return false
	}
	pages[no-1] = true
	switch {
	case n == 0:
		l.read[kind] = pages[:no]
	case n == maxPageSize && no == len(pages) && total < no*maxPageSize && no < maxPages:
		l.read[kind] = append(pages, false)
		return true
	}
	return false
}

// has reports whether a page is read, or beyond the last.
func (l *pageSet) has(kind listKind, no int) bool {
	return no < 1 || l.read[kind] != nil && (no > len(l.read[kind]) || l.read[kind][no-1])
}

// unread returns the pages that are not read yet.
func (l *pageSet) unread(depth int) (tasks []task) {
	if !l.started() {
		return nil
	}
	for kind, pages := range l.read {
		for i, read := range pages[:min(len(pages), depth)] {
			if !read {
				tasks = append(tasks, task{list: l, kind: listKind(kind), no: i + 1})
			}
		}
	}
	return tasks
}

// A listID identifies a list of a filter, nil for the base lists.
type listID struct {
	filter *filter
	kind   listKind
}

// addList makes the first pages of a filter, or of the base lists, the next to read: those that were read least
// recently first, since a sweep may be throttled before it has read all.
func (s *sweep) addList(f *filter) {
	l := &pageSet{filter: f, index: len(s.lists)}
	s.lists = append(s.lists, l)
	s.todo = append(s.todo, task{list: l, kind: listInProgress, no: 1}, task{list: l, kind: listNotStarted, no: 1})
	if f != nil {
		s.todo = append(s.todo, task{list: l, kind: listNewest, no: 1})
	}
	slices.SortStableFunc(s.todo, func(a, b task) int {
		return cmp.Compare(s.loop.listRead[listID{a.list.filter, a.kind}], s.loop.listRead[listID{b.list.filter, b.kind}])
	})
}

// listedAll reports whether every job that a filter of AddAll selects was listed, except for those on pages that the
// service refuses to list.
func (s *sweep) listedAll() bool {
	depth := s.orders.depth
	if s.refusedAt > 0 {
		depth = min(depth, s.refusedAt-1)
	}
	return len(s.lists) > 0 && !slices.ContainsFunc(s.lists, func(l *pageSet) bool {
		return l.filter != nil && !l.complete(depth)
	})
}

// startLists reads the first pages of the lists of AddAll. A filter that selects all jobs makes the others redundant.
func (s *sweep) startLists() {
	if s.filters == nil {
		return
	}
	s.orders = s.loop.plan.order(s.w.targets, true, s.w.now())
	filters := s.filters
	if i := slices.IndexFunc(filters, func(f *filter) bool { return f.isZero() }); i >= 0 {
		filters = filters[i : i+1]
	}
	if s.orders.list {
		for _, f := range filters {
			s.addList(f)
		}
	}
}

// restOfLists reads the remaining pages of the lists of AddAll.
func (s *sweep) restOfLists() {
	for _, l := range s.lists {
		s.todo = append(s.todo, l.unread(s.orders.depth)...)
	}
}

// startBaseList reads the first pages of the base lists if they may be cheaper than Gets for the jobs that no page
// listed.
func (s *sweep) startBaseList() {
	if slices.ContainsFunc(s.filters, func(f *filter) bool { return f.isZero() }) {
		return
	}
	gets := s.orders.gets
	if s.orders = s.order(s.w.targets); s.orders.list {
		s.addList(nil)
	}
	if s.filters != nil {
		s.orders.gets = min(gets, s.orders.gets)
	}
}

// restOfBaseList reads the remaining pages of the base lists if they are cheaper than Gets for the unread jobs.
func (s *sweep) restOfBaseList() {
	if n := len(s.lists); n > 0 && s.lists[n-1].filter == nil {
		if rest := s.lists[n-1].unread(s.orders.depth); s.loop.plan.restIsCheaper(len(rest), s.w.targets) {
			s.todo = append(s.todo, rest...)
		}
	}
}

// getAbsent polls the jobs that no page listed: a page without a job does not say what became of it.
func (s *sweep) getAbsent() {
	for _, j := range s.w.jobs {
		if j.target {
			s.absent = append(s.absent, j)
		}
	}
	slices.SortFunc(s.absent, byLastPoll)
	gets := len(s.absent)
	switch {
	case s.listThrottled: // the cheaper plan may be possible again in the next sweep
		gets = min(gets, fewGets)
	case s.listFailed:
		gets = min(gets, s.orders.gets)
	}
	for _, j := range s.absent[:gets] {
		s.todo = append(s.todo, task{job: j})
	}
}

// probeGetAllowed polls a job that a page listed if all Gets were refused although pages can be read: its response
// shows whether the refusals concern those jobs or the permission to Get.
func (s *sweep) probeGetAllowed() {
	if len(s.refused) == 0 || s.gotJob || s.getFailed || s.pages == 0 {
		return
	}
	for _, j := range s.w.jobs {
		if j.job != nil && !j.ended && !slices.ContainsFunc(s.refused, func(r result) bool { return r.job == j }) {
			s.todo = append(s.todo, task{job: j})
			return
		}
	}
}

// handlePage records a page.
func (s *sweep) handlePage(r result) {
	w, l, jobs := s.w, r.list, r.page.Jobs
	s.pages++
	s.pageFails = 0
	w.mu.Lock()
	defer w.mu.Unlock()
	alive := r.kind != listNewest
	if r.no == 1 {
		s.loop.listRead[listID{l.filter, r.kind}] = r.at
	}
	if alive {
		another := l.recordPage(r.kind, r.no, len(jobs), r.page.TotalCount)
		if another && r.no > 1 && r.no < s.orders.depth { // behind the first page, restOfLists requests it
			s.todo = append(s.todo, task{list: l, kind: r.kind, no: r.no + 1})
		}
	}
	discovered := jobs
	if !alive {
		discovered = s.handleNewest(r)
	}
	for _, job := range jobs {
		if j := w.jobs[job.JobID]; j != nil && alive {
			w.recordRead(j, reading{job: job, began: r.began, at: r.at, page: l.key(r.kind, r.no)})
		}
	}
	if l.filter == nil {
		return
	}
	for _, job := range discovered {
		if job.JobID == "" || w.jobs[job.JobID] != nil {
			continue
		}
		if j := w.discover(job, alive); j != nil {
			key := pageKey(0)
			if alive {
				key = l.key(r.kind, r.no)
			}
			w.recordRead(j, reading{job: job, began: r.began, at: r.at, page: key})
		}
	}
}

// handleNewest records a page of the newest jobs, and returns those that were created since the last sweep.
func (s *sweep) handleNewest(r result) []*Job {
	l, f := r.list, r.list.filter
	if r.no == 1 {
		l.newest = newNewestPage(r.page.Jobs)
	}
	created, more := f.newest.since(r.page.Jobs)
	if more && r.no < s.orders.depth {
		s.todo = append([]task{{list: l, kind: listNewest, no: r.no + 1}}, s.todo...)
	} else {
		l.newestRead, f.newest = true, l.newest
	}
	return created
}

// leftPage prioritizes the jobs that the last sweep found on a page, and this one neither there nor on the adjacent
// pages: they have probably stopped. If more than three have left, the pages have shifted: then they are not
// prioritized.
func (s *sweep) leftPage(l *pageSet, kind listKind, no int) {
	if kind == listNewest {
		return
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for n := max(1, no-1); n <= no+1; n++ {
		key := l.key(kind, n)
		if s.before[key] == nil || !l.has(kind, n-1) || !l.has(kind, n) || !l.has(kind, n+1) {
			continue
		}
		left := slices.DeleteFunc(s.before[key], func(j *trackedJob) bool { return !j.target })
		if delete(s.before, key); len(left) <= maxLeft {
			s.prioritized = append(s.prioritized, left...)
		}
	}
}

// maxLeft is the maximum number of jobs that have left a page to prioritize.
const maxLeft = 3
