package history

import (
	"fmt"
	"slices"
)

// Check says what is wrong with a history as a record, whatever the cluster did: operations out of order, stamps given twice,
// unknown words, answers that lack what they must carry. The error is ErrMalformed.
func (h History) Check() error {
	stamps := make([]uint64, 0, 2*len(h.Operations)+len(h.Faults))
	last := uint64(0)
	for i, o := range h.Operations {
		if err := o.check(); err != nil {
			return fmt.Errorf("%w: operation %d (call %d): %w", ErrMalformed, i, o.Call, err)
		}
		if o.Call < last {
			return fmt.Errorf("%w: operation %d is not in the order of calls", ErrMalformed, i)
		}
		last = o.Call
		stamps = append(stamps, o.Call)
		if o.Return != 0 {
			stamps = append(stamps, o.Return)
		}
	}
	for i, f := range h.Faults {
		if f.Stamp == 0 || f.Kind == "" {
			return fmt.Errorf("%w: fault %d has no stamp or no kind", ErrMalformed, i)
		}
		stamps = append(stamps, f.Stamp)
	}
	slices.Sort(stamps)
	for i := 1; i < len(stamps); i++ {
		if stamps[i] == stamps[i-1] {
			return fmt.Errorf("%w: stamp %d was given twice", ErrMalformed, stamps[i])
		}
	}
	return h.checkFinals()
}

func (h History) checkFinals() error {
	seen := make(map[string]bool, len(h.Finals))
	for _, f := range h.Finals {
		if f.Node == "" || seen[f.Node] {
			return fmt.Errorf("%w: two finals, or one without a name, of node %q", ErrMalformed, f.Node)
		}
		seen[f.Node] = true
	}
	return nil
}

func (o Operation) check() error {
	if !slices.Contains([]Kind{Create, Get, Follow, Delete, Edit, Visit, Grant, Revoke}, o.Kind) {
		return fmt.Errorf("unknown kind %q", o.Kind)
	}
	if !slices.Contains([]Outcome{OK, NotFound, Gone, Taken, Conflict, Refused, Unauthorized, Unknown}, o.Outcome) {
		return fmt.Errorf("unknown outcome %q", o.Outcome)
	}
	switch {
	case o.Call == 0:
		return fmt.Errorf("no stamp of the call")
	case o.Return == 0 && o.Outcome != Unknown:
		return fmt.Errorf("%s without a stamp of the return", o.Outcome)
	case o.Return != 0 && o.Return <= o.Call:
		return fmt.Errorf("returned at %d, before it was called", o.Return)
	case o.Client < 0 || o.At < 0 || o.Took < 0:
		return fmt.Errorf("a number is negative")
	}
	return o.checkWords()
}

// checkWords says what an operation of its kind lacks, or has that belongs to another kind.
func (o Operation) checkWords() error {
	ofKeys := o.Kind == Grant || o.Kind == Revoke
	switch {
	case ofKeys && (o.Code != "" || o.Target != ""), o.Holder == "" && (o.Kind == Revoke || o.Kind == Grant && o.Outcome == OK):
		return fmt.Errorf("%s, %s, without a holder, or of a link", o.Kind, o.Outcome)
	case o.Code == "" && !ofKeys && (o.Kind != Create || o.Slug || o.Outcome == OK):
		return fmt.Errorf("%s, %s, without a code", o.Kind, o.Outcome)
	case o.Target == "" && (o.Kind == Create || o.Kind == Edit):
		return fmt.Errorf("%s without a target", o.Kind)
	case o.Given != "" && o.Outcome != OK:
		return fmt.Errorf("%s that gave something", o.Outcome)
	case o.Kind != Create && (o.Slug || o.Key != "" || o.Limit != 0):
		return fmt.Errorf("%s with a slug, key or limit", o.Kind)
	case o.Visits != 0 && !o.Counted, o.Counted && (o.Kind != Get || o.Outcome != OK):
		return fmt.Errorf("%s, %s, with a number of visits", o.Kind, o.Outcome)
	}
	return nil
}
