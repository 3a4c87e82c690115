package livetranscode_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var aJob = &livetranscode.SubmitLiveTranscodeJobRequest{
	Name: "show", TemplateID: "template", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://in/app/key"},
}

// What was seen on the way counts more than the error in the end, which may be that of a transport's own second
// try; and a field on its way counts as written, for HTTP/2 reports the headers only when they are through.
func TestSubmitOnceWhatTheTransportSaw(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	tests := map[string]struct {
		report func(*httptrace.ClientTrace)
		sent   int32
	}{
		"headers written, then a redial": {func(trace *httptrace.ClientTrace) { trace.WroteHeaders() }, 1},
		"a field written":                {func(trace *httptrace.ClientTrace) { trace.WroteHeaderField(":method", []string{"POST"}) }, 1},
		"nothing written":                {func(*httptrace.ClientTrace) {}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent atomic.Int32
				client := livetranscodetest.NewServer().Client(livetranscode.WithHTTPClient(&http.Client{
					Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
						sent.Add(1)
						trace := httptrace.ContextClientTrace(req.Context())
						trace.GetConn("host")
						tt.report(trace)
						return nil, refused
					}),
				}))
				_, err := client.SubmitLiveTranscodeJob(t.Context(), aJob)
				if ambiguous := errors.Is(err, livetranscode.ErrAmbiguous); ambiguous != (tt.sent == 1) || sent.Load() != tt.sent {
					t.Errorf("sent %d times: %v", sent.Load(), err)
				}
			})
		})
	}
}

// An error answer that is cut off is as unknown as a success that is.
func TestCutOffRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		client := livetranscodetest.NewServer().Client(livetranscode.WithHTTPClient(&http.Client{
			Transport: transportFunc(func(*http.Request) (*http.Response, error) {
				sent.Add(1)
				body := io.MultiReader(&cut{text: `{"RequestId":"r","Mess`})
				return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(body)}, nil
			}),
		}))
		_, err := client.GetLiveTranscodeJob(t.Context(), "job")
		if !errors.Is(err, livetranscode.ErrBadResponse) || !errors.Is(err, io.ErrUnexpectedEOF) || sent.Load() != 3 {
			t.Errorf("Get was sent %d times: %v", sent.Load(), err)
		}
		sent.Store(0)
		_, err = client.SubmitLiveTranscodeJob(t.Context(), aJob)
		if !errors.Is(err, livetranscode.ErrAmbiguous) || sent.Load() != 1 {
			t.Errorf("Submit was sent %d times: %v", sent.Load(), err)
		}
	})
}

// cut is a body that ends too early.
type cut struct{ text string }

func (c *cut) Read(b []byte) (int, error) {
	n := copy(b, c.text)
	if c.text = c.text[n:]; n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// A delay that fits into the deadline is waited for, whatever the jitter.
func TestServerDelayThatJustFits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		client := srv.Client()
		for range 50 {
			srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 10 * time.Second})
			ctx, cancel := context.WithTimeout(t.Context(), 10100*time.Millisecond)
			if _, err := client.GetLiveTranscodeJob(ctx, id); err != nil {
				t.Error(err)
			}
			cancel()
		}
	})
}

// A retry that is not made costs nothing.
func TestQuotaOfRetriesNotMade(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		client := srv.Client()
		srv.Inject(livetranscodetest.Fault{Times: 200, Code: "Throttling.User", RetryAfter: 10 * time.Second})
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			after(time.Second, cancel)
			if _, err := client.GetLiveTranscodeJob(ctx, id); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})
		if _, err := client.GetLiveTranscodeJob(t.Context(), id); err != nil {
			t.Errorf("there was no quota left: %v", err)
		}
	})
}

// The failure of one's own side does not come with a kind of its own beside that of the answer.
func TestOneKindAfterARetry(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		asked := 0
		client := srv.Client(livetranscode.WithCredentials(livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) {
			creds := srv.Credentials()
			if asked++; asked > 1 {
				creds.AccessKeySecret += " "
			}
			return creds, nil
		})))
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User"})
		_, err := client.GetLiveTranscodeJob(t.Context(), "job")
		if !errors.Is(err, livetranscode.ErrThrottled) || errors.Is(err, livetranscode.ErrInvalidRequest) {
			t.Errorf("got %v", err)
		}
	})
}

// A List that fails for now is no reason to ask for each job; one that goes on failing is.
func TestWatchListFailsForNow(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 500, inProgress)
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: 9})
		after(time.Minute, func() { srv.SetStatus(ids[0], stopped) })
		next(t, pull)
		if gets, _ := count(srv.Calls()); gets > 10 {
			t.Errorf("%d Gets while List failed for now", gets)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		after(time.Minute, func() { srv.SetStatus(ids[1], stopped) })
		if event := next(t, pull); event.JobID != ids[1] {
			t.Errorf("got %+v", event)
		}
		if gets, _ := count(srv.Calls()); gets < 499 {
			t.Errorf("%d Gets while List did not come back", gets)
		}
	})
}

// A delay that the service asks for is heeded, however long.
func TestPollingHeedsLongDelays(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute})
		if _, err := srv.Client().WaitForStatus(t.Context(), id, inProgress); err != nil {
			t.Error(err)
		}
		if calls := gaps(srv.Calls()); len(calls) != 1 || calls[0] < 3*time.Minute {
			t.Errorf("a wait came back after %v", calls)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute})
		w := srv.Client().NewWatcher()
		w.Add(id)
		next(t, watch(t.Context(), t, w))
		if calls := gaps(srv.Calls()); len(calls) != 1 || calls[0] < 3*time.Minute {
			t.Errorf("a watch came back after %v", calls)
		}
	})
}

// When the deadline falls into a sweep, what the sweep has found counts; and what ended the rest is told.
func TestWaitForAllCutOff(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 40, 7) // on no page: a Get each, eight at a time, and not all in the last half second
		after(time.Minute, func() {
			for _, id := range ids {
				srv.SetStatus(id, stopped)
			}
			srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Latency: 200 * time.Millisecond, Times: -1})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+3*time.Second)
		defer cancel()
		arrived, err := srv.Client().WaitForAll(ctx, ids, stopped, livetranscode.PollInterval(10*time.Minute, 0))
		var failed livetranscode.WaitErrors
		if !errors.As(err, &failed) || len(arrived) == 0 || len(arrived)+len(failed) != len(ids) {
			t.Fatalf("%d arrived, %d failed: %v", len(arrived), len(failed), err)
		}
		for _, wait := range failed {
			if wait.Last != nil && wait.Last.Status == stopped || !errors.Is(wait, context.DeadlineExceeded) {
				t.Errorf("%v", wait)
			}
		}
	})
}

func TestWaitForAllInAnOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.Inject(livetranscodetest.Fault{StatusCode: 503, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		_, err := srv.Client().WaitForAll(ctx, []string{"a"}, stopped)
		wait := waitError(t, err)
		for _, want := range []error{context.DeadlineExceeded, livetranscode.ErrUnavailable} {
			if !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
		if wait.Polls < 2 || wait.Last != nil {
			t.Errorf("%d polls, last %v", wait.Polls, wait.Last)
		}
	})
}

// The longest interval there is means only on Add.
func TestWatchOnlyOnAdd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(1<<63-1, 0))
		w.Add(id)
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
		defer cancel()
		for range w.Events(ctx) {
		}
		if n := len(srv.Calls()); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestWatchAddAfterQuiet: a job that is added in a quiet time is looked at as often as any new one.
func TestWatchAddAfterQuiet(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 30*time.Minute))
		w.Add(srv.AddJob(livetranscode.Job{Status: inProgress}))
		pull := watch(t.Context(), t, w)
		next(t, pull)
		added := time.Now().Add(2 * time.Hour)
		after(2*time.Hour, func() { w.Add(id) })
		after(2*time.Hour+15*time.Second, func() { srv.SetStatus(id, inProgress) })
		next(t, pull) // not started
		next(t, pull) // in progress
		if late := time.Since(added); late > 30*time.Second {
			t.Errorf("a change 15 s after Add was seen %v after it", late)
		}
	})
}

// TestWatchEndIsNotLost: what ends a finite watch comes after the events that are known, and no request between.
func TestWatchEndIsNotLost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		a, b := srv.AddJob(livetranscode.Job{Status: inProgress}), srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{JobID: b, Code: "InvalidAccessKeyId.Inactive"})
		start, events := time.Now(), 0
		var end error
		for _, err := range srv.Client().WatchJobs(t.Context(), []string{a, b}, livetranscode.Concurrency(1)) {
			events++
			end = err
		}
		if !errors.Is(end, livetranscode.ErrAuthentication) || events > 2 || time.Since(start) > time.Second || len(srv.Calls()) > 2 {
			t.Errorf("after %v, %d events and %d calls it ended with %v", time.Since(start), events, len(srv.Calls()), end)
		}
	})
}

// TestWaitForAllCountsLooks: a look that a sweep did not get to is none.
func TestWaitForAllCountsLooks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 200, 7)
		srv.Inject(livetranscodetest.Fault{StatusCode: 503, Times: -1})
		_, err := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1})).WaitForAll(t.Context(), ids, stopped)
		var failed livetranscode.WaitErrors
		if !errors.As(err, &failed) || len(failed) != len(ids) {
			t.Fatal(err)
		}
		asked := make(map[string]int)
		for _, call := range srv.Calls() {
			asked[call.Query.Get("JobId")]++
		}
		for _, wait := range failed {
			if wait.Polls != asked[wait.JobID] {
				t.Errorf("asked for %d times: %v", asked[wait.JobID], wait)
			}
		}
	})
}

// TestQuotaOfRefusedTokens: a retry that is not sent, for the provider has no other credentials, costs nothing.
func TestQuotaOfRefusedTokens(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		srv.SetCredentials(livetranscode.Credentials{AccessKeyID: "STS.a", AccessKeySecret: "ssssssssss", SecurityToken: "tttttttttt"})
		client := srv.Client()
		srv.Inject(livetranscodetest.Fault{Times: 100, Code: "InvalidSecurityToken.Expired"})
		for range 100 {
			if _, err := client.GetLiveTranscodeJob(t.Context(), id); !errors.Is(err, livetranscode.ErrAuthentication) {
				t.Fatal(err)
			}
		}
		if n := len(srv.Calls()); n != 100 {
			t.Fatalf("%d requests", n)
		}
		srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})
		if _, err := client.GetLiveTranscodeJob(t.Context(), id); err != nil {
			t.Errorf("there is no quota left: %v", err)
		}
	})
}

// TestStreamKeysThatComeBack: the service repeats the address of a stream in its messages, whole or in part.
func TestStreamKeysThatComeBack(t *testing.T) {
	t.Parallel()
	for address, message := range map[string]string{
		"rtmp://h/app/s?key=1543302081-0-123&t=5":         "The key 1543302081-0-123 has expired.",
		"rtmp://h/app/s?t=5&key=1543302081-0-123":         "Not valid: key=1543302081-0-123",
		"rtmp://user:passw0rd123@h/app/s":                 "user: wrong passw0rd123",
		"rtmp://h/app/key%2b123456":                       "The stream key%2b123456 or key+123456 is not live.",
		"rtmp://mydomain/app/it's-a-key-123":              "InputUrl rtmp://mydomain/app/it's-a-key-123 is not valid.",
		"rtmp://mydomain/app/my live key-123":             "InputUrl rtmp://mydomain/app/my live key-123 is not valid.",
		"rtmp://mydomain/app/plain-key-123":               "The stream plain-key-123 is not live.",
		"rtmp://mydomain/app/s?auth_key=1543302081-0-123": "The auth_key=1543302081-0-123 has expired.",
		"rtmp://mydomain/app/s?key=1543302081-0-123":      "Not valid: key=1543302081-0-123",
	} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			srv.Inject(livetranscodetest.Fault{Code: "InvalidParameter", Message: message, Times: 2})
			_, submit := srv.Client().SubmitLiveTranscodeJob(t.Context(), &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: "n", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: address},
			})
			_, update := srv.Client().UpdateLiveTranscodeJob(t.Context(), &livetranscode.UpdateLiveTranscodeJobRequest{
				JobID: "j", StreamInput: &livetranscode.StreamInput{InputURL: address},
			})
			for _, err := range []error{submit, update} {
				var api *livetranscode.APIError
				if !errors.As(err, &api) || !errors.Is(err, livetranscode.ErrInvalidRequest) || strings.Contains(api.Message, "123") {
					t.Error(err)
				}
			}
		})
	}
}

// TestDateOfASlowProvider: a request is dated when it is signed, not when the provider was asked.
func TestDateOfASlowProvider(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		creds := livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: "secret-secret"}
		srv.SetCredentials(creds)
		slow := livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) {
			time.Sleep(16 * time.Minute) // more than the service lets a date differ
			return creds, nil
		})
		client := srv.Client(livetranscode.WithCredentials(slow), livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1, AttemptTimeout: time.Hour}))
		if _, err := client.GetLiveTranscodeJob(t.Context(), srv.AddJob(livetranscode.Job{})); err != nil {
			t.Error(err)
		}
	})
}

// TestStreamNamesTearNothing: a stream that is called like something else hides no more than itself.
func TestStreamNamesTearNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
		for _, key := range []string{"Throttling", "stream", "shanghai", "a"} {
			const message = "The upstream in cn-shanghai8 is a streamer. Throttlings."
			srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Message: message})
			_, err := client.SubmitLiveTranscodeJob(t.Context(), &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: "n", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://h/live/" + key},
			})
			var api *livetranscode.APIError
			if !errors.As(err, &api) || !errors.Is(err, livetranscode.ErrThrottled) || api.Code != "Throttling.User" || api.Message != message || api.HostID != "ice.cn-shanghai.aliyuncs.com" {
				t.Errorf("of stream %s: %#v", key, err)
			}
		}
	})
}

// TestAttemptTimeoutIsNamed: an attempt's end reads as that, also if the credentials took a part of its time.
func TestAttemptTimeoutIsNamed(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, time.Millisecond, 29 * time.Second} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			creds := livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: "secret-secret"}
			srv.SetCredentials(creds)
			srv.Inject(livetranscodetest.Fault{Latency: time.Minute})
			client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}),
				livetranscode.WithCredentials(livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) {
					time.Sleep(delay)
					return creds, nil
				})))
			if _, err := client.GetLiveTranscodeJob(t.Context(), "j"); err == nil || !strings.Contains(err.Error(), "no answer in 30s") {
				t.Errorf("after %v: %v", delay, err)
			}
		})
	}
}
