package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tinyurl/fsm/link"
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, int(7*time.Millisecond), time.UTC)

// TestValuesAreGolden pins the encodings: they are on disk and in every digest. A value that changes here needs a new value
// version, and a migration.
func TestValuesAreGolden(t *testing.T) {
	living := link.Link{Fields: link.Fields{Target: "https://example.com/"}, CreatedAt: noon, UpdatedAt: noon, Version: 1}
	edited := living
	edited.UpdatedAt, edited.ValidUntil, edited.Version = noon.Add(time.Second), noon.Add(time.Hour), 300
	full := fullLink()
	for name, c := range map[string]struct {
		value []byte
		want  string
	}{
		"full":      {encoded(encodeLink(nil, full)), "010e8884a3e9df33f08ba3e9df3388e1feeadf3302ff07026d6502546903610a628884a3e9df33ac0205b4020224781468747470733a2f2f6578616d706c652e636f6d2f"},
		"owned":     {encoded(encodeTombstone(nil, full)), "010b8884a3e9df33f08ba3e9df330201026d65"},
		"number":    {encodeSum(nil, 300), "0100ac02"},
		"found":     {encoded(encodeResult(nil, Result{Code: "abc", Found: true})), "01007f03616263"},
		"denied":    {encoded(encodeResult(nil, Result{Err: link.ErrTargetDenied, Found: true})), "01000d00"},
		"living":    {encoded(encodeLink(nil, living)), "01008884a3e9df33011468747470733a2f2f6578616d706c652e636f6d2f"},
		"edited":    {encoded(encodeLink(nil, edited)), "01068884a3e9df33f08ba3e9df3388e1feeadf33ac021468747470733a2f2f6578616d706c652e636f6d2f"},
		"tombstone": {encoded(encodeTombstone(nil, edited)), "01038884a3e9df33f08ba3e9df33ac02"},
		"nothing":   {encodeScalars(nil, scalars{}), "010000000000"},
		"scalars":   {encodeScalars(nil, scalars{counter: 5, stamp: 9, hasKey: true, codeKey: [16]byte{15: 1}, version: 2, links: 3}), "01010509020300000000000000000000000000000001"},
		"request":   {encoded(encodeOnce(nil, OnceHead{Body: [32]byte{31: 9}, Expires: noon})), "01008884a3e9df330000000000000000000000000000000000000000000000000000000000000009"},
		"origin":    {encodeOrigin(nil, Origin{Boot: 2, Floor: 1000}), "010002e807"},
		"result":    {encoded(encodeResult(nil, Result{Code: "abc"})), "01000003616263"},
		"chunk":     {encodeChunk(nil, chunkOf(map[int]Result{0: {Code: "abc"}, 63: {Err: link.ErrGone}})), "0100800000000000000100036162630200"},
		"refusal":   {encoded(encodeResult(nil, Result{Err: link.ErrSlugTaken})), "01000300"},
	} {
		if got := hex.EncodeToString(c.value); got != c.want {
			t.Errorf("%s is %s, want %s", name, got, c.want)
		}
	}
}

// chunkOf is a chunk with results at places.
func chunkOf(results map[int]Result) *chunk {
	c := new(chunk)
	for bit, r := range results {
		c.put(bit, r)
	}
	return c
}

func encoded(value []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return value
}

func TestKeysAreGolden(t *testing.T) {
	s := schema{group: 0x01020304}
	codec := link.NewCodec([16]byte{1})
	for name, c := range map[string]struct {
		key  []byte
		want string
	}{
		"position":                {s.position(nil), "0102030400"},
		"scalars":                 {s.scalars(nil), "0102030401"},
		"code":                    {s.link(nil, codec, codec.Encode(258)), "01020304020000000000000102"},
		"slug":                    {s.link(nil, codec, "slug"), "0102030403736c7567"},
		"request":                 {s.once(nil, "sc", "key"), "0102030404027363" + "6b6579"},
		"row":                     {s.onceRow(nil, "sc", "key", 7), "0102030405027363" + "036b6579" + "00000007"},
		"due":                     {s.onceDue(nil, 258, "sc", "key"), "0102030406" + "0000000000000102" + "027363" + "6b6579"},
		"origin":                  {s.origin(nil, "node"), "01020304076e6f6465"},
		"chunk":                   {s.chunk(nil, "node", 258), "0102030408046e6f6465" + "0000000000000102"},
		"target":                  {appendSpot(s.targets(nil, "me", "https://example.com/"), 258, []byte("slug")), "010203040a" + "a99e9d7a190ac864" + "0000000000000102" + "736c7567"},
		"time of an id":           {appendSpot(s.times(nil), 258, s.linkID(nil, 3)[prefixSize:]), "010203040b" + "0000000000000102" + "0000000000000003"},
		"time":                    {appendSpot(s.times(nil), 258, []byte("slug")), "010203040b" + "0000000000000102" + "736c7567"},
		"owned":                   {appendSpot(s.owned(nil, "me"), 258, []byte("slug")), "010203040c" + "026d65" + "0000000000000102" + "736c7567"},
		"tag":                     {appendSpot(s.tagged(nil, "tag"), 258, []byte("slug")), "010203040d" + "74616700" + "0000000000000102" + "736c7567"},
		"end":                     {appendSpot(s.due(nil), 258, []byte("slug")), "010203040e" + "0000000000000102" + "736c7567"},
		"owner's number":          {s.ownerSum(nil, "me"), "010203040f" + "026d65"},
		"owner's tag's number":    {s.ownerTagSum(nil, "me", "tag"), "010203040f" + "026d65" + "746167"},
		"tag's number":            {s.tagSum(nil, "tag"), "0102030410" + "746167"},
		"a codeless store's code": {s.link(nil, nil, "abcdefg"), "0102030403" + hex.EncodeToString([]byte("abcdefg"))},
	} {
		if got := hex.EncodeToString(c.key); got != c.want {
			t.Errorf("%s is %s, want %s", name, got, c.want)
		}
	}
}

// genTime makes times that have a stamp, none among them.
func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return timeOf(rapid.Uint64Range(0, maxStamp).Draw(t, "stamp"))
	})
}

func TestSmallRowsSurviveTheirEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scalars{
			counter: link.ID(rapid.Uint64Range(0, uint64(link.MaxID)).Draw(t, "counter")),
			stamp:   rapid.Uint64Range(0, maxStamp).Draw(t, "stamp"),
			version: rapid.Uint32().Draw(t, "version"),
			links:   rapid.Uint64().Draw(t, "links"),
			hasKey:  rapid.Bool().Draw(t, "has key"),
		}
		if s.hasKey {
			copy(s.codeKey[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
		}
		if got, err := decodeScalars(encodeScalars(nil, s)); err != nil || got != s {
			t.Fatalf("scalars %+v became %+v, %v", s, got, err)
		}
		o := Origin{Boot: rapid.Uint64().Draw(t, "boot"), Floor: rapid.Uint64().Draw(t, "floor")}
		if got, err := decodeOrigin(encodeOrigin(nil, o)); err != nil || got != o {
			t.Fatalf("origin %+v became %+v, %v", o, got, err)
		}
		r := Result{Code: link.Code(rapid.StringN(0, -1, link.MaxSlug).Draw(t, "code"))}
		r.Err = refusals[rapid.IntRange(0, len(refusals)-1).Draw(t, "refusal")]
		r.Found = r.Err == nil && rapid.Bool().Draw(t, "found")
		if got, err := decodeResult(encoded(encodeResult(nil, r))); err != nil || got != r {
			t.Fatalf("result %+v became %+v, %v", r, got, err)
		}
		c := chunkOf(map[int]Result{rapid.IntRange(0, chunkSize-1).Draw(t, "place"): r, rapid.IntRange(0, chunkSize-1).Draw(t, "other"): {}})
		var got chunk
		if err := decodeChunk(encodeChunk(nil, c), &got); err != nil || got.has != c.has || got.results != c.results {
			t.Fatalf("chunk %+v became %+v, %v", c, got, err)
		}
		h := OnceHead{Expires: genTime().Draw(t, "expires")}
		copy(h.Body[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "body"))
		if got, err := decodeOnce(encoded(encodeOnce(nil, h))); err != nil || got != h {
			t.Fatalf("request %+v became %+v, %v", h, got, err)
		}
		m := meta{
			tally:    tally{digest: lanes{rapid.Uint64().Draw(t, "lane"), 2, 3, 4}, count: rapid.Uint64().Draw(t, "count"), size: 9},
			position: Position{Index: rapid.Uint64().Draw(t, "index"), Term: 3}, boundary: 4096, boundaryValue: Digest{7},
		}
		if got, err := decodeMeta(encodeMeta(nil, m)); err != nil || got != m {
			t.Fatalf("position %+v became %+v, %v", m, got, err)
		}
	})
}

// decoders are all strict decoders, each with its encoder behind it: what decodes has to encode to the same bytes.
var decoders = map[string]func(value []byte) ([]byte, error){
	"link": func(value []byte) ([]byte, error) {
		var l link.Link
		alive, err := decodeLink(value, &l)
		if err != nil {
			return nil, err
		}
		if alive {
			return encodeLink(nil, l)
		}
		return encodeTombstone(nil, l)
	},
	"scalars": func(value []byte) ([]byte, error) {
		s, err := decodeScalars(value)
		return encodeScalars(nil, s), err
	},
	"request": func(value []byte) ([]byte, error) {
		h, err := decodeOnce(value)
		if err != nil {
			return nil, err
		}
		return encodeOnce(nil, h)
	},
	"origin": func(value []byte) ([]byte, error) {
		o, err := decodeOrigin(value)
		return encodeOrigin(nil, o), err
	},
	"result": func(value []byte) ([]byte, error) {
		r, err := decodeResult(value)
		if err != nil {
			return nil, err
		}
		return encodeResult(nil, r)
	},
	"number": func(value []byte) ([]byte, error) {
		n, err := decodeSum(value)
		return encodeSum(nil, n), err
	},
	"chunk": func(value []byte) ([]byte, error) {
		var c chunk
		err := decodeChunk(value, &c)
		return encodeChunk(nil, &c), err
	},
	"key":    shelfDecoder(keyShelf),
	"user":   shelfDecoder(userShelf),
	"denied": shelfDecoder(deniedShelf),
	"report": shelfDecoder(reportShelf),
}

// FuzzDecode holds that a value has one encoding: whatever decodes is what encoding makes of it, byte for byte.
func FuzzDecode(f *testing.F) {
	l := link.Link{Fields: link.Fields{Target: "https://example.com/", ValidUntil: noon}, CreatedAt: noon, UpdatedAt: noon.Add(time.Second), Version: 300}
	f.Add(encoded(encodeLink(nil, l)))
	f.Add(encoded(encodeTombstone(nil, l)))
	f.Add(encoded(encodeLink(nil, fullLink())))
	f.Add(encoded(encodeTombstone(nil, fullLink())))
	f.Add(encodeSum(nil, 300))
	f.Add(encoded(encodeResult(nil, Result{Code: "abc", Found: true})))
	f.Add(encodeScalars(nil, scalars{counter: 5, stamp: 9, hasKey: true, version: 2, links: 3}))
	f.Add(encoded(encodeOnce(nil, OnceHead{Expires: noon})))
	f.Add(encodeOrigin(nil, Origin{Boot: 2, Floor: 1000}))
	f.Add(encoded(encodeResult(nil, Result{Code: "abc", Err: link.ErrGone})))
	f.Add(encodeChunk(nil, chunkOf(map[int]Result{3: {Code: "abc"}, 4: {Err: link.ErrGone}})))
	for _, r := range authorityRows() {
		f.Add(r.value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for name, decode := range decoders {
			again, err := decode(value)
			switch {
			case err == nil && !bytes.Equal(again, value):
				t.Errorf("%s: %x decodes, and encodes to %x", name, value, again)
			case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat):
				t.Errorf("%s: %x is refused with %v", name, value, err)
			}
		}
	})
}

func TestOddValuesAreRefused(t *testing.T) {
	link1 := encoded(encodeLink(nil, link.Link{Fields: link.Fields{Target: "https://example.com/"}, CreatedAt: noon, UpdatedAt: noon, Version: 1}))
	for name, c := range map[string]struct {
		kind  string
		value []byte
		want  error
	}{
		"nothing":                         {"link", nil, ErrDamaged},
		"a version alone":                 {"link", []byte{1}, ErrDamaged},
		"a newer version":                 {"link", append([]byte{2}, link1[1:]...), ErrFormat},
		"version 0":                       {"link", append([]byte{0}, link1[1:]...), ErrDamaged},
		"an unknown flag":                 {"link", append([]byte{1, 16}, link1[2:]...), ErrDamaged},
		"more that is nothing":            {"link", []byte{1, 8, 5, 1, 0, 1, 'x'}, ErrDamaged},
		"more that nobody knows":          {"link", binary.AppendUvarint([]byte{1, 8, 5, 1}, allMore+1), ErrFormat},
		"more in a tombstone":             {"link", []byte{1, 9, 5, 1, moreOwner | moreTitle, 1, 'o', 1, 't'}, ErrDamaged},
		"a title in a tombstone":          {"link", []byte{1, 9, 5, 1, moreTitle, 1, 't'}, ErrDamaged},
		"an empty owner":                  {"link", []byte{1, 8, 5, 1, moreOwner, 0, 1, 'x'}, ErrDamaged},
		"a start that is none":            {"link", []byte{1, 8, 5, 1, moreSince, 0, 1, 'x'}, ErrDamaged},
		"a limit that is none":            {"link", []byte{1, 8, 5, 1, moreMaxVisits, 0, 1, 'x'}, ErrDamaged},
		"a limit past the limit":          {"link", append(binary.AppendUvarint([]byte{1, 8, 5, 1, moreMaxVisits}, link.MaxVisitLimit+1), 1, 'x'), ErrDamaged},
		"visits that are none":            {"link", []byte{1, 8, 5, 1, moreVisits, 0, 1, 'x'}, ErrDamaged},
		"a redirect that is none":         {"link", []byte{1, 8, 5, 1, moreRedirect, 0, 1, 'x'}, ErrDamaged},
		"a redirect of 17 bits":           {"link", []byte{1, 8, 5, 1, moreRedirect, 0x80, 0x80, 0x04, 1, 'x'}, ErrDamaged},
		"tags out of order":               {"link", []byte{1, 8, 5, 1, moreTags, 3, 'b', '\n', 'a', 1, 'x'}, ErrDamaged},
		"a tag that is empty":             {"link", []byte{1, 8, 5, 1, moreTags, 2, 'b', '\n', 1, 'x'}, ErrDamaged},
		"a tag with a zero":               {"link", []byte{1, 8, 5, 1, moreTags, 2, 'b', 0, 1, 'x'}, ErrDamaged},
		"a number that is none":           {"number", []byte{1, 0, 0}, ErrDamaged},
		"a number with a tail":            {"number", []byte{1, 0, 1, 0}, ErrDamaged},
		"a byte too many":                 {"link", append(bytes.Clone(link1), 0), ErrDamaged},
		"a byte too few":                  {"link", link1[:len(link1)-1], ErrDamaged},
		"an empty target":                 {"link", []byte{1, 0, 0, 1, 0}, ErrDamaged},
		"a target past the limit":         {"link", append([]byte{1, 0, 0, 1, 0x81, 0x40}, strings.Repeat("x", 8193)...), ErrDamaged},
		"a change that is none":           {"link", []byte{1, 2, 5, 5, 1, 1, 'x'}, ErrDamaged},
		"an end that is none":             {"link", []byte{1, 4, 5, 0, 1, 1, 'x'}, ErrDamaged},
		"a tombstone with an end":         {"link", []byte{1, 5, 5, 6, 1}, ErrDamaged},
		"a tombstone with a target":       {"link", []byte{1, 1, 5, 1, 1, 'x'}, ErrDamaged},
		"a number in two bytes for one":   {"link", []byte{1, 0, 0x85, 0x00, 1, 1, 'x'}, ErrDamaged},
		"a number of eleven bytes":        {"origin", append([]byte{1, 0, 1}, bytes.Repeat([]byte{0xff}, 11)...), ErrDamaged},
		"a stamp after the year 9999":     {"link", []byte{1, 0, 0x81, 0xa0, 0x90, 0xd1, 0xdd, 0xdf, 0x7f, 1, 1, 'x'}, ErrDamaged},
		"a counter past every code":       {"scalars", []byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}, ErrDamaged},
		"a cluster version of 33 bits":    {"scalars", []byte{1, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0}, ErrDamaged},
		"a refusal nobody knows":          {"result", []byte{1, 0, 99, 0}, ErrDamaged},
		"a code past the limit":           {"result", append([]byte{1, 0, 0, 0x81, 0x01}, strings.Repeat("x", 129)...), ErrDamaged},
		"a request with half a body hash": {"request", append([]byte{1, 0, 5}, make([]byte, 16)...), ErrDamaged},
	} {
		if _, err := decoders[c.kind](c.value); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestTimesWithoutAStampAreRefused(t *testing.T) {
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{time.Time{}, true},
		{time.Unix(0, 0), true},
		{time.Unix(-1, 0), false},
		{time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC), true},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), false},
	} {
		stamp, err := stampOf(c.at)
		if (err == nil) != c.ok {
			t.Errorf("%v: %v", c.at, err)
		}
		if c.ok && !timeOf(stamp).Equal(c.at) {
			t.Errorf("%v became %v", c.at, timeOf(stamp))
		}
		if _, err := encodeLink(nil, link.Link{Fields: link.Fields{Target: "x"}, UpdatedAt: c.at}); (err == nil) != c.ok {
			t.Errorf("a link of %v: %v", c.at, err)
		}
	}
}

func TestPositionRowsAreChecked(t *testing.T) {
	good := encodeMeta(nil, meta{position: Position{Index: 7}})
	newer := bytes.Clone(good)
	newer[3]++
	for name, c := range map[string]struct {
		value []byte
		want  error
	}{
		"good": {good, nil}, "empty": {nil, ErrDamaged}, "short": {good[:len(good)-1], ErrDamaged},
		"long": {append(bytes.Clone(good), 0), ErrDamaged}, "newer": {newer, ErrFormat}, "newer and longer": {append(newer, 1, 2), ErrFormat},
	} {
		if _, err := decodeMeta(c.value); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
