package main

// Requests, responses, decoding and pages.
var modelsRows = []mutant{
	{"bodies of errors are read to the end", "response.go", `if resp.StatusCode == http.StatusSwitchingProtocols {`, `if resp.StatusCode >= 500 {`, "TestConnectionIsReusedAfterErrors"},
	{"an upgraded connection is not read", "response.go", `if resp.StatusCode == http.StatusSwitchingProtocols {`, `if resp.StatusCode == 999 {`, "TestSwitchingProtocols"},
	{"answers are bounded", "response.go", `maxResponse  = 8 << 20`, `maxResponse  = 8 << 23`, "TestResponseSize|TestMemoryIsBounded"},
	{"an absent status is not 0", "models.go", `StartMode: StartModeUnknown, Status: JobStatusUnknown}`, `StartMode: StartModeUnknown}`, "TestDecodeEnums|TestUsableResponses"},
	{"a null status is not 0", "decode.go", `*e = -1`, `*e = 0`, "TestEnumsRoundTrip"},
	{"a text that was read before is the same text", "decode.go", `case string(raw) == place[0]:`, `case len(raw) == len(place[0]):`, "TestDecoderMemory"},
	{"an escaped name is the name", "decode.go", `err = o.member(d, d.unquote(name))`, `err = o.member(d, name)`, "TestDecodeSpellings"},
	{"what is not UTF-8 is replaced", "decode.go", `< 0 && utf8.Valid(raw) }`, `< 0 || utf8.Valid(raw) && false }`, "TestDecodeSpellings|TestDecodeOddJobs"},
	{"no list and no count is no page", "pages.go", `if !p.listed && !p.counted {`, `if !p.listed && !p.counted && p.name == "" {`, "TestPagesThatAreNone"},
	{"of two lists the later counts", "decode.go", `*array = []T{}`, `_ = []T{}`, "TestDecodeLists|TestDecodeTwice"},
	{"a text that cannot be read changes nothing", "models.go", `if err := unmarshal(b, read); err != nil {`, `if err := unmarshal(b, read); err != nil && read.Name == "" {`, "TestDecodeFails"},
	{"a decoder does not keep the addresses of streams", "models.go", `return d.text(&s.InputURL)`, `return d.keep(&s.InputURL)`, "TestDecoderForgets"},
	{"an answer is one JSON value", "decode.go", `case err == nil:
		return &jsontext`, `case err == nil && end < 0:
		return &jsontext`, "TestUnusableResponses"},
	{"an error with status 200 is no success", "job_requests.go", `case a.code != "" && a.code != "Success"`, `case a.code == "never" && a.code != "Success"`, "TestFaultMatrix"},
	{"a confirmation has a request id", "job_requests.go", `case a.id == "":`, `case a.id == "never":`, "TestEmptyResponses"},
	{"a job prints by its own method only", "models.go", `func (j Job) Format(`, `func (j Job) format(`, "TestSecretsAreNowhere"},
	{"a page without anything new is the last", "pages.go", `len(seen) == before ||`, `len(seen) < before ||`, "TestWalkOnOddServices"},
	{"a job is yielded once", "pages.go", `if seen[id(item)] {`, `if seen[id(item)] && no == 0 {`, "TestWalkOnOddServices|TestWalkIsComplete"},
}
