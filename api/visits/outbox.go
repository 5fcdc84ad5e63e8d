package visits

import (
	"context"
	"errors"
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

// parcel is what is sent at once.
type parcel struct {
	mark    Mark
	tallies []byte
}

// outbox sends what was counted, one parcel after the other. It belongs to one goroutine at a time.
type outbox struct {
	sink Sink
	// left are the parcels of an earlier life. They go first, as they are.
	left []parcel
	// waiting are tallies that are in no parcel yet, in order.
	waiting []visit.Tally
	// next is the parcel under way; without tallies there is none. Its mark is the last one that was used, none before begun.
	next  parcel
	begun bool
	// ending are parcels that will not be sent in this life any more.
	ending []parcel
}

// empty says whether all was sent.
func (o *outbox) empty() bool {
	return len(o.left) == 0 && len(o.waiting) == 0 && o.next.tallies == nil
}

// fill adds what was counted, and that by tags. It is only called while nothing waits, or at the end: tallies of one subject must not
// meet in one parcel.
func (o *outbox) fill(tallies []visit.Tally) { o.waiting = withTags(o.sink, tallies) }

// fillBehind is fill at the end, while something waits: that becomes parcels of its own.
func (o *outbox) fillBehind(tallies []visit.Tally) {
	o.ending = o.packed()
	o.fill(tallies)
}

// send sends one parcel, if there is something to send.
func (o *outbox) send(ctx context.Context) error {
	if len(o.left) > 0 {
		return o.sendLeft(ctx)
	}
	if err := o.begin(ctx); err != nil {
		return err
	}
	o.pack()
	if o.next.tallies == nil {
		return nil
	}
	if err := o.sink.Send(ctx, o.next.mark, o.next.tallies); err != nil {
		return err
	}
	o.next.tallies = nil
	return nil
}

// sendLeft sends a parcel of an earlier run. One that was never sent has no mark yet.
func (o *outbox) sendLeft(ctx context.Context) error {
	first := &o.left[0]
	if first.mark == (Mark{}) {
		if err := o.begin(ctx); err != nil {
			return err
		}
		o.next.mark.Sequence++
		first.mark = o.next.mark
	}
	if err := o.sink.Send(ctx, first.mark, first.tallies); err != nil {
		return fmt.Errorf("visits of an earlier run: %w", err)
	}
	o.left = o.left[1:]
	return nil
}

// begin finds out under which boot this run sends.
func (o *outbox) begin(ctx context.Context) error {
	if o.begun {
		return nil
	}
	boot, err := o.sink.Begin(ctx)
	if err != nil {
		return fmt.Errorf("visits: %w", err)
	}
	o.next.mark, o.begun = Mark{Boot: boot}, true
	return nil
}

// pack makes the next parcel, if there is none.
func (o *outbox) pack() {
	if o.next.tallies != nil || len(o.waiting) == 0 {
		return
	}
	n := max(1, visit.Fit(o.waiting, Longest)) // one tally always fits, see visit.MaxEncoded
	if o.begun {
		o.next.mark.Sequence++
	}
	o.next.tallies = visit.AppendTallies(nil, o.waiting[:n])
	o.waiting = slices.Clip(o.waiting[n:])
}

// sendAll sends what there is until ctx ends.
func (o *outbox) sendAll(ctx context.Context) error {
	for !o.empty() {
		if err := errors.Join(ctx.Err(), o.send(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// rest gives what was not sent, in parcels; those that nobody was ever sent have no mark. It is asked for at the end.
func (o *outbox) rest() []parcel {
	return slices.Concat(o.left, o.ending, o.packed())
}

// packed gives all that waits in parcels.
func (o *outbox) packed() (parcels []parcel) {
	for o.pack(); o.next.tallies != nil; o.pack() {
		parcels = append(parcels, o.next)
		o.next.tallies = nil
	}
	return parcels
}

// subject is what visits are counted of, in an hour.
type subject struct {
	hour visit.Hour
	of   visit.Subject
}

// withTags adds to the tallies of links those of the links' tags.
func withTags(sink Sink, tallies []visit.Tally) []visit.Tally {
	var codes []string
	for _, t := range tallies {
		if t.Subject.Kind == visit.OfLink {
			codes = append(codes, t.Subject.Name)
		}
	}
	tags := sink.Tags(codes)
	sums := make(map[subject]visit.Stats)
	for _, t := range tallies {
		if t.Subject.Kind != visit.OfLink || len(tags) == 0 {
			continue
		}
		for _, tag := range tags[0] {
			of := subject{t.Hour, visit.Subject{Kind: visit.OfTag, Name: tag}}
			sums[of] = sums[of].Merge(t.Stats)
		}
		tags = tags[1:]
	}
	if len(sums) == 0 {
		return tallies
	}
	for of, stats := range sums {
		tallies = append(tallies, visit.Tally{Hour: of.hour, Subject: of.of, Stats: stats})
	}
	slices.SortFunc(tallies, visit.Tally.Compare)
	return tallies
}
