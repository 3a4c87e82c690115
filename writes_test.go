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
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

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

// TestSuccessWithoutID: the id is lost, the job is not.
func TestSuccessWithoutID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"RequestId":"r"}`, `{"RequestId":"r","JobId":"","TemplateId":""}`, `{"RequestId":"r","JobId":null,"TemplateId":null}`,
		`{"RequestId":"r","Data":{"JobId":"j"}}`, `{"RequestId":"r","JobId":{},"TemplateId":{}}`, `null`, `[]`,
		errorBodyJSON("InternalError", "m"),
	} {
		for _, op := range allOperations {
			if !op.once {
				continue
			}
			rt := newScript(respond(200, body, "X-Acs-Request-Id", "header-id"))
			err := op.call(t.Context(), clientOver(t, rt))
			api, ok := errors.AsType[*APIError](err)
			if !ok || !errors.Is(err, ErrAmbiguous) || api.StatusCode != 200 || api.RequestID == "" || api.Attempts != 1 {
				t.Errorf("%s with %s: the error is %#v", op.name, body, err)
			}
			wantKind(t, err, ErrBadResponse)
			rt.wantRequests(t, 1)
		}
	}
}

// TestContextEndsAWrite: after the request was written nobody knows, before that everybody does.
func TestContextEndsAWrite(t *testing.T) {
	t.Parallel()
	blockUntilDone := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tt := range map[string]struct {
		steps     []step
		limiter   bool // blocks
		provider  bool // blocks
		requests  int
		ambiguous bool
	}{
		"in the limiter":                  {[]step{block}, true, false, 0, false},
		"in the provider":                 {[]step{block}, false, true, 0, false},
		"before the write":                {[]step{unwritten(block)}, false, false, 1, false},
		"after the write":                 {[]step{written(block)}, false, false, 1, true},
		"unreported":                      {[]step{block}, false, false, 1, true},
		"in the body":                     {[]step{written(respondThenBlock(`{"RequestId":`))}, false, false, 1, true},
		"in the delay":                    {[]step{respondError(400, "Throttling", "X-Acs-Retry-After", "50000")}, false, false, 1, false},
		"before the write, after another": {[]step{respondError(400, "Throttling", "X-Acs-Retry-After", "1"), unwritten(block)}, false, false, 2, false},
		"after the write, after another":  {[]step{respondError(400, "Throttling", "X-Acs-Retry-After", "1"), written(block)}, false, false, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, op := range allOperations {
					if !op.once {
						continue
					}
					rt := newScript(tt.steps...)
					c := clientOver(t, rt,
						WithLimiter(limiterFunc(func(ctx context.Context) error {
							if tt.limiter {
								return blockUntilDone(ctx)
							}
							return nil
						})),
						WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
							if tt.provider {
								return Credentials{}, blockUntilDone(ctx)
							}
							return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, nil
						})))
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(5*time.Second, cancel)
					start := time.Now()
					err := op.call(ctx, c)
					if got := time.Since(start); got != 5*time.Second {
						t.Errorf("%s ended after %v, want 5s", op.name, got)
					}
					if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) != tt.ambiguous {
						t.Errorf("%s: the error is %v, want one that is ambiguous: %t", op.name, err, tt.ambiguous)
					}
					wantOneLine(t, err)
					rt.wantRequests(t, tt.requests)
				}
			})
		})
	}
}

// TestWritesOnTheWire: the same with net/http's own transport and real connections.
func TestWritesOnTheWire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		raw      string
		then     connectionEnd
		timeout  time.Duration // of an attempt
		requests int
		is       error
	}{
		"closed after the request": {"", closeConn, 0, 1, io.EOF},
		"reset after the request":  {"", resetConn, 0, 1, syscall.ECONNRESET},
		"no answer":                {"", stallConn, 50 * time.Millisecond, 1, ErrUnavailable},
		"half a head":              {"HTTP/1.1 200 OK\r\n", closeConn, 0, 1, io.ErrUnexpectedEOF},
		"half a body":              {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"RequestId\":", closeConn, 0, 1, io.ErrUnexpectedEOF},
		"half a body, stalled":     {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"RequestId\":", stallConn, 50 * time.Millisecond, 1, ErrBadResponse},
		"redirect":                 {rawResponse(307, "", "Location", "/"), keepOpen, 0, 1, ErrBadResponse},
		"InternalError":            {rawResponse(500, errorBodyJSON("InternalError", "m")), keepOpen, 0, 1, ErrUnavailable},
		"not HTTP":                 {"SSH-2.0-OpenSSH\r\n", closeConn, 0, 1, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRawServer(t, func(int, string) (string, connectionEnd) { return tt.raw, tt.then })
			err := submitJob(t.Context(), w.client(t, WithRetryPolicy(RetryPolicy{AttemptTimeout: tt.timeout, BaseDelay: 1})))
			if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, tt.is) {
				t.Errorf("the error is %v, want ErrAmbiguous and %v", err, tt.is)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error %q reads as the caller's deadline", err)
			}
			wantNone(t, err.Error(), "streamkey")
			if heads, _ := w.seen(); len(heads) != tt.requests {
				t.Errorf("%d requests arrived, want %d", len(heads), tt.requests)
			}
		})
	}
	t.Run("throttled", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 0 {
				return rawResponse(400, errorBodyJSON("Throttling.User", "m"), "x-acs-retry-after", "1"), keepOpen
			}
			return rawResponse(200, `{"RequestId":"r","JobId":"j"}`), keepOpen
		})
		if err := submitJob(t.Context(), w.client(t)); err != nil {
			t.Error(err)
		}
		if heads, conns := w.seen(); len(heads) != 2 || conns != 1 {
			t.Errorf("%d requests arrived on %d connections, want 2 on 1", len(heads), conns)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, nil)
		c := w.client(t, WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
		w.close()
		err := submitJob(t.Context(), c)
		if call, ok := errors.AsType[*CallError](err); !ok || call.Attempts != 3 || errors.Is(err, ErrAmbiguous) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the error is %#v", err)
		}
	})
	t.Run("cancelled while dialling", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			cancel() // net/http's context for the dial lives on
			return nil, errors.New("the dial comes too late")
		}}
		err := submitJob(ctx, clientOver(t, transport))
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want one that is not ambiguous", err)
		}
	})
	t.Run("cancelled after the write", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		w := newRawServer(t, func(int, string) (string, connectionEnd) { cancel(); return "", stallConn })
		err := submitJob(ctx, w.client(t))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want context.Canceled and ErrAmbiguous", err)
		}
		if heads, _ := w.seen(); len(heads) != 1 {
			t.Errorf("%d requests arrived, want 1", len(heads))
		}
	})
	// A connection that the server closed while it was idle: net/http sends a POST again by itself only if
	// nothing of it was written.
	t.Run("closed while idle", func(t *testing.T) {
		t.Parallel()
		w := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 1 {
				return "", closeConn
			}
			return rawResponse(200, `{"RequestId":"r","JobId":"j"}`), keepOpen
		})
		c := w.client(t)
		if err := submitJob(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := submitJob(t.Context(), c); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want ErrAmbiguous", err)
		}
		if heads, _ := w.seen(); len(heads) != 2 {
			t.Errorf("%d requests arrived, want 2", len(heads))
		}
	})
}
