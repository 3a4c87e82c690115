package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The functions in this file are blocks of docs/migration.md, too: httpStatus whole, of the others the bodies.

func httpStatus(err error) int {
	if errors.Is(err, livetranscode.ErrThrottled) { // also if its Retry-After is longer than ctx allows
		return http.StatusServiceUnavailable
	}
	switch livetranscode.ErrorKind(err) {
	case "":
		return http.StatusOK
	case "invalid_request":
		return http.StatusBadRequest
	case "not_found":
		return http.StatusNotFound
	case "name_conflict", "job_stopped":
		return http.StatusConflict
	case "unavailable", "canceled":
		return http.StatusServiceUnavailable
	case "ambiguous", "deadline_exceeded":
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway // your service cannot use Alibaba's: credentials, permissions, endpoint
}

func afterHandlers(client *livetranscode.Client, mux *http.ServeMux) {
	mux.HandleFunc("GET /jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		resp, err := client.GetLiveTranscodeJob(r.Context(), r.PathValue("id")) // ends when the caller disconnects
		if err != nil {
			http.Error(w, err.Error(), httpStatus(err))
			return
		}
		fmt.Fprintln(w, resp.Job.Name, "is", resp.Job.Status)
	})
	mux.HandleFunc("DELETE /jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		// Continues when the caller disconnects, as Submit and Ensure must: nobody else would stop the job.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 25*time.Second)
		defer cancel()
		if _, err := client.SendLiveTranscodeJobCommand(ctx, r.PathValue("id"), livetranscode.JobCommandStop); err != nil {
			http.Error(w, err.Error(), httpStatus(err))
		}
	})
}

func afterChangeLoop(ctx context.Context, client *livetranscode.Client, changed func(job *livetranscode.Job, what string)) {
	watcher := client.NewWatcher()
	watcher.AddAll(livetranscode.JobFilter{}) // or Add(jobIDs...)
	for ctx.Err() == nil {
		for event, err := range watcher.Events(ctx) {
			if err != nil {
				log.Print(err) // the watch has ended, for example because the key was revoked; the watcher keeps its jobs
				break
			}
			switch event.Kind {
			case livetranscode.EventFirstSeen: // no Previous
				changed(event.Job, "is "+event.Job.Status.String())
			case livetranscode.EventChanged: // the status, or another field
				changed(event.Job, "was "+event.Previous.Status.String()+", is "+event.Job.Status.String())
			case livetranscode.EventStopped: // the job's last event; no Previous if it had stopped before
				changed(event.Job, "has stopped")
			case livetranscode.EventLost: // the job's last event
				changed(event.Job, "is lost: "+event.Err.Error())
			}
		}
		select { // then continue: no event is repeated
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
		}
	}
}

func afterJSON(job *livetranscode.Job) ([]byte, error) {
	return json.Marshal(map[string]any{"id": job.JobID, "name": job.Name, "status": job.Status.String()})
}

func afterTest(t *testing.T) {
	srv := livetranscodetest.NewServer()
	client := srv.Client() // without a port
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	srv.Inject(livetranscodetest.Fault{Operation: "SendLiveTranscodeJobCommand", Code: "Forbidden.RAM"})

	if err := afterSendLiveTranscodeJobCommand(t.Context(), client, id); !errors.Is(err, livetranscode.ErrForbidden) {
		t.Errorf("error %v, want ErrForbidden", err)
	}
	if err := afterSendLiveTranscodeJobCommand(t.Context(), client, id); err != nil {
		t.Error(err)
	}
	if job, _ := srv.Job(id); job.Status != livetranscode.JobStatusStopped {
		t.Errorf("the job is %v", job.Status)
	}
}

func afterHTTPTest(t *testing.T) *livetranscode.Client {
	emulator := livetranscodetest.NewServer()
	srv := httptest.NewServer(emulator) // an http.Handler
	t.Cleanup(srv.Close)
	creds := emulator.Credentials()
	client, err := livetranscode.NewClient(
		livetranscode.WithEndpoint(srv.URL), // http is allowed to loopback addresses
		livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken)),
	)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
