package livetranscode

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// A listing is a service that has jobs, or templates, in pages.
type listing struct {
	count int
	page  func(no int) (ids []int, total int, err string) // nil: as it should be
	seen  []url.Values
}

func (l *listing) respond(req *http.Request) (*http.Response, error) {
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
	return respond(200, pageJSON(req, ids, total))(req)
}

// pageJSON is the response to a List of jobs or templates with some ids.
func pageJSON(req *http.Request, ids []int, total int) string {
	name := "JobList"
	if strings.HasSuffix(req.Header.Get(acs3.HeaderAction), "Templates") {
		name = "TemplateContentList"
	}
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = fmt.Sprintf(`{"JobId":"%d","TemplateId":"%[1]d"}`, id)
	}
	return fmt.Sprintf(`{"RequestId":"r","TotalCount":%d,%q:[%s]}`, total, name, strings.Join(items, ","))
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

// readJobs ranges over all jobs.
func (l *listing) readJobs(t *testing.T) (ids []int, err error) {
	t.Helper()
	c := clientOver(t, step(l.respond))
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
	return ids, err
}

// read ranges over all jobs, and over all templates, which must come out the same.
func (l *listing) read(t *testing.T) (ids []int, err error) {
	t.Helper()
	ids, err = l.readJobs(t)
	c := clientOver(t, step(l.respond))
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

// TestWalkOnFaultyServices: whatever the service does, the iterator ends and yields each id once, and all that it saw.
// It yields an error if the service counts more items.
func TestWalkOnFaultyServices(t *testing.T) {
	t.Parallel()
	sound := listing{count: 250}
	for name, tt := range map[string]struct {
		page func(no int) ([]int, int, string)
		want []int
		err  bool
	}{
		"ignores the page number":    {func(int) ([]int, int, string) { return numbers(0, 100), 250, "" }, numbers(0, 100), true},
		"ignores it, pages of 10":    {func(int) ([]int, int, string) { return numbers(0, 10), 250, "" }, numbers(0, 10), true},
		"ignores it, counts nothing": {func(int) ([]int, int, string) { return numbers(0, 100), 0, "" }, numbers(0, 100), false},
		"ignores it, counts more and more": {func() func(int) ([]int, int, string) {
			total := 0
			return func(int) ([]int, int, string) { total += 1000; return numbers(0, 100), total, "" }
		}(), numbers(0, 100), true},
		"repeats the last page":         {func(no int) ([]int, int, string) { return sound.pageOf(min(no, 3)), 250, "" }, numbers(0, 250), false},
		"repeats it, counts too high":   {func(no int) ([]int, int, string) { return sound.pageOf(min(no, 3)), 1000, "" }, numbers(0, 250), true},
		"counts too low":                {func(no int) ([]int, int, string) { return sound.pageOf(no), 7, "" }, numbers(0, 250), false},
		"counts nothing":                {func(no int) ([]int, int, string) { return sound.pageOf(no), 0, "" }, numbers(0, 250), false},
		"counts a negative":             {func(no int) ([]int, int, string) { return sound.pageOf(no), -1, "" }, numbers(0, 250), false},
		"counts too high":               {func(no int) ([]int, int, string) { return sound.pageOf(no), math.MaxInt32, "" }, numbers(0, 250), true},
		"counts on the first page only": {func(no int) ([]int, int, string) { return sound.pageOf(no), max(0, 250*(2-no)), "" }, numbers(0, 250), false},
		"smaller pages":                 {func(no int) ([]int, int, string) { return numbers((no-1)*50, min(no*50, 250)), 250, "" }, numbers(0, 250), false},
		"larger pages":                  {func(no int) ([]int, int, string) { return numbers((no-1)*200, min(no*200, 250)), 250, "" }, numbers(0, 250), false},
		"the same twice in a page":      {func(int) ([]int, int, string) { return append(numbers(0, 5), numbers(0, 5)...), 5, "" }, numbers(0, 5), false},
		"loses the second page": {func(no int) ([]int, int, string) {
			return map[int][]int{1: numbers(0, 100)}[no], 150, ""
		}, numbers(0, 100), true},
		"loses a page, and finds it": {func() func(int) ([]int, int, string) {
			lost := false
			return func(no int) ([]int, int, string) {
				if no%3 == 2 && !lost {
					lost = true
					return nil, 250, ""
				}
				return sound.pageOf(no), 250, ""
			}
		}(), append(append(numbers(0, 100), numbers(200, 250)...), numbers(100, 200)...), false},
		"an unstable order": {func() func(int) ([]int, int, string) {
			swapped := false
			return func(no int) ([]int, int, string) {
				ids := sound.pageOf(no)
				if no == 2 && !swapped {
					swapped, ids[0] = true, 99 // which was on page 1 already
				}
				return ids, 250, ""
			}
		}(), append(append(numbers(0, 100), numbers(101, 250)...), 100), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &listing{page: tt.page}
			ids, err := l.readJobs(t)
			if !slices.Equal(ids, tt.want) || (err != nil) != tt.err || err != nil && !errors.Is(err, ErrBadResponse) {
				t.Errorf("the jobs are %v, want %v; the error is %v", ids, tt.want, err)
			}
			if len(l.seen) > 30 {
				t.Errorf("%d requests were sent", len(l.seen))
			}
		})
	}
}

// TestWalkMalformedItems: malformed items lose nothing but what is malformed.
func TestWalkMalformedItems(t *testing.T) {
	t.Parallel()
	const body = `{"TotalCount":"","JobList":[{"JobId":"a","StartMode":"","Status":"x","OutputStream":""},7,{"JobId":"a"},{"Name":1.0},{"JobId":["b"]},{"JobId":"c"}]}`
	var got []string
	for job, err := range clientOver(t, newScript(respond(200, body))).AllLiveTranscodeJobs(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, job.JobID+job.Name)
	}
	if want := []string{"a", "", "1.0", "", "c"}; !slices.Equal(got, want) {
		t.Errorf("the jobs are %q, want %q", got, want)
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

// TestWalkIsLazy: pages are requested as they are needed, and each range starts again.
func TestWalkIsLazy(t *testing.T) {
	t.Parallel()
	l := &listing{count: 250}
	all := clientOver(t, step(l.respond)).AllLiveTranscodeJobs(t.Context(), nil)
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

// TestWalkIgnoredPageSize: a long list is read once and to its end on a service that always sends pages of 100.
func TestWalkIgnoredPageSize(t *testing.T) {
	t.Parallel()
	l := &listing{page: func(no int) ([]int, int, string) {
		return numbers(min((no-1)*100, 20_000), min(no*100, 20_000)), 20_000, ""
	}}
	var ids []int
	filtered := &ListLiveTranscodeJobsRequest{Status: new(JobStatusInProgress)} // with pages that overlap, if it can be
	for job, err := range clientOver(t, step(l.respond)).AllLiveTranscodeJobs(t.Context(), filtered) {
		if err != nil {
			t.Fatal(err)
		}
		id, _ := strconv.Atoi(job.JobID)
		ids = append(ids, id)
	}
	if !slices.Equal(ids, numbers(0, 20_000)) {
		t.Errorf("%d jobs", len(ids))
	}
	if len(l.seen) > 201 {
		t.Errorf("%d requests were sent", len(l.seen))
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
	c := clientOver(t, step(l.respond))
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
			if no == 2 { // such a list can grow and shrink anywhere: pages overlap
				want["PageSize"] = []string{"99"}
			}
			for _, values := range []url.Values{common, own} {
				for key, value := range values {
					if want[key] == nil {
						want[key] = value
					}
				}
			}
			if diff := cmp.Diff(want, l.seen[2*i+no-1]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	}
}
