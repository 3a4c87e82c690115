package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// openMemory opens a store in memory until the test ends.
func openMemory(t *testing.T) *store {
	t.Helper()
	st, err := openStore("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.db.Close() })
	return st
}

func TestOpenStore(t *testing.T) {
	t.Parallel()
	malformed := filepath.Join(t.TempDir(), "malformed")
	if err := os.WriteFile(malformed, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(malformed); err == nil || !strings.Contains(err.Error(), malformed) {
		t.Errorf("a malformed file: %v", err)
	}

	file := filepath.Join(t.TempDir(), "a b%20?#.db") // characters that mean something in a URL
	st, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	defer st.db.Close()
	if _, err := st.put(view{ID: "1"}, true); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(files) < 2 || files[0].Name() != filepath.Base(file) {
		t.Errorf("the files are %v, error %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, error %v", f.Name(), info.Mode(), err)
		}
	}
	if _, err := openStore(file); err == nil || !strings.Contains(err.Error(), "another process has the database open") {
		t.Errorf("a second process can open the database: %v", err)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := openMemory(t)
		created := time.Now().Add(-time.Hour).UTC()
		put := func(job livetranscode.Job, replace bool) view {
			t.Helper()
			time.Sleep(time.Second)
			v, err := st.put(newView(&job), replace)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		job := livetranscode.Job{JobID: "1", Name: "show", Status: livetranscode.JobStatusNotStarted, CreateTime: created}
		first := put(job, true)
		if first.Version != 1 || !first.Since.Equal(created) || first.OrEarlier {
			t.Errorf("the first state: %+v", first)
		}
		if again := put(job, true); again != first {
			t.Errorf("the same state again: %+v", again)
		}
		job.StreamInput.InputURL = "rtmp://in.example.net/app/s3cret"
		moved := put(job, true)
		if moved.Version != 2 || moved.InputHost != "in.example.net" || !moved.Since.Equal(created) {
			t.Errorf("another input: %+v", moved)
		}
		job.StreamInput.InputURL = "rtmp://in.example.net/app/another"
		if again := put(job, true); again != moved {
			t.Errorf("another key: %+v", again)
		}
		job.Status = livetranscode.JobStatusInProgress
		if kept := put(job, false); kept != moved {
			t.Errorf("a state that does not replace the stored one: %+v", kept)
		}
		if started := put(job, true); started.Version != 3 || !started.Since.Equal(time.Now()) || started.OrEarlier {
			t.Errorf("a new status: %+v", started)
		}
		if other := put(livetranscode.Job{JobID: "2", Status: livetranscode.JobStatusInProgress, CreateTime: created}, false); !other.OrEarlier {
			t.Errorf("a job that had started before: %+v", other)
		}
		changes, err := st.query(t.Context(), "SELECT state FROM changes WHERE id = ? ORDER BY version DESC", "1")
		if err != nil || len(changes) != 3 || changes[0].Version != 3 || changes[2] != first {
			t.Errorf("the changes are %+v, error %v", changes, err)
		}
	})
}

// The host is certain, or it is not shown: user info may resemble a port, and a key like a host.
func TestInputHost(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"rtmp://in.example.net/app/key":              "in.example.net",
		"rtmp://u:s3cret@in.example.net:1935/app?k=": "in.example.net:1935",
		"rtmp://user:12/s3cret@host/app":             "[redacted]",
		"s3cret":                                     "",
		"":                                           "",
	} {
		if got := newView(&livetranscode.Job{StreamInput: livetranscode.StreamInput{InputURL: input}}).InputHost; got != want {
			t.Errorf("%q has the host %q, want %q", input, got, want)
		}
	}
}

// Ended jobs and old changes are dropped.
func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := openMemory(t)
		for _, id := range []string{"old", "new"} {
			if _, err := st.put(view{ID: id, Ended: true}, true); err != nil {
				t.Fatal(err)
			}
			time.Sleep(keepEnded + time.Second)
		}
		if _, err := st.db.Exec("UPDATE changes SET version = 100001 WHERE id = 'new'"); err != nil {
			t.Fatal(err)
		}
		st.version = 100001
		if _, err := st.put(view{ID: "next"}, true); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"jobs", "changes"} {
			var ids string
			want := map[string]string{"jobs": "next", "changes": "new,next"}[table]
			if err := st.db.QueryRow("SELECT group_concat(id) FROM (SELECT id FROM " + table + " ORDER BY version)").Scan(&ids); err != nil || ids != want {
				t.Errorf("%s has %q, want %q, error %v", table, ids, want, err)
			}
		}
	})
}

// Clients that read the same share one query, so that the watch does not wait for many. One that has gone does not wait.
func TestReadersShareQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := openMemory(t)
		for _, id := range []string{"1", "2"} {
			if _, err := st.put(view{ID: id}, true); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := st.db.Conn(t.Context()) // all reads wait for it
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := st.jobs(gone, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("jobs for a client that has gone: %v", err)
		}
		if _, err := st.query(gone, "SELECT state FROM jobs"); !errors.Is(err, context.Canceled) {
			t.Errorf("query for a client that has gone: %v", err)
		}
		var readers sync.WaitGroup
		for range 100 {
			readers.Go(func() {
				if jobs, err := st.jobs(t.Context(), 0); err != nil || len(jobs) != 2 {
					t.Errorf("%v, error %v", jobs, err)
				}
			})
		}
		synctest.Wait()
		if n := st.db.Stats().WaitCount; n != 1 {
			t.Errorf("%d queries wait, want 1", n)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		readers.Wait()
	})
}

// A state that cannot be stored ends the process: nothing is served that is not stored.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		synctest.Wait()
		if _, err := i.store.db.Exec("DROP TABLE changes"); err != nil {
			t.Fatal(err)
		}
		id := srv.AddJob(livetranscode.Job{Name: "show", Status: livetranscode.JobStatusInProgress})
		if err := <-i.ended; err == nil || !strings.Contains(err.Error(), "storing the state of job "+id) {
			t.Errorf("error %v", err)
		}
		i.cancel()
	})
}

// The README describes every field of a job, and of an event.
func TestReadmeNamesFields(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "README.md")
	for _, typ := range []reflect.Type{reflect.TypeFor[view](), reflect.TypeFor[update]()} {
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("README.md does not describe %s of %v", name, typ)
			}
		}
	}
}
