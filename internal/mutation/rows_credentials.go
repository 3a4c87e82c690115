package main

// Credentials and options.
var credentialsRows = []mutant{
	{"http only for loopback addresses", "options.go", `p.Scheme == "http" && !isLoopback(p.Hostname())`, `p.Scheme == "http" && p.Host == ""`, "TestWithEndpointRefuses"},
	{"refused credentials are dropped", "credentials.go", `if c.current != nil && c.current() == creds {`, `if c.current != nil && c.current() != creds {`, "TestRefusedCredentialsAreRefetched|TestExpiredTokenIsReplaced"},
	{"credentials refused during a fetch are fetched again", "credentials.go", `if fetch.stale && err == nil {`, `if fetch.stale && err != nil {`, "TestRefusedDuringALookup"},
	{"a lookup that ends its goroutine is an error", "credentials.go", `creds, err := Credentials{}, errors.New("the credentials lookup ended its goroutine")`, `creds, err := Credentials{}, error(nil)`, "TestGoexitInTheSecondLookup|TestFailingLookups"},
	{"no token is printed", "credentials.go", `s += " SecurityToken=[redacted]"`, `s += " SecurityToken=" + c.SecurityToken`, "TestSecretsAreNowhere|TestCredentialsAreHidden"},
}
