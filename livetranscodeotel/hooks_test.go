package livetranscodeotel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// The attributes of the server and of operations, as text.
const (
	onServer = "server.address=ice.cn-shanghai.aliyuncs.com,server.port=443"
	onRPC    = "rpc.system.name=alibaba_cloud," + onServer
	onGet    = "rpc.method=ice/GetLiveTranscodeJob," + onRPC
)

func TestThrottledCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, srv := newRecorder(), livetranscodetest.NewServer()
		id := srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusInProgress})
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 2 * time.Second})
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Second})
		srv.Inject(livetranscodetest.Fault{Latency: time.Second})
		if _, err := r.client(t, srv).GetLiveTranscodeJob(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		requests := srv.Calls()
		calls := r.named("ice/GetLiveTranscodeJob")
		if len(requests) != 3 || len(calls) != 1 || len(r.spans.GetSpans()) != 4 {
			t.Fatalf("%d requests, and the spans %+v", len(requests), r.spans.GetSpans())
		}
		call, attempts := calls[0], r.children(calls[0])
		wantSpan(t, call, trace.SpanKindClient, codes.Unset,
			"alibaba_cloud.request_id="+requests[2].RequestID+",livetranscode.job.id="+id+","+onGet)
		if len(attempts) != 3 || len(call.Events) != 2 {
			t.Fatalf("the call has %d attempts and the events %+v", len(attempts), call.Events)
		}
		for i, want := range []struct {
			code       codes.Code
			attributes string
		}{
			{codes.Error, ",error.type=throttled,http.request.method=POST,http.response.status_code=400,"},
			{codes.Error, ",error.type=throttled,http.request.method=POST,http.request.resend_count=1,http.response.status_code=400,"},
			{codes.Unset, ",http.request.method=POST,http.request.resend_count=2,http.response.status_code=200,"},
		} {
			wantSpan(t, attempts[i], trace.SpanKindClient, want.code,
				"alibaba_cloud.request_id="+requests[i].RequestID+want.attributes+onServer+",url.full=https://ice.cn-shanghai.aliyuncs.com/")
		}
		wantRetry(t, call.Events[0], attempts[0], attempts[1], 2*time.Second)
		wantRetry(t, call.Events[1], attempts[1], attempts[2], 3*time.Second)

		r.wantPoints(t, "rpc.client.call.duration", point{onGet, 1, call.EndTime.Sub(call.StartTime).Seconds()})
		r.wantPoints(t, "livetranscode.client.retries", point{"error.type=throttled," + onGet, 0, 2})
		r.wantPoints(t, "livetranscode.client.attempt.duration",
			point{"error.type=throttled,http.response.status_code=400," + onGet, 2, 0},
			point{"http.response.status_code=200," + onGet, 1, 1})
	})
}

// wantRetry checks that an event at the end of an attempt has the delay until the next one, which is at least minimum.
func wantRetry(t *testing.T, event sdktrace.Event, failed, next tracetest.SpanStub, minimum time.Duration) {
	t.Helper()
	delay := next.StartTime.Sub(failed.EndTime)
	want := fmt.Sprintf("error.type=throttled,livetranscode.retry.delay=%v", delay.Seconds())
	if got := encode(attribute.NewSet(event.Attributes...)); event.Name != "livetranscode.retry" || got != want ||
		!event.Time.Equal(failed.EndTime) || delay < minimum {
		t.Errorf("the event %q at %v has %s, want %s, at %v", event.Name, event.Time, got, want, failed.EndTime)
	}
}

func TestFailedCalls(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault    livetranscodetest.Fault
		call     func(context.Context, *livetranscode.Client) error
		span     string // its name
		has      string // its attributes without those of the server, and without the request id
		attempts []string
	}{
		"ambiguous Submit": {
			fault:    livetranscodetest.Fault{DropResponse: true},
			call:     submit,
			span:     "ice/SubmitLiveTranscodeJob",
			has:      "error.type=ambiguous",
			attempts: []string{"error.type=unavailable"},
		},
		"unknown job": {
			call: func(ctx context.Context, c *livetranscode.Client) error {
				_, err := c.GetLiveTranscodeJob(ctx, "nobody")
				return err
			},
			span:     "ice/GetLiveTranscodeJob",
			has:      "error.type=not_found,livetranscode.job.id=nobody,rpc.response.status_code=JobNotFound",
			attempts: []string{"error.type=not_found,http.response.status_code=404"},
		},
		"unknown template": {
			call: func(ctx context.Context, c *livetranscode.Client) error {
				_, err := c.GetLiveTranscodeTemplate(ctx, "none")
				return err
			},
			span:     "ice/GetLiveTranscodeTemplate",
			has:      "error.type=not_found,livetranscode.template.id=none,rpc.response.status_code=TemplateNotFound",
			attempts: []string{"error.type=not_found,http.response.status_code=404"},
		},
		"a proxy's page twice": {
			fault: livetranscodetest.Fault{StatusCode: 502, Body: "<html>", Times: 2},
			call: func(ctx context.Context, c *livetranscode.Client) error {
				_, err := c.ListLiveTranscodeJobs(ctx, nil)
				return err
			},
			span:     "ice/ListLiveTranscodeJobs",
			attempts: []string{"error.type=unavailable,http.response.status_code=502", "error.type=unavailable,http.response.status_code=502", "http.response.status_code=200"},
		},
		"canceled": {
			fault: livetranscodetest.Fault{Latency: time.Minute},
			call: func(ctx context.Context, c *livetranscode.Client) error {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				_, err := c.GetLiveTranscodeJob(ctx, "j")
				return err
			},
			span:     "ice/GetLiveTranscodeJob",
			has:      "error.type=canceled,livetranscode.job.id=j",
			attempts: []string{"error.type=canceled"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, srv := newRecorder(), livetranscodetest.NewServer()
				srv.Inject(tt.fault) // the zero value changes nothing
				err := tt.call(t.Context(), r.client(t, srv))
				spans := r.named(tt.span)
				if len(spans) != 1 {
					t.Fatalf("error %v, spans %+v", err, r.spans.GetSpans())
				}
				if got := own(spans[0]); got != tt.has {
					t.Errorf("the call has %s, want %s", got, tt.has)
				}
				if err != nil && (spans[0].Status.Code != codes.Error || spans[0].Status.Description != err.Error()) {
					t.Errorf("the status is %+v, want the text of %v", spans[0].Status, err)
				}
				var attempts []string
				for _, attempt := range r.children(spans[0]) {
					attempts = append(attempts, own(attempt))
				}
				if !slices.Equal(attempts, tt.attempts) {
					t.Errorf("the attempts have %q, want %q", attempts, tt.attempts)
				}
				failure := ""
				if err != nil {
					failure = "error.type=" + livetranscode.ErrorKind(err) + ","
				}
				duration := spans[0].EndTime.Sub(spans[0].StartTime).Seconds()
				r.wantPoints(t, "rpc.client.call.duration", point{failure + "rpc.method=" + tt.span + "," + onRPC, 1, duration})
			})
		})
	}
}

func submit(ctx context.Context, c *livetranscode.Client) error {
	_, err := c.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name: "show", TemplateID: "t",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://in.example/app/inputKey4c2d?auth_key=inputQuery77b0"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "out.example"},
	})
	return err
}

// own returns the attributes of a span that tell it apart from the others of a test.
func own(span tracetest.SpanStub) string {
	attrs := slices.DeleteFunc(slices.Clone(span.Attributes), func(a attribute.KeyValue) bool {
		return slices.Contains([]attribute.Key{
			"rpc.system.name", "rpc.method", "server.address", "server.port", "url.full",
			"http.request.method", "http.request.resend_count", "alibaba_cloud.request_id",
		}, a.Key)
	})
	return encode(attribute.NewSet(attrs...))
}

// TestSweepHook tells the hook of sweeps. TestWatch has those of a watcher.
func TestSweepHook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		hooks := r.hooks(t)
		sweep := func(ctx context.Context, start livetranscode.SweepStart, d time.Duration, end livetranscode.SweepEnd) {
			ctx, done := hooks.Sweep(ctx, start)
			_, called := hooks.Call(ctx, livetranscode.CallStart{Operation: "GetLiveTranscodeJob", Host: "host"})
			called(livetranscode.CallEnd{})
			time.Sleep(d)
			done(end)
		}
		inRange, span := r.tracers.Tracer("user").Start(t.Context(), "range")
		sweep(inRange, livetranscode.SweepStart{Jobs: 5, Full: true, Late: 2 * time.Second}, 3*time.Second,
			livetranscode.SweepEnd{Gets: 4, Pages: 2, Failed: 3, Throttled: 3, Unread: 1, Events: 1, Err: livetranscode.ErrThrottled})
		sweep(t.Context(), livetranscode.SweepStart{Jobs: 1, Late: time.Second}, time.Second, livetranscode.SweepEnd{Gets: 1})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		sweep(ended, livetranscode.SweepStart{Jobs: 5, Full: true, Late: time.Second}, 0, livetranscode.SweepEnd{Unread: 5, Err: ended.Err()})

		sweeps := r.named("livetranscode.sweep")
		if len(sweeps) != 3 || len(r.children(sweeps[0])) != 1 {
			t.Fatalf("the spans are %+v", r.spans.GetSpans())
		}
		wantSpan(t, sweeps[0], trace.SpanKindInternal, codes.Error, "error.type=throttled,livetranscode.sweep.events=1,"+
			"livetranscode.sweep.failed=3,livetranscode.sweep.full=true,livetranscode.sweep.gets=4,livetranscode.sweep.jobs=5,"+
			"livetranscode.sweep.pages=2,livetranscode.sweep.throttled=3,livetranscode.sweep.unread=1,livetranscode.watcher.name=jobs")
		links := sweeps[0].Links
		if sweeps[0].Parent.IsValid() || len(links) != 1 || !links[0].SpanContext.Equal(span.SpanContext()) || len(sweeps[1].Links) != 0 {
			t.Errorf("the parent of the first sweep is %v, the links are %v, those of the second %v", sweeps[0].Parent, links, sweeps[1].Links)
		}
		const watcher = "livetranscode.watcher.name=jobs"
		r.wantPoints(t, "livetranscode.watcher.sweep.duration", point{"error.type=canceled," + watcher, 1, 0},
			point{"error.type=throttled," + watcher, 1, 3}, point{watcher, 1, 1})
		r.wantPoints(t, "livetranscode.watcher.sweep.lag", point{watcher, 1, 2})
		r.wantPoints(t, "livetranscode.watcher.requests", point{"livetranscode.request.type=get," + watcher, 0, 5},
			point{"livetranscode.request.type=list," + watcher, 0, 2})
		r.wantPoints(t, "livetranscode.watcher.unread", point{watcher, 0, 1})
	})
}

// TestNoSecrets checks that neither spans nor metrics have a secret, the URL of a stream, or, in metrics, an id.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		creds := livetranscode.Credentials{AccessKeyID: "canaryID51aa", AccessKeySecret: "canarySecret7f3a", SecurityToken: "canaryToken55e1"}
		srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(creds))
		r := newRecorder()
		c := r.client(t, srv)
		texts := []string{"rtmp://in.example/app/inputKey4c2d?auth_key=inputQuery77b0", creds.SecurityToken + creds.AccessKeySecret}
		for _, fault := range []livetranscodetest.Fault{
			{},
			{Drop: true},
			{Code: "InvalidParameter", Message: strings.Join(texts, " ")},
			{StatusCode: 502, Body: strings.Join(texts, " ")},
			{Code: "Throttling.User", Message: texts[0]},
		} {
			srv.Inject(fault)
			_ = submit(t.Context(), c)
		}
		id := srv.Jobs()[0].JobID
		for _, err := range c.AllLiveTranscodeJobs(t.Context(), nil) {
			if err != nil {
				t.Error(err)
			}
		}
		_, _ = c.GetLiveTranscodeJob(t.Context(), id)
		srv.SetCredentials()
		_, _ = c.GetLiveTranscodeJob(t.Context(), id)

		spans, metrics := fmt.Sprintf("%+v", r.spans.GetSpans()), fmt.Sprintf("%+v", r.metrics(t))
		for _, canary := range []string{"canaryID51aa", "canarySecret7f3a", "canaryToken55e1", "inputKey4c2d", "inputQuery77b0", "Signature="} {
			if strings.Contains(spans, canary) {
				t.Errorf("the spans have %s: %s", canary, spans)
			}
			if strings.Contains(metrics, canary) {
				t.Errorf("the metrics have %s: %s", canary, metrics)
			}
		}
		if !strings.Contains(spans, id) || strings.Contains(metrics, id) || !strings.Contains(metrics, "ice/GetLiveTranscodeJob") {
			t.Errorf("the spans must have the job id, the metrics must not: %s", metrics)
		}
		for _, call := range srv.Calls() {
			if strings.Contains(metrics, call.RequestID) {
				t.Errorf("the metrics have the request id %s", call.RequestID)
			}
		}
	})
}

// TestInstruments checks the kind, the unit and the bounds of each metric of Hooks.
func TestInstruments(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	hooks := r.hooks(t)
	_, called := hooks.Call(t.Context(), livetranscode.CallStart{})
	called(livetranscode.CallEnd{})
	_, attempted := hooks.Attempt(t.Context(), livetranscode.AttemptStart{})
	attempted(livetranscode.AttemptEnd{Err: livetranscode.ErrThrottled, Retry: true})
	_, swept := hooks.Sweep(t.Context(), livetranscode.SweepStart{Full: true})
	swept(livetranscode.SweepEnd{Gets: 1})
	metrics := r.metrics(t)
	for name, want := range map[string]string{
		"rpc.client.call.duration":              "s, histogram from 0.005 to 10",
		"livetranscode.client.attempt.duration": "s, histogram from 0.005 to 30",
		"livetranscode.client.retries":          "{retry}, counter",
		"livetranscode.watcher.sweep.duration":  "s, histogram from 0.05 to 1800",
		"livetranscode.watcher.sweep.lag":       "s, histogram from 0.05 to 1800",
		"livetranscode.watcher.requests":        "{request}, counter",
		"livetranscode.watcher.unread":          "{job}, gauge",
	} {
		if got := describe(metrics[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
		delete(metrics, name)
	}
	if len(metrics) > 0 {
		t.Errorf("there are more metrics: %v", metrics)
	}
}
