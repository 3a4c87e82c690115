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

// The names of the activities, for workflows of the user's own.
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

// A RequestFunc makes the request of a job from its spec. It runs in the activity, so that what it reads, such as a
// stream key from a store of secrets, is not in the history of the workflow. It may be called several times for a spec,
// and must return the same template each time. The Name of the request is set to that of the spec.
type RequestFunc = func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error)

// An Option changes what [Register] registers. A nil Option is ignored.
type Option func(*config)

type config struct {
	poll []livetranscode.PollOption
}

// WithPoll sets the options with which activities wait for a job, and with which a [Fleet] watches.
// [livetranscode.OnPoll] must not be among them. Defaults to the client's defaults.
func WithPoll(opts ...livetranscode.PollOption) Option {
	return func(c *config) { c.poll = append(c.poll, opts...) }
}

// Register registers the workflows "RunJob" and "Fleet" and their activities on a worker, which calls the service with
// c, and Temporal with t. Both must be those of the worker's namespace and account; t may be nil in a test without a
// Fleet. request makes the request of a job.
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
	// Registered as structs, activities have no aliases: the user's own functions may be called Submit or Stop.
	r.RegisterActivityWithOptions(a, activity.RegisterOptions{Name: activityPrefix})
	r.RegisterActivityWithOptions(&fleetActivities{client: c, temporal: t, poll: cfg.poll, period: watchPeriod},
		activity.RegisterOptions{Name: activityPrefix})
	r.RegisterWorkflowWithOptions(runJob, workflow.RegisterOptions{Name: workflowRunJob})
	r.RegisterWorkflowWithOptions(Fleet, workflow.RegisterOptions{Name: workflowFleet})
}

// heartbeatTimeout is how soon the activity of a worker that was killed is started on another one.
const heartbeatTimeout = 30 * time.Second

// heartbeat records heartbeats of the activity of ctx until stop is called.
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

// sleep waits for d, or until ctx ends: then it returns ctx's error.
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
