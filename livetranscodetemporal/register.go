package livetranscodetemporal

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/livetranscode/livetranscode-go"
)

// The names of the activities, for other workflows than [RunJob].
const (
	ActivitySubmit        = activityPrefix + "Submit"        // see [Activities.Submit]
	ActivityWaitForStatus = activityPrefix + "WaitForStatus" // see [Activities.WaitForStatus]
	ActivityStop          = activityPrefix + "Stop"          // see [Activities.Stop]
)

const (
	activityPrefix = "livetranscode."

	activityReadJob  = activityPrefix + "ReadJob"
	activityWatchAll = activityPrefix + "WatchAll"

	workflowRunJob = "RunJob"
	workflowFleet  = "Fleet"
)

// A RequestFunc returns the request for a job, given its spec. It runs in an activity, so that secrets that it fetches,
// such as a stream key, are not in the history of the workflow. It may be called several times for a spec, also to stop
// a job whose id is not known, and must return the same template each time. The Name of the request is set to that of
// the spec.
//
// [RunJob] returns an application error of the function unchanged; in the error of [Activities.Submit] it may be the
// cause of one with the same type and text.
type RequestFunc = func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error)

// An Option changes what [Register] registers. A nil Option is ignored.
type Option func(*config)

type config struct {
	poll []livetranscode.PollOption
}

// WithPoll sets the options for waits and for the watch of a [Fleet]. They must not include [livetranscode.OnPoll].
// Defaults to the client's defaults.
func WithPoll(opts ...livetranscode.PollOption) Option {
	return func(c *config) { c.poll = append(c.poll, opts...) }
}

// Register registers the workflows "RunJob" and "Fleet" and their activities with a worker. They call the service with
// c, and Temporal with t, which must have the worker's namespace; t may be nil in a test without a Fleet. request
// returns the request for a job.
//
// The worker's TaskQueueActivitiesPerSecond limits how often activities start, not how often they poll: limit the
// requests with [livetranscode.WithLimiter], or save them with a [Fleet]. Each job that is not watched by a Fleet
// occupies one of the worker's activity slots (MaxConcurrentActivityExecutionSize, 1,000 by default) for as long as it
// runs.
func Register(r worker.Registry, c *livetranscode.Client, t client.Client, request RequestFunc, opts ...Option) {
	var cfg config
	for _, opt := range opts {
		if opt != nil {
			opt(&cfg)
		}
	}
	a := &Activities{client: c, request: request, poll: cfg.poll}
	// Registered as structs, activities have no aliases: other activities may be functions named Submit or Stop.
	r.RegisterActivityWithOptions(a, activity.RegisterOptions{Name: activityPrefix})
	r.RegisterActivityWithOptions(&fleetActivities{client: c, temporal: t, poll: cfg.poll, period: watchPeriod},
		activity.RegisterOptions{Name: activityPrefix})
	r.RegisterWorkflowWithOptions(runJob, workflow.RegisterOptions{Name: workflowRunJob})
	r.RegisterWorkflowWithOptions(Fleet, workflow.RegisterOptions{Name: workflowFleet})
}

// heartbeatTimeout is how long it takes until the activity of a killed worker restarts on another one.
const heartbeatTimeout = 30 * time.Second

// heartbeat records heartbeats of the activity that ctx belongs to, until stop is called.
func heartbeat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(ctx, heartbeatTimeout/3) == nil {
			activity.RecordHeartbeat(ctx)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// sleep returns after d, or earlier with the error of ctx if ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
