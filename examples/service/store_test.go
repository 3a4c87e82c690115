package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestStateFile(t *testing.T) {
	t.Parallel()
	malformed := filepath.Join(t.TempDir(), "jobs.json")
	if err := os.WriteFile(malformed, []byte(`["a`), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	client, telemetry := observed(t, livetranscodetest.NewServer())
	if _, err := newService(client, telemetry, malformed, log); err == nil {
		t.Error("a malformed file was accepted")
	}
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, filepath.Join(filepath.Dir(file), "no", "such", "directory"))
		i.post() // the job exists, so it is 201
		i.cancel()
		if err := <-i.ended; err == nil || !strings.Contains(i.log.String(), "saving the state file failed") {
			t.Errorf("error %v, log:\n%s", err, i.log)
		}
	})
}
