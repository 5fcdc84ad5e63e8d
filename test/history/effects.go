package history

import "tinyurl/fsm/command"

// Nothing reports whether an entry would change nothing.
func (e Entry) Nothing() bool {
	return len(e.Creates)+len(e.Deletes)+len(e.Edits)+len(e.Visits)+len(e.Grants)+len(e.Revokes) == 0
}

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
			case command.Consume:
				e.Visits = append(e.Visits, string(c.Code))
			case command.CreateKey:
				e.Grants = append(e.Grants, c.Key.ID)
			case command.RevokeKey:
				e.Revokes = append(e.Revokes, c.ID)
			}
		}
	}
	return e
}
