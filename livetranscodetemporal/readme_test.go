package livetranscodetemporal_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// runMatch is a workflow of a program: it runs a job, and uses what became of it.
func runMatch(ctx workflow.Context, name string, live time.Duration) (string, error) {
	result, err := livetranscodetemporal.RunJob(ctx, livetranscodetemporal.JobSpec{
		Name: name, Live: live, Args: map[string]string{"template": "720p"},
	})
	return result.JobID, err
}

func TestRunMatch(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	srv.AddTemplate(livetranscode.Template{TemplateID: "720p"})
	srv.Inject(livetranscodetest.Fault{Operation: "SendLiveTranscodeJobCommand", Code: "ServiceUnavailable"})

	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(30 * time.Second) // defaults to 3 s, in which not every wait and retry ends
	livetranscodetemporal.Register(env, srv.Client(), nil, request)
	env.ExecuteWorkflow(runMatch, "match", time.Second)

	var id string
	if err := env.GetWorkflowResult(&id); err != nil {
		t.Fatal(err)
	}
	if job, _ := srv.Job(id); job.Name != "match" || job.Status != livetranscode.JobStatusStopped {
		t.Errorf("the job is %v", job)
	}
}

// The README quotes TestRunMatch, and its workflow.
func TestReadmeTesting(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(source), ")\n\n")
	want, _, _ = strings.Cut(want, "\n// The README quotes")
	if !strings.Contains(string(readme), "```go\n"+want+"```\n") {
		t.Errorf("the README does not quote\n%s", want)
	}
}
