package main

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestViewWide(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
Live transcoding jobs  emulator, watching for 1m23s
● 1 in progress  ○ 1 not started  ■ 1 stopped  ✕ 1 gone
1,641 requests, oldest poll 2s ago
last error 15:04:04  ListLiveTranscodeJobs: Throttling.User

  NAME                              STATUS         SINCE        INPUT                                     TEMPLATE   JOB ID
  news-riga-001                     ● in progress  ≤15:03:05    rtmp://in-1.example.net/news/[redacted]   hd         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  猫-lyon-002                       ○ not started   2025-12-31  rtmp://in-2.example.net/cats/[redacted]   sd         bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
▸ chess-perth-003                   ■ stopped       15:04:04    rtmp://in-3.example.net/chess/[redacted]  narrow-hd  cccccccccccccccccccccccccccccccc
  dddddddddddddddddddddddddddddddd  ✕ gone          15:03:05                                                         dddddddddddddddddddddddddddddddd



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
1,641 requests, oldest poll 2s ago
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

// At any size, nothing exceeds the terminal, and a wider terminal never shows fewer columns.
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
					t.Errorf("%d x %d: a line is %d wide: %q", width, height, w, ansi.Strip(line))
				}
			}
		}
		shown, widths := layout(sample(12).rows, now, width)
		for i, c := range byPriority {
			if (widths[c] > 0) != (i < len(shown)) {
				t.Errorf("width %d: column %s does not follow the priority of the %d shown", width, c.title, len(shown))
			}
		}
		if len(shown) < columns {
			t.Errorf("width %d: %d columns, a narrower terminal has %d", width, len(shown), columns)
		}
		columns = len(shown)
	}
	if columns != 6 {
		t.Errorf("%d columns at full width, want 6", columns)
	}
}
