package main

// Signing: signer.go and internal/acs3.
var signingRows = []mutant{
	{"credentials with control characters are refused", "internal/acs3/headers.go", `case HasControl(s):`, `case HasControl(s) && s == "x":`, "TestSignRefuses|TestInvalidHeaderValue"},
	{"headers are signed in the order of their names", "internal/acs3/headers.go", `cmp.Compare(a.name, b.name)`, `cmp.Compare(b.name, a.name)`, "TestSignHeaders|TestSignedHeaders"},
	{"the token of an earlier signature is not sent", "signer.go", `delete(req.Header, acs3.HeaderSecurityToken)`, `_ = req.Header`, "TestSignAgain|TestSignToken"},
	{"a header that Sign sets is in the request once", "signer.go", `acs3.RemoveNonCanonical(req.Header)`, `_ = req.Header`, "TestSignLeavesNothing|TestSignAgain"},
	{"a header in two spellings is signed with all its values", "internal/acs3/headers.go", ` && s.known[index].name == ""`, ``, "TestSignHeaders|TestSignedHeaders"},
	{"the signature covers every x-acs-* header", "internal/acs3/headers.go", `strings.HasPrefix(name, "x-acs-")`, `strings.HasPrefix(name, "x-acs-a")`, "TestSignHeaders|TestSignedHeaders"},
	{"a query is signed in its canonical order", "internal/acs3/canonical.go", `raw[start:i] >= last`, `raw[start:i] != last`, "TestCanonicalQuery|TestSignWhatIsSent"},
	{"a path segment is encoded once", "internal/acs3/canonical.go", `url.PathUnescape(segment); err == nil`, `url.PathUnescape(segment); err != nil`, "TestCanonicalPath|TestSignWhatIsSent"},
	{"headers of the caller are signed", "internal/acs3/headers.go", `if len(s.others) == 0 {`, `if len(s.others) <= 1 {`, "TestSignHeaders|TestSignedHeaders"},
}
