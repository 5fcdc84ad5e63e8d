package visits

import (
	"context"
	"fmt"
	"slices"

	"tinyurl/fsm/visit"
)

// Mark tells apart what a node sends: Boot grows with its every start, Sequence with everything it sends since.
type Mark struct{ Boot, Sequence uint64 }

// Sink takes what was counted for the whole cluster.
type Sink interface {
	// Begin gives a boot above all under which visits of this node were counted before. It is called until it succeeds, and then no more.
	Begin(ctx context.Context) (boot uint64, err error)
	// Send has tallies counted, an encoding of package visit. Where it fails they may have been counted nevertheless: they are sent again
	// under the same mark, until it succeeds. It bounds itself, to seconds.
	Send(ctx context.Context, m Mark, tallies []byte) error
	// Tags gives the tags of links as far as this node knows: to each code its tags, in order.
	Tags(codes []string) [][]string
}

// Longest is the most bytes of tallies that are sent at once.
const Longest = 128 << 10

// parcel is what is sent at once. It gets its mark when it is about to be sent for the first time, and keeps it.
type parcel struct {
	mark    Mark
	tallies []byte
}

// outbox sends what was counted, one parcel after the other, so that none but the first can have a mark: marks must come in order. It
// belongs to one goroutine at a time.
type outbox struct {
	sink  Sink
	spool Spool
	// parcels go before waiting, tallies that are in none yet, in order. The first kept of them are in the spool too.
	parcels []parcel
	kept    int
	waiting []visit.Tally
	// last is the mark that was given last; its boot holds for this run once begun.
	last  Mark
	begun bool
}

// empty says whether all was sent.
func (o *outbox) empty() bool { return len(o.parcels) == 0 && len(o.waiting) == 0 }

// fill adds what was counted, and that by tags. It is called only while nothing waits: tallies of one subject must not meet.
func (o *outbox) fill(tallies []visit.Tally) { o.waiting = withTags(o.sink, tallies) }

// send sends one parcel, if there is something to send.
func (o *outbox) send(ctx context.Context) error {
	if len(o.parcels) == 0 && !o.pack() {
		return nil
	}
	first := &o.parcels[0]
	if first.mark == (Mark{}) {
		if err := o.mark(ctx, first); err != nil {
			return err
		}
	}
	if err := o.sink.Send(ctx, first.mark, first.tallies); err != nil {
		return fmt.Errorf("send visits: %w", err)
	}
	o.parcels = o.parcels[1:]
	if o.kept == 0 {
		return nil
	}
	if o.kept--; o.kept > 0 {
		return nil
	}
	return o.spool.Keep(nil)
}

// mark gives a parcel the next mark. That of one in the spool is kept there before it is used: else a crash would have it sent again
// under another one, and counted twice.
func (o *outbox) mark(ctx context.Context, p *parcel) error {
	if !o.begun {
		boot, err := o.sink.Begin(ctx)
		if err != nil {
			return fmt.Errorf("begin to send visits: %w", err)
		}
		o.last, o.begun = Mark{Boot: boot}, true
	}
	next := Mark{Boot: o.last.Boot, Sequence: o.last.Sequence + 1}
	if o.kept > 0 {
		marked := slices.Clone(o.parcels[:o.kept])
		marked[0].mark = next
		if err := o.spool.Keep(encodeSpool(marked)); err != nil {
			return fmt.Errorf("keep the mark of visits: %w", err)
		}
	}
	p.mark, o.last = next, next
	return nil
}

// pack makes a parcel of what waits; false if nothing does.
func (o *outbox) pack() bool {
	if len(o.waiting) == 0 {
		return false
	}
	n := max(1, visit.Fit(o.waiting, Longest)) // one tally always fits, see visit.MaxEncoded
	o.parcels = append(o.parcels, parcel{tallies: visit.AppendTallies(nil, o.waiting[:n])})
	o.waiting = slices.Clip(o.waiting[n:])
	return true
}

// keep puts all that was not sent into the spool, and says how many parcels that was and how many of them there was no room for.
func (o *outbox) keep() (parcels, lost int, err error) {
	for o.pack() {
	}
	parcels = len(o.parcels)
	kept := o.parcels[:min(parcels, maxParcels)]
	return parcels, parcels - len(kept), o.spool.Keep(encodeSpool(kept))
}

// withTags adds to the tallies of links those of the links' tags.
func withTags(sink Sink, tallies []visit.Tally) []visit.Tally {
	var codes []string
	var links []visit.Tally
	for _, t := range tallies {
		if t.Subject.Kind == visit.OfLink {
			codes, links = append(codes, t.Subject.Name), append(links, t)
		}
	}
	tagged := false
	for i, tags := range sink.Tags(codes) {
		for _, tag := range tags {
			tagged = true
			tallies = append(tallies, visit.Tally{Hour: links[i].Hour, Subject: visit.Subject{Kind: visit.OfTag, Name: tag}, Stats: links[i].Stats})
		}
	}
	if !tagged {
		return tallies
	}
	return merged(tallies)
}
