package main

// Signing: signer.go and internal/acs3.
var signingRows = []mutant{
	{"credentials with control characters are refused", "internal/acs3/headers.go", `case HasControl(s):`, `case HasControl(s) && s == "x":`, "TestSignRefuses"},
	{"headers are signed in the order of their names", "internal/acs3/headers.go", `cmp.Compare(a.name, b.name)`, `cmp.Compare(b.name, a.name)`, "TestSignHeaders"},
	{"a token of a signature before is not sent", "signer.go", `delete(req.Header, acs3.HeaderSecurityToken)`, `_ = req.Header`, "TestSignAgain|TestSignToken"},
	{"what Sign sets stands there once", "signer.go", `acs3.RemoveNonCanonical(req.Header)`, `_ = req.Header`, "TestSignLeavesNothing|TestSignAgain"},
	{"a header in two spellings is signed whole", "internal/acs3/headers.go", ` && s.known[index].name == ""`, ``, "TestSignHeaders"},
	{"the signature covers every x-acs-* header", "internal/acs3/headers.go", `strings.HasPrefix(name, "x-acs-")`, `strings.HasPrefix(name, "x-acs-a")`, "TestSignHeaders"},
}
