//go:build !race

package forming

// raceDetector: the tests run under the race detector.
const raceDetector = false
