// Command service is a small HTTP service for the live transcoding jobs of an account: it submits jobs and serves the
// state of all, which one Watcher keeps up to date. Reads make no calls to Alibaba Cloud.
//
//	POST /jobs       submits a job: {"name", "template_id", "input_url", "domain", "start", "end"}; 201 and Location
//	GET  /jobs       all jobs of the account that have not stopped; ended ones for an hour
//	GET  /jobs/{id}  one of them
//	GET  /events     server-sent events: the state of all jobs, then every change
//	GET  /healthz    200, or 503 if the watch does not run: a restart may help
//	GET  /readyz     200, or 503 with the reason while the state is out of date
//	GET  /metrics    for Prometheus: calls, attempts, retries, sweeps, and how old the state is
//
// It is configured by the environment:
//
//	LISTEN_ADDR  listen address; defaults to 127.0.0.1:8080
//	STATE_FILE   file that keeps the jobs as they were last known, stream keys included; without it, a restart reports
//	             all jobs as new, and does not know what has ended meanwhile
//	ENDPOINT     endpoint of the real service; defaults to that of cn-shanghai
//	EMULATOR     true: an emulator in memory; false: the real service; defaults to the emulator if there is neither
//	             an ENDPOINT nor credentials (see livetranscode.DefaultCredentials)
//	LOG_FORMAT   text or json; defaults to text
//
// With OTEL_EXPORTER_OTLP_ENDPOINT it sends metrics and spans to that collector, too; other variables of OpenTelemetry,
// such as OTEL_SERVICE_NAME, apply.
//
// Anyone who can reach it can submit jobs, which cost money: put a proxy that authenticates in front of it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	if err := run(ctx, os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, logs io.Writer) error {
	var handler slog.Handler = slog.NewTextHandler(logs, nil)
	switch format := getenv("LOG_FORMAT"); format {
	case "", "text":
	case "json":
		handler = slog.NewJSONHandler(logs, nil)
	default:
		return fmt.Errorf("LOG_FORMAT is %q, want text or json", format)
	}
	log := slog.New(handler)
	t, err := newTelemetry(ctx, getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "")
	if err != nil {
		return err
	}
	defer func() {
		if sendErr := t.shutdown(ctx); sendErr != nil {
			log.Warn("sending the last metrics and spans failed", "error", sendErr)
		}
	}()
	client, err := newClient(ctx, getenv, t, log)
	if err != nil {
		return err
	}
	s, err := newService(client, t, getenv("STATE_FILE"), log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(getenv("LISTEN_ADDR"), "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	return s.serve(ctx, listener)
}

// newClient returns a client of the real service or of an emulator, depending on the environment.
func newClient(ctx context.Context, getenv func(string) string, t *telemetry, log *slog.Logger) (*livetranscode.Client, error) {
	hooks, err := t.hooks()
	if err != nil {
		return nil, err
	}
	credentials := livetranscode.DefaultCredentials()
	opts := []livetranscode.Option{livetranscode.WithCredentials(credentials), livetranscode.WithLogger(log), hooks}
	endpoint := getenv("ENDPOINT")
	if endpoint != "" {
		opts = append(opts, livetranscode.WithEndpoint(endpoint))
	}
	emulate := false
	switch choice := getenv("EMULATOR"); {
	case choice == "true":
		emulate = true
	case choice == "false", choice == "" && endpoint != "":
	case choice == "":
		limit, done := context.WithTimeout(ctx, 8*time.Second)
		defer done()
		_, err := credentials.Credentials(limit)
		emulate = errors.Is(err, livetranscode.ErrNoCredentials) || errors.Is(err, context.DeadlineExceeded)
		if err != nil && !emulate {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("EMULATOR is %q, want true or false", choice)
	}
	if emulate {
		log.Warn("using an emulator in memory, its jobs end with this process; set EMULATOR=false for the real service")
		return livetranscodetest.NewServer(livetranscodetest.WithStartDelay(15 * time.Second)).Client(hooks), nil
	}
	return livetranscode.NewClient(opts...)
}

const (
	submitTimeout   = 25 * time.Second // for the call to Alibaba Cloud, retries included
	writeTimeout    = 30 * time.Second // for a response; longer than submitTimeout
	shutdownTimeout = 30 * time.Second
)

// serve serves HTTP and watches the jobs until ctx ends. Then it stops accepting requests, ends the event streams and
// the watch, finishes the submits in progress, and saves the ids.
func (s *service) serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams with ctx
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	var background sync.WaitGroup
	background.Go(func() { s.watch(ctx) })
	background.Go(func() { s.saveChanges(ctx) })
	served := make(chan error, 1)
	background.Go(func() { served <- server.Serve(listener) })
	s.log.Info("serving", "address", listener.Addr().String(), "jobs", len(s.list(0)))

	var err error
	select {
	case <-ctx.Done():
		s.log.Info("shutting down")
	case err = <-served:
	}
	cancel()
	limit, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer done()
	if shutdownErr := server.Shutdown(limit); shutdownErr != nil {
		err = cmp.Or(err, shutdownErr)
		_ = server.Close() // closes what is still open
	}
	background.Wait()
	return cmp.Or(err, s.save())
}
