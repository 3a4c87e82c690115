package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// load reads the ids in file. A missing file has none.
func load(file string) (ids []string, err error) {
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
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ids, nil
}

// save writes the ids of the jobs that have not ended. It replaces the file atomically.
func (s *service) save() error {
	if s.file == "" {
		return nil
	}
	s.saving.Lock() // held while reading the ids, so that the last write has the latest
	defer s.saving.Unlock()
	ids := []string{}
	for _, v := range s.list(0) {
		if !v.ended {
			ids = append(ids, v.ID)
		}
	}
	text, err := json.Marshal(ids)
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
	return os.Rename(temp.Name(), s.file)
}

// saveOrLog logs an error of save. The next change saves again.
func (s *service) saveOrLog() {
	if err := s.save(); err != nil {
		s.log.Error("saving the state file failed", "error", err)
	}
}
