package judge

import (
	"fmt"
	"io"

	"github.com/anishathalye/porcupine"
)

const (
	// pictureDeeds is how many operations a picture shows in full; of more, only those that others do not imply.
	pictureDeeds = 400
	// pictureSteps is how long orders are looked for, for a picture.
	pictureSteps = 500_000
)

// draw writes Porcupine's picture of one code as HTML.
func draw(w io.Writer, r *record, code string) error {
	a := r.aliases[code]
	if a == nil {
		return fmt.Errorf("the history does not speak of %q", code)
	}
	t := &trial{record: r}
	s := t.sketch(a)
	deeds := s.deeds
	if len(deeds) > pictureDeeds {
		deeds = s.reduced()
	}
	spent := false
	m := model(pictureSteps, pictureSteps, &spent)
	m.DescribeOperation = func(input, _ any) string { return input.(*deed).describe(s.targets) }
	m.DescribeState = func(in any) string { return in.(state).describe(s.targets) }
	operations := operations(deeds)
	for i, d := range deeds {
		operations[i].ClientId = t.clientOf(d)
		operations[i].Return = min(operations[i].Return, stampOf(r.end+4))
	}
	_, info := porcupine.CheckOperationsVerbose(m, operations, 0)
	var notes []porcupine.Annotation
	for _, f := range r.h.Faults {
		notes = append(notes, porcupine.Annotation{Tag: "faults", Start: stampOf(f.Stamp), Description: f.Kind, Details: f.What})
	}
	info.AddAnnotations(notes)
	return porcupine.Visualize(m, info, w)
}

// clientOf is the client that asked, 0 for what the nodes held in the end.
func (t *trial) clientOf(d *deed) int {
	if d.last < 0 {
		return 0
	}
	return t.h.Operations[d.last].Client
}

// describe is a state in words.
func (s state) describe(targets []string) string {
	switch s.phase {
	case absent:
		return "absent"
	case deleted:
		return "deleted"
	case ended:
		return "the end"
	default:
		target := "a target nobody saw"
		if s.target >= 0 {
			target = targets[s.target]
		}
		text := fmt.Sprintf("version %d: %s", s.version, target)
		if s.limit != 0 {
			text += fmt.Sprintf(", %d of %d visits", s.visits, s.limit)
		}
		return text
	}
}
