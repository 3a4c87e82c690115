package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// printJSON prints a change as one line of JSON.
func printJSON(out io.Writer, c change) error { return json.NewEncoder(out).Encode(c) }

// printLine prints a change as one line of text.
func printLine(out io.Writer, c change) error {
	detail := c.Input
	switch {
	case c.Error != "":
		detail = c.Error
	case c.Previous == c.Status:
		detail = "changed"
	case c.Previous != "":
		detail = "was " + c.Previous
	}
	line := fmt.Sprintf("%s  %-11s  %-24s  %s", c.Time.Local().Format(time.TimeOnly), c.Status, cmp.Or(c.Name, printable(c.JobID)), detail)
	_, err := fmt.Fprintln(out, strings.TrimRight(line, " "))
	return err
}

// printTable prints the whole table once.
func printTable(out io.Writer, f snapshot) error {
	styles := newStyles(true)
	lines := append(styles.header(f, 0), "")
	lines = append(lines, styles.table(f.rows, 0, len(f.rows), f.now, 0)...)
	_, err := lipgloss.Fprintln(out, strings.Join(lines, "\n")) // downsamples to the colors that out supports
	return err
}

// printSummary prints totals at the end.
func printSummary(out io.Writer, f snapshot) {
	counts := make([]string, len(f.counts))
	for i, c := range f.counts {
		counts[i] = grouped(c.jobs) + " " + c.status
	}
	took := f.now.Sub(f.started).Round(time.Second)
	fmt.Fprintf(out, "%s seen in %v: %s; %s.\n", plural(f.jobs, "job"), took, cmp.Or(strings.Join(counts, ", "), "none"), plural(f.changes, "change"))
	fmt.Fprintln(out, requests(f)+".")
}

func requests(f snapshot) string {
	text := plural(f.requests, "request")
	if !f.oldestPoll.IsZero() {
		text += ", oldest poll " + f.now.Sub(f.oldestPoll).Round(time.Second).String() + " ago"
	}
	return text
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// grouped formats a number with thousands separators: 1,599.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
