package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/livetranscode/livetranscode-go"
)

// A kind decides how a status looks.
type kind int

const (
	live kind = iota
	waiting
	ended
	lost // ended with an error
	other
)

// A row is a job as it is shown. Its texts are fit for a terminal.
type row struct {
	id, name, input, template string
	status                    string // in words
	kind                      kind
	since                     time.Time // when it was first seen in this status
	before                    bool      // and it may have been in it before
	changed                   time.Time // when it came, or a change was seen; zero: it was there from the start
}

// A change is what an event says.
type change struct {
	Time     time.Time `json:"time"`
	JobID    string    `json:"job_id"`
	Name     string    `json:"name,omitempty"`
	Status   string    `json:"status"`
	Previous string    `json:"previous,omitempty"` // empty: it is seen for the first time
	Input    string    `json:"input,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// A count is how many jobs are in a status.
type count struct {
	status string
	kind   kind
	jobs   int
}

// A board keeps what is known of the jobs. The watch writes it and the table reads it, each at its own pace: a
// terminal that is slow delays nothing.
//
// It is also the client's limiter, which limits nothing but counts each request, retries too.
type board struct {
	title string
	first int           // how many jobs are watched from the start
	keep  time.Duration // for how long a job that has ended is shown; 0: for ever
	began time.Time

	mu        sync.Mutex
	rows      map[string]*row
	order     []*row // as they were first seen
	counts    map[string]*count
	changes   int
	requests  int
	looks     int
	trouble   string // the last
	troubleAt time.Time
	over      bool // all jobs have ended
}

// A frame is a board at one time.
type frame struct {
	title           string
	began, now      time.Time
	rows            []row
	counts          []count
	jobs, changes   int
	requests, looks int
	trouble         string
	troubleAt       time.Time
	over            bool
}

func newBoard() *board {
	return &board{began: time.Now(), rows: make(map[string]*row), counts: make(map[string]*count)}
}

// apply takes in an event.
func (b *board) apply(event livetranscode.JobEvent) change {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	r, known := b.rows[event.JobID]
	if !known {
		r = &row{id: clean(event.JobID)}
		b.rows[event.JobID] = r
		b.order = append(b.order, r)
	}
	previous := r.status
	if known {
		b.counts[previous].jobs--
		b.changes++
	}
	if known || len(b.rows) > b.first {
		r.changed = now
	}
	c := change{Time: now, JobID: event.JobID, Previous: previous}
	switch job := event.Job; {
	case event.Err == nil:
		r.name, r.input, r.template = clean(job.Name), hideKey(job.StreamInput.InputURL), clean(cmp.Or(job.TemplateName, job.TemplateID))
		r.status, r.kind = clean(job.Status.String()), kindOf(job.Status)
	case errors.Is(event.Err, livetranscode.ErrNotFound):
		r.status, r.kind = "gone", lost
		b.looks++ // a Get would have found that out just so; OnPoll does not tell of it
		c.Error = clean(event.Err.Error())
	default:
		r.status, r.kind = "not watched", lost
		c.Error = clean(event.Err.Error())
		b.trouble, b.troubleAt = strings.TrimPrefix(c.Error, "livetranscode: "), now
	}
	if r.status != previous {
		r.since, r.before = now, !known
		if !known && r.kind == waiting && !event.Job.CreateTime.IsZero() {
			r.since, r.before = event.Job.CreateTime, false // jobs begin so
		}
	}
	if b.counts[r.status] == nil {
		b.counts[r.status] = &count{status: r.status, kind: r.kind}
	}
	b.counts[r.status].jobs++
	c.Name, c.Status, c.Input = r.name, r.status, r.input
	return c
}

func kindOf(s livetranscode.JobStatus) kind {
	switch s {
	case livetranscode.JobStatusInProgress:
		return live
	case livetranscode.JobStatusNotStarted:
		return waiting
	case livetranscode.JobStatusStopped:
		return ended
	default:
		return other
	}
}

// frame returns the board as it is now. Jobs that ended a while ago are left out of its rows, not of its counts.
func (b *board) frame() frame {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.keep > 0 {
		b.order = slices.DeleteFunc(b.order, func(r *row) bool {
			return (r.kind == ended || r.kind == lost) && now.Sub(r.since) > b.keep
		})
	}
	f := frame{
		title: b.title, began: b.began, now: now, jobs: len(b.rows), changes: b.changes,
		requests: b.requests, looks: b.looks, trouble: b.trouble, troubleAt: b.troubleAt, over: b.over,
	}
	for _, r := range b.order {
		f.rows = append(f.rows, *r)
	}
	for _, c := range b.counts {
		if c.jobs > 0 {
			f.counts = append(f.counts, *c)
		}
	}
	slices.SortFunc(f.counts, func(x, y count) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.status, y.status))
	})
	return f
}

// saved is how many requests fewer there were than with one Get for each look at a job.
func (f *frame) saved() int { return max(0, f.looks-f.requests) }

// Wait implements livetranscode.Limiter.
func (b *board) Wait(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	return nil
}

// looked is told of every look at a job, whichever request it came by.
func (b *board) looked(*livetranscode.Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
}

// complete reports whether all jobs that are watched from the start were seen.
func (b *board) complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.rows) >= b.first
}

// finish notes that all jobs have ended.
func (b *board) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// troubles is the client's log, of which it keeps the last trouble: a watch overcomes what passes, and tells of
// it only there.
type troubles struct{ *board }

func (troubles) Enabled(context.Context, slog.Level) bool { return true }
func (t troubles) WithAttrs([]slog.Attr) slog.Handler     { return t }
func (t troubles) WithGroup(string) slog.Handler          { return t }
func (t troubles) Handle(ctx context.Context, r slog.Record) error {
	said := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		said[a.Key] = a.Value.String()
		return true
	})
	text := cmp.Or(said["error"], said["code"])
	switch {
	case r.Level >= slog.LevelWarn:
		text = r.Message
	case ctx.Err() != nil, said["status"] == "404" && text != "":
		return nil // the end, and a job that is gone: no trouble
	case said["status"] >= "300" && said["error"] == "":
		text = said["operation"] + ": " + cmp.Or(text, "HTTP "+said["status"])
	case text == "":
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble, t.troubleAt = clean(strings.TrimPrefix(text, "livetranscode: ")), r.Time
	return nil
}

// hideKey hides what may be a key in the URL of a stream: user info, query, and the last element of the path.
func hideKey(stream string) string {
	const hidden = "[redacted]"
	u, err := url.Parse(stream)
	switch {
	case stream == "":
		return ""
	case err != nil, u.Host == "":
		return hidden
	}
	dir, key := path.Split(strings.TrimRight(u.EscapedPath(), "/"))
	if key != "" {
		dir += hidden
	}
	return clean(u.Scheme + "://" + u.Host + dir)
}

// clean makes a text of others fit for a terminal: what they chose must not move the cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
