package link

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestARouteSaysWhatAVisitNeeds(t *testing.T) {
	for field, l := range map[string]Link{
		"Target":     {Fields: Fields{Target: "http://a"}},
		"ValidSince": {Fields: Fields{ValidSince: fieldsEpoch}},
		"ValidUntil": {Fields: Fields{ValidUntil: fieldsEpoch}},
		"Redirect":   {Fields: Fields{Redirect: 307}},
		"DropQuery":  {Fields: Fields{DropQuery: true}},
		"Disabled":   {Fields: Fields{Disabled: true}},
		"Limited":    {Fields: Fields{MaxVisits: 2}, Visits: 1},
		"Protected":  {Fields: Fields{Password: "x"}},
		"":           {Code: "c", Fields: Fields{Title: "t", Tags: "a"}, Owner: "o", Visits: 9, Version: 3, CreatedAt: fieldsEpoch},
	} {
		r := reflect.ValueOf(l.Route())
		for i := range r.NumField() {
			if name := r.Type().Field(i).Name; r.Field(i).IsZero() == (name == field) {
				t.Errorf("a link with %q: its route has %s %v", field, name, r.Field(i))
			}
		}
	}
	full := Link{Fields: everyField(), Visits: 7}
	r := reflect.ValueOf(full.Route())
	for i := range r.NumField() {
		if r.Field(i).IsZero() {
			t.Errorf("%s of a link with everything", r.Type().Field(i).Name)
		}
	}
}

func TestALinkIsUsedUpAfterItsLastVisit(t *testing.T) {
	for _, c := range []struct {
		limit, visits uint64
		used          bool
	}{{0, 0, false}, {0, 9, false}, {1, 0, false}, {1, 1, true}, {5, 4, false}, {5, 5, true}, {5, 1<<64 - 1, true}} {
		r := Link{Fields: Fields{MaxVisits: c.limit}, Visits: c.visits}.Route()
		if r.UsedUp != c.used || r.Limited != (c.limit > 0) {
			t.Errorf("%d of %d visits: %+v", c.visits, c.limit, r)
		}
	}
}

// What is wrong with a link is told in one order, whatever else is wrong with it.
func TestStatesInTheOrderOfJudgement(t *testing.T) {
	now := fieldsEpoch
	causes := []func(*Route){
		func(r *Route) { r.Disabled = true },
		func(r *Route) { r.ValidUntil = now },
		func(r *Route) { r.UsedUp = true },
		func(r *Route) { r.ValidSince = now.Add(time.Millisecond) },
	}
	states := []State{Disabled, Expired, UsedUp, NotYet}
	for set := range 1 << len(causes) {
		var r Route
		want := Open
		for i := len(causes) - 1; i >= 0; i-- {
			if set&(1<<i) != 0 {
				causes[i](&r)
				want = states[i]
			}
		}
		if got := r.State(now); got != want {
			t.Errorf("causes %04b: state %d, want %d", set, got, want)
		}
	}
}

func TestALinkBeginsAndEndsToTheMillisecond(t *testing.T) {
	r := Route{ValidSince: fieldsEpoch, ValidUntil: fieldsEpoch.Add(time.Second)}
	for offset, want := range map[time.Duration]State{
		-time.Millisecond: NotYet, 0: Open, 999 * time.Millisecond: Open, time.Second: Expired, time.Hour: Expired,
	} {
		now := fieldsEpoch.Add(offset)
		if got := r.State(now); got != want {
			t.Errorf("at %v: state %d, want %d", offset, got, want)
		}
		l := Link{Fields: Fields{ValidSince: r.ValidSince, ValidUntil: r.ValidUntil}}
		if l.Expired(now) != (want == Expired) {
			t.Errorf("at %v: expired %v", offset, l.Expired(now))
		}
	}
}

func TestTimelessRoutesKeepTheirState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := func(label string) time.Time {
			return time.UnixMilli(rapid.Int64Range(0, 253402300799999).Draw(t, label)).UTC()
		}
		l := Link{Visits: rapid.Uint64Range(0, 2).Draw(t, "visits"), Fields: Fields{
			Disabled: rapid.Bool().Draw(t, "disabled"), MaxVisits: rapid.Uint64Range(0, 2).Draw(t, "limit"),
		}}
		if rapid.Bool().Draw(t, "since") {
			l.ValidSince = moment("from")
		}
		if rapid.Bool().Draw(t, "until") {
			l.ValidUntil = moment("to")
		}
		r := l.Route()
		a, b := moment("a"), moment("b")
		if r.Timeless() && (r.State(a) != r.State(b) || r.State(a) == Expired || r.State(a) == NotYet) {
			t.Fatalf("%+v: state %d at %v, and %d at %v", r, r.State(a), a, r.State(b), b)
		}
		if timed := !l.ValidSince.IsZero() || !l.ValidUntil.IsZero(); r.Timeless() == timed {
			t.Fatalf("%+v is timeless: %v", r, r.Timeless())
		}
	})
}
