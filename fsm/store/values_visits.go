package store

import (
	"encoding/binary"

	"tinyurl/fsm/visit"
)

// VisitMark is the last visits of a node that were counted: those that are not behind it were counted before.
type VisitMark struct {
	// Boot and Sequence are the node's own. Those of a later boot are behind those of an earlier one.
	Boot, Sequence uint64
}

// Before says whether o is behind m.
func (m VisitMark) Before(o VisitMark) bool {
	return m.Boot < o.Boot || m.Boot == o.Boot && m.Sequence < o.Sequence
}

func encodeVisitMark(buf []byte, m VisitMark) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(append(buf, valueVersion, 0), m.Boot), m.Sequence)
}

func decodeVisitMark(value []byte) (VisitMark, error) {
	d := reader{rest: value}
	d.head(0)
	m := VisitMark{Boot: d.uvarint(), Sequence: d.uvarint()}
	return m, d.end("mark of visits")
}

// statsBody takes the head off a value whose rest package visit reads.
func statsBody(value []byte, what string) ([]byte, error) {
	d := reader{rest: value}
	d.head(0)
	body := d.rest
	d.rest = nil
	return body, d.end(what)
}

func encodeStats(buf []byte, s visit.Stats) []byte { return s.Append(append(buf, valueVersion, 0)) }

func decodeStats(value []byte) (visit.Stats, error) {
	body, err := statsBody(value, "row of visits")
	if err != nil {
		return visit.Stats{}, err
	}
	s, err := visit.ParseStats(body)
	return s, damaged(err)
}

func encodeCounts(buf []byte, c visit.Counts) []byte { return c.Append(append(buf, valueVersion, 0)) }

func decodeCounts(value []byte) (visit.Counts, error) {
	body, err := statsBody(value, "number of visits")
	if err != nil {
		return visit.Counts{}, err
	}
	c, err := visit.ParseCounts(body)
	return c, damaged(err)
}

// rolled is how far hours were added to days, months and totals: all hours before hour, and of hour itself the subjects up to last,
// in their order. The zero rolled is nothing.
type rolled struct {
	hour visit.Hour
	last visit.Subject // the zero Subject: none of hour
}

// covers says whether the visits of a subject in an hour were added.
func (r rolled) covers(hour visit.Hour, of visit.Subject) bool {
	return hour < r.hour || hour == r.hour && of.Compare(r.last) <= 0
}

func encodeRolled(buf []byte, r rolled) []byte {
	buf = binary.AppendUvarint(append(buf, valueVersion, 0), uint64(r.hour))
	if r.last == (visit.Subject{}) {
		return buf
	}
	return r.last.Append(buf)
}

func decodeRolled(value []byte) (rolled, error) {
	d := reader{rest: value}
	d.head(0)
	hour := d.uvarint()
	d.require(hour <= uint64(visit.MaxHour)+1)
	r := rolled{hour: visit.Hour(hour)}
	subject := d.rest
	d.rest = nil
	if err := d.end("place in the visits"); err != nil || len(subject) == 0 {
		return r, err
	}
	var err error
	r.last, err = visit.ParseSubject(subject)
	return r, damaged(err)
}
