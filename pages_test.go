package livetranscode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A listing is a service that has jobs, or templates, in pages.
type listing struct {
	count int
	page  func(no int) (ids []int, total int, err string) // nil: as it should be
	seen  []url.Values
}

func (l *listing) RoundTrip(req *http.Request) (*http.Response, error) {
	q := req.URL.Query()
	l.seen = append(l.seen, q)
	no, _ := strconv.Atoi(q.Get("PageNo"))
	ids, total, code := l.pageOf(no), l.count, ""
	if l.page != nil {
		ids, total, code = l.page(no)
	}
	if code != "" {
		return respondError(400, code)(req)
	}
	items := []map[string]any{}
	for _, id := range ids {
		items = append(items, map[string]any{"JobId": fmt.Sprint(id), "TemplateId": fmt.Sprint(id)})
	}
	body, err := json.Marshal(map[string]any{"RequestId": "r", "TotalCount": total, "JobList": items, "TemplateContentList": items})
	if err != nil {
		return nil, err
	}
	return respond(200, string(body))(req)
}

// pageOf returns a page of 100 as the documentation has it.
func (l *listing) pageOf(no int) []int { return numbers((no-1)*100, min(no*100, l.count)) }

// numbers returns from, from+1, ..., to-1.
func numbers(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// read ranges over all jobs, and over all templates, which must come out the same.
func (l *listing) read(t *testing.T) (ids []int, err error) {
	t.Helper()
	c := clientOver(t, l)
	for job, e := range c.AllLiveTranscodeJobs(t.Context(), nil) {
		if err != nil {
			t.Errorf("something follows the error: %v, %v", job, e)
		}
		if err = e; e != nil {
			if job != nil {
				t.Errorf("job %v comes with the error", job)
			}
			continue
		}
		id, _ := strconv.Atoi(job.JobID)
		ids = append(ids, id)
	}
	requests := len(l.seen)
	var templates []int
	var templatesErr error
	for template, e := range c.AllLiveTranscodeTemplates(t.Context(), nil) {
		if templatesErr = e; e == nil {
			id, _ := strconv.Atoi(template.TemplateID)
			templates = append(templates, id)
		}
	}
	if !slices.Equal(templates, ids) || (templatesErr == nil) != (err == nil) || len(l.seen) != 2*requests {
		t.Errorf("there are %d templates (%v) after %d requests, and %d jobs (%v) after %d",
			len(templates), templatesErr, len(l.seen)-requests, len(ids), err, requests)
	}
	l.seen = l.seen[:requests]
	return ids, err
}

func TestWalkIsComplete(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 1, 99, 100, 101, 199, 200, 201, 1000} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			l := &listing{count: count}
			ids, err := l.read(t)
			if err != nil || !slices.Equal(ids, numbers(0, count)) {
				t.Errorf("%d jobs came, want %d; the error is %v", len(ids), count, err)
			}
			if most := count/100 + 1; len(l.seen) > most {
				t.Errorf("%d requests were sent, want at most %d", len(l.seen), most)
			}
			for i, q := range l.seen {
				want := url.Values{"PageNo": {fmt.Sprint(i + 1)}, "PageSize": {"100"}, "SortBy": {"desc"}}
				if i == 0 && !q.Has("PageNo") {
					delete(want, "PageNo") // 1 is the default
				}
				if diff := cmp.Diff(want, q); diff != "" {
					t.Errorf("request %d (-want +got)\n%s", i+1, diff)
				}
			}
		})
	}
}

// TestWalkOnOddServices: whatever the service does, the walk ends, yields each id once, and all that it saw.
func TestWalkOnOddServices(t *testing.T) {
	t.Parallel()
	sound := listing{count: 250}
	for name, tt := range map[string]struct {
		page     func(no int) ([]int, int, string)
		want     []int
		requests int // at most
	}{
		"ignores the number":    {func(int) ([]int, int, string) { return numbers(0, 100), 250, "" }, numbers(0, 100), 2},
		"ignores it, short":     {func(int) ([]int, int, string) { return numbers(0, 10), 250, "" }, numbers(0, 10), 2},
		"repeats the last page": {func(no int) ([]int, int, string) { return sound.pageOf(min(no, 3)), 1000, "" }, numbers(0, 250), 4},
		"counts too low":        {func(no int) ([]int, int, string) { return sound.pageOf(no), 7, "" }, numbers(0, 250), 4},
		"counts nothing":        {func(no int) ([]int, int, string) { return sound.pageOf(no), 0, "" }, numbers(0, 250), 4},
		"counts a negative":     {func(no int) ([]int, int, string) { return sound.pageOf(no), -1, "" }, numbers(0, 250), 4},
		"counts too high":       {func(no int) ([]int, int, string) { return sound.pageOf(no), math.MaxInt, "" }, numbers(0, 250), 4},
		"smaller pages":         {func(no int) ([]int, int, string) { return numbers((no-1)*50, min(no*50, 250)), 250, "" }, numbers(0, 250), 6},
		"larger pages":          {func(no int) ([]int, int, string) { return numbers((no-1)*200, min(no*200, 250)), 250, "" }, numbers(0, 250), 3},
		"a new one before page 2": {func(no int) ([]int, int, string) {
			return numbers(max(0, (no-1)*100-1), min(no*100-min(1, no-1), 250)), 251, ""
		}, numbers(0, 250), 4},
		"fifty new ones": {func(no int) ([]int, int, string) {
			return numbers(max(0, (no-1)*50), min((no-1)*50+100, 250)), 250 + no*50, ""
		}, numbers(0, 250), 6},
		"an old one goes": {func(no int) ([]int, int, string) {
			return map[int][]int{1: numbers(0, 100), 2: numbers(101, 201), 3: numbers(201, 250)}[no], 249, ""
		}, append(numbers(0, 100), numbers(101, 250)...), 4},
		"the same twice in a page": {func(no int) ([]int, int, string) { return append(numbers(0, 5), numbers(0, 5)...), 10, "" }, numbers(0, 5), 2},
		"empty page before the end": {func(no int) ([]int, int, string) {
			return map[int][]int{1: numbers(0, 100), 3: numbers(100, 150)}[no], 150, ""
		}, numbers(0, 100), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &listing{page: tt.page}
			ids, err := l.read(t)
			if err != nil || !slices.Equal(ids, tt.want) {
				t.Errorf("the jobs are %v, want %v; the error is %v", ids, tt.want, err)
			}
			if len(l.seen) > tt.requests {
				t.Errorf("%d requests were sent, want at most %d", len(l.seen), tt.requests)
			}
		})
	}
}

// TestWalkError: what came before the error was yielded, then the error, once.
func TestWalkError(t *testing.T) {
	t.Parallel()
	for failing, want := range map[int]int{1: 0, 2: 100, 3: 200} {
		l := &listing{page: func(no int) ([]int, int, string) {
			if no == failing {
				return nil, 0, "Forbidden.RAM"
			}
			return numbers((no-1)*100, no*100), 1000, ""
		}}
		ids, err := l.read(t)
		if !errors.Is(err, ErrForbidden) || len(ids) != want {
			t.Errorf("%d jobs came before the error %v, want %d", len(ids), err, want)
		}
		if api, ok := errors.AsType[*APIError](err); !ok || api.Operation != "ListLiveTranscodeJobs" {
			t.Errorf("the error is %#v", err)
		}
		if len(l.seen) != failing {
			t.Errorf("%d requests were sent, want %d", len(l.seen), failing)
		}
	}
}

// TestWalkIsLazy: pages are asked for as they are needed, and each range starts afresh.
func TestWalkIsLazy(t *testing.T) {
	t.Parallel()
	l := &listing{count: 250}
	all := clientOver(t, l).AllLiveTranscodeJobs(t.Context(), nil)
	if len(l.seen) != 0 {
		t.Error("a request was sent before the first range")
	}
	for _, stop := range []int{1, 100, 101, 250} {
		l.seen = nil
		n := 0
		for job, err := range all {
			if err != nil || job.JobID != fmt.Sprint(n) {
				t.Fatalf("job %d is %v; the error is %v", n, job, err)
			}
			if n++; n == stop {
				break
			}
		}
		if want := (stop + 99) / 100; len(l.seen) != want {
			t.Errorf("%d requests were sent for %d jobs, want %d", len(l.seen), stop, want)
		}
	}
}

// TestWalkKeepsTheRequest: the caller's filters are used, its paging is not, and it stays as it is.
func TestWalkKeepsTheRequest(t *testing.T) {
	t.Parallel()
	jobs := func() *ListLiveTranscodeJobsRequest {
		return &ListLiveTranscodeJobsRequest{
			Type: TemplateTypeNormal, StartMode: new(StartModeImmediate), Status: new(JobStatusNotStarted),
			PageNo: 7, PageSize: 3, SortBy: SortAscending, Keyword: "task",
		}
	}
	templates := func() *ListLiveTranscodeTemplatesRequest {
		return &ListLiveTranscodeTemplatesRequest{
			Type: TemplateTypeNormal, PageNo: 7, PageSize: 3, SortBy: SortAscending, Keyword: "task", Category: TemplateCategorySystem,
		}
	}
	l := &listing{count: 150}
	c := clientOver(t, l)
	jobsReq, templatesReq := jobs(), templates()
	for _, err := range c.AllLiveTranscodeJobs(t.Context(), jobsReq) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range c.AllLiveTranscodeTemplates(t.Context(), templatesReq) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(jobs(), jobsReq); diff != "" {
		t.Errorf("the request was changed (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(templates(), templatesReq); diff != "" {
		t.Errorf("the request was changed (-want +got)\n%s", diff)
	}
	if len(l.seen) != 4 {
		t.Fatalf("%d requests were sent, want 4", len(l.seen))
	}
	common := url.Values{"Type": {"normal"}, "PageSize": {"100"}, "SortBy": {"asc"}, "KeyWord": {"task"}}
	for i, own := range []url.Values{{"StartMode": {"0"}, "Status": {"0"}}, {"Category": {"system"}}} {
		for no := 1; no <= 2; no++ {
			want := url.Values{"PageNo": {fmt.Sprint(no)}}
			for _, values := range []url.Values{common, own} {
				for key, value := range values {
					want[key] = value
				}
			}
			if diff := cmp.Diff(want, l.seen[2*i+no-1]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	}
}
