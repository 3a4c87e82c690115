package livetranscode

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
)

var walkRuns = flag.Int("walk.runs", 6, "how often lists that change in each way are read")

// A changingList is a service with a list that changes between the requests for its pages: items are created, deleted,
// and start or cease to match the filter.
type changingList struct {
	rng      *rand.Rand
	filtered bool // items start and cease to match
	changes  func(request int)

	items    []changingItem // oldest first
	steady   map[int]bool   // those that have matched since the first request
	next     int
	requests int
}

type changingItem struct {
	id      int
	matches bool
}

func newChangingList(seed uint64, items int, filtered bool) *changingList {
	l := &changingList{rng: rand.New(rand.NewPCG(seed, 0)), filtered: filtered, steady: make(map[int]bool)}
	for range items {
		l.create()
	}
	for _, item := range l.items {
		if item.matches {
			l.steady[item.id] = true
		}
	}
	return l
}

func (l *changingList) create() {
	l.items = append(l.items, changingItem{l.next, !l.filtered || l.rng.IntN(2) == 0})
	l.next++
}

// change creates, deletes or changes an item.
func (l *changingList) change() {
	kinds := 2
	if l.filtered {
		kinds = 3
	}
	i, kind := l.rng.IntN(max(1, len(l.items))), l.rng.IntN(kinds)
	switch {
	case kind == 0 || len(l.items) == 0:
		l.create()
	case kind == 1:
		delete(l.steady, l.items[i].id)
		l.items = slices.Delete(l.items, i, i+1)
	default:
		l.flip(i)
	}
}

// remove deletes the items from one to another position, counted from the newest.
func (l *changingList) remove(from, to int) {
	for _, item := range l.items[len(l.items)-to : len(l.items)-from] {
		delete(l.steady, item.id)
	}
	l.items = slices.Delete(l.items, len(l.items)-to, len(l.items)-from)
}

// flip makes an item match, or no longer match.
func (l *changingList) flip(i int) {
	delete(l.steady, l.items[i].id)
	l.items[i].matches = !l.items[i].matches
}

func (l *changingList) respond(req *http.Request) (*http.Response, error) {
	l.requests++
	l.changes(l.requests)
	q := req.URL.Query()
	no, _ := strconv.Atoi(cmp.Or(q.Get("PageNo"), "1"))
	size, _ := strconv.Atoi(q.Get("PageSize"))
	var matching []int
	for _, item := range l.items {
		if item.matches {
			matching = append(matching, item.id)
		}
	}
	if q.Get("SortBy") == "desc" {
		slices.Reverse(matching)
	}
	page := matching[min((no-1)*size, len(matching)):min(no*size, len(matching))]
	return respond(200, pageJSON(req, page, len(matching)))(req)
}

// readJobs returns the ids of all jobs.
func (l *changingList) readJobs(t *testing.T, req *ListLiveTranscodeJobsRequest) (ids []int, err error) {
	t.Helper()
	for job, e := range clientOver(t, step(l.respond)).AllLiveTranscodeJobs(t.Context(), req) {
		if err = e; err != nil {
			break
		}
		id, _ := strconv.Atoi(job.JobID)
		ids = append(ids, id)
	}
	return ids, err
}

// readTemplates returns the ids of all templates.
func (l *changingList) readTemplates(t *testing.T, req *ListLiveTranscodeTemplatesRequest) (ids []int, err error) {
	t.Helper()
	for template, e := range clientOver(t, step(l.respond)).AllLiveTranscodeTemplates(t.Context(), req) {
		if err = e; err != nil {
			break
		}
		id, _ := strconv.Atoi(template.TemplateID)
		ids = append(ids, id)
	}
	return ids, err
}

// check checks what a walk promises: each item once, and all that were there all the time unless there is an error.
func (l *changingList) check(t *testing.T, ids []int, err error) {
	t.Helper()
	seen := make(map[int]bool)
	for _, id := range ids {
		if seen[id] {
			t.Fatalf("%d is yielded twice", id)
		}
		seen[id] = true
	}
	if err != nil {
		if !errors.Is(err, ErrBadResponse) {
			t.Fatalf("the error is %v", err)
		}
		return
	}
	for id := range l.steady {
		if !seen[id] {
			t.Fatalf("%d was there all the time and is missing; %d of %d came in %d requests", id, len(ids), len(l.items), l.requests)
		}
	}
}

// TestWalkOverChangingLists: whatever changes between two pages, an item that is there all the time is yielded, or
// there is an error; and an error is rare unless much changes.
func TestWalkOverChangingLists(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		req      *ListLiveTranscodeJobsRequest
		filtered bool
	}{
		"newest first": {nil, false},
		"oldest first": {&ListLiveTranscodeJobsRequest{SortBy: SortAscending}, false},
		"by status":    {&ListLiveTranscodeJobsRequest{Status: new(JobStatusInProgress)}, true},
		"by keyword":   {&ListLiveTranscodeJobsRequest{Keyword: "k", SortBy: SortAscending}, true},
	} {
		for _, most := range []int{1, 3, 20, 150} {
			t.Run(fmt.Sprint(name, ", changes ", most), func(t *testing.T) {
				t.Parallel()
				failed, requests, pages := 0, 0, 0
				for seed := range uint64(*walkRuns) {
					if seed == 0 {
						seed = 44 // its list by status grows and shrinks so that one item more would be awaited in vain
					}
					l := newChangingList(seed, rand.New(rand.NewPCG(seed, 1)).IntN(500), tt.filtered)
					l.changes = func(int) {
						for range l.rng.IntN(most + 1) {
							l.change()
						}
					}
					ids, err := l.readJobs(t, tt.req)
					l.check(t, ids, err)
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
					if err != nil {
						failed++
					}
					requests += l.requests
					pages += len(l.steady)/100 + 1
				}
				t.Logf("%d of %d walks failed; %.2f requests a page", failed, *walkRuns, float64(requests)/float64(pages))
				if most <= 3 && failed > *walkRuns/200 {
					t.Errorf("%d of %d walks failed", failed, *walkRuns)
				}
			})
		}
	}
}

// TestWalkOverChanges: changes between two pages of a list of 300 items, which lose none that is there all the time.
func TestWalkOverChanges(t *testing.T) {
	t.Parallel()
	create := func(l *changingList, n int) {
		for range n {
			l.create()
		}
	}
	for name, tt := range map[string]struct {
		filtered bool
		items    int // 0: 300, or 600 of which half match
		change   func(l *changingList, request int)
	}{
		"nothing": {change: func(*changingList, int) {}},
		"a page's worth is created": {change: func(l *changingList, n int) {
			if n == 2 {
				create(l, 100)
			}
		}},
		"three pages' worth": {change: func(l *changingList, n int) {
			if n == 2 {
				create(l, 300)
			}
		}},
		"a page's worth each time": {change: func(l *changingList, n int) {
			if n <= 6 {
				create(l, 100)
			}
		}},
		"the newest is deleted": {change: func(l *changingList, n int) {
			if n == 2 {
				l.remove(0, 1)
			}
		}},
		"the oldest of 200 is deleted": {items: 200, change: func(l *changingList, n int) {
			if n == 2 {
				l.remove(199, 200)
			}
		}},
		"the newest is deleted each time": {change: func(l *changingList, _ int) { l.remove(0, min(1, len(l.items))) }},
		"two are deleted around the edge": {change: func(l *changingList, n int) {
			if n == 2 {
				l.remove(99, 101)
			}
		}},
		"more than a page is deleted": {change: func(l *changingList, n int) {
			if n == 3 {
				l.remove(10, 160)
			}
		}},
		"one is deleted, one created": {change: func(l *changingList, n int) {
			if n == 2 {
				l.remove(50, 51)
				l.create()
			}
		}},
		"all are deleted": {change: func(l *changingList, n int) {
			if n == 2 {
				l.remove(0, len(l.items))
			}
		}},
		"one ceases to match, an older one starts to": {filtered: true, change: func(l *changingList, n int) {
			if n == 2 {
				newest := len(l.items) - 1
				for !l.items[newest].matches {
					newest--
				}
				oldest := 0
				for l.items[oldest].matches {
					oldest++
				}
				l.flip(newest)
				l.flip(oldest)
			}
		}},
	} {
		for _, order := range []SortOrder{SortDescending, SortAscending} {
			t.Run(name+", "+string(order), func(t *testing.T) {
				t.Parallel()
				items := cmp.Or(tt.items, 300)
				jobs, templates := &ListLiveTranscodeJobsRequest{SortBy: order}, &ListLiveTranscodeTemplatesRequest{SortBy: order}
				if tt.filtered {
					items, jobs.Status, templates.Keyword = 600, new(JobStatusInProgress), "k"
				}
				l := newChangingList(1, items, tt.filtered)
				l.changes = func(n int) { tt.change(l, n) }
				ids, err := l.readJobs(t, jobs)
				if l.check(t, ids, err); err != nil {
					t.Errorf("jobs: %v", err)
				}
				l = newChangingList(1, items, tt.filtered)
				l.changes = func(n int) { tt.change(l, n) }
				ids, err = l.readTemplates(t, templates)
				if l.check(t, ids, err); err != nil {
					t.Errorf("templates: %v", err)
				}
			})
		}
	}
}
