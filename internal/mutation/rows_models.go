package main

// Requests, responses, decoding and pages.
var modelsRows = []mutant{
	{"bodies of errors are read to the end", "response.go", `if resp.StatusCode == http.StatusSwitchingProtocols {`, `if resp.StatusCode >= 500 {`, "TestConnectionIsReusedAfterErrors"},
	{"an upgraded connection is not read", "response.go", `if resp.StatusCode == http.StatusSwitchingProtocols {`, `if resp.StatusCode == 999 {`, "TestSwitchingProtocols"},
	{"answers are bounded", "response.go", `maxResponse = 8 << 20`, `maxResponse = 8 << 23`, "TestResponseSize|TestMemoryIsBounded"},
	{"an absent status is not 0", "decode.go", `v.SetInt(-1)`, `v.SetInt(0)`, "TestDecodeEnums|TestUsableResponses"},
	{"an enum that is no number is unknown", "decode_values.go", `*e = -1`, `*e = 0`, "TestEnumsRoundTrip"},
	{"an enum is a whole number", "decode_values.go", `(!isEnum(v.Type()) || n == math.Trunc(n))`, `(!isEnum(v.Type()) || n == n)`, "TestDecodeEnums"},
	{"a value of another type replaces the one before", "decode.go", `			v.Set(empty)`, `			v.Addr()`, "TestDecodeWrongTypes"},
	{"a text of another type is empty", "decode_values.go", `	return nil, nil
}`, `	return value, nil
}`, "TestDecodeWrongTypes"},
	{"a number of another type is none", "decode_values.go", `		v.Set(emptyValue(v.Type()))`, ``, "TestDecodeWrongTypes"},
	{"a number is fine as text", "decode_values.go", `		return value, nil`, `		return nil, nil`, "TestDecodeWrongTypes"},
	{"a number that breaks off is not decoded", "decode_values.go", `if len(d.UnreadBuffer()) == 0 {`, `if len(d.UnreadBuffer()) < 0 {`, "TestDecodeNoObject"},
	{"of two lists the last counts", "decode.go", `		v.SetZero()
`, ``, "TestDecodeLists|TestDecodeDuplicates"},
	{"a list has no nil element", "decode.go", `	v.Set(s.empty)
	return d.SkipValue()`, `	return d.SkipValue()`, "TestDecodeLists"},
	{"fields in another order are found", "decode.go", `if n < len(s.ordered) && s.ordered[n].name == string(name) {`, `if n < len(s.ordered) {`, "TestDecodeSpellings|TestDecodeMalformedJobs"},
	{"the elements of a response are bounded", "decode.go", `if d.elements++; d.elements > maxElements {`, `if d.elements++; n > maxElements {`, "TestDecodeElements"},
	{"elements are counted per response", "decode.go", `d.input, d.elements = *bytes.NewBuffer(text), 0`, `d.input = *bytes.NewBuffer(text)`, "TestDecodeElements"},
	{"a number too large for an int is none", "decode_values.go", `!(math.Abs(f) <= math.MaxInt32)`, `f != f`, "TestDecodeTemplates|TestDecodeEnums"},
	{"an interned text is the same text", "decode_values.go", `case string(raw) == slot[0]:`, `case len(raw) == len(slot[0]):`, "TestInternedStrings"},
	{"a text with a backslash is not interned", "decode_values.go", `len(text) > 256 || bytes.IndexByte(text, '\\') >= 0`, `len(text) > 256`, "TestInternedStrings"},
	{"an escaped name is the name", "decode.go", `		name = unquote(quoted)`, ``, "TestDecodeSpellings"},
	{"fields of errors in any case are found", "decode.go", `if options == "case:ignore" {`, `if options == "never" {`, "TestAPIErrorFields"},
	{"what is not UTF-8 is replaced", "decode_values.go", `< 0 && utf8.Valid(raw) {`, `< 0 || utf8.Valid(raw) && false {`, "TestDecodeSpellings|TestDecodeMalformedJobs"},
	{"a page without its list is not the end", "walk.go", `p.before < int(p.TotalCount)`, `p.before > int(p.TotalCount)`, "TestPageWithoutList"},
	{"no list and no count is no page", "walk.go", `p.TotalCount < 0 ||`, `p.TotalCount < -1 ||`, "TestPageWithoutList"},
	{"of duplicate objects the last counts as a whole", "decode.go", `	v.Set(s.empty)
	if _, err`, `	if _, err`, "TestDecodeDuplicates"},
	{"a text that cannot be decoded changes nothing", "decode.go", `if err := decode(text, &read); err != nil {`, `if err := decode(text, out); err != nil {`, "TestDecodeFails"},
	{"URLs of streams are not interned", "decode.go", `return !strings.HasSuffix(name, "URL")`, `return name != "URL"`, "TestInternedFields"},
	{"a response is one JSON value", "decode.go", `case err == nil:
		return &jsontext`, `case err == nil && end < 0:
		return &jsontext`, "TestUnusableResponses"},
	{"an error with status 200 is no success", "response.go", `case r.Code != "" && r.Code != "Success"`, `case r.Code == "never" && r.Code != "Success"`, "TestFaultMatrix"},
	{"a success has a request id", "response.go", `case r.RequestID == "":`, `case r.RequestID == "never":`, "TestEmptyResponses"},
	{"a job prints by its own method only", "models.go", `func (j Job) Format(`, `func (j Job) format(`, "TestSecretsAreNowhere"},
	{"text that is not UTF-8 is refused", "params.go", `if !utf8.ValidString(f.String()) {`, `if false {`, "TestTextIsUTF8"},
	{"text behind a pointer and in a struct is checked", "params.go", `f = f.Elem() // invalid if nil`, ``, "TestTextIsUTF8"},
	{"an id that is not UTF-8 is refused", "params.go", `case !utf8.ValidString(p.id):`, `case false:`, "TestTextIsUTF8"},
	{"an immediate job has no schedule", "job_requests.go", `r.StartMode == StartModeImmediate && r.TimedConfig != nil`, `r.StartMode < 0`, "TestJobChecks"},
	{"a schedule is within the calendar", "job_requests.go", `year >= 0 && year <= 9999`, `year >= 0`, "TestJobChecks"},
	{"only a stopped job stays as it is", "models.go", `return s == JobStatusStopped }`, `return s >= JobStatusStopped }`, "TestJobStatus"},
	{"a new id that was read is a success", "response.go", `if created, ok := out.(newResponse); ok && created.newID() != "" {`, `if created, ok := out.(newResponse); ok && err == nil && created.newID() != "" {`, "TestNewIDIsKept"},
	{"a part of a new id is named", "response.go", `	return string(id)`, `	return string(id[:0])`, "TestNewIDIsKept"},
	{"a number may be a part of an id", "response.go", `id[0] < '0' || id[0] > '9'`, `id[0] > 0`, "TestNewIDMalformed"},
	{"what is no id is not named", "response.go", `if !quoted && (`, `if !quoted && len(id) < 0 && (`, "TestNewIDMalformed"},
	{"an empty response with a request id is a success", "response.go", `err = nil // the header says it all`, ``, "TestEmptyResponses"},
	{"only operations that return nothing may be empty", "response.go", `if _, ok := out.(*emptyResponse); ok && isBlank(b.bytes) {`, `if isBlank(b.bytes) {`, "TestUnusableResponses"},

	// Find and Ensure.
	{"a job is found by its whole name", "submit.go", `if job.Name == name {`, `if job.Name != "" {`, "TestFindLiveTranscodeJob|TestEnsureLiveTranscodeJob"},
	{"an ambiguous Submit is searched for", "submit.go", `case err == nil && req.sameJob(job.TemplateID, job.StreamInput.InputURL):`, `case err == nil && ctx.Err() != nil:`, "TestEnsureLiveTranscodeJob"},
	{"concurrent calls share one Submit", "submit.go", `if run.resp == nil { // no concurrent`, `if run.calls > 0 { // no concurrent`, "TestEnsureConcurrently"},
	{"an ambiguous Submit of a concurrent call is not repeated", "submit.go", `if run.ambiguous != nil {`, `if run.ambiguous != nil && run.calls < 0 {`, "TestEnsureAfterAnAmbiguousCall"},
	{"another template is a conflict", "submit.go", `(templateID == "" || templateID == r.TemplateID) &&`, ``, "TestEnsureLiveTranscodeJob"},
	{"a job is yielded once", "walk.go", `if !known && !yield(item, nil) {`, `if (known || true) && !yield(item, nil) {`, "TestWalkOverChanges"},
	{"a shorter list may have lost an item between two pages", "walk.go", `return total >= w.total`, `return true`, "TestWalkOverChanges"},
	{"a page that has an item of the page before misses none", "walk.go", `		if w.seen[id] {`, `		if w.seen[id] && w.growsInFront {`, "TestWalkOverChanges"},
	{"lists by status may grow anywhere", "pages.go", `all.SortBy == SortDescending && all.Status == nil`, `all.SortBy == SortDescending`, "TestWalkOverChanges"},
	{"templates by keyword may come from anywhere", "pages.go", `all.VideoCodec == "" && all.Keyword == ""`, `all.VideoCodec == ""`, "TestWalkOverChanges"},
	{"a service that ignores page sizes is read to its end", "walk.go", `	w.growsInFront = true
`, ``, "TestWalkIgnoredPageSize"},
	{"a page as long as it was asked for is not the last", "walk.go", `items < min(w.full, w.at.size)`, `items < w.full`, "TestWalkOverChanges|TestWalkOverChangingLists"},
	{"a walk that saw fewer items than the service counts is an error", "walk.go", `case linked && len(w.seen) >= w.least && (`, `case linked && (`, "TestWalkOnFaultyServices"},
	{"items that are created meanwhile are not awaited", "walk.go", `if w.at.no == 1 || total < w.least {`, `if w.at.no == 1 || total > w.least {`, "TestWalkOverChanges|TestWalkOverChangingLists"},
	{"a walk ends on a service that ignores page numbers", "walk.go", `if w.fruitless++; gained {`, `if w.fruitless++; linked {`, "TestWalkOnFaultyServices"},
	{"a walk ends on a service that counts too high", "walk.go", `|| w.passes == maxPasses`, ``, "TestWalkOnFaultyServices"},
	{"an item without an id is yielded", "walk.go", `"\x00" + strconv.Itoa(i)`, `"\x00"`, "TestWalkMalformedItems"},
}
