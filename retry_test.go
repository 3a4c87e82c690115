package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

var success = respond(200, documentedJob)

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for policy, want := range map[int]int{0: 3, 1: 1, 2: 2, 3: 3, 7: 7} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(respondError(503, "ServiceUnavailable"))
				start := time.Now()
				err := getJob(t.Context(), clientOver(t, rt, attempts(policy)))
				api, ok := errors.AsType[*APIError](err)
				if !ok || !errors.Is(err, ErrUnavailable) || api.Attempts != want {
					t.Errorf("the error is %#v, want an *APIError after %d attempts", err, want)
				}
				rt.wantRequests(t, want)
				if elapsed := time.Since(start); want == 1 && elapsed != 0 {
					t.Errorf("the only attempt took %v", elapsed)
				}

				rt = newScript(failWith(syscall.ECONNRESET))
				err = getJob(t.Context(), clientOver(t, rt, attempts(policy)))
				call, ok := errors.AsType[*CallError](err)
				if !ok || call.Attempts != want {
					t.Errorf("the error is %#v, want a *CallError after %d attempts", err, want)
				}
				if has := strings.Contains(err.Error(), fmt.Sprintf("%d attempts", want)); has != (want > 1) {
					t.Errorf("the error %q miscounts the attempts", err)
				}
			})
		})
	}
	t.Run("until it succeeds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(respondError(500, "InternalError"), failWith(io.EOF), success)
			if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
				t.Error(err)
			}
			rt.wantRequests(t, 3)
		})
	})
	t.Run("the last failure counts", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(failWith(io.EOF), respondError(500, "InternalError"), respondError(400, "InvalidParameter"), success)
			err := getJob(t.Context(), clientOver(t, rt, attempts(9)))
			if api, ok := errors.AsType[*APIError](err); !ok || api.Code != "InvalidParameter" || api.Attempts != 3 || errors.Is(err, io.EOF) {
				t.Errorf("the error is %#v", err)
			}
			rt.wantRequests(t, 3)
		})
	})
}

// TestNotRepeated: what stays as it is costs one request.
func TestNotRepeated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		code   string
	}{
		{400, "InvalidParameter"},
		{400, "MissingJobId"},
		{400, "Forbidden"},
		{403, "Forbidden.RAM"},
		{400, "NoPermission"},
		{404, "InvalidParameter.ResourceNotFound"},
		{400, "SignatureDoesNotMatch"},
		{400, "IncompleteSignature"},
		{404, "InvalidAccessKeyId.NotFound"},
		{400, "InvalidAccessKeyId.Inactive"},
		{403, "Forbidden.AccessKeyDisabled"},
		{404, "InvalidAction.NotFound"},
		{400, "NoSuchVersion"},
		{400, ""},
		{404, ""},
		{409, "Unheard.Of"},
		{302, ""},
		{503, "InvalidParameter"}, // a code says more than its status
		{400, "InvalidSecurityToken.Expired"},
		{400, "MissingSecurityToken"}, // the credentials are permanent
		{400, "InvalidTimeStamp.Expired"},
		{400, "IllegalTimestamp"}, // there is no Date
	} {
		rt := newScript(respondError(tt.status, tt.code, "X-Acs-Retry-After", "1"))
		err := getJob(t.Context(), clientOver(t, rt))
		if api, ok := errors.AsType[*APIError](err); !ok || api.Attempts != 1 {
			t.Errorf("%d %s: the error is %#v", tt.status, tt.code, err)
		}
		rt.wantRequests(t, 1)
	}
}

// sample returns the delays before attempts 2, 3, ... of many calls that fail with next.
func sample(t *testing.T, calls int, policy RetryPolicy, next step) (delays [][]time.Duration) {
	t.Helper()
	delays = make([][]time.Duration, policy.MaxAttempts-1)
	rt := newScript(next)
	c := clientOver(t, rt, WithRetryPolicy(policy))
	for range calls {
		rt.seen, c.quota.used = nil, 0
		getJob(t.Context(), c)
		rt.wantRequests(t, policy.MaxAttempts)
		for i, gap := range rt.gaps(t) {
			delays[i] = append(delays[i], gap)
		}
	}
	return delays
}

// wantSpread checks that delays lie between least and most, all over the range. With 100 samples the odds of
// a fifth without any are 1 in 10^9.
func wantSpread(t *testing.T, name string, delays []time.Duration, least, most time.Duration) {
	t.Helper()
	low, high := slices.Min(delays), slices.Max(delays)
	if low < least || high > most {
		t.Errorf("%s: the delays are from %v to %v, want %v to %v", name, low, high, least, most)
	}
	if fifth := (most - least) / 5; low > least+fifth || high < most-fifth {
		t.Errorf("%s: the delays are from %v to %v, want them spread from %v to %v", name, low, high, least, most)
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(delays)))
	if most > least && len(sorted) < len(delays)*9/10 {
		t.Errorf("%s: only %d of %d delays differ", name, len(sorted), len(delays))
	}
	var sum time.Duration
	for _, d := range delays {
		sum += d
	}
	// The deviation of the mean of 100 is 3 % of the range: 20 % is seven of them.
	if mean, middle := sum/time.Duration(len(delays)), least+(most-least)/2; (mean - middle).Abs() > (most-least)/5 {
		t.Errorf("%s: the mean delay is %v, want about %v", name, mean, middle)
	}
}

// TestFullJitter: before attempt n the delay is random up to min(MaxDelay, BaseDelay x 2^n).
func TestFullJitter(t *testing.T) {
	t.Parallel()
	const calls = 100
	for name, tt := range map[string]struct {
		policy RetryPolicy
		next   step
		least  time.Duration
		most   func(n int) time.Duration
	}{
		"server trouble": {RetryPolicy{MaxAttempts: 9}, respondError(500, "InternalError"), 0, func(n int) time.Duration {
			return min(20*time.Second, 100*time.Millisecond<<n)
		}},
		"network": {RetryPolicy{MaxAttempts: 4}, failWith(io.EOF), 0, func(n int) time.Duration {
			return 100 * time.Millisecond << n
		}},
		"throttled": {RetryPolicy{MaxAttempts: 5}, respondError(400, "Throttling.User"), time.Second, func(n int) time.Duration {
			return min(20*time.Second, time.Second<<n)
		}},
		"own delays": {
			RetryPolicy{MaxAttempts: 4, BaseDelay: 30 * time.Millisecond, MaxDelay: 300 * time.Millisecond},
			respondError(500, ""), 0,
			func(n int) time.Duration { return min(300*time.Millisecond, 30*time.Millisecond<<n) },
		},
		"long unit, throttled": {
			RetryPolicy{MaxAttempts: 3, BaseDelay: 2 * time.Second},
			respondError(429, ""), time.Second,
			func(n int) time.Duration { return min(20*time.Second, 2*time.Second<<n) },
		},
		"short cap, throttled": {
			RetryPolicy{MaxAttempts: 3, MaxDelay: 500 * time.Millisecond},
			respondError(429, ""), 500 * time.Millisecond,
			func(int) time.Duration { return 500 * time.Millisecond },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for i, delays := range sample(t, calls, tt.policy, tt.next) {
					wantSpread(t, fmt.Sprint("before attempt ", i+2), delays, tt.least, tt.most(i+2))
				}
			})
		})
	}
}

func TestBackoffDoesNotOverflow(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		for _, base := range []time.Duration{1, time.Millisecond, time.Hour, math.MaxInt64} {
			for _, longest := range []time.Duration{1, 20 * time.Second, math.MaxInt64} {
				if d := maxBackoff(base, longest, n); d <= 0 || d > longest {
					t.Errorf("maxBackoff(%d, %d, %d) is %d", base, longest, n, d)
				}
			}
		}
	}
}

// TestServerDelay: the delay that the service asks for is kept, with up to 10 % on top.
func TestServerDelay(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest's clock starts
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		header []string
		want   time.Duration // 0: none
	}{
		"milliseconds":           {[]string{"X-Acs-Retry-After", "2500"}, 2500 * time.Millisecond},
		"one millisecond":        {[]string{"X-Acs-Retry-After", "1"}, time.Millisecond},
		"spaces":                 {[]string{"X-Acs-Retry-After", " 2500 "}, 2500 * time.Millisecond},
		"longer than MaxDelay":   {[]string{"X-Acs-Retry-After", "45000"}, 45 * time.Second},
		"the longest":            {[]string{"X-Acs-Retry-After", "60000"}, time.Minute},
		"wins":                   {[]string{"X-Acs-Retry-After", "2500", "X-Ratelimit-User-Api", "TimeLeft:7000", "Retry-After", "9"}, 2500 * time.Millisecond},
		"zero, then seconds":     {[]string{"X-Acs-Retry-After", "0", "Retry-After", "9"}, 9 * time.Second},
		"malformed, then older":  {[]string{"X-Acs-Retry-After", "soon", "X-Ratelimit-User", "TimeLeft:7000"}, 7 * time.Second},
		"api":                    {[]string{"X-Ratelimit-User-Api", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234"}, 2 * time.Second},
		"user":                   {[]string{"X-Ratelimit-User", "Limit:1,Remain:0,TimeLeft:3000,Reset:1234"}, 3 * time.Second},
		"both, the longer":       {[]string{"X-Ratelimit-User-Api", "TimeLeft:2000", "X-Ratelimit-User", "TimeLeft:3000"}, 3 * time.Second},
		"spaces in the list":     {[]string{"X-Ratelimit-User", "Limit: 1, Remain: 0, TimeLeft: 3000"}, 3 * time.Second},
		"seconds":                {[]string{"Retry-After", "7"}, 7 * time.Second},
		"date":                   {[]string{"Retry-After", in(7 * time.Second)}, 7 * time.Second},
		"date by its own clock":  {[]string{"Retry-After", in(time.Hour + 7*time.Second), "Date", in(time.Hour)}, 7 * time.Second},
		"empty":                  {[]string{"X-Acs-Retry-After", ""}, 0},
		"zero":                   {[]string{"X-Acs-Retry-After", "0"}, 0},
		"negative":               {[]string{"X-Acs-Retry-After", "-5"}, 0},
		"fraction":               {[]string{"X-Acs-Retry-After", "2.5"}, 0},
		"unit":                   {[]string{"X-Acs-Retry-After", "5s"}, 0},
		"too long for a number":  {[]string{"X-Acs-Retry-After", "99999999999999999999"}, 0},
		"list without time":      {[]string{"X-Ratelimit-User-Api", "Limit:1,Remain:0"}, 0},
		"list with an odd time":  {[]string{"X-Ratelimit-User-Api", "TimeLeft:soon"}, 0},
		"list with room":         {[]string{"X-Ratelimit-User-Api", "Limit:9,Remain:3,TimeLeft:2000"}, 0},
		"list without structure": {[]string{"X-Ratelimit-User-Api", ",,:,TimeLeft"}, 0},
		"date in the past":       {[]string{"Retry-After", in(-time.Hour)}, 0},
		"negative seconds":       {[]string{"Retry-After", "-7"}, 0},
		"neither":                {[]string{"Retry-After", "tomorrow"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 1 // more would be after a date in the header
				if name == "milliseconds" || name == "neither" {
					calls = 100
				}
				refusal := respondError(400, "Throttling.Api", tt.header...)
				c := clientOver(t, newScript(refusal), attempts(1))
				api, _ := errors.AsType[*APIError](getJob(t.Context(), c))
				if api == nil || api.RetryAfter != tt.want {
					t.Errorf("the error is %#v, want RetryAfter %v", api, tt.want)
				}
				delays := sample(t, calls, RetryPolicy{MaxAttempts: 2}, refusal)[0]
				least, most := tt.want, tt.want+tt.want/10
				if tt.want == 0 {
					least, most = time.Second, 4*time.Second
				}
				if calls > 1 {
					wantSpread(t, "delay", delays, least, most)
				} else if delays[0] < least || delays[0] > most {
					t.Errorf("the delay is %v, want %v to %v", delays[0], least, most)
				}
			})
		})
	}
}

// TestServerDelayOfOthers: not only throttled answers ask for one.
func TestServerDelayOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(respond(503, "", "Retry-After", "5"), success)
		if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
			t.Error(err)
		}
		if gap := rt.gaps(t)[0]; gap < 5*time.Second || gap > 5500*time.Millisecond {
			t.Errorf("the delay is %v, want 5s to 5.5s", gap)
		}
	})
}

// TestServerDelayTooLong: a wait that is not worth it ends the call at once, and says how long it would be.
func TestServerDelayTooLong(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header     []string
		timeout    time.Duration // of the caller; 0: none
		retryAfter time.Duration
		deadline   bool // the caller's context is too short
	}{
		"above a minute":      {[]string{"X-Acs-Retry-After", "60001"}, 0, 60001 * time.Millisecond, false},
		"an hour":             {[]string{"Retry-After", "3600"}, 0, time.Hour, false},
		"an hour, long ctx":   {[]string{"Retry-After", "3600"}, 24 * time.Hour, time.Hour, false},
		"forever":             {[]string{"X-Acs-Retry-After", "9223372036854775807"}, 0, math.MaxInt64, false},
		"past the deadline":   {[]string{"X-Acs-Retry-After", "5000"}, 4 * time.Second, 5 * time.Second, true},
		"seconds past it":     {[]string{"Retry-After", "50"}, 49 * time.Second, 50 * time.Second, true},
		"shortly past it":     {[]string{"X-Acs-Retry-After", "5000"}, 5*time.Second - 1, 5 * time.Second, true},
		"older form, past it": {[]string{"X-Ratelimit-User", "TimeLeft:5000"}, time.Second, 5 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				rt := newScript(respondError(400, "Throttling.User", tt.header...), success)
				start := time.Now()
				err := getJob(ctx, clientOver(t, rt))
				if elapsed := time.Since(start); elapsed != 0 {
					t.Errorf("the call took %v", elapsed)
				}
				api, ok := errors.AsType[*APIError](err)
				if !ok || api.RetryAfter != tt.retryAfter || api.Attempts != 1 || api.Code != "Throttling.User" {
					t.Errorf("the error is %#v, want RetryAfter %v", err, tt.retryAfter)
				}
				wantKind(t, err, ErrThrottled)
				wantOneLine(t, err)
				if errors.Is(err, context.DeadlineExceeded) != tt.deadline {
					t.Errorf("errors.Is(%q, context.DeadlineExceeded) is %t", err, !tt.deadline)
				}
				if !strings.Contains(err.Error(), "retry after") {
					t.Errorf("the error %q does not name the delay", err)
				}
				rt.wantRequests(t, 1)
			})
		})
	}
	t.Run("long enough", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
			defer cancel()
			rt := newScript(respondError(400, "Throttling.User", "X-Acs-Retry-After", "5000"), success)
			if err := getJob(ctx, clientOver(t, rt)); err != nil {
				t.Error(err)
			}
			rt.wantRequests(t, 2)
		})
	})
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

// timeoutErr is a timeout by its method alone, as those of net/http are.
type timeoutErr struct{}

func (timeoutErr) Error() string { return "net/http: timeout awaiting response headers" }
func (timeoutErr) Timeout() bool { return true }

func TestTransportErrors(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	system := func(call string, errno syscall.Errno) error { return os.NewSyscallError(call, errno) }
	repeated := map[string]error{
		"refused":               dial(system("connect", syscall.ECONNREFUSED)),
		"refused, bare":         syscall.ECONNREFUSED,
		"reset":                 &net.OpError{Op: "read", Net: "tcp", Err: system("read", syscall.ECONNRESET)},
		"reset, bare":           syscall.ECONNRESET,
		"aborted":               syscall.ECONNABORTED,
		"broken pipe":           &net.OpError{Op: "write", Net: "tcp", Err: system("write", syscall.EPIPE)},
		"broken pipe, bare":     syscall.EPIPE,
		"EOF":                   io.EOF,
		"unexpected EOF":        io.ErrUnexpectedEOF,
		"EOF of net/http":       fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", io.EOF),
		"dial timeout":          dial(os.ErrDeadlineExceeded),
		"timeout of net/http":   timeoutErr{},
		"connection timed out":  dial(system("connect", syscall.ETIMEDOUT)),
		"DNS, temporary":        dial(&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}),
		"DNS, timeout":          dial(&net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true, IsTemporary: true}),
		"closed while idle":     errors.New("http: server closed idle connection"),
		"through a proxy":       &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(system("connect", syscall.ECONNREFUSED))},
		"in a url.Error":        &url.Error{Op: "Post", URL: "https://h/?JobId=j", Err: syscall.ECONNRESET},
		"closed, in url.Error":  &url.Error{Op: "Post", URL: "https://h/?JobId=j", Err: errors.New("http: server closed idle connection")},
		"of a context not ours": context.DeadlineExceeded,
	}
	certificate := &x509.Certificate{}
	final := map[string]error{
		"certificate":          &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{Cert: certificate}},
		"certificate, dialled": dial(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{Cert: certificate}}),
		"unknown authority":    x509.UnknownAuthorityError{Cert: certificate},
		"wrong host":           x509.HostnameError{Certificate: certificate, Host: "h"},
		"expired":              x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired},
		"not TLS":              tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"refused by TLS":       &net.OpError{Op: "remote error", Err: tls.AlertError(40)},
		"DNS, not found":       dial(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}),
		"bad address":          dial(&net.AddrError{Err: "missing port in address", Addr: "h"}),
		"unknown":              errors.New("something else"),
		"unknown, in an URL":   &url.Error{Op: "Post", URL: "https://h/", Err: errors.New("something else")},
		"cancelled elsewhere":  fmt.Errorf("proxy: %w", context.Canceled),
		"disk":                 &os.PathError{Op: "open", Path: "/p", Err: syscall.ENOENT},
	}
	check := func(name string, err error, want int) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(failWith(err))
				got := getJob(t.Context(), clientOver(t, rt))
				rt.wantRequests(t, want)
				wantKind(t, got, ErrUnavailable)
				wantOneLine(t, got)
				if errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled) {
					t.Errorf("the error %q reads as the end of the caller's context", got)
				}

				// The same in the middle of the body.
				rt = newScript(respondThenFail(`{"RequestId":"r",`, err))
				got = getJob(t.Context(), clientOver(t, rt))
				if err == io.EOF { //nolint:errorlint // a wrapped one is no end of the body
					want = 1 // it is the end of the body
				}
				rt.wantRequests(t, want)
				wantKind(t, got, ErrBadResponse)
				if errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled) {
					t.Errorf("the error %q reads as the end of the caller's context", got)
				}
			})
		})
	}
	for name, err := range repeated {
		check(name, err, 3)
	}
	for name, err := range final {
		check(name, err, 1)
	}
}

// TestHandshakeFails: a server without TLS, or without a certificate that is trusted, does not get better by
// asking again, and has seen nothing of the request.
func TestHandshakeFails(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"no TLS": (*httptest.Server).Start, "unknown authority": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("a request arrived")
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			start(server)
			t.Cleanup(server.Close)
			for _, op := range allOperations {
				c, err := NewClient(WithEndpoint("https://"+server.Listener.Addr().String()),
					WithCredentials(StaticCredentials(testKeyID, testSecret, "")))
				if err != nil {
					t.Fatal(err)
				}
				err = op.call(t.Context(), c)
				if call, ok := errors.AsType[*CallError](err); !ok || call.Attempts != 1 || errors.Is(err, ErrAmbiguous) || !errors.Is(err, ErrUnavailable) {
					t.Errorf("%s: the error is %#v", op.name, err)
				}
			}
		})
	}
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

// TestContextEndsTheCall: at whatever point, at once, with the context's error and the last failure.
func TestContextEndsTheCall(t *testing.T) {
	t.Parallel()
	unavailable := respondError(503, "ServiceUnavailable")
	always := func(_ int, ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	later := func(n int, ctx context.Context) error {
		if n == 1 {
			return nil
		}
		return always(n, ctx)
	}
	for name, tt := range map[string]struct {
		steps    []step
		limiter  func(n int, ctx context.Context) error
		provider func(n int, ctx context.Context) error
		requests int
		kind     error // of the failure before, if there is one
	}{
		"in the limiter":            {[]step{success}, always, nil, 0, nil},
		"in the provider":           {[]step{success}, nil, always, 0, nil},
		"while sending":             {[]step{block}, nil, nil, 1, nil},
		"while reading":             {[]step{respondThenBlock(`{"Job":`)}, nil, nil, 1, nil},
		"in the delay":              {[]step{respondError(400, "Throttling.User", "X-Acs-Retry-After", "5000")}, nil, nil, 1, ErrThrottled},
		"in the delay, network":     {[]step{failWith(syscall.ECONNRESET)}, nil, nil, 1, ErrUnavailable},
		"in the limiter, later":     {[]step{unavailable}, later, nil, 1, ErrUnavailable},
		"in the provider, later":    {[]step{unavailable}, nil, later, 1, ErrUnavailable},
		"while sending, later":      {[]step{unavailable, block}, nil, nil, 2, ErrUnavailable},
		"while sending, after both": {[]step{failWith(io.EOF), unavailable, block}, nil, nil, 3, ErrUnavailable},
		"while reading an error": {[]step{func(req *http.Request) (*http.Response, error) {
			resp, _ := respondThenBlock(errorBodyJSON("ServiceUnavailable", "m")[:20])(req)
			resp.StatusCode = 503
			return resp, nil
		}}, nil, nil, 1, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				stage := func(f func(int, context.Context) error) func(context.Context) error {
					return func(ctx context.Context) error {
						if f == nil {
							return nil
						}
						asked++
						return f(asked, ctx)
					}
				}
				limit, provide := stage(tt.limiter), stage(tt.provider)
				policy := RetryPolicy{BaseDelay: time.Nanosecond}
				if strings.HasPrefix(name, "in the delay") {
					policy.BaseDelay, policy.MaxDelay = 1<<62, 1<<62 // a random delay that is surely longer than 2 s
				}
				rt := newScript(tt.steps...)
				c := clientOver(t, rt, WithRetryPolicy(policy), WithLimiter(limiterFunc(limit)),
					WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
						return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, provide(ctx)
					})))
				ctx, cancel := context.WithCancelCause(t.Context())
				why := errors.New("the user has left")
				time.AfterFunc(2*time.Second, func() { cancel(why) })
				start := time.Now()
				err := getJob(ctx, c)
				if got := time.Since(start); got != 2*time.Second {
					t.Errorf("the call ended after %v, want 2s", got)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error %q is not the context's, with its cause", err)
				}
				wantOneLine(t, err)
				wantKind(t, err, tt.kind)
				rt.wantRequests(t, tt.requests)
				got := -1
				if call, ok := errors.AsType[*CallError](err); ok {
					got = call.Attempts
				}
				if api, ok := errors.AsType[*APIError](err); ok {
					got = api.Attempts
					if tt.kind != nil && api.Code != "" && api.RequestID != "req-1" {
						t.Errorf("the error %v lost the request id", err)
					}
				}
				if got != tt.requests {
					t.Errorf("the error %#v names %d attempts, want %d", err, got, tt.requests)
				}
			})
		})
	}
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel2 := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel2()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, expired: context.DeadlineExceeded} {
		for _, op := range allOperations {
			rt := newScript(respond(200, op.success))
			c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				t.Error("the provider was asked")
				return Credentials{}, nil
			})), WithLimiter(limiterFunc(func(context.Context) error {
				t.Error("the limiter was asked")
				return nil
			})))
			err := op.call(ctx, c)
			if call, ok := errors.AsType[*CallError](err); !ok || !errors.Is(err, want) || call.Attempts != 0 || errors.Is(err, ErrAmbiguous) {
				t.Errorf("%s: the error is %#v, want %v", op.name, err, want)
			}
			wantKind(t, err, nil)
			rt.wantRequests(t, 0)
		}
	}
}

// TestDeadlineInTheDelay: a delay of our own is cut by the caller's deadline.
func TestDeadlineInTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(respondError(500, "InternalError"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := getJob(ctx, clientOver(t, rt, WithRetryPolicy(RetryPolicy{MaxAttempts: 1000, MaxDelay: time.Hour, BaseDelay: time.Minute})))
		if got := time.Since(start); got > 10*time.Second {
			t.Errorf("the call ended after %v", got)
		}
		api, ok := errors.AsType[*APIError](err)
		if !ok || api.Code != "InternalError" || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestRetryQuota: retries stop when there are too many of them, first attempts never.
func TestRetryQuota(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next  step
		calls int // whose retry fits into the quota
	}{
		"server trouble": {respondError(500, "InternalError"), 100},
		"throttled":      {respondError(400, "Throttling"), 100},
		"network":        {failWith(io.EOF), 100},
		"timed out":      {block, 50},
		"half a body":    {respondThenBlock("{"), 50},
		"timeout":        {failWith(timeoutErr{}), 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.next)
				c := clientOver(t, rt, attempts(2))
				for range tt.calls {
					getJob(t.Context(), c)
				}
				rt.wantRequests(t, 2*tt.calls)
				for range 3 {
					before, start := len(rt.requests(t)), time.Now()
					err := getJob(t.Context(), c)
					if err == nil || len(rt.requests(t)) != before+1 {
						t.Errorf("a call without quota sent %d requests: %v", len(rt.requests(t))-before, err)
					}
					if got := time.Since(start); got > 30*time.Second {
						t.Errorf("a call without quota took %v", got)
					}
				}
				// A success gives back at least 1, so five pay for a retry of 5.
				rt.steps = []step{success}
				cost := 500 / tt.calls
				for range cost - 1 {
					getJob(t.Context(), c)
				}
				rt.steps = []step{tt.next}
				before := len(rt.requests(t))
				getJob(t.Context(), c)
				if got := len(rt.requests(t)) - before; got != 1 {
					t.Errorf("after %d successes a call sent %d requests, want 1", cost-1, got)
				}
				rt.steps = []step{success}
				getJob(t.Context(), c)
				rt.steps = []step{tt.next}
				before = len(rt.requests(t))
				getJob(t.Context(), c)
				if got := len(rt.requests(t)) - before; got != 2 {
					t.Errorf("after %d successes a call sent %d requests, want 2", cost, got)
				}
			})
		})
	}
	t.Run("a success pays back its retries", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := func() step {
				n := 0
				return func(req *http.Request) (*http.Response, error) {
					n++
					return map[int]step{1: respondError(500, "InternalError"), 2: failWith(timeoutErr{}), 0: success}[n%3](req)
				}
			}()
			c := clientOver(t, rt)
			for i := range 200 { // 15 each, if they were not paid back
				if err := getJob(t.Context(), c); err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
				if c.quota.used != 0 {
					t.Fatalf("after call %d the quota lacks %d", i, c.quota.used)
				}
			}
		})
	})
	t.Run("never above full", func(t *testing.T) {
		t.Parallel()
		var q quota
		q.giveBack(1000)
		for i := range 100 {
			if !q.take(5) {
				t.Fatalf("the quota is empty after %d", i*5)
			}
		}
		if q.take(1) {
			t.Error("the quota holds more than 500")
		}
	})
	t.Run("shared by all callers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(respondError(500, "InternalError"))
			c := clientOver(t, rt, attempts(4))
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() { getJob(t.Context(), c) })
			}
			wg.Wait()
			rt.wantRequests(t, 200+100)
		})
	})
}

// dated answers that the timestamp is not accepted, from a clock that is ahead of this machine's.
func dated(code string, ahead time.Duration, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		h := append([]string{"Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat)}, header...)
		return respondError(400, code, h...)(req)
	}
}

// wantDate checks how far the date of a request is ahead of this machine's clock.
func wantDate(t *testing.T, s sentRequest, ahead time.Duration) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s.header.Get("x-acs-date"))
	if got := at.Sub(s.at); err != nil || (got-ahead).Abs() > time.Second {
		t.Errorf("the date is %v ahead, want %v", got, ahead)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	const expired = "InvalidTimeStamp.Expired"
	for name, tt := range map[string]struct {
		steps []step
		dates []time.Duration // how far each request's is ahead
		fails bool
		warns int
	}{
		"behind":           {[]step{dated(expired, time.Hour), success}, []time.Duration{0, time.Hour}, false, 1},
		"ahead":            {[]step{dated(expired, -20*time.Minute), success}, []time.Duration{0, -20 * time.Minute}, false, 1},
		"older code":       {[]step{dated("IllegalTimestamp", time.Hour), success}, []time.Duration{0, time.Hour}, false, 1},
		"4 minutes":        {[]step{dated(expired, 4*time.Minute), success}, []time.Duration{0, 4 * time.Minute}, false, 1},
		"less than that":   {[]step{dated(expired, 4*time.Minute-time.Second), success}, []time.Duration{0}, true, 0},
		"no difference":    {[]step{dated(expired, 0), success}, []time.Duration{0}, true, 0},
		"from a cache":     {[]step{dated(expired, time.Hour, "Age", "3600"), success}, []time.Duration{0}, true, 0},
		"no date":          {[]step{respondError(400, expired), success}, []time.Duration{0}, true, 0},
		"odd date":         {[]step{respondError(400, expired, "Date", "today"), success}, []time.Duration{0}, true, 0},
		"other codes":      {[]step{dated("InvalidParameter", time.Hour), success}, []time.Duration{0}, true, 0},
		"once a call":      {[]step{dated(expired, time.Hour), dated(expired, 3*time.Hour), success}, []time.Duration{0, time.Hour}, true, 1},
		"other trouble":    {[]step{dated(expired, time.Hour), respondError(500, ""), success}, []time.Duration{0, time.Hour, time.Hour}, false, 1},
		"after other":      {[]step{respondError(500, ""), dated(expired, time.Hour), success}, []time.Duration{0, 0, time.Hour}, false, 1},
		"a date in others": {[]step{dated("ServiceUnavailable", time.Hour), success}, []time.Duration{0, 0}, false, 0},
	} {
		if name == "a date in others" { // with its usual status
			tt.steps[0] = func(req *http.Request) (*http.Response, error) {
				return respondError(503, "ServiceUnavailable", "Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))(req)
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				book := new(logRecorder)
				rt := newScript(tt.steps...)
				c := clientOver(t, rt, book.option())
				err := getJob(t.Context(), c)
				if (err != nil) != tt.fails {
					t.Errorf("the error is %v", err)
				}
				seen := rt.requests(t)
				if len(seen) != len(tt.dates) {
					t.Fatalf("%d requests were sent, want %d", len(seen), len(tt.dates))
				}
				for i, s := range seen {
					wantDate(t, s, tt.dates[i])
				}
				if got := book.entries(t, slog.LevelWarn); len(got) != tt.warns {
					t.Errorf("the warnings are %v, want %d", got, tt.warns)
				}
				if errors.Is(err, ErrAuthentication) && !strings.Contains(err.Error(), "clock") {
					t.Errorf("the error %q does not point at the clock", err)
				}
			})
		})
	}
}

// TestClockStays: what was learnt is used by all later calls, until the service says otherwise.
func TestClockStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := new(logRecorder)
		rt := newScript(dated("InvalidTimeStamp.Expired", time.Hour), success)
		c := clientOver(t, rt, book.option())
		for range 4 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		for i, s := range rt.requests(t) {
			wantDate(t, s, map[bool]time.Duration{true: time.Hour}[i > 0])
		}
		if got := book.entries(t, slog.LevelWarn); len(got) != 1 {
			t.Errorf("the warnings are %v, want 1", got)
		}
		// This machine's clock was set right: back to no difference.
		rt.mu.Lock()
		rt.seen, rt.steps = nil, []step{dated("InvalidTimeStamp.Expired", 0), success}
		rt.mu.Unlock()
		for range 2 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		for i, s := range rt.requests(t) {
			wantDate(t, s, map[bool]time.Duration{true: time.Hour}[i == 0])
		}
		if got := book.entries(t, slog.LevelWarn); len(got) != 2 {
			t.Errorf("the warnings are %v, want 2", got)
		}
	})
	t.Run("without a retry", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(dated("InvalidTimeStamp.Expired", time.Hour), success)
			c := clientOver(t, rt, attempts(1))
			if err := getJob(t.Context(), c); !errors.Is(err, ErrAuthentication) {
				t.Errorf("the error is %v", err)
			}
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
			rt.wantRequests(t, 2)
			wantDate(t, rt.requests(t)[len(rt.requests(t))-1], time.Hour)
		})
	})
	t.Run("one warning for many callers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			book := new(logRecorder)
			rt := step(func(req *http.Request) (*http.Response, error) {
				at, _ := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
				time.Sleep(time.Second) // so that all are in flight
				if time.Until(at) < 30*time.Minute {
					return dated("InvalidTimeStamp.Expired", time.Hour)(req)
				}
				return success(req)
			})
			c := clientOver(t, rt, book.option())
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if err := getJob(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := book.entries(t, slog.LevelWarn); len(got) != 1 {
				t.Errorf("the warnings are %v, want 1", got)
			}
		})
	})
}

// TestClockIsReadInTheMiddle: the Date is taken to be of the middle of the attempt, so that a slow answer
// does not bend the clock by its slowness.
func TestClockIsReadInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(func(req *http.Request) (*http.Response, error) {
			time.Sleep(12 * time.Second)
			resp, err := dated("InvalidTimeStamp.Expired", time.Hour)(req)
			time.Sleep(12 * time.Second)
			return resp, err
		}, success)
		if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
			t.Error(err)
		}
		rt.wantRequests(t, 2)
		wantDate(t, rt.requests(t)[len(rt.requests(t))-1], time.Hour)
	})
}

func TestNonceUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		used := respondError(400, "SignatureNonceUsed")
		rt := newScript(used, success)
		if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
			t.Error(err)
		}
		seen := rt.requests(t)
		if len(seen) != 2 || seen[0].header.Get("x-acs-signature-nonce") == seen[1].header.Get("x-acs-signature-nonce") {
			t.Errorf("%d requests were sent, want 2 with two nonces", len(seen))
		}
		rt = newScript(used)
		err := getJob(t.Context(), clientOver(t, rt, attempts(9)))
		wantKind(t, err, ErrAuthentication)
		rt.wantRequests(t, 2)
	})
}

// A changingProvider returns the next credentials each time, the last again and again, and is told of
// refused ones.
type changingProvider struct {
	all   []Credentials
	asked int
	told  []Credentials
}

func (p *changingProvider) Credentials(context.Context) (Credentials, error) {
	p.asked++
	return p.all[min(p.asked, len(p.all))-1], nil
}

func (p *changingProvider) refused(c Credentials) { p.told = append(p.told, c) }

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	session := func(n int) Credentials {
		return Credentials{AccessKeyID: fmt.Sprint("STS.", n), AccessKeySecret: fmt.Sprint("secret-", n), SecurityToken: fmt.Sprint("token-", n)}
	}
	key := Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}
	lost := Credentials{AccessKeyID: "STS.lost", AccessKeySecret: "secret"} // its token is missing
	expired := respondError(403, "InvalidSecurityToken.Expired")
	for name, tt := range map[string]struct {
		creds    []Credentials
		steps    []step
		requests int
		asked    int
		told     int
		fails    bool
	}{
		"others":              {[]Credentials{session(1), session(2)}, []step{expired, success}, 2, 2, 1, false},
		"malformed":           {[]Credentials{session(1), session(2)}, []step{respondError(400, "InvalidSecurityToken.Malformed"), success}, 2, 2, 1, false},
		"mismatch":            {[]Credentials{session(1), session(2)}, []step{respondError(400, "InvalidSecurityToken.MismatchWithAccessKey"), success}, 2, 2, 1, false},
		"missing":             {[]Credentials{lost, session(2)}, []step{respondError(400, "MissingSecurityToken"), success}, 2, 2, 1, false},
		"permanent instead":   {[]Credentials{session(1), key}, []step{expired, success}, 2, 2, 1, false},
		"the same":            {[]Credentials{session(1)}, []step{expired, success}, 1, 2, 1, true},
		"permanent":           {[]Credentials{key, session(2)}, []step{expired, success}, 1, 1, 1, true},
		"once":                {[]Credentials{session(1), session(2), session(3)}, []step{expired, expired, success}, 2, 2, 2, true},
		"key not found":       {[]Credentials{session(1), session(2)}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 1, 1, 1, true},
		"key inactive":        {[]Credentials{key, session(2)}, []step{respondError(400, "InvalidAccessKeyId.Inactive"), success}, 1, 1, 1, true},
		"key disabled":        {[]Credentials{key, session(2)}, []step{respondError(403, "Forbidden.AccessKeyDisabled"), success}, 1, 1, 1, true},
		"no match":            {[]Credentials{key, session(2)}, []step{respondError(400, "SignatureDoesNotMatch"), success}, 1, 1, 1, true},
		"forbidden":           {[]Credentials{session(1), session(2)}, []step{respondError(403, "Forbidden.RAM"), success}, 1, 1, 0, true},
		"throttled":           {[]Credentials{session(1)}, []step{respondError(400, "Throttling"), success}, 2, 2, 0, false},
		"then other trouble":  {[]Credentials{session(1), session(2)}, []step{expired, respondError(503, ""), success}, 3, 3, 1, false},
		"after other trouble": {[]Credentials{session(1), session(1), session(2)}, []step{respondError(503, ""), expired, success}, 3, 3, 1, false},
		"the refused return":  {[]Credentials{session(1), session(2), session(1)}, []step{expired, respondError(503, ""), success}, 2, 3, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt, p := newScript(tt.steps...), &changingProvider{all: tt.creds}
				err := getJob(t.Context(), clientOver(t, rt, WithCredentials(p)))
				if (err != nil) != tt.fails {
					t.Errorf("the error is %v", err)
				}
				rt.wantRequests(t, tt.requests)
				if p.asked != tt.asked {
					t.Errorf("the provider was asked %d times, want %d", p.asked, tt.asked)
				}
				if len(p.told) != tt.told {
					t.Errorf("the provider was told of %d refusals, want %d", len(p.told), tt.told)
				}
				if len(p.told) > 0 && p.told[0] != tt.creds[0] {
					t.Errorf("the provider was told of %v", p.told[0])
				}
				if err == nil {
					return
				}
				wantOneLine(t, err)
				api, ok := errors.AsType[*APIError](err)
				if !ok || api.RequestID == "" || api.Attempts != tt.requests {
					t.Errorf("the error is %#v, want the service's after %d attempts", err, tt.requests)
				}
				wantNone(t, err.Error(), "secret-1", "token-1", "secret-2", "token-2")
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
		"line break in id": {Credentials{AccessKeyID: "i\n", AccessKeySecret: testSecret}, nil, ErrInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, asked := newScript(success), 0
			err := getJob(t.Context(), clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				asked++
				return tt.creds, tt.err
			}))))
			if !errors.Is(err, tt.is) || errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
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

func TestDebugLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := new(logRecorder)
		rt := newScript(
			respondError(400, "Throttling.User", "X-Acs-Retry-After", "2000"),
			failWith(fmt.Errorf("with %s to https://h/?JobId=secret-job-id: %w", testToken, io.EOF)),
			respond(200, `{"RequestId":"req-2","Job":{}}`),
		)
		c := clientOver(t, rt, book.option(), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
		if _, err := c.GetLiveTranscodeJob(t.Context(), "secret-job-id"); err != nil {
			t.Fatal(err)
		}
		entries := book.entries(t, slog.LevelDebug)
		if len(entries) != 3 {
			t.Fatalf("there are %d entries, want one for each attempt:\n%s", len(entries), book.text())
		}
		gaps := rt.gaps(t)
		want := []map[string]any{
			{"operation": "GetLiveTranscodeJob", "attempt": 1.0, "status": 400.0, "code": "Throttling.User", "request_id": "req-1", "delay": float64(gaps[0])},
			{"operation": "GetLiveTranscodeJob", "attempt": 2.0, "delay": float64(gaps[1])},
			{"operation": "GetLiveTranscodeJob", "attempt": 3.0, "status": 200.0, "code": "", "request_id": "req-2"},
		}
		for i, entry := range entries {
			for key, value := range want[i] {
				if entry[key] != value {
					t.Errorf("entry %d has %s %v, want %v", i+1, key, entry[key], value)
				}
			}
			if _, has := entry["delay"]; has && i == 2 {
				t.Error("the last entry has a delay")
			}
		}
		wantNone(t, book.text(), testSecret, testToken, "secret-job-id", "Signature=", "Credential=")
		if got := slices.Sorted(maps.Keys(entries[1])); !slices.Contains(got, "error") {
			t.Errorf("the entry of an attempt without an answer has %v and no error", got)
		}

		// The last failure of a call, and an answer that cannot be used, are attempts too.
		book = new(logRecorder)
		getJob(t.Context(), clientOver(t, newScript(respondError(403, "Forbidden")), book.option()))
		getJob(t.Context(), clientOver(t, newScript(respond(200, "{}", "X-Acs-Request-Id", "header-id")), book.option()))
		entries = book.entries(t, slog.LevelDebug)
		if len(entries) != 2 || entries[0]["code"] != "Forbidden" || entries[1]["request_id"] != "header-id" || entries[1]["status"] != 200.0 {
			t.Errorf("the log is\n%s", book.text())
		}
	})
}

// TestSilence: without a logger nothing is logged.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, c := range []*Client{clientOver(t, newScript(success)), clientOver(t, newScript(success), WithLogger(nil))} {
		if c.logger.Enabled(t.Context(), slog.LevelError+100) {
			t.Error("the default logger is not silent")
		}
	}
}

// TestErrorsAreTheirOwn: calls that fail at the same time do not write into each other's errors.
func TestErrorsAreTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		c := clientOver(t, failWith(shared), attempts(2))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if call, ok := errors.AsType[*CallError](getJob(ctx, c)); !ok || call.Attempts < 1 {
					t.Errorf("the error is %#v", call)
				}
			})
		}
		wg.Wait()
	})
}
