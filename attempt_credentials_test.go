package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	alibaba "github.com/aliyun/credentials-go/credentials"
)

// TestRotatingCredentials changes the credentials while many callers use one client. Every request must be signed with
// an id, a secret and a token that belong together.
func TestRotatingCredentials(t *testing.T) {
	t.Parallel()
	const callers, calls = 16, 20
	for name, provider := range map[string]func(func() Credentials) CredentialsProvider{
		"function": func(current func() Credentials) CredentialsProvider {
			return CredentialsFunc(func(context.Context) (Credentials, error) { return current(), nil })
		},
		"credential": func(current func() Credentials) CredentialsProvider {
			return FromCredential(fakeCredential{get: func() (*alibaba.CredentialModel, error) {
				c := current()
				return &alibaba.CredentialModel{AccessKeyId: &c.AccessKeyID, AccessKeySecret: &c.AccessKeySecret, SecurityToken: &c.SecurityToken}, nil
			}})
		},
	} {
		for _, refuse := range []bool{false, true} { // whether earlier credentials are refused
			t.Run(fmt.Sprintf("%s, refused: %t", name, refuse), func(t *testing.T) {
				t.Parallel()
				generation := func(n int64) Credentials {
					id := fmt.Sprint("STS.id-", n)
					if refuse {
						id = "STS.id" // a refused token is replaced, an unknown id is not
					}
					return Credentials{AccessKeyID: id, AccessKeySecret: fmt.Sprint("secret-", n), SecurityToken: fmt.Sprint("token-", n)}
				}
				var current, sent, refused atomic.Int64
				rt := step(func(req *http.Request) (*http.Response, error) {
					if sent.Add(1)%60 == 0 {
						current.Add(1)
					}
					runtime.Gosched() // to interleave the callers
					var n int64
					fmt.Sscanf(req.Header.Get("x-acs-security-token"), "token-%d", &n)
					if !signedWith(req, generation(n)) {
						t.Errorf("a request has the token of generation %d and another secret or id", n)
					}
					if refuse && n != current.Load() {
						refused.Add(1)
						return respondError(403, "InvalidSecurityToken.Expired")(req)
					}
					return success(req)
				})
				c := clientOver(t, rt, WithCredentials(provider(func() Credentials { return generation(current.Load()) })))
				var workers sync.WaitGroup
				for range callers {
					workers.Go(func() {
						for range calls {
							err := getJob(t.Context(), c)
							if err != nil && (!refuse || !errors.Is(err, ErrAuthentication)) { // refused twice in one call
								t.Error(err)
							}
						}
					})
				}
				workers.Wait()
				if n, m := sent.Load(), refused.Load(); (m > 0) != refuse || n-m < callers*calls/2 {
					t.Errorf("%d of %d requests were refused", m, n)
				}
			})
		}
	}
}

// signedWith reports whether a request was signed with creds.
func signedWith(req *http.Request, creds Credentials) bool {
	at, err := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
	again := req.Clone(req.Context())
	if err != nil || new(Signer).Sign(again, nil, creds, at, req.Header.Get("x-acs-signature-nonce")) != nil {
		return false
	}
	return again.Header.Get("Authorization") == req.Header.Get("Authorization") && again.URL.RawQuery == req.URL.RawQuery
}

// TestSlowProvider checks that an attempt whose provider took too long is retried, a Submit too: nothing was sent.
func TestSlowProvider(t *testing.T) {
	t.Parallel()
	good := Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}
	for name, tt := range map[string]struct {
		provide   func(context.Context) (Credentials, error)
		text      string
		permanent bool
	}{
		"bare": {func(ctx context.Context) (Credentials, error) { <-ctx.Done(); return Credentials{}, ctx.Err() }, "no credentials in 30s", false},
		"wrapped": {func(ctx context.Context) (Credentials, error) {
			<-ctx.Done()
			return Credentials{}, fmt.Errorf("STS: %w", ctx.Err())
		}, "no credentials in 30s: STS", false},
		"other error": {func(ctx context.Context) (Credentials, error) {
			<-ctx.Done()
			return Credentials{}, errors.New("gave up")
		}, "no credentials in 30s: gave up", false},
		"too late": {func(ctx context.Context) (Credentials, error) { <-ctx.Done(); return good, nil }, "no credentials in 30s", false},
		"none":     {func(ctx context.Context) (Credentials, error) { <-ctx.Done(); return Credentials{}, ErrNoCredentials }, "no credentials", true},
	} {
		for _, call := range []func(context.Context, *Client) error{getJob, submitJob} {
			synctest.Test(t, func(t *testing.T) {
				asked, slow := 0, 2
				rt := newScript(respond(200, `{"RequestId":"r","JobId":"j","Job":{}}`))
				c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
					if asked++; asked <= slow {
						return tt.provide(ctx)
					}
					return good, nil
				})))
				err := call(t.Context(), c)
				if tt.permanent {
					if !errors.Is(err, ErrNoCredentials) || errors.Is(err, ErrUnavailable) || asked != 1 {
						t.Errorf("%s: the provider was asked %d times, and the error is %v", name, asked, err)
					}
					return
				}
				if err != nil || asked != 3 {
					t.Errorf("%s: the provider was asked %d times, and the error is %v", name, asked, err)
				}
				rt.wantRequests(t, 1)

				asked, slow = 0, 10
				start := time.Now()
				err = call(t.Context(), c)
				if took := time.Since(start); asked != 3 || took < 90*time.Second || took > 92*time.Second {
					t.Errorf("%s: the provider was asked %d times in %v, want 3 times 30s", name, asked, took)
				}
				wantKind(t, err, ErrUnavailable)
				wantNoContextError(t, err)
				if e, ok := errors.AsType[*CallError](err); !ok || e.Attempts != 0 || ErrorKind(err) != "unavailable" || !Retryable(err) {
					t.Errorf("%s: the error is %#v", name, err)
				}
				if !strings.HasSuffix(err.Error(), tt.text) || strings.Contains(err.Error(), "deadline") {
					t.Errorf("%s: the error is %q, want it to end in %q", name, err, tt.text)
				}
				if c.quota.used != 0 {
					t.Errorf("%s: the quota lacks %d", name, c.quota.used)
				}
			})
		}
	}
}

func TestProviderErrors(t *testing.T) {
	t.Parallel()
	noRoute := errors.New("metadata\nservice: no route")
	for name, tt := range map[string]struct {
		creds Credentials
		err   error
		is    error
	}{
		"error":            {Credentials{}, noRoute, noRoute},
		"no credentials":   {Credentials{}, fmt.Errorf("%w: nothing set", ErrNoCredentials), ErrNoCredentials},
		"no id":            {Credentials{AccessKeySecret: testSecret}, nil, nil}, // as in a file that is half written
		"no secret":        {Credentials{AccessKeyID: "i"}, nil, nil},
		"nothing":          {Credentials{}, nil, ErrNoCredentials},
		"timeout":          {Credentials{}, fmt.Errorf("%w: %w", ErrNoCredentials, context.DeadlineExceeded), ErrNoCredentials},
		"line break in id": {Credentials{AccessKeyID: "i\n", AccessKeySecret: testSecret}, nil, nil},
		"own timeout":      {Credentials{}, fmt.Errorf("STS: %w", context.DeadlineExceeded), nil},
		"own cancellation": {Credentials{}, context.Canceled, nil},
		"error of a call":  {Credentials{}, &APIError{Operation: "AssumeRole", StatusCode: 403, Code: "NoPermission"}, nil},
		"error of Sign":    {Credentials{}, &ParamError{Operation: "Sign", Field: "AccessKeySecret", Reason: "is empty"}, nil},
		"secret":           {Credentials{}, errors.New("bad key: AccessKeySecret=" + testSecret), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, asked := newScript(success), 0
			err := getJob(t.Context(), clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				asked++
				return tt.creds, tt.err
			}))))
			if tt.is != nil && !errors.Is(err, tt.is) || isPermanent(err) && tt.is != ErrNoCredentials || errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) { //nolint:errorlint // the kinds themselves are compared
				t.Errorf("the error is %v, want %v", err, tt.is)
			}
			for _, want := range []string{"GetLiveTranscodeJob", "credentials"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not name %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "30s") || errors.Is(err, context.Canceled) {
				t.Errorf("the error %q reads as the end of the attempt or of the caller's context", err)
			}
			wantOneLine(t, err)
			wantNone(t, err.Error(), testSecret)
			if asked != 1 {
				t.Errorf("the provider was asked %d times, want once", asked)
			}
			rt.wantRequests(t, 0)
		})
	}
}
