// Package livetranscodetemporal runs live transcoding jobs as workflows of Temporal, for jobs that must be submitted
// once, watched and stopped whatever happens to the process.
//
// A worker runs the workflows and the activities, which call the service:
//
//	w := worker.New(t, "livetranscode", worker.Options{})
//	livetranscodetemporal.Register(w, client, t, request)
//	err := w.Run(worker.InterruptCh())
//
// Any process starts a job, asks for its state and stops it:
//
//	run, err := livetranscodetemporal.StartJob(ctx, t, "livetranscode", livetranscodetemporal.JobSpec{
//		Name: "match-2026-11-26",
//		Live: 3 * time.Hour,
//	})
//	...
//	var result livetranscodetemporal.JobResult
//	err = run.Get(ctx, &result)
//
// [RunJob] is the workflow of a job, [Fleet] the workflow that watches all jobs of the account. The activities
// [Activities.Submit], [Activities.WaitForStatus] and [Activities.Stop] are for workflows of the user's own, which call
// them by the names [ActivitySubmit], [ActivityWaitForStatus] and [ActivityStop].
//
// # Errors
//
// The error of an activity, and so of a workflow, is an application error whose type is "livetranscode." and the kind
// of the client's error, as of [livetranscode.ErrorKind]; see [ApplicationError].
//
// # Secrets
//
// Histories of workflows are stored and shown. The module writes no credentials into them and redacts the URLs of
// streams, which contain stream keys. What the user puts into [JobSpec.Args], and the text of an error of the request
// function, are in the history as they are.
package livetranscodetemporal
