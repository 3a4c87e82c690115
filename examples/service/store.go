package main

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/livetranscode/livetranscode-go"
)

const keepEnded = time.Hour // how long an ended job is served

// state is the state of a job as it is stored and served. The URLs of streams contain keys, so it has only the host of
// the input, and nothing of the outputs.
type state struct {
	ID        string                  `json:"id"`
	Name      string                  `json:"name,omitempty"`
	Status    string                  `json:"status"` // in words; "submitted" before the first poll; "lost"
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

// newState returns the state of a job. It takes the host from the printed StreamInput, whose redaction is more
// careful than url.Parse: in rtmp://user:12/KEY@host/app, 12 is not a port.
func newState(job *livetranscode.Job) state {
	_, input, _ := strings.Cut(fmt.Sprint(job.StreamInput), "://")
	host, _, _ := strings.Cut(strings.TrimSuffix(input, "}"), "/")
	return state{
		ID: job.JobID, Name: job.Name, Status: job.Status.String(), Code: job.Status, Ended: job.Status.Final(),
		Template: cmp.Or(job.TemplateName, job.TemplateID), InputHost: host, CreatedAt: job.CreateTime,
	}
}

// expired reports whether the job ended so long ago that it is no longer served.
func (v *state) expired() bool { return v.Ended && time.Since(v.ChangedAt) > keepEnded }

// same reports whether two states differ only in times.
func (v state) same(o state) bool {
	return v.Name == o.Name && v.Status == o.Status && v.Template == o.Template && v.InputHost == o.InputHost && v.Error == o.Error
}

// inherit completes a new state from the previous one, and sets the times.
func (v state) inherit(prev state) state {
	v.Name, v.Template = cmp.Or(v.Name, prev.Name), cmp.Or(v.Template, prev.Template)
	v.InputHost, v.CreatedAt = cmp.Or(v.InputHost, prev.InputHost), cmp.Or(v.CreatedAt, prev.CreatedAt)
	v.ChangedAt = time.Now().UTC().Truncate(time.Millisecond)
	v.Since, v.OrEarlier = v.ChangedAt, prev.ID == "" && v.Code != livetranscode.JobStatusUnknown
	if prev.Status == v.Status {
		v.Since, v.OrEarlier = prev.Since, prev.OrEarlier
	}
	return v
}

//go:embed schema.sql
var schema string

// store keeps the states of the jobs in a SQLite database, and the served ones also in memory, so that readers do not
// wait for the database. A state is stored before it is served. Storing the same state again is not a change, so an
// event that is delivered again after a crash is not handled twice.
type store struct {
	db      *sql.DB
	writing sync.Mutex // serializes put

	mu      sync.Mutex    // guards the fields below, which only put writes
	jobs    []*state      // in the order of their versions
	changed chan struct{} // closed on the next change
}

// openStore opens the database in file, or in memory if file is empty. Only the owner can read a new file.
func openStore(ctx context.Context, file string) (*store, error) {
	name := ":memory:"
	if file != "" && file != name {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its other files the same mode
		if err != nil {
			return nil, err
		}
		_ = f.Close()
		name = "file:" + url.PathEscape(file)
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection to :memory: opens a separate database
	s := &store{db: db, changed: make(chan struct{})}
	if err = s.exec(ctx, schema); err == nil {
		s.jobs, err = s.states(ctx, "jobs WHERE NOT ended OR version > (SELECT max(version) FROM jobs) - 10000")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), db.Close())
	}
	return s, nil
}

// put stores the state of a job, unless it differs from the stored one only in times, and returns the stored state.
// Without replace, a stored job is not changed, unless it is lost: it has been found again.
func (s *store) put(ctx context.Context, v state, replace bool) (state, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	known, err := s.job(ctx, v.ID)
	if err != nil {
		return v, err
	}
	v = v.inherit(known)
	if known.ID != "" && (!replace && known.Status != "lost" || v.same(known)) {
		return known, nil
	}
	v.Version = 1
	if n := len(s.jobs); n > 0 {
		v.Version += s.jobs[n-1].Version
	}
	data, _ := json.Marshal(v) // cannot fail: all fields can be encoded
	if err := s.exec(ctx, "INSERT INTO changes VALUES (?, ?, ?)", v.Version, v.ID, string(data)); err != nil {
		return v, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := slices.BinarySearchFunc(s.jobs, known.Version, byVersion); found {
		s.jobs = slices.Delete(s.jobs, i, i+1)
	}
	if v.Ended { // only then there are more and more
		s.jobs = slices.DeleteFunc(s.jobs, (*state).expired)
	}
	s.jobs = append(s.jobs, &v)
	close(s.changed)
	s.changed = make(chan struct{})
	return v, nil
}

func byVersion(j *state, version int64) int { return cmp.Compare(j.Version, version) }

// since returns the jobs that changed after version, in version order, and a channel that is closed on the next change.
func (s *store) since(version int64) (jobs []*state, next <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.jobs, version+1, byVersion)
	return slices.DeleteFunc(append([]*state{}, s.jobs[i:]...), (*state).expired), s.changed
}

// begin stores a request that is about to be submitted. If the same request was stored in the last five minutes, begin
// returns its job, or ErrAmbiguous until that is known. If another request has the name, it returns ErrNameConflict.
func (s *store) begin(ctx context.Context, name, hash string) (job state, err error) {
	var first, same bool
	err = s.db.QueryRowContext(context.WithoutCancel(ctx), `INSERT INTO submissions VALUES (?1, ?2, ?3, 1, NULL)
		ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times = 1, hash = ?2`,
		name, hash, time.Now().Unix()).Scan(&first, &same)
	if err != nil || first {
		return job, err
	}
	if !same {
		return job, fmt.Errorf("%w: another request has the name %q", livetranscode.ErrNameConflict, name)
	}
	jobs, err := s.states(ctx, "jobs WHERE NOT lost AND id = (SELECT job FROM submissions WHERE name = ?)", name)
	if len(jobs) == 0 {
		return job, cmp.Or(err, fmt.Errorf("%w: send the request again in a few minutes", livetranscode.ErrAmbiguous))
	}
	return *jobs[0], nil
}

// job returns the last state of a job, or one without an ID.
func (s *store) job(ctx context.Context, id string) (state, error) {
	jobs, err := s.states(ctx, "jobs WHERE id = ?", id)
	return *append(jobs, new(state))[0], err
}

// states returns the states in a table, which may be followed by a WHERE clause, in the order of their versions. It and
// exec ignore cancellation of ctx: the driver's interrupt could hit the next statement, of another goroutine.
func (s *store) states(ctx context.Context, from string, args ...any) (states []*state, err error) {
	var array []byte
	query := "SELECT json_group_array(json(state) ORDER BY version) FROM " + from
	if err = s.db.QueryRowContext(context.WithoutCancel(ctx), query, args...).Scan(&array); err == nil {
		err = json.Unmarshal(array, &states)
	}
	return states, err
}

func (s *store) exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.db.ExecContext(context.WithoutCancel(ctx), statement, args...)
	return err
}
