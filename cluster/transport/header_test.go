package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"tinyurl/cluster/member"
)

func encoded(t testing.TB, h header) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := h.writeTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAHeaderReadsBackAndTakesNoByteMore(t *testing.T) {
	long := member.ID(strings.Repeat("n", member.MaxName) + "-ffffff")
	for _, h := range []header{
		{0, clusterID, idA, idB},
		{1<<32 - 1, member.ClusterID{}, long, long},
	} {
		r := bytes.NewReader(append(encoded(t, h), "raft's own"...))
		got, err := readHeader(r)
		if err != nil || got != h {
			t.Errorf("%+v, %v", got, err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "raft's own" {
			t.Errorf("%q is left", rest)
		}
	}
}

func TestAHeaderWithoutProperIDsIsNotSent(t *testing.T) {
	var b bytes.Buffer
	for _, h := range []header{{from: "", to: idB}, {from: idA, to: "b"}, {from: idA, to: member.ID(strings.Repeat("x", 300))}} {
		if err := h.writeTo(&b); !errors.Is(err, member.ErrInvalidID) || b.Len() > 0 {
			t.Errorf("%v, %d bytes", err, b.Len())
		}
	}
}

func TestADamagedHeaderIsRefused(t *testing.T) {
	good := encoded(t, header{7, clusterID, idA, idB})
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"magic":         change(0, 'T'),
		"http":          []byte("GET / HTTP/1.1\r\nHost: a-node-of-the-cluster\r\n\r\n"),
		"version 0":     change(4, 0),
		"version 2":     change(4, 2),
		"no from":       change(headerFixed, 0),
		"long from":     append(change(headerFixed, 255), make([]byte, 300)...),
		"from is no id": change(headerFixed+1, 'A'),
		"to is no id":   change(len(good)-1, 'z'),
	} {
		if h, err := readHeader(bytes.NewReader(b)); !errors.Is(err, ErrHeader) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	for n := range good {
		if _, err := readHeader(bytes.NewReader(good[:n])); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	f.Add(encoded(f, header{0, clusterID, idA, idB}))
	f.Add([]byte("tURL"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHeader(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again := encoded(t, h); !bytes.HasPrefix(b, again) {
			t.Errorf("%x reads as %+v, which writes %x", b, h, again)
		}
	})
}

func TestAVerdictKeepsItsIdentityAndWords(t *testing.T) {
	for _, sentinel := range verdicts {
		var b bytes.Buffer
		if err := writeVerdict(&b, fmt.Errorf("%w: because", sentinel)); err != nil {
			t.Fatal(err)
		}
		err := readVerdict(&b)
		if !errors.Is(err, sentinel) || !strings.Contains(err.Error(), "because") {
			t.Errorf("%v came back as %v", sentinel, err)
		}
		for _, other := range verdicts {
			if other != sentinel && errors.Is(err, other) {
				t.Errorf("%v came back as %v too", sentinel, other)
			}
		}
	}
	var b bytes.Buffer
	_ = writeVerdict(&b, nil)
	if err := readVerdict(&b); err != nil {
		t.Errorf("accepted came back as %v", err)
	}
	_ = writeVerdict(&b, fmt.Errorf("%w: %s", ErrOtherCluster, strings.Repeat("x", 1000)))
	if err := readVerdict(&b); !errors.Is(err, ErrOtherCluster) || b.Len() > 0 {
		t.Errorf("a long reason: %v, %d bytes left", err, b.Len())
	}
	if err := readVerdict(strings.NewReader("\xc8\x05later")); !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), "later") {
		t.Errorf("a verdict of a newer node: %v", err)
	}
	for _, cut := range []string{"", "\x01", "\x01\x05lat"} {
		if err := readVerdict(strings.NewReader(cut)); err == nil {
			t.Errorf("a verdict cut to %q passed", cut)
		}
	}
}

func TestEveryVerdictHasItsOwnMetricLabel(t *testing.T) {
	seen := map[string]bool{labelBroken: true}
	for _, sentinel := range verdicts {
		label := refusalLabel(fmt.Errorf("x: %w", sentinel))
		if seen[label] {
			t.Errorf("label %q of %v is taken", label, sentinel)
		}
		seen[label] = true
	}
}
