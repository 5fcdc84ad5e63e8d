//go:build race

package cluster

// raceDetector: the tests run under the race detector.
const raceDetector = true
