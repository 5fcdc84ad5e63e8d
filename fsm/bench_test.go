package fsm

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// BenchmarkApply applies entries of creates, the way raft hands them over: on a real disk and in memory, alone and in numbers, with
// and without clients' idempotency keys. ns/create is the figure to look at.
func BenchmarkApply(b *testing.B) {
	for _, where := range []string{"disk", "memory"} {
		for _, once := range []bool{false, true} {
			for _, n := range []int{1, 64, 1024} {
				b.Run(fmt.Sprintf("on=%s/once=%v/creates=%d", where, once, n), func(b *testing.B) { benchApply(b, where, n, once) })
			}
		}
	}
}

func benchApply(b *testing.B, where string, creates int, once bool) {
	c := Config{Dir: b.TempDir(), Fatal: func(err error) { b.Error(err) }, ClusterID: testCluster}
	if where == "memory" {
		c.FS = newDisk()
	}
	f, err := Open(c)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := writer{node: "n1", boot: 1}
	f.Apply(entryOf(b, 1, testEpoch, w.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})))
	commands := make([]command.Command, creates)
	index := uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer() // the entry came over the network, encoded by somebody else
		index++
		w.floor = w.sequence + 1
		for i := range commands {
			commands[i] = command.Create{Draft: benchDraft(w.sequence+uint64(i), once)}
		}
		entry := entryOf(b, index, testEpoch.Add(time.Duration(index)*time.Millisecond), w.batch(commands...)) // in a cluster time goes on
		b.StartTimer()
		if _, ok := f.Apply(entry).(Outcome); !ok {
			b.Fatal(f.Failed())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*creates), "ns/create")
}

func benchDraft(n uint64, once bool) link.Draft {
	d := draft(fmt.Sprintf("https://www.example.com/some/path/%09d?with=query", n))
	if once {
		d.Once = &link.Once{Scope: "root", Key: fmt.Sprintf("8b1c6c0e-3f0e-4f0a-9a53-%012d", n), Body: [32]byte{byte(n)}}
	}
	return d
}

// BenchmarkApplyBatch applies what a follower gets that has to catch up: many small entries at once.
func BenchmarkApplyBatch(b *testing.B) {
	const entries = 64
	f, err := Open(Config{Dir: b.TempDir(), Fatal: func(err error) { b.Error(err) }, ClusterID: testCluster, FS: store.OSFS()})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := writer{node: "n1", boot: 1}
	f.Apply(entryOf(b, 1, testEpoch, w.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})))
	index := uint64(1)
	logs := make([]*raft.Log, entries)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range logs {
			index++
			w.floor = w.sequence + 1
			logs[i] = entryOf(b, index, testEpoch.Add(time.Duration(index)*time.Millisecond), w.batch(command.Create{Draft: benchDraft(w.sequence, false)}))
		}
		b.StartTimer()
		if _, ok := f.ApplyBatch(logs)[entries-1].(Outcome); !ok {
			b.Fatal(f.Failed())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*entries), "ns/create")
}
