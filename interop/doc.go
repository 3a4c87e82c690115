// Package interop holds Alibaba's own SDK against this library: its signature against our Signer, its client
// against the emulator, its requests against ours. It is a module of its own, so that the library does not
// depend on that SDK. There are only tests; README.md says what they prove.
package interop
