package main

// Credentials and options.
var credentialsRows = []mutant{
	{"http only for loopback addresses", "options.go", `p.Scheme == "http" && !isLoopback(p.Hostname())`, `p.Scheme == "http" && p.Host == ""`, "TestWithEndpointRefuses"},
	{"refused credentials are dropped", "credentials.go", `if c.current != nil && c.current() == creds {`, `if c.current != nil && c.current() != creds {`, "TestRefusedCredentialsAreRefetched|TestExpiredTokenIsReplaced"},
	{"credentials refused during a fetch are fetched again", "credentials.go", `if run.stale && err == nil {`, `if run.stale && err != nil {`, "TestRefusedDuringALookup"},
	{"no token is printed", "credentials.go", `s += " SecurityToken=[redacted]"`, `s += " SecurityToken=" + c.SecurityToken`, "TestSecretsAreNowhere"},
}
