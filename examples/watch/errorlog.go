package main

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
)

// errorLog is the client's log handler. It keeps the last error: the watch retries after transient errors and
// reports them only in the log.
type errorLog struct{ *state }

func (errorLog) Enabled(context.Context, slog.Level) bool { return true }
func (l errorLog) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l errorLog) WithGroup(string) slog.Handler          { return l }
func (l errorLog) Handle(ctx context.Context, r slog.Record) error {
	values := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value.String()
		return true
	})
	text := cmp.Or(values["error"], values["code"])
	switch {
	case r.Level >= slog.LevelWarn:
		text = r.Message
	case ctx.Err() != nil, values["status"] == "404" && text != "":
		return nil // the end of the program, and a job that is gone, are no errors
	case values["status"] >= "300" && values["error"] == "":
		text = values["operation"] + ": " + cmp.Or(text, "HTTP "+values["status"])
	case text == "":
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastError, l.lastErrorAt = printable(strings.TrimPrefix(text, "livetranscode: ")), r.Time
	return nil
}
