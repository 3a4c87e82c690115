// Package interop compares this library with Alibaba's SDK: the signatures of both, the requests of both, and their
// client calling our emulator. It is a module of its own, so that the library does not depend on that SDK. It has only
// tests; README.md says what they show.
package interop
