package livetranscode

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-querystring/query"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// sentQuery returns the action and the parameters of the one request that call sends.
func sentQuery(t *testing.T, call func(context.Context, *Client) error) (action string, values url.Values) {
	t.Helper()
	sent := 0
	client := clientOver(t, respondTo(func(req *http.Request) string {
		sent++
		action, values = req.Header.Get(acs3.HeaderAction), req.URL.Query()
		return `{"RequestId":"R","JobId":"J","TemplateId":"T","Job":{},"TemplateContent":{},"TotalCount":0}`
	}))
	if err := call(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if sent != 1 {
		t.Fatalf("%d requests, want 1", sent)
	}
	return action, values
}

// A queryTest is a call with the parameters that it sends.
type queryTest struct {
	name, action string
	call         func(context.Context, *Client) error
	want         url.Values
}

func checkQueries(t *testing.T, tests []queryTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			action, values := sentQuery(t, test.call)
			if action != test.action {
				t.Errorf("action %s, want %s", action, test.action)
			}
			if diff := cmp.Diff(test.want, values); diff != "" {
				t.Errorf("parameters:\n%s", diff)
			}
		})
	}
}

// TestJobQueries checks queries that testdata/requests does not have.
func TestJobQueries(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("CST", 8*60*60)
	schedule := &TimedConfig{
		StartTime: time.Date(2022, 7, 20, 10, 48, 58, 999_999_999, east),
		EndTime:   time.Date(2022, 7, 20, 4, 0, 0, 1, time.UTC),
	}
	submit := func(req SubmitLiveTranscodeJobRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.SubmitLiveTranscodeJob(ctx, &req); return err }
	}
	update := func(req UpdateLiveTranscodeJobRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.UpdateLiveTranscodeJob(ctx, &req); return err }
	}
	list := func(req *ListLiveTranscodeJobsRequest) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error { _, err := c.ListLiveTranscodeJobs(ctx, req); return err }
	}
	checkQueries(t, []queryTest{
		{
			"get", "GetLiveTranscodeJob",
			func(ctx context.Context, c *Client) error {
				_, err := c.GetLiveTranscodeJob(ctx, " ****20b4+/&=中**** ")
				return err
			},
			url.Values{"JobId": {" ****20b4+/&=中**** "}}, // ids are opaque: passed on as they are
		},
		{"list, no filter", "ListLiveTranscodeJobs", list(&ListLiveTranscodeJobsRequest{}), url.Values{}},
		{
			"list, values of the future", "ListLiveTranscodeJobs",
			list(&ListLiveTranscodeJobsRequest{StartMode: new(StartMode(7)), Status: new(JobStatus(7))}),
			url.Values{"StartMode": {"7"}, "Status": {"7"}},
		},
		{
			"submit, other types and characters", "SubmitLiveTranscodeJob",
			submit(SubmitLiveTranscodeJobRequest{
				Name: "a & b", TemplateID: "T", StartMode: StartModeTimed,
				StreamInput:     StreamInput{Type: "srt", InputURL: `rtmp://h/a/s?k=<1>&l="2"中`},
				TranscodeOutput: TranscodeOutput{Type: "Other", DomainName: "d.example"},
				TimedConfig:     schedule,
			}),
			url.Values{
				"Name": {"a & b"}, "TemplateId": {"T"}, "StartMode": {"1"},
				"StreamInput":     {`{"Type":"srt","InputUrl":"rtmp://h/a/s?k=<1>&l=\"2\"中"}`}, // nothing is escaped for HTML
				"TranscodeOutput": {`{"Type":"Other","DomainName":"d.example"}`},
				"TimedConfig":     {`{"StartTime":"2022-07-20T02:48:58Z","EndTime":"2022-07-20T04:00:00Z"}`},
			},
		},
		{
			"submit, no end", "SubmitLiveTranscodeJob",
			submit(SubmitLiveTranscodeJobRequest{
				Name: "n", TemplateID: "T", StartMode: StartModeTimed, StreamInput: StreamInput{InputURL: "u"},
				TimedConfig: &TimedConfig{StartTime: schedule.StartTime},
			}),
			url.Values{
				"Name": {"n"}, "TemplateId": {"T"}, "StartMode": {"1"},
				"StreamInput":     {`{"Type":"rtmp","InputUrl":"u"}`},
				"TranscodeOutput": {`{"Type":"LiveCenter"}`},
				"TimedConfig":     {`{"StartTime":"2022-07-20T02:48:58Z"}`},
			},
		},
		{"update, nothing", "UpdateLiveTranscodeJob", update(UpdateLiveTranscodeJobRequest{JobID: "J"}), url.Values{"JobId": {"J"}}},
	})
}

// A call changes nothing of the caller's: not to fill in a Type, nor to bring a time to UTC.
func TestRequestsAreNotChanged(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("CST", 8*60*60)
	start := time.Date(2022, 7, 20, 10, 48, 58, 999, east)
	make1 := func() *SubmitLiveTranscodeJobRequest {
		return &SubmitLiveTranscodeJobRequest{
			Name: "n", TemplateID: "T", StartMode: StartModeTimed, StreamInput: StreamInput{InputURL: "u"},
			TimedConfig: &TimedConfig{StartTime: start},
		}
	}
	make2 := func() *UpdateLiveTranscodeJobRequest {
		return &UpdateLiveTranscodeJobRequest{
			JobID: "J", StreamInput: &StreamInput{InputURL: "u"}, TranscodeOutput: &TranscodeOutput{DomainName: "d"},
			TimedConfig: &TimedConfig{StartTime: start},
		}
	}
	submit, update := make1(), make2()
	sentQuery(t, func(ctx context.Context, c *Client) error {
		_, err := c.SubmitLiveTranscodeJob(ctx, submit)
		return err
	})
	sentQuery(t, func(ctx context.Context, c *Client) error {
		_, err := c.UpdateLiveTranscodeJob(ctx, update)
		return err
	})
	// reflect.DeepEqual, unlike cmp, also sees the zone of a time.
	if !reflect.DeepEqual(submit, make1()) {
		t.Errorf("Submit changed its request: %+v", submit)
	}
	if !reflect.DeepEqual(update, make2()) {
		t.Errorf("Update changed its request: %+v", update)
	}
}

// V11 from end to end: from the request struct to the signature.
func TestSubmitVector(t *testing.T) {
	t.Parallel()
	values, err := query.Values(&SubmitLiveTranscodeJobRequest{
		Name: "task1", TemplateID: "****96e8864746a0b6f3****",
		StreamInput:     StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := signable(t, "https://ice.cn-shanghai.aliyuncs.com/?"+acs3.EncodeQuery(values))
	req.Header.Set(acs3.HeaderAction, "SubmitLiveTranscodeJob")
	var signer Signer
	if err := signer.Sign(req, nil, signerCreds, signerTime, "nonce-0004"); err != nil {
		t.Fatal(err)
	}
	const want = "3a8353df4f81d55f9d465dc919485ec90382a2707b67382221eedd425f490b37"
	if !strings.HasSuffix(req.Header.Get("Authorization"), ",Signature="+want) {
		t.Errorf("Authorization %s, want signature %s, of query\n%s", req.Header.Get("Authorization"), want, req.URL.RawQuery)
	}
}
