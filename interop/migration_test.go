package interop

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const migrationGuide = "../docs/migration.md"

// afterBlock matches an "after" block of the guide: the function that it is of, and its code.
var afterBlock = regexp.MustCompile("(?s)<!-- (\\w+) -->\n```go\n(.*?)```\n")

// The "after" blocks of the migration guide are the bodies of the functions in migration_after_test.go, and whole
// functions of the examples.
func TestMigrationGuideCode(t *testing.T) {
	t.Parallel()
	functions := map[string]string{}
	for _, file := range []string{"migration_after_test.go", "migration_after_service_test.go", "../example_signer_operation_test.go"} {
		maps.Copy(functions, functionsIn(t, file))
	}
	quoted := map[string]bool{}
	for _, block := range afterBlock.FindAllStringSubmatch(readFile(t, migrationGuide), -1) {
		name, code := block[1], block[2]
		quoted[name] = true
		want := functions[name]
		if !strings.HasPrefix(code, "func ") {
			_, want, _ = strings.Cut(strings.TrimSuffix(want, "}\n"), "{\n")
			want = regexp.MustCompile(`(?m)^\t`).ReplaceAllString(want, "")
		}
		if code != want {
			t.Errorf("the block of %s is\n%s\nwant\n%s", name, code, want)
		}
	}
	for name := range functions {
		if strings.HasPrefix(name, "after") && !quoted[name] {
			t.Errorf("the guide does not quote %s", name)
		}
	}
}

// functionsIn returns the source of each function of a file by its name.
func functionsIn(t *testing.T, file string) map[string]string {
	t.Helper()
	source := readFile(t, file)
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{}
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			functions[f.Name.Name] = source[f.Pos()-1:f.End()-1] + "\n"
		}
	}
	return functions
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The guide names every type of requests, responses, jobs and templates.
func TestMigrationGuideNamesEveryType(t *testing.T) {
	t.Parallel()
	guide := readFile(t, migrationGuide)
	types := 0
	for _, file := range []string{"job_requests.go", "models.go", "template_models.go", "submit.go"} {
		for _, m := range regexp.MustCompile(`(?m)^type ([A-Z]\w*) `).FindAllStringSubmatch(readFile(t, filepath.Join("..", file)), -1) {
			types++
			if !regexp.MustCompile("[`.*]" + m[1] + "[`. ]").MatchString(guide) {
				t.Errorf("the guide does not name %s", m[1])
			}
		}
	}
	if types < 30 {
		t.Errorf("%d types were found", types)
	}
}

func clientOf(t *testing.T, endpoint string, hc *http.Client, creds livetranscode.Credentials) *livetranscode.Client {
	t.Helper()
	client, err := livetranscode.NewClient(
		livetranscode.WithEndpoint(endpoint),
		livetranscode.WithHTTPClient(hc),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken)),
	)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// The clients of the guide have the endpoint and the proxy that it says.
func TestMigrationGuideConstruction(t *testing.T) {
	t.Parallel()
	credential, err := credentials.NewCredential(accessKey())
	if err != nil {
		t.Fatal(err)
	}
	proxied := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		proxied <- req.Host
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	proxyURL, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := afterNetwork(credential, proxyURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetLiveTranscodeJob(t.Context(), "j"); !errors.Is(err, livetranscode.ErrBadEndpoint) {
		t.Errorf("error %v, want the proxy's refusal", err)
	}
	if host := <-proxied; host != "ice-vpc.cn-shanghai.aliyuncs.com:443" {
		t.Errorf("the proxy was asked for %q", host)
	}
	for _, construct := range []func() (*livetranscode.Client, error){afterConstruction, afterRetries, afterLogging} {
		client, err := construct()
		if got := fmt.Sprint(client); err != nil || got != "livetranscode.Client(https://ice.cn-shanghai.aliyuncs.com)" {
			t.Errorf("got %v, %v", got, err)
		}
	}
}

func accessKey() *credentials.Config {
	return new(credentials.Config).SetType("access_key").SetAccessKeyId(static.AccessKeyID).SetAccessKeySecret(static.AccessKeySecret)
}

// Two clients, each with a credential of its own, are used concurrently; the race detector checks them. Alibaba's
// client is called by one goroutine only: its calls race with each other, in GetRpcHeaders.
func TestMigrationGuideCredentials(t *testing.T) {
	t.Parallel()
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":%q,"AccessKeySecret":%q,"SecurityToken":%q,"Expiration":%q}`,
			temporary.AccessKeyID, temporary.AccessKeySecret, temporary.SecurityToken,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer source.Close()
	oldConfig, newOption, err := afterSharedCredentials(
		new(credentials.Config).SetType("credentials_uri").SetURLCredential(source.URL))
	if err != nil {
		t.Fatal(err)
	}
	old, err := openapi.NewClient(oldConfig)
	if err != nil {
		t.Fatal(err)
	}
	token := make(chan string, 1)
	old.HttpClient = sendVia(func(req *http.Request) (*http.Response, error) {
		token <- strings.Join(req.Header["x-acs-security-token"], "") //nolint:staticcheck // Alibaba's spelling
		return nil, errors.New("not sent")
	})
	emulator := livetranscodetest.NewServer(livetranscodetest.WithCredentials(temporary))
	client := emulator.Client(newOption)

	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if _, err := client.ListLiveTranscodeJobs(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 8 {
		_, _ = sdk{Client: old}.call("GetLiveTranscodeJob", parameters{"JobId": "j"})
		if got := <-token; got != temporary.SecurityToken {
			t.Errorf("Alibaba's client sent the token %q", got)
		}
	}
	calls.Wait()
}

// Statuses, outputs and times are read as the guide reads them.
func TestMigrationGuideFields(t *testing.T) {
	t.Parallel()
	for job, want := range map[string]string{
		`"Status":0,"CreateTime":"2026-11-26T18:00:00Z"`:                                    "waits since 2026-11-26T18:00:00Z",
		`"Status":1,"OutputStream":{"StreamInfos":[{"OutputUrl":"rtmp://mydomain/app/o"}]}`: "rtmp://mydomain/app/o ",
		`"Status":2`: "stopped",
		`"Status":7`: "JobStatus(7)",
		`"Name":"n"`: "no status",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"RequestId":"r","Job":{"JobId":"j",%s}}`, job)
		}))
		got, err := afterFields(t.Context(), clientOf(t, srv.URL, srv.Client(), static), "j")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s is read as %q, want %q", job, got, want)
		}
		srv.Close()
	}
}

// What the guide says about the errors and retries of both clients.
func TestMigrationGuideErrors(t *testing.T) {
	t.Parallel()
	emulator := livetranscodetest.NewServer(livetranscodetest.WithCredentials(static))
	srv := httptest.NewServer(emulator)
	defer srv.Close()
	client := clientOf(t, srv.URL, srv.Client(), static)
	call := func() error {
		_, err := client.GetLiveTranscodeJob(t.Context(), "unknown")
		return err
	}
	if got := afterErrors(call()); got != "no such job" {
		t.Errorf("not found is %q", got)
	}
	emulator.Inject(livetranscodetest.Fault{Code: "Forbidden.RAM"})
	if got := afterErrors(call()); !strings.HasPrefix(got, "Forbidden.RAM (status 403, request id ") {
		t.Errorf("forbidden is %q", got)
	}

	before := len(emulator.Calls())
	emulator.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable", Times: 3})
	alibabas := newSDK(t, srv, static, nil)
	alibabas.runtime = dara.RuntimeOptions{Autoretry: dara.Bool(true), MaxAttempts: dara.Int(3)}
	_, err := alibabas.call("GetLiveTranscodeJob", parameters{"JobId": "j"})
	sdkErr, ok := errors.AsType[*tea.SDKError](err)
	if n := len(emulator.Calls()) - before; !ok || n != 1 {
		t.Fatalf("Alibaba's client made %d requests, error %v", n, err)
	}
	for _, part := range []string{"code: 503", "request id: "} {
		if !strings.Contains(tea.StringValue(sdkErr.Message), part) {
			t.Errorf("Alibaba's message %q has no %q", tea.StringValue(sdkErr.Message), part)
		}
	}
	if !strings.Contains(tea.StringValue(sdkErr.Data), `"RequestId"`) || !strings.Contains(sdkErr.Error(), "\n") {
		t.Errorf("Alibaba's error is %v", sdkErr)
	}

	srv.Close()
	_, err = alibabas.call("GetLiveTranscodeJob", parameters{"JobId": "secret-parameter"})
	if _, ok := errors.AsType[*url.Error](err); !ok || !strings.Contains(err.Error(), "secret-parameter") {
		t.Errorf("without a response, Alibaba's error is %v", err)
	}
}

// The loops of the guide, on an emulator that fails now and then.
func TestMigrationGuideLoops(t *testing.T) {
	t.Parallel()
	emulator := livetranscodetest.NewServer()
	client := emulator.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: time.Millisecond}))
	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: "evening-show-2026-11-26", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
	}
	emulator.Inject(livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", DropResponse: true})
	id, err := afterSubmitLoop(t.Context(), client, req)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := afterSubmitLoop(t.Context(), client, req); again != id || err != nil || len(emulator.Jobs()) != 1 {
		t.Errorf("a second Ensure returned %q, %v; there are %d jobs", again, err, len(emulator.Jobs()))
	}

	emulator.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Code: "ServiceUnavailable"})
	if err := afterWaitLoop(t.Context(), client, id); err != nil {
		t.Error(err)
	}
	for range 250 {
		emulator.AddJob(livetranscode.Job{})
	}
	jobs := map[string]bool{}
	if err := afterListLoop(t.Context(), client, func(job *livetranscode.Job) { jobs[job.JobID] = true }); err != nil || len(jobs) != 251 {
		t.Errorf("%d jobs are listed, then %v", len(jobs), err)
	}

	emulator.SetStatus(id, livetranscode.JobStatusStopped)
	if _, err := afterSubmitLoop(t.Context(), client, req); err == nil {
		t.Error("a stopped job is taken for a running one")
	}
	if err := afterWaitLoop(t.Context(), client, id); !errors.Is(err, livetranscode.ErrJobStopped) {
		t.Errorf("the wait for a stopped job ends with %v", err)
	}
}
