package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// TestNoRedirectIsFollowed: a redirect would carry the signature, and the security token, to who knows whom.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		fmt.Fprint(rw, documentedJob)
	}))
	t.Cleanup(other.Close)
	willing := &http.Client{
		Transport:     new(http.Transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}
	t.Cleanup(willing.CloseIdleConnections)
	t.Run("group", func(t *testing.T) { // ends before elsewhere is read
		for _, status := range []int{301, 302, 303, 307, 308} {
			for name, location := range map[string]string{
				"other host": other.URL + "/", "no scheme": strings.TrimPrefix(other.URL, "http:"), "same host": "/?JobId=again", "nowhere": "",
			} {
				for transport, opt := range map[string]Option{"own": nil, "given": WithHTTPClient(willing)} {
					t.Run(fmt.Sprint(status, " ", name, " ", transport), func(t *testing.T) {
						t.Parallel()
						w := newRawServer(t, func(int, string) (string, connectionEnd) {
							return rawResponse(status, "moved", "Location", location, "X-Acs-Request-Id", "header-id"), keepOpen
						})
						err := getJob(t.Context(), w.client(t, opt))
						api, ok := errors.AsType[*APIError](err)
						if !ok || !errors.Is(err, ErrBadResponse) || api.StatusCode != status || api.RequestID != "header-id" || api.Attempts != 1 {
							t.Errorf("the error is %#v, want an *APIError that is ErrBadResponse", err)
						}
						if !strings.Contains(err.Error(), "check the endpoint, 127.0.0.1:") {
							t.Errorf("the error %q does not say what to check", err)
						}
						if heads, _ := w.seen(); len(heads) != 1 {
							t.Errorf("%d requests were sent, want 1", len(heads))
						}
					})
				}
			}
		}
	})
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went to another host", n)
	}
}

// TestOddTransports: a transport that breaks its contract is an error and no panic.
func TestOddTransports(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]step{
		"neither answer nor error": func(*http.Request) (*http.Response, error) { return nil, nil },
		"no body": func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := getJob(t.Context(), clientOver(t, newScript(next), attempts(1))); err == nil {
				t.Error("there is no error")
			}
		})
	}
}

// TestEachAttemptIsSignedAnew: a nonce must not be repeated, a date not grow old, and credentials may change.
func TestEachAttemptIsSignedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 5
		asked := 0
		rt := newScript(respondError(400, "Throttling.User", "X-Acs-Retry-After", "3000"))
		c := clientOver(t, rt, attempts(n), WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
			asked++
			return Credentials{AccessKeyID: fmt.Sprint("id-", asked), AccessKeySecret: "secret", SecurityToken: fmt.Sprint("token-", asked)}, nil
		})))
		getJob(t.Context(), c)
		getJob(t.Context(), c) // another call repeats nothing either
		seen := rt.requests(t)
		if len(seen) != 2*n || asked != 2*n {
			t.Fatalf("%d requests were sent and the provider was asked %d times, want %d", len(seen), asked, 2*n)
		}
		nonces, signatures := make(map[string]bool), make(map[string]bool)
		for i, s := range seen {
			nonces[s.header.Get("x-acs-signature-nonce")] = true
			_, signature, _ := strings.Cut(s.header.Get("Authorization"), "Signature=")
			signatures[signature] = true
			if got, want := s.header.Get("x-acs-date"), s.at.UTC().Format("2006-01-02T15:04:05Z"); got != want {
				t.Errorf("attempt %d has the date %s, want %s", i+1, got, want)
			}
			if got, want := s.header.Get("x-acs-security-token"), fmt.Sprint("token-", i+1); got != want {
				t.Errorf("attempt %d has the token %s, want %s", i+1, got, want)
			}
			if want := fmt.Sprintf("Credential=id-%d,", i+1); !strings.Contains(s.header.Get("Authorization"), want) {
				t.Errorf("attempt %d has Authorization %s, want %s", i+1, s.header.Get("Authorization"), want)
			}
			if s.query != seen[0].query {
				t.Errorf("attempt %d has the query %s, the first %s", i+1, s.query, seen[0].query)
			}
		}
		if len(nonces) != 2*n || len(signatures) != 2*n {
			t.Errorf("%d requests have %d nonces and %d signatures", 2*n, len(nonces), len(signatures))
		}
	})
}

// TestAttemptTimeout: a stalled attempt is given up and made again.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]step{"no answer": block, "half a body": respondThenBlock(`{"RequestId":"r",`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(next, success)
				start := time.Now()
				if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
					t.Error(err)
				}
				if got := time.Since(start); got < 30*time.Second || got > 30*time.Second+400*time.Millisecond {
					t.Errorf("the call took %v, want 30s and a delay up to 400ms", got)
				}
				rt.wantRequests(t, 2)

				rt = newScript(next)
				start = time.Now()
				c := clientOver(t, rt, WithRetryPolicy(RetryPolicy{AttemptTimeout: 2 * time.Second}))
				err := getJob(t.Context(), c)
				if got := time.Since(start); got < 6*time.Second || got > 6*time.Second+1200*time.Millisecond {
					t.Errorf("three attempts took %v", got)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error %q reads as the caller's deadline", err)
				}
				rt.wantRequests(t, 3)
			})
		})
	}
	t.Run("of the http.Client", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			getJob(t.Context(), clientOver(t, nil, attempts(1), WithHTTPClient(&http.Client{Transport: step(block), Timeout: 7 * time.Second})))
			if got := time.Since(start); got != 7*time.Second {
				t.Errorf("the attempt took %v, want 7s", got)
			}
		})
	})
}

// TestAttemptTimeoutIsNoDeadline: only the caller's context reads as context.DeadlineExceeded.
func TestAttemptTimeoutIsNoDeadline(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]step{
		"no answer":       block,
		"half a body":     respondThenBlock(`{"RequestId":"r","Job":`),
		"by the provider": nil,
		"wrapped": func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, &url.Error{Op: "Post", URL: "https://h/?JobId=secret-job-id", Err: fmt.Errorf("sending: %w", req.Context().Err())}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var opts []Option
				rt := newScript(next)
				if next == nil {
					opts = append(opts, WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
						<-ctx.Done()
						return Credentials{}, fmt.Errorf("fetching: %w", ctx.Err())
					})))
				}
				c := clientOver(t, rt, append(opts, attempts(1))...)
				start := time.Now()
				err := getJob(t.Context(), c)
				if got := time.Since(start); got != 30*time.Second {
					t.Errorf("the attempt ended after %v, want 30s", got)
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("the error %q reads as the end of the caller's context", err)
				}
				if next != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrBadResponse) {
					t.Errorf("the error is %q", err)
				}
				wantOneLine(t, err)
				wantNone(t, err.Error(), "secret-job-id")

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start = time.Now()
				err = getJob(ctx, c)
				if got := time.Since(start); got != 5*time.Second {
					t.Errorf("the call ended after %v, want 5s", got)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("the error %q does not read as the caller's deadline", err)
				}
				wantOneLine(t, err)
			})
		})
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	t.Run("before every attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			var rt *scriptedTransport
			c := clientOver(t, nil, WithHTTPClient(&http.Client{Transport: step(func(req *http.Request) (*http.Response, error) {
				if asked != len(rt.requests(t))+1 {
					t.Errorf("before request %d the limiter was asked %d times", len(rt.requests(t))+1, asked)
				}
				return rt.RoundTrip(req)
			})}), WithLimiter(limiterFunc(func(context.Context) error { asked++; return nil })))
			rt = newScript(respondError(500, ""), respondError(400, "SignatureNonceUsed"), success)
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
			if asked != 3 {
				t.Errorf("the limiter was asked %d times, want 3", asked)
			}
		})
	})
	t.Run("its error ends the call", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			enough := errors.New("enough")
			rt := newScript(success)
			err := getJob(t.Context(), clientOver(t, rt, WithLimiter(limiterFunc(func(context.Context) error { return enough }))))
			if call, ok := errors.AsType[*CallError](err); !ok || !errors.Is(err, enough) || call.Attempts != 0 || errors.Is(err, ErrUnavailable) {
				t.Errorf("the error is %#v", err)
			}
			rt.wantRequests(t, 0)

			n := 0
			rt = newScript(respondError(503, "ServiceUnavailable"))
			err = getJob(t.Context(), clientOver(t, rt, WithLimiter(limiterFunc(func(context.Context) error {
				if n++; n == 2 {
					return enough
				}
				return nil
			}))))
			if api, ok := errors.AsType[*APIError](err); !ok || !errors.Is(err, enough) || !errors.Is(err, ErrUnavailable) || api.Attempts != 1 {
				t.Errorf("the error is %#v", err)
			}
			rt.wantRequests(t, 1)
		})
	})
	t.Run("of x/time/rate", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(success)
			c := clientOver(t, rt, WithLimiter(rate.NewLimiter(2, 1)))
			start := time.Now()
			for range 5 {
				if err := getJob(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
			if got := time.Since(start); got != 2*time.Second {
				t.Errorf("5 calls at 2 a second took %v, want 2s", got)
			}
		})
	})
	t.Run("its own deadline is not the caller's", func(t *testing.T) {
		t.Parallel()
		err := getJob(t.Context(), clientOver(t, newScript(success), WithLimiter(limiterFunc(func(context.Context) error {
			return context.DeadlineExceeded
		}))))
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error %v reads as the caller's deadline", err)
		}
	})
}

func TestProviderErrors(t *testing.T) {
	t.Parallel()
	trouble := errors.New("metadata\nservice: no route")
	for name, tt := range map[string]struct {
		creds Credentials
		err   error
		is    error
	}{
		"error":            {Credentials{}, trouble, trouble},
		"no credentials":   {Credentials{}, fmt.Errorf("%w: nothing set", ErrNoCredentials), ErrNoCredentials},
		"no id":            {Credentials{AccessKeySecret: "s"}, nil, ErrNoCredentials},
		"no secret":        {Credentials{AccessKeyID: "i"}, nil, ErrNoCredentials},
		"nothing":          {Credentials{}, nil, ErrNoCredentials},
		"timeout":          {Credentials{}, fmt.Errorf("%w: %w", ErrNoCredentials, context.DeadlineExceeded), ErrNoCredentials},
		"line break in id": {Credentials{AccessKeyID: "i\n", AccessKeySecret: testSecret}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, asked := newScript(success), 0
			err := getJob(t.Context(), clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				asked++
				return tt.creds, tt.err
			}))))
			if tt.is != nil && !errors.Is(err, tt.is) || isPermanent(err) && tt.is != ErrNoCredentials || errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v, want %v", err, tt.is)
			}
			if !strings.Contains(err.Error(), "GetLiveTranscodeJob") {
				t.Errorf("the error %q does not name the operation", err)
			}
			wantOneLine(t, err)
			wantNone(t, err.Error(), testSecret)
			if asked != 1 {
				t.Errorf("the provider was asked %d times", asked)
			}
			rt.wantRequests(t, 0)
		})
	}
}

// An outcome is what a call that is not idempotent may conclude from a failed attempt.
type outcome int

const (
	again     outcome = iota // it was not carried out, and another attempt may succeed
	definite                 // it was not carried out, and it ends here
	ambiguous                // it may have been carried out
)

// TestSafetyOfWrites: Submit and Create are sent again only if the first one surely was not carried out. The
// other operations are sent again whenever that may help.
func TestSafetyOfWrites(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	tests := map[string]struct {
		first  step
		writes outcome
		reads  bool // repeated
	}{
		// Refused before processing.
		"Throttling":               {respondError(400, "Throttling"), again, true},
		"Throttling.User":          {respondError(400, "Throttling.User"), again, true},
		"Throttling.Api":           {respondError(429, "Throttling.Api"), again, true},
		"Throttling with 503":      {respondError(503, "Throttling.Burst"), again, true},
		"Rejected.Throttling":      {respondError(400, "Rejected.Throttling"), again, true},
		"429 of a proxy":           {respond(429, ""), again, true},
		"clock":                    {dated("InvalidTimeStamp.Expired", time.Hour), again, true},
		"clock, older code":        {dated("IllegalTimestamp", -time.Hour), again, true},
		"expired token":            {respondError(403, "InvalidSecurityToken.Expired"), again, true},
		"missing token":            {respondError(400, "MissingSecurityToken"), again, true},
		"clock that cannot be set": {respondError(400, "InvalidTimeStamp.Expired"), definite, false},

		// Never written.
		"dial refused":           {failWith(dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))), again, true},
		"dial timeout":           {failWith(dial(os.ErrDeadlineExceeded)), again, true},
		"DNS, temporary":         {failWith(dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true})), again, true},
		"DNS, temporary, bare":   {failWith(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), again, true},
		"DNS, not found":         {failWith(dial(&net.DNSError{Err: "no such host", IsNotFound: true})), definite, false},
		"certificate":            {failWith(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate)}}), definite, false},
		"unknown authority":      {failWith(x509.UnknownAuthorityError{Cert: new(x509.Certificate)}), definite, false},
		"unwritten, not TLS":     {unwritten(failWith(tls.RecordHeaderError{Msg: "no"})), definite, false},
		"not TLS, any more?":     {failWith(tls.RecordHeaderError{Msg: "no"}), ambiguous, false}, // a broken record can come late
		"unwritten reset":        {unwritten(failWith(reset)), again, true},
		"unwritten EOF":          {unwritten(failWith(io.EOF)), again, true},
		"unwritten, timed out":   {unwritten(block), again, true},
		"unwritten, idle closed": {unwritten(failWith(errors.New("http: server closed idle connection"))), again, true},
		"unwritten, unknown":     {unwritten(failWith(errors.New("something else"))), definite, false},

		// Written, or who knows.
		"written reset":         {written(failWith(reset)), ambiguous, true},
		"written EOF":           {written(failWith(io.EOF)), ambiguous, true},
		"written, broken pipe":  {written(failWith(syscall.EPIPE)), ambiguous, true},
		"written, timed out":    {written(block), ambiguous, true},
		"written, idle closed":  {written(failWith(errors.New("http: server closed idle connection"))), ambiguous, true},
		"written, unknown":      {written(failWith(errors.New("something else"))), ambiguous, false},
		"unreported reset":      {failWith(reset), ambiguous, true},
		"unreported EOF":        {failWith(io.EOF), ambiguous, true},
		"unreported, timed out": {block, ambiguous, true},
		"unreported, unknown":   {failWith(errors.New("something else")), ambiguous, false},

		// Answered, but not clearly refused.
		"InternalError":           {respondError(500, "InternalError"), ambiguous, true},
		"InternalError, 400":      {respondError(400, "InternalError"), ambiguous, true},
		"ServiceUnavailable":      {respondError(503, "ServiceUnavailable"), ambiguous, true},
		"unknown code, 5xx":       {respondError(500, "Unheard.Of"), ambiguous, true},
		"502 of a proxy":          {respond(502, "<html>Bad Gateway</html>"), ambiguous, true},
		"504 of a proxy":          {respond(504, ""), ambiguous, true},
		"503, asking for a delay": {respond(503, "", "Retry-After", "1"), ambiguous, true},
		"404 of a proxy":          {respond(404, "not found"), ambiguous, false},
		"nonce used":              {respondError(400, "SignatureNonceUsed"), ambiguous, true},
		"redirect":                {respond(302, "", "Location", "/"), ambiguous, false},
		"moved for good":          {respond(308, "", "Location", "https://elsewhere.example/"), ambiguous, false},
		"empty success":           {respond(200, ""), ambiguous, false},
		"broken success":          {respond(200, "{"), ambiguous, false},
		"cut success":             {respondThenFail(`{"RequestId":"r",`, io.ErrUnexpectedEOF), ambiguous, true},
		"reset success":           {respondThenFail(`{"RequestId":"r",`, reset), ambiguous, true},
		"stalled success":         {respondThenBlock(`{"RequestId":"r",`), ambiguous, true},

		// Clearly refused.
		"InvalidParameter":      {respondError(400, "InvalidParameter"), definite, false},
		"MissingName":           {respondError(400, "MissingName"), definite, false},
		"Forbidden":             {respondError(403, "Forbidden"), definite, false},
		"NoPermission":          {respondError(400, "NoPermission"), definite, false},
		"not found":             {respondError(404, "InvalidParameter.ResourceNotFound"), definite, false},
		"SignatureDoesNotMatch": {respondError(400, "SignatureDoesNotMatch"), definite, false},
		"unknown key":           {respondError(404, "InvalidAccessKeyId.NotFound"), definite, false},
		"wrong endpoint":        {respondError(404, "InvalidAction.NotFound"), definite, false},
		"unknown code, 4xx":     {respondError(409, "Unheard.Of"), definite, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, op := range allOperations {
					n := 0
					provider := CredentialsFunc(func(context.Context) (Credentials, error) {
						n++ // a token that was refused is replaced
						return Credentials{AccessKeyID: fmt.Sprint("STS.", n), AccessKeySecret: testSecret, SecurityToken: testToken}, nil
					})
					rt := newScript(tt.first, respond(200, op.success))
					err := op.call(t.Context(), clientOver(t, rt, WithCredentials(provider)))
					repeated := tt.reads
					if op.once {
						repeated = tt.writes == again
					}
					want := 1
					if repeated {
						want = 2
					}
					if got := len(rt.requests(t)); got != want || (err == nil) != repeated {
						t.Errorf("%s: %d requests were sent, want %d; the error is %v", op.name, got, want, err)
					}
					if got, want := errors.Is(err, ErrAmbiguous), op.once && tt.writes == ambiguous; got != want {
						t.Errorf("%s: errors.Is(%v, ErrAmbiguous) is %t", op.name, err, got)
					}
					if err != nil {
						wantOneLine(t, err)
						if hint := strings.Contains(err.Error(), "the operation may have succeeded"); hint != (op.once && tt.writes == ambiguous) {
							t.Errorf("%s: the error %q is wrong about the outcome", op.name, err)
						}
					}
				}
			})
		})
	}
}
