//go:build linux

package rows

import (
	"bytes"
	"context"
	"fmt"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/rounds"
)

// createClients are the numbers of clients at which creates are compared.
func createClients() []int { return []int{1, 16, 64, 256, 1024} }

const (
	bulkClients = 64
	// bulkEach is how many links one request of the bulk row makes.
	bulkEach = 100
	bulkRow  = "bulk/etcd"
)

func createRows() []string {
	var rows []string
	for _, n := range createClients() {
		rows = append(rows, fmt.Sprintf("create-%d/etcd", n), perLink(n))
	}
	return append(rows, bulkRow, "bulk-cpu/etcd")
}

// perLink names the row of the processor time at n clients; at 64 it has the short name.
func perLink(n int) string {
	if n == 64 {
		return "cpu-per-link/etcd"
	}
	return fmt.Sprintf("cpu-per-link-%d/etcd", n)
}

// creates compares links made, one a request and in bulk, with puts of etcd.
func (b *Bench) creates(ctx context.Context) error {
	theirs, err := b.etcdTrio(ctx, "etcd", nil)
	if err != nil {
		return b.absent(err, b.current...)
	}
	nodes, err := b.trio(ctx, "create", nil)
	if err != nil {
		return err
	}
	// Few clients would leave the heaps as fresh as they are.
	if err := (rounds.Pair{A: b.side(b.creating(nodes, bulkClients)), B: theirs.side(bulkClients)}).Warm(ctx); err != nil {
		return err
	}
	for _, n := range createClients() {
		b.compare(ctx, rounds.Pair{
			A: b.side(b.creating(nodes, n)), B: theirs.side(n),
			Readings: []rounds.Reading{rounds.Rate(fmt.Sprintf("create-%d/etcd", n)), rounds.CPU(perLink(n))},
		})
	}
	b.compare(ctx, rounds.Pair{
		A: b.side(b.bulking(nodes)), B: theirs.side(bulkClients),
		Readings: []rounds.Reading{rounds.Rate(bulkRow), rounds.CPU("bulk-cpu/etcd")},
	})
	return nil
}

// bulking is a target: links made many at once.
func (b *Bench) bulking(nodes []*node) target {
	made := []byte(`"status":201`)
	return target{name: fmt.Sprintf("tinyurl, %d at once", bulkEach), servers: processesOf(nodes), units: bulkEach, load: load.Config{
		Targets: addressesOf(nodes), Connections: bulkClients, Status: 200,
		Source: posting(nodes[0].http, "/api/v1/links/bulk", b.bulks(bulkClients, bulkEach)),
		Good:   func(body []byte) bool { return bytes.Count(body, made) == bulkEach },
	}}
}
