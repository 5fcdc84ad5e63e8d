package access

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

func TestScopesAreNamedAndRead(t *testing.T) {
	for s := range AllScopes + 1 {
		names := s.Names()
		again, err := ParseScopes(names)
		if s == 0 {
			if !errors.Is(err, ErrInvalid) || len(names) != 0 {
				t.Errorf("no scopes are %q, read as %v, %v", names, again, err)
			}
			continue
		}
		if err != nil || again != s {
			t.Errorf("scopes %b are %q, read as %b, %v", s, names, again, err)
		}
	}
	if got := AllScopes.Names(); !slices.Equal(got, []string{"links:create", "links:read", "links:write", "stats:read", "admin"}) {
		t.Errorf("all scopes are %q", got)
	}
	for _, names := range [][]string{nil, {}, {""}, {"admin", "links"}, {"Admin"}, {"admin "}} {
		if s, err := ParseScopes(names); !errors.Is(err, ErrInvalid) || s != 0 {
			t.Errorf("%q is read as %b, %v", names, s, err)
		}
	}
	if s, err := ParseScopes([]string{"admin", "links:read", "admin"}); err != nil || s != Admin|LinksRead {
		t.Errorf("twice the same: %b, %v", s, err)
	}
}

func TestScopesHoldWhatIsInThem(t *testing.T) {
	for have := range AllScopes + 1 {
		for wanted := range AllScopes + 1 {
			every := true
			for bit := LinksCreate; bit <= Admin; bit <<= 1 {
				every = every && (wanted&bit == 0 || have&bit != 0)
			}
			if have.Holds(wanted) != every {
				t.Errorf("%b holds %b: %v", have, wanted, !every)
			}
		}
	}
	if !Scopes(0).Holds(AnyKey) {
		t.Error("a key without scopes is no key")
	}
}

func TestRolesAreNamedAndRead(t *testing.T) {
	for r, name := range map[Role]string{Creator: "creator", Editor: "editor", AdminRole: "admin"} {
		again, err := ParseRole(name)
		if err != nil || again != r || r.String() != name || !r.Valid() {
			t.Errorf("role %d is %q, read as %d, %v", r, r, again, err)
		}
	}
	for _, name := range []string{"", "Admin", "root", "admin "} {
		if r, err := ParseRole(name); !errors.Is(err, ErrInvalid) || r != 0 {
			t.Errorf("%q is read as %d, %v", name, r, err)
		}
	}
	if Role(0).Valid() || Role(4).Valid() {
		t.Error("a role that is none is valid")
	}
}

func TestHoldersAreWhatTheirOwnersMayBe(t *testing.T) {
	for name, c := range map[string]struct {
		owner  string
		role   Role
		scopes Scopes
		own    bool
	}{
		"nobody's":        {"", 0, AllScopes, false},
		"a creator's":     {"u", Creator, AllScopes &^ Admin, true},
		"an editor's":     {"u", Editor, AllScopes &^ Admin, false},
		"an admin's":      {"u", AdminRole, AllScopes, false},
		"of a role to be": {"u", Role(4), AllScopes &^ Admin, false},
	} {
		k := Key{ID: "k", Scopes: AllScopes, Owner: c.owner}
		h := k.Holder(User{ID: c.owner, Role: c.role})
		if h != (Holder{ID: "k", Owner: c.owner, Scopes: c.scopes, OwnOnly: c.own}) || h.Actor() != "k" {
			t.Errorf("%s: %+v", name, h)
		}
		if own := h.OwnedBy(); (own != nil) != c.own || c.own && *own != c.owner {
			t.Errorf("%s: sees what is %v's", name, own)
		}
		if k.Scopes = LinksRead; k.Holder(User{Role: c.role}).Scopes != LinksRead {
			t.Errorf("%s: a role adds scopes", name)
		}
	}
	if h := RootHolder(); h.Actor() != "" || h.OwnedBy() != nil || h.Scopes != AllScopes {
		t.Errorf("root is %+v", h)
	}
	if h := AnonymousHolder(); h.Actor() != "" || h.OwnedBy() != nil || h.Scopes != LinksCreate || h.Owner != Anonymous {
		t.Errorf("the anonymous are %+v", h)
	}
}

func TestAKeyEndsAtItsMoment(t *testing.T) {
	for now, want := range map[time.Time]bool{noon.Add(-1): false, noon: true, noon.Add(1): true} {
		if got := (Key{ExpiresAt: noon}).Expired(now); got != want {
			t.Errorf("at %v: %v", now, got)
		}
		if (Key{}).Expired(now) {
			t.Error("a key without an end has ended")
		}
	}
}

func TestSecretsAreHashedWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := Secret([32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "random")))
		h, ok := HashOf(secret)
		if !ok || len(secret) != 46 || !strings.HasPrefix(secret, "tu_") || h != sha256.Sum256([]byte(secret)) {
			t.Fatalf("%q: %v", secret, ok)
		}
	})
	good := Secret([32]byte{})
	for _, odd := range []string{"", "tu_", good[3:], good[:45], good + "A", "TU_" + good[3:], " " + good, strings.Repeat("a", 46)} {
		if _, ok := HashOf(odd); ok {
			t.Errorf("%q is a secret", odd)
		}
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	long := strings.Repeat("x", 600)
	key := func(do func(*Key)) interface{ Check() error } {
		k := Key{ID: "aZ0_-", Name: "n", Scopes: Admin}
		do(&k)
		return k
	}
	user := func(do func(*User)) interface{ Check() error } {
		u := User{ID: "u", Name: "Ann B", Role: Editor, Email: "ann@a.example"}
		do(&u)
		return u
	}
	denied := func(host, reason string) interface{ Check() error } { return Denied{Host: host, Reason: reason} }
	for name, c := range map[string]struct {
		what  interface{ Check() error }
		valid bool
	}{
		"a key":               {key(func(*Key) {}), true},
		"a long key":          {key(func(k *Key) { k.ID, k.Name = long[:MaxID], long[:MaxName] }), true},
		"no id":               {key(func(k *Key) { k.ID = "" }), false},
		"a longer id":         {key(func(k *Key) { k.ID = long[:MaxID+1] }), false},
		"a dotted id":         {key(func(k *Key) { k.ID = "a.b" }), false},
		"an id with a slash":  {key(func(k *Key) { k.ID = "a/b" }), false},
		"an id of letters":    {key(func(k *Key) { k.ID = "ä" }), false},
		"root's id":           {key(func(k *Key) { k.ID = Root }), false},
		"the anonymous' id":   {key(func(k *Key) { k.ID = Anonymous }), false},
		"no name":             {key(func(k *Key) { k.Name = "" }), false},
		"a longer name":       {key(func(k *Key) { k.Name = long[:MaxName+1] }), false},
		"a name of a line":    {key(func(k *Key) { k.Name = "a\nb" }), false},
		"a name of no text":   {key(func(k *Key) { k.Name = "\xff" }), false},
		"a name and a space":  {key(func(k *Key) { k.Name = "a " }), false},
		"no scopes":           {key(func(k *Key) { k.Scopes = 0 }), false},
		"an unknown scope":    {key(func(k *Key) { k.Scopes = AllScopes + 1 }), false},
		"a user":              {user(func(*User) {}), true},
		"a user, no address":  {user(func(u *User) { u.Email = "" }), true},
		"a long address":      {user(func(u *User) { u.Email = "a@" + long[:MaxEmail-2] }), true},
		"a longer address":    {user(func(u *User) { u.Email = "a@" + long[:MaxEmail-1] }), false},
		"an address, no host": {user(func(u *User) { u.Email = "ann@" }), false},
		"an address, no name": {user(func(u *User) { u.Email = "@a.example" }), false},
		"a word":              {user(func(u *User) { u.Email = "ann" }), false},
		"an address, spaced":  {user(func(u *User) { u.Email = "an n@a" }), false},
		"an address, a line":  {user(func(u *User) { u.Email = "a@\n" }), false},
		"a user, no id":       {user(func(u *User) { u.ID = "" }), false},
		"a user, no name":     {user(func(u *User) { u.Name = "" }), false},
		"no role":             {user(func(u *User) { u.Role = 0 }), false},
		"an unknown role":     {user(func(u *User) { u.Role = 4 }), false},
		"a host":              {denied("bad.example", "a reason"), true},
		"an address":          {denied("10.0.0.1", ""), true},
		"another address":     {denied("[2001:db8::1]", ""), true},
		"eight labels":        {denied("1.2.3.4.5.6.7.h", ""), true},
		"nine labels":         {denied("0.1.2.3.4.5.6.7.h", ""), false},
		"a long host":         {denied(long[:MaxHost], long[:MaxReason]), true},
		"a longer host":       {denied(long[:MaxHost+1], ""), false},
		"no host":             {denied("", ""), false},
		"a host in capitals":  {denied("Bad.example", ""), false},
		"a host, spaced":      {denied("bad example", ""), false},
		"a host of letters":   {denied("bücher.example", ""), false},
		"a longer reason":     {denied("h", long[:MaxReason+1]), false},
		"a reason of a line":  {denied("h", "a\nb"), false},
	} {
		if err := c.what.Check(); (err == nil) != c.valid || !c.valid && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for reason, valid := range map[string]bool{"": false, "r": true, long[:MaxReason]: true, long[:MaxReason+1]: false, "a\x00": false, "\xff": false} {
		if err := CheckReason(reason); (err == nil) != valid || !valid && !errors.Is(err, ErrInvalid) {
			t.Errorf("reason %.9q: %v", reason, err)
		}
	}
}

func TestAHostIsCoveredByTheNamesAboveIt(t *testing.T) {
	long := strings.Repeat("x", MaxHost)
	for host, want := range map[string][]string{
		"a.b.example":        {"a.b.example", "b.example", "example"},
		"example":            {"example"},
		"10.0.0.1":           {"10.0.0.1"},
		"[2001:db8::1]":      {"[2001:db8::1]"},
		"10.0.0.1.example":   {"10.0.0.1.example", "0.0.1.example", "0.1.example", "1.example", "example"},
		"0.1.2.3.4.5.6.7.h":  {"1.2.3.4.5.6.7.h", "2.3.4.5.6.7.h", "3.4.5.6.7.h", "4.5.6.7.h", "5.6.7.h", "6.7.h", "7.h", "h"},
		long:                 {long},
		"a." + long:          {long},
		long + ".example":    {"example"},
		long + "x":           nil,
		long + "x.b.example": {"b.example", "example"},
		"a..b":               {"a..b", ".b", "b"},
		"":                   {""},
	} {
		if got := slices.Collect(Covering(host)); !slices.Equal(got, want) {
			t.Errorf("%.40q is covered by %.40q, want %.40q", host, got, want)
		}
	}
	for range Covering("a.b.c") {
		break // a caller who has seen enough
	}
}

func TestAnEditChangesWhatItNames(t *testing.T) {
	name, email, role := "n", "", AdminRole
	u := User{ID: "u", Name: "Ann", Email: "ann@a.example", Role: Editor, CreatedAt: noon}
	for _, c := range []struct {
		edit UserEdit
		want User
	}{
		{UserEdit{ID: "other"}, u},
		{UserEdit{Name: &name}, User{ID: "u", Name: "n", Email: u.Email, Role: Editor, CreatedAt: noon}},
		{UserEdit{Email: &email}, User{ID: "u", Name: "Ann", Role: Editor, CreatedAt: noon}},
		{UserEdit{Role: &role}, User{ID: "u", Name: "Ann", Email: u.Email, Role: AdminRole, CreatedAt: noon}},
	} {
		got := u
		if got.Take(c.edit); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}
