package livetranscode

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// EventKind says what a [JobEvent] is, as of its delivery.
type EventKind int

// The kinds of event. [EventStopped] and [EventLost] are the last event of their job.
const (
	// EventFirstSeen is the first event of a job that has not stopped. Previous is nil.
	EventFirstSeen EventKind = iota + 1
	// EventChanged is a job that differs from the event before.
	EventChanged
	// EventStopped is a job that has stopped, even if it was already stopped when it was first read.
	EventStopped
	// EventLost is a job that is no longer watched because it is not found, or because the service permanently refuses
	// to return it. Err says why.
	EventLost
)

// String returns the kind in words, such as "first seen"; for a value without a name, "EventKind(7)".
func (k EventKind) String() string {
	switch k {
	case EventFirstSeen:
		return "first seen"
	case EventChanged:
		return "changed"
	case EventStopped:
		return "stopped"
	case EventLost:
		return "lost"
	}
	return "EventKind(" + strconv.Itoa(int(k)) + ")"
}

// A JobEvent is a difference between two polls of a job.
type JobEvent struct {
	// Kind says what has happened.
	Kind EventKind
	// JobID is the watched ID.
	JobID string
	// Job is the job as it was last read. It is never nil: if the job was never read, Job has only the ID and
	// [JobStatusUnknown]. It must not be changed.
	Job *Job
	// Previous is the Job of the event before, or the one passed to [Watcher.Resume]; nil if there is none. It must not
	// be changed.
	Previous *Job
	// Err is why the job is no longer watched: ErrNotFound, or a permanent error that concerns only this job. It is
	// set only for [EventLost].
	Err error
	// At is when the response that caused the event was read.
	At time.Time
}

// MarshalJSON implements json.Marshaler: Kind and Err are encoded as text. The URLs of streams are not redacted.
func (e JobEvent) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind     string
		JobID    string `json:"JobId"`
		Job      *Job
		Previous *Job   `json:",omitzero"`
		Err      string `json:",omitzero"`
		At       time.Time
	}{e.Kind.String(), e.JobID, e.Job, e.Previous, errorText(e.Err), e.At})
}

// errorText returns the text of an error, empty for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// LogValue implements slog.LogValuer. It redacts what [Job.LogValue] redacts.
func (e JobEvent) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("kind", e.Kind.String()), slog.String("id", e.JobID), logJob("job", e.Job), logJob("previous", e.Previous),
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(append(attrs, slog.Time("at", e.At))...)
}

// A WatchError is the error that ends a watch. [errors.Is] and [errors.As] see through it.
type WatchError struct {
	// Sweeps is the number of consecutive sweeps without a response; 0 if something else ended the watch.
	Sweeps int
	// Err is what ended the watch.
	Err error
}

// Error returns one line.
func (e *WatchError) Error() string {
	prefix := "livetranscode: watch"
	if e.Sweeps > 0 {
		prefix += fmt.Sprintf(": no response in %d sweeps", e.Sweeps)
	}
	return redact.OneLine(fmt.Sprintf("%s: %v", prefix, e.Err))
}

// Unwrap returns Err.
func (e *WatchError) Unwrap() error { return e.Err }

func (*WatchError) ownError() {}

// ErrWatcherBusy is yielded by a range over [Watcher.Events] while another one is under way.
var ErrWatcherBusy error = kind("livetranscode: another loop is ranging over the watcher")
