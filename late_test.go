package livetranscode_test

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// lateAnswers is a transport whose answers are made at once and arrive late: what they say is old.
type lateAnswers struct {
	srv   *livetranscodetest.Server
	delay time.Duration
	skip  int64 // calls before those that are late
	times int64 // late calls
	calls atomic.Int64
}

func (l *lateAnswers) client() *http.Client { return &http.Client{Transport: l} }

func (l *lateAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.srv.Transport().RoundTrip(req)
	if n := l.calls.Add(1); n > l.skip && n <= l.skip+l.times {
		time.Sleep(l.delay)
	}
	return resp, err
}
