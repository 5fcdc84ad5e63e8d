package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

func TestWhatIsEncodedIsDecodedEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Entry{Time: time.UnixMilli(rapid.Int64Range(0, MaxTime.UnixMilli()).Draw(t, "stamp")).UTC(), Batches: make([]Batch, 0)}
		for range rapid.IntRange(0, 3).Draw(t, "batches") {
			want.Batches = append(want.Batches, drawBatch(t))
		}
		data, err := EncodeEntry(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("entry changed on the way:\n%s", diff)
		}
		for _, b := range want.Batches {
			checkBatch(t, b)
		}
	})
}

func checkBatch(t *rapid.T, want Batch) {
	data, err := EncodeBatch(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeBatch(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("batch changed on the way:\n%s", diff)
	}
	size := 512
	for _, op := range want.Operations {
		size += Size(op)
	}
	if len(data) > size {
		t.Fatalf("batch takes %d bytes, Size promised at most %d", len(data), size)
	}
}

func TestResultsKeepTheirErrors(t *testing.T) {
	made := link.Link{
		Code: "abcdefg", Fields: link.Fields{Target: "http://a", ValidUntil: time.UnixMilli(7).UTC()}, CreatedAt: time.UnixMilli(5).UTC(), UpdatedAt: time.UnixMilli(6).UTC(), Version: 1,
	}
	want := []Result{{Link: made}, {}}
	for _, row := range table {
		want = append(want, Result{Err: fmt.Errorf("deep inside: %w", row.err)})
	}
	data, err := EncodeResults(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResults(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameError)); diff != "" {
		t.Errorf("results changed on the way:\n%s", diff)
	}
	if _, err := EncodeResults([]Result{{Err: errors.New("a stranger")}}); err == nil {
		t.Error("an error without a number was encoded")
	}
}

// sameError compares by what errors.Is sees.
func sameError(a, b error) bool {
	an, aok := ErrorNumber(a)
	bn, bok := ErrorNumber(b)
	return aok && bok && an == bn
}

func TestErrorNumbersAreUnique(t *testing.T) {
	seen := map[uint32]bool{0: true}
	for _, row := range table {
		if seen[row.number] {
			t.Errorf("number %d is used twice", row.number)
		}
		seen[row.number] = true
		if err, ok := ErrorOf(row.number); !ok || !errors.Is(err, row.err) {
			t.Errorf("number %d gives %v, want %v", row.number, err, row.err)
		}
	}
	if err, ok := ErrorOf(9999); ok || err != nil {
		t.Errorf("an unknown number gives %v", err)
	}
	if _, ok := ErrorNumber(ErrUpgrade); ok {
		t.Error("ErrUpgrade travels")
	}
}

func TestLimitsHoldOnBothSides(t *testing.T) {
	origin := Origin{Node: "n1", Boot: 1}
	many := Batch{Origin: origin, Operations: make([]Operation, MaxOperations)}
	for i := range many.Operations {
		many.Operations[i] = Operation{Sequence: uint64(i), Command: Delete{Code: "x"}}
	}
	data, err := EncodeBatch(many)
	if err != nil {
		t.Fatalf("a batch at the limit: %v", err)
	}
	if _, err := DecodeBatch(data); err != nil {
		t.Fatalf("a batch at the limit: %v", err)
	}
	two, err := Join(time.UnixMilli(1), data, data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeEntry(two); !errors.Is(err, ErrMalformed) {
		t.Errorf("decoding an entry with twice the operations: %v", err)
	}
	if _, err := EncodeEntry(Entry{Time: time.UnixMilli(1), Batches: []Batch{many, many}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("encoding an entry with twice the operations: %v", err)
	}
	more := many
	more.Operations = append(more.Operations[:MaxOperations:MaxOperations], many.Operations[0])
	if _, err := EncodeBatch(more); !errors.Is(err, ErrTooLarge) {
		t.Errorf("encoding one operation too many: %v", err)
	}
	long := Batch{Origin: origin, Operations: []Operation{{Command: Delete{Code: link.Code(strings.Repeat("x", MaxBytes))}}}}
	if _, err := EncodeBatch(long); !errors.Is(err, ErrTooLarge) {
		t.Errorf("encoding a byte too many: %v", err)
	}
	raw, err := proto.Marshal(&commandpb.Batch{Origin: &commandpb.Origin{Node: make([]byte, MaxBytes)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeBatch(append([]byte{format}, raw...)); !errors.Is(err, ErrMalformed) {
		t.Errorf("decoding a byte too many: %v", err)
	}
	if _, err := Join(time.UnixMilli(1), make1(MaxBytes), make1(MaxBytes)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("joining too much: %v", err)
	}
}

func make1(n int) []byte {
	b := make([]byte, n)
	b[0] = format
	return b
}

func TestDamageIsTold(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":           nil,
		"format 0":          {0},
		"half a field":      {format, 0x0a},
		"a batch of nobody": {format},
		"wrong wire end":    {format, 0x0c},
	} {
		if _, err := DecodeBatch(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	for name, pb := range map[string]*commandpb.Batch{
		"operation without a command": {Operations: []*commandpb.Operation{{Sequence: 1}}},
		"short code key": {Operations: []*commandpb.Operation{{
			Command: &commandpb.Operation_Lead{Lead: &commandpb.Lead{CodeKey: make([]byte, 15)}},
		}}},
		"short body hash": {Operations: []*commandpb.Operation{{
			Command: &commandpb.Operation_Create{Create: &commandpb.Create{Once: &commandpb.Once{Body: make([]byte, 31)}}},
		}}},
	} {
		pb.Origin = &commandpb.Origin{Node: []byte("n1")}
		data, err := marshal(pb)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeBatch(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	for name, b := range map[string]Batch{
		"no origin":  {},
		"no command": {Origin: Origin{Node: "n1"}, Operations: []Operation{{}}},
	} {
		if _, err := EncodeBatch(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("encoding %s: %v; want ErrMalformed", name, err)
		}
	}
	for _, stamp := range []time.Time{{}, time.UnixMilli(-1), MaxTime.Add(time.Millisecond)} {
		if _, err := EncodeEntry(Entry{Time: stamp}); !errors.Is(err, ErrMalformed) {
			t.Errorf("stamp %v: %v; want ErrMalformed", stamp, err)
		}
	}
	if _, err := Join(time.UnixMilli(1), []byte{2}); !errors.Is(err, ErrMalformed) {
		t.Errorf("joining another format: %v; want ErrMalformed", err)
	}
}

// messages calls visit on m and on every message inside it.
func messages(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsList() && field.Message() != nil:
			for i := range v.List().Len() {
				messages(v.List().Get(i).Message(), visit)
			}
		case field.Message() != nil:
			messages(v.Message(), visit)
		}
		return true
	})
}

// Skipping what one does not know would let replicas of two versions differ: at every depth it stops the reader.
func TestUnknownFieldsAskForAnUpgradeAtEveryDepth(t *testing.T) {
	unknown := protoreflect.RawFields{0xf8, 0x7f, 0x01} // field 2047, varint 1
	seen := map[protoreflect.Name]bool{}
	check := func(m proto.Message, decode func([]byte) error) {
		messages(m.ProtoReflect(), func(inner protoreflect.Message) {
			data, err := marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := decode(data); err != nil {
				t.Fatalf("without an unknown field: %v", err)
			}
			name := inner.Descriptor().Name()
			seen[name] = true
			inner.SetUnknown(unknown)
			defer inner.SetUnknown(nil)
			if data, err = marshal(m); err != nil {
				t.Fatal(err)
			}
			if err := decode(data); !errors.Is(err, ErrUpgrade) {
				t.Errorf("unknown field in %s: %v; want ErrUpgrade", name, err)
			}
		})
	}
	entry, results := everything()
	check(entry, func(data []byte) error { _, err := DecodeEntry(data); return err })
	check(entry.Batches[0], func(data []byte) error { _, err := DecodeBatch(data); return err })
	check(results, func(data []byte) error { _, err := DecodeResults(data); return err })
	if all := commandpb.File_command_proto.Messages().Len(); len(seen) != all {
		t.Errorf("%d of %d messages were tried", len(seen), all)
	}
}

func TestNewerFormatsAndNumbersAskForAnUpgrade(t *testing.T) {
	if _, err := DecodeEntry([]byte{2, 8, 1}); !errors.Is(err, ErrUpgrade) {
		t.Errorf("format 2: %v; want ErrUpgrade", err)
	}
	data, err := marshal(&commandpb.Results{Results: []*commandpb.Result{{Error: 9999}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeResults(data); !errors.Is(err, ErrUpgrade) {
		t.Errorf("unknown error number: %v; want ErrUpgrade", err)
	}
	// Operation with only field 31, a command of the future.
	future := protoreflect.RawFields{0xfa, 0x01, 0x00}
	op := &commandpb.Operation{Sequence: 1}
	op.ProtoReflect().SetUnknown(future)
	data, err = marshal(&commandpb.Batch{Origin: &commandpb.Origin{Node: []byte("n")}, Operations: []*commandpb.Operation{op}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeBatch(data); !errors.Is(err, ErrUpgrade) {
		t.Errorf("unknown command: %v; want ErrUpgrade", err)
	}
}

func TestTimesAreCutToMilliseconds(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987_654_321, time.FixedZone("x", 3600))
	data, err := EncodeEntry(Entry{Time: at, Batches: []Batch{{
		Origin:     Origin{Node: "n"},
		Operations: []Operation{{Command: Create{Draft: link.Draft{Fields: link.Fields{ValidUntil: at}}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := DecodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 5, 4, 2, 2, 1, 987_000_000, time.UTC)
	if got := e.Batches[0].Operations[0].Command.(Create).Draft.ValidUntil; !got.Equal(want) || !e.Time.Equal(want) {
		t.Errorf("stamp %v, valid until %v; want %v", e.Time, got, want)
	}
}
