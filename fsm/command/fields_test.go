package command

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

// What stands in a message is found again in the command, and nothing of the command comes from nowhere.
func TestEveryFieldOfEveryMessageHasAPlace(t *testing.T) {
	entry, results := everything()
	if len(entry.Batches[0].Operations) != len(kinds) {
		t.Fatalf("%d commands on the wire, %d are known here", len(entry.Batches[0].Operations), len(kinds))
	}
	data, err := marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := DecodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range decoded.Batches[0].Operations {
		checkFull(t, reflect.TypeOf(op.Command).Name(), reflect.ValueOf(op))
	}
	again, err := EncodeEntry(decoded)
	if err != nil {
		t.Fatal(err)
	}
	back := &commandpb.Entry{}
	if err := unmarshal(again, MaxEntryBytes, back); err != nil || !proto.Equal(entry, back) {
		t.Errorf("an entry came back as %v, %v; want %v", back, err, entry)
	}

	if data, err = marshal(results); err != nil {
		t.Fatal(err)
	}
	read, err := DecodeResults(data)
	if err != nil {
		t.Fatal(err)
	}
	checkFull(t, "Result", reflect.ValueOf(read[0]))
	if again, err = EncodeResults(read); err != nil {
		t.Fatal(err)
	}
	got := &commandpb.Results{}
	if err := unmarshal(again, MaxBytes, got); err != nil || !proto.Equal(results, got) {
		t.Errorf("results came back as %v, %v; want %v", got, err, results)
	}
}

// checkFull demands that nothing in v is at its default.
func checkFull(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	if path == "CreateKey.Command.Key.CreatedAt" || path == "CreateUser.Command.User.CreatedAt" {
		return // it is the entry's stamp
	}
	if v.IsZero() {
		t.Errorf("%s is not read", path)
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[error]():
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Interface:
		checkFull(t, path, v.Elem())
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			checkFull(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}

func TestResultsAreDecodedEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make([]Result, rapid.IntRange(0, 4).Draw(t, "results"))
		for i := range want {
			fillWith(reflect.ValueOf(&want[i].Link).Elem(), func(leaf reflect.Value) { drawLeaf(t, leaf) }, nil)
			want[i].Found = rapid.Bool().Draw(t, "found")
			if rapid.Bool().Draw(t, "refused") {
				want[i].Err = table[rapid.IntRange(0, len(table)-1).Draw(t, "error")].err
			}
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
			t.Fatalf("results changed on the way:\n%s", diff)
		}
	})
}

// Proposers fill batches by Size: it has to hold for the longest numbers and lengths there are.
func TestNoCommandIsLongerThanItsSize(t *testing.T) {
	for _, kind := range kinds {
		for _, length := range []int{0, 1, 127, 128, 16_383, 16_384} {
			v := reflect.New(reflect.TypeOf(kind)).Elem()
			fillWith(v, func(leaf reflect.Value) { fillLongest(leaf, length) }, func() bool { return true })
			op := Operation{Sequence: 1<<64 - 1, Command: encodable(v.Interface().(Command)), Actor: strings.Repeat("a", min(length, MaxActor))}
			b := Batch{Origin: Origin{Node: "n"}}
			none, err := EncodeBatch(b)
			if err != nil {
				t.Fatal(err)
			}
			b.Operations = []Operation{op}
			one, err := EncodeBatch(b)
			if err != nil {
				t.Fatal(err)
			}
			if took := len(one) - len(none); took > Size(op) {
				t.Errorf("%T with texts of %d bytes takes %d bytes, Size says %d", kind, length, took, Size(op))
			}
		}
	}
}

func fillLongest(v reflect.Value, length int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(-1).UTC())) // ten bytes, as every negative number
		return
	case link.FieldSet:
		v.SetUint(uint64(link.AllFields))
		return
	case link.Conflict:
		v.SetUint(uint64(link.Rename))
		return
	case access.Scopes:
		v.SetUint(uint64(access.AllScopes))
		return
	case access.Role:
		v.SetUint(uint64(access.AdminRole))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("x", length))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(-1)
	case reflect.Array:
		reflect.Copy(v, reflect.ValueOf([]byte(strings.Repeat("\xff", v.Len()))))
	default:
		v.SetUint(^uint64(0) >> (64 - v.Type().Bits()))
	}
}

func TestAnEmptyTextIsNotATextLeftOut(t *testing.T) {
	empty, text, role := "", "x", access.Role(0)
	for _, edit := range []access.UserEdit{{}, {Name: &empty}, {Email: &empty}, {Name: &text, Email: &empty, Role: &role}} {
		want := Batch{Origin: Origin{Node: "n"}, Operations: []Operation{{Command: EditUser{Edit: edit}}}}
		data, err := EncodeBatch(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeBatch(data)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
}

func TestFieldsThatAreNotSetDoNotTravel(t *testing.T) {
	sent := Edit{Edit: link.Edit{Code: "c", Set: link.TitleField, Fields: link.Fields{Target: "http://a", Title: "t", Disabled: true}}}
	want := Edit{Edit: link.Edit{Code: "c", Set: link.TitleField, Fields: link.Fields{Title: "t"}}}
	check := func(data []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		b, err := DecodeBatch(data)
		if err != nil || b.Operations[0].Command != Command(want) {
			t.Errorf("%+v, %v; want %+v", b, err, want)
		}
	}
	check(EncodeBatch(Batch{Origin: Origin{Node: "n"}, Operations: []Operation{{Command: sent}}}))
	pb := &commandpb.Batch{Origin: &commandpb.Origin{Node: []byte("n")}, Operations: []*commandpb.Operation{{
		Command: &commandpb.Operation_Edit{Edit: &commandpb.Edit{
			Code: []byte("c"), Set: uint32(link.TitleField), Target: []byte("http://a"),
			Details: &commandpb.Details{Title: []byte("t"), Disabled: true},
		}},
	}}}
	data, err := marshal(pb)
	check(data, err)
}

// What a decoder would refuse must not get into a log: no replica could read it.
func TestWhatNoDecoderTakesIsNotEncoded(t *testing.T) {
	unknown := link.AllFields + 1
	role := access.AdminRole + 1
	for name, op := range map[string]Operation{
		"find by an unknown field": {Command: Create{Draft: link.Draft{Find: &unknown}}},
		"an unknown policy":        {Command: Create{Draft: link.Draft{Imported: &link.Imported{Conflict: link.Rename + 1}}}},
		"edit an unknown field":    {Command: Edit{Edit: link.Edit{Set: unknown}}},
		"sweep nothing":            {Command: Sweep{}},
		"sweep too much":           {Command: Sweep{Limit: MaxSwept + 1}},
		"roll nothing":             {Command: Roll{KeptDays: 1}},
		"roll too much":            {Command: Roll{Limit: MaxRolled + 1, KeptDays: 1}},
		"keep visits for no time":  {Command: Roll{Limit: 1}},
		"visits of nobody":         {Command: Visits{Tallies: someTallies}},
		"no visits":                {Command: Visits{Node: "n", Tallies: string(visit.AppendTallies(nil, nil))}},
		"visits that are none":     {Command: Visits{Node: "n", Tallies: someTallies + "x"}},
		"too many visits":          {Command: Visits{Node: "n", Tallies: strings.Repeat("x", MaxVisits+1)}},
		"an unknown scope":         {Command: CreateKey{Key: access.Key{Scopes: access.AllScopes + 1}}},
		"an unknown role":          {Command: CreateUser{User: access.User{Role: role}}},
		"edit an unknown role":     {Command: EditUser{Edit: access.UserEdit{Role: &role}}},
		"a long actor":             {Command: Delete{}, Actor: strings.Repeat("a", MaxActor+1)},
	} {
		b := Batch{Origin: Origin{Node: "n"}, Operations: []Operation{op}}
		if _, err := EncodeBatch(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

func TestWhatIsNewInsideACommandAsksForAnUpgrade(t *testing.T) {
	unknown := uint32(link.AllFields) + 1
	far := uint32(1<<32 - 1)
	create := func(c *commandpb.Create) *commandpb.Operation {
		return &commandpb.Operation{Command: &commandpb.Operation_Create{Create: c}}
	}
	edit := func(e *commandpb.Edit) *commandpb.Operation {
		return &commandpb.Operation{Command: &commandpb.Operation_Edit{Edit: e}}
	}
	sweep := func(limit uint32) *commandpb.Operation {
		return &commandpb.Operation{Command: &commandpb.Operation_Sweep{Sweep: &commandpb.Sweep{Limit: limit}}}
	}
	key := func(k *commandpb.CreateKey) *commandpb.Operation {
		return &commandpb.Operation{Command: &commandpb.Operation_CreateKey{CreateKey: k}}
	}
	role := uint32(access.AdminRole) + 1
	user := &commandpb.Operation{Command: &commandpb.Operation_CreateUser{CreateUser: &commandpb.CreateUser{Role: role}}}
	userEdit := &commandpb.Operation{Command: &commandpb.Operation_EditUser{EditUser: &commandpb.EditUser{Role: &role}}}
	for name, c := range map[string]struct {
		op   *commandpb.Operation
		want error
	}{
		"an unknown scope":          {key(&commandpb.CreateKey{Hash: make([]byte, 32), Scopes: uint32(access.AllScopes) + 1}), ErrUpgrade},
		"many scopes":               {key(&commandpb.CreateKey{Hash: make([]byte, 32), Scopes: far}), ErrUpgrade},
		"a short hash":              {key(&commandpb.CreateKey{Hash: make([]byte, 31)}), ErrMalformed},
		"no hash":                   {key(&commandpb.CreateKey{}), ErrMalformed},
		"an unknown role":           {user, ErrUpgrade},
		"edit an unknown role":      {userEdit, ErrUpgrade},
		"find by an unknown field":  {create(&commandpb.Create{Find: &unknown}), ErrUpgrade},
		"find by many":              {create(&commandpb.Create{Find: &far}), ErrUpgrade},
		"an unknown policy":         {create(&commandpb.Create{Imported: &commandpb.Imported{Conflict: 3}}), ErrUpgrade},
		"edit an unknown field":     {edit(&commandpb.Edit{Set: unknown}), ErrUpgrade},
		"edit many":                 {edit(&commandpb.Edit{Set: far}), ErrUpgrade},
		"a status that is none":     {edit(&commandpb.Edit{Details: &commandpb.Details{Redirect: 1 << 16}}), ErrMalformed},
		"a create's status":         {create(&commandpb.Create{Details: &commandpb.Details{Redirect: far}}), ErrMalformed},
		"sweep nothing":             {sweep(0), ErrMalformed},
		"sweep too much":            {sweep(MaxSwept + 1), ErrMalformed},
		"an actor that is too long": {&commandpb.Operation{Command: sweep(1).Command, Actor: make([]byte, MaxActor+1)}, ErrMalformed},
	} {
		data, err := marshal(&commandpb.Batch{Origin: &commandpb.Origin{Node: []byte("n")}, Operations: []*commandpb.Operation{c.op}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeBatch(data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
}
