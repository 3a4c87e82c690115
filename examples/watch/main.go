// Command watch shows a live table of transcoding jobs in the terminal.
//
// Without flags it watches the built-in emulator, where forty jobs start, stop and vanish and new ones appear. With
// -job, which may be repeated, it watches jobs of the real service with the credentials of the environment:
//
//	go run . [-jobs N] [-seed N] [-interval D] [-once] [-json]
//	go run . -job ID [-job ID]... [-state FILE] [-endpoint URL] [-interval D] [-once] [-json]
//	go run . -all [-state FILE] [-endpoint URL] [-interval D] [-json]
//
// With -all it watches all jobs of the account, also those created later. With -state it keeps the jobs in a file,
// stream keys included, and resumes from it: a restart shows only what has changed meanwhile.
//
// If the output is not a terminal, it prints one line for each event; with -json, one JSON object. With -once it
// prints the current state and exits. Ctrl-C exits with a summary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills the program
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}

// options are the command-line flags.
type options struct {
	jobIDs     []string
	all        bool
	stateFile  string
	endpoint   string
	jobs       int
	seed       uint64
	interval   time.Duration
	json, once bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := o.flagSet()
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
	case o.all && len(o.jobIDs) > 0:
		return o, errors.New("-all and -job exclude each other")
	case o.all && o.once:
		return o, errors.New("-all and -once exclude each other: the number of jobs is not known")
	case o.endpoint != "" && !o.useService(), o.stateFile != "" && !o.useService():
		return o, errors.New("-endpoint and -state need -job or -all")
	case o.stateFile != "" && o.once:
		return o, errors.New("-state and -once exclude each other")
	case o.jobs < 1 || o.jobs > 10_000:
		return o, errors.New("-jobs must be from 1 to 10000")
	case o.interval < 0:
		return o, errors.New("-interval must not be negative")
	}
	return o, nil
}

func (o *options) useService() bool { return o.all || len(o.jobIDs) > 0 }

func (o *options) flagSet() *flag.FlagSet {
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("job", "watch the job `ID` of the real service; may be repeated", func(id string) error {
		if id == "" {
			return errors.New("the ID is empty")
		}
		if !slices.Contains(o.jobIDs, id) {
			o.jobIDs = append(o.jobIDs, id)
		}
		return nil
	})
	flags.BoolVar(&o.all, "all", false, "watch all jobs of the account")
	flags.StringVar(&o.stateFile, "state", "", "keep the jobs in `FILE`, and resume from it")
	flags.StringVar(&o.endpoint, "endpoint", "", "the service's `URL` (default: that of cn-shanghai)")
	flags.IntVar(&o.jobs, "jobs", 40, "`number` of jobs in the emulator")
	flags.Uint64Var(&o.seed, "seed", 1, "random seed `number` of the simulation in the emulator")
	flags.DurationVar(&o.interval, "interval", 0,
		"poll interval (default 1s in the emulator; with -job 10s, longer while nothing changes)")
	flags.BoolVar(&o.json, "json", false, "print a JSON object for each event")
	flags.BoolVar(&o.once, "once", false, "print the current state and exit")
	return flags
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	state := newState()
	w, err := newWatch(o, state)
	if err != nil {
		cancel()
		return err
	}
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	if w.simulation != nil && !o.once {
		background.Go(func() { w.simulation.Run(ctx, w.watcher.Add) })
	}
	summary := errOut // out may be read by a program
	switch {
	case o.json:
		err = w.follow(ctx, func(c change) error { return printJSON(out, c) })
	case o.once:
		if err = w.follow(ctx, func(change) error { return nil }); err == nil {
			return printTable(out, state.snapshot())
		}
	case isTerminal(out):
		err, summary = w.showTable(ctx, out), out
	default:
		err = w.follow(ctx, func(c change) error { return printLine(out, c) })
	}
	if !o.once {
		printSummary(summary, state.snapshot())
	}
	return err
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(term.File)
	return ok && term.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}
