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
			if _, err := client.GetLiveTranscodeJob(t.Context(), "j"); err == nil || !strings.Contains(err.Error(), "no response in 30s") {
				t.Errorf("after %v: %v", delay, err)
			}
		})
	}
}
