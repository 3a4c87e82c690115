// Package e2e tests livetranscodetemporal end to end: with a Temporal server, with workers that are processes of their
// own and are killed, and with the emulator of the service behind HTTP. It has no code but tests.
//
// The tests need the temporal command in PATH, or its path in TEMPORAL_CLI, and take some minutes, most of which they
// wait for timeouts of activities:
//
//	go install github.com/temporalio/cli/cmd/temporal@v1.5.1
//	go test -parallel 6 -timeout 30m .
//
// With -record they write the histories that the module's replay test reads; see CONTRIBUTING.md.
package e2e
