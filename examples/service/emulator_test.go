package main

import "testing"

func TestRunWithEmulator(t *testing.T) {
	t.Parallel()
	runs(t, map[string]string{"ENDPOINT": ""}, "")
	runs(t, map[string]string{"ENDPOINT": "", "DATABASE": t.TempDir() + "/jobs.db"}, "set ENDPOINT too")
}
