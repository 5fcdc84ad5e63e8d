package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tinyurl/test/history"
)

// fingerprint is equal for two runs of a seed that went the same way: the same requests at the same virtual times with the same
// answers, the same faults, the same log.
func fingerprint(h history.History) string {
	sum := sha256.New()
	for _, op := range h.Operations {
		fmt.Fprintln(sum, op.Client, op.Node, op.Kind, op.Code, op.Target, op.Outcome, op.At, op.Took)
	}
	for _, f := range h.Faults {
		fmt.Fprintln(sum, f.Kind, f.What, f.At)
	}
	for _, e := range h.Entries {
		fmt.Fprintln(sum, e.Index, e.Term, len(e.Creates), len(e.Deletes))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
