// Package livetranscode is a client for live transcoding on Alibaba Cloud: Intelligent Media Services, product
// code ICE, API version 2020-11-09.
//
//	client, err := livetranscode.NewClient()
//	...
//	resp, err := client.GetLiveTranscodeJob(ctx, jobID)
//	...
//	fmt.Println(resp.Job.Name, "is", resp.Job.Status)
//
// A Client is safe for concurrent use; create one and share it. Without options it calls cn-shanghai, the only
// region that offers live transcoding, with the credentials of the environment ([DefaultCredentials]).
//
// # Errors
//
// An [APIError] is an answer that is not a success, a [CallError] is a call without an answer, a [ParamError]
// was refused before anything was sent, and a [WaitError] is a wait that failed. Their kind is found with
// errors.Is: exactly one of ErrNotFound, ErrThrottled, ErrForbidden, ErrAuthentication, ErrInvalidRequest,
// ErrUnavailable and ErrBadResponse for an APIError. Every text is one line and holds no secret.
//
// context.DeadlineExceeded is found in an error only if the caller's own context ended, or is too short for
// the delay that the service asks for. An attempt's timeout is ErrUnavailable.
//
// # Retries
//
// A call makes up to three attempts, each with a new date, nonce and signature, and asks for credentials each
// time. [RetryPolicy] tunes this.
//
//   - Repeated are: throttling; ServiceUnavailable, InternalError and other 5xx; refused and reset
//     connections; answers that are cut off; an attempt that took longer than 30 s; DNS trouble that may pass.
//   - Repeated once each: a request whose date was refused, if the service's clock differs from the one in use
//     by 4 minutes or more (all later calls use the service's then); temporary credentials that were refused,
//     if the provider has others now; a nonce that was refused.
//   - Never repeated are certificates that do not fit, errors that are not known, and anything after the
//     context ended.
//   - SubmitLiveTranscodeJob and CreateLiveTranscodeTemplate have no protection against doubles at the
//     service. They are repeated only if the service refused them before processing, or if they were never
//     written to the network. If the outcome is unknown, the error is ErrAmbiguous.
//   - The delay before attempt n is random up to 100 ms x 2^n, at most 20 s. After throttling it is from 1 s.
//     If the service names a delay, that is it, plus up to a tenth; above 60 s, or past the deadline of the
//     context, the call ends at once, with the delay in the error.
//   - All calls of a client share a retry quota of 500: a retry costs 5, after a timeout 10; a success gives
//     back what its own retries cost, at least 1. When it is used up, calls are not repeated.
//
// # Waiting
//
// [Client.WaitForStatus] and [Client.WaitUntil] look at a job at once, then every 2 s, later less often, up to
// every 30 s, and last just before the context's deadline. The context is the only limit of time; six failed
// looks in a row, each with its retries, end a wait too ([TolerateErrors]). A wait that fails returns a
// [WaitError] with the job as it was seen last, and an end of the context is always an error.
//
// # Watching
//
// A [Watcher] keeps any number of jobs in view with few requests: a sweep asks for each job, or for the pages
// of all jobs that are not stopped, whichever is cheaper, and asks for a job itself before it says that it is
// gone. An event is a difference between two looks; states passed in between may be skipped, the final one
// never is. A watch that ends, as it does in an outage of five sweeps, keeps its jobs: range over it again, and it
// goes on. One job's trouble never ends another's. [Client.WatchJobs] is the same for a fixed set, and
// [Client.WaitForAll] waits for all of one.
//
// # Testing
//
// Package livetranscodetest is an emulator of the service, for tests of this package and of its users. It
// needs no port and works inside a bubble of testing/synctest: this package takes the time from package time
// alone. Where a canned answer is enough, any http.RoundTripper will do, for example that of
// github.com/jarcoal/httpmock.
package livetranscode
