package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// load reads the ids of a file. One that is not there has none.
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
	// A file that cannot be read must not be overwritten: the jobs in it run, and cost money.
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ids, nil
}

// save writes the ids of the jobs that have not ended. Whenever it is interrupted, the file is there and whole.
func (s *service) save() error {
	if s.file == "" {
		return nil
	}
	s.saving.Lock() // before the ids are read, so that the last to write has the latest
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
	defer func() { _ = os.Remove(temp.Name()) }() // it is not there any more if all went well
	_, err = temp.Write(append(text, '\n'))
	if err == nil {
		err = temp.Sync() // the name must not get there before the content
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), s.file)
}

// saveOrLog is save where nobody can do anything about its error. The next change tries again.
func (s *service) saveOrLog() {
	if err := s.save(); err != nil {
		s.log.Error("the state file was not written", "error", err)
	}
}
