package livetranscode_test

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// This file has helpers of the tests that use the emulator, which are in a package of their own: it imports the client.

// A roundTripper makes a function a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// delayResponse delays the arrival of the n-th response. The emulator makes it in time, so it is stale when it arrives.
func delayResponse(srv *livetranscodetest.Server, n int32, delay time.Duration) livetranscode.Option {
	var calls atomic.Int32
	return livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := srv.Transport().RoundTrip(req)
		if calls.Add(1) == n {
			time.Sleep(delay)
		}
		return resp, err
	})})
}
