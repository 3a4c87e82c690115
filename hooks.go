package livetranscode

import (
	"context"
	"errors"
	"time"
)

// Hooks are functions that a [Client] calls around its calls, their attempts, and the sweeps of its watchers, for
// metrics and traces. Any of them may be nil. A hook returns the context to continue with, which must be derived from
// the one that it was given (nil: that one), and a function that is called once at the end (nil: none). Hooks run on
// the goroutine of what they observe, and concurrently. No argument holds a secret or the URL of a stream. Unused hooks
// cost nothing.
//
// The end of a context that a hook has derived ends the attempt or the call, but never reads as the end of the caller's
// context. A panic of a hook is not recovered. If a hook, provider, limiter or transport panics or calls
// [runtime.Goexit], the ends of the call and the attempt are called all the same, with an error.
//
// Calls that waits, iterators, [Client.EnsureLiveTranscodeJob] and sweeps make are observed like any other, with the
// context of what they belong to. A call that is refused before anything is sent, with a [ParamError], is not observed.
type Hooks struct {
	// Call observes one call, with all its attempts and delays.
	Call func(context.Context, CallStart) (context.Context, func(CallEnd))
	// Attempt observes one attempt, from the limiter to the decoded response. Its end comes before the delay.
	Attempt func(context.Context, AttemptStart) (context.Context, func(AttemptEnd))
	// Sweep observes one sweep of a [Watcher].
	Sweep func(context.Context, SweepStart) (context.Context, func(SweepEnd))
}

// CallStart is what is known at the start of a call.
type CallStart struct {
	Operation  string // such as GetLiveTranscodeJob
	Host       string // of the endpoint, with the port if there is one
	ResourceID string // the job or template of the call, at most 256 bytes; empty if it has none
}

// CallEnd is the outcome of a call.
type CallEnd struct {
	Attempts   int    // requests sent
	RequestID  string // of the response, or the one that Err names; empty if there was none
	ResourceID string // as at the start, or the id that a Submit or Create returned
	Err        error  // what the call returns
}

// AttemptStart is what is known at the start of an attempt.
type AttemptStart struct {
	Operation string
	Host      string
	Number    int // from 1
}

// AttemptEnd is the outcome of an attempt.
type AttemptEnd struct {
	StatusCode int    // of the response; 0 if there was none
	RequestID  string // of the response; empty if there was none
	Err        error  // nil for a success
	Retry      bool   // another attempt follows, after Delay
	Delay      time.Duration
}

// SweepStart is what is known at the start of a sweep.
type SweepStart struct {
	Jobs int           // that the sweep is to poll
	Full bool          // all jobs are polled; else only those that were added since
	Late time.Duration // after the time at which the sweep was due
}

// SweepEnd is the outcome of a sweep.
type SweepEnd struct {
	Gets, Pages int   // requests
	Failed      int   // of those, without a usable response
	Throttled   int   // of those
	Unread      int   // jobs that were to be polled and were not
	Events      int   // events found
	Err         error // what ends the watch, or the last failure; nil after a complete sweep
}

// WithHooks adds hooks. The hooks of a later option run inside those of an earlier one. Defaults to none.
func WithHooks(h Hooks) Option {
	return func(c *config) error {
		c.hooks = Hooks{
			Call:    chainHooks(c.hooks.Call, h.Call),
			Attempt: chainHooks(c.hooks.Attempt, h.Attempt),
			Sweep:   chainHooks(c.hooks.Sweep, h.Sweep),
		}
		return nil
	}
}

type hookFunc[Start, End any] = func(context.Context, Start) (context.Context, func(End))

// chainHooks returns a hook that runs inner inside outer.
func chainHooks[Start, End any](outer, inner hookFunc[Start, End]) hookFunc[Start, End] {
	switch {
	case outer == nil:
		return inner
	case inner == nil:
		return outer
	}
	return func(ctx context.Context, s Start) (context.Context, func(End)) {
		ctx, endOuter := startHook(ctx, outer, s)
		started := false
		defer func() {
			if !started { // inner has panicked
				endHook(endOuter, abortedEnd[End]())
			}
		}()
		ctx, endInner := startHook(ctx, inner, s)
		started = true
		return ctx, func(e End) {
			defer endHook(endOuter, e) // deferred because inner may panic
			endHook(endInner, e)
		}
	}
}

// errAborted is what hooks are told of a call or an attempt that a panic or runtime.Goexit of user code ended.
var errAborted = errors.New("livetranscode: ended by a panic or runtime.Goexit")

// abortedEnd returns the outcome of what a panic or runtime.Goexit of user code ended.
func abortedEnd[End any]() (end End) {
	switch e := any(&end).(type) {
	case *CallEnd:
		e.Err = errAborted
	case *AttemptEnd:
		e.Err = errAborted
	case *SweepEnd:
		e.Err = errAborted
	}
	return end
}

func startHook[Start, End any](ctx context.Context, hook hookFunc[Start, End], s Start) (context.Context, func(End)) {
	if hook == nil {
		return ctx, nil
	}
	started, end := hook(ctx, s)
	if started == nil {
		started = ctx
	}
	return started, end
}

func endHook[End any](end func(End), e End) {
	if end != nil {
		end(e)
	}
}
