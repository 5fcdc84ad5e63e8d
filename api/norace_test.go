//go:build !race

package api

// raceDetector: the code runs under the race detector, which allocates for itself.
const raceDetector = false
