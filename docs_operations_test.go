package livetranscode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// read returns the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// found returns the first group of each match, sorted, without duplicates.
func found(pattern, text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestOperationsGuideIsComplete checks that the guide has every kind of error, every alert and every record of the log,
// and only metrics that exist.
func TestOperationsGuideIsComplete(t *testing.T) {
	t.Parallel()
	guide := read(t, "docs/operations.md")
	errorKinds, rest, _ := strings.Cut(guide, "\n## Alerts\n")
	alerts, rest, _ := strings.Cut(rest, "\n## Permissions\n")
	_, records, _ := strings.Cut(rest, "\n## What is logged\n")

	kinds := append(found(`(?m)^\t\{\S+, "(\w+)"\},`, read(t, "error_codes.go")), "other")
	if len(kinds) < 14 {
		t.Fatalf("error_codes.go has the kinds %q", kinds)
	}
	for _, kind := range kinds {
		if n := strings.Count(errorKinds, "\n### "+kind+"\n"); n != 1 {
			t.Errorf("the guide has %d sections about the kind %s, want 1", n, kind)
		}
	}
	if sections := found(`(?m)^### (\w+)$`, errorKinds); len(sections) != len(kinds) {
		t.Errorf("the guide has sections about %q, want %q", sections, kinds)
	}

	logged := ""
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			logged += read(t, file)
		}
	}
	messages := found(`(?:slog\.Level(?:Error|Warn|Info), |text(?:, attrs)? :?= )"livetranscode: ([^"]+)"`, logged)
	if n := strings.Count(logged, "slog.LevelError") + strings.Count(logged, "slog.LevelWarn") + strings.Count(logged, "slog.LevelInfo"); len(messages) != n+2 { // two have two texts each
		t.Errorf("%d calls log %q", n, messages)
	}
	if want := found(`(?m)^\| (?:Error|Warn|Info) \| ([^|]+) \|`, records); !slices.Equal(messages, want) {
		t.Errorf("the package logs\n%q\nand the guide has\n%q", messages, want)
	}

	if _, err := os.Stat("livetranscodeotel"); err != nil {
		t.Skip("the other modules of the repository are not here")
	}
	readme := read(t, "livetranscodeotel/README.md")
	if got, want := found(`(?m)^\| (Live\w+) \|`, alerts), found(`alert: (\w+)`, readme); !slices.Equal(got, want) {
		t.Errorf("the guide has the alerts %q, want %q", got, want)
	}
	for _, metric := range found("`((?:livetranscode|rpc)_\\w+)`", guide) {
		if !strings.Contains(readme, metric) {
			t.Errorf("there is no metric %s", metric)
		}
	}
}

// TestOperationsGuideNamesTests checks that each statement of the guide names a test or an example, and that it exists.
func TestOperationsGuideNamesTests(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("livetranscodeotel"); err != nil {
		t.Skip("the other modules of the repository are not here")
	}
	exists := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, "_test.go") {
			for _, name := range found(`(?m)^func ((?:Test|Example)\w*)\(`, read(t, path)) {
				exists[name] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	guide := read(t, "docs/operations.md")
	const name = "`((?:Test|Example)\\w*)`"
	for _, test := range found(name, guide) {
		if !exists[test] {
			t.Errorf("there is no %s", test)
		}
	}
	// Of a kind, what it means is a statement, and elsewhere each bullet and row of a table.
	errorKinds, rest, _ := strings.Cut(guide, "\n## Alerts\n")
	statements := regexp.MustCompile(`(?m)^- \*\*Means:.*\n(  .*\n)*`).FindAllString(errorKinds, -1)
	statements = append(statements, regexp.MustCompile(`(?m)^(- .*\n(  .*\n)*|\| [^|]+ \|[^-].*\n)`).FindAllString(rest, -1)...)
	for _, statement := range statements {
		isHead := strings.HasPrefix(statement, "| alert |") || strings.HasPrefix(statement, "| level |")
		if !isHead && found(name, statement) == nil {
			t.Errorf("no test is named in: %s", statement)
		}
	}
	if len(statements) < 45 {
		t.Errorf("the guide has %d statements", len(statements))
	}
}

// TestOperationsGuidePolicies checks that each policy has the actions of the calls that it is for, and no other.
func TestOperationsGuidePolicies(t *testing.T) {
	t.Parallel()
	guide := read(t, "docs/operations.md")
	watch := func(ctx context.Context, client *livetranscode.Client, filter bool) {
		watcher := client.NewWatcher()
		if filter {
			watcher.AddAll(livetranscode.JobFilter{})
		} else {
			watcher.Add("job")
		}
		for range watcher.Events(ctx) {
			break
		}
	}
	policies := map[string]func(ctx context.Context, client *livetranscode.Client){
		"reader": func(ctx context.Context, client *livetranscode.Client) {
			_, _ = client.GetLiveTranscodeTemplate(ctx, "template")
			for range client.AllLiveTranscodeTemplates(ctx, nil) {
				break
			}
			_, _ = client.FindLiveTranscodeJob(ctx, "show")
			_, _ = client.WaitForStatus(ctx, "job", livetranscode.JobStatusInProgress)
			watch(ctx, client, true)
		},
		"watcher": func(ctx context.Context, client *livetranscode.Client) {
			watch(ctx, client, true)
			watch(ctx, client, false)
		},
		"starter": func(ctx context.Context, client *livetranscode.Client) {
			resp, err := client.EnsureLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name: "new-show", TemplateID: "t", StreamInput: livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
				TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
			})
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = client.WaitForStatus(ctx, resp.JobID, livetranscode.JobStatusInProgress)
			_, _ = client.SendLiveTranscodeJobCommand(ctx, resp.JobID, livetranscode.JobCommandStop)
		},
		"full": nil,
	}
	for name, use := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			block := found("(?s)<!-- policy "+name+" -->\n```json\n(.*?)```", guide)
			var policy struct {
				Version   string
				Statement []struct {
					Effect, Resource string
					Action           []string
				}
			}
			if err := json.Unmarshal([]byte(strings.Join(block, "")), &policy); err != nil || len(policy.Statement) != 1 {
				t.Fatalf("the policy is %q: %v", block, err)
			}
			got := slices.Sorted(slices.Values(policy.Statement[0].Action))
			want := found(`peration\("(\w+)"`, read(t, "livetranscode.go")+read(t, "templates.go"))
			if use != nil {
				want = operationsOf(t, use)
			}
			for i := range want {
				want[i] = "ice:" + want[i]
			}
			if s := policy.Statement[0]; s.Effect != "Allow" || s.Resource != "*" || policy.Version != "1" || !slices.Equal(got, want) {
				t.Errorf("the policy is %+v, want the actions %q", policy, want)
			}
		})
	}
}

// operationsOf returns the operations that a function calls, sorted.
func operationsOf(t *testing.T, use func(context.Context, *livetranscode.Client)) []string {
	t.Helper()
	srv := livetranscodetest.NewServer()
	srv.AddJob(livetranscode.Job{JobID: "job", Name: "show", Status: livetranscode.JobStatusInProgress})
	// Enough jobs that a watch lists them, and one on no page, which it gets.
	addJobs(srv, 5, livetranscode.JobStatusInProgress)
	use(t.Context(), srv.Client())
	var operations []string
	for _, call := range srv.Calls() {
		operations = append(operations, call.Operation)
	}
	slices.Sort(operations)
	return slices.Compact(operations)
}

// TestOperationsGuideRecords causes the log records that no other test checks.
func TestOperationsGuideRecords(t *testing.T) {
	t.Parallel()
	panics := func(*livetranscodetest.Server) livetranscode.Option {
		return livetranscode.WithCredentials(livetranscode.CredentialsFunc(
			func(context.Context) (livetranscode.Credentials, error) { panic("a bug") },
		))
	}
	onePage := func(srv *livetranscodetest.Server) livetranscode.Option {
		return intercept(srv, func(req *http.Request) (*http.Response, error) {
			if no := req.URL.Query().Get("PageNo"); isList(req) && no != "" && no != "1" {
				return failure(req, http.StatusBadRequest, "InvalidParameter.PageNo"), nil
			}
			return nil, nil
		})
	}
	for record, cause := range map[string]func(*livetranscodetest.Server) livetranscode.Option{
		"a panic in the watch":            panics,
		"a deep page of List was refused": onePage,
	} {
		t.Run(record, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				var log lockedBuffer
				w := srv.Client(cause(srv), livetranscode.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).NewWatcher()
				w.Add(addJobs(srv, 250, inProgress)...)
				func() {
					defer func() { _ = recover() }()
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					for range w.Events(ctx) {
					}
				}()
				if !strings.Contains(log.String(), "livetranscode: "+record) {
					t.Errorf("the log is %q", log.String())
				}
			})
		})
	}
}

// lockedBuffer is a buffer for concurrent use.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}
