package link

import (
	"errors"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var fieldsEpoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// everyField has no field at its default, and is valid.
func everyField() Fields {
	return Fields{
		Target: "http://example.com/", Title: "Ein Titel", Tags: "a\nb", ValidSince: fieldsEpoch, ValidUntil: fieldsEpoch.Add(time.Hour),
		MaxVisits: 7, Redirect: 308, DropQuery: true, Disabled: true, Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
	}
}

// eachField calls visit with the set and the index of every field of Fields: sets are in the order of the fields.
func eachField(t *testing.T, visit func(name string, one FieldSet, i int)) {
	t.Helper()
	all := reflect.TypeFor[Fields]()
	if all.NumField() != bits.OnesCount16(uint16(AllFields)) || TargetField != 1 {
		t.Fatalf("%d fields, and sets of %b", all.NumField(), AllFields)
	}
	for i := range all.NumField() {
		visit(all.Field(i).Name, 1<<i, i)
	}
}

// differing names the fields in which two differ.
func differing(a, b Fields) (names []string) {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		if va.Field(i).Interface() != vb.Field(i).Interface() {
			names = append(names, va.Type().Field(i).Name)
		}
	}
	return names
}

func TestEveryFieldIsTakenAndComparedByItsName(t *testing.T) {
	full, none := everyField(), Fields{}
	eachField(t, func(name string, one FieldSet, i int) {
		if reflect.ValueOf(full).Field(i).IsZero() {
			t.Fatalf("%s is not set in the example", name)
		}
		changed := none
		changed.Take(full, one)
		if got := differing(changed, none); !slices.Equal(got, []string{name}) {
			t.Errorf("taking %s changed %v", name, got)
		}
		if changed.Same(none, one) || !changed.Same(none, AllFields&^one) || !changed.Same(full, one) {
			t.Errorf("a link with another %s is the same, or not the same without it", name)
		}
		changed = full
		changed.Take(none, AllFields&^one)
		if got := differing(changed, none); !slices.Equal(got, []string{name}) {
			t.Errorf("taking all but %s left %v", name, got)
		}
	})
	if !full.Same(none, 0) {
		t.Error("two links differ in no field named")
	}
}

func TestSetsSayWhatTheyHave(t *testing.T) {
	s := TitleField | PasswordField
	for wanted, want := range map[FieldSet]bool{
		0: true, TitleField: true, PasswordField: true, TitleField | PasswordField: true, TagsField: false, TitleField | TagsField: false,
	} {
		if s.Has(wanted) != want {
			t.Errorf("%b has %b: %v", s, wanted, !want)
		}
	}
}

func TestTheDefaultsAndEveryFieldAreValid(t *testing.T) {
	if err := (Fields{Target: "http://a"}).Check(); err != nil {
		t.Error(err)
	}
	if err := everyField().Check(); err != nil {
		t.Error(err)
	}
	eachField(t, func(name string, one FieldSet, _ int) {
		f := Fields{Target: "http://a"}
		f.Take(everyField(), one)
		if err := f.Check(); err != nil {
			t.Errorf("%s alone: %v", name, err)
		}
	})
}

// badFields has values of every field that no link can have; the two switches have none.
var badFields = map[string][]Fields{
	"Target":     {{Target: ""}, {Target: Target(strings.Repeat("a", MaxTarget+1))}, {Target: "http://\xff"}},
	"Title":      {{Title: strings.Repeat("t", MaxTitle+1)}, {Title: "a\nb"}, {Title: "\x7f"}, {Title: "\u0085"}, {Title: "\xff"}},
	"Tags":       {{Tags: "b\na"}, {Tags: "a\na"}, {Tags: "\n"}, {Tags: "a\n"}, {Tags: " a"}, {Tags: Tags(strings.Repeat("a", MaxTag+1))}, {Tags: "a\x00b"}, {Tags: "\xff"}},
	"ValidSince": {{ValidSince: fieldsEpoch.Add(time.Hour)}, {ValidSince: fieldsEpoch.Add(2 * time.Hour)}},
	"ValidUntil": {{ValidUntil: fieldsEpoch}, {ValidUntil: fieldsEpoch.Add(-1)}, {ValidUntil: fieldsEpoch.Add(-100 * 365 * 24 * time.Hour)}},
	"MaxVisits":  {{MaxVisits: MaxVisitLimit + 1}, {MaxVisits: 1<<64 - 1}},
	"Redirect":   {{Redirect: 302}, {Redirect: 1}, {Redirect: 200}, {Redirect: 303}, {Redirect: 1<<16 - 1}},
	"DropQuery":  {},
	"Disabled":   {},
	"Password":   {{Password: PasswordHash(strings.Repeat("$", MaxPasswordHash+1))}, {Password: "a b"}, {Password: "a\n"}, {Password: "ä"}, {Password: "\x7f"}},
}

func TestEveryFieldIsChecked(t *testing.T) {
	eachField(t, func(name string, one FieldSet, _ int) {
		bad, listed := badFields[name]
		if !listed {
			t.Errorf("no bad values of %s are known", name)
		}
		want := ErrInvalidField
		if one == TargetField {
			want = ErrInvalidTarget
		}
		for i, b := range bad {
			f := everyField()
			f.Take(b, one)
			if err := f.Check(); !errors.Is(err, want) {
				t.Errorf("%s, bad value %d: %v, want %v", name, i, err, want)
			}
		}
	})
}

func TestFieldsAtTheirLimitsAreValid(t *testing.T) {
	for i, f := range []Fields{
		{Target: Target(strings.Repeat("a", MaxTarget))},
		{Target: "a", Title: strings.Repeat("ä", MaxTitle/2)},
		{Target: "a", MaxVisits: MaxVisitLimit},
		{Target: "a", Password: PasswordHash(strings.Repeat("~", MaxPasswordHash))},
		{Target: "a", ValidUntil: fieldsEpoch.Add(-time.Hour)},
		{Target: "a", ValidSince: fieldsEpoch, ValidUntil: fieldsEpoch.Add(time.Millisecond)},
	} {
		if err := f.Check(); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestRedirectsAreFourStatuses(t *testing.T) {
	cached := map[int]bool{301: true, 308: true}
	taken := 0
	for status := -1; status < 70_000; status++ { // 65,536 and 301 must not be the same
		r, err := RedirectOf(status)
		if err != nil {
			if !errors.Is(err, ErrInvalidField) || r != 0 {
				t.Fatalf("%d: %d, %v", status, r, err)
			}
			continue
		}
		taken++
		if r.Status() != status || r.Cached() != cached[status] || !r.valid() {
			t.Errorf("%d: comes back as %d, cached %v", status, r.Status(), r.Cached())
		}
	}
	if taken != 4 || Redirect(0).Status() != 302 {
		t.Errorf("%d statuses are taken, and the default is %d", taken, Redirect(0).Status())
	}
}
