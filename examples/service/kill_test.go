package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var kills = flag.Int("kills", 50, "how often TestKill kills the service")

func TestMain(m *testing.M) {
	if os.Getenv("TEST_RUN_SERVICE") != "" { // the process that TestKill kills
		main()
		return
	}
	os.Exit(m.Run())
}

// TestKill kills the service at random instants, every other time within 5 ms after a write, and every fourth time
// before one. What a client has seen before must be stored, in the end every job must be as the emulator has it, and no
// change may be stored twice.
func TestKill(t *testing.T) {
	t.Parallel()
	k := newKillTest(t)
	nearWrite := 0
	for n := range *kills {
		k.start()
		k.waitForJobs()
		posted := make(chan struct{})
		go func() {
			defer close(posted)
			k.post(n)
		}()
		drain(k.served)
		written := k.writes()
		k.change(5)
		switch n % 4 {
		case 0, 2:
			written()
			time.Sleep(time.Duration(rand.Int64N(int64(3 * time.Millisecond))))
		case 1:
			<-k.served // it is written next
			time.Sleep(time.Duration(rand.Int64N(int64(5 * time.Millisecond))))
		default:
			time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
		}
		if err := k.process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		<-k.ended
		<-posted
		if killed.Sub(k.lastWrite()) < 6*time.Millisecond { // it is stored in whole milliseconds
			nearWrite++
		}
		k.change(3)
	}
	t.Logf("%d of %d kills were within 5 ms after a committed write", nearWrite, *kills)
	k.expireSubmissions()
	k.start()
	for n := range *kills {
		k.post(n) // again: some were killed before they responded
	}
	k.waitForJobs()
	if err := k.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-k.ended
	k.check()
}

type killTest struct {
	t        *testing.T
	emulator *livetranscodetest.Server
	endpoint string
	file     string
	served   chan struct{} // gets a token after a response of the emulator that has a change

	process *exec.Cmd
	address string
	ended   chan struct{}

	mu      sync.Mutex
	changed bool            // since the last response
	known   map[string]bool // ids that the service has stored, which may stop
	seen    map[int64]state // what clients have seen
}

func newKillTest(t *testing.T) *killTest {
	k := &killTest{
		t: t, emulator: livetranscodetest.NewServer(), file: filepath.Join(t.TempDir(), "jobs.db"),
		served: make(chan struct{}, 1), known: make(map[string]bool), seen: make(map[int64]state),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		changed := k.changed
		k.changed = false
		k.mu.Unlock()
		k.emulator.ServeHTTP(w, r)
		if changed {
			notify(k.served)
		}
	}))
	t.Cleanup(server.Close)
	k.endpoint = server.URL
	return k
}

func (k *killTest) start() {
	k.t.Helper()
	credentials := k.emulator.Credentials()
	k.process = exec.Command(os.Args[0])
	k.process.Env = append(os.Environ(), "TEST_RUN_SERVICE=1", "LISTEN_ADDR=127.0.0.1:0", "DATABASE="+k.file, "POLL_INTERVAL=10ms",
		"ENDPOINT="+k.endpoint, "ALIBABA_CLOUD_ACCESS_KEY_ID="+credentials.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+credentials.AccessKeySecret)
	stderr, err := k.process.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.process.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = k.process.Process.Kill() })
	address, log := make(chan string, 1), ""
	k.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log += lines.Text() + "\n"
			if found := regexp.MustCompile(`page=(\S+)`).FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		_ = process.Wait()
		if strings.Contains(log, "s3cret") || strings.Contains(log, "ERROR") {
			k.t.Errorf("the log has:\n%s", log)
		}
	}(k.process, k.ended)
	select {
	case k.address = <-address:
		go k.inherit(k.address)
	case <-k.ended:
		k.t.Fatalf("the service ended:\n%s", log)
	}
}

// follow records what a client of the events sees.
func (k *killTest) inherit(address string) {
	resp, err := http.Get(address + "/events")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var u received
		if text, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(text), &u) == nil {
			k.record(u.Jobs...)
		}
	}
}

// writes returns a function that waits for the next write of the database.
func (k *killTest) writes() (wait func()) {
	k.t.Helper()
	modified := func() time.Time {
		info, err := os.Stat(k.file + "-wal")
		if err != nil {
			k.t.Fatal(err)
		}
		return info.ModTime()
	}
	before := modified()
	return func() {
		k.t.Helper()
		for deadline := time.Now().Add(10 * time.Second); modified().Equal(before); time.Sleep(100 * time.Microsecond) {
			if time.Now().After(deadline) {
				k.t.Fatal("nothing is written")
			}
		}
	}
}

// notify puts a token into a channel, unless it has one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// drain takes the token out of a channel, if it has one.
func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

func (k *killTest) record(views ...state) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range views {
		if before, ok := k.seen[v.Version]; ok && before != v {
			k.t.Errorf("version %d was %+v and is %+v", v.Version, before, v)
		}
		k.seen[v.Version], k.known[v.ID] = v, true
	}
}

// post submits a job, and records it if the service responds before it is killed.
func (k *killTest) post(n int) {
	resp, err := http.Post(k.address+"/jobs", "application/json", strings.NewReader(someJob(fmt.Sprintf("post-%d", n))))
	if err != nil {
		return
	}
	defer resp.Body.Close()
	var v state
	if body, err := io.ReadAll(resp.Body); err == nil && json.Unmarshal(body, &v) == nil && v.Version > 0 {
		k.record(v)
	}
}

// change adds a job, and changes the status of n others that the service has stored.
func (k *killTest) change(n int) {
	k.mu.Lock()
	known := maps.Clone(k.known)
	k.mu.Unlock()
	k.emulator.AddJob(livetranscode.Job{Name: "added", Status: livetranscode.JobStatusNotStarted, StreamInput: livetranscode.StreamInput{
		InputURL: "rtmp://u:s3cret@in.example.net/app/s3cret",
	}})
	for id := range known { // in random order
		if job, _ := k.emulator.Job(id); n > 0 && !job.Status.Final() {
			k.emulator.SetStatus(id, job.Status+1)
			n--
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed = true
}

// waitForJobs waits until the service has the jobs as the emulator has them.
func (k *killTest) waitForJobs() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		var body struct{ Jobs []state }
		resp, err := http.Get(k.address + "/jobs")
		if err == nil {
			err = json.NewDecoder(resp.Body).Decode(&body)
			resp.Body.Close()
		}
		if err != nil {
			k.t.Fatal(err)
		}
		k.record(body.Jobs...)
		stored := make(map[string]livetranscode.JobStatus)
		for _, v := range body.Jobs {
			stored[v.ID] = v.Code
		}
		emulated := make(map[string]livetranscode.JobStatus)
		for _, job := range k.emulator.Jobs() {
			emulated[job.JobID] = job.Status
		}
		if maps.Equal(stored, emulated) {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	k.t.Fatal("the service does not catch up")
}

// lastWrite returns when the last change was stored.
func (k *killTest) lastWrite() time.Time {
	k.t.Helper()
	st, err := openStore(k.t.Context(), k.file)
	if err != nil {
		k.t.Fatal(err)
	}
	defer st.db.Close()
	if len(st.jobs) == 0 {
		return time.Time{}
	}
	return st.jobs[len(st.jobs)-1].ChangedAt
}

// expireSubmissions backdates the submissions, as if the time had passed after which a job that is not listed does not
// exist.
func (k *killTest) expireSubmissions() {
	k.t.Helper()
	st, err := openStore(k.t.Context(), k.file)
	if err != nil {
		k.t.Fatal(err)
	}
	defer st.db.Close()
	if err := st.exec(k.t.Context(), "UPDATE submissions SET at = 0"); err != nil {
		k.t.Fatal(err)
	}
}

// check checks the changes that are stored.
func (k *killTest) check() {
	k.t.Helper()
	st, err := openStore(k.t.Context(), k.file)
	if err != nil {
		k.t.Fatal(err)
	}
	defer st.db.Close()
	stored, err := st.states(k.t.Context(), "changes")
	if err != nil {
		k.t.Fatal(err)
	}
	changes := values(stored)
	last := make(map[string]state)
	for n, v := range changes {
		if v.Version != int64(n+1) {
			k.t.Fatalf("change %d has the version %d", n+1, v.Version)
		}
		if before, ok := last[v.ID]; ok && v.Code <= before.Code {
			k.t.Errorf("a change is repeated: %+v after %+v", v, before)
		}
		last[v.ID] = v
	}
	for version, v := range k.seen {
		if version > int64(len(changes)) || changes[version-1] != v {
			k.t.Errorf("a client has seen %+v, which is not stored", v)
		}
	}
	names := make(map[string]int)
	for _, job := range k.emulator.Jobs() {
		if last[job.JobID].Code != job.Status || last[job.JobID].ID == "" {
			k.t.Errorf("the job is %v, but stored is %+v", job.Status, last[job.JobID])
		}
		names[job.Name]++
	}
	for n := range *kills {
		if name := fmt.Sprintf("post-%d", n); names[name] != 1 {
			k.t.Errorf("%d jobs have the name %s, want 1", names[name], name)
		}
	}
	for _, suffix := range []string{"", "-wal"} {
		if text, err := os.ReadFile(k.file + suffix); err == nil && strings.Contains(string(text), "s3cret") {
			k.t.Errorf("a stream key is in %s", k.file+suffix)
		}
	}
	k.t.Logf("%d changes of %d jobs, %d of them seen by clients", len(changes), len(last), len(k.seen))
}
