// Command emulator serves the emulator of the live transcoding service on a loopback port, for programs and tests in
// any language.
//
// It starts without jobs and prints what a client needs, as shell assignments:
//
//	ALIBABA_CLOUD_ACCESS_KEY_ID=...
//	ALIBABA_CLOUD_ACCESS_KEY_SECRET=...
//	ENDPOINT=http://127.0.0.1:PORT
//
// With -security-token it accepts temporary credentials with that token, and prints before the endpoint:
//
//	ALIBABA_CLOUD_SECURITY_TOKEN=...
//
// When it prints the endpoint, it accepts connections. It runs until it is interrupted.
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
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	address := flags.String("addr", "127.0.0.1:0", "loopback `ADDRESS` to listen on; port 0 selects a free port")
	startDelay := flags.Duration("start-delay", 2*time.Second, "time until a submitted job starts")
	token := flags.String("security-token", "", "require this security `TOKEN`, as temporary credentials do")
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
		return errors.New("-start-delay must not be negative")
	case strings.ContainsFunc(*token, unicode.IsSpace):
		return errors.New("-security-token must not contain spaces")
	}

	listener, err := listen(ctx, *address)
	if err != nil {
		return err
	}
	emulator := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(*startDelay))
	credentials := emulator.Credentials()
	credentials.SecurityToken = *token
	emulator.SetCredentials(credentials)
	return serve(ctx, listener, emulator, out)
}

// listen accepts only loopback addresses: the emulator speaks plain HTTP, and its key is public.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("-addr %s is not a loopback address such as 127.0.0.1:8080", address)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// serve serves requests until ctx ends, and then lets those in progress finish.
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
	defer func() { _ = server.Close() }() // what Shutdown has left open

	if err := printEnvironment(out, emulator.Credentials(), listener.Addr()); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the connections that are still open belong to stalled clients
	}
	return err
}

func printEnvironment(out io.Writer, c livetranscode.Credentials, address net.Addr) error {
	lines := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + c.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + c.AccessKeySecret}
	if c.SecurityToken != "" {
		lines = append(lines, "ALIBABA_CLOUD_SECURITY_TOKEN="+c.SecurityToken)
	}
	lines = append(lines, "ENDPOINT=http://"+address.String())
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
