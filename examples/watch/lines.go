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

// printJSON prints a change as an object on a line of its own.
func printJSON(out io.Writer, c change) error { return json.NewEncoder(out).Encode(c) }

// printLine prints a change in words.
func printLine(out io.Writer, c change) error {
	said := c.Input
	switch {
	case c.Error != "":
		said = c.Error
	case c.Previous == c.Status:
		said = "changed"
	case c.Previous != "":
		said = "was " + c.Previous
	}
	line := fmt.Sprintf("%s  %-11s  %-24s  %s", c.Time.Local().Format(time.TimeOnly), c.Status, cmp.Or(c.Name, clean(c.JobID)), said)
	_, err := fmt.Fprintln(out, strings.TrimRight(line, " "))
	return err
}

// printTable prints the table as it is, all of it.
func printTable(out io.Writer, f frame) error {
	look := newLook(true)
	lines := append(look.header(f, 0), "")
	lines = append(lines, look.table(f.rows, 0, len(f.rows), f.now, 0)...)
	_, err := lipgloss.Fprintln(out, strings.Join(lines, "\n")) // with the colours that out can show
	return err
}

// printSummary prints how it went.
func printSummary(out io.Writer, f frame) {
	counts := make([]string, len(f.counts))
	for i, c := range f.counts {
		counts[i] = grouped(c.jobs) + " " + c.status
	}
	took := f.now.Sub(f.began).Round(time.Second)
	fmt.Fprintf(out, "%s seen in %v: %s; %s.\n", plural(f.jobs, "job"), took, cmp.Or(strings.Join(counts, ", "), "none"), plural(f.changes, "change"))
	fmt.Fprintln(out, requests(f)+".")
}

func requests(f frame) string {
	return plural(f.requests, "request") + ", " + grouped(f.saved()) + " saved against one call per job"
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// grouped writes a number as people do: 1,599.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
