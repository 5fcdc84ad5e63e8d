//go:build linux

package rows

import (
	"context"
	"fmt"
	"math/rand/v2"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

const (
	// visitedLinks are visited as people do: few of them mostly, by Zipf's law.
	visitedLinks = 10_000
	visitedSkew  = 1.1
)

// browsers are what visitors call themselves.
var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}

func visitRows() []string {
	return []string{
		"visits/unrecorded", "visits-cpu/unrecorded", "visits-tail/unrecorded",
		"visits-addr/unrecorded", "visits-addr-cpu/unrecorded", "visits-addr-tail/unrecorded",
	}
}

// visits compares redirects of a node that records visits with those of one that does not, on both listeners.
func (b *Bench) visits(ctx context.Context) error {
	var stocks []*stock
	var processes []*proc.Process
	for name, more := range map[string][]string{"recording": nil, "silent": {"--record-visits=false"}} {
		n, err := b.node(name, more...)
		if err != nil {
			return err
		}
		if n.redirect, err = b.ports.Take(); err != nil {
			return err
		}
		n.args, n.processors = append(n.args, "--redirect-addr", n.redirect), b.apart.servers
		if err := n.start(); err != nil {
			return err
		}
		if err := n.ready(ctx); err != nil {
			return err
		}
		s := &stock{node: n}
		if err := s.grow(ctx, visitedLinks); err != nil {
			return err
		}
		stocks, processes = append(stocks, s), append(processes, n.process)
	}
	if err := b.calm(ctx, processes...); err != nil {
		return err
	}
	if stocks[0].node.name != "recording" {
		stocks[0], stocks[1] = stocks[1], stocks[0]
	}
	for i, listener := range []func(*node) string{func(n *node) string { return n.http }, func(n *node) string { return n.redirect }} {
		rows := visitRows()[3*i:][:3]
		b.compare(ctx, rounds.Pair{
			A: b.side(stocks[0].browsing(listener)), B: b.side(stocks[1].browsing(listener)),
			Readings: []rounds.Reading{rounds.Rate(rows[0]), rounds.CPU(rows[1]), rounds.Tail(rows[2])},
		})
	}
	return nil
}

// browsing is the stock's node under visits of browsers.
func (s *stock) browsing(listener func(*node) string) target {
	host := listener(s.node)
	return target{name: s.node.name, servers: []*proc.Process{s.node.process}, reads: true, apart: true, load: load.Config{
		Targets: []string{host}, Connections: visitors, Status: 302, Location: true, Source: browsingSource(host, s.first(visitedLinks)),
	}}
}

// browsingSource asks for codes as people do, with what browsers say of themselves.
func browsingSource(host string, codes []byte) func(int) load.Source {
	before, _ := load.Get(host, "/")
	var after [][]byte
	for i, agent := range browsers {
		after = append(after, fmt.Appendf(nil, " HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.8\r\nReferer: https://news-%d.example/a\r\n\r\n", host, agent, i))
	}
	return func(int) load.Source {
		chance := rand.New(rand.NewPCG(rand.Uint64(), 1))
		popular := rand.NewZipf(chance, visitedSkew, 1, uint64(len(codes)/codeLength-1))
		return func(dst []byte) []byte {
			at := popular.Uint64() * codeLength
			dst = append(dst, before...)
			dst = append(dst, codes[at:at+codeLength]...)
			return append(dst, after[chance.IntN(len(after))]...)
		}
	}
}
