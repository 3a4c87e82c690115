// Command service shows the live transcoding jobs of an Alibaba Cloud account on a page, stores their states in a
// SQLite database, and submits and stops jobs. README.md lists its paths and the environment variables that configure
// it. By default it uses an emulator in memory.
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

	"golang.org/x/sync/errgroup"

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
	log := slog.New(slog.NewTextHandler(logs, nil))
	if getenv("LOG_FORMAT") == "json" {
		log = slog.New(slog.NewJSONHandler(logs, nil))
	}
	c, err := newConfig(getenv)
	if err != nil {
		return err
	}
	t, err := newTelemetry(ctx, getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "")
	if err != nil {
		return err
	}
	defer t.shutdown(ctx, log)
	client, err := c.newClient(ctx, t, log)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, c.database)
	if err != nil {
		return err
	}
	defer func() { _ = st.db.Close() }()
	s, err := newService(c, client, t, st, log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	log.Info("serving", "page", "http://"+listener.Addr().String())
	return s.serve(ctx, listener)
}

// config is the configuration, read from environment variables.
type config struct {
	address  string        // to listen on
	token    string        // required by POST and DELETE; may be empty on a loopback address
	database string        // a file; empty for memory
	endpoint string        // of the service; empty for an emulator
	interval time.Duration // the longest time between two sweeps
}

// newEmulator returns a client of an emulator whose jobs change until ctx ends. It is nil without emulator.go.
var newEmulator func(ctx context.Context, opts ...livetranscode.Option) *livetranscode.Client

func newConfig(getenv func(string) string) (config, error) {
	c := config{
		token:    strings.TrimRight(getenv("API_TOKEN"), "\r\n"),
		database: getenv("DATABASE"),
		endpoint: getenv("ENDPOINT"),
	}
	interval := "30s"
	if c.endpoint == "" {
		interval = "2s"
	}
	var intervalErr error
	c.interval, intervalErr = time.ParseDuration(cmp.Or(getenv("POLL_INTERVAL"), interval))
	address, addressErr := net.ResolveTCPAddr("tcp", cmp.Or(getenv("LISTEN_ADDR"), "127.0.0.1:8080"))
	switch {
	case c.endpoint == "" && newEmulator == nil:
		return c, errors.New("set ENDPOINT, such as https://ice.cn-shanghai.aliyuncs.com")
	case c.endpoint == "" && c.database != "": // the next process would report each job of this emulator as lost
		return c, errors.New("the jobs of the emulator end with the process: to use DATABASE, set ENDPOINT too")
	case intervalErr != nil || c.interval <= 0:
		return c, errors.New("POLL_INTERVAL must be a duration such as 30s")
	case addressErr != nil:
		return c, fmt.Errorf("LISTEN_ADDR: %w", addressErr)
	case c.token == "" && !address.IP.IsLoopback():
		return c, fmt.Errorf("LISTEN_ADDR %v is not a loopback address, and jobs cost money: set API_TOKEN", address)
	case c.token != "" && len(c.token) < 16:
		return c, errors.New("API_TOKEN is shorter than 16 bytes")
	}
	c.address = address.String() // a name could resolve to another address next time
	return c, nil
}

// newClient returns a client for the service or for an emulator.
func (c config) newClient(ctx context.Context, t *telemetry, log *slog.Logger) (*livetranscode.Client, error) {
	if c.endpoint != "" {
		return livetranscode.NewClient(livetranscode.WithEndpoint(c.endpoint), livetranscode.WithLogger(log), t.hooks)
	}
	log.Warn("these jobs are from an emulator and end with this process; set ENDPOINT to use the real service")
	return newEmulator(ctx, t.hooks), nil
}

// serve serves HTTP and watches the jobs until ctx ends or the watch fails. Then it stops accepting requests, ends the
// event streams, and completes the other requests in progress.
func (s *service) serve(ctx context.Context, listener net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	server := &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams with ctx
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      callTimeout + 5*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	group.Go(func() error { return s.watch(ctx) })
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	<-ctx.Done()
	s.log.Info("shutting down", "cause", context.Cause(ctx))
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout+5*time.Second)
	defer cancel()
	defer func() { _ = server.Close() }() // the connections that are still open
	err := server.Shutdown(limit)
	return errors.Join(group.Wait(), err)
}
