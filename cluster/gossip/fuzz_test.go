package gossip

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/member"
	"tinyurl/cluster/transport/memnet"
	"tinyurl/test/bubble"
)

// FuzzMeta reads any name and metadata, as a node of another version may tell: what is understood is told on as it was, and a table
// of such nodes stays within its bounds.
func FuzzMeta(f *testing.F) {
	self := peer{Member: member.Member{ID: testID(1), Name: "other", Boot: 7, ClusterAddr: "h:1", Zone: "z", Replica: true, Expect: 3}, started: 5}
	full, err := self.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(nodeName(self.ID, self.Boot), full)
	f.Add(nodeName(testID(2), 1<<63), []byte(`{"a":":7000","c":"00112233445566778899aabbccddeeff","l":true,"new":[1]}`))
	f.Add("n1-000001#01", []byte("{}"))
	f.Add("#", []byte("null"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		n := &memberlist.Node{Name: name, Addr: net.IPv4(10, 0, 0, 9), Port: 7946, Meta: data}
		p, err := decodePeer(n)
		quiet := newQuietLogger(slog.New(slog.DiscardHandler), time.Now)
		known := newTable(peer{Member: member.Member{ID: testID(1), Boot: 1}}, time.Now)
		alive := &aliveDelegate{table: known, self: testID(1), log: quiet, strangers: make(chan member.Member)}
		events := &eventDelegate{table: known, log: slog.New(slog.DiscardHandler)}
		if refused := alive.NotifyAlive(n); (err != nil) != (refused != nil) {
			t.Fatalf("decoded: %v, let in: %v", err, refused)
		}
		events.NotifyJoin(n)
		events.NotifyUpdate(n)
		events.NotifyLeave(n)
		if got := len(known.members()); got > 2 {
			t.Errorf("%d members of one node's word", got)
		}
		if err != nil {
			return
		}
		again, err := p.encode()
		if err != nil {
			return // longer than it was: an address was filled in, or characters are escaped
		}
		back, err := decodePeer(&memberlist.Node{Name: name, Addr: n.Addr, Port: n.Port, Meta: again})
		if diff := cmp.Diff(p, back, cmp.AllowUnexported(peer{}), cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("told again: %v\n%s", err, diff)
		}
	})
}

// FuzzWire sends any packet and any stream to a node that gossips. Whoever lacks the key is not heard, and harms nothing.
func FuzzWire(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte("\x01{}"), []byte("\x0a\x00\x00\x00\x20"+string(make([]byte, 64))))
	f.Add([]byte("\x09\xff\x01\x02"), []byte("\x0a\xff\xff\xff\xff"))
	f.Add([]byte("hasLabel\xf4\x02ab"), []byte("\xf4\x03abc\x0a\x00"))
	f.Fuzz(func(t *testing.T, packet, said []byte) {
		bubble.Test(t, func(t *testing.T) {
			lan := &memnet.LAN{}
			g, err := Open(context.Background(), Config{
				Self: member.Member{ID: testID(1), Boot: 1, ClusterAddr: ":7000"}, Key: testKey(1), Transport: lan.Plug(1, DefaultPort),
				Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			stranger := lan.Plug(2, DefaultPort)
			if _, err := stranger.WriteTo(packet, g.Addr()); err != nil {
				t.Error(err)
			}
			if conn, err := stranger.DialTimeout(g.Addr(), time.Second); err == nil {
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				_, _ = conn.Write(said)
				defer conn.Close()
			}
			time.Sleep(time.Minute)
			if list := g.Members(); len(list) != 1 || list[0].ID != testID(1) {
				t.Errorf("members after a stranger's words: %v", list)
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}

// FuzzParseSeed holds seeds to one reading: what is accepted is written as it was and has a host and a port.
func FuzzParseSeed(f *testing.F) {
	for _, s := range []string{"a", "a:1", "[::1]:1", "::1", "srv://x", "1.2.3.4", ":1", "a:", "a:65536", "srv://a:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSeed(text)
		if err != nil {
			return
		}
		if s.String() != text || s.host == "" || !s.srv && (s.port < 1 || s.port > 65535) {
			t.Errorf("%q is read as %+v", text, s)
		}
	})
}

// FuzzKnown starts on any file of known peers: it is a hint, and no more.
func FuzzKnown(f *testing.F) {
	f.Add([]byte(`[{"id":"n1-000001","addr":"10.0.0.1:7946","seen":"2026-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := loadKnown(memoryKeeper{&data})
		if err != nil && len(k.addrs()) > 0 || len(k.addrs()) > maxKnown {
			t.Errorf("%d addresses, %v", len(k.addrs()), err)
		}
		if err := k.update(testID(1), []member.Member{{ID: testID(2), GossipAddr: "x", Status: member.Alive}}); err != nil {
			t.Error(err)
		}
		if again, err := loadKnown(memoryKeeper{&data}); err != nil || len(again.addrs()) != len(k.addrs()) {
			t.Errorf("kept %v, read again %v: %v", k.addrs(), again.addrs(), err)
		}
	})
}

// memoryKeeper is a Keeper without a disk.
type memoryKeeper struct{ data *[]byte }

func (k memoryKeeper) Load() ([]byte, error) { return *k.data, nil }
func (k memoryKeeper) Save(b []byte) error   { *k.data = b; return nil }

// A table does not grow with what it is told: strangers with the secret of another day cannot fill the memory.
func TestATableOfAnyNodesStaysWithinItsBounds(t *testing.T) {
	known := newTable(peer{Member: member.Member{ID: testID(0), Boot: 1}}, time.Now)
	for i := range 3 * maxMembers {
		p := peer{Member: member.Member{ID: member.ID(fmt.Sprintf("x%d-%06x", i, i)), Boot: 1}}
		known.alive(p)
		known.gone(p)
	}
	if got := len(known.members()); got > maxMembers+1 {
		t.Errorf("%d members are kept, at most %d may be", got, maxMembers)
	}
}
