package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestMetrics scrapes a service that submits a job, and is throttled from then on. The metrics that it serves must have
// what the README of livetranscodeotel promises, and what its rules select.
func TestMetrics(t *testing.T) {
	t.Parallel()
	var scrape string
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		id := i.post("show")
		time.Sleep(2 * time.Minute)
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Times: -1})
		time.Sleep(10 * time.Minute)
		var status int
		status, _, scrape = i.do(http.MethodGet, "/metrics", "")
		if status != http.StatusOK || strings.Contains(scrape, id) {
			t.Errorf("status %d, metrics with the id %s:\n%s", status, id, scrape)
		}
		for _, want := range []string{
			`livetranscode_watcher_jobs{livetranscode_job_status="in progress"} 1`, `livetranscode_watcher_unread 1`,
			`livetranscode_watcher_oldest_poll_seconds 6[0-9][0-9]\.`, `livetranscode_watcher_pending 0`,
		} {
			if !regexp.MustCompile("(?m)^" + want).MatchString(scrape) {
				t.Errorf("the metrics do not have %s:\n%s", want, scrape)
			}
		}
		i.stop()
	})

	readme := readFile(t, "../../livetranscodeotel/README.md")
	table := regexp.MustCompile("(?m)^\\| `[a-z._]+` \\| `([a-z_]+)` ").FindAllStringSubmatch(readme, -1)
	_, rules, _ := strings.Cut(readme, "groups:")
	selectors := regexp.MustCompile(`\b((?:rpc|livetranscode)_[a-z_]+)(?:\{([^}]*)\})?(?:\[| >)`).FindAllStringSubmatch(rules, -1)
	if len(table) != 11 || len(selectors) != 7 {
		t.Fatalf("the README has the metrics %q and the selectors %q", table, selectors)
	}
	for _, selected := range append(table, selectors...) {
		if !hasSeries(scrape, selected[1:]) {
			t.Errorf("nothing matches %q in:\n%s", selected[0], scrape)
		}
	}
}

// hasSeries reports whether a series of the metrics matches a selector: a name and optional label matchers.
func hasSeries(scrape string, selector []string) bool {
	for line := range strings.Lines(scrape) {
		series, _, _ := strings.Cut(line, " ")
		name, _, _ := strings.Cut(series, "{")
		for _, suffix := range []string{"", "_count"} { // the table has histograms without a suffix
			if name == selector[0]+suffix && (len(selector) < 2 || matchesLabels(line, selector[1])) {
				return true
			}
		}
	}
	return false
}

// matchesLabels reports whether a line has the labels that a selector asks for. For !~ it checks only that the label
// exists.
func matchesLabels(line, matchers string) bool {
	for _, m := range regexp.MustCompile(`([a-z_]+)(=|!~)("[^"]*")`).FindAllStringSubmatch(matchers, -1) {
		if m[2] == "=" && !strings.Contains(line, m[1]+"="+m[3]) || m[2] == "!~" && !strings.Contains(line, m[1]+"=") {
			return false
		}
	}
	return true
}
