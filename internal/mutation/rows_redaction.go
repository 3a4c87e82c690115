package main

// Redaction: internal/redact and internal/acs3.
var redactionRows = []mutant{
	{"no stream key is printed", "internal/redact/redact.go", `dir += Marker`, `dir += key`, "TestSecretsAreNowhere"},
	{"no repeated secret is shown", "internal/redact/redact.go", `strings.ReplaceAll(text, form, Marker)`, `strings.ReplaceAll(text, form, form)`, "TestSecretsAreNowhere|TestText"},
	{"no repeated secret is shown that is escaped", "internal/redact/redact.go", `escapePattern.ReplaceAllStringFunc(text, unescape)`, `escapePattern.ReplaceAllStringFunc(text, strings.Clone)`, "TestSecretsAreNowhere"},
	{"no password of a proxy is shown", "internal/redact/redact.go", `authorizationPattern.ReplaceAllString(text, "${1}"+Marker)`, `authorizationPattern.ReplaceAllString(text, "$0")`, "TestSecretsAreNowhere"},
	{"no repeated request is shown", "internal/acs3/mismatch.go", `if strings.Contains(text, mark) {`, `if strings.Contains(text, mark+mark) {`, "TestRequestInAMismatchIsNotShown|TestLeaksRequest"},
}
