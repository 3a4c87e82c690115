package main

// The emulator, livetranscodetest.
var emulatorRows = []mutant{
	{"emulator: a submitted job is listed only after the visibility delay", "livetranscodetest/jobstore.go", `if j.visibleAt(now) && f.matches(j, now) {`, `if f.matches(j, now) {`, "TestWithVisibilityDelay"},
	{"emulator: a submitted job is readable only after the visibility delay", "livetranscodetest/jobs.go", `if j != nil && !j.visibleAt(p.now) {`, `if false {`, "TestWithVisibilityDelay"},
	{"emulator: a page is selected again when a job becomes visible", "livetranscodetest/jobstore.go", `[...]time.Time{j.visibleFrom, j.schedule.start`, `[...]time.Time{j.schedule.start`, "TestWithVisibilityDelay"},
	{"emulator: strict commands need a job in progress", "livetranscodetest/jobs.go", `if s.strictCommands && j.statusAt(p.now) !=`, `if s.strictCommands && j.Status !=`, "TestStopOfSubmittedJob"},
	{"emulator: a missing parameter has a code of its own", "livetranscodetest/params.go", `if strings.ContainsAny(name, ".-") {`, `if strings.ContainsAny(name, ".-J") {`, "TestUnknownAndMissingJob"},
	{"emulator: a fault of an unknown operation panics", "livetranscodetest/faults.go", `if f.Operation != "" && operations[f.Operation] == nil {`, `if false {`, "TestInjectPanicsOnUnknownOperation"},
	{"emulator: a fault that has applied is used", "livetranscodetest/faults.go", `f.used = true`, `f.used = f.left == 1`, "TestUnusedFaults"},
	{"emulator: header names of a fault are canonical", "livetranscodetest/faults.go", `key := http.CanonicalHeaderKey(name)`, `key := name`, "TestFaultHeaderNames"},
	{"emulator: a response without content has no body", "livetranscodetest/response.go", `return r.status != http.StatusNoContent && r.status != http.StatusNotModified`, `return true`, "TestResponseInMemoryAsOverTCP"},
	{"emulator: a body shorter than announced breaks off", "livetranscodetest/response.go", `return length, body, io.ErrUnexpectedEOF`, `return length, body, io.EOF`, "TestResponseInMemoryAsOverTCP"},
	{"emulator: an added template replaces one of the same id", "livetranscodetest/templates.go", `return old.TemplateID == added.TemplateID`, `return false`, "TestAddTemplate"},
}
