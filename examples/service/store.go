package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"time"

	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/livetranscode/livetranscode-go"
)

const keepEnded = time.Hour // how long an ended job is served

var (
	errStore     = errors.New("the database failed")
	errUnsettled = errors.New("the job may have been submitted, but is not listed: send the request again in a few minutes")
)

//go:embed schema.sql
var schema string

// store keeps the latest states of the jobs in memory, where requests read them, and in a SQLite database, which is
// written first. A state that is already stored is not a change, so an event that is delivered again after a crash is
// not handled twice.
type store struct {
	db      *sql.DB
	writing sync.Mutex // held by put, so that readers do not wait for the database

	mu      sync.Mutex    // of what follows, which only put changes
	jobs    []*storedView // in the order of their versions
	byID    map[string]*storedView
	version int64         // of the latest change
	changed chan struct{} // closed on the next change
}

// storedView is a state and its JSON, which is encoded once for all clients.
type storedView struct {
	view
	json []byte
}

func encode(v view) *storedView {
	text, _ := json.Marshal(v) // cannot fail: all fields can be encoded
	return &storedView{v, text}
}

// openStore opens the database in file, which only its owner can read, or in memory if file is empty.
func openStore(ctx context.Context, file string) (*store, error) {
	name := ":memory:"
	if file != "" {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := cmp.Or(f.Chmod(0o600), f.Close()); err != nil {
			return nil, err
		}
		// Changes that a killed process or a backup left behind may be in a file of another mode.
		if err := os.Chmod(file+"-wal", 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		path, err := filepath.Abs(file) // a relative one may be :memory:
		if err != nil {
			return nil, err
		}
		name = "file:" + url.PathEscape(path)
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection to :memory: opens a separate database
	s := &store{db: db, byID: make(map[string]*storedView), changed: make(chan struct{})}
	if err = s.load(ctx); err == nil {
		return s, nil
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_BUSY {
		err = fmt.Errorf("another process has the database open: %w", err)
	}
	return nil, errors.Join(fmt.Errorf("database %s: %w", file, err), db.Close())
}

func (s *store) load(ctx context.Context) error {
	if _, err := s.exec(ctx, schema); err != nil {
		return err
	}
	views, err := s.states(ctx, "jobs")
	for _, v := range views {
		s.add(encode(v))
	}
	return err
}

// put stores the state of a job, unless it differs from the stored one only in times, and returns the stored state.
// Without replace, a stored job is not changed, unless it is lost: it has been found again.
func (s *store) put(ctx context.Context, v view, replace bool) (view, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	known := s.job(v.ID)
	if known.ID == "" && v.Ended { // its last state may have been stored so long ago that it is not in memory any more
		switch last, err := s.states(ctx, "(SELECT * FROM changes WHERE id = ? ORDER BY version DESC LIMIT 1)", v.ID); {
		case err != nil:
			return view{}, err
		case len(last) > 0 && last[0].same(v):
			return last[0], nil
		}
	}
	if v.follow(known); known.ID != "" && (!replace && known.Status != "lost" || known.same(v)) {
		return known, nil
	}
	v.Version = s.version + 1
	stored := encode(v)
	if _, err := s.exec(ctx, "INSERT INTO changes VALUES (?, ?, ?)", v.Version, v.ID, string(stored.json)); err != nil {
		return view{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(stored)
	close(s.changed)
	s.changed = make(chan struct{})
	return v, nil
}

// add keeps a new state in memory instead of the job's previous one. s.mu is held.
func (s *store) add(stored *storedView) {
	if known := s.byID[stored.ID]; known != nil {
		i := s.after(known.Version - 1)
		s.jobs = slices.Delete(s.jobs, i, i+1)
	}
	if stored.Ended { // only then there are more and more
		s.jobs = slices.DeleteFunc(s.jobs, func(j *storedView) bool {
			expired := j.expired()
			if expired {
				delete(s.byID, j.ID)
			}
			return expired
		})
	}
	s.jobs, s.byID[stored.ID], s.version = append(s.jobs, stored), stored, stored.Version
}

// after returns the index of the first job that changed after a version. s.mu is held.
func (s *store) after(version int64) int {
	return sort.Search(len(s.jobs), func(i int) bool { return s.jobs[i].Version > version })
}

// job returns the state of a job that is in memory, or one without an ID.
func (s *store) job(id string) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.byID[id]; j != nil {
		return j.view
	}
	return view{}
}

// since returns the jobs that changed after a version, as a JSON array in the order of their changes, the latest
// version, and a channel that is closed on the next change.
func (s *store) since(version int64) (jobs json.RawMessage, latest int64, next <-chan struct{}) {
	s.mu.Lock()
	changed, latest, next := slices.Clone(s.jobs[s.after(version):]), s.version, s.changed
	s.mu.Unlock() // so that clients do not delay the watch
	var encoded [][]byte
	for _, j := range changed {
		if !j.expired() {
			encoded = append(encoded, j.json)
		}
	}
	return slices.Concat([]byte("["), bytes.Join(encoded, []byte(",")), []byte("]")), latest, next
}

// begin stores a request that is about to be submitted. If the same request is stored already, begin returns its job,
// or errUnsettled until that job is stored. Another request with the name is livetranscode.ErrNameConflict.
func (s *store) begin(ctx context.Context, name, hash string) (job view, err error) {
	var first, same bool
	var state []byte
	err = s.row(ctx, `INSERT INTO requests VALUES (?1, ?2, ?3, 1, NULL) ON CONFLICT DO UPDATE SET times = times + 1
		RETURNING times = 1, hash = ?2, (SELECT state FROM requested WHERE name = ?1 ORDER BY ended, version DESC LIMIT 1)`,
		name, hash, time.Now().Unix()).Scan(&first, &same, &state)
	switch {
	case err != nil:
		return job, fmt.Errorf("%w: %w", errStore, err)
	case first:
		return job, nil
	case !same:
		return job, fmt.Errorf("another request has the name %q: %w", name, livetranscode.ErrNameConflict)
	case state == nil:
		return job, errUnsettled
	}
	return job, json.Unmarshal(state, &job)
}

// settle stores which job a request has.
func (s *store) settle(ctx context.Context, name, id string) error {
	_, err := s.exec(ctx, "UPDATE requests SET job = ? WHERE name = ?", id, name)
	return err
}

// forget removes a request that was not submitted.
func (s *store) forget(ctx context.Context, name string) error {
	_, err := s.exec(ctx, "DELETE FROM requests WHERE name = ?", name)
	return err
}

// states returns the states in a table, which may be followed by a WHERE clause, in the order of their versions.
func (s *store) states(ctx context.Context, from string, args ...any) (views []view, err error) {
	var array []byte
	if err = s.row(ctx, "SELECT json_group_array(json(state) ORDER BY version) FROM "+from, args...).Scan(&array); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	return views, json.Unmarshal(array, &views)
}

// row and exec continue when ctx ends: the driver's interrupt could hit the next statement, of another goroutine.
func (s *store) row(ctx context.Context, query string, args ...any) *sql.Row {
	return s.db.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

func (s *store) exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	return s.db.ExecContext(context.WithoutCancel(ctx), statement, args...)
}
