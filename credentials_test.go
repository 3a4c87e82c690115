package livetranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
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
	cached := newCachedCredentials(func(bool) (Credentials, error) { return secretCreds, nil })
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
	// The documented exception: package fmt prints a pointer in an unexported field as an address, but only with %v.
	unexported := struct {
		creds *Credentials
		job   *Job
	}{&secretCreds, &Job{StreamInput: StreamInput{InputURL: "rtmp://h/app/" + hiddenToken}}}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		wantHidden(t, "pointers with "+verb, fmt.Sprintf(verb, unexported))
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
