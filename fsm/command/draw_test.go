package command

import (
	"fmt"
	"reflect"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

// kinds has one of each command.
var kinds = []Command{
	Create{},
	Edit{},
	Delete{},
	Consume{},
	Sweep{},
	Lead{},
	CreateKey{},
	RevokeKey{},
	CreateUser{},
	EditUser{},
	DeleteUser{},
	Deny{},
	Allow{},
	Report{},
	Dismiss{},
	Visits{},
	Roll{},
}

// someTallies is one tally, as the command holds it.
var someTallies = string(visit.AppendTallies(nil, []visit.Tally{{Hour: 490_000, Subject: visit.Subject{Kind: visit.OfLink, Name: "abcdefg"}}}))

// drawBatch draws batches with every command and every field.
func drawBatch(t *rapid.T) Batch {
	b := Batch{
		Origin:     Origin{Node: rapid.StringN(1, 20, 60).Draw(t, "node"), Boot: rapid.Uint64().Draw(t, "boot")},
		Floor:      rapid.Uint64().Draw(t, "floor"),
		Operations: make([]Operation, 0),
	}
	for range rapid.IntRange(0, 5).Draw(t, "operations") {
		b.Operations = append(b.Operations, Operation{
			Sequence: rapid.Uint64().Draw(t, "sequence"),
			Command:  drawCommand(t, rapid.SampledFrom(kinds).Draw(t, "command")),
			Actor:    rapid.StringN(0, MaxActor/4, MaxActor).Draw(t, "actor"),
		})
	}
	return b
}

// drawCommand draws a command of a kind that can be encoded, whatever fields it has.
func drawCommand(t *rapid.T, kind Command) Command {
	v := reflect.New(reflect.TypeOf(kind)).Elem()
	fillWith(v, func(leaf reflect.Value) { drawLeaf(t, leaf) }, func() bool { return rapid.Bool().Draw(t, "given") })
	return encodable(v.Interface().(Command))
}

// encodable brings a command into the form it has on the way.
func encodable(c Command) Command {
	switch c := c.(type) {
	case Edit:
		var set link.Fields
		set.Take(c.Edit.Fields, c.Edit.Set)
		c.Edit.Fields = set
		return c
	case Sweep:
		return Sweep{Limit: 1 + c.Limit%MaxSwept}
	case Roll:
		return Roll{Limit: 1 + c.Limit%MaxRolled, KeptDays: 1 + c.KeptDays%MaxVisitDays}
	case Visits:
		c.Node, c.Tallies = ("n" + c.Node)[:min(len(c.Node)+1, MaxNode)], someTallies
		return c
	case CreateKey:
		c.Key.CreatedAt = time.Time{}
		return c
	case CreateUser:
		c.User.CreatedAt = time.Time{}
		return c
	}
	return c
}

// fillWith fills in all of v by reflection, so that no test can forget a field: leaf sets what is no structure, and given says
// whether there is something behind a pointer.
func fillWith(v reflect.Value, leaf func(reflect.Value), given func() bool) {
	switch {
	case v.Kind() == reflect.Pointer:
		if given() {
			v.Set(reflect.New(v.Type().Elem()))
			fillWith(v.Elem(), leaf, given)
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			fillWith(v.Field(i), leaf, given)
		}
	default:
		leaf(v)
	}
}

func drawLeaf(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(drawTime(t)))
		return
	case link.FieldSet:
		v.SetUint(uint64(rapid.Uint16Range(0, uint16(link.AllFields)).Draw(t, "set")))
		return
	case link.Conflict:
		v.SetUint(uint64(rapid.Uint8Range(0, uint8(link.Rename)).Draw(t, "conflict")))
		return
	case access.Scopes:
		v.SetUint(uint64(rapid.Uint8Range(0, uint8(access.AllScopes)).Draw(t, "scopes")))
		return
	case access.Role:
		v.SetUint(uint64(rapid.Uint8Range(0, uint8(access.AdminRole)).Draw(t, "role")))
		return
	}
	switch v.Kind() {
	case reflect.String: // also what is no UTF-8
		v.SetString(string(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "text")))
	case reflect.Uint64, reflect.Uint32, reflect.Uint16:
		v.SetUint(rapid.Uint64().Draw(t, "number") >> (64 - v.Type().Bits()))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "switch"))
	case reflect.Array:
		reflect.Copy(v, reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), v.Len(), v.Len()).Draw(t, "bytes")))
	default:
		t.Fatalf("%v cannot be drawn yet", v.Type())
	}
}

func drawTime(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "no time") {
		return time.Time{}
	}
	return time.UnixMilli(rapid.Int64Range(-MaxTime.UnixMilli(), 2*MaxTime.UnixMilli()).Draw(t, "ms")).UTC()
}

// fillMessage sets every field of a message, and of those inside it, to what is not its default: new fields too.
func fillMessage(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if of := f.ContainingOneof(); of != nil && !of.IsSynthetic() {
			continue // its alternatives are shown one by one
		}
		switch {
		case f.IsList():
			fillMessage(m.Mutable(f).List().AppendMutable().Message())
		case f.Message() != nil:
			fillMessage(m.Mutable(f).Message())
		default:
			m.Set(f, someValue(f))
		}
	}
}

func someValue(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BytesKind:
		switch f.Name() {
		case "code_key":
			return protoreflect.ValueOfBytes([]byte("a key of 16 byte"))
		case "body", "hash":
			return protoreflect.ValueOfBytes([]byte("a hash has 32 bytes, as has this"))
		case "tallies":
			return protoreflect.ValueOfBytes([]byte(someTallies))
		}
		return protoreflect.ValueOfBytes([]byte(f.Name()))
	case protoreflect.Uint32Kind:
		if f.Name() == "set" {
			return protoreflect.ValueOfUint32(uint32(link.AllFields))
		}
		return protoreflect.ValueOfUint32(1)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	}
	panic(fmt.Sprintf("no value is known for %v", f.FullName()))
}

// everything is one message of each kind, every field set.
func everything() (*commandpb.Entry, *commandpb.Results) {
	entry, results := &commandpb.Entry{}, &commandpb.Results{}
	fillMessage(entry.ProtoReflect())
	fillMessage(results.ProtoReflect())
	alternatives := (&commandpb.Operation{}).ProtoReflect().Descriptor().Oneofs().ByName("command").Fields()
	entry.Batches[0].Operations = nil
	for i := range alternatives.Len() {
		op := &commandpb.Operation{}
		fillMessage(op.ProtoReflect())
		fillMessage(op.ProtoReflect().Mutable(alternatives.Get(i)).Message())
		entry.Batches[0].Operations = append(entry.Batches[0].Operations, op)
	}
	return entry, results
}
