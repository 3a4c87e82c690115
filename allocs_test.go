package livetranscode

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// cannedAnswer is a transport that has the answer ready, with five allocations.
type cannedAnswer []byte

func (a cannedAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(a)), Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(a)),
	}, nil
}

// TestCallAllocations gates what calls allocate, the canned transport's share included: upper bounds, to be
// lowered when they can be. It is not parallel, for testing.AllocsPerRun counts the whole process.
//
//nolint:paralleltest // see above
func TestCallAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	job := strings.TrimSuffix(strings.SplitN(documentedJob, `"Job":`, 2)[1], "}")
	jobs := make([]string, 100)
	for i := range jobs {
		jobs[i] = strings.ReplaceAll(job, "20b48fb04483915d4f2cd8ac", fmt.Sprintf("%024d", i))
	}
	page := `{"RequestId":"r","TotalCount":100,"JobList":[` + strings.Join(jobs, ",") + `]}`
	client := func(answer string) *Client {
		c, err := NewClient(
			WithCredentials(StaticCredentials("testid", "testsecret", "")),
			WithHTTPClient(&http.Client{Transport: cannedAnswer(answer)}))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	get, list := client(documentedJob), client(page)
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		most float64
		call func() error
	}{
		{"GetLiveTranscodeJob", 31, func() error { _, err := get.GetLiveTranscodeJob(ctx, "job"); return err }},
		{"ListLiveTranscodeJobs, 100 jobs", 440, func() error { _, err := list.ListLiveTranscodeJobs(ctx, nil); return err }},
	} {
		n := testing.AllocsPerRun(200, func() {
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %v allocations", tt.name, n)
		if n > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, n, tt.most)
		}
	}
}
