package store

import (
	"errors"
	"testing"

	"tinyurl/fsm/visit"
)

func TestRowsOfVisitsAreReadStrictly(t *testing.T) {
	s := schema{}
	all := visit.Subject{Kind: visit.OfAll}
	stats := encodeStats(nil, visit.Stats{Counts: visit.Counts{Humans: 1}})
	counts := encodeCounts(nil, visit.Counts{Bots: 1})
	mark := encodeVisitMark(nil, VisitMark{Boot: 1, Sequence: 2})
	done := encodeRolled(nil, rolled{hour: 3, last: all})
	for name, c := range map[string]struct {
		key, value []byte
		want       error
	}{
		"an hour":                {s.visited(nil, spaceVisitHours, 1, all), stats, nil},
		"a day":                  {s.visited(nil, spaceVisitDays, 1, all), stats, nil},
		"a month":                {s.visited(nil, spaceVisitMonths, 1, all), stats, nil},
		"a total":                {s.visitTotal(nil, all), counts, nil},
		"a mark":                 {s.visitMark(nil, "n"), mark, nil},
		"a place":                {s.visitRolled(nil), done, nil},
		"a place between hours":  {s.visitRolled(nil), encodeRolled(nil, rolled{hour: 3}), nil},
		"half an hour":           {s.visitedFrom(spaceVisitHours, 1)[:prefixSize+3], stats, ErrDamaged},
		"an hour of nothing":     {s.visitedFrom(spaceVisitHours, 1), stats, ErrDamaged},
		"an hour with a tail":    {s.visited(nil, spaceVisitHours, 1, all), append(stats[:len(stats):len(stats)], 0), ErrDamaged},
		"an hour of later days":  {s.visited(nil, spaceVisitHours, 1, all), append([]byte{2}, stats[1:]...), ErrFormat},
		"a total of nothing":     {s.visitTotal(nil, visit.Subject{})[:prefixSize], counts, ErrDamaged},
		"a total of all sorts":   {s.visitTotal(nil, visit.Subject{Kind: 9, Name: "x"}), counts, ErrDamaged},
		"a total cut short":      {s.visitTotal(nil, all), counts[:3], ErrDamaged},
		"a mark of nobody":       {s.visitMark(nil, ""), mark, ErrDamaged},
		"a mark with a tail":     {s.visitMark(nil, "n"), append(mark[:len(mark):len(mark)], 0), ErrDamaged},
		"a place with a name":    {append(s.visitRolled(nil), 1), done, ErrDamaged},
		"a place of all sorts":   {s.visitRolled(nil), encodeRolled(nil, rolled{hour: 3, last: visit.Subject{Kind: 9, Name: "x"}}), ErrDamaged},
		"a place after all time": {s.visitRolled(nil), encodeRolled(nil, rolled{hour: visit.MaxHour + 2}), ErrDamaged},
	} {
		if err := s.checkRow(c.key, c.value); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
