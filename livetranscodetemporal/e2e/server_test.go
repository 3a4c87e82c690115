//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

// findTemporal returns the path of the temporal command. It downloads nothing.
func findTemporal() (string, error) {
	if path := os.Getenv("TEMPORAL_CLI"); path != "" {
		return path, nil
	}
	path, err := exec.LookPath("temporal")
	if err != nil {
		err = errors.New("the temporal command is not installed: go install github.com/temporalio/cli/cmd/temporal@v1.5.1")
	}
	return path, err
}

// A devServer is a Temporal server in a process of its own.
type devServer struct {
	path, address string
	dir           string   // of the database; empty: in memory, which does not survive kill
	args          []string // additional arguments
	process       *exec.Cmd

	mu         sync.Mutex // one namespace at a time: each is work for the whole server
	namespaces int
}

// shared is the server of all tests that do not kill it.
var shared *devServer

// startServer starts a server and waits until it serves.
func startServer(path, dir string, args ...string) (*devServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &devServer{path: path, dir: dir, args: args, address: listener.Addr().String()}
	if err = listener.Close(); err != nil {
		return nil, err
	}
	return s, s.start()
}

// start starts the process, again after kill.
func (s *devServer) start() error {
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	args := []string{"server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--log-level", "never"}
	if s.dir != "" {
		args = append(args, "--db-filename", filepath.Join(s.dir, "temporal.db"))
	}
	s.process = exec.Command(s.path, append(args, s.args...)...)
	s.process.Stderr = os.Stderr
	if err = s.process.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); ; {
		t, err := s.dial("default")
		if err == nil {
			t.Close()
			return nil
		}
		if time.Now().After(end) {
			s.kill()
			return fmt.Errorf("the server does not serve: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// kill ends the process with SIGKILL.
func (s *devServer) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// dial returns a client of a namespace.
func (s *devServer) dial(namespace string) (client.Client, error) {
	return client.Dial(client.Options{
		HostPort: s.address, Namespace: namespace, Identity: "test", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
}

// newNamespace creates a namespace and returns its name and a client of it.
func (s *devServer) newNamespace(ctx context.Context) (string, client.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.dial("default")
	if err != nil {
		return "", nil, err
	}
	defer t.Close()
	s.namespaces++
	name := fmt.Sprint("test-", s.namespaces)
	_, err = t.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if err != nil {
		return "", nil, err
	}
	own, err := s.dial(name)
	if err != nil {
		return "", nil, err
	}
	// A new namespace becomes known to all parts of the server within seconds.
	for end := time.Now().Add(time.Minute); ; {
		_, err = own.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{})
		if err == nil || time.Now().After(end) {
			return name, own, err
		}
		time.Sleep(200 * time.Millisecond)
	}
}
