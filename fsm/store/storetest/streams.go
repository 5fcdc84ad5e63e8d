package storetest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"tinyurl/fsm/store"
)

var streamTests = map[string]func(*testing.T, Fixture){
	"a checkpoint holds the state as it was":            testCheckpoint,
	"a stream is exactly as long as promised":           testStreamSize,
	"equal states give equal streams":                   testStreamEqual,
	"a checkpoint goes nowhere but to a new directory":  testCheckpointExists,
	"a checkpoint is refused when damaged or newer":     testCheckpointRefused,
	"a stream can be checked without a store":           testCheckStream,
	"streams that are not whole are refused everywhere": testStreamCut,
}

// cluster is the id in the suite's streams.
var cluster = [16]byte{0xc1}

// streamOf gives a store's state as a stream, by way of a checkpoint at dir.
func streamOf(t *testing.T, fs store.FS, s *store.Store, dir string) ([]byte, store.Summary) {
	t.Helper()
	sum, err := s.Checkpoint(dir)
	must(t, err)
	c, err := store.OpenCheckpoint(dir, options(t, fs))
	must(t, err)
	if got := c.Summary(); got != sum {
		t.Fatalf("the checkpoint says %+v, the store said %+v", got, sum)
	}
	var buf bytes.Buffer
	must(t, c.Stream(&buf, cluster), c.Close())
	return buf.Bytes(), sum
}

func testCheckpoint(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir+"-store")
	script := Script{Seed: 21, Step: 50}
	script.Feed(t, s, 1, 200, 9)
	position, digest := s.CurrentDigest()
	upTo, boundary := s.Digest()
	sum, err := s.Checkpoint(f.Dir + "-copy")
	must(t, err)
	if sum.Position != position || sum.Digest != digest || sum.Boundary != upTo || sum.BoundaryDigest != boundary {
		t.Errorf("the checkpoint is of %+v", sum)
	}
	script.Feed(t, s, 201, 400, 9)
	must(t, s.Close())
	c, err := store.OpenCheckpoint(f.Dir+"-copy", options(t, f.FS))
	must(t, err)
	defer c.Close()
	if got := c.Summary(); got != sum {
		t.Errorf("opened, it is %+v, want %+v", got, sum)
	}
	var a, b bytes.Buffer
	must(t, c.Stream(&a, cluster), c.Stream(&b, cluster))
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two streams of one checkpoint differ")
	}
}

func testStreamSize(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir+"-store")
	script := Script{Seed: 22}
	for i, n := range []int{0, 1, 30, 150, 151, 300} {
		script.Feed(t, s, script.Applied(s.Position())+1, n, 4)
		stream, sum := streamOf(t, f.FS, s, f.Dir+"-copy"+strings.Repeat("x", i))
		if uint64(len(stream)) != sum.StreamSize {
			t.Errorf("after %d entries the stream has %d bytes, promised were %d", n, len(stream), sum.StreamSize)
		}
		h, err := store.ReadHeader(bytes.NewReader(stream))
		must(t, err)
		if h.Summary != sum || h.ClusterID != cluster || h.Group != 0 {
			t.Errorf("the header is %+v", h)
		}
	}
}

func testStreamEqual(t *testing.T, f Fixture) {
	var first []byte
	for i, cuts := range []int{1, 13} {
		dir := f.Dir + strings.Repeat("x", i)
		s := open(t, f.FS, dir+"-store")
		Script{Seed: 23}.Feed(t, s, 1, 300, cuts)
		stream, _ := streamOf(t, f.FS, s, dir+"-copy")
		if i > 0 && !bytes.Equal(stream, first) {
			t.Error("equal states have unlike streams")
		}
		first = stream
	}
}

func testCheckpointExists(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir+"-store")
	_, err := s.Checkpoint(f.Dir + "-copy")
	must(t, err)
	before := tree(t, f.FS, f.Dir+"-copy")
	if _, err := s.Checkpoint(f.Dir + "-copy"); err == nil {
		t.Error("a second checkpoint to one place was made")
	}
	if len(tree(t, f.FS, f.Dir+"-copy")) != len(before) {
		t.Error("the first checkpoint was touched")
	}
	must(t, s.Close())
	_, err = s.Checkpoint(f.Dir + "-late")
	wants(t, err, store.ErrClosed)
}

func testCheckpointRefused(t *testing.T, f Fixture) {
	_, err := store.OpenCheckpoint(f.Dir+"-nothing", options(t, f.FS))
	wants(t, err, store.ErrDamaged)
	s := open(t, f.FS, f.Dir+"-store")
	_, err = s.Checkpoint(f.Dir + "-copy")
	must(t, err)
	o := options(t, f.FS)
	o.Group = 5
	_, err = store.OpenCheckpoint(f.Dir+"-copy", o)
	wants(t, err, store.ErrDamaged)
	for name := range tree(t, f.FS, f.Dir+"-copy") {
		if strings.HasPrefix(name, "MANIFEST") {
			put(t, f.FS, f.FS.PathJoin(f.Dir+"-copy", name), "")
		}
	}
	if c, err := store.OpenCheckpoint(f.Dir+"-copy", options(t, f.FS)); err == nil {
		t.Errorf("a checkpoint without a manifest opened: %+v, %v", c.Summary(), c.Close())
	}
}

func testCheckStream(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir+"-store")
	Script{Seed: 24}.Feed(t, s, 1, 200, 10)
	stream, sum := streamOf(t, f.FS, s, f.Dir+"-copy")
	h, err := store.CheckStream(bytes.NewReader(stream))
	must(t, err)
	if h.Summary != sum {
		t.Errorf("got %+v, want %+v", h.Summary, sum)
	}
}

func testStreamCut(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir+"-store")
	Script{Seed: 25}.Feed(t, s, 1, 60, 10)
	stream, _ := streamOf(t, f.FS, s, f.Dir+"-copy")
	for n := range stream {
		if _, err := store.CheckStream(bytes.NewReader(stream[:n])); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(stream), err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		bad := bytes.Clone(stream)
		bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
		if _, err := store.CheckStream(bytes.NewReader(bad)); !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrFormat) {
			t.Fatalf("a flipped bit went by: %v", err)
		}
	}
	for _, more := range []string{"\x00", "x", string(stream)} {
		_, err := store.CheckStream(bytes.NewReader(append(bytes.Clone(stream), more...)))
		wants(t, err, store.ErrDamaged)
	}
	broken := errors.New("the network went away")
	_, err := store.CheckStream(&failing{data: stream[:len(stream)/2], err: broken})
	wants(t, err, broken)
	_, err = store.CheckStream(&failing{data: stream, err: broken}) // who knows what would have come
	wants(t, err, broken)
	must(t, s.Verify(context.Background()))
}

// failing is a reader that breaks off.
type failing struct {
	data []byte
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if len(f.data) == 0 {
		return 0, f.err
	}
	n := copy(p, f.data)
	f.data = f.data[n:]
	return n, nil
}
