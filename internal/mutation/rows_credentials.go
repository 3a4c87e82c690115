package main

// Credentials and options.
var credentialsRows = []mutant{
	{"http only for loopback addresses", "options.go", `p.Scheme == "http" && !isLoopback(p.Hostname())`, `p.Scheme == "http" && p.Host == ""`, "TestWithEndpointRefuses"},
	{"a name of a host has no tilde", "internal/acs3/headers.go", `!unreserved[c] || c == '~'`, `!unreserved[c]`, "TestIsPlainHost"},
	{"a host has no other characters than those of a name", "internal/acs3/headers.go", `[A-Za-z0-9._-]+|`, `[^\x00-\x20\x7f-\xff%]+|`, "TestIsPlainHost|TestWithEndpointRefusesBytes"},
	{"a nil provider is refused, typed or not", "options.go", `if isNil(provider) {`, `if provider == nil {`, "TestWithCredentialsRefusesNil"},
	{"a nil limiter is ignored, typed or not", "options.go", `if !isNil(l) {`, `if l != nil {`, "TestNilOptions"},
	{"refused credentials are dropped", "credentials_cache.go", `if c.current != nil && c.current() == creds {`, `if c.current != nil && c.current() != creds {`, "TestRefusedCredentialsAreRefetched|TestExpiredTokenIsReplaced"},
	{"credentials refused during a fetch are fetched again", "credentials_cache.go", `if fetch.stale && err == nil {`, `if fetch.stale && err != nil {`, "TestRefusedDuringALookup"},
	{"a lookup that ends its goroutine is an error", "credentials_cache.go", `creds, err := Credentials{}, errors.New("the credentials lookup ended its goroutine")`, `creds, err := Credentials{}, errors.Join()`, "TestGoexitInTheSecondLookup|TestFailingLookups"},
	{"no token is printed", "credentials.go", `s += " SecurityToken=[redacted]"`, `s += " SecurityToken=" + c.SecurityToken`, "TestSecretsAreNowhere|TestCredentialsAreHidden"},
	{"a short key in FIPS 140-only mode is an error", "credentials.go", `len(c.AccessKeySecret) < minFIPSKey`, `len(c.AccessKeySecret) < 0*minFIPSKey`, "TestShortSecretInFIPSMode"},
	{"a lookup returns no malformed credentials", "credentials_lookup.go", `if field, reason := creds.malformed(); field != "" {`, `if field, reason := creds.malformed(); field == "x" {`, "TestDefaultCredentialsFail|TestSourceRecovers"},
	{"no content of a file is in an error", "credentials_lookup.go", `fileContent.ReplaceAllString(text, "$1: ...")`, `fileContent.ReplaceAllString(text, "$0")`, "TestLookupErrorTexts|TestDefaultCredentialsFail"},
	{"of the chain's error the end is shown", "credentials_lookup.go", `isChain && over > 0`, `isChain && over > 1<<20`, "TestLookupErrorTexts"},
	{"a default chain that was refused is rebuilt, in FromCredential", "credentials_lookup.go", `if isChain && (refused || failed) {`, `if isChain && failed {`, "TestRenewedCredentialsAreRead"},
	{"a default chain that has failed is rebuilt, in FromCredential", "credentials_lookup.go", `if isChain && (refused || failed) {`, `if isChain && refused {`, "TestFromCredentialOfAFailedChain"},
	{"another credential is never replaced by the default chain", "credentials_lookup.go", ` && strings.HasPrefix(value(model.ProviderName), "default/")`, ``, "TestFromCredentialIsNotReplaced"},
	{"the chain is rebuilt after a refusal", "credentials_chain.go", `if c.current == nil || refused {`, `if c.current == nil {`, "TestRenewedCredentialsAreRead|TestFailureKeepsTheIdentity"},
	{"a configured source that fails is not the lack of one", "credentials_chain.go", `if !malformed && !source.isConfigured(err) {`, `if !malformed {`, "TestDefaultCredentialsFail"},
	{"a failure does not change the identity", "credentials_chain.go", `malformed || source.name == c.worked {`, `malformed {`, "TestFailureKeepsTheIdentity"},
	{"malformed credentials do not change the identity", "credentials_chain.go", `malformed || source.name == c.worked {`, `source.name == c.worked {`, "TestDefaultCredentialsFail"},
	{"a source that has worked is not the lack of one", "credentials_chain.go", `case c.worked != "":`, `case c.worked == "x":`, "TestFailureKeepsTheIdentity"},
	{"an instance without a role has no credentials", "credentials_chain.go", `, strings.Contains(text, "/security-credentials/ 404"):`, `:`, "TestHasInstanceRole"},
	{"a metadata service that fails for now is a source", "credentials_chain.go", `(?:429|5[0-9][0-9])`, `(?:999)`, "TestDefaultCredentialsFailOfServices|TestHasInstanceRole"},
	{"a provider's own timeout is not that of the attempt", "attempt.go", `case ctx.Err() != nil:
		return a.credentialsTimeout`, `case err != nil && isContextError(err):
		return a.credentialsTimeout`, "TestProviderErrors"},
	{"half an access key is not the lack of one", "attempt.go", `case creds.AccessKeyID == "" && creds.AccessKeySecret == "":`, `case creds.AccessKeyID == "" || creds.AccessKeySecret == "":`, "TestProviderErrors|TestFailingProviderEndsNothing"},
}
