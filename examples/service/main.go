// Command service shows the live transcoding jobs of an Alibaba Cloud account on a page, stores their states in SQLite,
// and submits and stops jobs. By default it uses an emulator in memory. README.md lists its paths and configuration.
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
	"strings"
	"syscall"
	"time"

	"github.com/livetranscode/livetranscode-go"
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
	c, err := newConfig(getenv)
	if err != nil {
		return err
	}
	s, err := newService(ctx, c, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		return err
	}
	defer func() { _ = s.store.db.Close() }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	s.log.Info("serving", "page", "http://"+listener.Addr().String())
	return s.serve(ctx, listener)
}

// clientFunc returns a client that can be used until ctx ends.
type clientFunc = func(ctx context.Context, opts ...livetranscode.Option) (*livetranscode.Client, error)

var newEmulator clientFunc // nil without emulator.go

// config is read from environment variables.
type config struct {
	address   string        // to listen on; resolved, since a name could have another address next time
	local     bool          // a loopback address
	token     string        // required by POST and DELETE; may be empty on a loopback address
	database  string        // a file; empty for memory
	interval  time.Duration // the longest time between two sweeps
	source    string        // where the jobs come from: the endpoint or "emulator"
	newClient clientFunc
}

func newConfig(getenv func(string) string) (config, error) {
	endpoint, defaultInterval := getenv("ENDPOINT"), "30s"
	c := config{token: strings.TrimSpace(getenv("API_TOKEN")), database: getenv("DATABASE"), source: endpoint}
	c.newClient = func(_ context.Context, opts ...livetranscode.Option) (*livetranscode.Client, error) {
		return livetranscode.NewClient(append(opts, livetranscode.WithEndpoint(endpoint))...)
	}
	if endpoint == "" {
		c.newClient, c.source, defaultInterval = newEmulator, "emulator", "2s"
	}
	interval, intervalErr := time.ParseDuration(cmp.Or(getenv("POLL_INTERVAL"), defaultInterval))
	address, addressErr := net.ResolveTCPAddr("tcp", cmp.Or(getenv("LISTEN_ADDR"), "127.0.0.1:8080"))
	switch {
	case c.newClient == nil:
		return c, errors.New("set ENDPOINT, such as https://ice.cn-shanghai.aliyuncs.com")
	case endpoint == "" && c.database != "": // the next process would report each job of this emulator as lost
		return c, errors.New("the jobs of the emulator end with the process: to use DATABASE, set ENDPOINT too")
	case intervalErr != nil || interval <= 0:
		return c, errors.New("POLL_INTERVAL must be a duration such as 30s")
	case addressErr != nil:
		return c, fmt.Errorf("LISTEN_ADDR: %w", addressErr)
	case c.token == "" && !address.IP.IsLoopback():
		return c, fmt.Errorf("LISTEN_ADDR %v is not a loopback address, and jobs cost money: set API_TOKEN", address)
	case c.token != "" && len(c.token) < 16:
		return c, errors.New("API_TOKEN is shorter than 16 bytes")
	}
	c.address, c.local, c.interval = address.String(), address.IP.IsLoopback(), interval
	return c, nil
}

// serve runs the HTTP server and the watch until ctx ends or either fails. Then it stops accepting requests, ends the
// event streams, and completes the other requests in progress.
func (s *service) serve(ctx context.Context, listener net.Listener) error {
	serveCtx, cancel := context.WithCancelCause(ctx)
	server := &http.Server{
		Handler:      s.routes(),
		BaseContext:  func(net.Listener) context.Context { return serveCtx }, // ends the streams
		ReadTimeout:  10 * time.Second,
		WriteTimeout: callTimeout + 5*time.Second,
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	defer func() { _ = server.Close() }() // the connections that are still open after the timeout
	go func() { cancel(server.Serve(listener)) }()
	err := s.watch(serveCtx)
	if ctx.Err() == nil {
		err = cmp.Or(err, context.Cause(serveCtx)) // the server failed
	}
	cancel(err)
	s.log.Info("shutting down", "cause", cmp.Or(err, context.Cause(ctx)))
	shutdownCtx, stop := context.WithTimeout(context.WithoutCancel(ctx), callTimeout+5*time.Second)
	defer stop()
	return cmp.Or(err, server.Shutdown(shutdownCtx))
}
