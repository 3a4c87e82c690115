package livetranscodetest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestTransport(t *testing.T) {
	t.Parallel()
	t.Run("ended context", func(t *testing.T) {
		t.Parallel()
		srv := livetranscodetest.NewServer()
		cause := errors.New("cause")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		body := &closeRecorder{Reader: strings.NewReader("")}
		req := call{}.sign(t).WithContext(ctx)
		req.Body = body
		if err := lose(t, srv.Transport(), req); err != cause { //nolint:errorlint // the cause itself, like http.Transport
			t.Errorf("got %v", err)
		}
		if !body.closed || len(srv.Calls()) != 0 {
			t.Errorf("body closed: %t, calls: %v", body.closed, srv.Calls())
		}
	})
	t.Run("does not change the request", func(t *testing.T) {
		t.Parallel()
		srv := livetranscodetest.NewServer()
		req := call{action: "ListLiveTranscodeJobs"}.sign(t)
		body := &closeRecorder{Reader: strings.NewReader("")}
		req.Body, req.ContentLength = body, -1
		before := req.Clone(t.Context())
		if r := send(t, srv.Transport(), req); r.status != 200 {
			t.Error(r.body)
		}
		if req.URL.String() != before.URL.String() || len(req.Header) != len(before.Header) || req.ContentLength != -1 || req.Body != io.ReadCloser(body) || !body.closed {
			t.Error("the request was changed, or its body was not closed")
		}
	})
	t.Run("broken body", func(t *testing.T) {
		t.Parallel()
		req := call{}.sign(t)
		req.Body = io.NopCloser(brokenReader{})
		_ = lose(t, livetranscodetest.NewServer().Transport(), req)
	})
}
