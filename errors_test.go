package livetranscode

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestForbiddenNamesTheAction: what to grant is in the text.
func TestForbiddenNamesTheAction(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations {
		err := op.call(t.Context(), clientOver(t, newScript(respondError(403, "Forbidden"))))
		if !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "ice:"+op.name) {
			t.Errorf("the error %q does not name ice:%s", err, op.name)
		}
	}
}

// TestOwnErrorsClassify: users build errors in their own tests.
func TestOwnErrorsClassify(t *testing.T) {
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
	// The zero values print and classify without a panic.
	for _, err := range []error{new(APIError), &CallError{Err: io.EOF}, new(CallError), new(ParamError)} {
		wantOneLine(t, err)
		if errors.Is(err, ErrNotFound) {
			t.Errorf("%q is ErrNotFound", err)
		}
	}
}

// TestSentinelsDiffer guards against two names for one error.
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

// TestEndpointHint: an error made by hand, as a fake's, does not know the endpoint, and its text ends well all the same.
func TestEndpointHint(t *testing.T) {
	t.Parallel()
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
