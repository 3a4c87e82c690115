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

	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// fakeCredential is a credential of credentials-go that implements GetCredential only: the other methods panic.
type fakeCredential struct {
	credentials.Credential
	get func() (*credentials.CredentialModel, error)
}

func (c fakeCredential) GetCredential() (*credentials.CredentialModel, error) { return c.get() }

func model(id, secret, token string) *credentials.CredentialModel {
	m := new(credentials.CredentialModel).SetAccessKeyId(id).SetAccessKeySecret(secret)
	if token != "" {
		m.SetSecurityToken(token)
	}
	return m
}

// lookups is a credential that counts its lookups. answer returns the result of lookup n, from 1.
type lookups struct {
	credentials.Credential
	count  atomic.Int32
	answer func(n int) (*credentials.CredentialModel, error)
}

func (l *lookups) GetCredential() (*credentials.CredentialModel, error) {
	return l.answer(int(l.count.Add(1)))
}

// numbered returns credentials with the id "id n".
func numbered(n int) (*credentials.CredentialModel, error) {
	return model(fmt.Sprint("id ", n), "secret", ""), nil
}

func (l *lookups) want(t *testing.T, n int) {
	t.Helper()
	if got := int(l.count.Load()); got != n {
		t.Errorf("%d lookups, want %d", got, n)
	}
}

func wantID(t *testing.T, p CredentialsProvider, id string) {
	t.Helper()
	if got, err := p.Credentials(t.Context()); err != nil || got.AccessKeyID != id {
		t.Errorf("credentials %v, error %v, want id %s", got, err, id)
	}
}

func TestFromCredential(t *testing.T) {
	t.Parallel()
	for _, want := range []Credentials{{"id", "secret", ""}, {"STS.id", "secret", "token"}} {
		provider := FromCredential(fakeCredential{get: func() (*credentials.CredentialModel, error) {
			return model(want.AccessKeyID, want.AccessKeySecret, want.SecurityToken), nil
		}})
		if got, err := provider.Credentials(t.Context()); err != nil || got != want {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// The service refuses a token, and the next attempt of the same call has a new one.
func TestExpiredTokenIsReplaced(t *testing.T) {
	t.Parallel()
	source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
		return model("STS.id", "secret", fmt.Sprint("token ", n)), nil
	}}
	script := newScript(respondError(http.StatusBadRequest, "InvalidSecurityToken.Expired"), respond(http.StatusOK, documentedJob))
	client := clientOver(t, script, WithCredentials(FromCredential(source)))
	if err := getJob(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, req := range script.requests(t) {
		tokens = append(tokens, req.header.Get(acs3.HeaderSecurityToken))
	}
	if got := strings.Join(tokens, ", "); got != "token 1, token 2" {
		t.Errorf("tokens %s", got)
	}
	source.want(t, 2)
}

func TestFailingLookups(t *testing.T) {
	t.Parallel()
	var typedNil *credentials.CredentialModel
	for name, get := range map[string]func() (*credentials.CredentialModel, error){
		"panic": func() (*credentials.CredentialModel, error) {
			panic("failed with " + `{"secret":"` + hiddenSecret + `"}`)
		},
		"panic with an error": func() (*credentials.CredentialModel, error) { panic(errors.New("secret: " + hiddenSecret)) },
		"nil pointer":         func() (*credentials.CredentialModel, error) { return model(*typedNil.AccessKeyId, "", ""), nil },
		"Goexit":              func() (*credentials.CredentialModel, error) { runtime.Goexit(); return nil, nil },
		"nil model":           func() (*credentials.CredentialModel, error) { return nil, nil },
		"empty model":         func() (*credentials.CredentialModel, error) { return new(credentials.CredentialModel), nil },
		"bearer token": func() (*credentials.CredentialModel, error) {
			return new(credentials.CredentialModel).SetBearerToken(hiddenToken), nil
		},
		"no secret": func() (*credentials.CredentialModel, error) { return model("id", "", hiddenToken), nil },
		"no id":     func() (*credentials.CredentialModel, error) { return model("", hiddenSecret, ""), nil },
		"model and error": func() (*credentials.CredentialModel, error) {
			return model("id", hiddenSecret, ""), errors.New("expired")
		},
		"error that is a panic": func() (*credentials.CredentialModel, error) { return nil, (*badError)(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				good := false
				provider := FromCredential(fakeCredential{get: func() (*credentials.CredentialModel, error) {
					if good {
						return numbered(1)
					}
					return get()
				}})
				var group sync.WaitGroup
				for range 3 {
					group.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						got, err := provider.Credentials(ctx)
						if err == nil || isContextError(err) || got != (Credentials{}) {
							t.Errorf("%v, %v, want an error of the lookup", got, err)
							return
						}
						wantHidden(t, "the error", err.Error())
						if errors.Is(err, ErrNoCredentials) {
							t.Errorf("%v is ErrNoCredentials, though a source is configured", err)
						}
					})
				}
				group.Wait()
				good = true // the next lookup is not affected
				wantID(t, provider, "id 1")
			})
		})
	}
}

type badError struct{ text string }

func (e *badError) Error() string { return e.text }

func TestNilCredential(t *testing.T) {
	t.Parallel()
	if got, err := FromCredential(nil).Credentials(t.Context()); !errors.Is(err, ErrNoCredentials) {
		t.Errorf("%v, %v, want ErrNoCredentials", got, err)
	}
	if got, err := FromCredential((*lookups)(nil)).Credentials(t.Context()); err == nil {
		t.Errorf("a nil pointer gives %v", got)
	}
}

// The real bearer type of credentials-go has no access key.
func TestBearerCredential(t *testing.T) {
	t.Parallel()
	bearer, err := credentials.NewCredential(new(credentials.Config).SetType("bearer").SetBearerToken(hiddenToken))
	if err != nil {
		t.Fatal(err)
	}
	_, err = FromCredential(bearer).Credentials(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no access key") {
		t.Fatalf("error %v, want one that says that there is no access key", err)
	}
	wantHidden(t, "the error", err.Error())
}

func TestLookupErrorTexts(t *testing.T) {
	t.Parallel()
	const long = "TG9uZ0Jhc2U2NFRleHQxMjM0NTY3ODkw"
	for _, test := range []struct{ name, text, shows string }{
		{"plain", "the role does not exist", "the role does not exist"},
		{"JSON body", `refresh session failed: {"AccessKeySecret":"` + hiddenSecret + `","SecurityToken":"` + hiddenToken + `"}`, "refresh session failed: ..."},
		{"XML body", `refresh failed: <Error><Token>` + hiddenToken + `</Token></Error>`, "refresh failed: ..."},
		{"several lines", "parse failed\n" + hiddenSecret + "\r\n" + hiddenToken, "parse failed..."},
		{"carriage return", "parse failed\r" + hiddenSecret, "parse failed..."},
		{"file", "bad profile:\n[default]\naccess_key_secret = " + hiddenSecret, "bad profile:..."},
		{"file on one line", "bad profile: access_key_secret = " + hiddenSecret, "bad profile: access_key_secret = [redacted]"},
		{"announced", "wrong SecurityToken: " + hiddenToken, "wrong SecurityToken: [redacted]"},
		{"base64", "cannot decode " + long + long + " as a key", "cannot decode [redacted] as a key"},
		{"URL", "Get http://u:" + hiddenSecret + "@127.0.0.1/c?token=" + hiddenToken + ": refused", "Get http://127.0.0.1/c?[redacted] refused"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"long", strings.Repeat("so long. ", 1000), "so long. so long."},
		{"chain", chainPreamble + "env, cli, get role name failed: timeout", "the credentials lookup failed: env, cli, get role name failed: timeout"},
		{"long chain", chainPreamble + strings.Repeat("preamble, ", 100) + "the reason", "..."},
		{"end of a long chain", chainPreamble + strings.Repeat("序言", 1000) + ", the reason", "序言, the reason"},
		{"JSON in a chain", chainPreamble + `a {"x":"}","k":"` + hiddenSecret + `"}, b, the reason`, "a ..., b, the reason"},
		{"whole file", `unmarshal aliyun cli config from '/a b' failed: ` + hiddenSecret, "unmarshal aliyun cli config from '/a b' failed: ..."},
		{"line of a file", "ERROR: Can not open filekey-value delimiter not found: " + hiddenSecret, "delimiter not found: ..."},
		{"bidi", "a\u202eb\u2028c\u0085d", "a b c d"},
		{"long, not ASCII", strings.Repeat("太长了", 1000), "太长了太长了"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cause := errors.New(test.text)
			_, err := FromCredential(fakeCredential{get: func() (*credentials.CredentialModel, error) { return nil, cause }}).Credentials(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error()
			wantHidden(t, "the error", text)
			if !strings.Contains(text, test.shows) || strings.Contains(text, long) {
				t.Errorf("error %q, want %q in it", text, test.shows)
			}
			if len(text) > 600 || acs3.HasControl(text) || strings.ToValidUTF8(text, "") != text {
				t.Errorf("error of %d bytes: %q", len(text), text)
			}
			if errors.Is(err, cause) {
				t.Error("the chain reaches the raw error")
			}
		})
	}
}

// TestFailingProviderEndsNothing checks that a wait and a watch survive a provider that fails for now, and that a list
// does not take the failure for a refusal.
func TestFailingProviderEndsNothing(t *testing.T) {
	t.Parallel()
	good := Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret, SecurityToken: testToken}
	for name, bad := range map[string]struct {
		creds Credentials
		err   error
	}{
		"secret with a line break": {creds: Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret + "\n"}},
		"token with a space":       {creds: Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret, SecurityToken: testToken + " "}},
		"secret half written":      {creds: Credentials{AccessKeyID: testKeyID}},
		"id half written":          {creds: Credentials{AccessKeySecret: testSecret}},
		"error":                    {err: errors.New("STS is down")},
		"own timeout":              {err: context.DeadlineExceeded},
		"own cancellation":         {err: context.Canceled},
		"refused by STS":           {err: &APIError{Operation: "AssumeRole", StatusCode: http.StatusForbidden, Code: "NoPermission"}},
		"refused by Sign":          {err: &ParamError{Operation: "Sign", Field: "AccessKeySecret", Reason: "is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				failing := CredentialsFunc(func(context.Context) (Credentials, error) {
					if calls++; calls%4 != 0 {
						return bad.creds, bad.err
					}
					return good, nil
				})
				client := clientOver(t, respond(http.StatusOK, strings.Replace(documentedJob, `"Status":1`, `"Status":2`, 1)), WithCredentials(failing))
				if job, err := client.WaitForStatus(t.Context(), "job-1", JobStatusStopped); err != nil || calls != 4 {
					t.Errorf("the wait ends with %v, %v after %d calls", job, err, calls)
				}
				events := 0
				for event, err := range client.WatchJobs(t.Context(), []string{"job-1"}) {
					events++
					if err != nil || event.Job == nil || event.Job.Status != JobStatusStopped {
						t.Errorf("the watch yields %+v, %v", event, err)
					}
				}
				if events != 1 {
					t.Errorf("%d events, want 1", events)
				}
				for _, err := range client.AllLiveTranscodeJobs(t.Context(), nil) {
					var call *CallError
					if !errors.As(err, &call) || call.Attempts != 0 || isPermanent(err) || isContextError(err) {
						t.Errorf("the error of the list is %v, want a transient *CallError", err)
					}
				}
			})
		})
	}
}
