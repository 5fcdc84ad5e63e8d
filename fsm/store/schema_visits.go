package store

import (
	"encoding/binary"
	"fmt"

	"tinyurl/fsm/visit"
)

// visited appends the key of a subject's row for a period: what is oldest stands first in its space, to be dropped from the front.
func (s schema) visited(buf []byte, space byte, period uint32, of visit.Subject) []byte {
	return of.Append(binary.BigEndian.AppendUint32(s.prefix(buf, space), period))
}

// visitTotal appends the key of a subject's number of visits.
func (s schema) visitTotal(buf []byte, of visit.Subject) []byte {
	return of.Append(s.prefix(buf, spaceVisitTotals))
}

func (s schema) visitRolled(buf []byte) []byte { return s.prefix(buf, spaceVisitRolled) }

func (s schema) visitMark(buf []byte, node string) []byte {
	return append(s.prefix(buf, spaceVisitMarks), node...)
}

// cutVisited takes a key of visited apart.
func cutVisited(key []byte) (period uint32, of visit.Subject, err error) {
	rest := key[prefixSize:]
	if len(rest) < 4 {
		return 0, of, fmt.Errorf("%w: a key of visits of %d bytes", ErrDamaged, len(key))
	}
	of, err = visit.ParseSubject(rest[4:])
	return binary.BigEndian.Uint32(rest), of, damaged(err)
}

// damaged says of an error of package visit that what was read is damaged.
func damaged(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// checkVisits says whether a row of visits could have been written by this package.
func checkVisits(key, value []byte) error {
	var err error
	switch rest := key[prefixSize:]; key[prefixSize-1] {
	case spaceVisitHours, spaceVisitDays, spaceVisitMonths:
		if _, _, err = cutVisited(key); err == nil {
			_, err = decodeStats(value)
		}
	case spaceVisitTotals:
		if _, err = visit.ParseSubject(rest); err != nil {
			return damaged(err)
		}
		_, err = decodeCounts(value)
	case spaceVisitMarks:
		if len(rest) == 0 || len(rest) > maxNode {
			return fmt.Errorf("%w: a node's name of %d bytes", ErrDamaged, len(rest))
		}
		_, err = decodeVisitMark(value)
	case spaceVisitRolled:
		if len(rest) > 0 {
			return fmt.Errorf("%w: a key of %d bytes too many", ErrDamaged, len(rest))
		}
		_, err = decodeRolled(value)
	}
	return err
}
