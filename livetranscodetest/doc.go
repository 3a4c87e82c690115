// Package livetranscodetest emulates the live transcoding operations of Alibaba Cloud's Intelligent Media Services, for
// the tests of package livetranscode and of programs that use it.
//
// # In memory
//
// A [Server] needs no port, no goroutine and no closing. Its client is a real one, retries included:
//
//	srv := livetranscodetest.NewServer()
//	id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusInProgress})
//	client := srv.Client()
//	resp, err := client.GetLiveTranscodeJob(ctx, id)
//
// [Server.AddJob], [Server.SetStatus], [Server.RemoveJob] and [Server.AddTemplate] change jobs and templates without a
// call, [Server.Job] and [Server.Jobs] return jobs, and [Server.Calls] returns the requests received. A program that
// creates its own client uses [Server.Transport], with [livetranscode.WithHTTPClient], and [Server.Credentials].
//
// # Time
//
// Time comes from package time, so a test in a [testing/synctest] bubble passes an hour in an instant:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(time.Minute))
//		... submit a job, wait for it to start ...
//	})
//
// A submitted job follows its schedule: an immediate job starts when it is submitted, or after [WithStartDelay]; a
// timed job starts and ends at its times. Nothing runs in the background: the status is computed on reading. A job that
// was added by AddJob or changed by SetStatus keeps its status.
//
// [WithVisibilityDelay] hides a submitted job from reads for a while, like a replica that lags.
//
// # Faults
//
// [Server.Inject] makes requests fail as they do in production: throttled, with an error, with the HTML page of a
// proxy, late, or with a connection that is lost before or after the operation was executed.
//
//	srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 2 * time.Second, Times: 3})
//
// [Server.UnusedFaults] returns the faults that applied to no request. [Server.SetClockOffset] makes a clock skew, and
// [Server.SetCredentials] rotates or revokes keys.
//
// # Over TCP
//
// A Server is an [http.Handler]:
//
//	tcp := httptest.NewServer(srv)
//	defer tcp.Close()
//	client := srv.Client(livetranscode.WithEndpoint(tcp.URL), livetranscode.WithHTTPClient(tcp.Client()))
//
// # What is checked
//
// The server checks every request with code of its own, independent of the client's: path, method, operation and
// version; the ACS3-HMAC-SHA256 signature of what was received, and that it covers the host, the content type and every
// x-acs-* header; the hash of the body; the access key and its security token; the date, to 15 minutes; the nonce,
// which must not be repeated within 31 minutes; then the parameters, by their documented names, types and ranges.
// Parameters come from the query and from a form in the body, which is read up to 1 MiB. GET and POST are both
// accepted. Region and host name are not checked.
//
// # Examples
//
// Each example answers one question:
//
//   - How do I test code that reads jobs? Example
//   - How do I test a program that creates its own client? [Server.Transport]
//   - How do I check what was requested? [Server.Calls]
//   - How do I check the jobs in the end? [Server.Jobs]
//   - How do I add a system template? [Server.AddTemplate]
//   - How do I test failures? [Server.Inject]
//   - Did my faults apply? [Server.UnusedFaults]
//   - How do I test a revoked key? [Server.SetCredentials]
//   - What if a job that was just submitted is not found? [WithVisibilityDelay]
//   - What if the service refuses to stop a job that does not run? [WithStrictCommands]
//   - How do I test over real connections? [NewServer] (Tcp)
//
// # What is the emulator's own choice
//
// The service does not document the following. A test that relies on it proves nothing about the service.
//
//   - An unknown job is 404 JobNotFound and an unknown template 404 TemplateNotFound, as documented for related
//     services.
//   - A missing parameter is 400 Missing<Name>, such as MissingJobId. A missing field of an object and a missing header
//     are 400 MissingParameter, and any invalid value is 400 InvalidParameter; the message names it. An empty parameter
//     counts as missing. An unknown field of an object is invalid; an unknown parameter is ignored.
//   - Submit accepts any TemplateId. Without such a template, the job has no TemplateName and the TemplateType normal;
//     otherwise it keeps the name and type that the template had at that time.
//   - The TimedConfig of an immediate job is ignored. That of a timed job needs a StartTime: an EndTime alone is
//     refused, a StartTime alone is a job that does not end by itself.
//   - Whether the input is live is not checked: every job starts.
//   - A job has one output, rtmp://DOMAIN/app/JOBID, where DOMAIN defaults to mydomain.
//   - Stop succeeds in every state and does not change a stopped job. With [WithStrictCommands] a job that is not in
//     progress is 403 OperationDenied.
//   - Delete works in every state. A template can be deleted while jobs use it.
//   - A time that is missing in the TimedConfig of an update keeps its value.
//   - An update of a template sets the given parameters of its config and keeps the others.
//   - KeyWord matches a whole id, or a part of a name in any case. Jobs of the same second are listed in the order of
//     their creation.
//   - There are no system templates except those of [Server.AddTemplate], no quotas and no rate limits.
package livetranscodetest
