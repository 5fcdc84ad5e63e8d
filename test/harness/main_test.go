package harness

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing of a cluster that has ended may go on: neither the harness's own nor, as nodes may run in this process, theirs.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
