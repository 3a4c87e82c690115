package main

import (
	"fmt"
	"io"
	"sync"
)

// A logger prints what workflows log about their jobs, and nothing of what the SDK logs.
type logger struct{ out io.Writer }

func (l *logger) Debug(string, ...any) {}

func (l *logger) Info(msg string, keyvals ...any) { l.print(msg, keyvals) }

func (l *logger) Warn(msg string, keyvals ...any) { l.print(msg, keyvals) }

func (l *logger) Error(msg string, keyvals ...any) { l.print(msg, keyvals) }

func (l *logger) print(msg string, keyvals []any) {
	for i := 0; i+1 < len(keyvals); i += 2 {
		if keyvals[i] == "job" {
			fmt.Fprintf(l.out, "%v: %s\n", keyvals[i+1], msg)
		}
	}
}

// A lockedWriter is a Writer for several goroutines.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}
