package command

import (
	"fmt"
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// benchBatch is what one node proposes for n creates, with or without clients' idempotency keys.
func benchBatch(n int, once bool) Batch {
	b := Batch{Origin: Origin{Node: "n1-3f9c2a", Boot: 1_700_000_000_000}, Floor: 1_000_000}
	for i := range n {
		d := link.Draft{Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.com/some/path/%07d?and=query", i))}}
		if once {
			d.Once = &link.Once{Scope: "root", Key: fmt.Sprintf("8b1c6c0e-3f0e-4f0a-9a53-%012d", i), Body: [32]byte{byte(i)}}
		}
		b.Operations = append(b.Operations, Operation{Sequence: 1_000_000 + uint64(i), Command: Create{Draft: d}})
	}
	return b
}

// benchSizes runs a benchmark for one, some and many creates, and says what one of them costs.
func benchSizes(b *testing.B, name string, run func(b *testing.B, n int)) {
	for _, n := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("%screates=%d", name, n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/create")
		})
	}
}

func BenchmarkEncodeBatch(b *testing.B) {
	for _, once := range []bool{false, true} {
		benchSizes(b, fmt.Sprintf("once=%v/", once), func(b *testing.B, n int) {
			batch := benchBatch(n, once)
			for b.Loop() {
				if _, err := EncodeBatch(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeEntry(b *testing.B) {
	for _, once := range []bool{false, true} {
		benchSizes(b, fmt.Sprintf("once=%v/", once), func(b *testing.B, n int) {
			data, err := EncodeEntry(Entry{Time: time.UnixMilli(1_700_000_000_000), Batches: []Batch{benchBatch(n, once)}})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := DecodeEntry(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJoin puts the batches of three nodes into one entry.
func BenchmarkJoin(b *testing.B) {
	benchSizes(b, "", func(b *testing.B, n int) {
		part, err := EncodeBatch(benchBatch(max(n/3, 1), false))
		if err != nil {
			b.Fatal(err)
		}
		stamp := time.UnixMilli(1_700_000_000_000)
		for b.Loop() {
			if _, err := Join(stamp, part, part, part); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkResults is the way of the answers from the leader to the node that asked.
func BenchmarkResults(b *testing.B) {
	benchSizes(b, "", func(b *testing.B, n int) {
		at := time.UnixMilli(1_700_000_000_000).UTC()
		results := make([]Result, n)
		for i := range results {
			results[i].Link = link.Link{Code: "abcdefg", Fields: link.Fields{Target: "https://example.com/some/path?and=query"}, CreatedAt: at, UpdatedAt: at, Version: 1}
		}
		for b.Loop() {
			data, err := EncodeResults(results)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := DecodeResults(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
