package livetranscodetest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A client reads the fields of AddJob as given, in Get and in List.
func TestClientReadsAddedJobs(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(
		livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "a token+/="}))
	tcp := httptest.NewServer(srv)
	t.Cleanup(tcp.Close)
	for name, client := range map[string]*livetranscode.Client{
		"in memory": srv.Client(),
		"over TCP":  srv.Client(livetranscode.WithEndpoint(tcp.URL), livetranscode.WithHTTPClient(tcp.Client())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, want := range []livetranscode.Job{
				{CreateTime: time.Unix(0, 0).UTC()},
				{
					Name: "日本 <&> \" \x7f", JobID: "****/ +?&=%" + name, TemplateType: "unlisted", TemplateID: "t", TemplateName: "tn",
					StartMode: 9, Status: 7,
					StreamInput:  livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://in?a=b&c=d"},
					OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{{Type: "rtmp", OutputURL: "u1"}, {OutputURL: "u2"}}},
					CreateTime:   time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC),
				},
				{Name: "absent", Status: livetranscode.JobStatusUnknown, StartMode: livetranscode.StartModeUnknown, CreateTime: time.Unix(1, 0).UTC()},
			} {
				want.JobID = srv.AddJob(want)
				got, err := client.GetLiveTranscodeJob(t.Context(), want.JobID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&want, got.Job); diff != "" {
					t.Errorf("Get: %s", diff)
				}
				list, err := client.ListLiveTranscodeJobs(t.Context(), &livetranscode.ListLiveTranscodeJobsRequest{Keyword: want.JobID})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]*livetranscode.Job{&want}, list.Jobs); diff != "" {
					t.Errorf("List: %s", diff)
				}
			}
		})
	}
}

func TestClientJobLifecycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		client, ctx := srv.Client(), t.Context()
		template, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
			Name: "hd", Type: livetranscode.TemplateTypeNormal,
			TemplateConfig: &livetranscode.TemplateConfig{VideoParams: &livetranscode.VideoParams{Width: 1280, FPS: 29.97, Bitrate: 1500}},
		})
		if err != nil {
			t.Fatal(err)
		}
		job, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
			Name: "show", TemplateID: template.TemplateID, StartMode: livetranscode.StartModeTimed,
			StreamInput: livetranscode.StreamInput{InputURL: "rtmp://in/a?b=c&d"},
			TimedConfig: &livetranscode.TimedConfig{StartTime: time.Now().Add(time.Minute)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{
			JobID: job.JobID, Name: "late show",
			TranscodeOutput: &livetranscode.TranscodeOutput{DomainName: "out"},
			TimedConfig:     &livetranscode.TimedConfig{StartTime: time.Now().Add(time.Hour), EndTime: time.Now().Add(2 * time.Hour)},
		}); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, srv, job.JobID, notStarted)
		time.Sleep(time.Hour)
		wantStatus(t, srv, job.JobID, inProgress)
		if j, _ := srv.Job(job.JobID); j.Name != "late show" || j.TemplateName != "hd" || j.OutputStream.StreamInfos[0].OutputURL != "rtmp://out/app/"+job.JobID {
			t.Errorf("%+v", j)
		}
		if _, err := client.SendLiveTranscodeJobCommand(ctx, job.JobID, livetranscode.JobCommandStop); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, srv, job.JobID, stopped)
		if _, err := client.DeleteLiveTranscodeJob(ctx, job.JobID); err != nil {
			t.Fatal(err)
		}
		if _, err := client.DeleteLiveTranscodeTemplate(ctx, template.TemplateID); err != nil {
			t.Fatal(err)
		}
	})
}

func TestClientPanicsOnInvalidOption(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	livetranscodetest.NewServer(nil).Client(livetranscode.WithRegion("nowhere"))
}

func TestSetCredentials(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	first := srv.Credentials()
	if first.AccessKeyID != "emulator-key-id" || first.AccessKeySecret != "emulator-key-secret" || first.SecurityToken != "" {
		t.Errorf("the default credentials are %q %q", first.AccessKeyID, first.AccessKeySecret)
	}
	list := call{action: "ListLiveTranscodeJobs"}
	wantCode(t, send(t, srv.Transport(), list.sign(t)), 200, "", "")
	next := livetranscode.Credentials{AccessKeyID: "next", AccessKeySecret: "x"}
	srv.SetCredentials(next)
	wantCode(t, send(t, srv.Transport(), list.sign(t)), 404, "InvalidAccessKeyId.NotFound", "")
	list.creds = next
	wantCode(t, send(t, srv.Transport(), list.sign(t)), 200, "", "")
	srv.SetCredentials()
	wantCode(t, send(t, srv.Transport(), list.sign(t)), 404, "InvalidAccessKeyId.NotFound", "")
	if got := srv.Credentials(); got != (livetranscode.Credentials{}) {
		t.Errorf("Credentials() = %v", got)
	}
}

func TestClockOffset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer(livetranscodetest.WithClockOffset(-time.Hour))
		r := do(t, srv, "ListLiveTranscodeJobs")
		wantCode(t, r, 400, "InvalidTimeStamp.Expired", "")
		if want := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat); r.header.Get("Date") != want {
			t.Errorf("Date %q, want %q", r.header.Get("Date"), want)
		}
		srv.SetClockOffset(10 * time.Minute)
		r = mustDo(t, srv, "ListLiveTranscodeJobs")
		if want := time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat); r.header.Get("Date") != want {
			t.Errorf("Date %q, want %q", r.header.Get("Date"), want)
		}
	})
}

func TestServerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				id := srv.AddJob(livetranscode.Job{})
				do(t, srv, "GetLiveTranscodeJob", "JobId", id)
				do(t, srv, "ListLiveTranscodeJobs", "Status", "1")
				srv.SetStatus(id, livetranscode.JobStatusInProgress)
				srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", JobID: "none", Times: -1})
				srv.SetClockOffset(0)
				_ = fmt.Sprint(srv, srv.Calls(), srv.Credentials())
				srv.RemoveJob(id)
			}
		})
	}
	wg.Wait()
}
