//go:build unix

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A world is a namespace of Temporal, an emulator behind HTTP, and workers.
type world struct {
	*livetranscodetest.Server // the emulator
	t                         *testing.T
	temporal                  client.Client
	config                    workerConfig
	service                   *livetranscode.Client

	mu     sync.Mutex
	before func(operation string) // called before the emulator executes a request
	after  func(operation string) // called before it responds
}

// newWorld returns a world without workers. At the end of the test, no history must hold a secret.
func newWorld(t *testing.T, server *devServer, opts ...livetranscodetest.Option) *world {
	t.Helper()
	key := livetranscode.Credentials{AccessKeyID: "id-1", AccessKeySecret: "secret-93ab77d0", SecurityToken: "token-0c5e6f21"}
	w := &world{t: t, Server: livetranscodetest.NewServer(append(opts, livetranscodetest.WithCredentials(key))...)}
	w.SetCredentials(key)
	w.AddTemplate(livetranscode.Template{TemplateID: "template"})
	emulator := httptest.NewServer(w)
	t.Cleanup(emulator.Close)
	namespace, temporal, err := server.newNamespace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(temporal.Close)
	w.temporal = temporal
	w.config = workerConfig{
		Address: server.address, Namespace: namespace, Endpoint: emulator.URL,
		Credentials: [3]string{key.AccessKeyID, key.AccessKeySecret, key.SecurityToken},
	}
	w.service = w.Client()
	t.Cleanup(w.checkHistories)
	return w
}

// ServeHTTP is the emulator with the hooks of the test.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	operation := r.Header.Get("x-acs-action")
	w.call(&w.before, operation)
	resp := httptest.NewRecorder()
	w.Server.ServeHTTP(resp, r)
	w.call(&w.after, operation)
	for name, values := range resp.Header() {
		rw.Header()[name] = values
	}
	rw.WriteHeader(resp.Code)
	_, _ = resp.Body.WriteTo(rw)
}

func (w *world) call(hook *func(string), operation string) {
	w.mu.Lock()
	f := *hook
	w.mu.Unlock()
	if f != nil {
		f(operation)
	}
}

// once sets a hook that is called for the first request of an operation.
func (w *world) once(hook *func(string), operation string, f func()) {
	var once sync.Once
	w.mu.Lock()
	defer w.mu.Unlock()
	*hook = func(op string) {
		if op == operation {
			once.Do(f)
		}
	}
}

// startWorker starts a process with a worker.
func (w *world) startWorker() *exec.Cmd {
	w.t.Helper()
	text, err := json.Marshal(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals of the terminal are not for it
	var output bytes.Buffer
	cmd.Stderr = &output
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("worker %d:\n%s", cmd.Process.Pid, &output)
		}
	})
	return cmd
}

// kill ends a process with SIGKILL.
func (w *world) kill(cmd *exec.Cmd) {
	if err := cmd.Process.Kill(); err != nil {
		w.t.Error(err)
	}
}

// start starts the workflow of a job.
func (w *world) start(spec livetranscodetemporal.JobSpec) client.WorkflowRun {
	w.t.Helper()
	run, err := livetranscodetemporal.StartJob(w.t.Context(), w.temporal, taskQueue, spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// startFleet starts the fleet.
func (w *world) startFleet() {
	w.t.Helper()
	if _, err := livetranscodetemporal.StartFleet(w.t.Context(), w.temporal, taskQueue); err != nil {
		w.t.Fatal(err)
	}
}

// result waits for the end of a workflow, at most for limit.
func (w *world) result(run client.WorkflowRun, limit time.Duration) (result livetranscodetemporal.JobResult, err error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	err = run.Get(ctx, &result)
	if ctx.Err() != nil {
		w.t.Fatalf("the workflow %s has not ended after %v", run.GetID(), limit)
	}
	return result, err
}

// await waits until cond holds.
func (w *world) await(what string, limit time.Duration, cond func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

// awaitState waits until the workflow of a job knows that the job has a status.
func (w *world) awaitState(name string, status livetranscode.JobStatus, limit time.Duration) {
	w.t.Helper()
	w.await(name+" "+status.String(), limit, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		job, err := livetranscodetemporal.JobState(ctx, w.temporal, name)
		return err == nil && job.Status == status
	})
}

// only returns the one job that there must be.
func (w *world) only() livetranscode.Job {
	w.t.Helper()
	jobs := w.Jobs()
	if len(jobs) != 1 {
		w.t.Fatalf("%d jobs, want one: %v", len(jobs), jobs)
	}
	return jobs[0]
}

// count returns how many requests of an operation the emulator has executed.
func (w *world) count(operation string) (n int) {
	for _, call := range w.Calls() {
		if call.Operation == operation && call.StatusCode/100 == 2 {
			n++
		}
	}
	return n
}

// checkOnce reports more or less than one Submit and the given number of Stops.
func (w *world) checkOnce(stops int) {
	w.t.Helper()
	if n := w.count("SubmitLiveTranscodeJob"); n != 1 {
		w.t.Errorf("%d Submits, want one", n)
	}
	if n := w.count("SendLiveTranscodeJobCommand"); n != stops {
		w.t.Errorf("%d Stops, want %d", n, stops)
	}
	if job := w.only(); !job.Status.Final() {
		w.t.Errorf("the job is %v, want stopped", job.Status)
	}
}

// checkKind reports an error that is not an application error of a kind.
func (w *world) checkKind(err error, kind string) {
	w.t.Helper()
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != "livetranscode."+kind {
		w.t.Errorf("error %v, want kind %s", err, kind)
	}
}

// histories returns all histories of the namespace, by workflow id.
func (w *world) histories() map[string][]*history.History {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	all := make(map[string][]*history.History)
	var page []byte
	for {
		resp, err := w.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: page})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, execution := range resp.GetExecutions() {
			id, run := execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId()
			all[id] = append(all[id], w.history(ctx, id, run))
		}
		if page = resp.GetNextPageToken(); len(page) == 0 {
			return all
		}
	}
}

func (w *world) history(ctx context.Context, id, run string) *history.History {
	w.t.Helper()
	h := new(history.History)
	events := w.temporal.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			w.t.Fatal(err)
		}
		h.Events = append(h.Events, event)
	}
	return h
}

// checkHistories reports secrets in histories, and records them with -record.
func (w *world) checkHistories() {
	checked := 0
	for id, runs := range w.histories() {
		for i, h := range runs {
			// As JSON, payloads are shown as the text that they are.
			text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h)
			if err != nil {
				w.t.Error(err)
			}
			for _, secret := range []string{streamKey, w.config.Credentials[1], w.config.Credentials[2]} {
				for _, event := range h.GetEvents() {
					if strings.Contains(event.String(), secret) || strings.Contains(string(text), secret) {
						w.t.Errorf("the history of %s has a secret: %s", id, secret)
						break
					}
				}
			}
			w.record(fmt.Sprint(id, "-", i+1), text)
			checked++
		}
	}
	if checked == 0 && !w.t.Failed() {
		w.t.Error("no history was checked for secrets")
	}
}

// record writes a history to the directory of -record, one for each test and run.
func (w *world) record(id string, text []byte) {
	if *record == "" || w.t.Failed() {
		return
	}
	name := strings.ReplaceAll(w.t.Name(), "/", "-") + "-" + strings.TrimPrefix(id, "livetranscode-") + ".json"
	if err := os.WriteFile(filepath.Join(*record, name), text, 0o644); err != nil {
		w.t.Error(err)
	}
}
