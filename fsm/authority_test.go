package fsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// everyAsk has one of each command that people ask for, refused by nothing but who asks. They need links x, y and z, none of them
// reported but z, and the host "old.example" denied.
func everyAsk() map[access.Scopes][]command.Command {
	return map[access.Scopes][]command.Command{
		access.LinksCreate: {command.Create{Draft: draft("http://a")}},
		access.LinksWrite:  {command.Edit{Edit: link.Edit{Code: "x"}}, command.Delete{Code: "y"}},
		access.AnyKey:      {command.Report{Code: "x", Reason: "r"}},
		access.Admin: {
			command.Create{Draft: imported("i", link.Imported{})},
			userOf("new", access.Editor), keyOf("new", "new"),
			command.EditUser{Edit: access.UserEdit{ID: "new"}},
			command.RevokeKey{ID: "new"},
			command.DeleteUser{ID: "new"},
			command.Deny{Host: "new.example"},
			command.Allow{Host: "old.example"},
			command.Dismiss{Code: "z"},
		},
	}
}

// asked is a group that everyAsk can be asked of.
func asked(t *testing.T) *group {
	g := lead(t)
	for _, code := range []string{"x", "y", "z"} {
		g.make(slug(code))
	}
	g.must(command.Report{Code: "z", Reason: "r"}, command.Deny{Host: "old.example"})
	return g
}

func TestEveryCommandTakesItsScope(t *testing.T) {
	for wanted, commands := range everyAsk() {
		g := asked(t)
		enough, other := keyOf("enough", ""), keyOf("other", "")
		enough.Key.Scopes, other.Key.Scopes = wanted, access.AllScopes&^wanted
		if wanted == access.AnyKey {
			enough.Key.Scopes = access.StatsRead
		}
		g.must(enough, other)
		for _, c := range commands {
			if wanted != access.AnyKey {
				g.refuseAs(fmt.Sprintf("%T without the scope", c), "other", c, link.ErrForbidden)
			}
			g.refuseAs(fmt.Sprintf("%T by a stranger", c), "stranger", c, link.ErrUnauthorized)
			if r := g.as("enough", c)[0]; r.Err != nil {
				t.Errorf("%T with the scope: %v", c, r.Err)
			}
		}
	}
}

func TestWhatIsTheClustersOwnIsNobodyElses(t *testing.T) {
	g := asked(t)
	g.must(keyOf("k", ""))
	for _, c := range []command.Command{
		command.Consume{Code: "x"},
		command.Sweep{Limit: 1},
		command.Roll{Limit: 1, KeptDays: 1},
		someVisits(1, tallyOf(1, everything, 1)),
		command.Lead{ClusterVersion: MaxClusterVersion + 1},
	} {
		g.refuseAs(fmt.Sprintf("%T", c), "k", c, link.ErrForbidden)
		g.refuseAs(fmt.Sprintf("%T", c), "stranger", c, link.ErrUnauthorized)
	}
}

func TestTheOwnersRoleLimitsTheirKeys(t *testing.T) {
	g := lead(t)
	g.people()
	g.make(link.Draft{Fields: link.Fields{Target: "http://a"}, Slug: "mine", Owner: "u1"})
	g.make(slug("nobodys"))
	remove, deny := command.Delete{Code: "nobodys"}, command.Deny{Host: "a.example"}
	own := link.Draft{Fields: link.Fields{Target: "http://a"}, Owner: "u1"}
	others := own
	others.Owner = "u2"
	g.refuseAs("an editor denies", "editor", deny, link.ErrForbidden)
	g.refuseAs("a creator denies", "k1", deny, link.ErrForbidden)
	g.refuseAs("a creator makes another's link", "k1", command.Create{Draft: others}, link.ErrForbidden)
	g.refuseAs("a creator makes nobody's link", "k1", command.Create{Draft: draft("http://a")}, link.ErrForbidden)
	g.refuseAs("a creator deletes nobody's link", "k1", remove, link.ErrNotFound)
	for _, actor := range []string{"k1", "editor", "admin", "free"} {
		if r := g.as(actor, command.Create{Draft: own})[0]; r.Err != nil || r.Link.Owner != "u1" {
			t.Errorf("%s makes u1's link: %+v", actor, r)
		}
	}

	role := access.Editor
	g.must(command.EditUser{Edit: access.UserEdit{ID: "u1", Role: &role}})
	if r := g.as("k1", remove)[0]; r.Err != nil {
		t.Errorf("an editor by now: %v", r.Err)
	}
	role = access.Creator
	g.must(command.EditUser{Edit: access.UserEdit{ID: "admin", Role: &role}})
	g.refuseAs("an administrator no more", "admin", deny, link.ErrForbidden)
	g.refuseAs("an administrator no more", "admin", command.Delete{Code: "mine"}, link.ErrNotFound)
	if r := g.as("free", deny)[0]; r.Err != nil {
		t.Errorf("nobody's key has no role: %v", r.Err)
	}
}

func TestSomebodysKeyMakesNoneOfNobodys(t *testing.T) {
	g := lead(t)
	g.people()
	for _, c := range []struct {
		actor, owner string
		want         error
	}{
		{"admin", "", link.ErrForbidden},
		{"admin", "admin", nil},
		{"admin", "u1", nil},
		{"admin", "nobody", link.ErrInvalidField},
		{"free", "", nil},
		{"free", "u1", nil},
		{"", "", nil},
		{"editor", "editor", link.ErrForbidden},
	} {
		k := keyOf(fmt.Sprintf("by-%s-for-%s", c.actor, c.owner), c.owner)
		if r := g.as(c.actor, k)[0]; !errors.Is(r.Err, c.want) {
			t.Errorf("%q makes a key of %q's: %v, want %v", c.actor, c.owner, r.Err, c.want)
		}
	}
	// So who goes leaves no key behind.
	g.must(command.DeleteUser{ID: "admin"})
	for _, k := range g.picture().keys {
		if k.ID == "by-admin-for-admin" || k.Owner == "admin" {
			t.Errorf("%s of %q is there", k.ID, k.Owner)
		}
	}
}

// What was found of an actor must not outlive a change, also not within an entry.
func TestAChangeHoldsForTheNextOperationOfTheEntry(t *testing.T) {
	g := lead(t)
	g.people()
	create, deny := command.Create{Draft: draft("http://a")}, command.Deny{Host: "a.example"}
	role := access.Editor
	for name, c := range map[string]struct {
		change command.Command
		asks   command.Command
		want   error
	}{
		"revoked":      {command.RevokeKey{ID: "free"}, create, link.ErrUnauthorized},
		"demoted":      {command.EditUser{Edit: access.UserEdit{ID: "admin", Role: &role}}, deny, link.ErrForbidden},
		"owner gone":   {command.DeleteUser{ID: "editor"}, create, link.ErrUnauthorized},
		"only renamed": {command.EditUser{Edit: access.UserEdit{ID: "u1", Name: new("x")}}, command.Report{Code: "none", Reason: "r"}, link.ErrNotFound},
	} {
		actor := map[string]string{"revoked": "free", "demoted": "admin", "owner gone": "editor", "only renamed": "k1"}[name]
		b := g.batch(command.Report{Code: "none", Reason: "r"}, c.change, c.asks)
		b.Operations[0].Actor, b.Operations[2].Actor = actor, actor
		r := g.run(b)
		if !errors.Is(r[0].Err, link.ErrNotFound) || r[1].Err != nil || !errors.Is(r[2].Err, c.want) {
			t.Errorf("%s: %+v; want %v in the end", name, r, c.want)
		}
	}
	// A key that is made holds for what comes behind it, though it was looked for before.
	b := g.batch(create, keyOf("late", ""), create)
	b.Operations[0].Actor, b.Operations[2].Actor = "late", "late"
	if r := g.run(b); !errors.Is(r[0].Err, link.ErrUnauthorized) || r[1].Err != nil || r[2].Err != nil {
		t.Errorf("a key that is made: %+v", r)
	}
}

func TestAKeyEndsByTheStamp(t *testing.T) {
	g := lead(t)
	create := command.Create{Draft: draft("http://a")}
	in, until := keyOf("in", ""), keyOf("until", "")
	in.ExpiresIn, until.Key.ExpiresAt = 1500*time.Microsecond, at(time.Hour)
	g.must(in, until)
	if k, _, err := g.Store().Key("in"); err != nil || !k.ExpiresAt.Equal(at(time.Millisecond)) || !k.CreatedAt.Equal(g.now) {
		t.Errorf("%+v, %v", k, err)
	}
	for _, step := range []struct {
		now       time.Time
		in, until error
	}{
		{at(0), nil, nil},
		{at(time.Millisecond), link.ErrUnauthorized, nil},
		{at(time.Hour - time.Millisecond), link.ErrUnauthorized, nil},
		{at(time.Hour), link.ErrUnauthorized, link.ErrUnauthorized},
		{at(0), link.ErrUnauthorized, link.ErrUnauthorized}, // a clock that runs back revives nothing
	} {
		g.now = step.now
		if r := g.as("in", create)[0]; !errors.Is(r.Err, step.in) {
			t.Errorf("at %v, the first key: %v", step.now, r.Err)
		}
		if r := g.as("until", create)[0]; !errors.Is(r.Err, step.until) {
			t.Errorf("at %v, the second key: %v", step.now, r.Err)
		}
	}
}

func TestAnAnswerIsGivenAgainAfterTheKeyIsRevoked(t *testing.T) {
	g := asked(t)
	g.must(keyOf("k", ""))
	var commands []command.Command
	for _, wanted := range []access.Scopes{access.LinksCreate, access.LinksWrite, access.AnyKey, access.Admin} {
		commands = append(commands, everyAsk()[wanted]...)
	}
	commands = append(commands, command.Deny{Host: "new.example"}, command.Deny{Host: "Bad"}, command.RevokeKey{ID: "k"}, command.Allow{Host: "new.example"})
	from := g.sequence + 1
	first := g.as("k", commands...)
	last := len(first) - 1
	if !first[last-3].Found || !errors.Is(first[last-2].Err, link.ErrInvalidField) || first[last-1].Err != nil || !errors.Is(first[last].Err, link.ErrUnauthorized) {
		t.Errorf("at first: %+v", first[last-3:])
	}
	before := g.picture()
	again := g.run(by("k", g.resend(from, commands...)))
	if diff := cmp.Diff(first, again, sameResults); diff != "" {
		t.Errorf("again (-first +again):\n%s", diff)
	}
	if diff := cmp.Diff(before, g.picture(), cmp.AllowUnexported(picture{}), sameResults); diff != "" {
		t.Errorf("a repetition changed (-before +after):\n%s", diff)
	}
	g.refuseAs("new", "k", command.Create{Draft: draft("http://a")}, link.ErrUnauthorized)
}

func TestKeysThatAreRefused(t *testing.T) {
	g := lead(t)
	g.people()
	change := func(do func(*command.CreateKey)) command.CreateKey {
		c := keyOf("new", "u1")
		do(&c)
		return c
	}
	for name, c := range map[string]command.CreateKey{
		"no id":              change(func(c *command.CreateKey) { c.Key.ID = "" }),
		"a long id":          change(func(c *command.CreateKey) { c.Key.ID = strings.Repeat("i", access.MaxID+1) }),
		"the root's id":      change(func(c *command.CreateKey) { c.Key.ID = access.Root }),
		"an id with a space": change(func(c *command.CreateKey) { c.Key.ID = "a b" }),
		"no name":            change(func(c *command.CreateKey) { c.Key.Name = "" }),
		"a long name":        change(func(c *command.CreateKey) { c.Key.Name = strings.Repeat("n", access.MaxName+1) }),
		"no scope":           change(func(c *command.CreateKey) { c.Key.Scopes = 0 }),
		"an unknown owner":   change(func(c *command.CreateKey) { c.Key.Owner = "u9" }),
		"a long owner":       change(func(c *command.CreateKey) { c.Key.Owner = strings.Repeat("o", 1000) }),
		"the same id":        change(func(c *command.CreateKey) { c.Key.ID = "k1" }),
		"the same secret":    change(func(c *command.CreateKey) { c.Key.Hash = hashOf("k1") }),
		"both":               keyOf("k1", "u1"),
		"an end that is now": change(func(c *command.CreateKey) { c.Key.ExpiresAt = g.now }),
		"a far end":          change(func(c *command.CreateKey) { c.Key.ExpiresAt = command.MaxTime.Add(time.Millisecond) }),
		"an early end":       change(func(c *command.CreateKey) { c.Key.ExpiresAt = time.UnixMilli(-1) }),
		"two ends":           change(func(c *command.CreateKey) { c.Key.ExpiresAt, c.ExpiresIn = at(time.Hour), time.Hour }),
		"a negative end":     change(func(c *command.CreateKey) { c.ExpiresIn = -time.Hour }),
		"a moment":           change(func(c *command.CreateKey) { c.ExpiresIn = 1 }),
	} {
		g.refuse(name, c, link.ErrInvalidField)
	}
	g.refuse("revoke an unknown key", command.RevokeKey{ID: "new"}, link.ErrNotFound)
	g.refuse("revoke no key", command.RevokeKey{}, link.ErrNotFound)
	g.refuse("revoke a long key", command.RevokeKey{ID: strings.Repeat("i", 100_000)}, link.ErrNotFound)
	// A key that was revoked leaves nothing behind that its id or its secret would meet.
	g.must(command.RevokeKey{ID: "k1"}, keyOf("k1", "u2"))
	if k, owner, err := g.Store().KeyByHash(hashOf("k1")); err != nil || k.Owner != "u2" || owner.ID != "u2" {
		t.Errorf("%+v of %+v, %v", k, owner, err)
	}
}

func TestUsersThatAreRefused(t *testing.T) {
	g := lead(t)
	g.people()
	none, long, role := "", strings.Repeat("n", 1000), access.Role(0)
	for name, u := range map[string]access.User{
		"no id":          {Name: "n", Role: access.Editor},
		"a long id":      {ID: long, Name: "n", Role: access.Editor},
		"the root's id":  {ID: access.Root, Name: "n", Role: access.Editor},
		"no name":        {ID: "new", Role: access.Editor},
		"no role":        {ID: "new", Name: "n"},
		"no address":     {ID: "new", Name: "n", Role: access.Editor, Email: "somebody"},
		"a long address": {ID: "new", Name: "n", Role: access.Editor, Email: "a@" + long},
		"the same id":    {ID: "u1", Name: "n", Role: access.Editor},
	} {
		g.refuse(name, command.CreateUser{User: u}, link.ErrInvalidField)
	}
	for name, e := range map[string]access.UserEdit{
		"no name": {ID: "u1", Name: &none}, "a long name": {ID: "u1", Name: &long}, "no address": {ID: "u1", Email: &long}, "no role": {ID: "u1", Role: &role},
	} {
		g.refuse("edit to "+name, command.EditUser{Edit: e}, link.ErrInvalidField)
	}
	for _, id := range []string{"", "new", long} {
		g.refuse("edit an unknown user", command.EditUser{Edit: access.UserEdit{ID: id}}, link.ErrNotFound)
		g.refuse("delete an unknown user", command.DeleteUser{ID: id}, link.ErrNotFound)
	}
}

func TestAUserIsEditedFieldByField(t *testing.T) {
	g := lead(t)
	u := access.User{ID: "u", Name: "n", Email: "a@b", Role: access.Creator}
	g.must(command.CreateUser{User: u})
	u.CreatedAt = g.now
	g.now = at(time.Hour)
	name, email, role := "m", "", access.AdminRole
	for _, e := range []access.UserEdit{{}, {Name: &name}, {Email: &email}, {Role: &role}} {
		e.ID = "u"
		g.must(command.EditUser{Edit: e})
		u.Take(e)
		if got, err := g.Store().Users().Get("u"); err != nil || got != u {
			t.Errorf("%+v, %v; want %+v", got, err, u)
		}
	}
}

func TestAUserGoesWithTheirKeysAndTheirLinksStay(t *testing.T) {
	g := lead(t)
	g.people()
	g.must(keyOf("k1b", "u1"))
	made := g.as("k1", command.Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a"}, Slug: "mine", Owner: "u1"}})[0]
	g.must(command.DeleteUser{ID: "u1"})
	var left []string
	for _, k := range g.picture().keys {
		left = append(left, k.ID)
	}
	if want := []string{"admin", "editor", "free", "k2"}; !cmp.Equal(left, want) {
		t.Errorf("keys %q are left, want %q", left, want)
	}
	if l, err := g.Store().Lookup("mine"); err != nil || l != made.Link {
		t.Errorf("the link is %+v, %v", l, err)
	}
	if _, _, err := g.Store().KeyByHash(hashOf("k1b")); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("their key: %v", err)
	}
	// Somebody new of that id has the links, and none of the keys.
	g.must(userOf("u1", access.Creator))
	g.refuseAs("an old key", "k1", command.Delete{Code: "mine"}, link.ErrUnauthorized)
	g.must(keyOf("k1", "u1"))
	if r := g.as("k1", command.Delete{Code: "mine"})[0]; r.Err != nil {
		t.Error(r.Err)
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
