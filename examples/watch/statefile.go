package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// resume watches the jobs in the state file as they were known when it was written: of these, only differences are
// shown.
func (w *watch) resume() error {
	if w.stateFile == "" {
		return nil
	}
	text, err := os.ReadFile(w.stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var jobs []livetranscode.WatchedJob
	if err == nil {
		err = json.Unmarshal(text, &jobs)
	}
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	for _, job := range jobs {
		if w.all || slices.Contains(w.jobIDs, job.JobID) {
			w.watcher.Resume(job.Job)
			w.state.resume(job.Job)
		}
	}
	return nil
}

// save writes the state file. A crash repeats the events since the last time.
func (w *watch) save() {
	if w.stateFile == "" {
		return
	}
	w.saved = time.Now()
	text, err := json.Marshal(slices.AppendSeq([]livetranscode.WatchedJob{}, w.watcher.Jobs()))
	if err == nil {
		err = os.WriteFile(w.stateFile+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(w.stateFile+".new", w.stateFile)
	}
	if err != nil {
		w.state.fail(err)
	}
}
