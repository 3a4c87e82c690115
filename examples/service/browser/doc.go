// Package browser tests the page of examples/service in a real browser: Debian's chromium, without a window. It is a
// module of its own, so that those who copy the service need no browser. "go test ." skips without chromium.
package browser
