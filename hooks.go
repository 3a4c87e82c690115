package livetranscode

import (
	"context"
	"errors"
	"time"
)

// Hooks are functions that a [Client] calls around its calls, their attempts, and the sweeps of its watchers, for
// metrics and traces. Any of them may be nil. A hook returns the context to continue with, which must be derived from
// its argument (nil means the argument itself), and a function that is called once at the end (nil means none). Hooks
// run on the goroutine of what they observe, and concurrently. No argument contains a secret or the URL of a stream.
// Unused hooks cost nothing.
//
// If a context derived by a hook ends, the attempt or the call ends, but the error does not match that of an ended
// caller's context. A panic of a hook is not recovered. If a hook, provider, limiter or transport panics or calls
// [runtime.Goexit], the end functions of the call and the attempt are still called, with an error.
//
// Calls made by waits, iterators, [Client.EnsureLiveTranscodeJob] and sweeps are observed like any other, with the
// context of what made them. A call refused with a [ParamError] before anything is sent is not observed.
type Hooks struct {
	// Call observes one call, with all its attempts and delays.
	Call func(context.Context, CallStart) (context.Context, func(CallEnd))
	// Attempt observes one attempt, from the limiter to the decoded response, without the delay after it.
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
	RequestID  string // of the response, or as in Err; empty if there was none
	ResourceID string // as in CallStart, or the id that a Submit or Create returned
	Err        error  // returned by the call
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
	Jobs int           // number of jobs to poll
	Full bool          // all jobs are polled; if not, only those added since the last sweep
	Late time.Duration // how late the sweep began
}

// SweepEnd is the outcome of a sweep.
type SweepEnd struct {
	Gets, Pages int   // requests
	Failed      int   // requests without a usable response
	Throttled   int   // failed requests that were throttled
	Unread      int   // jobs that could not be polled
	Events      int   // events found
	Err         error // the error that ends the watch, or the last failure; nil after a complete sweep
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

// errAborted is the error that hooks get if user code ended a call or an attempt by a panic or [runtime.Goexit].
var errAborted = errors.New("livetranscode: ended by a panic or runtime.Goexit")

// abortedEnd returns the outcome for hooks if user code panicked or called [runtime.Goexit].
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
