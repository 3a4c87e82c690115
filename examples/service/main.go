// Command service is a small HTTP service over live transcoding jobs: it submits them, and serves the state that
// one Watcher keeps fresh. No request of a reader becomes a call to Alibaba Cloud.
//
//	POST /jobs       submits a job: {"name", "template_id", "input_url", "domain", "start", "end"}; 201 and Location
//	GET  /jobs       all jobs that it submitted, ended ones for an hour
//	GET  /jobs/{id}  one of them
//	GET  /events     the same as server-sent events: the state as it is, then every change
//	GET  /healthz    200, or 503 while the watch is broken
//
// It is configured by the environment:
//
//	LISTEN_ADDR  where to listen, 127.0.0.1:8080 if not set
//	STATE_FILE   where to keep the ids of the jobs; if not set, a restart forgets them
//	ENDPOINT     the service's address, that of cn-shanghai if not set
//	EMULATOR     true: an emulator in memory; false: the real service; if not set, the emulator if there is neither
//	             an ENDPOINT nor credentials (see livetranscode.DefaultCredentials)
//	LOG_FORMAT   text or json, text if not set
//
// Whoever can reach it can submit jobs, which cost money: put something in front of it that asks who is there.
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
	context.AfterFunc(ctx, stop) // so that a second signal ends it the hard way
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
		return fmt.Errorf("LOG_FORMAT is %q, not text or json", format)
	}
	log := slog.New(handler)
	client, err := newClient(ctx, getenv, log)
	if err != nil {
		return err
	}
	s, err := newService(client, getenv("STATE_FILE"), log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(getenv("LISTEN_ADDR"), "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	return s.serve(ctx, listener)
}

// newClient returns a client of the real service or of an emulator, as the environment says.
func newClient(ctx context.Context, getenv func(string) string, log *slog.Logger) (*livetranscode.Client, error) {
	credentials := livetranscode.DefaultCredentials()
	opts := []livetranscode.Option{livetranscode.WithCredentials(credentials), livetranscode.WithLogger(log)}
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
		return nil, fmt.Errorf("EMULATOR is %q, not true or false", choice)
	}
	if emulate {
		log.Warn("jobs are only emulated, and end with this process; EMULATOR=false asks the real service")
		return livetranscodetest.NewServer(livetranscodetest.WithStartDelay(15 * time.Second)).Client(), nil
	}
	return livetranscode.NewClient(opts...)
}

const (
	submitLimit   = 25 * time.Second // for the call to Alibaba Cloud, retries included
	writeLimit    = 30 * time.Second // for an answer; a Submit must fit
	shutdownLimit = 30 * time.Second
)

// serve answers requests and watches the jobs until ctx ends. Then it takes no more requests, ends the event
// streams and the watch, finishes the submits that are under way, and keeps the ids.
func (s *service) serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return ctx }, // so the end of ctx ends the streams
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      writeLimit,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	var background sync.WaitGroup
	background.Go(func() { s.watch(ctx) })
	broken := make(chan error, 1)
	background.Go(func() { broken <- server.Serve(listener) })
	s.log.Info("serving", "address", listener.Addr().String(), "jobs", len(s.list(0)))

	var err error
	select {
	case <-ctx.Done():
		s.log.Info("shutting down")
	case err = <-broken:
	}
	cancel()
	limit, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer done()
	if shutdownErr := server.Shutdown(limit); shutdownErr != nil {
		err = cmp.Or(err, shutdownErr)
		_ = server.Close() // cuts off what is left
	}
	background.Wait()
	return cmp.Or(err, s.save())
}
