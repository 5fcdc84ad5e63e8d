package harness

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Nothing of a cluster that has ended may go on: neither the harness's own nor, as nodes may run in this process, theirs.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := left(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// left tells what does not end. Each look takes about 2 s, and one is not enough on a busy machine: memberlist does not wait
// for a probe that is under way, which ends when its time is over, and that is the longer the slower answers were.
func left() (err error) {
	for range 6 {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}
