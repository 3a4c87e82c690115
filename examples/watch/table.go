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
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

const (
	frameEvery = 100 * time.Millisecond
	glow       = 3 * time.Second  // for how long a change is highlighted
	recent     = 10 * time.Second // for how long an error is
)

// showTable shows the table until the reader leaves it, ctx ends or the watch fails.
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
		w.board.finish()
	})
	background.Go(func() {
		ticker := time.NewTicker(frameEvery)
		defer ticker.Stop()
		for {
			program.Send(w.board.frame())
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

// model is the state of the table, for Bubble Tea.
type model struct {
	frame         frame
	look          look
	width, height int
	top           int  // the first row shown
	latest        bool // rows are ordered by their last change
}

func newModel() model { return model{look: newLook(true), width: 80, height: 24} }

// Init asks what the highlights are to stand out from.
func (m model) Init() tea.Cmd { return tea.RequestBackgroundColor }

// Update takes in a frame of the board, a key, or something about the terminal.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case frame:
		m.frame = msg
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.look = newLook(msg.IsDark())
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		case "up", "k":
			m.top--
		case "down", "j":
			m.top++
		case "pgup", "b":
			m.top -= m.page()
		case "pgdown", "f", "space":
			m.top += m.page()
		case "home", "g":
			m.top = 0
		case "end", "G":
			m.top = len(m.frame.rows)
		case "o":
			m.latest, m.top = !m.latest, 0
		case "ctrl+z":
			return m, tea.Suspend
		}
	}
	m.top = max(0, min(m.top, len(m.frame.rows)-m.page()))
	return m, nil
}

// roomy reports whether there is space for empty lines.
func (m model) roomy() bool { return m.height >= 14 }

// page is how many rows fit.
func (m model) page() int {
	if m.roomy() {
		return m.height - 8
	}
	return max(1, m.height-6)
}

// View draws the table.
func (m model) View() tea.View {
	rows := slices.Clone(m.frame.rows)
	if m.latest {
		slices.SortStableFunc(rows, func(x, y row) int { return y.changed.Compare(x.changed) })
	}
	bottom := min(m.top+m.page(), len(rows))
	body := m.look.table(rows, m.top, bottom, m.frame.now, m.width)
	for len(body) < m.page()+1 {
		body = append(body, "")
	}
	gap := []string{""}
	if !m.roomy() {
		gap = nil
	}
	lines := slices.Concat(m.look.header(m.frame, m.width), gap, body, gap, []string{m.footer(bottom)})
	view := tea.NewView(strings.Join(lines, "\n"))
	view.AltScreen = true
	view.WindowTitle = "live transcoding jobs"
	return view
}

func (m model) footer(bottom int) string {
	order := "o latest change first"
	if m.latest {
		order = "o order of arrival"
	}
	shown := fmt.Sprintf("%d-%d of %d", min(m.top+1, bottom), bottom, len(m.frame.rows))
	keys := "↑ ↓ PgUp PgDn scroll   " + order + "   q quit"
	space := m.width - ansi.StringWidth(keys) - ansi.StringWidth(shown)
	if space < 2 {
		return m.look.faint.Render(cut(shown+"   q quit", m.width))
	}
	return m.look.faint.Render(keys + strings.Repeat(" ", space) + shown)
}

// A look is how things look. Colours are those of the terminal's own palette.
type look struct {
	title, faint, alarm lipgloss.Style
	status              map[kind]lipgloss.Style
	glow                lipgloss.Style
}

func newLook(dark bool) look {
	plain := lipgloss.NewStyle()
	return look{
		title: plain.Bold(true),
		faint: plain.Faint(true),
		alarm: plain.Foreground(lipgloss.Red),
		status: map[kind]lipgloss.Style{
			live:    plain.Foreground(lipgloss.Green),
			waiting: plain.Foreground(lipgloss.Cyan),
			ended:   plain.Faint(true),
			lost:    plain.Foreground(lipgloss.Red),
			other:   plain.Foreground(lipgloss.Magenta),
		},
		glow: plain.Bold(true).Background(lipgloss.LightDark(dark)(lipgloss.Color("254"), lipgloss.Color("237"))),
	}
}

// signs tell the kinds apart where there are no colours.
var signs = map[kind]string{live: "●", waiting: "○", ended: "■", lost: "✕", other: "?"}

// header is what stands above the table. A width of 0 is as wide as it takes.
func (l look) header(f frame, width int) []string {
	var counts []string
	for _, c := range f.counts {
		counts = append(counts, l.status[c.kind].Render(fmt.Sprintf("%s %s %s", signs[c.kind], grouped(c.jobs), c.status)))
	}
	state := "watching for " + f.now.Sub(f.began).Round(time.Second).String()
	switch {
	case f.over:
		state = "all jobs have ended"
	case f.jobs == 0:
		state = "looking"
	case width == 0: // printed, once
		state = f.now.Local().Format(time.DateTime)
	}
	lines := []string{
		l.title.Render("Live transcoding jobs") + l.faint.Render("  "+clean(f.title)+", "+state),
		strings.Join(counts, "  "),
		requests(f),
	}
	trouble, style := "no errors", l.faint
	if f.trouble != "" {
		trouble = "last error " + f.troubleAt.Local().Format(time.TimeOnly) + "  " + f.trouble
	}
	if f.now.Sub(f.troubleAt) < recent {
		style = l.alarm
	}
	lines = append(lines, style.Render(trouble))
	for i := range lines {
		lines[i] = cut(lines[i], width)
	}
	return lines
}

// A column of the table is as wide as its longest cell.
type column struct {
	title string
	least int // below this it is no use
	cell  func(row, time.Time) string
}

var (
	nameColumn     = column{"NAME", 8, func(r row, _ time.Time) string { return cmp.Or(r.name, r.id) }}
	statusColumn   = column{"STATUS", 13, func(r row, _ time.Time) string { return signs[r.kind] + " " + r.status }}
	sinceColumn    = column{"SINCE", 9, row.sinceText}
	inputColumn    = column{"INPUT", 24, func(r row, _ time.Time) string { return r.input }}
	templateColumn = column{"TEMPLATE", 8, func(r row, _ time.Time) string { return r.template }}
	idColumn       = column{"JOB ID", 32, func(r row, _ time.Time) string { return r.id }}

	// columns are all of them, from left to right.
	columns = []*column{&nameColumn, &statusColumn, &sinceColumn, &inputColumn, &templateColumn, &idColumn}
	// byWorth are those that go where there is little room, the last first.
	byWorth = []*column{&statusColumn, &nameColumn, &sinceColumn, &inputColumn, &idColumn, &templateColumn}
)

// sinceText says when the status began, with "≤" if it may have been earlier.
func (r row) sinceText(now time.Time) string {
	layout := time.TimeOnly
	if now.Sub(r.since) >= 24*time.Hour {
		layout = time.DateOnly
	}
	if r.before {
		return "≤" + r.since.Local().Format(layout)
	}
	return " " + r.since.Local().Format(layout)
}

const (
	margin = 2 // where changes are marked
	gutter = 2 // between columns
)

// layout chooses the columns that have room, and their widths.
func layout(rows []row, now time.Time, width int) ([]*column, map[*column]int) {
	widths := make(map[*column]int)
	left := width - margin
	for _, c := range byWorth {
		natural := ansi.StringWidth(c.title)
		for _, r := range rows {
			natural = max(natural, ansi.StringWidth(c.cell(r, now)))
		}
		widths[c] = natural
		if width == 0 {
			continue
		}
		if widths[c] = min(natural, left); widths[c] < min(natural, c.least) {
			delete(widths, c)
			break // those of less worth do not take its place
		}
		left -= widths[c] + gutter
	}
	shown := slices.DeleteFunc(slices.Clone(columns), func(c *column) bool { return widths[c] == 0 })
	return shown, widths
}

// table is the head of the table and its rows from top to bottom. A width of 0 is as wide as it takes.
func (l look) table(rows []row, top, bottom int, now time.Time, width int) []string {
	shown, widths := layout(rows, now, width)
	line := func(mark string, cell func(*column) string, style func(*column) lipgloss.Style) string {
		var b strings.Builder
		b.WriteString(style(nil).Render(mark))
		for i, c := range shown {
			text := cut(cell(c), widths[c])
			pad := widths[c] - ansi.StringWidth(text) + gutter
			if i == len(shown)-1 {
				pad = 0
			}
			b.WriteString(style(c).Render(text + strings.Repeat(" ", pad)))
		}
		return b.String()
	}
	lines := []string{line("  ", func(c *column) string { return c.title }, func(*column) lipgloss.Style { return l.faint })}
	for _, r := range rows[top:bottom] {
		mark, base := "  ", lipgloss.NewStyle()
		switch {
		case now.Sub(r.changed) < glow:
			mark, base = "▸ ", l.glow
		case r.kind == ended || r.kind == lost:
			base = l.faint
		}
		lines = append(lines, line(mark, func(c *column) string { return c.cell(r, now) }, func(c *column) lipgloss.Style {
			if c == &statusColumn {
				return base.Inherit(l.status[r.kind])
			}
			return base
		}))
	}
	return lines
}

// cut shortens a text to a width, if that is not 0.
func cut(s string, width int) string {
	if width <= 0 {
		return s
	}
	return ansi.Truncate(s, width, "…")
}
