// Package livetranscodetest emulates the live transcoding operations of Alibaba Cloud's Intelligent Media
// Services, for tests: those of package livetranscode, and those of programs that use it.
//
// # In memory
//
// A [Server] needs no port, no goroutine and no closing. Its Client is a real one, with retries and all:
//
//	srv := livetranscodetest.NewServer()
//	id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusInProgress})
//	client := srv.Client()
//	resp, err := client.GetLiveTranscodeJob(ctx, id)
//
// Server.AddJob, Server.SetStatus and Server.RemoveJob change the jobs behind the client's back, Server.Job
// looks at one, and Server.Calls tells what was asked. A program that makes its own client can be given
// Server.Transport, by livetranscode.WithHTTPClient, and Server.Credentials.
//
// # Time
//
// The time is that of package time, so a test inside a testing/synctest bubble passes an hour in no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := livetranscodetest.NewServer(livetranscodetest.WithStartDelay(time.Minute))
//		... submit a job, wait for it to start ...
//	})
//
// A submitted job lives by time: an immediate one starts when it is submitted or after WithStartDelay, a timed
// one starts and ends by its schedule. Nothing runs for that, the state is worked out when it is looked at.
// Jobs that were added by AddJob, or set by SetStatus, stay as set.
//
// # Faults
//
// Server.Inject makes calls fail as they fail in the field: throttled, with an error, with the HTML page of a
// proxy, late, or with the connection lost before or after the work was done.
//
//	srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 2 * time.Second, Times: 3})
//
// Wrong clocks come from Server.SetClockOffset, rotated and revoked keys from Server.SetCredentials.
//
// # Over TCP
//
// A Server is an http.Handler:
//
//	tcp := httptest.NewServer(srv)
//	defer tcp.Close()
//	client := srv.Client(livetranscode.WithEndpoint(tcp.URL), livetranscode.WithHTTPClient(tcp.Client()))
//
// # What is checked
//
// Every request, with code that shares nothing with the client's: the path, the method, the operation and the
// version; the ACS3-HMAC-SHA256 signature over what was received, and that it covers the host, the content type
// and every x-acs header; the hash of the body; the key and its security token; the date, to 15 minutes; the
// nonce, which must not come again within 31 minutes; then the parameters, by the documented names, kinds and
// ranges. Bodies are read up to 1 MiB. The parameters are those of the query, and of a form in the body. GET and
// POST are both accepted. Region and host name are not checked.
//
// # What is the emulator's own choice
//
// The service does not document the following. A test that relies on it proves nothing about the service.
//
//   - An unknown job or template is 404 InvalidParameter.ResourceNotFound.
//   - A missing parameter is MissingParameter and a bad one InvalidParameter, both 400, and the message names it.
//     An empty parameter counts as missing. A misspelt member of an object is refused; an unknown parameter is
//     ignored.
//   - Submit accepts any TemplateId. If there is no such template, the job has no TemplateName, and its
//     TemplateType is normal; otherwise it keeps the name and type that the template had then. A TimedConfig of an
//     immediate job is ignored. The end of a schedule may be left out: the job runs on.
//   - Whether the input is live is not looked at: jobs always start.
//   - A job has one output, rtmp://DOMAIN/app/JOBID, where DOMAIN is mydomain unless the job names one.
//   - Stop succeeds in every state, and changes nothing when the job is stopped already.
//   - Delete works in every state. A template can be deleted while jobs use it.
//   - A time that is left out of an updated TimedConfig stays as it was.
//   - Update of a template sets the given leaves of its config and keeps the others.
//   - KeyWord is a whole id, or a part of a name in any case. Jobs of the same second are listed in the order of
//     their creation.
//   - There are no system templates, no quotas and no limits of request rates.
package livetranscodetest
