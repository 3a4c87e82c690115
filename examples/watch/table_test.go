package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

func TestScroll(t *testing.T) {
	t.Parallel()
	key := func(code rune) tea.KeyPressMsg {
		msg := tea.KeyPressMsg{Code: code}
		if code > 0x20 && code < 0x7f {
			msg.Text = string(code)
		}
		return msg
	}
	const page = 20 - 8
	for _, test := range []struct {
		name string
		keys []tea.KeyPressMsg
		want string
	}{
		{"start", nil, "1-12 of 104"},
		{"up at the top", []tea.KeyPressMsg{key(tea.KeyUp)}, "1-12 of 104"},
		{"down", []tea.KeyPressMsg{key(tea.KeyDown), key('j')}, "3-14 of 104"},
		{"a page", []tea.KeyPressMsg{key(tea.KeyPgDown)}, "13-24 of 104"},
		{"a page and back", []tea.KeyPressMsg{key(tea.KeyPgDown), key(tea.KeyPgUp), key(tea.KeyPgUp)}, "1-12 of 104"},
		{"the end", []tea.KeyPressMsg{key(tea.KeyEnd), key(tea.KeyDown)}, "93-104 of 104"},
		{"the end and the start", []tea.KeyPressMsg{key('G'), key('g')}, "1-12 of 104"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := at(sample(100), 80, 20, test.keys...)
			lines := screen(m)
			if footer := lines[len(lines)-1]; !strings.HasSuffix(footer, " "+test.want) {
				t.Errorf("footer %q, want %q", footer, test.want)
			}
			if m.pageSize() != page {
				t.Errorf("a page has %d rows, want %d", m.pageSize(), page)
			}
		})
	}
	// The table shrinks while its end is shown: no empty page remains.
	m := at(sample(100), 80, 20, key('G'))
	smaller, _ := m.Update(sample(0))
	if lines := screen(smaller.(model)); !strings.HasPrefix(lines[6], "  news-riga-001") {
		t.Errorf("after the table shrank:\n%s", strings.Join(lines, "\n"))
	}
	if lines := screen(at(sample(100), 80, 20, key('o'))); !strings.HasPrefix(lines[6], "▸ chess-perth-003") {
		t.Errorf("latest change first:\n%s", strings.Join(lines, "\n"))
	}
	for _, quit := range []tea.KeyPressMsg{key('q'), key(tea.KeyEsc), {Code: 'c', Mod: tea.ModCtrl}} {
		if _, cmd := m.Update(quit); cmd == nil || cmd() != tea.Quit() {
			t.Errorf("%v does not quit", quit)
		}
	}
}

// The whole program in a terminal in memory: it draws, and ends on a key, with its context, and with the watch.
// A leaked goroutine would fail the bubble.
func TestShowTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		end    func(t *testing.T, w *watch, keys io.Writer, cancel context.CancelFunc)
		failed bool
	}{
		{"a key", func(t *testing.T, _ *watch, keys io.Writer, _ context.CancelFunc) {
			if _, err := io.WriteString(keys, "q"); err != nil {
				t.Error(err)
			}
		}, false},
		{"the context", func(_ *testing.T, _ *watch, _ io.Writer, cancel context.CancelFunc) { cancel() }, false},
		{"the watch", func(_ *testing.T, w *watch, _ io.Writer, _ context.CancelFunc) { w.simulation.Server.SetCredentials() }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w, err := newWatch(options{jobs: 20, seed: 1}, newState())
				if err != nil {
					t.Fatal(err)
				}
				input, keys := io.Pipe()
				defer keys.Close()
				time.AfterFunc(5*time.Second, func() { test.end(t, w, keys, cancel) })
				var out bytes.Buffer
				err = w.showTable(ctx, &out, tea.WithInput(input), tea.WithWindowSize(100, 30), tea.WithEnvironment([]string{"TERM=xterm-256color"}))
				if (err != nil) != test.failed {
					t.Errorf("error: %v", err)
				}
				for _, want := range []string{"Live transcoding jobs", "in progress", "rtmp://", "[redacted]"} {
					if !strings.Contains(out.String(), want) {
						t.Errorf("%q was not drawn", want)
					}
				}
				noKeys(t, ansi.Strip(out.String()))
			})
		})
	}
}
