package command

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameEntry = cmp.Options{cmpopts.EquateEmpty()}

func FuzzDecodeEntry(f *testing.F) {
	entry, _ := everything()
	data, err := marshal(entry)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{format})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEntry(data)
		if err != nil {
			return
		}
		again, err := EncodeEntry(e)
		if err != nil {
			// Only limits may differ: what was read in a wasteful encoding of several batches.
			if !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		if back, err := DecodeEntry(again); err != nil || !cmp.Equal(e, back, sameEntry) {
			t.Fatalf("decoded again: %v\n%s", err, cmp.Diff(e, back, sameEntry))
		}
	})
}

func FuzzDecodeBatch(f *testing.F) {
	entry, _ := everything()
	data, err := marshal(entry.Batches[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{format, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBatch(data)
		if err != nil {
			if !errors.Is(err, ErrUpgrade) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		again, err := EncodeBatch(b)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeBatch(again); err != nil || !cmp.Equal(b, back, sameEntry) {
			t.Fatalf("decoded again: %v\n%s", err, cmp.Diff(b, back, sameEntry))
		}
	})
}
