package livetranscode_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"html"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	alibaba "github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The canaries. Secret, token and password have the characters that encodings change, so what is left of a torn
// one is searched for by its parts.
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

func canaryJob() *livetranscode.Job {
	return &livetranscode.Job{
		Name: "n", JobID: "job-1", Status: livetranscode.JobStatusInProgress, CreateTime: time.Now(),
		StreamInput:  livetranscode.StreamInput{Type: "rtmp", InputURL: canaryInput},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{{Type: "rtmp", OutputURL: canaryOutput}}},
	}
}

func canarySubmit() *livetranscode.SubmitLiveTranscodeJobRequest {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: "n", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: canaryInput},
	}
}

func canaryUpdate() *livetranscode.UpdateLiveTranscodeJobRequest {
	return &livetranscode.UpdateLiveTranscodeJobRequest{JobID: "job-1", StreamInput: &livetranscode.StreamInput{InputURL: canaryInput}}
}

// A canaryCredential is one of credentials-go.
type canaryCredential struct {
	alibaba.Credential
	get func() (*alibaba.CredentialModel, error)
}

func (c canaryCredential) GetCredential() (*alibaba.CredentialModel, error) { return c.get() }

// exportedValues has a value of each exported type, with canaries wherever there is room for one.
func exportedValues(t *testing.T) map[string]any {
	client, err := livetranscode.NewClient(livetranscode.WithCredentials(livetranscode.StaticCredentials(canaryID, canarySecret, canaryToken)))
	if err != nil {
		t.Fatal(err)
	}
	cached := livetranscode.FromCredential(canaryCredential{get: func() (*alibaba.CredentialModel, error) {
		return &alibaba.CredentialModel{AccessKeyId: new(canaryID), AccessKeySecret: new(canarySecret), SecurityToken: new(canaryToken)}, nil
	}})
	if _, err = cached.Credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // package fmt reads it without a lock: let the lookup end
	var signer livetranscode.Signer
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Sign(req, nil, canaryCreds, time.Now(), "nonce"); err != nil {
		t.Fatal(err)
	}
	srv := livetranscodetest.NewServer()
	for range srv.Client().WatchJobs(t.Context(), []string{srv.AddJob(*canaryJob())}) {
		break
	}
	watcher := srv.Client().NewWatcher(livetranscode.OnPoll(func(*livetranscode.Job) {}))
	watcher.Add(srv.AddJob(*canaryJob()))
	for range watcher.Events(t.Context()) {
		break
	}
	job := canaryJob()
	return map[string]any{
		"APIError":                            &livetranscode.APIError{Operation: "GetLiveTranscodeJob", AccessDenied: new(livetranscode.AccessDeniedDetail)},
		"AccessDeniedDetail":                  livetranscode.AccessDeniedDetail{},
		"CallError":                           &livetranscode.CallError{Err: io.EOF},
		"Client":                              client,
		"CredentialsFunc":                     livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) { return canaryCreds, nil }),
		"CredentialsProvider":                 cached,
		"Credentials":                         canaryCreds,
		"JobEvent":                            livetranscode.JobEvent{Kind: livetranscode.EventLost, JobID: "job-1", Job: job, Previous: job, Err: &livetranscode.WaitError{JobID: "job-1", Last: job}},
		"EventKind":                           livetranscode.EventLost,
		"WatchError":                          &livetranscode.WatchError{Sweeps: 6, Err: &livetranscode.WaitError{JobID: "job-1", Last: job, Err: livetranscode.ErrJobStopped}},
		"WatchedJob":                          livetranscode.WatchedJob{JobID: "job-1", Job: job, Err: &livetranscode.WaitError{JobID: "job-1", Last: job}},
		"WatcherStats":                        livetranscode.WatcherStats{Err: &livetranscode.WaitError{JobID: "job-1", Last: job}},
		"JobFilter":                           livetranscode.JobFilter{StartMode: new(livetranscode.StartModeTimed)},
		"Job":                                 *job,
		"OutputStream":                        job.OutputStream,
		"Option":                              livetranscode.WithCredentials(cached),
		"PollOption":                          livetranscode.PollInterval(1, 2),
		"ParamError":                          &livetranscode.ParamError{},
		"Signer":                              &signer,
		"StreamInfo":                          job.OutputStream.StreamInfos[0],
		"StreamInput":                         job.StreamInput,
		"WaitErrors":                          livetranscode.WaitErrors{{JobID: "job-1", Last: job, Err: livetranscode.ErrJobStopped}},
		"WaitError":                           &livetranscode.WaitError{JobID: "job-1", Last: job, Err: livetranscode.ErrJobStopped},
		"Watcher":                             watcher,
		"GetLiveTranscodeJobResponse":         livetranscode.GetLiveTranscodeJobResponse{Job: job},
		"ListLiveTranscodeJobsResponse":       livetranscode.ListLiveTranscodeJobsResponse{Jobs: []*livetranscode.Job{job}},
		"SubmitLiveTranscodeJobRequest":       *canarySubmit(),
		"UpdateLiveTranscodeJobRequest":       *canaryUpdate(),
		"livetranscodetest.Call":              srv.Calls(),
		"livetranscodetest.Server":            livetranscodetest.NewServer(livetranscodetest.WithCredentials(canaryCreds)),
		"livetranscodetest.Option":            livetranscodetest.WithCredentials(canaryCreds),
		"livetranscodetest.Fault":             livetranscodetest.Fault{},
		"AudioParams":                         livetranscode.AudioParams{},
		"CreateLiveTranscodeTemplateRequest":  livetranscode.CreateLiveTranscodeTemplateRequest{},
		"CreateLiveTranscodeTemplateResponse": livetranscode.CreateLiveTranscodeTemplateResponse{},
		"DeleteLiveTranscodeJobResponse":      livetranscode.DeleteLiveTranscodeJobResponse{},
		"DeleteLiveTranscodeTemplateResponse": livetranscode.DeleteLiveTranscodeTemplateResponse{},
		"GetLiveTranscodeTemplateResponse":    livetranscode.GetLiveTranscodeTemplateResponse{},
		"Limiter":                             struct{ livetranscode.Limiter }{},
		"ListLiveTranscodeJobsRequest":        livetranscode.ListLiveTranscodeJobsRequest{},
		"ListLiveTranscodeTemplatesRequest":   livetranscode.ListLiveTranscodeTemplatesRequest{},
		"ListLiveTranscodeTemplatesResponse":  livetranscode.ListLiveTranscodeTemplatesResponse{},
		"RetryPolicy":                         livetranscode.RetryPolicy{},
		"SendLiveTranscodeJobCommandResponse": livetranscode.SendLiveTranscodeJobCommandResponse{},
		"SubmitLiveTranscodeJobResponse":      livetranscode.SubmitLiveTranscodeJobResponse{},
		"Template":                            livetranscode.Template{},
		"TemplateConfig":                      livetranscode.TemplateConfig{},
		"TimedConfig":                         livetranscode.TimedConfig{},
		"TranscodeOutput":                     livetranscode.TranscodeOutput{},
		"UpdateLiveTranscodeJobResponse":      livetranscode.UpdateLiveTranscodeJobResponse{},
		"UpdateLiveTranscodeTemplateRequest":  livetranscode.UpdateLiveTranscodeTemplateRequest{},
		"UpdateLiveTranscodeTemplateResponse": livetranscode.UpdateLiveTranscodeTemplateResponse{},
		"VideoParams":                         livetranscode.VideoParams{},
		"EnsureLiveTranscodeJobResponse":      livetranscode.EnsureLiveTranscodeJobResponse{Existing: job},
		"Hooks":                               new(canaryLog).hooks(),
		"CallStart":                           livetranscode.CallStart{},
		"CallEnd":                             livetranscode.CallEnd{Err: &livetranscode.CallError{Err: io.EOF}},
		"AttemptStart":                        livetranscode.AttemptStart{},
		"AttemptEnd":                          livetranscode.AttemptEnd{Err: &livetranscode.CallError{Err: io.EOF}},
		"SweepStart":                          livetranscode.SweepStart{},
		"SweepEnd":                            livetranscode.SweepEnd{},
	}
}

// holdsStreams are the types whose JSON has the stream URLs: that is what it is for.
var holdsStreams = []string{
	"Job", "JobEvent", "OutputStream", "StreamInfo", "StreamInput", "WatchedJob", "WatchError", "WatcherStats", "WaitError", "WaitErrors", "EnsureLiveTranscodeJobResponse", "GetLiveTranscodeJobResponse", "ListLiveTranscodeJobsResponse",
	"SubmitLiveTranscodeJobRequest", "UpdateLiveTranscodeJobRequest", "livetranscodetest.Call",
}

// exportedTypes returns the names of the exported types of a package of this module.
func exportedTypes(t *testing.T, dir, prefix string) (names []string) {
	t.Helper()
	tests := parsed(t, filepath.Join(dir, "*_test.go"))
	for _, file := range parsed(t, filepath.Join(dir, "*.go")) {
		if slices.Contains(tests, file) {
			continue
		}
		for node := range ast.Preorder(file) {
			spec, ok := node.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				continue
			}
			if _, plain := spec.Type.(*ast.Ident); !plain { // a string or a number is just itself
				names = append(names, prefix+spec.Name.Name)
			}
		}
	}
	return names
}

// echoes are the ways in which a text comes back.
var echoes = map[string]func(string) string{
	"plain":           func(s string) string { return s },
	"in HTML":         html.EscapeString,
	"in an attribute": strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "=", "&#61;", `"`, "&#34;", "&", "&amp;").Replace,
	"in a script":     strings.NewReplacer("+", `\u002b`, "/", `\u002F`, "=", `\u003d`, `"`, `\"`, "&", `\u0026`).Replace,
	"in JSON":         func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"in a query":      url.QueryEscape,
	"upper case":      func(s string) string { return strings.Replace(s, "http/1.1", "HTTP/1.1", 1) },
	"as slices":       func(s string) string { return fmt.Sprintf("%q", strings.Split(s, "\r\n")) },
	"JSON's \\/":      func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
}

// An echoAnswer is a response, or an error, with all that is known of a request in it.
type echoAnswer func(req *http.Request, dump string) (*http.Response, error)

// echo gives back all that it knows of a request, and the secret too.
func echo(encode func(string) string, answer echoAnswer) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		dump, err := httputil.DumpRequest(req, false)
		if err != nil {
			return nil, err
		}
		// The shortest comes first, so that it is not just cut away.
		known := fmt.Sprintf("token %s secret %s input %s output %s\r\nProxy-Authorization: Basic %s\r\nPOST %s HTTP/1.1\r\n%s", canaryToken, canarySecret,
			canaryInput, canaryOutput, base64.StdEncoding.EncodeToString([]byte("proxyuser:"+canaryPassword)), req.URL, dump)
		return answer(req, encode(known))
	}
}

func answerTo(req *http.Request, status int, body string, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req, ProtoMajor: 1, ProtoMinor: 1}
}

// errorBody is an error of the service with a text in some of its fields.
func errorBody(fields ...string) echoAnswer {
	return func(req *http.Request, dump string) (*http.Response, error) {
		body := map[string]any{"RequestId": "r", "Code": "InvalidParameter", "Message": "m"}
		for _, field := range fields {
			if name, ok := strings.CutPrefix(field, "AccessDeniedDetail."); ok {
				body["Code"], body["AccessDeniedDetail"] = "Forbidden.RAM", map[string]string{name: dump}
			} else {
				body[field] = dump
			}
		}
		b, err := json.Marshal(body)
		return answerTo(req, 400, string(b), nil), err
	}
}

type brokenBody struct {
	io.Reader
	err error
}

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}
func (brokenBody) Close() error { return nil }

// echoAnswers are the places where an echo can stand.
var echoAnswers = map[string]echoAnswer{
	"page with 502": func(req *http.Request, dump string) (*http.Response, error) {
		return answerTo(req, 502, "<html>"+dump, nil), nil
	},
	"page with 404": func(req *http.Request, dump string) (*http.Response, error) {
		return answerTo(req, 404, dump, nil), nil
	},
	"page with 200": func(req *http.Request, dump string) (*http.Response, error) {
		return answerTo(req, 200, dump, nil), nil
	},
	"page, cut off": func(req *http.Request, dump string) (*http.Response, error) {
		return answerTo(req, 502, dump[:len(dump)/2], nil), nil
	},
	"redirect": func(req *http.Request, dump string) (*http.Response, error) {
		return answerTo(req, 302, dump, http.Header{"Location": {"https://elsewhere.example/?" + dump}}), nil
	},
	"error with 200": func(req *http.Request, dump string) (*http.Response, error) {
		resp, err := errorBody("Message")(req, dump)
		resp.StatusCode = 200
		return resp, err
	},
	"malformed date": func(req *http.Request, dump string) (*http.Response, error) {
		b, err := json.Marshal(map[string]any{"RequestId": dump, "Job": map[string]string{"JobId": "j", "CreateTime": dump}})
		return answerTo(req, 200, string(b), nil), err
	},
	"wrong type": func(req *http.Request, dump string) (*http.Response, error) {
		b, err := json.Marshal(map[string]any{"RequestId": "r", "Job": map[string]any{"Status": dump, dump: 1}})
		return answerTo(req, 200, string(b), nil), err
	},
	"header": func(req *http.Request, dump string) (*http.Response, error) {
		return answerTo(req, 500, "", http.Header{"X-Acs-Request-Id": {dump}}), nil
	},
	"Message":                  errorBody("Message"),
	"Code":                     errorBody("Code"),
	"RequestId":                errorBody("RequestId"),
	"HostId":                   errorBody("HostId"),
	"Recommend":                errorBody("Recommend"),
	"AuthAction":               errorBody("AccessDeniedDetail.AuthAction"),
	"EncodedDiagnosticMessage": errorBody("AccessDeniedDetail.EncodedDiagnosticMessage"),
	"AuthPrincipalDisplayName": errorBody("AccessDeniedDetail.AuthPrincipalDisplayName"),
	"error of the transport":   func(_ *http.Request, dump string) (*http.Response, error) { return nil, errors.New(dump) },
	"network error": func(_ *http.Request, dump string) (*http.Response, error) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.New(dump)}
	},
	"address error": func(req *http.Request, dump string) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New(dump)}
	},
	"error of the body": func(req *http.Request, dump string) (*http.Response, error) {
		resp := answerTo(req, 200, "", nil)
		resp.Body = brokenBody{strings.NewReader(`{"RequestId":"r",`), &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New(dump)}}
		return resp, nil
	},
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

// hooks returns hooks that log all that they are told.
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

// canaryPoll polls a few times before canaryWait ends.
const canaryWait = 20 * time.Millisecond

var canaryPoll = livetranscode.PollInterval(canaryWait/4, canaryWait/4)

// canaryCalls are calls with stream keys in their parameters, and others.
var canaryCalls = map[string]func(context.Context, *livetranscode.Client) (any, error){
	"Get": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.GetLiveTranscodeJob(ctx, "job-1")
	},
	"Submit": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.SubmitLiveTranscodeJob(ctx, canarySubmit())
	},
	"Update": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.UpdateLiveTranscodeJob(ctx, canaryUpdate())
	},
	"List": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.ListLiveTranscodeJobs(ctx, &livetranscode.ListLiveTranscodeJobsRequest{Keyword: canaryInput})
	},
	"wait": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, canaryWait)
		defer cancel()
		return c.WaitForStatus(ctx, "job-1", livetranscode.JobStatusStopped, canaryPoll)
	},
	"wait for all": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, canaryWait)
		defer cancel()
		jobs, err := c.WaitForAll(ctx, []string{"job-1", "job-2"}, livetranscode.JobStatusStopped, canaryPoll)
		return slices.Collect(maps.Keys(jobs)), err
	},
}

// checkCalls makes all the calls with a client that logs and has no network, and checks every error and the log.
func checkCalls(t *testing.T, opts ...livetranscode.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { checkSomeCalls(t, allCalls(), opts...) })
}

func allCalls() []string { return slices.Collect(maps.Keys(canaryCalls)) }

func checkSomeCalls(t *testing.T, names []string, opts ...livetranscode.Option) {
	t.Helper()
	var log canaryLog
	client := log.client(t, opts...)
	for _, name := range names {
		_, err := canaryCalls[name](t.Context(), client)
		for e, outermost := err, true; e != nil; e, outermost = errors.Unwrap(e), false {
			if outermost || strings.HasPrefix(fmt.Sprintf("%T", e), "*livetranscode.") {
				wantFitForLogs(t, fmt.Sprintf("the %T of %s", e, name), e, strings.HasPrefix(name, "wait"))
			}
		}
	}
	wantNoCanary(t, "the log", log.b.String(), slices.Concat(secretCanaries, streamCanaries)...)
	if log.b.Len() == 0 {
		t.Error("nothing was logged")
	}
}

// TestSecretsAreNowhere sends canaries as secret, token, stream key and password through every failure it knows,
// and searches errors, logs and printed values for them.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	t.Run("values", func(t *testing.T) {
		t.Parallel()
		values := exportedValues(t)
		for _, name := range append(exportedTypes(t, ".", ""), exportedTypes(t, "livetranscodetest", "livetranscodetest.")...) {
			value, ok := values[name]
			if !ok {
				t.Errorf("there is no value of the type %s to check", name)
				continue
			}
			wantFitForLogs(t, name, value, slices.Contains(holdsStreams, name))
		}
	})
	for form, encode := range echoes {
		for place, answer := range echoAnswers {
			t.Run("echo/"+form+"/"+place, func(t *testing.T) {
				t.Parallel()
				transport := livetranscode.WithHTTPClient(&http.Client{Transport: echo(encode, answer)})
				if form == "plain" {
					checkCalls(t, transport)
				} else {
					checkSomeCalls(t, []string{"Submit"}, transport) // its request holds all that is to hide
				}
			})
		}
	}
	for _, code := range []string{
		"SignatureDoesNotMatch", "IncompleteSignature", "SignatureNonceUsed", "InvalidTimeStamp.Expired", "InvalidAccessKeyId.NotFound",
		"InvalidSecurityToken.Expired", "Forbidden.RAM", "ServiceUnavailable", "InvalidAction.NotFound", "InvalidParameter.ResourceNotFound",
	} {
		t.Run("service/"+code, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(canaryCreds))
			srv.AddJob(*canaryJob())
			srv.Inject(livetranscodetest.Fault{Code: code, Times: -1, Message: "secret=" + canarySecret + " token=" + canaryToken + " " + canaryInput})
			checkCalls(t, livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
			if calls := srv.Calls(); code == "SignatureDoesNotMatch" {
				wantNoCanary(t, "the emulator's record", fmt.Sprintf("%+v", calls), secretCanaries...)
			}
		})
	}
	t.Run("wrong secret", func(t *testing.T) {
		t.Parallel()
		other := canaryCreds
		other.AccessKeySecret = "another"
		srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(other))
		checkCalls(t, livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
	})
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(canaryCreds))
		job := canaryJob()
		id := srv.AddJob(*job)
		var log canaryLog
		client := log.client(t, livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
		resp, err := client.GetLiveTranscodeJob(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		wantFitForLogs(t, "the response", resp, true)
		if _, err := client.WaitForStatus(t.Context(), id, livetranscode.JobStatusNotStarted, livetranscode.OnPoll(func(*livetranscode.Job) {
			srv.SetStatus(id, livetranscode.JobStatusStopped)
		}), livetranscode.PollInterval(1, 1)); !errors.Is(err, livetranscode.ErrJobStopped) {
			t.Error(err)
		} else {
			wantFitForLogs(t, "the WaitError", err, true)
		}
		wantNoCanary(t, "the log", log.b.String(), slices.Concat(secretCanaries, streamCanaries)...)
	})
	t.Run("refused", testRefusedSecrets)
	t.Run("provider", testProviderSecrets)
	for name, answer := range map[string]func(dump string) string{
		"nothing": func(string) string { return "" },
		"407": func(dump string) string {
			return "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
		},
		"a reason that echoes": func(dump string) string {
			return "HTTP/1.1 502 " + strings.ReplaceAll(dump, "\r\n", " ") + "\r\nContent-Length: 0\r\n\r\n"
		},
		"a page that echoes": func(dump string) string {
			return fmt.Sprintf("HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n%s", len(dump), dump)
		},
		"a header that echoes": func(dump string) string {
			return "HTTP/1.1 502 No\r\n" + strings.ReplaceAll(dump, "\r\n", " ") + "\r\n\r\n"
		},
		"no HTTP": func(dump string) string { return dump },
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run("proxy/"+name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				testProxySecrets(t, scheme, answer)
			})
		}
	}
}

// testRefusedSecrets: what is refused before anything is sent.
func testRefusedSecrets(t *testing.T) {
	t.Parallel()
	all := slices.Concat(secretCanaries, streamCanaries)
	for name, opt := range map[string]livetranscode.Option{
		"user info": livetranscode.WithEndpoint("https://proxyuser:" + canaryPassword + "@host"),
		"query":     livetranscode.WithEndpoint("https://host/?token=" + canaryToken),
		"no URL":    livetranscode.WithEndpoint("https://" + canaryToken + ":port/"),
		"control":   livetranscode.WithUserAgent(canaryToken + "\r\n"),
	} {
		_, err := livetranscode.NewClient(opt)
		if err == nil {
			t.Fatalf("%s is accepted", name)
		}
		wantFitForLogs(t, name, err, false)
		func() {
			defer func() { wantNoCanary(t, "the panic over "+name, fmt.Sprintf("%v %#v", recover(), err), all...) }()
			livetranscodetest.NewServer().Client(opt)
		}()
	}
	for name, creds := range map[string]livetranscode.Credentials{
		"secret with a line break": {AccessKeyID: canaryID, AccessKeySecret: canarySecret + "\n", SecurityToken: canaryToken},
		"token with a space":       {AccessKeyID: canaryID, AccessKeySecret: canarySecret, SecurityToken: canaryToken + " "},
		"no id":                    {AccessKeySecret: canarySecret, SecurityToken: canaryToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkCalls(t, livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken)))
		})
	}
	client := livetranscodetest.NewServer().Client()
	submit := canarySubmit()
	submit.StreamInput.InputURL += "\xff"
	_, err := client.SubmitLiveTranscodeJob(t.Context(), submit)
	if err == nil {
		t.Fatal("invalid UTF-8 is accepted")
	}
	wantFitForLogs(t, "invalid UTF-8", err, false)
}

// testProviderSecrets: credentials-go puts whole answers and files into its errors, and panics.
func testProviderSecrets(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(`httpStatus: 403, message = {"AccessKeySecret":%q,"SecurityToken":%q}`, canarySecret, canaryToken)
	for name, get := range map[string]func() (*alibaba.CredentialModel, error){
		"error": func() (*alibaba.CredentialModel, error) { return nil, errors.New(text) },
		"panic": func() (*alibaba.CredentialModel, error) { panic(text) },
		"URL": func() (*alibaba.CredentialModel, error) {
			return nil, &url.Error{Op: "Get", URL: "http://h/?SecurityToken=" + canaryToken, Err: io.EOF}
		},
		"no key": func() (*alibaba.CredentialModel, error) {
			return &alibaba.CredentialModel{SecurityToken: new(canaryToken)}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkCalls(t, livetranscode.WithCredentials(livetranscode.FromCredential(canaryCredential{get: get})))
		})
	}
}

// testProxySecrets sends through a proxy that wants a password, gets it, and then gives it away.
func testProxySecrets(t *testing.T, scheme string, answer func(dump string) string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var head bytes.Buffer
		req.Header.Write(&head)
		if !strings.Contains(head.String(), "Proxy-Authorization: Basic ") {
			t.Error("the password is not sent")
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, answer(fmt.Sprintf("%s %s HTTP/1.1\r\n%s", req.Method, req.RequestURI, &head)))
	}))
	t.Cleanup(server.Close)
	proxy := &url.URL{Scheme: "http", Host: server.Listener.Addr().String(), User: url.UserPassword("proxyuser", canaryPassword)}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy)}
	t.Cleanup(transport.CloseIdleConnections)
	checkSomeCalls(t, allCalls(), livetranscode.WithEndpoint(scheme+"://localhost"), livetranscode.WithHTTPClient(&http.Client{Transport: transport}))
}
