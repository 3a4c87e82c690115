// Package livetranscodeotel shows what a [livetranscode.Client] and its watchers do as OpenTelemetry spans and metrics.
//
//	hooks, err := livetranscodeotel.Hooks()
//	...
//	client, err := livetranscode.NewClient(livetranscode.WithHooks(hooks))
//	...
//	watcher := client.NewWatcher()
//	stop, err := livetranscodeotel.Watch(watcher)
//	...
//	defer stop()
//
// Names follow the semantic conventions 1.43.0. What they do not define is named livetranscode.* or alibaba_cloud.*.
//
// # Spans
//
// A call is a CLIENT span such as ice/GetLiveTranscodeJob. Each of its attempts is a CLIENT span POST within it, and
// each retry an event livetranscode.retry on it, with the delay in seconds. A sweep of a watcher is the root of a trace
// of its own, with a link to the span in the context of the range, and the parent of its calls: a watch may run for
// months, and so would its trace. A failed span has the kind of the error, as of [livetranscode.ErrorKind], in
// error.type, and the text of the error in its status.
//
// # Metrics
//
// From [Hooks]:
//
//	rpc.client.call.duration                s          calls, with all their attempts
//	livetranscode.client.attempt.duration   s          attempts, waiting for the limiter included
//	livetranscode.client.retries            {retry}    attempts that another one follows
//	livetranscode.watcher.sweep.duration    s          sweeps
//	livetranscode.watcher.sweep.lag         s          how late sweeps of all jobs began
//	livetranscode.watcher.requests          {request}  calls of sweeps, by livetranscode.request.type: get or list
//	livetranscode.watcher.unread            {job}      jobs that the last sweep of all jobs could not poll
//
// From [Watch]:
//
//	livetranscode.watcher.jobs              {job}      watched jobs, by livetranscode.job.status
//	livetranscode.watcher.pending           {event}    events that are not delivered yet
//	livetranscode.watcher.oldest_pending    s          how long the oldest of these has been waiting
//	livetranscode.watcher.oldest_poll       s          time since the job that was polled least recently was polled
//
// The number of calls, attempts and sweeps is the count of their histogram, and the number of failures that of the
// series with an error.type. Attributes of metrics have few values: operations, hosts, HTTP statuses, error kinds, and
// the names given by [WithWatcherName]. Ids are in spans only. No span and no metric has a secret or the URL of a
// stream.
package livetranscodeotel
