package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/fsm/link"
)

// row is a row of a stream made by hand.
type row struct{ key, value []byte }

// forge makes a stream whose sums are all right, whatever is in it: what is refused in it is refused for its content.
func forge(group uint32, rows ...row) []byte {
	var c tally
	var h hasher
	var records []byte
	for _, r := range rows {
		c.add(&h, r.key, r.value)
		records = appendRecord(records, r.key, r.value)
	}
	return seal(Header{Group: group, Summary: meta{tally: c, position: Position{Index: 5, Term: 1}}.summary()}, records)
}

// seal puts a header and a trailer around records.
func seal(h Header, records []byte) []byte {
	stream := append(appendHeader(nil, h), records...)
	stream = binary.BigEndian.AppendUint64(append(stream, trailerMagic...), h.Count)
	return binary.BigEndian.AppendUint32(stream, crc32.Checksum(stream, castagnoli))
}

var (
	keyed  = scalars{hasKey: true, codeKey: [16]byte{1}, links: 1}
	sample = link.Link{
		Fields: link.Fields{Target: "https://example.com/", Tags: "t", ValidUntil: noon}, Owner: "o", CreatedAt: noon, UpdatedAt: noon, Version: 1,
	}
)

// indexRow is the first of goodRows that follow from a link.
const indexRow = 8

// goodRows is a small state in order.
func goodRows() []row {
	s := schema{}
	due, _ := stampOf(noon)
	return []row{
		{s.scalars(nil), encodeScalars(nil, keyed)},
		{s.linkID(nil, 7), encoded(encodeTombstone(nil, sample))},
		{s.link(nil, link.NewCodec(keyed.codeKey), "slug"), encoded(encodeLink(nil, sample))},
		{s.once(nil, "s", "k"), encoded(encodeOnce(nil, OnceHead{Expires: noon}))},
		{s.onceRow(nil, "s", "k", 0), encoded(encodeResult(nil, Result{}))},
		{s.onceDue(nil, due, "s", "k"), nil},
		{s.origin(nil, "n"), encodeOrigin(nil, Origin{Boot: 1})},
		{s.chunk(nil, "n", 1), encodeChunk(nil, chunkOf(map[int]Result{5: {Code: "slug"}}))},
		{appendSpot(s.targets(nil, "o", "https://example.com/"), due, []byte("slug")), nil},
		{appendSpot(s.times(nil), due, []byte("slug")), nil},
		{appendSpot(s.owned(nil, "o"), due, []byte("slug")), nil},
		{appendSpot(s.tagged(nil, "t"), due, []byte("slug")), nil},
		{appendSpot(s.due(nil), due, []byte("slug")), nil},
		{s.ownerSum(nil, "o"), encodeSum(nil, 1)},
		{s.ownerTagSum(nil, "o", "t"), encodeSum(nil, 1)},
		{s.tagSum(nil, "t"), encodeSum(nil, 1)},
	}
}

func TestAWellFormedStreamIsAccepted(t *testing.T) {
	rows := goodRows()
	stream := forge(0, rows...)
	var got []row
	h, err := readStream(iotest.OneByteReader(bytes.NewReader(stream)), nil, func(key, value []byte) error {
		got = append(got, row{bytes.Clone(key), bytes.Clone(value)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal := slices.EqualFunc(got, rows, func(a, b row) bool { return bytes.Equal(a.key, b.key) && bytes.Equal(a.value, b.value) })
	if !equal || h.StreamSize != uint64(len(stream)) || h.Count != uint64(len(rows)) {
		t.Errorf("got %d rows and %+v", len(got), h)
	}
}

func TestForgedStreamsAreRefused(t *testing.T) {
	s := schema{}
	rows := goodRows()
	with := func(i int, r row) []byte {
		changed := slices.Clone(rows)
		changed[i] = r
		return forge(0, changed...)
	}
	codec := link.NewCodec(keyed.codeKey)
	noLinks := keyed
	noLinks.links = 0
	noKey := scalars{links: 1}
	living := encoded(encodeLink(nil, sample))
	for name, c := range map[string]struct {
		stream []byte
		want   error
	}{
		"rows out of order":            {forge(0, rows[1], rows[0]), ErrDamaged},
		"one row twice":                {forge(0, rows[0], rows[0]), ErrDamaged},
		"another group's row":          {forge(0, rows[0], row{schema{group: 1}.linkID(nil, 7), living}), ErrDamaged},
		"the position row":             {forge(0, row{s.position(nil), encodeMeta(nil, meta{})}), ErrFormat},
		"a key space nobody knows":     {forge(0, append(slices.Clone(rows), row{s.prefix(nil, 99), nil})...), ErrFormat},
		"a key without a key space":    {forge(0, row{[]byte{0, 0, 0, 0}, nil}), ErrDamaged},
		"an empty key":                 {forge(0, row{nil, nil}), ErrDamaged},
		"a state row with a tail":      {with(0, row{append(s.scalars(nil), 1), encodeScalars(nil, keyed)}), ErrDamaged},
		"fewer links than there are":   {with(0, row{s.scalars(nil), encodeScalars(nil, noLinks)}), ErrDamaged},
		"links and no code key":        {with(0, row{s.scalars(nil), encodeScalars(nil, noKey)}), ErrDamaged},
		"links and no state row":       {forge(0, rows[1:]...), ErrDamaged},
		"an id past every code":        {with(1, row{s.linkID(nil, link.MaxID+1), rows[1].value}), ErrDamaged},
		"a short id":                   {with(1, row{append(s.prefix(nil, spaceLinks), 7), rows[1].value}), ErrDamaged},
		"a code among the slugs":       {with(2, row{append(s.prefix(nil, spaceSlugs), codec.Encode(9)...), living}), ErrDamaged},
		"an empty slug":                {with(2, row{s.prefix(nil, spaceSlugs), living}), ErrDamaged},
		"a slug of 129 bytes":          {with(2, row{append(s.prefix(nil, spaceSlugs), bytes.Repeat([]byte("s"), 129)...), living}), ErrDamaged},
		"a link with a tail":           {with(2, row{rows[2].key, append(bytes.Clone(living), 0)}), ErrDamaged},
		"a link of a newer version":    {with(2, row{rows[2].key, append([]byte{2}, living[1:]...)}), ErrFormat},
		"a request without a key":      {with(3, row{s.once(nil, "s", ""), rows[3].value}), ErrDamaged},
		"a request that never expires": {forge(0, slices.Delete(slices.Clone(rows), 5, 6)...), ErrDamaged},
		"an expiry of no request":      {forge(0, slices.Delete(slices.Clone(rows), 3, 4)...), ErrDamaged},
		"a request's row cut short":    {with(4, row{rows[4].key[:len(rows[4].key)-1], rows[4].value}), ErrDamaged},
		"an expiry with a value":       {with(5, row{rows[5].key, []byte{1}}), ErrDamaged},
		"an expiry cut short":          {with(5, row{rows[5].key[:9], nil}), ErrDamaged},
		"an expiry without a name":     {with(5, row{rows[5].key[:13], nil}), ErrDamaged},
		"a nameless origin":            {with(6, row{s.origin(nil, ""), rows[6].value}), ErrDamaged},
		"a nameless result":            {with(7, row{s.chunk(nil, "", 1), rows[7].value}), ErrDamaged},
		"results of no operation":      {with(7, row{rows[7].key, encodeChunk(nil, new(chunk))}), ErrDamaged},
		"results past every sequence":  {with(7, row{s.chunk(nil, "n", maxChunk+1), rows[7].value}), ErrDamaged},
		"a result cut short":           {with(7, row{rows[7].key[:len(rows[7].key)-1], rows[7].value}), ErrDamaged},
	} {
		if _, err := CheckStream(bytes.NewReader(c.stream)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestASlugThatBeginsWithZeroIsRefused renames the link, and all that follows from it: its places would be those of an id.
func TestASlugThatBeginsWithZeroIsRefused(t *testing.T) {
	for slug, want := range map[string]error{"eight-ch": nil, "\x00\x00\x00\x00slug": ErrDamaged} {
		rows := goodRows()
		for i, r := range rows {
			if row, found := bytes.CutSuffix(r.key, []byte("slug")); found {
				rows[i].key = append(bytes.Clone(row), slug...)
			}
		}
		if _, err := CheckStream(bytes.NewReader(forge(0, rows...))); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", slug, err, want)
		}
	}
}

// TestRowsThatDoNotFollowFromLinksAreRefused takes every row away that follows from a link, and adds such rows of none.
func TestRowsThatDoNotFollowFromLinksAreRefused(t *testing.T) {
	s := schema{}
	rows := goodRows()
	refused := func(name string, rows []row) {
		t.Helper()
		slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.key, b.key) })
		if _, err := CheckStream(bytes.NewReader(forge(0, rows...))); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, r := range rows[indexRow:] {
		refused(fmt.Sprintf("without row %x", r.key), slices.Delete(slices.Clone(rows), indexRow+i, indexRow+i+1))
		changed := slices.Clone(rows)
		changed[indexRow+i].value = encodeSum(nil, 2)
		refused(fmt.Sprintf("row %x with another value", r.key), changed)
		changed[indexRow+i].value = append(bytes.Clone(r.value), 0)
		refused(fmt.Sprintf("row %x with a longer value", r.key), changed)
	}
	for name, r := range map[string]row{
		"a deleted link's place":       {appendSpot(s.times(nil), 5, []byte("gone")), nil},
		"a second place":               {appendSpot(s.times(nil), 5, []byte("slug")), nil},
		"a place of no link":           {appendSpot(s.times(nil), 5, []byte("")), nil},
		"a place of a short id":        {appendSpot(s.times(nil), 5, make([]byte, 7)), nil},
		"a place of no id":             {appendSpot(s.times(nil), 5, []byte{0, 0xff, 0, 0, 0, 0, 0, 1}), nil},
		"a place with a long code":     {appendSpot(s.times(nil), 5, bytes.Repeat([]byte("s"), link.MaxSlug+1)), nil},
		"a hash cut short":             {s.targets(nil, "o", "x")[:prefixSize+targetHash-1], nil},
		"a place of no owner":          {appendSpot(s.owned(nil, ""), 5, []byte("slug")), nil},
		"an owner cut short":           {append(s.prefix(nil, spaceOwned), 9, 'o'), nil},
		"a tag that does not end":      {append(s.prefix(nil, spaceTags), "tag"...), nil},
		"an empty tag":                 {appendSpot(s.tagged(nil, ""), 5, []byte("slug")), nil},
		"a long tag":                   {appendSpot(s.tagged(nil, string(bytes.Repeat([]byte("t"), link.MaxTag+1))), 5, []byte("slug")), nil},
		"an empty due key":             {s.due(nil), nil},
		"a number of nobody's":         {s.ownerSum(nil, ""), encodeSum(nil, 1)},
		"a number of none":             {s.ownerSum(nil, "x"), encodeSum(nil, 0)},
		"a number of a long owner":     {s.ownerSum(nil, string(bytes.Repeat([]byte("o"), link.MaxOwner+1))), encodeSum(nil, 1)},
		"a number without a tag":       {s.tagSum(nil, ""), encodeSum(nil, 1)},
		"a number of a long tag":       {s.tagSum(nil, string(bytes.Repeat([]byte("t"), link.MaxTag+1))), encodeSum(nil, 1)},
		"a number of links of nothing": {s.tagSum(nil, "x"), encodeSum(nil, 1)},
	} {
		refused(name, append(slices.Clone(rows), r))
	}
}

func TestHeadersThatLieAreRefused(t *testing.T) {
	var records []byte
	var sums tally
	var hash hasher
	for _, r := range goodRows() {
		records = appendRecord(records, r.key, r.value)
		sums.add(&hash, r.key, r.value)
	}
	honest := Header{Summary: meta{tally: sums}.summary()}
	if _, err := CheckStream(bytes.NewReader(seal(honest, records))); err != nil {
		t.Fatal(err)
	}
	for name, lie := range map[string]func(h *Header){
		"another digest":           func(h *Header) { h.Digest[3]++ },
		"a row more":               func(h *Header) { h.Count++ },
		"a row less":               func(h *Header) { h.Count-- },
		"no rows":                  func(h *Header) { h.Count = 0 },
		"a byte more":              func(h *Header) { h.StreamSize++ },
		"a byte less":              func(h *Header) { h.StreamSize-- },
		"a size below the least":   func(h *Header) { h.StreamSize = headerSize },
		"more rows than have room": func(h *Header) { h.Count = 1 << 60 },
		"another group":            func(h *Header) { h.Group++ },
	} {
		h := honest
		lie(&h)
		if _, err := CheckStream(bytes.NewReader(seal(h, records))); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAStreamCannotMakeTheReaderAllocate sends lengths that are far above what follows.
func TestAStreamCannotMakeTheReaderAllocate(t *testing.T) {
	h := Header{Summary: Summary{Count: 1, StreamSize: 1 << 40}}
	for _, sizes := range [][]byte{
		binary.AppendUvarint(nil, 1<<62), binary.AppendUvarint(nil, maxKeySize+1),
		append(appendText(nil, "12345"), binary.AppendUvarint(nil, maxValue+1)...), bytes.Repeat([]byte{0xff}, 20),
	} {
		stream := append(appendHeader(nil, h), sizes...)
		allocated := testing.AllocsPerRun(1, func() {
			if _, err := CheckStream(bytes.NewReader(stream)); err == nil {
				t.Errorf("%x was accepted", sizes)
			}
		})
		if allocated > 100 {
			t.Errorf("%x cost %v allocations", sizes, allocated)
		}
	}
}

func TestReadHeaderReadsTheHeaderOnly(t *testing.T) {
	want := Header{Group: 3, ClusterID: [16]byte{9}, Summary: Summary{
		Position: Position{Index: 1, Term: 2}, Digest: Digest{4}, Boundary: 4096, BoundaryDigest: Digest{5}, Count: 6, StreamSize: 1000,
	}}
	r := bytes.NewReader(append(appendHeader(nil, want), "rest"...))
	got, err := ReadHeader(r)
	if err != nil || got != want {
		t.Errorf("%+v became %+v, %v", want, got, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "rest" {
		t.Errorf("%q is left", rest)
	}
	broken := errors.New("broken")
	if _, err := ReadHeader(iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// TestHeaderIsGolden pins the header: streams outlive binaries.
func TestHeaderIsGolden(t *testing.T) {
	h := Header{Group: 1, ClusterID: [16]byte{15: 2}, Summary: Summary{Position: Position{Index: 3, Term: 4}, Boundary: 5, Count: 6, StreamSize: 1 << 20}}
	got := appendHeader(nil, h)
	want := slices.Concat([]byte("tinyurl\x01\x00\x00\x00\x03\x00\x00\x00\x01"), make([]byte, 15), []byte{2}, make([]byte, 7), []byte{3},
		make([]byte, 7), []byte{4}, make([]byte, 32+7), []byte{5}, make([]byte, 32+7), []byte{6}, make([]byte, 5), []byte{0x10, 0, 0})
	if !bytes.Equal(got[:headerSize-4], want) || len(got) != headerSize {
		t.Errorf("got %x\nwant %x", got, want)
	}
}

// FuzzReadStream feeds anything to the stream reader: it refuses or it accepts a stream that is written the same again.
func FuzzReadStream(f *testing.F) {
	f.Add(forge(0, goodRows()...))
	f.Add(forge(0))
	f.Add(forge(3, row{schema{group: 3}.scalars(nil), encodeScalars(nil, scalars{counter: 9})}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		h, err := CheckStream(bytes.NewReader(stream))
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) {
				t.Errorf("refused with %v", err)
			}
			stream = mend(stream) // get past the sums, to what is behind them
			if h, err = CheckStream(bytes.NewReader(stream)); err != nil {
				return
			}
		}
		s, err := Open("data", Options{FS: vfs.NewMem(), Group: h.Group, MemTableBytes: minMemTableBytes, Fatal: func(err error) { t.Error(err) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Replace(bytes.NewReader(stream), nil); err != nil {
			t.Fatalf("a checked stream was refused: %v", err)
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		var again bytes.Buffer
		if err := writeStream(&again, s.live.Load().db, s.schema, h); err != nil || !bytes.Equal(again.Bytes(), stream) {
			t.Errorf("written again it is another stream: %v", err)
		}
	})
}

// mend gives a stream the sums that its records have, as far as they can be told apart.
func mend(stream []byte) []byte {
	if len(stream) < headerSize {
		return stream
	}
	var rows []row
	rest := stream[headerSize:]
	part := func() []byte {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			rest = nil
			return nil
		}
		p := rest[n : n+int(size)]
		rest = rest[n+int(size):]
		return p
	}
	for len(rest) > trailerSize {
		rows = append(rows, row{part(), part()})
	}
	return forge(binary.BigEndian.Uint32(stream[12:]), rows...)
}
