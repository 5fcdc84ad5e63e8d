package fsm

import (
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// consume counts a visit of a link that may have only so many. One that may have any number is not counted here.
func (e *entry) consume(code link.Code) (command.Result, error) {
	l, refusal, err := e.owned(code, nil)
	if err != nil || refusal != nil {
		return refused(refusal), err
	}
	switch l.Route().State(e.stamp) {
	case link.Open:
	case link.NotYet:
		return refused(link.ErrNotFound), nil
	default:
		return refused(link.ErrGone), nil
	}
	if l.MaxVisits == 0 {
		return command.Result{Link: l}, nil
	}
	l.Visits++
	return command.Result{Link: l}, e.batch.Put(l)
}
