package store

import (
	"fmt"
	"time"

	"tinyurl/fsm/link"
)

// Position is where the batch stands: the last Advance, or where it began.
func (b *Batch) Position() Position { return b.next.position }

// Counter is the last id given out or passed over.
func (b *Batch) Counter() link.ID { return b.next.counter }

// SetCounter moves the counter on, to link.MaxID at most. That it falls is ErrMisuse.
func (b *Batch) SetCounter(id link.ID) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if id < b.next.counter || id > link.MaxID {
		return b.fail(fmt.Errorf("%w: the counter moves from %d to %d", ErrMisuse, b.next.counter, id))
	}
	b.next.counter = id
	return nil
}

// Stamp is the time of the last entry; zero before the first.
func (b *Batch) Stamp() time.Time { return timeOf(b.next.stamp) }

// SetStamp sets the time of the current entry, cut to milliseconds. That it runs backwards is ErrMisuse: the caller clamps.
func (b *Batch) SetStamp(t time.Time) error {
	if err := b.changeable(); err != nil {
		return err
	}
	stamp, err := stampOf(t)
	if err != nil {
		return b.fail(err)
	}
	if stamp < b.next.stamp {
		return b.fail(fmt.Errorf("%w: the stamp runs back from %v to %v", ErrMisuse, timeOf(b.next.stamp), t))
	}
	b.next.stamp = stamp
	return nil
}

// Codec turns ids into codes and back; false until a code key is set.
func (b *Batch) Codec() (*link.Codec, bool) { return b.next.codec, b.next.codec != nil }

// CodeKey is the key behind Codec; false until it is set.
func (b *Batch) CodeKey() (key [16]byte, ok bool) { return b.next.codeKey, b.next.hasKey }

// SetCodeKey sets the key that codes are made with, once and for all: another one afterwards is ErrMisuse.
func (b *Batch) SetCodeKey(key [16]byte) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if b.next.hasKey {
		if b.next.codeKey != key {
			return b.fail(fmt.Errorf("%w: the code key cannot change", ErrMisuse))
		}
		return nil
	}
	b.next.codeKey, b.next.hasKey, b.next.codec = key, true, link.NewCodec(key)
	return nil
}

// ClusterVersion selects what commands mean; 0 until it is set.
func (b *Batch) ClusterVersion() uint32 { return b.next.version }

// SetClusterVersion raises the cluster version. That it falls is ErrMisuse.
func (b *Batch) SetClusterVersion(v uint32) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if v < b.next.version {
		return b.fail(fmt.Errorf("%w: the cluster version falls from %d to %d", ErrMisuse, b.next.version, v))
	}
	b.next.version = v
	return nil
}

// Links is how many links there are, deleted ones not counted.
func (b *Batch) Links() uint64 { return b.next.links }
