package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const (
	taskQueue  = "livetranscode-example"
	templateID = "720p"

	// endpointEnv is the address of the emulator, for the process of a worker.
	endpointEnv  = "EXAMPLE_ENDPOINT"
	addressEnv   = "EXAMPLE_TEMPORAL_ADDRESS"
	namespaceEnv = "EXAMPLE_TEMPORAL_NAMESPACE"
)

// newEmulator returns an emulator of the service whose jobs are in progress after two seconds.
func newEmulator() *livetranscodetest.Server {
	emulator := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(2 * time.Second))
	emulator.AddTemplate(livetranscode.Template{TemplateID: templateID})
	return emulator
}

// runOnServer runs the jobs on a Temporal server, and kills the worker in the middle of a Submit.
func runOnServer(ctx context.Context, address, namespace string, out io.Writer) error {
	t, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: &logger{out: io.Discard}})
	if err != nil {
		return err
	}
	defer t.Close()

	emulator := newEmulator()
	submitted := make(chan struct{}) // receives when the first job has been submitted; its response is held back
	service := httptest.NewServer(holdFirstSubmit(emulator, submitted))
	defer service.Close()

	first, err := startWorker(ctx, service.URL, address, namespace, out)
	if err != nil {
		return err
	}
	defer first.stop()
	fmt.Fprintf(out, "started a worker, process %d\n", first.Process.Pid)
	specs := jobs(time.Now().Format("150405"))
	runs := make([]client.WorkflowRun, len(specs))
	for i, spec := range specs {
		if runs[i], err = livetranscodetemporal.StartJob(ctx, t, taskQueue, spec); err != nil {
			return err
		}
	}

	select {
	case <-submitted:
	case <-ctx.Done():
		return ctx.Err()
	}
	first.stop()
	fmt.Fprintf(out, "killed the worker (SIGKILL): the service has executed a Submit, and its response is lost\n")
	second, err := startWorker(ctx, service.URL, address, namespace, out)
	if err != nil {
		return err
	}
	defer second.stop()
	fmt.Fprintf(out, "started another worker, process %d; it waits until the lost attempt has timed out, after 2 minutes\n",
		second.Process.Pid)
	for i, run := range runs {
		var result livetranscodetemporal.JobResult
		if err = run.Get(ctx, &result); err != nil {
			return err
		}
		printResult(specs[i].Name, result, out)
	}
	return report(emulator, out)
}

// holdFirstSubmit holds back the response to the first Submit.
func holdFirstSubmit(service http.Handler, submitted chan<- struct{}) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := false
		if r.Header.Get("x-acs-action") == "SubmitLiveTranscodeJob" {
			once.Do(func() { first = true })
		}
		if !first {
			service.ServeHTTP(w, r)
			return
		}
		service.ServeHTTP(httptest.NewRecorder(), r)
		close(submitted)
		<-r.Context().Done() // until the worker has been killed
	})
}

// report says how many jobs there are.
func report(emulator *livetranscodetest.Server, out io.Writer) error {
	submits, running := 0, 0
	for _, call := range emulator.Calls() {
		if call.Operation == "SubmitLiveTranscodeJob" {
			submits++
		}
	}
	jobs := emulator.Jobs()
	for _, job := range jobs {
		if !job.Status.Final() {
			running++
		}
	}
	fmt.Fprintf(out, "the service has received %d Submits; %d jobs exist, %d of them run\n", submits, len(jobs), running)
	return nil
}

// A workerProcess is a worker that runs as a separate process.
type workerProcess struct {
	*exec.Cmd
	once sync.Once
}

// startWorker starts this program again as a worker.
func startWorker(ctx context.Context, endpoint, address, namespace string, out io.Writer) (*workerProcess, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(os.Environ(), endpointEnv+"="+endpoint, addressEnv+"="+address, namespaceEnv+"="+namespace)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return &workerProcess{Cmd: cmd}, cmd.Start()
}

// stop kills the process, once.
func (p *workerProcess) stop() {
	p.once.Do(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
}

// runWorker runs the worker of this process.
func runWorker(ctx context.Context, _ []string, out io.Writer) error {
	t, err := client.DialContext(ctx, client.Options{
		HostPort: os.Getenv(addressEnv), Namespace: os.Getenv(namespaceEnv), Logger: &logger{out: out},
	})
	if err != nil {
		return err
	}
	defer t.Close()
	key := livetranscodetest.NewServer().Credentials() // the same for every emulator; a real worker has its own
	c, err := livetranscode.NewClient(livetranscode.WithEndpoint(os.Getenv(endpointEnv)),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(key.AccessKeyID, key.AccessKeySecret, "")))
	if err != nil {
		return err
	}
	w := worker.New(t, taskQueue, worker.Options{})
	livetranscodetemporal.Register(w, c, t, request)
	if err = w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}
