package livetranscode

import (
	"cmp"
	"errors"
	"iter"
	"strconv"
)

// A walk ends after that many pages in a row that brought it no further, and after that many passes that did not find
// all items, so that it ends on a service that ignores page numbers, repeats a page or miscounts.
const (
	maxFruitless = 8
	maxPasses    = 3
)

// A window is a page, by its number and size.
type window struct{ no, size int }

// first is the position of the page's first item, from 0, and end that behind its last.
func (w window) first() int { return (w.no - 1) * w.size }
func (w window) end() int   { return w.no * w.size }

// overlapping returns the page that begins before a position and reaches farthest.
func overlapping(position int) window {
	best := window{1, maxPageSize}
	for size := maxPageSize; size > maxPageSize/2; size-- {
		if w := (window{(position-1)/size + 1, size}); w.end() > best.end() {
			best = w
		}
	}
	return best
}

// A listPage is the response to a request for a window.
type listPage[T any] struct {
	op        *operation
	requestID string
	total     int // of the items on all pages; 0 may mean that it is unknown
	items     []*T
}

// A walk reads a list page by page. Pages are numbered by position, so that an item that comes or goes shifts all
// behind it. A page is linked to those before it if no item that was there all the time can be between them: it is the
// first page; or it has an item of a linked page, for what comes after that item is on this page or on a later one; or
// the list has not become shorter since, and only grows in front. Elsewhere pages overlap by an item, to be linked.
type walk struct {
	growsInFront bool // newest first, and no item starts or ceases to match but when it is created and deleted

	at        window
	full      int             // items of a full page
	total     int             // when the last linked page was read
	least     int             // the least total since the first page
	seen      map[string]bool // by id; true if it is on a linked page of this pass
	fruitless int             // pages in a row that linked no item
	passes    int             // that ended without all items
}

// walkPages returns an iterator over the items of all pages, each id once.
func walkPages[T any](growsInFront bool, list func(window) (listPage[T], error), id func(*T) string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		w := walk{growsInFront: growsInFront, at: window{1, maxPageSize}, full: maxPageSize, seen: make(map[string]bool)}
		for done := false; !done; {
			page, err := list(w.at)
			if err != nil {
				yield(nil, err)
				return
			}
			ids := make([]string, len(page.items))
			for i, item := range page.items {
				if ids[i] = id(item); ids[i] == "" { // malformed: told apart by its place on the page
					ids[i] = "\x00" + strconv.Itoa(i)
				}
			}
			total := page.total
			if total == 0 && len(ids) > 0 {
				total = w.total
			}
			linked, gained := w.links(ids, total), false
			for i, item := range page.items {
				before, known := w.seen[ids[i]]
				gained = gained || linked && !before
				w.seen[ids[i]] = before || linked
				if !known && !yield(item, nil) {
					return
				}
			}
			done = w.step(len(ids), total, linked, gained)
			if w.fruitless > maxFruitless || w.passes == maxPasses {
				yield(nil, w.error(page.op, page.requestID))
				return
			}
		}
	}
}

// links reports whether a page is linked.
func (w *walk) links(ids []string, total int) bool {
	for _, id := range ids {
		if w.seen[id] {
			return true
		}
	}
	if w.at.no == 1 {
		return true
	}
	if !w.growsInFront && len(ids) == max(0, min(w.at.size, total-w.at.first())) {
		return false
	}
	// A page without an overlap that has not the length it was asked for: the service ignores page sizes.
	w.growsInFront = true
	return total >= w.total
}

// step goes to the page that is read next. It returns true if there is none.
func (w *walk) step(items, total int, linked, gained bool) (done bool) {
	if w.fruitless++; gained {
		w.fruitless = 0
	}
	if w.at.no == 1 || total < w.least {
		w.least = total
	}
	if linked {
		w.total = total
	}
	short := items < min(w.full, w.at.size)
	if w.at.no == 1 && items > 0 {
		w.full = min(items, maxPageSize) // a service may have smaller pages
	}
	switch atEnd := w.at.end() >= total; {
	case linked && len(w.seen) >= w.least && (short || atEnd && !gained):
		return true
	case linked && atEnd && !gained: // but there were more items than were seen
		w.passes++
		w.at = window{1, maxPageSize}
		for id := range w.seen {
			w.seen[id] = false
		}
	case w.growsInFront && linked:
		w.at = window{w.at.no + 1, maxPageSize}
	case w.growsInFront:
		w.at = window{w.at.no - 1, maxPageSize}
	case linked:
		w.at = overlapping(w.at.first() + max(items, 1))
	default:
		w.at = overlapping(max(1, w.at.first()-maxPageSize/2))
	}
	return false
}

func (w *walk) error(op *operation, requestID string) error {
	text := "the list changes faster than its pages can be read"
	if len(w.seen) < w.least {
		text = "only " + strconv.Itoa(len(w.seen)) + " of " + strconv.Itoa(w.least) + " items are on the pages"
	}
	return &APIError{Operation: op.name, StatusCode: 200, RequestID: requestID, Attempts: 1, cause: errors.New(text)}
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

// notNil returns list, or an empty one for nil.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
