package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var now = time.Date(2026, 1, 2, 15, 4, 5, 0, time.Local)

// inBubble runs the command for a minute of a synctest bubble's time and returns its output.
func inBubble(t *testing.T, args ...string) (out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := run(ctx, args, &stdout, &stderr); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	noKeys(t, stdout.String()+stderr.String())
	return stdout.String(), stderr.String()
}

// noKeys fails the test if text shows a key of the simulation's stream URLs.
func noKeys(t *testing.T, text string) {
	t.Helper()
	if found := regexp.MustCompile(`ingest:|auth_key|rtmp://[^/]*/live/[0-9a-f]`).FindString(text); found != "" {
		t.Errorf("a stream key is shown: %q", found)
	}
}

// sample returns a snapshot with one row of each kind and n more.
func sample(n int) snapshot {
	f := snapshot{
		title: "emulator", started: now.Add(-83 * time.Second), now: now,
		jobs: 4 + n, changes: 2, requests: 1641, oldestPoll: now.Add(-2 * time.Second),
		lastError: "ListLiveTranscodeJobs: Throttling.User", lastErrorAt: now.Add(-time.Second),
		counts: []count{{"in progress", inProgress, 1 + n}, {"not started", notStarted, 1}, {"stopped", stopped, 1}, {"gone", lost, 1}},
		rows: []row{
			{id: strings.Repeat("a", 32), name: "news-riga-001", input: "rtmp://in-1.example.net/news/[redacted]", template: "hd", status: "in progress", since: now.Add(-time.Minute), orEarlier: true},
			{id: strings.Repeat("b", 32), name: "猫-lyon-002", input: "rtmp://in-2.example.net/cats/[redacted]", template: "sd", status: "not started", kind: notStarted, since: now.Add(-48 * time.Hour)},
			{id: strings.Repeat("c", 32), name: "chess-perth-003", input: "rtmp://in-3.example.net/chess/[redacted]", template: "narrow-hd", status: "stopped", kind: stopped, since: now.Add(-time.Second), changed: now.Add(-time.Second)},
			{id: strings.Repeat("d", 32), status: "gone", kind: lost, since: now.Add(-time.Minute)},
		},
	}
	for i := range n {
		f.rows = append(f.rows, row{id: fmt.Sprint(i), name: fmt.Sprintf("more-%03d", i), status: "in progress", since: now})
	}
	return f
}

// at returns the model of a snapshot in a terminal of the given size after some keys.
func at(f snapshot, width, height int, keys ...tea.KeyPressMsg) model {
	var m tea.Model = newModel()
	for _, msg := range []tea.Msg{tea.WindowSizeMsg{Width: width, Height: height}, f} {
		m, _ = m.Update(msg)
	}
	for _, key := range keys {
		m, _ = m.Update(key)
	}
	return m.(model)
}

// screen returns the lines that a model shows, without colors.
func screen(m model) []string {
	lines := strings.Split(ansi.Strip(m.View().Content), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}
