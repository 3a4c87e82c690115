//go:build race

package livetranscode

// raceEnabled: the race detector allocates on its own, and drops what sync.Pool keeps.
const raceEnabled = true
