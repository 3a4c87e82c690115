package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

const (
	refreshInterval = 100 * time.Millisecond
	highlightTime   = 3 * time.Second  // how long a change stays highlighted
	alertTime       = 10 * time.Second // how long an error stays highlighted
)

// showTable shows the live table until the user quits, ctx ends or the watch fails.
func (w *watch) showTable(ctx context.Context, out io.Writer, opts ...tea.ProgramOption) error {
	program := tea.NewProgram(newModel(), append(opts, tea.WithOutput(out), tea.WithoutSignalHandler())...)
	defer context.AfterFunc(ctx, program.Quit)()
	ctx, cancel := context.WithCancel(ctx)
	var (
		background sync.WaitGroup
		watchErr   error
	)
	background.Go(func() {
		if watchErr = w.follow(ctx, func(change) error { return nil }); watchErr != nil {
			program.Quit()
		}
		w.state.finish()
	})
	background.Go(func() {
		ticker := time.NewTicker(refreshInterval)
		defer ticker.Stop()
		for {
			program.Send(w.state.snapshot())
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	_, err := program.Run()
	cancel()
	background.Wait()
	return cmp.Or(err, watchErr)
}

// model is the Bubble Tea model of the table.
type model struct {
	snapshot      snapshot
	styles        styles
	width, height int
	top           int  // the first row shown
	latestFirst   bool // order rows by their last change
}

func newModel() model { return model{styles: newStyles(true), width: 80, height: 24} }

// Init asks for the background color, which decides the color of highlights.
func (m model) Init() tea.Cmd { return tea.RequestBackgroundColor }

// Update handles a snapshot, a key, or news of the terminal.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case snapshot:
		m.snapshot = msg
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.styles = newStyles(msg.IsDark())
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		case "up", "k":
			m.top--
		case "down", "j":
			m.top++
		case "pgup", "b":
			m.top -= m.pageSize()
		case "pgdown", "f", "space":
			m.top += m.pageSize()
		case "home", "g":
			m.top = 0
		case "end", "G":
			m.top = len(m.snapshot.rows)
		case "o":
			m.latestFirst, m.top = !m.latestFirst, 0
		case "ctrl+z":
			return m, tea.Suspend
		}
	}
	m.top = max(0, min(m.top, len(m.snapshot.rows)-m.pageSize()))
	return m, nil
}

// hasGaps reports whether there is room for empty lines.
func (m model) hasGaps() bool { return m.height >= 14 }

// pageSize returns how many rows fit.
func (m model) pageSize() int {
	if m.hasGaps() {
		return m.height - 8
	}
	return max(1, m.height-6)
}

// View draws the table.
func (m model) View() tea.View {
	rows := slices.Clone(m.snapshot.rows)
	if m.latestFirst {
		slices.SortStableFunc(rows, func(x, y row) int { return y.changed.Compare(x.changed) })
	}
	bottom := min(m.top+m.pageSize(), len(rows))
	body := m.styles.table(rows, m.top, bottom, m.snapshot.now, m.width)
	for len(body) < m.pageSize()+1 {
		body = append(body, "")
	}
	gap := []string{""}
	if !m.hasGaps() {
		gap = nil
	}
	lines := slices.Concat(m.styles.header(m.snapshot, m.width), gap, body, gap, []string{m.footer(bottom)})
	view := tea.NewView(strings.Join(lines, "\n"))
	view.AltScreen = true
	view.WindowTitle = "live transcoding jobs"
	return view
}

func (m model) footer(bottom int) string {
	order := "o latest change first"
	if m.latestFirst {
		order = "o order of arrival"
	}
	shown := fmt.Sprintf("%d-%d of %d", min(m.top+1, bottom), bottom, len(m.snapshot.rows))
	keys := "↑ ↓ PgUp PgDn scroll   " + order + "   q quit"
	space := m.width - ansi.StringWidth(keys) - ansi.StringWidth(shown)
	if space < 2 {
		return m.styles.faint.Render(truncate(shown+"   q quit", m.width))
	}
	return m.styles.faint.Render(keys + strings.Repeat(" ", space) + shown)
}
