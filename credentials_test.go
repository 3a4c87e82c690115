package livetranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
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

const (
	shownID      = "LTAI-shown"
	hiddenSecret = "Sesame-Open-1"
	hiddenToken  = "CAIS-Token-2"
)

var secretCreds = Credentials{AccessKeyID: shownID, AccessKeySecret: hiddenSecret, SecurityToken: hiddenToken}

// wantHidden fails if a text shows the secret or the token in any of the forms in which package fmt prints strings
// and bytes.
func wantHidden(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{hiddenSecret, hiddenToken} {
		for _, format := range []string{"%s", "%x", "%X", "% x", "%#x"} {
			if form := fmt.Sprintf(format, secret); strings.Contains(text, form) {
				t.Errorf("%s shows %q: %s", what, form, text)
			}
		}
		if form := strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"); strings.Contains(text, form) {
			t.Errorf("%s shows the bytes of %q: %s", what, secret, text)
		}
	}
}

// verbs are verbs of package fmt. %p and %w are missing: they bypass fmt.Formatter for a value that is no pointer and
// no error, and go vet refuses them.
var verbs = []string{
	"%v", "%+v", "%#v", "%q", "%#q", "%x", "%X", "% x", "%#x", "%s", "%d", "%t", "%c", "%e", "%o", "%U", "%T", "%z",
	"%40v", "%-40s", "%.3s",
}

func TestCredentialsAreHidden(t *testing.T) {
	t.Parallel()
	type holder struct {
		Name  string
		Creds Credentials
		More  *Credentials
	}
	type embedder struct{ Credentials }
	for name, value := range map[string]any{
		"alone":                  secretCreds,
		"pointer":                &secretCreds,
		"field":                  holder{Creds: secretCreds},
		"pointer to field":       &holder{Creds: secretCreds},
		"pointer field":          holder{More: &secretCreds},
		"embedded":               embedder{secretCreds},
		"field of any":           struct{ V any }{secretCreds},
		"slice":                  []Credentials{secretCreds},
		"slice of pointers":      []*Credentials{&secretCreds},
		"slice of any":           []any{secretCreds, &secretCreds},
		"array":                  [1]Credentials{secretCreds},
		"map":                    map[string]Credentials{"k": secretCreds},
		"map of slices of maps":  map[string][]map[int]holder{"k": {{1: {Creds: secretCreds}}}},
		"map key":                map[Credentials]int{secretCreds: 1},
		"pointer to a pointer":   new(&secretCreds),
		"error that wraps them":  fmt.Errorf("bad: %v", secretCreds),
		"half: no id, no secret": Credentials{SecurityToken: hiddenToken},
		"half: only a secret":    Credentials{AccessKeySecret: hiddenSecret},
	} {
		for _, verb := range verbs {
			wantHidden(t, name+" with "+verb, fmt.Sprintf(verb, value))
		}
		wantHidden(t, name+" with Sprint", fmt.Sprint(value)+fmt.Sprintln(value))
		wantHidden(t, name+" as a surplus argument", fmt.Sprintf("%[1]d", 1, value))
		if text, err := json.Marshal(value); err != nil {
			t.Errorf("%s: encoding/json: %v", name, err)
		} else {
			wantHidden(t, name+" in JSON", string(text))
		}
		if text, err := xml.Marshal(value); err == nil { // maps have no XML
			wantHidden(t, name+" in XML", string(text))
		}
		var logged bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
			slog.New(handler).Info("m", "value", value, slog.Group("g", slog.Any("value", value)))
		}
		wantHidden(t, name+" in a log", logged.String())
	}
	text, err := secretCreds.MarshalText()
	if err != nil {
		t.Error(err)
	}
	wantHidden(t, "MarshalText", string(text))
}

// The id must remain: it tells which credentials they are.
func TestCredentialsShowTheirID(t *testing.T) {
	t.Parallel()
	const want = "Credentials{AccessKeyID=LTAI-shown AccessKeySecret=[redacted] SecurityToken=[redacted]}"
	asJSON, err := json.Marshal(map[string]any{"c": secretCreds})
	if err != nil {
		t.Fatal(err)
	}
	asXML, err := xml.Marshal(secretCreds)
	if err != nil {
		t.Fatal(err)
	}
	var asLog bytes.Buffer
	slog.New(slog.NewJSONHandler(&asLog, nil)).Info("m", "c", secretCreds)
	for how, text := range map[string]string{
		"%v": fmt.Sprintf("%v", secretCreds), "%#v": fmt.Sprintf("%#v", &secretCreds), "%x": fmt.Sprintf("%x", secretCreds),
		"in a field": fmt.Sprintf("%+v", struct{ C Credentials }{secretCreds}),
		"JSON":       string(asJSON), "XML": string(asXML), "log": asLog.String(),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %s", how, text, want)
		}
	}
	if got, want := fmt.Sprint(Credentials{AccessKeyID: "id", AccessKeySecret: "s"}), "Credentials{AccessKeyID=id AccessKeySecret=[redacted]}"; got != want {
		t.Errorf("permanent credentials print as %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(Credentials{}), "Credentials{AccessKeyID=}"; got != want {
		t.Errorf("no credentials print as %s, want %s", got, want)
	}
	if got := fmt.Sprintf("%v", (*Credentials)(nil)); got != "<nil>" {
		t.Errorf("a nil pointer prints as %s", got)
	}
}

// Values that hold credentials do not show them either.
func TestHoldersShowNoCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testHolders)
}

func testHolders(t *testing.T) {
	static := StaticCredentials(shownID, hiddenSecret, hiddenToken)
	cached := newCachedCredentials(func() (Credentials, error) { return secretCreds, nil })
	if _, err := cached.Credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // package fmt reads unexported fields without taking a lock
	client := mustClient(t, WithCredentials(static))
	var signer Signer
	if err := signer.Sign(signable(t, "https://host/"), nil, secretCreds, signerTime, "nonce"); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"static provider":     static,
		"cached provider":     cached,
		"refetching provider": FromCredential(fakeCredential{}),
		"option":              WithCredentials(static),
		"client":              client,
		"client of a cache":   mustClient(t, WithCredentials(cached)),
		"signer":              &signer,
		"nil client":          (*Client)(nil),
	} {
		for holderName, holder := range map[string]any{
			"": value, "slice": []any{value}, "map": map[string]any{"k": value}, "field": struct{ V any }{value}, "unexported field": struct{ v any }{value},
		} {
			for _, verb := range append(verbs, "%p") {
				wantHidden(t, name+" in "+holderName+" with "+verb, fmt.Sprintf(verb, holder))
			}
			if text, err := json.Marshal(holder); err == nil { // functions have no JSON
				wantHidden(t, name+" in JSON", string(text))
			}
		}
		var logged bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
			slog.New(handler).Info("m", "value", value)
		}
		wantHidden(t, name+" in a log", logged.String())
	}
	if got, want := fmt.Sprintf("%+v", cached), "livetranscode.CredentialsProvider"; got != want {
		t.Errorf("the provider prints as %s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%+v", client), "livetranscode.Client(https://ice.cn-shanghai.aliyuncs.com)"; got != want {
		t.Errorf("the client prints as %s, want %s", got, want)
	}
}

func TestStaticCredentials(t *testing.T) {
	t.Parallel()
	if got, err := StaticCredentials(shownID, hiddenSecret, hiddenToken).Credentials(t.Context()); err != nil || got != secretCreds {
		t.Errorf("%v, %v", got, err)
	}
	want := errors.New("mine")
	if _, err := CredentialsFunc(func(context.Context) (Credentials, error) { return Credentials{}, want }).Credentials(t.Context()); !errors.Is(err, want) {
		t.Errorf("error %v, want the function's", err)
	}
}

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

// A lookup takes no context. A caller whose context ends stops waiting for it, and the next caller waits on.
func TestBlockedLookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) { <-release; return numbered(n) }}
		provider := FromCredential(source)

		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := provider.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("error %v after %v, want the context's after 1s", err, time.Since(began))
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := provider.Credentials(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		time.AfterFunc(time.Hour, func() { close(release) })
		wantID(t, provider, "id 1")
		source.want(t, 1)
	})
}

func TestLookupsAreSingle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			time.Sleep(time.Second) // of the bubble's clock
			return numbered(n)
		}}
		provider := FromCredential(source)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { wantID(t, provider, "id 1") })
		}
		group.Wait()
		source.want(t, 1)
	})
}

func TestCredentialsAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) { time.Sleep(took); return numbered(n) }}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		time.Sleep(60*time.Second - 1)
		wantID(t, provider, "id 1")
		synctest.Wait()
		source.want(t, 1)

		time.Sleep(time.Nanosecond) // 60 s old: served at once, and refreshed in the background
		took = 10 * time.Second
		before := time.Now()
		wantID(t, provider, "id 1")
		if waited := time.Since(before); waited != 0 {
			t.Errorf("a caller waits %v for a background lookup", waited)
		}
		synctest.Wait()
		source.want(t, 2)
		wantID(t, provider, "id 1")
		source.want(t, 2)
		time.Sleep(took)
		synctest.Wait()
		wantID(t, provider, "id 2")

		// The age counts from the beginning of the lookup, whose result may be as old as that.
		time.Sleep(50 * time.Second)
		wantID(t, provider, "id 2")
		synctest.Wait()
		source.want(t, 3)
		time.Sleep(took)
		synctest.Wait()
		wantID(t, provider, "id 3")

		// After 150 s without a call, the next one waits for fresh credentials.
		time.Sleep(150*time.Second - took)
		before = time.Now()
		wantID(t, provider, "id 4")
		if waited := time.Since(before); waited != took {
			t.Errorf("a caller waited %v for fresh credentials, want %v", waited, took)
		}
	})
}

func TestStaleCredentialsAreServedFor150Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			if n > 1 {
				<-release
			}
			return numbered(n)
		}}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		time.Sleep(100 * time.Second)
		wantID(t, provider, "id 1") // starts a background lookup that gets stuck
		time.Sleep(50*time.Second - 1)
		wantID(t, provider, "id 1")
		time.Sleep(time.Nanosecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := provider.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v after 150 s, want the context's error", got, err)
		}
		close(release)
		wantID(t, provider, "id 2")
		source.want(t, 2)
	})
}

func TestFailedRefreshFailsNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		working := true
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			if !working {
				return nil, errors.New("metadata server is down")
			}
			return numbered(n)
		}}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		working = false
		time.Sleep(60 * time.Second)
		for range 1000 { // a busy caller
			wantID(t, provider, "id 1")
			synctest.Wait()
		}
		source.want(t, 2)
		for range 89 { // until just before the 150 s
			time.Sleep(time.Second)
			wantID(t, provider, "id 1")
			synctest.Wait()
		}
		if n := source.count.Load(); n < 10 || n > 20 {
			t.Errorf("%d lookups in 90 s of failure, want one every 5 s or so", n)
		}
		time.Sleep(time.Second)
		if got, err := provider.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), "metadata server is down") {
			t.Errorf("%v, %v after 150 s, want the lookup's error", got, err)
		}
		working = true
		wantID(t, provider, fmt.Sprint("id ", source.count.Load()+1))
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
			if n == 2 {
				return nil, errors.New("once")
			}
			return numbered(n)
		}}
		provider := FromCredential(source)
		wantID(t, provider, "id 1")
		time.Sleep(time.Minute)
		wantID(t, provider, "id 1")
		synctest.Wait() // lookup 2 has failed
		time.Sleep(6 * time.Second)
		wantID(t, provider, "id 1")
		synctest.Wait()
		wantID(t, provider, "id 3")
	})
}

func TestRefusedCredentialsAreRefetched(t *testing.T) {
	t.Parallel()
	source := &lookups{answer: numbered}
	provider := FromCredential(source).(credentialsRejecter)
	current := func() CredentialsProvider { return provider.(CredentialsProvider) }
	provider.refused(Credentials{}) // before there are any
	wantID(t, current(), "id 1")
	provider.refused(Credentials{"another id", "secret", ""})
	wantID(t, current(), "id 1")
	provider.refused(Credentials{"id 1", "another secret", ""})
	wantID(t, current(), "id 1")
	source.want(t, 1)
	provider.refused(Credentials{"id 1", "secret", ""})
	wantID(t, current(), "id 2")
	source.want(t, 2)
	provider.refused(Credentials{"id 1", "secret", ""}) // late
	wantID(t, current(), "id 2")
	source.want(t, 2)
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

// withoutConfiguration makes an environment in which the default chain finds no credentials. A test that uses it
// cannot be parallel: it changes the environment of the process.
func withoutConfiguration(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(strings.ToUpper(name), "ALIBABA") {
			t.Setenv(name, "") // restores the value at the end
			os.Unsetenv(name)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
}

// Not parallel: t.Setenv.
func TestDefaultCredentials(t *testing.T) {
	withoutConfiguration(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", shownID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", hiddenSecret)
	permanent := Credentials{AccessKeyID: shownID, AccessKeySecret: hiddenSecret}
	if got, err := DefaultCredentials().Credentials(t.Context()); err != nil || got != permanent {
		t.Errorf("%v, %v, want %v", got, err, permanent)
	}
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", hiddenToken)
	if got, err := DefaultCredentials().Credentials(t.Context()); err != nil || got != secretCreds {
		t.Errorf("%v, %v, want %v", got, err, secretCreds)
	}
}

// Not parallel: t.Setenv.
func TestDefaultCredentialsOfNothing(t *testing.T) {
	withoutConfiguration(t)
	provider := DefaultCredentials()
	for range 2 {
		got, err := provider.Credentials(t.Context())
		if !errors.Is(err, ErrNoCredentials) {
			t.Fatalf("%v, %v, want ErrNoCredentials", got, err)
		}
		for _, name := range []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("error %q does not name %s", err, name)
			}
		}
		if acs3.HasControl(err.Error()) {
			t.Errorf("error of several lines: %q", err)
		}
	}

	// After a failure, credentials-go uses the last source of the chain only. The provider must not.
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", shownID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", hiddenSecret)
	wantID(t, provider, shownID)

	// A source that has worked before is not a missing one.
	provider.(credentialsRejecter).refused(Credentials{AccessKeyID: shownID, AccessKeySecret: hiddenSecret})
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
	if got, err := provider.Credentials(t.Context()); err == nil || errors.Is(err, ErrNoCredentials) {
		t.Errorf("%v, %v, want an error that is not ErrNoCredentials", got, err)
	}
}

// Not parallel: t.Setenv, and http.DefaultTransport. credentials-go panics when that is not an
// *http.Transport, before it opens any connection.
func TestDefaultCredentialsOverAReplacedTransport(t *testing.T) {
	withoutConfiguration(t)
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/credentials?token="+hiddenToken)
	original := http.DefaultTransport
	defer func() { http.DefaultTransport = original }()
	http.DefaultTransport = respond(http.StatusOK, "{}")
	_, err := DefaultCredentials().Credentials(t.Context())
	if !errors.Is(err, ErrNoCredentials) || !strings.Contains(err.Error(), "panicked") {
		t.Fatalf("error %v, want ErrNoCredentials with the panic", err)
	}
	wantHidden(t, "the error", err.Error())
}

//nolint:paralleltest // t.Setenv
func TestClientWithoutCredentials(t *testing.T) {
	withoutConfiguration(t)
	script := newScript(respond(http.StatusOK, documentedJob))
	client := mustClient(t, WithHTTPClient(&http.Client{Transport: script}))
	err := getJob(t.Context(), client)
	script.wantRequests(t, 0)
	var call *CallError
	if !errors.As(err, &call) || call.Attempts != 0 || !errors.Is(err, ErrNoCredentials) {
		t.Errorf("error %v, want a *CallError without attempts that is ErrNoCredentials", err)
	}
}

// refusedDuringALookup returns a provider whose credentials the service refused during its second lookup. get is the
// third lookup.
func refusedDuringALookup(t *testing.T, get func() (*credentials.CredentialModel, error)) (CredentialsProvider, *lookups) {
	t.Helper()
	source := &lookups{answer: func(n int) (*credentials.CredentialModel, error) {
		switch n {
		case 2:
			time.Sleep(time.Second) // of the bubble's clock
		case 3:
			return get()
		}
		return numbered(1) // whose key has not changed
	}}
	provider := FromCredential(source)
	wantID(t, provider, "id 1")
	time.Sleep(cacheFresh)
	wantID(t, provider, "id 1") // starts the second lookup
	time.Sleep(time.Second / 2)
	provider.(credentialsRejecter).refused(Credentials{"id 1", "secret", ""})
	return provider, source
}

// The credentials of a lookup that began before the refusal may be those that were refused.
func TestRefusedDuringALookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider, source := refusedDuringALookup(t, func() (*credentials.CredentialModel, error) { return numbered(3) })
		for range 2 {
			wantID(t, provider, "id 3")
		}
		source.want(t, 3)
	})
}

// A lookup that ends its goroutine, as t.FailNow does in a fake, is an error, even if it is the second of one fetch.
func TestGoexitInTheSecondLookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider, source := refusedDuringALookup(t, func() (*credentials.CredentialModel, error) { runtime.Goexit(); return nil, nil })
		if got, err := provider.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), "ended its goroutine") {
			t.Errorf("got %v, %v", got, err)
		}
		source.want(t, 3)
		wantID(t, provider, "id 1") // the next lookup
	})
}
