package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// inBubble runs the command for a minute of the bubble's time, and returns what it printed.
func inBubble(t *testing.T, args ...string) (out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := run(ctx, args, &stdout, &stderr); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	noKeys(t, stdout.String()+stderr.String())
	return stdout.String(), stderr.String()
}

// noKeys fails the test if a text shows what the world's stream URLs hide.
func noKeys(t *testing.T, text string) {
	t.Helper()
	if found := regexp.MustCompile(`ingest:|auth_key|rtmp://[^/]*/[a-z]*/[0-9a-f]`).FindString(text); found != "" {
		t.Errorf("a stream key shows: %q", found)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	out, errOut := inBubble(t, "-jobs", "30")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) < 40 {
		t.Fatalf("%d lines in a minute of a busy world:\n%s", len(lines), out)
	}
	shape := regexp.MustCompile(`^\d\d:\d\d:\d\d  (in progress|not started|stopped    |gone       )  [a-z]+-[a-z]+-\d{3} +`)
	first := regexp.MustCompile(`  rtmp://in-\d\.example\.net/[a-z]+/\[hidden\]$`)
	var changed, gone int
	for i, line := range lines {
		if !shape.MatchString(line) {
			t.Errorf("line %d: %q", i, line)
		}
		if i < 30 && !first.MatchString(line) {
			t.Errorf("line %d is no first sight: %q", i, line)
		}
		if strings.HasSuffix(line, "  was not started") || strings.HasSuffix(line, "  was in progress") {
			changed++
		}
		if strings.Contains(line, "  gone  ") && strings.Contains(line, "InvalidParameter.ResourceNotFound") {
			gone++
		}
	}
	if changed == 0 || gone == 0 {
		t.Errorf("%d changes, %d jobs gone", changed, gone)
	}
	summary := regexp.MustCompile(`^\d+ jobs seen in 1m0s: \d+ in progress, \d+ not started, \d+ stopped, \d+ gone; \d+ changes\.\n` +
		`\d+ requests, \d+(,\d{3})? saved against one call per job\.\n$`)
	if !summary.MatchString(errOut) {
		t.Errorf("summary: %q", errOut)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	out, errOut := inBubble(t, "-jobs", "30", "-json")
	last := make(map[string]change)
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var c change
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if before := last[c.JobID]; c.Previous != before.Status || before.Status == "stopped" || c.Time.Before(before.Time) {
			t.Errorf("%+v follows %+v", c, before)
		}
		if c.Name == "" || c.Input == "" || (c.Status == "gone") != (c.Error != "") {
			t.Errorf("incomplete: %+v", c)
		}
		last[c.JobID] = c
	}
	if len(last) <= 30 {
		t.Errorf("%d jobs: none came", len(last))
	}
	if !strings.Contains(errOut, "jobs seen in 1m0s") {
		t.Errorf("summary: %q", errOut)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	out, errOut := inBubble(t, "-once", "-jobs", "5", "-seed", "3")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 4+1+1+5 {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	if !strings.HasPrefix(lines[5], "  NAME") || !strings.HasSuffix(lines[5], "JOB ID") {
		t.Errorf("head of the table: %q", lines[5])
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("escape codes where there is no terminal: %q", out)
	}
	if errOut != "" {
		t.Errorf("stderr: %q", errOut)
	}
	again, _ := inBubble(t, "-once", "-jobs", "5", "-seed", "3", "-json")
	if n := strings.Count(again, "\n"); n != 5 {
		t.Errorf("%d objects:\n%s", n, again)
	}
}

// The same flags as for the real service, against the emulator over TCP.
func TestJobs(t *testing.T) {
	srv := livetranscodetest.NewServer()
	tcp := httptest.NewServer(srv)
	t.Cleanup(tcp.Close)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", srv.Credentials().AccessKeyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", srv.Credentials().AccessKeySecret)
	srv.AddJob(livetranscode.Job{JobID: "a", Name: "one", Status: livetranscode.JobStatusStopped})
	srv.AddJob(livetranscode.Job{JobID: "b", Name: "two", Status: livetranscode.JobStatusStopped})

	var out, errOut bytes.Buffer
	// It ends by itself, as all jobs have.
	if err := run(t.Context(), []string{"-job", "a", "-job", "b", "-job", "a", "-endpoint", tcp.URL}, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines: %q", n, out.String())
	}
	if !strings.HasPrefix(errOut.String(), "2 jobs seen in 0s: 2 stopped; 0 changes.\n2 requests, ") {
		t.Errorf("summary: %q", errOut.String())
	}

	out.Reset()
	// One look is enough: it does not wait for c to appear.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := run(ctx, []string{"-job", "a", "-job", "c", "-endpoint", tcp.URL, "-once"}, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "■ 1 stopped  ✕ 1 gone\n") || !regexp.MustCompile(`(?m)^  c +✕ gone `).MatchString(text) {
		t.Errorf("-once:\n%s", text)
	}

	srv.SetCredentials()
	err := run(t.Context(), []string{"-job", "a", "-endpoint", tcp.URL}, &out, &errOut)
	if !errors.Is(err, livetranscode.ErrAuthentication) {
		t.Errorf("refused credentials: %v", err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args string
		want string // in the error; empty: none
	}{
		{"-help", ""},
		{"extra", `unexpected argument "extra"`},
		{"-endpoint https://x.example", "-endpoint needs -job"},
		{"-endpoint http://x.example -job a", "WithEndpoint"},
		{"-jobs 0", "-jobs is not from 1 to 10000"},
		{"-interval -1s", "-interval is negative"},
		{"-job=", "is empty"},
		{"-nonsense", "not defined"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), strings.Fields(test.args), &out, &out)
			switch {
			case test.want == "" && (err != nil || !strings.Contains(out.String(), "-once")):
				t.Errorf("error %v, output %q", err, out.String())
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What the board says in the end is what is, whatever happened on the way, and it took few requests.
func TestBoardIsTrue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		w, err := newWatch(options{jobs: 60, seed: 7}, b)
		if err != nil {
			t.Fatal(err)
		}
		b.keep = 0
		ctx, cancel := context.WithCancel(t.Context())
		busy, rest := context.WithTimeout(ctx, time.Minute)
		defer rest()
		var background sync.WaitGroup
		background.Go(func() { w.world.run(busy, w.watcher.Add) })
		background.Go(func() {
			if err := w.follow(ctx, func(change) error { return nil }); err != nil {
				t.Errorf("follow: %v", err)
			}
		})
		<-busy.Done()
		// Then nothing happens any more, and two sweeps with all their retries see everything.
		time.Sleep(time.Minute)
		cancel()
		background.Wait()

		f := b.frame()
		total := 0
		for _, c := range f.counts {
			total += c.jobs
		}
		if total != len(f.rows) || len(f.rows) != w.world.made || f.jobs != w.world.made {
			t.Errorf("%d counted, %d rows, %d jobs made", total, len(f.rows), w.world.made)
		}
		for _, r := range f.rows {
			job, ok := w.world.srv.Job(r.id)
			if want := job.Status.String(); ok && r.status != want || !ok && r.status != "gone" && r.status != "stopped" {
				t.Errorf("%s is %q, want %q (there is such a job: %v)", r.name, r.status, want, ok)
			}
		}
		if n := len(w.world.srv.Calls()); f.requests != n {
			t.Errorf("%d requests counted, %d were made", f.requests, n)
		}
		if f.saved() < f.requests {
			t.Errorf("%d requests, %d saved", f.requests, f.saved())
		}
		if f.trouble == "" {
			t.Error("the service stumbled, and nothing tells of it")
		}
	})
}

func TestBoard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		b.first, b.keep = 2, 20*time.Second
		created := time.Now().Add(-time.Hour)
		job := func(id string, status livetranscode.JobStatus) livetranscode.JobEvent {
			return livetranscode.JobEvent{JobID: id, Job: &livetranscode.Job{JobID: id, Name: "name-" + id, Status: status, CreateTime: created}}
		}
		began := time.Now()
		b.apply(job("a", livetranscode.JobStatusInProgress))
		b.apply(job("b", livetranscode.JobStatusNotStarted))
		time.Sleep(time.Second)
		b.apply(job("c", livetranscode.JobStatus(7)))
		b.apply(livetranscode.JobEvent{JobID: "a", Err: livetranscode.ErrForbidden})

		f := b.frame()
		a, waits, came := f.rows[0], f.rows[1], f.rows[2]
		if a.name != "name-a" || a.status != "not watched" || a.before || !a.since.Equal(began.Add(time.Second)) || !a.changed.Equal(a.since) {
			t.Errorf("failed: %+v", a)
		}
		if waits.before || !waits.since.Equal(created) || !waits.changed.IsZero() {
			t.Errorf("waiting since it was created: %+v", waits)
		}
		if came.status != "JobStatus(7)" || !came.before || !came.changed.Equal(began.Add(time.Second)) {
			t.Errorf("came later: %+v", came)
		}
		if f.trouble != "forbidden" || f.changes != 1 || f.jobs != 3 {
			t.Errorf("trouble %q, %d changes, %d jobs", f.trouble, f.changes, f.jobs)
		}
		time.Sleep(30 * time.Second)
		if f = b.frame(); len(f.rows) != 2 || len(f.counts) != 3 {
			t.Errorf("after a while %d rows and %d counts, want 2 and 3", len(f.rows), len(f.counts))
		}
	})
}

func TestWorldRepeats(t *testing.T) {
	t.Parallel()
	story := func(seed uint64) (ids []string) {
		synctest.Test(t, func(*testing.T) {
			w := newWorld(seed, 10)
			ids = w.jobIDs()
			for range 500 {
				ids = append(ids, w.step())
			}
		})
		return ids
	}
	one, same, other := strings.Join(story(1), " "), strings.Join(story(1), " "), strings.Join(story(2), " ")
	if one != same || one == other {
		t.Errorf("the same seed made the same world: %v; another made another: %v", one == same, one != other)
	}
}

func TestTroubles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault livetranscodetest.Fault
		want  string
	}{
		{"throttled", livetranscodetest.Fault{Code: "Throttling.User"}, "GetLiveTranscodeJob: Throttling.User"},
		{"a proxy", livetranscodetest.Fault{StatusCode: 502, Body: "<html>"}, "GetLiveTranscodeJob: HTTP 502"},
		{"the network", livetranscodetest.Fault{Drop: true}, "GetLiveTranscodeJob: "},
		{"none", livetranscodetest.Fault{Latency: time.Second}, ""},
		{"an answer", livetranscodetest.Fault{Code: "InvalidParameter.ResourceNotFound", StatusCode: 404}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBoard()
				w, err := newWatch(options{jobs: 1, once: true}, b)
				if err != nil {
					t.Fatal(err)
				}
				w.world.srv.Inject(test.fault)
				if err := w.follow(t.Context(), func(change) error { return nil }); err != nil {
					t.Fatal(err)
				}
				if got := b.frame().trouble; (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
					t.Errorf("trouble %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestHideKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, want string }{
		{"", ""},
		{"rtmp://mydomain/app/stream1", "rtmp://mydomain/app/[redacted]"},
		{"rtmp://user:pass@mydomain:1935/app/stream1?auth_key=1-0-0-ab#c", "rtmp://mydomain:1935/app/[redacted]"},
		{"rtmp://mydomain/app/stream1/", "rtmp://mydomain/app/[redacted]"},
		{"rtmp://mydomain/stream1", "rtmp://mydomain/[redacted]"},
		{"rtmp://mydomain/app/a%2Fb", "rtmp://mydomain/app/[redacted]"},
		{"rtmp://mydomain", "rtmp://mydomain"},
		{"srt://mydomain:1105?streamid=key", "srt://mydomain:1105"},
		{"rtmp:user:pass", "[redacted]"},
		{"user:pass@mydomain/app/key", "[redacted]"},
		{"mydomain/app/key", "[redacted]"},
		{"rtmp://my domain/app/key", "[redacted]"},
		{"rtmp://mydomain/%zz/key", "[redacted]"},
	} {
		if got := hideKey(test.url); got != test.want {
			t.Errorf("hideKey(%q) = %q, want %q", test.url, got, test.want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[2Jb\r\nc\u202ed\xff 猫"
	if got, want := clean(evil), "a�[2Jb��c�d� 猫"; got != want {
		t.Errorf("clean(%q) = %q, want %q", evil, got, want)
	}
}
