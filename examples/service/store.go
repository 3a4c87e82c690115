package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// saveEvery is how often changes are saved. A crash repeats the events since then.
const saveEvery = time.Second

// load reads the jobs in file. A missing file has none.
func load(file string) (jobs []livetranscode.WatchedJob, err error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	// A malformed file is an error, so that it is not overwritten: the jobs in it are running and cost money.
	if err := json.Unmarshal(text, &jobs); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return jobs, nil
}

// save writes the watched jobs as their last events had them. It replaces the file atomically.
func (s *service) save() error {
	if s.file == "" {
		return nil
	}
	s.saving.Lock() // held while reading the jobs, so that the last write has the latest
	defer s.saving.Unlock()
	s.mu.Lock()
	version := s.version
	s.mu.Unlock()
	text, err := json.Marshal(slices.AppendSeq([]livetranscode.WatchedJob{}, s.watcher.Jobs()))
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(s.file), filepath.Base(s.file)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // fails after the rename
	_, err = temp.Write(append(text, '\n'))
	if err == nil {
		err = temp.Sync() // before the rename, or a crash may leave an empty file
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), s.file); err != nil {
		return err
	}
	s.saved = version
	return nil
}

// saveChanges saves the jobs after changes, until ctx ends.
func (s *service) saveChanges(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(saveEvery):
		}
		s.saving.Lock()
		saved := s.saved
		s.saving.Unlock()
		if len(s.list(saved)) > 0 {
			s.saveOrLog()
		}
	}
}

// saveOrLog logs an error of save. The next change saves again.
func (s *service) saveOrLog() {
	if err := s.save(); err != nil {
		s.log.Error("saving the state file failed", "error", err)
	}
}
