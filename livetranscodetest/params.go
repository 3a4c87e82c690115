package livetranscodetest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// maxAhead is how far ahead a job may be scheduled.
const maxAhead = 7 * 24 * time.Hour

// params reads the parameters of one request. The first refusal stays, so an operation reads all it needs and
// looks at refused once. An empty parameter is as one that is not there.
type params struct {
	values  url.Values
	now     time.Time
	refused *refusal
}

func missing(name string) *refusal {
	return refuse(http.StatusBadRequest, "MissingParameter", "%s is mandatory for this action.", name)
}

func (p *params) missing(name string) {
	if p.refused == nil {
		p.refused = missing(name)
	}
}

func (p *params) invalid(name, format string, args ...any) {
	if p.refused == nil {
		p.refused = refuse(http.StatusBadRequest, "InvalidParameter", "The parameter %s is not valid: %s.", name, fmt.Sprintf(format, args...))
	}
}

// optional returns a parameter that has one of the values allowed; without any, all are.
func (p *params) optional(name string, allowed ...string) string {
	return p.oneOf(name, p.values.Get(name), allowed)
}

// required is optional for a parameter that must be there.
func (p *params) required(name string, allowed ...string) string {
	return p.need(name, p.values.Get(name), allowed...)
}

// need checks a value that must be there, of a parameter or of a member such as StreamInput.Type.
func (p *params) need(name, value string, allowed ...string) string {
	if value == "" {
		p.missing(name)
	}
	return p.oneOf(name, value, allowed)
}

func (p *params) oneOf(name, value string, allowed []string) string {
	if value != "" && len(allowed) > 0 && !slices.Contains(allowed, value) {
		p.invalid(name, "it must be one of %s", strings.Join(allowed, ", "))
	}
	return value
}

// number returns a whole number from lo to hi, or ifAbsent.
func (p *params) number(name string, ifAbsent, lo, hi int) int {
	text := p.values.Get(name)
	if text == "" {
		return ifAbsent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		p.invalid(name, "it must be a whole number from %d to %d", lo, hi)
	}
	return n
}

// object returns a parameter that holds an object of strings as JSON, nil if it is not there. It decodes to a
// map because encoding/json takes a misspelt InputURL for InputUrl when it decodes to a struct.
func (p *params) object(name string, members ...string) map[string]string {
	text := p.values.Get(name)
	if text == "" {
		return nil
	}
	var object map[string]string
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		p.invalid(name, "it must be a JSON object of strings")
	}
	p.onlyMembers(name, object, members)
	return object
}

func (p *params) onlyMembers(name string, object map[string]string, members []string) {
	for member := range object {
		if !slices.Contains(members, member) {
			p.invalid(name, "it has an unknown member %q", member)
		}
	}
}

// streamInput returns nil if the parameter is not there.
func (p *params) streamInput() *livetranscode.StreamInput {
	object := p.object("StreamInput", "Type", "InputUrl")
	if object == nil {
		return nil
	}
	return &livetranscode.StreamInput{
		Type:     p.need("StreamInput.Type", object["Type"], "rtmp"),
		InputURL: p.need("StreamInput.InputUrl", object["InputUrl"]),
	}
}

// transcodeOutput returns the output's domain, and whether the parameter is there.
func (p *params) transcodeOutput() (domain string, given bool) {
	object := p.object("TranscodeOutput", "Type", "DomainName")
	if object == nil {
		return "", false
	}
	p.need("TranscodeOutput.Type", object["Type"], "LiveCenter")
	return object["DomainName"], true
}

// timedConfig returns nil if the parameter is not there. A time that is left out stays as in old.
func (p *params) timedConfig(old schedule) *schedule {
	object := p.object("TimedConfig", "StartTime", "EndTime")
	if object == nil {
		return nil
	}
	config := schedule{
		start: p.time("TimedConfig.StartTime", object["StartTime"], old.start),
		end:   p.time("TimedConfig.EndTime", object["EndTime"], old.end),
	}
	switch {
	case config.start.IsZero():
		p.missing("TimedConfig.StartTime")
	case config.start.Before(p.now.Truncate(time.Second)):
		p.invalid("TimedConfig.StartTime", "it is in the past")
	case !config.end.IsZero() && !config.end.After(config.start):
		p.invalid("TimedConfig.EndTime", "it is not after the start")
	}
	return &config
}

func (p *params) time(name, text string, ifAbsent time.Time) time.Time {
	if text == "" {
		return ifAbsent
	}
	t, ok := parseTime(text)
	switch {
	case !ok:
		p.invalid(name, "it must be a UTC time such as %s", timeLayout)
	case t.After(p.now.Add(maxAhead)):
		p.invalid(name, "it is more than 7 days ahead")
	}
	return t
}

// paging is what the two lists have in common.
type paging struct {
	number, size int
	ascending    bool
}

func (p *params) paging() paging {
	return paging{
		number:    p.number("PageNo", 1, 1, math.MaxInt32),
		size:      p.number("PageSize", 10, 1, 100),
		ascending: p.optional("SortBy", "asc", "desc") == "asc",
	}
}

// page returns what is on a page of all, which are in the order of creation; newest first unless ascending.
func page[T any](all []T, pg paging) []T {
	first := len(all)
	if pg.number-1 < len(all) { // the product does not overflow
		first = min((pg.number-1)*pg.size, len(all))
	}
	last := min(first+pg.size, len(all))
	if pg.ascending {
		return all[first:last]
	}
	newestFirst := slices.Clone(all[len(all)-last : len(all)-first])
	slices.Reverse(newestFirst)
	return newestFirst
}

// matchesKeyWord reports whether keyWord, in lower case, is the id or a part of the name; empty fits all.
func matchesKeyWord(keyWord, id, name string) bool {
	return keyWord == "" || strings.EqualFold(keyWord, id) || strings.Contains(strings.ToLower(name), keyWord)
}
