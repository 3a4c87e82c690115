// Package livetranscode is a client for live transcoding on Alibaba Cloud: Intelligent Media Services, product code
// ICE, API version 2020-11-09.
//
//	client, err := livetranscode.NewClient()
//	...
//	resp, err := client.GetLiveTranscodeJob(ctx, jobID)
//	...
//	fmt.Println(resp.Job.Name, "is", resp.Job.Status)
//
// A [Client] is safe for concurrent use; create one and share it. Without options it calls cn-shanghai, the only
// region that offers live transcoding, with [DefaultCredentials].
//
// The service does not send notifications about transcoding jobs; polling is the only way to know their states. See
// [Client.WaitForStatus] for one job and [Watcher] for many.
//
// # Errors
//
// An [APIError] is an error response, a [CallError] a call without a response, a [ParamError] an invalid request that
// was not sent, and a [WaitError] a wait that failed. [errors.Is] finds their kinds. An APIError is exactly one of
// [ErrNotFound], [ErrThrottled], [ErrForbidden], [ErrAuthentication], [ErrInvalidRequest], [ErrUnavailable] and
// [ErrBadResponse]. [Retryable] reports whether a later call can succeed, and [ErrorKind] names the kind for a metric.
// Every error text is one line and contains no secret.
//
// An error matches [context.DeadlineExceeded] only if the caller's context ended, or if its deadline is too near for a
// delay that the service or the limiter asks for. The timeout of an attempt is [ErrUnavailable].
//
// # Retries
//
// A call makes up to three attempts, each with fresh credentials, date, nonce and signature. [RetryPolicy] changes the
// numbers below.
//
//   - Retried: throttling; server errors and the statuses 408, 421 and 425; refused, reset and lost connections, and
//     in HTTP/2 reset streams and GOAWAY; truncated responses; attempts that took longer than 30 s; temporary DNS
//     failures; proxies that fail (5xx or 429 on CONNECT, SOCKS failures).
//   - Retried once each: a refused date, if the service's clock differs by 4 minutes or more (later calls use its
//     clock); refused credentials, if the provider then returns others; a refused nonce.
//   - Never retried: certificate errors and other permanent TLS failures, refusals by proxies ([ErrBadEndpoint]),
//     unknown errors, and anything after the context ended.
//   - [Client.SubmitLiveTranscodeJob] and [Client.CreateLiveTranscodeTemplate] are not idempotent, and the service has
//     no idempotency token. They are retried only if the service refused the request before processing it, or if it
//     was never written to the network. If the outcome is unknown, the error is [ErrAmbiguous].
//     [Client.EnsureLiveTranscodeJob] searches for the job instead.
//   - If a Stop or Delete is refused or not found after an earlier attempt that may have been executed, the client
//     checks with a Get, and the call succeeds if the job has stopped or is gone.
//   - The delay before attempt n is random, up to 100 ms x 2^n and at most 20 s; after throttling it is at least 1 s. A
//     Retry-After delay replaces it, plus up to 10 % jitter. If that delay is longer than 60 s, or ends after the
//     deadline of the context, the call returns at once with the delay in the error.
//   - All calls of a client share a retry quota of 500: a retry costs 5, or 10 after a timeout; a success gives back
//     what its own retries cost, at least 1. Calls are not retried while the quota is used up.
//
// # Waiting
//
// [Client.WaitForStatus] and [Client.WaitUntil] poll a job at once, then every 2 s, later less often, down to every 30
// s, and a last time just before the context's deadline, which is the only deadline. Five consecutive failures, each a
// call with all its retries, are tolerated ([TolerateErrors]); a permanent error ends a wait at once. The [WaitError]
// of a failed wait contains the job as it was last read. If the context ends a wait, the result is always an error.
//
// # Watching
//
// A [Watcher] polls any number of jobs in sweeps, with few requests: it gets each job, or lists the pages of all jobs
// that have not stopped, whichever needs fewer requests. It gets a job that is on no page before it reports the job as
// gone. An event is a difference between two polls: states in between may be skipped, but never the final state. A
// watch that ends, for example in a long outage, keeps its jobs: range again to continue. [Watcher.AddAll] watches
// every job of the account that has not stopped, and those created later. [Watcher.Resume] continues after a restart
// from the stored jobs. [Watcher.Stats] is for health checks: it says how old the known states are. [Client.WatchJobs]
// watches a fixed set of jobs, and [Client.WaitForAll] waits until all jobs of a set have a status.
//
// # Observing
//
// [WithHooks] observes calls, attempts and sweeps; package livetranscodeotel, a separate module, records them as
// OpenTelemetry metrics and traces. [WithMiddleware] wraps the transport without showing secrets to the wrapper.
//
// [WithLogger] logs:
//
//   - Debug: every attempt, and the end of every call.
//   - Info: the service accepts the credentials again; a watcher has polled all its jobs again.
//   - Warn, once per occurrence: clock skew; the service refuses the credentials; the retry quota is used up; a watcher
//     may not list jobs, or could not poll all jobs.
//   - Error: a panic of the program's own code, such as a credentials provider, in a watch.
//
// The attributes of the records: operation, resource_id (the job or template), attempt, attempts, duration, delay,
// status (HTTP), code (the service's), request_id, error_kind (see [ErrorKind]), error. No record contains a secret.
// docs/operations.md says what to do about each record and each kind of error.
//
// # Testing
//
// Package livetranscodetest is an emulator of the service, for the tests of this package and of its users. It needs no
// port and works in a bubble of testing/synctest, since all timing uses package time. For a fixed response, any
// [http.RoundTripper] will do, such as that of github.com/jarcoal/httpmock.
//
// # Examples
//
// Each example answers one question.
//
// Calls:
//
//   - How do I run these examples? Example
//   - How do I create a client? [NewClient]
//   - How do I read a job? [Client.GetLiveTranscodeJob]
//   - How do I list one page of jobs? [Client.ListLiveTranscodeJobs]
//   - How do I list all jobs? [Client.AllLiveTranscodeJobs]
//   - How do I find a job by its name? [Client.FindLiveTranscodeJob]
//   - How do I start a job? [Client.SubmitLiveTranscodeJob]
//   - How do I start and end a job on schedule? [Client.SubmitLiveTranscodeJob] (Timed)
//   - How do I start a job without starting it twice? [Client.EnsureLiveTranscodeJob]
//   - What do I do when the response to a Submit is lost? [Client.SubmitLiveTranscodeJob] (Ambiguous)
//   - How do I rename a job? [Client.UpdateLiveTranscodeJob]
//   - How do I stop a job? [Client.SendLiveTranscodeJobCommand]
//   - How do I delete a job, whether or not it exists? [Client.DeleteLiveTranscodeJob]
//   - What if the service adds a status? [JobStatus]
//   - How do I create a template? [Client.CreateLiveTranscodeTemplate]
//   - How do I read a template? [Client.GetLiveTranscodeTemplate]
//   - How do I list one page of templates? [Client.ListLiveTranscodeTemplates]
//   - How do I find a template by its name? [Client.AllLiveTranscodeTemplates]
//   - How do I change a template? [Client.UpdateLiveTranscodeTemplate]
//   - How do I delete a template? [Client.DeleteLiveTranscodeTemplate]
//   - How do I call an operation that this package does not have? [Signer] (OtherOperation)
//   - How do I sign a request myself? [Signer]
//
// Waiting and watching:
//
//   - How do I wait until a job has started? [Client.WaitForStatus]
//   - How do I wait for something other than a status? [Client.WaitUntil]
//   - How do I wait for many jobs? [Client.WaitForAll]
//   - Why did a wait fail? [WaitError]
//   - How do I show the progress of a wait? [OnPoll]
//   - How do I tune a wait or a watch? [PollOption]
//   - How do I follow some jobs until they have stopped? [Client.WatchJobs]
//   - How do I follow all jobs of the account in one loop? [Client.WatchAllJobs]
//   - What do the events of a watch say? [Watcher.Events]
//   - How do I add a job to a running watch? [Watcher.Add]
//   - How do I watch all jobs, also those that are created later? [Watcher.AddAll]
//   - How do I stop watching a job? [Watcher.Remove]
//   - How do I continue after a restart? [Watcher.Resume]
//   - How do I check that a watch is up to date? [Watcher.Stats]
//   - What do I do when a watch ends? [WatchError]
//
// Errors:
//
//   - How do I tell errors apart? Example (Errors)
//   - What did the service say? [APIError]
//   - What if there was no response? [CallError]
//   - What if my request is invalid? [ParamError]
//   - Which label does a metric of errors get? [ErrorKind]
//   - Should I try again later? [Retryable]
//
// Configuration:
//
//   - Where do credentials come from? [DefaultCredentials]
//   - Can credentials leak into a log? [StaticCredentials]
//   - How do I use a credential of Alibaba's credentials-go? [FromCredential]
//   - How do I fetch credentials from my own store? [CredentialsFunc]
//   - How do I rotate the access key without a restart? [CredentialsFunc] (Rotation)
//   - How do I call through a proxy? [WithHTTPClient]
//   - How do I turn retries off? [WithRetryPolicy]
//   - How do I limit the rate of requests? [WithLimiter]
//   - How do replicas share the account's quota? [WithLimiter] (Replicas)
//   - How do I log what the client does? [WithLogger]
//   - How do I count calls and attempts? [WithHooks]
//   - How do I trace HTTP without stream keys in the traces? [WithMiddleware]
//
// Testing:
//
//   - How do I test my code? Example (Testing)
//   - How do I test with a fixed response? Example (CannedResponse)
package livetranscode
