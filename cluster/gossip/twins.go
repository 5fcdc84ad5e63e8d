package gossip

import (
	"context"
	"net"
	"time"
)

// twinWatch looks for another living process with this node's id but another
// boot number. After a restart the last boot is believed alive for some
// seconds; only one that keeps answering pings addressed to it is real.
type twinWatch struct {
	table    *table
	conflict *conflictDelegate
	tuning   Tuning
	now      func() time.Time
	// ping asks the boot of that name for an answer; it is memberlist's Ping.
	ping func(name string, addr net.Addr) (time.Duration, error)
}

// run works until ctx ends.
func (w *twinWatch) run(ctx context.Context) {
	changes := w.table.watch()
	for {
		// First of all: what came before the watch began is told to nobody.
		for len(w.table.twins()) > 0 && ctx.Err() == nil {
			w.prove(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-changes:
		}
	}
}

// prove pings the other boots for as long as there are any, and reports one
// that has been answering for TwinPatience.
func (w *twinWatch) prove(ctx context.Context) {
	ticker := time.NewTicker(w.tuning.TwinPatience / 10)
	defer ticker.Stop()
	answering := make(map[uint64]time.Time) // by boot: since when
	missed := make(map[uint64]int)          // by boot: pings without answer, in a row
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		twins := w.table.twins()
		if len(twins) == 0 {
			return
		}
		own := w.own(twins)
		for _, t := range twins {
			if t.Boot == own.Boot {
				continue
			}
			if !w.answers(t) {
				if missed[t.Boot]++; missed[t.Boot] >= 3 {
					delete(answering, t.Boot)
				}
				continue
			}
			missed[t.Boot] = 0
			since, ok := answering[t.Boot]
			if !ok {
				answering[t.Boot] = w.now()
			} else if w.now().Sub(since) >= w.tuning.TwinPatience {
				w.conflict.judge(own, t)
			}
		}
	}
}

func (w *twinWatch) own(twins []peer) peer {
	for _, t := range twins {
		if t.Boot == w.table.self.Boot {
			return t
		}
	}
	return w.table.self
}

func (w *twinWatch) answers(t peer) bool {
	addr, err := net.ResolveUDPAddr("udp", t.GossipAddr) // an IP address: nothing is looked up
	if err != nil {
		return false
	}
	_, err = w.ping(nodeName(t.ID, t.Boot), addr)
	return err == nil
}
