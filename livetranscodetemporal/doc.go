// Package livetranscodetemporal runs live transcoding jobs as Temporal workflows, for jobs that must be submitted once,
// watched and stopped whatever happens to the process.
//
// A worker runs the workflows and the activities, which call the service:
//
//	w := worker.New(t, "livetranscode", worker.Options{})
//	livetranscodetemporal.Register(w, client, t, request)
//	err := w.Run(worker.InterruptCh())
//
// Any process can start a job, query its state and stop it:
//
//	run, err := livetranscodetemporal.StartJob(ctx, t, "livetranscode", livetranscodetemporal.JobSpec{
//		Name: "match-2026-11-26",
//		Live: 3 * time.Hour,
//	})
//	...
//	var result livetranscodetemporal.JobResult
//	err = run.Get(ctx, &result)
//
// [RunJob] is the workflow of a job, [Fleet] the workflow that watches all jobs of the account. Other workflows can
// call the activities [Activities.Submit], [Activities.WaitForStatus] and [Activities.Stop] by the names
// [ActivitySubmit], [ActivityWaitForStatus] and [ActivityStop].
//
// # Errors
//
// The error of an activity, and therefore of a workflow, is an application error. Its type is "livetranscode." followed
// by the [livetranscode.ErrorKind] of the client's error; see [ApplicationError].
//
// # Secrets
//
// Temporal stores workflow histories and shows them in its UI. The module writes no credentials into them and redacts
// the URLs of streams, which contain stream keys. [JobSpec.Args] and the texts of the request function's errors are
// recorded unchanged.
package livetranscodetemporal
