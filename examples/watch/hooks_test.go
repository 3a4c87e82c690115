package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestHooks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault livetranscodetest.Fault
		want  string
	}{
		{"throttled", livetranscodetest.Fault{Code: "Throttling.User"}, "GetLiveTranscodeJob: Throttling.User"},
		{"error from a proxy", livetranscodetest.Fault{StatusCode: 502, Body: "<html>"}, "GetLiveTranscodeJob: HTTP 502"},
		{"network error", livetranscodetest.Fault{Drop: true}, "GetLiveTranscodeJob "},
		{"no error", livetranscodetest.Fault{Latency: time.Second}, ""},
		{"job not found", livetranscodetest.Fault{Code: "JobNotFound"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newState()
				w, err := newWatch(options{jobs: 1, once: true}, s)
				if err != nil {
					t.Fatal(err)
				}
				w.simulation.Server.Inject(test.fault)
				if err := w.follow(t.Context(), func(change) error { return nil }); err != nil {
					t.Fatal(err)
				}
				if got := s.snapshot().lastError; (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
					t.Errorf("last error %q, want %q", got, test.want)
				}
			})
		})
	}
}
