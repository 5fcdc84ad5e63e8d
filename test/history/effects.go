package history

import "tinyurl/fsm/command"

// Effects is what a log entry would do; node, index and term are left to the caller.
func Effects(entry command.Entry) Entry {
	var e Entry
	for _, b := range entry.Batches {
		for _, op := range b.Operations {
			switch c := op.Command.(type) {
			case command.Create:
				effect := Effect{Code: string(c.Draft.Slug), Target: string(c.Draft.Target)}
				if c.Draft.Once != nil {
					effect.Key = c.Draft.Once.Key
				}
				e.Creates = append(e.Creates, effect)
			case command.Edit:
				e.Edits = append(e.Edits, Effect{Code: string(c.Edit.Code), Target: string(c.Edit.Target)})
			case command.Delete:
				e.Deletes = append(e.Deletes, string(c.Code))
			}
		}
	}
	return e
}
