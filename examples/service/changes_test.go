package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
)

// handleChanges calls handle for every change, in order, until ctx ends or handle fails. If the process ends while
// handle runs, the next one calls it again for that change.
func (s *store) handleChanges(ctx context.Context, handle func(*state) error) error {
	if err := s.exec(ctx, "CREATE TABLE IF NOT EXISTS handled (id INTEGER PRIMARY KEY, version INTEGER)"); err != nil {
		return err
	}
	for ctx.Err() == nil {
		_, next := s.since(0)
		changes, err := s.states(ctx, "changes WHERE version > coalesce((SELECT version FROM handled), 0)")
		if err != nil {
			return err
		}
		for _, change := range changes {
			if ctx.Err() != nil {
				break
			}
			if err := handle(change); err != nil {
				return err
			}
			if err := s.exec(ctx, "INSERT OR REPLACE INTO handled VALUES (1, ?)", change.Version); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
		case <-next:
		}
	}
	return nil
}

// TestHandleChanges checks the function in the README, which must be this one.
func TestHandleChanges(t *testing.T) {
	t.Parallel()
	function := regexp.MustCompile("(?s)```go\n(// handleChanges .*?)```").FindStringSubmatch(readFile(t, "README.md"))
	if function == nil || !strings.Contains(readFile(t, "changes_test.go"), function[1]) {
		t.Errorf("README.md has another function: %q", function)
	}
	file := filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) {
		var handled []string
		failed := errors.New("failed")
		handle := func(change *state) error {
			handled = append(handled, fmt.Sprint(change.ID, change.Version))
			if change.ID == "bad" && len(handled) < 3 {
				return failed
			}
			return nil
		}
		for _, ids := range [][]string{{"a", "bad", "b"}, {"c"}, {}} {
			st, err := openStore(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- st.handleChanges(ctx, handle) }()
			synctest.Wait()
			for _, id := range ids {
				if _, err := st.put(ctx, state{ID: id}, true); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			cancel()
			if err := <-ended; (err != nil) != (len(ids) == 3) {
				t.Errorf("error %v after %v", err, ids)
			}
			if err := st.db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, "handled", handled, "a1", "bad2", "bad2", "b3", "c4")
	})
}

func TestHandleChangesUntilCancel(t *testing.T) {
	t.Parallel()
	st := openMemory(t)
	for _, id := range []string{"a", "b", "c"} {
		if _, err := st.put(t.Context(), state{ID: id}, true); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	handled := 0
	err := st.handleChanges(ctx, func(*state) error {
		handled++
		cancel()
		return nil
	})
	if err != nil || handled != 1 {
		t.Errorf("%d changes are handled, error %v", handled, err)
	}
}
