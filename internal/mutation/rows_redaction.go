package main

// What errors, logs and prints may show: internal/redact and internal/acs3.
var redactionRows = []mutant{
	{"no stream key is printed", "internal/redact/redact.go", `dir += Marker`, `dir += key`, "TestSecretsAreNowhere"},
	{"no secret that comes back is shown", "internal/redact/redact.go", `strings.ReplaceAll(text, form, Marker)`, `strings.ReplaceAll(text, form, form)`, "TestSecretsAreNowhere"},
	{"no escaped secret that comes back is shown", "internal/redact/redact.go", `escapePattern.ReplaceAllStringFunc(text, unescape)`, `escapePattern.ReplaceAllStringFunc(text, strings.Clone)`, "TestSecretsAreNowhere"},
	{"no password of a proxy is shown", "internal/redact/redact.go", `authorizationPattern.ReplaceAllString(text, "${1}"+Marker)`, `authorizationPattern.ReplaceAllString(text, "$0")`, "TestSecretsAreNowhere"},
	{"no echo of a request is shown", "internal/acs3/mismatch.go", `if strings.Contains(text, mark) {`, `if strings.Contains(text, mark+mark) {`, "TestEchoIsNeverShown"},
}
