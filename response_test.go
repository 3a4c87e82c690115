package livetranscode

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUsableResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step      step
		requestID string
		status    JobStatus
	}{
		"request id from the header":  {respond(200, `{"Job":{"Status":1}}`, "X-Acs-Request-Id", "header-id"), "header-id", JobStatusInProgress},
		"request id from the body":    {respond(200, `{"RequestId":"r","Job":{"Status":1}}`, "X-Acs-Request-Id", "header-id"), "r", JobStatusInProgress},
		"no request id":               {respond(200, `{"Job":{"Status":1}}`), "", JobStatusInProgress},
		"byte order mark":             {respond(200, "\xef\xbb\xbf"+`{"RequestId":"r","Job":{"Status":2}}`), "r", JobStatusStopped},
		"another 2xx":                 {respond(201, `{"RequestId":"r","Job":{"Status":2}}`), "r", JobStatusStopped},
		"absent status":               {respond(200, `{"RequestId":"r","Job":{}}`), "r", JobStatusUnknown},
		"null status":                 {respond(200, `{"RequestId":"r","Job":{"Status":null}}`), "r", JobStatusUnknown},
		"quoted status":               {respond(200, `{"RequestId":"r","Job":{"Status":"1"}}`), "r", JobStatusInProgress},
		"unknown status":              {respond(200, `{"RequestId":"r","Job":{"Status":7}}`), "r", JobStatus(7)},
		"unknown fields":              {respond(200, `{"RequestId":"r","New":[{}],"Job":{"Newer":{},"Status":0}}`), "r", JobStatusNotStarted},
		"invalid UTF-8":               {respond(200, "{\"RequestId\":\"r\",\"Job\":{\"Name\":\"\xff\",\"Status\":0}}"), "r", JobStatusNotStarted},
		"duplicate names":             {respond(200, `{"RequestId":"q","RequestId":"r","Job":{"Status":0,"Status":1}}`), "r", JobStatusInProgress},
		"code beside a job":           {respond(200, `{"RequestId":"r","Code":"Success","Job":{"Status":1}}`), "r", JobStatusInProgress},
		"white space around the JSON": {respond(200, "\r\n {\"RequestId\":\"r\",\"Job\":{\"Status\":1}} \r\n"), "r", JobStatusInProgress},
		"long response":               {respond(200, `{"RequestId":"r","Job":{"Status":1,"Name":"`+strings.Repeat("x", 1<<20)+`"}}`), "r", JobStatusInProgress},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := clientOver(t, newScript(tt.step)).GetLiveTranscodeJob(t.Context(), "job-1")
			if err != nil {
				t.Fatal(err)
			}
			if resp.RequestID != tt.requestID || resp.Job.Status != tt.status {
				t.Errorf("request id %q and status %v, want %q and %v", resp.RequestID, resp.Job.Status, tt.requestID, tt.status)
			}
		})
	}
}

// TestUnusableResponses checks that a success without its content is not retried, and that its error says what is
// missing.
func TestUnusableResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		body      string
		requestID string // from the body; otherwise it is the header's
		text      string // in the error
	}{
		"no job":              {200, `{"RequestId":"body-id"}`, "body-id", "no Job"},
		"null job":            {200, `{"RequestId":"body-id","Job":null}`, "body-id", "no Job"},
		"job of another type": {200, `{"RequestId":"body-id","Job":[]}`, "body-id", "no Job"},
		"two jobs, one bad":   {200, `{"RequestId":"body-id","Job":{},"Job":"x"}`, "body-id", "no Job"},
		"other case":          {200, `{"RequestId":"body-id","job":{}}`, "body-id", "no Job"},
		"empty object":        {200, `{}`, "", "no Job"},
		"empty":               {200, ``, "", "empty or cut off"},
		"white space":         {200, "\n", "", "empty or cut off"},
		"byte order mark":     {200, "\xef\xbb\xbf", "", "empty or cut off"},
		"null":                {200, `null`, "", "not a JSON object"},
		"array":               {200, `[]`, "", "not a JSON object"},
		"string":              {200, `"Job"`, "", "not a JSON object"},
		"invalid JSON":        {200, `{"RequestId":"body-id","Job":}`, "body-id", "not valid JSON"},
		"cut JSON":            {200, `{"RequestId":"body-id","Job":{"Name":"task1","StreamInput":{"InputUrl":"rtmp://d/app/streamkey`, "body-id", "cut off"},
		"two values":          {200, documentedJob + documentedJob, "******3B-0E1A-586A-AC29-742247******", "not valid JSON"},
		"HTML":                {200, `<html>log in first</html>`, "", "not valid JSON"},
		"HTML that is shown":  {200, "\n" + `<html>log in first</html>`, "", "log in first"},
		"error body":          {200, errorBodyJSON("InternalError", "text"), "req-1", "InternalError"},
		"throttled with 200":  {200, errorBodyJSON("Throttling.User", "slow down"), "req-1", "Throttling.User"},
		"no content":          {204, ``, "", "empty or cut off"},
		"accepted":            {202, `{"RequestId":"body-id"}`, "body-id", "no Job"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := newScript(respond(tt.status, tt.body, "X-Acs-Request-Id", "header-id"), respond(200, documentedJob))
			resp, err := clientOver(t, rt).GetLiveTranscodeJob(t.Context(), "job-1")
			if resp != nil {
				t.Errorf("there is a response beside the error: %v", resp)
			}
			api, ok := errors.AsType[*APIError](err)
			if !ok {
				t.Fatalf("the error is %#v, want an *APIError", err)
			}
			want := tt.requestID
			if want == "" {
				want = "header-id"
			}
			if api.StatusCode != tt.status || api.RequestID != want || api.Attempts != 1 || api.Operation != "GetLiveTranscodeJob" {
				t.Errorf("status %d, request id %q, %d attempts, operation %q; want %d, %q, 1",
					api.StatusCode, api.RequestID, api.Attempts, api.Operation, tt.status, want)
			}
			wantKind(t, err, ErrBadResponse)
			wantOneLine(t, err)
			wantNone(t, err.Error(), "streamkey")
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error %q lacks %q", err, tt.text)
			}
			rt.wantRequests(t, 1)
		})
	}
}

// TestEmptyResponses: an operation that returns nothing has succeeded if the service's gateway added a request id,
// whatever the 2xx status, and whether there is a body. To the others an empty response is none.
func TestEmptyResponses(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		returnsNothing := op.success == `{"RequestId":"r"}`
		for _, tt := range []struct {
			status   int
			body, id string
			good     bool
		}{
			{200, "", "header-id", returnsNothing},
			{200, " \r\n", "header-id", returnsNothing},
			{200, "\xef\xbb\xbf", "header-id", returnsNothing},
			{200, "{}", "header-id", returnsNothing},
			{200, `{"RequestId":"r"}`, "", returnsNothing},
			{200, `{"RequestId":"r","Code":"OK","Message":"ok"}`, "", returnsNothing},
			{200, `{"RequestId":"r","code":"InternalError"}`, "header-id", false},
			{202, "", "header-id", returnsNothing},
			{202, `{"RequestId":"r"}`, "", returnsNothing},
			{204, "", "header-id", returnsNothing},
			{200, "", "", false}, // anybody can say nothing
			{200, "{}", "", false},
			{202, "", "", false},
			{204, "", "", false},
			{200, "<html>", "header-id", false},
			{200, "[]", "header-id", false},
			{200, "null", "header-id", false},
			{200, `{"RequestId":"r"`, "header-id", false},
		} {
			rt := newScript(respond(tt.status, tt.body, "X-Acs-Request-Id", tt.id))
			err := op.call(t.Context(), clientOver(t, rt))
			if tt.good {
				if err != nil {
					t.Errorf("%s with %d and %q: %v", op.name, tt.status, tt.body, err)
				}
				continue
			}
			if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, ErrBadResponse) || errors.Is(err, ErrAmbiguous) == op.idempotent || api.Attempts != 1 {
				t.Errorf("%s with %d and %q: %#v", op.name, tt.status, tt.body, err)
			}
			rt.wantRequests(t, 1)
		}
	}
	var id string
	deleted, err := clientOver(t, newScript(respond(204, "", "X-Acs-Request-Id", "header-id"))).DeleteLiveTranscodeJob(t.Context(), "j")
	if err == nil {
		id = deleted.RequestID
	}
	if id != "header-id" {
		t.Errorf("the request id is %q, %v", id, err)
	}
}

// newIDOperations are the operations that return a new id, whose name in the response is name.
var newIDOperations = []struct {
	operation, name string
	call            func(context.Context, *Client) (id string, err error)
}{
	{"SubmitLiveTranscodeJob", "JobId", func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.SubmitLiveTranscodeJob(ctx, &SubmitLiveTranscodeJobRequest{Name: "n", TemplateID: "t", StreamInput: StreamInput{InputURL: "u"}})
		if err != nil {
			return "", err
		}
		return resp.JobID, nil
	}},
	{"CreateLiveTranscodeTemplate", "TemplateId", func(ctx context.Context, c *Client) (string, error) {
		resp, err := c.CreateLiveTranscodeTemplate(ctx, &CreateLiveTranscodeTemplateRequest{Name: "n", Type: TemplateTypeOrigin})
		if err != nil {
			return "", err
		}
		return resp.TemplateID, nil
	}},
}

// TestNewIDIsKept: a response that has a new id is a success, whatever follows the id, or breaks after it. What was
// read of an id that may not be whole is in the error.
func TestNewIDIsKept(t *testing.T) {
	t.Parallel()
	const id = "the-new-id"
	for _, op := range newIDOperations {
		whole := `{"RequestId":"r","` + op.name + `":"` + id + `","Other":[{"Name":"x"}]}`
		known := strings.Index(whole, id) + len(id) + 1 // where the id is whole
		for n := range len(whole) + 1 {
			for name, step := range map[string]step{
				"ends early":   respond(200, whole[:n]),
				"reset":        respondThenFail(200, whole[:n], syscall.ECONNRESET),
				"cut off":      respondThenFail(200, whole[:n], io.ErrUnexpectedEOF),
				"then HTML":    respond(200, whole[:n]+"<html>"),
				"then another": respond(200, whole[:n]+"{}"),
			} {
				rt := newScript(step)
				got, err := op.call(t.Context(), clientOver(t, rt))
				rt.wantRequests(t, 1)
				if n >= known {
					if got != id || err != nil {
						t.Errorf("%s after %q, %s: %q, %v", op.operation, whole[:n], name, got, err)
					}
					continue
				}
				if err == nil || !errors.Is(err, ErrAmbiguous) {
					t.Fatalf("%s after %q, %s: %q, %v", op.operation, whole[:n], name, got, err)
				}
				part := whole[min(n, strings.Index(whole, id)):n]
				if part != "" && !strings.HasPrefix(name, "then") && !strings.Contains(err.Error(), "names the id "+part+", perhaps") {
					t.Errorf("%s after %q, %s: the error %q does not name %q", op.operation, whole[:n], name, err, part)
				}
			}
		}
	}
}

// TestNewIDMalformed: ids in responses that are malformed in other ways.
func TestNewIDMalformed(t *testing.T) {
	t.Parallel()
	for _, op := range newIDOperations {
		for _, tt := range []struct{ body, id, named string }{
			{`{"NAME":123,"RequestId":"r"`, "123", ""},
			{`{"NAME":"a\u002fb"`, "a/b", ""},
			{`{"NAME":"old","NAME":"new","RequestId":`, "new", ""},
			{`{"NAME":"x"} {"NAME":"y"}`, "x", ""},
			{`{"NAME":12`, "", "12"}, // there may be more digits
			{`{"NAME" : "cut`, "", "cut"},
			{`{"RequestId":tru,"NAME":"whole"}`, "", "whole"},
			{`{"Data":{"NAME":"inner"}}`, "", "inner"},
			{`{"NAME":nul`, "", ""},
			{`{"NAME":"`, "", ""},
			{`{"NAME"`, "", ""},
			{`{"NAME":null}`, "", ""},
			{`{"NAME":[]}`, "", ""},
			{`{"requestId":"r","CAMEL":"x"`, "x", ""},
			{`{"requestId":"r","CAMEL":"cut`, "", "cut"},
			{`{"NAME":"x","CAMEL":"","CAMEL":null,"CAMEL":[]`, "x", ""},
		} {
			tt.body = strings.ReplaceAll(tt.body, "CAMEL", strings.ToLower(op.name[:1])+op.name[1:])
			got, err := op.call(t.Context(), clientOver(t, newScript(respondThenFail(200, strings.ReplaceAll(tt.body, "NAME", op.name), io.ErrUnexpectedEOF))))
			if tt.id != "" {
				if got != tt.id || err != nil {
					t.Errorf("%s: %q, %v", tt.body, got, err)
				}
				continue
			}
			if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, io.ErrUnexpectedEOF) ||
				strings.Contains(err.Error(), "names the id "+tt.named+", perhaps") != (tt.named != "") || strings.Contains(err.Error(), "names the id") != (tt.named != "") {
				t.Errorf("%s: %v", tt.body, err)
			}
		}
		// The caller's context ends while the rest is awaited.
		for body, known := range map[string]bool{`{"NAME":"whole",`: true, `{"NAME":"par`: false} {
			ctx, cancel := context.WithCancel(t.Context())
			got, err := op.call(ctx, clientOver(t, newScript(func(req *http.Request) (*http.Response, error) {
				time.AfterFunc(time.Millisecond, cancel)
				return respondThenBlock(200, strings.ReplaceAll(body, "NAME", op.name))(req)
			})))
			if known && (got != "whole" || err != nil) || !known && (!errors.Is(err, ErrAmbiguous) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "names the id par, perhaps")) {
				t.Errorf("%s, and the context ends: %q, %v", body, got, err)
			}
		}
	}
}
