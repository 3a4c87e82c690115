// Command watch keeps a live table of transcoding jobs in the terminal.
//
// Without flags it watches the embedded emulator, where forty jobs start, stop and vanish and others come. With
// -job, which may be repeated, it watches jobs of the real service, with the credentials of the environment:
//
//	go run . [-jobs N] [-seed N] [-interval D] [-once] [-json]
//	go run . -job ID [-job ID]... [-endpoint URL] [-interval D] [-once] [-json]
//
// Where the output is not a terminal, it prints a line for each event, and with -json an object. -once prints
// the state and ends. Ctrl-C ends it with a summary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/livetranscode/livetranscode-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends it the hard way
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	jobIDs     []string
	endpoint   string
	jobs       int
	seed       uint64
	interval   time.Duration
	json, once bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("job", "watch the job with this `ID` of the real service; may be repeated", func(id string) error {
		if id == "" {
			return errors.New("is empty")
		}
		if !slices.Contains(o.jobIDs, id) {
			o.jobIDs = append(o.jobIDs, id)
		}
		return nil
	})
	flags.StringVar(&o.endpoint, "endpoint", "", "with -job: ask at this `URL` instead of cn-shanghai's")
	flags.IntVar(&o.jobs, "jobs", 40, "`number` of jobs in the emulator")
	flags.Uint64Var(&o.seed, "seed", 1, "`number` that decides what happens in the emulator")
	flags.DurationVar(&o.interval, "interval", 0, "how often to look (default 1s in the emulator; with -job 10s, less often when nothing happens)")
	flags.BoolVar(&o.json, "json", false, "print a JSON object for each event")
	flags.BoolVar(&o.once, "once", false, "print the state and end")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(out)
		flags.Usage()
		return o, err
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.endpoint != "" && len(o.jobIDs) == 0:
		return o, errors.New("-endpoint needs -job")
	case o.jobs < 1 || o.jobs > 10_000:
		return o, errors.New("-jobs is not from 1 to 10000")
	case o.interval < 0:
		return o, errors.New("-interval is negative")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	board := newBoard()
	w, err := newWatch(o, board)
	if err != nil {
		cancel()
		return err
	}
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	if w.world != nil && !o.once {
		background.Go(func() { w.world.run(ctx, w.watcher.Add) })
	}
	summary := errOut // what is printed of each event may be for a program
	switch {
	case o.json:
		err = w.follow(ctx, func(c change) error { return printJSON(out, c) })
	case o.once:
		if err = w.follow(ctx, func(change) error { return nil }); err == nil {
			return printTable(out, board.frame())
		}
	case isTerminal(out):
		err, summary = w.showTable(ctx, out), out
	default:
		err = w.follow(ctx, func(c change) error { return printLine(out, c) })
	}
	if !o.once {
		printSummary(summary, board.frame())
	}
	return err
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(term.File)
	return ok && term.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// A watch is what is watched, and where what is seen goes.
type watch struct {
	options
	board   *board
	events  func(context.Context) iter.Seq2[livetranscode.JobEvent, error]
	watcher *livetranscode.Watcher // of the emulator's jobs
	world   *world                 // nil for the real service
}

func newWatch(o options, b *board) (*watch, error) {
	w := &watch{options: o, board: b}
	common := []livetranscode.Option{livetranscode.WithLimiter(b), livetranscode.WithLogger(slog.New(troubles{b}))}
	poll := []livetranscode.PollOption{livetranscode.OnPoll(b.looked)}
	if o.once {
		// One look: what it does not find is gone, and what does not answer has failed.
		poll = append(poll, livetranscode.NotFoundGrace(0), livetranscode.TolerateErrors(1))
	}
	if o.interval > 0 {
		poll = append(poll, livetranscode.PollInterval(o.interval, o.interval))
	}
	if len(o.jobIDs) > 0 {
		b.title, b.first = "real service", len(o.jobIDs)
		if o.endpoint != "" {
			b.title = o.endpoint
			common = append(common, livetranscode.WithEndpoint(o.endpoint))
		}
		client, err := livetranscode.NewClient(common...)
		if err != nil {
			return nil, err
		}
		w.events = func(ctx context.Context) iter.Seq2[livetranscode.JobEvent, error] {
			return client.WatchJobs(ctx, o.jobIDs, poll...)
		}
		return w, nil
	}
	b.title, b.first, b.keep = "emulator", o.jobs, 20*time.Second
	if o.interval == 0 {
		poll = append(poll, livetranscode.PollInterval(time.Second, time.Second))
	}
	w.world = newWorld(o.seed, o.jobs)
	w.watcher = w.world.srv.Client(common...).NewWatcher(poll...)
	w.watcher.Add(w.world.jobIDs()...)
	w.events = w.watcher.Events
	return w, nil
}

// follow takes in what happens, and passes it on, until ctx or all jobs have ended, or with once have been seen.
func (w *watch) follow(ctx context.Context, pass func(change) error) error {
	for event, err := range w.events(ctx) {
		switch {
		case ctx.Err() != nil:
			return nil // Ctrl-C, or a key, is how it is meant to end
		case err != nil:
			return err
		}
		if err := pass(w.board.apply(event)); err != nil {
			return err
		}
		if w.once && w.board.complete() {
			return nil
		}
	}
	return nil
}
