package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/livetranscode/livetranscode-go"
)

const (
	keepEnded = time.Hour       // how long an ended job is served
	settled   = 5 * time.Minute // after a Submit: the service lists the job, or it does not exist
)

var (
	errStore     = errors.New("the database cannot be written")
	errUnsettled = errors.New("the job may have been submitted, but the service does not list it: send the request again some minutes later")
)

// schema has all changes, and the last state of each job, which a trigger updates in the transaction of the change. To
// act on changes, for example to send messages, read the changes and remember the version up to which they were
// handled. Of each Submit, it has a keyed hash of the request.
const schema = `
CREATE TABLE IF NOT EXISTS changes (version INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_id ON changes (id);
CREATE TABLE IF NOT EXISTS jobs (
	id TEXT PRIMARY KEY, version INTEGER NOT NULL UNIQUE, name TEXT, ended INTEGER, changed_at INTEGER NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_name ON jobs (name);
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (changed_at) WHERE ended;
CREATE TRIGGER IF NOT EXISTS change AFTER INSERT ON changes BEGIN
	INSERT OR REPLACE INTO jobs VALUES (new.id, new.version, new.state ->> 'name', new.state ->> 'ended',
		unixepoch(new.state ->> 'changed_at'), new.state);
	DELETE FROM jobs WHERE ended AND changed_at < unixepoch(new.state ->> 'changed_at') - 3600;
	DELETE FROM changes WHERE version <= new.version - 100000;
END;
CREATE TABLE IF NOT EXISTS submits (name TEXT PRIMARY KEY, request TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (key BLOB NOT NULL);
INSERT INTO keys SELECT randomblob(32) WHERE NOT EXISTS (SELECT * FROM keys);`

// view is the state of a job as it is stored and served. The URLs of streams contain keys, so it has only the host of
// the input, and nothing of the outputs.
type view struct {
	ID        string                  `json:"id"`
	Name      string                  `json:"name,omitempty"`
	Status    string                  `json:"status"` // in words; "submitted" before the first poll, "lost" with an error
	Code      livetranscode.JobStatus `json:"code"`   // as last read
	Template  string                  `json:"template,omitempty"`
	InputHost string                  `json:"input_host,omitempty"`
	CreatedAt time.Time               `json:"created_at,omitzero"`
	Since     time.Time               `json:"since"`                // when the status was first seen
	OrEarlier bool                    `json:"or_earlier,omitempty"` // the job may have had the status before
	ChangedAt time.Time               `json:"changed_at"`           // when the state was stored
	Ended     bool                    `json:"ended,omitempty"`
	Error     string                  `json:"error,omitempty"`
	Version   int64                   `json:"version"` // increases with every change of any job
}

// newView returns what is stored of a job. It takes the host from the printed StreamInput, whose redaction is more
// careful than url.Parse: in rtmp://user:12/KEY@host/app, 12 is not a port.
func newView(job *livetranscode.Job) view {
	_, input, _ := strings.Cut(fmt.Sprint(job.StreamInput), "://")
	host, _, _ := strings.Cut(strings.TrimSuffix(input, "}"), "/")
	return view{
		ID: job.JobID, Name: job.Name, Status: job.Status.String(), Code: job.Status, Ended: job.Status.Final(),
		Template: cmp.Or(job.TemplateName, job.TemplateID), InputHost: host, CreatedAt: job.CreateTime,
	}
}

// job returns the stored part of the job, to resume from. Its URLs are missing, so the next poll results in an event;
// put recognizes that nothing has changed.
func (v view) job() *livetranscode.Job {
	return &livetranscode.Job{JobID: v.ID, Name: v.Name, Status: v.Code, CreateTime: v.CreatedAt}
}

// same reports whether two states differ only in times.
func (v view) same(o view) bool {
	return v.Name == o.Name && v.Status == o.Status && v.Template == o.Template && v.InputHost == o.InputHost && v.Error == o.Error
}

// follow completes a new state from the previous one, and sets the times.
func (v *view) follow(known view) {
	v.Name, v.Template, v.InputHost = cmp.Or(v.Name, known.Name), cmp.Or(v.Template, known.Template), cmp.Or(v.InputHost, known.InputHost)
	v.CreatedAt, v.ChangedAt = cmp.Or(v.CreatedAt, known.CreatedAt), time.Now().UTC().Truncate(time.Millisecond)
	v.Since, v.OrEarlier = v.ChangedAt, known.ID == "" && v.Code != livetranscode.JobStatusUnknown
	switch {
	case known.Status == v.Status:
		v.Since, v.OrEarlier = known.Since, known.OrEarlier
	case v.OrEarlier && v.Code == livetranscode.JobStatusNotStarted && !v.CreatedAt.IsZero(): // the initial status
		v.Since, v.OrEarlier = v.CreatedAt, false
	}
}

// store stores the states of the jobs in a SQLite database. Only stored states are served. A state that is already
// stored is not a change, so an event that is delivered again after a crash is not handled twice.
type store struct {
	db  *sql.DB
	key []byte // of the hashes of requests, which contain stream keys

	reads singleflight.Group

	mu      sync.Mutex
	version int64         // of the latest change
	changed chan struct{} // closed on the next change
}

// openStore opens the database in file, which only its owner can read, or in memory if file is empty.
func openStore(file string) (*store, error) {
	name := ":memory:"
	if file != "" {
		path, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := cmp.Or(f.Chmod(0o600), f.Close()); err != nil {
			return nil, err
		}
		// Commits survive a crash of the process. After a crash of the machine the last ones may be missing; the watch
		// then sees those changes again. The lock keeps a second process from handling every change, too.
		name = (&url.URL{Scheme: "file", Path: path}).String() + "?_pragma=busy_timeout(2000)" +
			"&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection to :memory: opens a separate database
	s := &store{db: db, changed: make(chan struct{})}
	if _, err = db.Exec(schema); err == nil {
		err = db.QueryRow("SELECT (SELECT coalesce(max(version), 0) FROM changes), key FROM keys").Scan(&s.version, &s.key)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_BUSY {
		err = fmt.Errorf("another process has the database open: %w", err)
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("database %s: %w", file, err)
	}
	return s, nil
}

// put stores the state of a job, unless it differs from the stored one only in times, and returns the stored state.
// Without replace, a stored job is not changed.
func (s *store) put(v view, replace bool) (view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.query(context.Background(), "SELECT state FROM jobs WHERE id = ?", v.ID)
	if err != nil {
		return view{}, err
	}
	known := append(stored, view{})[0]
	if v.follow(known); known.ID != "" && (!replace || known.same(v)) {
		return known, nil
	}
	v.Version = s.version + 1
	state, err := json.Marshal(v)
	if err == nil {
		_, err = s.db.Exec("INSERT INTO changes VALUES (?, ?, ?)", v.Version, v.ID, string(state))
	}
	if err != nil {
		return view{}, err
	}
	s.version = v.Version
	close(s.changed)
	s.changed = make(chan struct{})
	return v, nil
}

// sum returns a hash of all that a request describes.
func (s *store) sum(req *livetranscode.SubmitLiveTranscodeJobRequest) string {
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%q %q %q %q", req.Name, req.TemplateID, req.StreamInput.InputURL, req.TranscodeOutput.DomainName)
	if timed := req.TimedConfig; timed != nil {
		fmt.Fprint(mac, timed.StartTime.Unix(), timed.EndTime.Unix())
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// begin stores that a request is about to be submitted, unless it was: then it returns the job, if that is stored. It
// forgets the requests that have settled and have no job, or one that has ended. Another request for the name is
// livetranscode.ErrNameConflict.
func (s *store) begin(ctx context.Context, name, sum string) (job view, first bool, err error) {
	now := time.Now()
	_, err = s.db.Exec("DELETE FROM submits WHERE at < ? AND name NOT IN (SELECT name FROM jobs WHERE ended IS NULL AND name IS NOT NULL)",
		now.Add(-settled).Unix())
	var request string
	if err == nil {
		err = s.db.QueryRow("INSERT INTO submits VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING request", name, sum, now.Unix()).Scan(&request)
	}
	if err == nil {
		return view{}, true, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = s.db.QueryRow("SELECT request FROM submits WHERE name = ?", name).Scan(&request)
	}
	if err != nil {
		return view{}, false, fmt.Errorf("%w: %w", errStore, err)
	}
	if request != sum {
		return view{}, false, fmt.Errorf("another request for the name %q: %w", name, livetranscode.ErrNameConflict)
	}
	jobs, err := s.query(ctx, "SELECT state FROM jobs WHERE name = ? ORDER BY ended, version DESC LIMIT 1", name)
	return append(jobs, view{})[0], false, err
}

// forget removes a request that was not submitted.
func (s *store) forget(name string) error {
	_, err := s.db.Exec("DELETE FROM submits WHERE name = ?", name)
	return err
}

// nextChange returns a channel that is closed on the next change.
func (s *store) nextChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// jobs returns the jobs that changed after a version, in the order of their changes. Callers of the same version share
// one query and its result, which they must not change: however many there are, the watch can write in between.
func (s *store) jobs(ctx context.Context, after int64) ([]view, error) {
	s.mu.Lock()
	key := fmt.Sprint(after, " ", s.version)
	s.mu.Unlock()
	result := s.reads.DoChan(key, func() (any, error) {
		ended := time.Now().Add(-keepEnded).Unix()
		return s.query(context.WithoutCancel(ctx),
			"SELECT state FROM jobs WHERE version > ? AND (ended IS NULL OR changed_at >= ?) ORDER BY version", after, ended)
	})
	select {
	case r := <-result:
		return r.Val.([]view), r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// query returns the states that a statement selects. It waits for the connection until ctx ends. The statement itself
// is not interrupted: an interrupt could end the next statement, which may be the watch's.
func (s *store) query(ctx context.Context, statement string, args ...any) ([]view, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(context.WithoutCancel(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	views := []view{} // not nil, which JSON encodes as null
	for rows.Next() {
		var state []byte
		if err := rows.Scan(&state); err != nil {
			return nil, err
		}
		views = append(views, view{})
		if err := json.Unmarshal(state, &views[len(views)-1]); err != nil {
			return nil, err
		}
	}
	return views, rows.Err()
}
