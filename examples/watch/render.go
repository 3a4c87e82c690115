package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// styles use the colors of the terminal's own palette.
type styles struct {
	title, faint, alert lipgloss.Style
	status              map[kind]lipgloss.Style
	changed             lipgloss.Style
}

func newStyles(dark bool) styles {
	plain := lipgloss.NewStyle()
	return styles{
		title: plain.Bold(true),
		faint: plain.Faint(true),
		alert: plain.Foreground(lipgloss.Red),
		status: map[kind]lipgloss.Style{
			inProgress: plain.Foreground(lipgloss.Green),
			notStarted: plain.Foreground(lipgloss.Cyan),
			stopped:    plain.Faint(true),
			lost:       plain.Foreground(lipgloss.Red),
			other:      plain.Foreground(lipgloss.Magenta),
		},
		changed: plain.Bold(true).Background(lipgloss.LightDark(dark)(lipgloss.Color("254"), lipgloss.Color("237"))),
	}
}

// signs tell the kinds apart without colors.
var signs = map[kind]string{inProgress: "●", notStarted: "○", stopped: "■", lost: "✕", other: "?"}

// header returns the lines above the table. A width of 0 means no limit.
func (s styles) header(f snapshot, width int) []string {
	var counts []string
	for _, c := range f.counts {
		counts = append(counts, s.status[c.kind].Render(fmt.Sprintf("%s %s %s", signs[c.kind], grouped(c.jobs), c.status)))
	}
	progress := "watching for " + f.now.Sub(f.started).Round(time.Second).String()
	switch {
	case f.done:
		progress = "all jobs have ended"
	case f.jobs == 0:
		progress = "first poll"
	case width == 0: // printed, once
		progress = f.now.Local().Format(time.DateTime)
	}
	lines := []string{
		s.title.Render("Live transcoding jobs") + s.faint.Render("  "+printable(f.title)+", "+progress),
		strings.Join(counts, "  "),
		requests(f),
	}
	lastError, style := "no errors", s.faint
	if f.lastError != "" {
		lastError = "last error " + f.lastErrorAt.Local().Format(time.TimeOnly) + "  " + f.lastError
	}
	if f.now.Sub(f.lastErrorAt) < alertTime {
		style = s.alert
	}
	lines = append(lines, style.Render(lastError))
	for i := range lines {
		lines[i] = truncate(lines[i], width)
	}
	return lines
}

// column is a column of the table, as wide as its longest cell.
type column struct {
	title    string
	minWidth int // below this it is left out
	cell     func(row, time.Time) string
}

var (
	nameColumn     = column{"NAME", 8, func(r row, _ time.Time) string { return cmp.Or(r.name, r.id) }}
	statusColumn   = column{"STATUS", 13, func(r row, _ time.Time) string { return signs[r.kind] + " " + r.status }}
	sinceColumn    = column{"SINCE", 9, row.sinceText}
	inputColumn    = column{"INPUT", 24, func(r row, _ time.Time) string { return r.input }}
	templateColumn = column{"TEMPLATE", 8, func(r row, _ time.Time) string { return r.template }}
	idColumn       = column{"JOB ID", 32, func(r row, _ time.Time) string { return r.id }}

	// columns are all columns from left to right.
	columns = []*column{&nameColumn, &statusColumn, &sinceColumn, &inputColumn, &templateColumn, &idColumn}
	// byPriority is the order in which columns get room: in a narrow terminal the last ones are left out.
	byPriority = []*column{&statusColumn, &nameColumn, &sinceColumn, &inputColumn, &idColumn, &templateColumn}
)

// sinceText says when the status began, with "≤" if that may have been earlier.
func (r row) sinceText(now time.Time) string {
	layout := time.TimeOnly
	if now.Sub(r.since) >= 24*time.Hour {
		layout = time.DateOnly
	}
	if r.orEarlier {
		return "≤" + r.since.Local().Format(layout)
	}
	return " " + r.since.Local().Format(layout)
}

const (
	margin = 2 // for the mark of a change
	gutter = 2 // between columns
)

// layout chooses the columns that fit, and their widths.
func layout(rows []row, now time.Time, width int) ([]*column, map[*column]int) {
	widths := make(map[*column]int)
	remaining := width - margin
	for _, c := range byPriority {
		natural := ansi.StringWidth(c.title)
		for _, r := range rows {
			natural = max(natural, ansi.StringWidth(c.cell(r, now)))
		}
		widths[c] = natural
		if width == 0 {
			continue
		}
		if widths[c] = min(natural, remaining); widths[c] < min(natural, c.minWidth) {
			delete(widths, c)
			break // a column of lower priority does not take its place
		}
		remaining -= widths[c] + gutter
	}
	shown := slices.DeleteFunc(slices.Clone(columns), func(c *column) bool { return widths[c] == 0 })
	return shown, widths
}

// table returns the column titles and the rows from top up to bottom. A width of 0 means no limit.
func (s styles) table(rows []row, top, bottom int, now time.Time, width int) []string {
	shown, widths := layout(rows, now, width)
	line := func(mark string, cell func(*column) string, style func(*column) lipgloss.Style) string {
		var b strings.Builder
		b.WriteString(style(nil).Render(mark))
		for i, c := range shown {
			text := truncate(cell(c), widths[c])
			pad := widths[c] - ansi.StringWidth(text) + gutter
			if i == len(shown)-1 {
				pad = 0
			}
			b.WriteString(style(c).Render(text + strings.Repeat(" ", pad)))
		}
		return b.String()
	}
	lines := []string{line("  ", func(c *column) string { return c.title }, func(*column) lipgloss.Style { return s.faint })}
	for _, r := range rows[top:bottom] {
		mark, base := "  ", lipgloss.NewStyle()
		switch {
		case now.Sub(r.changed) < highlightTime:
			mark, base = "▸ ", s.changed
		case r.kind == stopped || r.kind == lost:
			base = s.faint
		}
		lines = append(lines, line(mark, func(c *column) string { return c.cell(r, now) }, func(c *column) lipgloss.Style {
			if c == &statusColumn {
				return base.Inherit(s.status[r.kind])
			}
			return base
		}))
	}
	return lines
}

// truncate shortens s to width; a width of 0 means no limit.
func truncate(s string, width int) string {
	if width <= 0 {
		return s
	}
	return ansi.Truncate(s, width, "…")
}
