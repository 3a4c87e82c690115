package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var now = time.Date(2026, 1, 2, 15, 4, 5, 0, time.Local)

// sample is a frame with one row of each kind, and n more.
func sample(n int) frame {
	f := frame{
		title: "emulator", began: now.Add(-83 * time.Second), now: now,
		jobs: 4 + n, changes: 2, requests: 41, looks: 1640,
		trouble: "ListLiveTranscodeJobs: Throttling.User", troubleAt: now.Add(-time.Second),
		counts: []count{{"in progress", live, 1 + n}, {"not started", waiting, 1}, {"stopped", ended, 1}, {"gone", lost, 1}},
		rows: []row{
			{id: strings.Repeat("a", 32), name: "news-riga-001", input: "rtmp://in-1.example.net/news/[redacted]", template: "hd", status: "in progress", since: now.Add(-time.Minute), before: true},
			{id: strings.Repeat("b", 32), name: "猫-lyon-002", input: "rtmp://in-2.example.net/cats/[redacted]", template: "sd", status: "not started", kind: waiting, since: now.Add(-48 * time.Hour)},
			{id: strings.Repeat("c", 32), name: "chess-perth-003", input: "rtmp://in-3.example.net/chess/[redacted]", template: "narrow-hd", status: "stopped", kind: ended, since: now.Add(-time.Second), changed: now.Add(-time.Second)},
			{id: strings.Repeat("d", 32), status: "gone", kind: lost, since: now.Add(-time.Minute)},
		},
	}
	for i := range n {
		f.rows = append(f.rows, row{id: fmt.Sprint(i), name: fmt.Sprintf("more-%03d", i), status: "in progress", since: now})
	}
	return f
}

// at returns a model of a frame in a terminal of the given size, after some keys.
func at(f frame, width, height int, keys ...tea.KeyPressMsg) model {
	var m tea.Model = newModel()
	for _, msg := range []tea.Msg{tea.WindowSizeMsg{Width: width, Height: height}, f} {
		m, _ = m.Update(msg)
	}
	for _, key := range keys {
		m, _ = m.Update(key)
	}
	return m.(model)
}

// screen returns the lines that a model shows, without colours.
func screen(m model) []string {
	lines := strings.Split(ansi.Strip(m.View().Content), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

func TestViewWide(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
Live transcoding jobs  emulator, watching for 1m23s
● 1 in progress  ○ 1 not started  ■ 1 stopped  ✕ 1 gone
41 requests, 1,599 saved against one call per job
last error 15:04:04  ListLiveTranscodeJobs: Throttling.User

  NAME                              STATUS         SINCE        INPUT                                   TEMPLATE   JOB ID
  news-riga-001                     ● in progress  ≤15:03:05    rtmp://in-1.example.net/news/[redacted]   hd         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  猫-lyon-002                       ○ not started   2025-12-31  rtmp://in-2.example.net/cats/[redacted]   sd         bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
▸ chess-perth-003                   ■ stopped       15:04:04    rtmp://in-3.example.net/chess/[redacted]  narrow-hd  cccccccccccccccccccccccccccccccc
  dddddddddddddddddddddddddddddddd  ✕ gone          15:03:05                                                       dddddddddddddddddddddddddddddddd



`, "\n") + "↑ ↓ PgUp PgDn scroll   o latest change first   q quit" + strings.Repeat(" ", 200-53-8) + "1-4 of 4"
	if got := strings.Join(screen(at(sample(0), 200, 14)), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestViewNarrow(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
Live transcoding jobs  emulator, watching for…
● 9 in progress  ○ 1 not started  ■ 1 stopped…
41 requests, 1,599 saved against one call per…
last error 15:04:04  ListLiveTranscodeJobs: T…
  NAME                           STATUS
  news-riga-001                  ● in progress
  猫-lyon-002                    ○ not started
▸ chess-perth-003                ■ stopped
  dddddddddddddddddddddddddddd…  ✕ gone
1-4 of 12   q quit`, "\n")
	if got := strings.Join(screen(at(sample(8), 46, 10)), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Whatever the size, nothing is wider or higher than the terminal, and more room never shows fewer columns.
func TestViewFits(t *testing.T) {
	t.Parallel()
	columns := 0
	for width := 12; width <= 220; width++ {
		for _, height := range []int{7, 13, 14, 25} {
			m := at(sample(12), width, height)
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) != height {
				t.Errorf("%d x %d: %d lines", width, height, len(lines))
			}
			for _, line := range lines {
				if w := ansi.StringWidth(line); w > width {
					t.Errorf("%d x %d: a line of %d: %q", width, height, w, ansi.Strip(line))
				}
			}
		}
		shown, widths := layout(sample(12).rows, now, width)
		for i, c := range byWorth {
			if (widths[c] > 0) != (i < len(shown)) {
				t.Errorf("width %d: of %d columns, %s is or is not one", width, len(shown), c.title)
			}
		}
		if len(shown) < columns {
			t.Errorf("width %d: %d columns, with less room there were %d", width, len(shown), columns)
		}
		columns = len(shown)
	}
	if columns != 6 {
		t.Errorf("%d columns in the end, want 6", columns)
	}
}

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
			if m.page() != page {
				t.Errorf("a page is %d rows, want %d", m.page(), page)
			}
		})
	}
	// The terminal grows and the table shrinks while the end is shown: no empty page is left.
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

// The whole program in a terminal of memory: it draws, and ends by a key, by its context, and with the watch.
// A goroutine that it left behind would fail the bubble.
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
		{"the watch", func(_ *testing.T, w *watch, _ io.Writer, _ context.CancelFunc) { w.world.srv.SetCredentials() }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w, err := newWatch(options{jobs: 20, seed: 1}, newBoard())
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
				for _, want := range []string{"Live transcoding jobs", "in progress", "rtmp://in-", "[redacted]"} {
					if !strings.Contains(out.String(), want) {
						t.Errorf("%q was not drawn", want)
					}
				}
				noKeys(t, ansi.Strip(out.String()))
			})
		})
	}
}
