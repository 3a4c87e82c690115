package livetranscode

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// TestRequestOnTheWire shows the bytes of the mission's call.
func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	w := newRawServer(t, func(int, string) (string, connectionEnd) { return rawResponse(200, documentedJob), keepOpen })
	c := w.client(t, WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)), WithUserAgent("product/1.4"))
	const jobID = "****20b4 8f+/=&*~ü"
	if _, err := c.GetLiveTranscodeJob(t.Context(), jobID); err != nil {
		t.Fatal(err)
	}
	heads, _ := w.seen()
	lines := strings.Split(strings.TrimSuffix(heads[0], "\r\n\r\n"), "\r\n")
	if want := "POST /?JobId=%2A%2A%2A%2A20b4%208f%2B%2F%3D%26%2A~%C3%BC HTTP/1.1"; lines[0] != want {
		t.Errorf("the request line is %q, want %q", lines[0], want)
	}
	sent := make(map[string]string)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if _, twice := sent[strings.ToLower(name)]; twice {
			t.Errorf("header %s is sent twice", name)
		}
		sent[strings.ToLower(name)] = value
	}
	patterns := map[string]string{
		"host":                  regexp.QuoteMeta(strings.TrimPrefix(w.url, "http://")),
		"user-agent":            `livetranscode-go/\S+ \(.+\) go\S+.* product/1\.4`,
		"content-length":        "0",
		"accept":                "application/json",
		"accept-encoding":       "gzip",
		"x-acs-action":          "GetLiveTranscodeJob",
		"x-acs-version":         "2020-11-09",
		"x-acs-date":            `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`,
		"x-acs-signature-nonce": `[A-Z2-7]{26}`,
		"x-acs-content-sha256":  acs3.EmptyBodyHash,
		"x-acs-security-token":  regexp.QuoteMeta(testToken),
		"authorization": "ACS3-HMAC-SHA256 Credential=" + testKeyID + ",SignedHeaders=host;x-acs-action;x-acs-content-sha256;" +
			"x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version,Signature=[0-9a-f]{64}",
	}
	for name, pattern := range patterns {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(sent[name]) {
			t.Errorf("header %s is %q, want %s", name, sent[name], pattern)
		}
	}
	for name := range sent {
		if patterns[name] == "" {
			t.Errorf("header %s is sent, which the service does not ask for", name)
		}
	}
}

// TestEveryOperationOnTheWire checks what all requests share, and that what was signed is what travelled.
func TestEveryOperationOnTheWire(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return rawResponse(200, op.success), keepOpen })
			if err := op.call(t.Context(), w.client(t)); err != nil {
				t.Fatal(err)
			}
			heads, _ := w.seen()
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(heads[0])))
			if err != nil {
				t.Fatal(err)
			}
			if req.Method != "POST" || req.Proto != "HTTP/1.1" || req.URL.Path != "/" || !strings.Contains(heads[0], "\r\nContent-Length: 0\r\n") {
				t.Errorf("the request starts with %q", heads[0])
			}
			if _, ok := req.Header["Content-Type"]; ok {
				t.Error("Content-Type is sent without a body")
			}
			if got := req.Header.Get("x-acs-action"); got != op.name {
				t.Errorf("x-acs-action is %q", got)
			}
			at, err := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("x-acs-date is %q", req.Header.Get("x-acs-date"))
			}
			travelled, authorization := req.URL.RawQuery, req.Header.Get("Authorization")
			creds := Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}
			if err := new(Signer).Sign(req, nil, creds, at, req.Header.Get("x-acs-signature-nonce")); err != nil {
				t.Fatal(err)
			}
			if req.URL.RawQuery != travelled {
				t.Errorf("the query %q travels, not its canonical form %q", travelled, req.URL.RawQuery)
			}
			if got := req.Header.Get("Authorization"); got != authorization {
				t.Errorf("Authorization is %q; signing what arrived gives %q", authorization, got)
			}
		})
	}
}

func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 8
	var opened atomic.Int32
	var gates [rounds]chan struct{} // closed when every caller has its request of the round in flight
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	var arrived atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		n := int(arrived.Add(1))
		gate := gates[(n-1)/callers]
		if n%callers == 0 {
			close(gate)
		}
		<-gate
		fmt.Fprint(rw, documentedJob)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c, err := NewClient(WithEndpoint(server.URL), WithCredentials(StaticCredentials(testKeyID, testSecret, "")), attempts(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	for range rounds { // between rounds all connections are idle at once
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if err := getJob(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if got := opened.Load(); got != callers {
		t.Errorf("%d callers opened %d connections", callers, got)
	}
}

// TestConnectionIsReusedAfterErrors: the body of an error is read to its end.
func TestConnectionIsReusedAfterErrors(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("<p>sorry</p>\n", 4000) // 52 KB
	answers := []string{
		rawResponse(404, errorBodyJSON("InvalidParameter.ResourceNotFound", "no such job")),
		rawResponse(500, ""),
		rawResponse(502, page, "Content-Type", "text/html"),
		"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		rawResponse(302, "moved", "Location", "/elsewhere"),
		rawResponse(200, `{"RequestId":"r"`),
		rawResponse(200, ""),
		"HTTP/1.1 204 No Content\r\n\r\n",
		rawResponse(200, documentedJob),
	}
	w := newRawServer(t, func(n int, _ string) (string, connectionEnd) { return answers[n%len(answers)], keepOpen })
	c := w.client(t, attempts(1))
	for range len(answers) - 1 {
		if err := getJob(t.Context(), c); err == nil {
			t.Error("an error was taken for a success")
		}
	}
	if err := getJob(t.Context(), c); err != nil {
		t.Error(err)
	}
	if _, conns := w.seen(); conns != 1 {
		t.Errorf("%d connections were opened, want 1", conns)
	}
}

// TestNoRedirectIsFollowed: a redirect would carry the signature, and the security token, to who knows whom.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		fmt.Fprint(rw, documentedJob)
	}))
	t.Cleanup(other.Close)
	willing := &http.Client{
		Transport:     new(http.Transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}
	t.Cleanup(willing.CloseIdleConnections)
	t.Run("group", func(t *testing.T) { // ends before elsewhere is read
		for _, status := range []int{301, 302, 303, 307, 308} {
			for name, location := range map[string]string{
				"other host": other.URL + "/", "no scheme": strings.TrimPrefix(other.URL, "http:"), "same host": "/?JobId=again", "nowhere": "",
			} {
				for transport, opt := range map[string]Option{"own": nil, "given": WithHTTPClient(willing)} {
					t.Run(fmt.Sprint(status, " ", name, " ", transport), func(t *testing.T) {
						t.Parallel()
						w := newRawServer(t, func(int, string) (string, connectionEnd) {
							return rawResponse(status, "moved", "Location", location, "X-Acs-Request-Id", "header-id"), keepOpen
						})
						err := getJob(t.Context(), w.client(t, opt))
						api, ok := errors.AsType[*APIError](err)
						if !ok || !errors.Is(err, ErrBadResponse) || api.StatusCode != status || api.RequestID != "header-id" || api.Attempts != 1 {
							t.Errorf("the error is %#v, want an *APIError that is ErrBadResponse", err)
						}
						if !strings.Contains(err.Error(), "check the endpoint, 127.0.0.1:") {
							t.Errorf("the error %q does not say what to check", err)
						}
						if heads, _ := w.seen(); len(heads) != 1 {
							t.Errorf("%d requests were sent, want 1", len(heads))
						}
					})
				}
			}
		}
	})
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went to another host", n)
	}
}

// TestSwitchingProtocols: after such an answer net/http hands over the bare connection, on which no context
// has power. Reading on would never end.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	w := newRawServer(t, func(int, string) (string, connectionEnd) {
		return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", stallConn
	})
	done := make(chan error, 1)
	go func() { done <- getJob(t.Context(), w.client(t, attempts(1))) }()
	select {
	case err := <-done:
		if !errors.Is(err, ErrBadResponse) {
			t.Errorf("the error is %v, want ErrBadResponse", err)
		}
	case <-time.After(2 * time.Second):
		t.Error("the call hangs")
		w.close()
		<-done
	}
}

// TestGivenClientIsNotChanged: options copy what they are given.
func TestGivenClientIsNotChanged(t *testing.T) {
	t.Parallel()
	rt := newScript(respond(200, documentedJob))
	hc := &http.Client{Transport: rt, Timeout: time.Minute}
	before := *hc
	c := clientOver(t, nil, WithHTTPClient(hc))
	hc.Transport = newScript(failWith(errors.New("must not be used"))) // the client has its copy
	if err := getJob(t.Context(), c); err != nil {
		t.Error(err)
	}
	hc.Transport = rt
	if hc.Timeout != before.Timeout || hc.CheckRedirect != nil || hc.Jar != nil {
		t.Error("the given client was changed")
	}
}

// TestCallsThroughHTTPMock runs each operation on a mock that tells them apart by x-acs-action.
func TestCallsThroughHTTPMock(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	for _, op := range allOperations {
		mock.RegisterMatcherResponder("POST", "https://ice.cn-shanghai.aliyuncs.com/",
			httpmock.HeaderIs("x-acs-action", op.name), httpmock.NewStringResponder(200, op.success))
	}
	c := clientOver(t, mock)
	for _, op := range allOperations {
		if err := op.call(t.Context(), c); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	if got := mock.GetTotalCallCount(); got != len(allOperations) {
		t.Errorf("%d requests were sent, want %d", got, len(allOperations))
	}
}

// TestRefusedBeforeSending: what cannot be meant costs no request and no credentials.
func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	submit := func(change func(*SubmitLiveTranscodeJobRequest)) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			req := &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: "rtmp://d/a/s"}}
			change(req)
			_, err := c.SubmitLiveTranscodeJob(ctx, req)
			return err
		}
	}
	tests := map[string]struct {
		operation, field string
		call             func(context.Context, *Client) error
	}{
		"no job id": {"GetLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) error {
			resp, err := c.GetLiveTranscodeJob(ctx, "")
			if resp != nil {
				t.Error("there is an answer beside the error")
			}
			return err
		}},
		"delete nothing": {"DeleteLiveTranscodeJob", "JobID", func(ctx context.Context, c *Client) error {
			_, err := c.DeleteLiveTranscodeJob(ctx, "")
			return err
		}},
		"no command": {"SendLiveTranscodeJobCommand", "Command", func(ctx context.Context, c *Client) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, "j", "")
			return err
		}},
		"page too large": {"ListLiveTranscodeJobs", "PageSize", func(ctx context.Context, c *Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{PageSize: 101})
			return err
		}},
		"unknown status": {"ListLiveTranscodeJobs", "Status", func(ctx context.Context, c *Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, &ListLiveTranscodeJobsRequest{Status: new(JobStatusUnknown)})
			return err
		}},
		"nil submit": {"SubmitLiveTranscodeJob", "req", func(ctx context.Context, c *Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, nil)
			return err
		}},
		"no name":  {"SubmitLiveTranscodeJob", "Name", submit(func(r *SubmitLiveTranscodeJobRequest) { r.Name = "" })},
		"no input": {"SubmitLiveTranscodeJob", "StreamInput.InputURL", submit(func(r *SubmitLiveTranscodeJobRequest) { r.StreamInput.InputURL = "" })},
		"no schedule": {"SubmitLiveTranscodeJob", "TimedConfig", submit(func(r *SubmitLiveTranscodeJobRequest) {
			r.StartMode = StartModeTimed
		})},
		"nil update": {"UpdateLiveTranscodeJob", "req", func(ctx context.Context, c *Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, nil)
			return err
		}},
		"no template id": {"GetLiveTranscodeTemplate", "TemplateID", func(ctx context.Context, c *Client) error {
			_, err := c.GetLiveTranscodeTemplate(ctx, "")
			return err
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(respond(200, documentedJob))
			asked := false
			c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				asked = true
				return Credentials{}, errors.New("must not be asked")
			})))
			err := tt.call(t.Context(), c)
			param, ok := errors.AsType[*ParamError](err)
			if !ok || param.Operation != tt.operation || param.Field != tt.field || !errors.Is(err, ErrInvalidRequest) {
				t.Errorf("the error is %#v, want a *ParamError of %s.%s", err, tt.operation, tt.field)
			}
			if asked {
				t.Error("the provider was asked")
			}
			rt.wantRequests(t, 0)
		})
	}
}

// TestOddTransports: a transport that breaks its contract is an error and no panic.
func TestOddTransports(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]step{
		"neither answer nor error": func(*http.Request) (*http.Response, error) { return nil, nil },
		"no body": func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := getJob(t.Context(), clientOver(t, newScript(next), attempts(1))); err == nil {
				t.Error("there is no error")
			}
		})
	}
}

// TestQueriesOfLists: filters for which 0 is real are sent, the rest is left out.
func TestQueriesOfLists(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		req  *ListLiveTranscodeJobsRequest
		want url.Values
	}{
		{nil, url.Values{}},
		{
			&ListLiveTranscodeJobsRequest{Status: new(JobStatusNotStarted), StartMode: new(StartModeImmediate)},
			url.Values{"Status": {"0"}, "StartMode": {"0"}},
		},
		{
			&ListLiveTranscodeJobsRequest{Type: "normal", PageNo: 2, PageSize: 50, SortBy: SortAscending, KeyWord: "a b"},
			url.Values{"Type": {"normal"}, "PageNo": {"2"}, "PageSize": {"50"}, "SortBy": {"asc"}, "KeyWord": {"a b"}},
		},
	} {
		rt := newScript(respond(200, `{"RequestId":"r","TotalCount":0,"JobList":[]}`))
		if _, err := clientOver(t, rt).ListLiveTranscodeJobs(t.Context(), tt.req); err != nil {
			t.Error(err)
			continue
		}
		raw := rt.requests(t)[0].query
		got, err := url.ParseQuery(raw)
		if err != nil || !maps.EqualFunc(got, tt.want, slices.Equal) {
			t.Errorf("the query is %q, want %v", cmp.Or(raw, "empty"), tt.want)
		}
		if strings.Contains(raw, "+") {
			t.Errorf("the query %q has a + for a space", raw)
		}
	}
}
