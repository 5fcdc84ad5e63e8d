package sim

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A bubble's time does not go on while anybody waits for a sync.Mutex. Where the product or the engine waits for a disk with a mutex
// held, as real programs may, somebody who wants that mutex makes virtual time stand still, and that is a weakness of the simulation.
// But a deadlock of the product looks the same. So a life that stands still is forgiven only if every single goroutine that holds up
// the time is known to wait for a lock of an engine, and the holder of that lock is seen waiting for its disk.

// held are the calls of Pebble that change files with a mutex of their engine held, which Pebble takes first thing: Open and Close
// hold DB.mu (Close the commit pipeline's, too), rotateWAL holds the commit pipeline's. Everywhere else Pebble lets go of its mutexes
// before it touches a disk. The product itself has no such place: what it changes under locks takes no time (see disk.promptFile).
var held = []string{"github.com/cockroachdb/pebble/v2.Open(", "github.com/cockroachdb/pebble/v2.(*DB).Close(", "github.com/cockroachdb/pebble/v2.(*DB).rotateWAL("}

const (
	gateFrame   = "tinyurl/test/sim/disk.(*gate)."
	engineFrame = "github.com/cockroachdb/pebble/v2."
)

// goroutine is one goroutine of a dump.
type goroutine struct {
	id, parent uint64
	state      string
	frames     []string // calls, innermost first, without those of the locks themselves
	engines    map[string]bool
	mutex      string // the address of the sync.Mutex it waits for
	text       string
}

var (
	goroutineHead = regexp.MustCompile(`^goroutine (\d+) (?:gp=\S+ )?(?:m=\S+ )?(?:mp=\S+ )?\[(.*)\]:$`)
	goroutineFrom = regexp.MustCompile(`^created by .* in goroutine (\d+)$`)
	engineOf      = regexp.MustCompile(`^github\.com/cockroachdb/pebble/v2\.\(\*DB\)\.[^(]+\((0x[0-9a-f]+)`)
	mutexOf       = regexp.MustCompile(`^internal/sync\.\(\*Mutex\)\.lockSlow\((0x[0-9a-f]+)`)
)

// goroutines reads a dump.
func goroutines(dump string) map[uint64]*goroutine {
	all := map[uint64]*goroutine{}
	for _, text := range strings.Split(dump, "\n\n") {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for len(lines) > 0 && !goroutineHead.MatchString(lines[0]) { // words before the first one
			lines = lines[1:]
		}
		if len(lines) > 0 {
			g := readGoroutine(lines)
			all[g.id] = g
		}
	}
	return all
}

func readGoroutine(lines []string) *goroutine {
	head := goroutineHead.FindStringSubmatch(lines[0])
	g := &goroutine{state: head[2], engines: map[string]bool{}, text: strings.Join(lines, "\n")}
	g.id, _ = strconv.ParseUint(head[1], 10, 64) // the pattern lets digits through alone
	for _, line := range lines[1:] {
		if from := goroutineFrom.FindStringSubmatch(line); from != nil {
			g.parent, _ = strconv.ParseUint(from[1], 10, 64)
			continue
		}
		if m := mutexOf.FindStringSubmatch(line); m != nil && g.mutex == "" {
			g.mutex = m[1]
		}
		if m := engineOf.FindStringSubmatch(line); m != nil {
			g.engines[m[1]] = true
		}
		if !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "sync.") && !strings.HasPrefix(line, "internal/sync.") {
			g.frames = append(g.frames, line)
		}
	}
	return g
}

// holdsUp reports whether a goroutine keeps the bubble's time from going on.
func (g *goroutine) holdsUp() bool {
	return strings.Contains(g.state, "synctest bubble") && !strings.Contains(g.state, "durable")
}

// holder reports whether a goroutine waits for its disk with a lock of an engine held.
func (g *goroutine) holder() bool {
	atGate := false
	for _, frame := range g.frames {
		atGate = atGate || strings.HasPrefix(frame, gateFrame)
		for _, call := range held {
			if atGate && strings.HasPrefix(frame, call) {
				return true
			}
		}
	}
	return false
}

// standsStill judges the dump of a process whose virtual time stands still. It returns who is to blame; nobody when disks are.
func standsStill(dump string) (accused []string) {
	all := goroutines(dump)
	waiting := 0
	for _, g := range all {
		if !g.holdsUp() {
			continue
		}
		waiting++
		if !g.waitsForEngine(all) {
			accused = append(accused, g.text)
		}
	}
	if waiting == 0 {
		accused = append(accused, fmt.Sprintf("none of %d goroutines holds up the time", len(all)))
	}
	return accused
}

// waitsForEngine reports whether a goroutine is inside an engine and waits for a mutex there, which a holder of the same engine
// holds up. Several that wait for one mutex are of one engine.
func (g *goroutine) waitsForEngine(all map[uint64]*goroutine) bool {
	if !g.inEngine() {
		return false
	}
	for _, other := range all {
		if other != g && (!other.inEngine() || other.mutex != g.mutex) {
			continue
		}
		for _, h := range all {
			if h.holder() && other.sameEngine(h, all) {
				return true
			}
		}
	}
	return false
}

func (g *goroutine) inEngine() bool {
	return strings.HasPrefix(g.state, "sync.Mutex.Lock") && g.mutex != "" && len(g.frames) > 0 && strings.HasPrefix(g.frames[0], engineFrame)
}

// sameEngine reports whether two goroutines work for one engine: they name the same DB, or one comes from the other, as all that an
// engine does in the background comes from Open. A parent that has ended is as good if it was begun after the holder.
func (g *goroutine) sameEngine(holder *goroutine, all map[uint64]*goroutine) bool {
	for engine := range g.engines {
		if holder.engines[engine] {
			return true
		}
	}
	for parent := g.parent; parent >= holder.id; {
		next := all[parent]
		if parent == holder.id || next == nil {
			return true
		}
		parent = next.parent
	}
	return false
}
