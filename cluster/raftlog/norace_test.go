//go:build !race

package raftlog

// raceDetector: the tests run under the race detector.
const raceDetector = false
