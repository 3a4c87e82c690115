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

// maxAhead is how far ahead of now a job can be scheduled.
const maxAhead = 7 * 24 * time.Hour

// params reads the parameters of one request. It keeps the first error, so an operation reads all parameters that it
// needs and checks err once. An empty parameter counts as missing.
type params struct {
	values url.Values
	now    time.Time
	err    *apiError // the first error
}

// missingParameter returns the gateway's error for a parameter that is missing, such as MissingJobId. A field of an
// object and a header have the product's own code.
func missingParameter(name string) *apiError {
	code := "Missing" + name
	if strings.ContainsAny(name, ".-") {
		code = "MissingParameter"
	}
	return newAPIError(http.StatusBadRequest, code, "%s is mandatory for this action.", name)
}

func (p *params) missing(name string) {
	if p.err == nil {
		p.err = missingParameter(name)
	}
}

func (p *params) invalid(name, format string, args ...any) {
	if p.err == nil {
		p.err = newAPIError(http.StatusBadRequest, "InvalidParameter", "The parameter %s is not valid: %s.", name, fmt.Sprintf(format, args...))
	}
}

// optional returns the value of a parameter, which must be one of allowed if there are any.
func (p *params) optional(name string, allowed ...string) string {
	return p.oneOf(name, p.values.Get(name), allowed)
}

// required is optional for a parameter that must be present.
func (p *params) required(name string, allowed ...string) string {
	return p.requireValue(name, p.values.Get(name), allowed...)
}

// requireValue checks a value that must be present, of a parameter or of a field such as StreamInput.Type.
func (p *params) requireValue(name, value string, allowed ...string) string {
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

// number returns the value of a parameter that is an integer from lo through hi, or ifAbsent.
func (p *params) number(name string, ifAbsent, lo, hi int) int {
	text := p.values.Get(name)
	if text == "" {
		return ifAbsent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		p.invalid(name, "it must be an integer from %d to %d", lo, hi)
	}
	return n
}

// object returns the value of a parameter that is a JSON object of strings, nil if it is missing. It decodes into a map
// because encoding/json ignores the case of names for a struct, and would accept InputURL for InputUrl.
func (p *params) object(name string, fields ...string) map[string]string {
	text := p.values.Get(name)
	if text == "" {
		return nil
	}
	var object map[string]string
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		p.invalid(name, "it must be a JSON object of strings")
	}
	p.onlyFields(name, object, fields)
	return object
}

func (p *params) onlyFields(name string, object map[string]string, fields []string) {
	for field := range object {
		if !slices.Contains(fields, field) {
			p.invalid(name, "it has an unknown field %q", field)
		}
	}
}

// streamInput returns nil if the parameter is missing.
func (p *params) streamInput() *livetranscode.StreamInput {
	object := p.object("StreamInput", "Type", "InputUrl")
	if object == nil {
		return nil
	}
	return &livetranscode.StreamInput{
		Type:     p.requireValue("StreamInput.Type", object["Type"], "rtmp"),
		InputURL: p.requireValue("StreamInput.InputUrl", object["InputUrl"]),
	}
}

// transcodeOutput returns the domain of the output and whether the parameter is present.
func (p *params) transcodeOutput() (domain string, ok bool) {
	object := p.object("TranscodeOutput", "Type", "DomainName")
	if object == nil {
		return "", false
	}
	p.requireValue("TranscodeOutput.Type", object["Type"], "LiveCenter")
	return object["DomainName"], true
}

// timedConfig returns nil if the parameter is missing. A missing time is taken from old.
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

// paging holds the parameters that both lists have.
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

// page returns one page of all, which are in the order of creation; newest first unless ascending.
func page[T any](all []T, pg paging) []T {
	first := len(all)
	if pg.number-1 < len(all) { // otherwise the product could overflow
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

// matchesKeyword reports whether keyword, in lower case, is the id or a part of the name. An empty one matches all.
func matchesKeyword(keyword, id, name string) bool {
	return keyword == "" || strings.EqualFold(keyword, id) || strings.Contains(strings.ToLower(name), keyword)
}
