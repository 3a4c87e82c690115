package livetranscode_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/livetranscode/livetranscode-go"
)

// This file has the secrets of TestSecretsAreNowhere, the search for them, and a log that must not contain them.

// The canaries. Secret, token and password have the characters that encodings change, so each of their parts is
// searched for.
const (
	canaryID       = "LTAI-canary"
	canarySecret   = "secretHead7f3a+/secretTail91bd=="
	canaryToken    = "tokenHead55e1/+tokenTail0b77=="
	canaryPassword = "proxyHead3d9c+/proxyTail66aa"

	canaryInput  = "rtmp://user:inputPassword8e1f@live.example/app/inputKey4c2d?auth_key=inputQuery77b0"
	canaryOutput = "rtmp://play.example/app/outputKey19fe?auth_key=outputQuery2a6b"
)

var (
	canaryCreds = livetranscode.Credentials{AccessKeyID: canaryID, AccessKeySecret: canarySecret, SecurityToken: canaryToken}

	// secretCanaries must not be anywhere, streamCanaries only in the JSON of the values that hold stream URLs.
	secretCanaries = []string{
		"secretHead7f3a", "secretTail91bd", "tokenHead55e1", "tokenTail0b77", "proxyHead3d9c", "proxyTail66aa",
		base64.StdEncoding.EncodeToString([]byte("proxyuser:" + canaryPassword)),
	}
	streamCanaries = []string{"inputPassword8e1f", "inputKey4c2d", "inputQuery77b0", "outputKey19fe", "outputQuery2a6b"}

	// signatureCanary finds the signature of any request, in lower case.
	signatureCanary = regexp.MustCompile(`signature\W{1,8}[0-9a-f]{16}`)
)

// A canaryForm is a form that package fmt has for the string or the bytes of a canary.
type canaryForm struct{ canary, text string }

// canaryForms has the forms of all canaries by their first two bytes, so that one pass over a text finds them.
var canaryForms = sync.OnceValue(func() *[1 << 16][]canaryForm {
	var forms [1 << 16][]canaryForm
	for _, canary := range slices.Concat(secretCanaries, streamCanaries) {
		for _, text := range []string{
			canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary), fmt.Sprintf("%# x", canary),
			strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"),
		} {
			start := int(text[0])<<8 | int(text[1])
			forms[start] = append(forms[start], canaryForm{canary, text})
		}
	}
	return &forms
})

// wantNoCanary fails if a text shows a canary in any of the forms that package fmt has for strings and bytes.
func wantNoCanary(t *testing.T, what, text string, canaries ...string) {
	t.Helper()
	forms := canaryForms()
	for i := range max(1, len(text)) - 1 {
		for _, form := range forms[int(text[i])<<8|int(text[i+1])] {
			if strings.HasPrefix(text[i:], form.text) && slices.Contains(canaries, form.canary) {
				t.Errorf("%s shows %q: %.600s", what, form.text, text)
				return
			}
		}
	}
	if found := signatureCanary.FindString(strings.ToLower(text)); found != "" {
		t.Errorf("%s shows a signature, %q: %.600s", what, found, text)
	}
}

// wantFitForLogs fails if a value shows a canary, however it is printed. JSON may show stream URLs if it is what
// the value's JSON is for.
func wantFitForLogs(t *testing.T, what string, value any, streamsInJSON bool) {
	t.Helper()
	all := slices.Concat(secretCanaries, streamCanaries)
	holders := map[string]any{
		"": value, " in a slice": []any{value}, " in a map": map[string]any{"k": value}, " in a field": struct{ V any }{value},
	}
	if v := reflect.ValueOf(value); v.Kind() != reflect.Pointer {
		pointer := reflect.New(v.Type())
		pointer.Elem().Set(v)
		holders[" by pointer"] = pointer.Interface()
	}
	for how, holder := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x", "%X", "% x", "%s", "%d", "%t", "%c", "%T", "%40v", "%.3s"} {
			wantNoCanary(t, what+how+" with "+verb, fmt.Sprintf(verb, holder), all...)
		}
		if text, err := json.Marshal(holder); err == nil { // functions have no JSON
			canaries := all
			if streamsInJSON {
				canaries = secretCanaries
			}
			wantNoCanary(t, what+how+" in JSON", string(text), canaries...)
		}
	}
	for _, v := range []any{value, holders[" by pointer"]} {
		var log bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			logger := slog.New(handler)
			logger.Info("m", "value", v, slog.Group("g", slog.Any("value", v)))
			logger.With("value", v).Info("m")
		}
		wantNoCanary(t, what+" in a log", log.String(), all...)
	}
}

// A canaryLog collects what clients log, in both forms that log/slog has.
type canaryLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *canaryLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// hooks returns hooks that log everything they receive.
func (l *canaryLog) hooks() livetranscode.Hooks {
	return livetranscode.Hooks{
		Call: func(ctx context.Context, s livetranscode.CallStart) (context.Context, func(livetranscode.CallEnd)) {
			fmt.Fprintf(l, "%+v\n", s)
			return ctx, func(e livetranscode.CallEnd) { fmt.Fprintf(l, "%+v\n", e) }
		},
		Attempt: func(ctx context.Context, s livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
			fmt.Fprintf(l, "%+v\n", s)
			return ctx, func(e livetranscode.AttemptEnd) { fmt.Fprintf(l, "%+v\n", e) }
		},
		Sweep: func(ctx context.Context, s livetranscode.SweepStart) (context.Context, func(livetranscode.SweepEnd)) {
			fmt.Fprintf(l, "%+v\n", s)
			return ctx, func(e livetranscode.SweepEnd) { fmt.Fprintf(l, "%+v\n", e) }
		},
	}
}

func (l *canaryLog) client(t *testing.T, opts ...livetranscode.Option) *livetranscode.Client {
	t.Helper()
	level := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	client, err := livetranscode.NewClient(append([]livetranscode.Option{
		livetranscode.WithCredentials(livetranscode.StaticCredentials(canaryID, canarySecret, canaryToken)),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: 1, MaxDelay: 1, MaxAttempts: 2}),
		livetranscode.WithLogger(slog.New(slog.NewMultiHandler(slog.NewTextHandler(l, level), slog.NewJSONHandler(l, level)))),
		livetranscode.WithHooks(l.hooks()),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}
