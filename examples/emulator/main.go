// Command emulator serves the emulator of the live transcoding service on this machine, for programs and tests
// in any language.
//
// It starts empty and prints what a client needs to know, as lines that a shell can read:
//
//	ALIBABA_CLOUD_ACCESS_KEY_ID=...
//	ALIBABA_CLOUD_ACCESS_KEY_SECRET=...
//	ENDPOINT=http://127.0.0.1:PORT
//
// By then it accepts connections, and does so until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends it at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	address := flags.String("addr", "127.0.0.1:0", "listen on this loopback `ADDRESS`; port 0 is any free one")
	startDelay := flags.Duration("start-delay", 2*time.Second, "how long a submitted job takes to start")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *startDelay < 0:
		return errors.New("-start-delay is negative")
	}

	listener, err := listen(ctx, *address)
	if err != nil {
		return err
	}
	emulator := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(*startDelay))
	return serve(ctx, listener, emulator, out)
}

// listen opens a loopback port only: the emulator talks plain HTTP, and everyone knows its key.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("-addr %s is not a loopback address, such as 127.0.0.1:8080", address)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// serve answers requests until ctx ends, and then lets those under way finish.
func serve(ctx context.Context, listener net.Listener, emulator *livetranscodetest.Server, out io.Writer) error {
	server := &http.Server{
		Handler:           emulator,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { _ = server.Close() }() // whatever Shutdown has left

	credentials := emulator.Credentials()
	_, err := fmt.Fprintf(out, "ALIBABA_CLOUD_ACCESS_KEY_ID=%s\nALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\nENDPOINT=http://%s\n",
		credentials.AccessKeyID, credentials.AccessKeySecret, listener.Addr())
	if err != nil {
		return err
	}

	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err = server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		return nil // what is still open is a client that sends or reads nothing
	}
	return err
}
