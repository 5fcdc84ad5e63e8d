package harness

import (
	"context"
	"testing"
	"time"
)

// pollEvery is how often a condition is looked at.
const pollEvery = 50 * time.Millisecond

// Eventually waits until check returns nil, and fails the test with its last error when that takes longer than within. The
// context given to check ends then.
func Eventually(tb testing.TB, within time.Duration, what string, check func(context.Context) error) {
	tb.Helper()
	if err := poll(tb.Context(), within, check); err != nil {
		tb.Fatalf("%s: not within %v: %v", what, within, err)
	}
}

// poll returns nil once check does, or its last error.
func poll(ctx context.Context, within time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if !pause(ctx, pollEvery) {
			return err
		}
	}
}
