package main

import "slices"

// A mutant is a change of the source that breaks a rule.
type mutant struct {
	name     string // the rule
	file     string
	old, new string // old occurs in the file exactly once
	run      string // the tests that must fail, as for go test -run
}

// mutants is the mutation table.
var mutants = slices.Concat(signingRows, callRows, modelsRows, credentialsRows, redactionRows, watchingRows, emulatorRows)
