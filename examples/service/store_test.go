package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// openMemory opens a store in memory until the test ends.
func openMemory(t *testing.T) *store {
	t.Helper()
	st, err := openStore(t.Context(), "")
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
	if _, err := openStore(t.Context(), malformed); err == nil || !strings.Contains(err.Error(), malformed) {
		t.Errorf("a malformed file: %v", err)
	}

	file := filepath.Join(t.TempDir(), "a b%20?#.db") // characters that mean something in a URL
	st, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer st.db.Close()
	if _, err = st.put(t.Context(), state{ID: "1"}, true); err != nil {
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
	if _, err := openStore(t.Context(), file); err == nil || !strings.Contains(err.Error(), "database is locked") {
		t.Errorf("a second process can open the database: %v", err)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := openMemory(t)
		created := time.Now().Add(-time.Hour).UTC()
		put := func(job livetranscode.Job, replace bool) state {
			t.Helper()
			time.Sleep(time.Second)
			v, err := st.put(t.Context(), newState(&job), replace)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		job := livetranscode.Job{JobID: "1", Name: "show", Status: livetranscode.JobStatusNotStarted, CreateTime: created}
		first := put(job, true)
		if first.Version != 1 || !first.Since.Equal(time.Now()) || !first.OrEarlier {
			t.Errorf("the first state: %+v", first)
		}
		if again := put(job, true); again != first {
			t.Errorf("the same state again: %+v", again)
		}
		job.StreamInput.InputURL = "rtmp://in.example.net/app/s3cret"
		moved := put(job, true)
		if moved.Version != 2 || moved.InputHost != "in.example.net" || !moved.Since.Equal(first.Since) || !moved.OrEarlier {
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
		changes, err := st.states(t.Context(), "changes WHERE id = ?", "1")
		if err != nil || len(changes) != 3 || changes[2].Version != 3 || *changes[0] != first {
			t.Errorf("the changes are %+v, error %v", changes, err)
		}
	})
}

// Only a host that is certain is shown: user info may resemble a port, and a key may resemble a host.
func TestInputHost(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"rtmp://in.example.net/app/key":              "in.example.net",
		"rtmp://u:s3cret@in.example.net:1935/app?k=": "in.example.net:1935",
		"rtmp://user:12/s3cret@host/app":             "[redacted]",
		"s3cret":                                     "",
		"":                                           "",
	} {
		if got := newState(&livetranscode.Job{StreamInput: livetranscode.StreamInput{InputURL: input}}).InputHost; got != want {
			t.Errorf("%q has the host %q, want %q", input, got, want)
		}
	}
}

// Ended jobs are not served after an hour, and dropped with their changes.
func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := openMemory(t)
		put := func(v state) {
			t.Helper()
			if _, err := st.put(t.Context(), v, true); err != nil {
				t.Fatal(err)
			}
		}
		put(state{ID: "running"})
		put(state{ID: "old", Ended: true})
		time.Sleep(keepEnded + time.Second)
		put(state{ID: "new", Ended: true})
		if len(st.jobs) != 2 || st.jobs[0].ID != "running" || st.jobs[1].ID != "new" {
			t.Errorf("the jobs in memory are %v", st.jobs)
		}
		if jobs, _ := st.since(0); len(jobs) != 2 {
			t.Errorf("served are %v", jobs)
		}
		time.Sleep(keepEnded + time.Second)
		if jobs, _ := st.since(0); len(jobs) != 1 || jobs[0].ID != "running" {
			t.Errorf("served later are %v", jobs)
		}
		st.jobs[1].Version = 100001
		put(state{ID: "next", Ended: true})
		for table, want := range map[string]string{"jobs": "running,new,next", "changes": "new,next"} {
			var ids string
			query := "SELECT group_concat(id ORDER BY version) FROM " + table
			if err := st.db.QueryRow(query).Scan(&ids); err != nil || ids != want {
				t.Errorf("%s has %q, want %q, error %v", table, ids, want, err)
			}
		}
	})
}

// A client gets the latest state of each job that changed after the version that it has.
func TestSince(t *testing.T) {
	t.Parallel()
	st := openMemory(t)
	for n, id := range []string{"1", "2", "3", "1"} { // the last one replaces the first
		if _, err := st.put(t.Context(), state{ID: id, Status: fmt.Sprint(n)}, true); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[int64]string{0: "231", 1: "231", 2: "31", 3: "1", 4: "", 5: ""} {
		got := ""
		jobs, _ := st.since(version)
		for _, job := range jobs {
			got += job.ID
		}
		if got != want || jobs == nil {
			t.Errorf("after version %d: %v, want %s", version, jobs, want)
		}
	}
}

// A state is stored although the context has ended: the watch does not deliver it again.
func TestPutAfterCancel(t *testing.T) {
	t.Parallel()
	st := openMemory(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := st.put(ctx, state{ID: "1"}, true); err != nil || v.Version != 1 {
		t.Errorf("%+v, error %v", v, err)
	}
}

// Readers do not wait for the database, however long a write takes.
func TestReadersDoNotWait(t *testing.T) {
	t.Parallel()
	st := openMemory(t)
	conn, err := st.db.Conn(t.Context()) // the write waits for it
	if err != nil {
		t.Fatal(err)
	}
	stored := make(chan error)
	go func() {
		_, err := st.put(t.Context(), state{ID: "1"}, true)
		stored <- err
	}()
	for st.db.Stats().WaitCount == 0 {
		time.Sleep(time.Millisecond)
	}
	read := make(chan []*state, 1)
	go func() {
		jobs, _ := st.since(0)
		read <- jobs
	}()
	select {
	case jobs := <-read:
		if len(jobs) != 0 {
			t.Errorf("a state that is not stored yet is served: %v", jobs)
		}
	case <-time.After(10 * time.Second):
		t.Error("a reader waits for the database")
	}
	if err := cmp.Or(conn.Close(), <-stored); err != nil {
		t.Error(err)
	}
}

// The last state of a job that ended long ago is stored only once, although it is not in memory any more.
func TestOldStateAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := openMemory(t)
		put := func(v state) state {
			t.Helper()
			v, err := st.put(t.Context(), v, true)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		stopped := put(state{ID: "1", Name: "show", Status: "stopped", Ended: true})
		time.Sleep(2 * keepEnded)
		put(state{ID: "2", Status: "stopped", Ended: true})
		if again := put(state{ID: "1", Name: "show", Status: "stopped", Ended: true}); again != stopped || len(st.jobs) != 1 {
			t.Errorf("%+v, jobs %v", again, st.jobs)
		}
		if renamed := put(state{ID: "1", Name: "other", Status: "stopped", Ended: true}); renamed.Version != 3 {
			t.Errorf("renamed: %+v", renamed)
		}
	})
}

// A reopened store has only the latest of the jobs that ended in memory, and counts on.
func TestReopenWithManyEnded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "jobs.db")
	execute(t, file, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500)
		INSERT INTO changes SELECT i, i, json_object('id', '' || i, 'ended', json(iif(i = 1, 'false', 'true')), 'version', i) FROM n`)
	st, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer st.db.Close()
	if n := len(st.jobs); n != 10001 || st.jobs[0].ID != "1" || st.jobs[1].ID != "501" {
		t.Errorf("%d jobs in memory, the second is %v", n, st.jobs[1])
	}
	if v, err := st.put(t.Context(), state{ID: "new"}, true); err != nil || v.Version != 10501 {
		t.Errorf("%+v, error %v", v, err)
	}
}

// A reopened store has the same states in memory.
func TestReopenStore(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "jobs.db")
	st, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []state{
		{ID: "1", Name: "<show>", Status: "a", CreatedAt: time.Now().UTC()},
		{ID: "2", Status: "a"},
		{ID: "3", Status: "a"},
		{ID: "2", Status: "lost", Error: "\"\u2028é\"", Ended: true},
		{ID: "1", Status: "b", Code: 1},
		{ID: "3", Name: "other", Status: "a"},
	} {
		if _, err = st.put(t.Context(), v, true); err != nil {
			t.Fatal(err)
		}
	}
	want := values(st.jobs)
	if err = st.db.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer again.db.Close()
	if got := values(again.jobs); !slices.Equal(got, want) || len(want) != 3 || want[2].Version != 6 {
		t.Errorf("the jobs were\n%v\nand are\n%v", want, got)
	}
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
	for _, typ := range []reflect.Type{reflect.TypeFor[state](), reflect.TypeFor[received]()} {
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("README.md does not describe %s of %v", name, typ)
			}
		}
	}
}
