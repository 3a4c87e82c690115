//go:build !race

package livetranscode

const raceEnabled = false
