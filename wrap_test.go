package livetranscode

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// TestNetworkErrors: no answer is a CallError, with what the transport said and without the address.
func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	address := "https://ice.cn-shanghai.aliyuncs.com/?JobId=secret-job-id&StreamInput=rtmp%3A%2F%2Fd%2Fapp%2Fstreamkey"
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	inner := &url.Error{Op: "Post", URL: address, Err: reset}
	for name, tt := range map[string]error{
		"bare":         reset,
		"url.Error":    inner,
		"wrapped":      fmt.Errorf("transport: %w", inner),
		"url.Error x2": &url.Error{Op: "Get", URL: address, Err: fmt.Errorf("proxy: %w", inner)},
		"many lines":   fmt.Errorf("one\r\ntwo %w", reset),
		"with secrets": fmt.Errorf("token %s of %s: %w", testToken, address, reset),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientOver(t, newScript(failWith(tt)), attempts(1), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
			err := getJob(t.Context(), c)
			call, ok := errors.AsType[*CallError](err)
			if !ok || call.Operation != "GetLiveTranscodeJob" || call.Attempts != 1 {
				t.Fatalf("the error is %#v, want a *CallError", err)
			}
			wantKind(t, err, ErrUnavailable)
			wantOneLine(t, err)
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the error %q hides what the transport said", err)
			}
			if strings.Count(err.Error(), "ice.cn-shanghai.aliyuncs.com") != 1 {
				t.Errorf("the error %q does not name the host once", err)
			}
			if op, ok := errors.AsType[*net.OpError](err); !ok || op != reset {
				t.Errorf("the error %q hides the *net.OpError", err)
			}
			if u, ok := errors.AsType[*url.Error](err); ok {
				t.Errorf("there is a *url.Error in the chain: %v", u)
			}
			if _, ok := errors.AsType[*APIError](err); ok {
				t.Error("there is an *APIError without an answer")
			}
			wantNone(t, err.Error(), "secret-job-id", "streamkey", testToken)
		})
	}
}
