package livetranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// TestHints checks what an error tells the caller to do.
func TestHints(t *testing.T) {
	t.Parallel()
	const (
		grant   = "grant the RAM action ice:GetLiveTranscodeJob"
		account = "activate Intelligent Media Services, or check the account's state and bills"
	)
	for _, tt := range []struct {
		status     int
		body, want string // "": no hint
	}{
		{403, errorBodyJSON("Forbidden", "m"), grant},
		{400, errorBodyJSON("Forbidden.RAM", "m"), grant},
		{403, errorBodyJSON("NoPermission.X", "m"), grant},
		{403, `{"Code":"Unheard.Of","AccessDeniedDetail":{"AuthAction":"ice:Other"}}`, "grant the RAM action ice:Other"},
		{403, `{"Code":"OperationDenied","AccessDeniedDetail":{}}`, grant},
		{403, errorBodyJSON("Unheard.Of", "m"), ""},
		{403, errorBodyJSON("OperationDenied", "m"), account},
		{403, errorBodyJSON("UserDisable", "m"), account},
		{400, errorBodyJSON("Forbidden.SubscriptionRequired", "m"), account},
		{400, errorBodyJSON("InvalidIdentity.ServiceDisabled", "m"), account},
		{400, errorBodyJSON("StreamNotFound", "m"), "the input is not live"},
		{400, errorBodyJSON("JobLimitExceeded", "m"), "quota"},
		{404, errorBodyJSON("InvalidDomain.NotFound", "m"), "check the endpoint"},
		{414, "", "shorten names"},
		{400, "<html>", "shorten names"},
		{400, errorBodyJSON("InvalidTimeStamp.Expired", "m"), "check this machine's clock"},
		{400, errorBodyJSON("InvalidTimeStamp.Format", "m"), ""},
		{302, "", "redirects are not followed"},
	} {
		text := responseError(t, tt.status, tt.body).Error()
		if tt.want == "" && strings.Contains(text, ";") || !strings.Contains(text, tt.want) {
			t.Errorf("%d %s: %s, want the hint %q", tt.status, tt.body, text, tt.want)
		}
		if tt.want == account && strings.Contains(text, "RAM action") {
			t.Errorf("%d %s: a permission does not help: %s", tt.status, tt.body, text)
		}
	}
	for _, op := range allOperations {
		err := op.call(t.Context(), clientOver(t, newScript(respondError(403, "Forbidden"))))
		if !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "ice:"+op.name) {
			t.Errorf("the error %q does not name ice:%s", err, op.name)
		}
	}
	// An error made by hand does not know the endpoint.
	for _, e := range []*APIError{{Operation: "X", StatusCode: 404, Code: "InvalidVersion"}, {Operation: "X", StatusCode: 302}} {
		if text := e.Error(); !strings.HasSuffix(text, "check the endpoint") {
			t.Errorf("%q", text)
		}
		e.endpoint = "host"
		if text := e.Error(); !strings.HasSuffix(text, "check the endpoint, host") {
			t.Errorf("%q", text)
		}
	}
}

// TestErrorsMadeByHand checks errors that users make in their own tests.
func TestErrorsMadeByHand(t *testing.T) {
	t.Parallel()
	for kind, err := range map[error]error{
		ErrThrottled:      &APIError{Code: "Throttling.User"},
		ErrNotFound:       &APIError{StatusCode: 404, Code: "InvalidParameter.ResourceNotFound"},
		ErrUnavailable:    &APIError{StatusCode: 503},
		ErrForbidden:      &APIError{Code: "NoPermission", StatusCode: 400},
		ErrInvalidRequest: &ParamError{Operation: "GetLiveTranscodeJob", Field: "JobID", Reason: "is empty"},
		ErrAuthentication: &APIError{Code: "InvalidAccessKeyId.NotFound", StatusCode: 404},
		ErrBadResponse:    &APIError{StatusCode: 404},
	} {
		for _, err := range []error{err, fmt.Errorf("wrapped: %w", err), errors.Join(err, io.EOF)} {
			wantKind(t, err, kind)
			if errors.Is(err, ErrAmbiguous) {
				t.Errorf("%q is ambiguous", err)
			}
		}
		wantOneLine(t, err)
	}
	// The zero values have a text and a kind.
	for _, err := range []error{new(APIError), &CallError{Err: io.EOF}, new(CallError), new(ParamError)} {
		wantOneLine(t, err)
		if errors.Is(err, ErrNotFound) {
			t.Errorf("%q is ErrNotFound", err)
		}
	}
}

// TestSentinelsDiffer checks that no two are the same error.
func TestSentinelsDiffer(t *testing.T) {
	t.Parallel()
	all := append(slices.Clone(kinds), ErrAmbiguous, ErrNoCredentials, ErrJobStopped)
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("errors.Is(%q, %q) is %t", a, b, i != j)
			}
		}
	}
}

// TestErrorsAreOneLine puts characters that change what a terminal shows wherever a text comes from elsewhere.
func TestErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	const hostile = "x\u0085y\u2028z\u009b31m\u202eb\u2066c\u200bd\u061ce\x1b[31mf\r\ng\xffh"
	inBody := func(field string) step {
		return func(req *http.Request) (*http.Response, error) {
			fields := map[string]any{"RequestId": "r", "Code": "Forbidden.RAM", "Message": "m", field: hostile}
			if field == "AuthAction" {
				fields["AccessDeniedDetail"] = map[string]string{field: hostile}
			}
			body, err := json.Marshal(fields)
			return responseTo(req, http.StatusForbidden, io.NopCloser(bytes.NewReader(body))), err
		}
	}
	steps := map[string]step{
		"page": respond(http.StatusBadGateway, hostile), "success": respond(http.StatusOK, hostile), "transport": failWith(errors.New(hostile)),
		"request id in the header": respond(http.StatusInternalServerError, "{}", headerRequestID, hostile),
		"body":                     respondThenFail(http.StatusOK, hostile, errors.New(hostile)),
	}
	for _, field := range []string{"RequestId", "HostId", "Code", "Message", "Recommend", "Detail", "AuthAction"} {
		steps[field] = inBody(field)
	}
	id := strings.ToValidUTF8(hostile, "")
	for name, rt := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logRecorder)
			client := clientOver(t, rt, attempts(1), log.option())
			_, get := client.GetLiveTranscodeJob(t.Context(), id)
			_, wait := client.WaitForStatus(t.Context(), id, JobStatusStopped, TolerateErrors(0))
			for _, err := range []error{get, submitJob(t.Context(), client), wait} {
				wantOneLine(t, err)
			}
			if text := strings.ReplaceAll(log.text(), "\n", ""); redact.OneLine(text) != text {
				t.Errorf("the log is %q", text)
			}
		})
	}
	for name, opt := range map[string]Option{
		"provider": WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) { return Credentials{}, errors.New(hostile) })),
		"limiter":  WithLimiter(limiterFunc(func(context.Context) error { return errors.New(hostile) })),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantOneLine(t, getJob(t.Context(), clientOver(t, respond(http.StatusOK, documentedJob), opt)))
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New(hostile))
	client := clientOver(t, respond(http.StatusOK, documentedJob))
	_, wait := client.WaitForStatus(ctx, id, JobStatusStopped)
	for _, err := range []error{getJob(ctx, client), wait, &ParamError{Operation: hostile, Field: hostile, Reason: hostile}} {
		wantOneLine(t, err)
	}
}
