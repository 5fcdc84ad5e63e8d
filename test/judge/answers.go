package judge

import (
	"fmt"

	"tinyurl/test/history"
)

// checkAnswers: every answer is one that its request can have, and about what was asked for.
func checkAnswers(t *trial) {
	for i := range t.h.Operations {
		o := &t.h.Operations[i]
		if o.Given != "" {
			t.accuse(o.Code, fmt.Sprintf("node %s answered a %s with something else: %s", o.Node, o.Kind, o.Given), i)
		}
		sensible := true
		switch o.Outcome {
		case history.OK:
			sensible = o.Target != "" || o.Kind == history.Delete || o.Kind == history.Grant || o.Kind == history.Revoke
		case history.NotFound:
			sensible = o.Kind != history.Create && o.Kind != history.Grant
		case history.Gone:
			sensible = o.Kind != history.Create && o.Kind != history.Grant && o.Kind != history.Revoke
		case history.Unauthorized:
			sensible = asksWithKey(o)
		case history.Taken:
			sensible = o.Kind == history.Create && o.Slug
		case history.Conflict:
			sensible = o.Kind == history.Edit || o.Kind == history.Create && o.Key != ""
		}
		if !sensible {
			t.accuse(o.Code, fmt.Sprintf("node %s answered a %s with %s, which means nothing", o.Node, o.Kind, o.Outcome), i)
		}
	}
}
