package main

import (
	"bufio"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	t.Parallel()
	out, errOut := inBubble(t, "-jobs", "30")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) < 40 {
		t.Fatalf("%d lines in a minute:\n%s", len(lines), out)
	}
	shape := regexp.MustCompile(`^\d\d:\d\d:\d\d  (in progress|not started|stopped    |gone       )  [a-z-]+-\d{3} +`)
	first := regexp.MustCompile(`  rtmp://[a-z0-9.-]+\.example\.(com|net|org)/live/\[redacted\]$`)
	var changed, gone int
	for i, line := range lines {
		if !shape.MatchString(line) {
			t.Errorf("line %d: %q", i, line)
		}
		if i < 30 && !first.MatchString(line) {
			t.Errorf("line %d is not a first sight: %q", i, line)
		}
		if strings.HasSuffix(line, "  was not started") || strings.HasSuffix(line, "  was in progress") {
			changed++
		}
		if strings.Contains(line, "  gone  ") && strings.Contains(line, "JobNotFound") {
			gone++
		}
	}
	if changed == 0 || gone == 0 {
		t.Errorf("%d changes, %d jobs gone", changed, gone)
	}
	summary := regexp.MustCompile(`^\d+ jobs seen in 1m0s: \d+ in progress, \d+ not started, \d+ stopped, \d+ gone; \d+ changes\.\n` +
		`\d+ requests, oldest poll \d+s ago\.\n$`)
	if !summary.MatchString(errOut) {
		t.Errorf("summary: %q", errOut)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	out, errOut := inBubble(t, "-jobs", "30", "-json")
	last := make(map[string]change)
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var c change
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if before := last[c.JobID]; c.Previous != before.Status || before.Status == "stopped" || c.Time.Before(before.Time) {
			t.Errorf("%+v follows %+v", c, before)
		}
		if c.Name == "" || c.Input == "" || (c.Status == "gone") != (c.Error != "") {
			t.Errorf("incomplete: %+v", c)
		}
		last[c.JobID] = c
	}
	if len(last) <= 30 {
		t.Errorf("%d jobs: no new ones", len(last))
	}
	if !strings.Contains(errOut, "jobs seen in 1m0s") {
		t.Errorf("summary: %q", errOut)
	}
}
