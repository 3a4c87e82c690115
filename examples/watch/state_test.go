package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

func TestState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newState()
		s.first, s.keepEnded = 2, 20*time.Second
		created := time.Now().Add(-time.Hour)
		job := func(id string, status livetranscode.JobStatus) livetranscode.JobEvent {
			return livetranscode.JobEvent{JobID: id, Job: &livetranscode.Job{JobID: id, Name: "name-" + id, Status: status, CreateTime: created}}
		}
		began := time.Now()
		s.apply(job("a", livetranscode.JobStatusInProgress))
		s.apply(job("b", livetranscode.JobStatusNotStarted))
		time.Sleep(time.Second)
		s.apply(job("c", livetranscode.JobStatus(7)))
		s.apply(livetranscode.JobEvent{JobID: "a", Err: livetranscode.ErrForbidden})

		f := s.snapshot()
		failed, waiting, added := f.rows[0], f.rows[1], f.rows[2]
		if failed.name != "name-a" || failed.status != "not watched" || failed.orEarlier || !failed.since.Equal(began.Add(time.Second)) ||
			!failed.changed.Equal(failed.since) {
			t.Errorf("failed: %+v", failed)
		}
		if waiting.orEarlier || !waiting.since.Equal(created) || !waiting.changed.IsZero() {
			t.Errorf("not started since its creation: %+v", waiting)
		}
		if added.status != "JobStatus(7)" || !added.orEarlier || !added.changed.Equal(began.Add(time.Second)) {
			t.Errorf("added later: %+v", added)
		}
		if f.lastError != "forbidden" || f.changes != 1 || f.jobs != 3 {
			t.Errorf("last error %q, %d changes, %d jobs", f.lastError, f.changes, f.jobs)
		}
		time.Sleep(30 * time.Second)
		if f = s.snapshot(); len(f.rows) != 2 || len(f.counts) != 3 {
			t.Errorf("after a while %d rows and %d counts, want 2 and 3", len(f.rows), len(f.counts))
		}
	})
}

func TestRedactedInput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, want string }{
		{"", ""},
		{"rtmp://mydomain/app/stream1", "rtmp://mydomain/app/[redacted]"},
		{"rtmp://user:pass@mydomain:1935/app/stream1?auth_key=1-0-0-ab#c", "rtmp://mydomain:1935/app/[redacted]"},
	} {
		job := &livetranscode.Job{StreamInput: livetranscode.StreamInput{InputURL: test.url}}
		if got := redactedInput(job); got != test.want {
			t.Errorf("redactedInput(%q) = %q, want %q", test.url, got, test.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	const hostile = "a\x1b[2Jb\r\nc\u202ed\xff 猫"
	if got, want := printable(hostile), "a�[2Jb��c�d� 猫"; got != want {
		t.Errorf("printable(%q) = %q, want %q", hostile, got, want)
	}
}
