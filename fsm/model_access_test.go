package fsm

import (
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// modelAuthority is who may do what, and what is said and refused of links, as a few maps.
type modelAuthority struct {
	keys    map[string]access.Key
	users   map[string]access.User
	denied  map[string]access.Denied
	reports map[string]access.Report
}

func newModelAuthority() modelAuthority {
	return modelAuthority{map[string]access.Key{}, map[string]access.User{}, map[string]access.Denied{}, map[string]access.Report{}}
}

// asks says whether an actor may have a command, and whose links are there for them.
func (m *model) asks(actor string, c command.Command) (own *string, err error) {
	if actor == "" {
		return nil, nil
	}
	k, there := m.keys[actor]
	if !there || !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(m.stamp) {
		return nil, link.ErrUnauthorized
	}
	role := access.AdminRole
	if k.Owner != "" {
		role = m.users[k.Owner].Role // who goes takes their keys along
	}
	may := func(s access.Scopes) bool { return k.Scopes&s != 0 && (s != access.Admin || role == access.AdminRole) }
	if role == access.Creator {
		own = &k.Owner
	}
	ok := false
	switch c := c.(type) {
	case command.Create:
		ok = may(access.LinksCreate) && c.Draft.Imported == nil && (own == nil || c.Draft.Owner == *own) || c.Draft.Imported != nil && may(access.Admin)
	case command.Edit, command.Delete:
		ok = may(access.LinksWrite)
	case command.CreateKey:
		ok = may(access.Admin) && (c.Key.Owner != "" || k.Owner == "")
	case command.Report:
		ok = true
	case command.Consume, command.Sweep, command.Lead, command.Visits, command.Roll:
	default:
		ok = may(access.Admin)
	}
	if !ok {
		return nil, link.ErrForbidden
	}
	return own, nil
}

// govern answers the commands that links have no part in.
func (m *model) govern(c command.Command) command.Result {
	switch c := c.(type) {
	case command.CreateKey:
		return command.Result{Err: m.createKey(c)}
	case command.RevokeKey:
		return command.Result{Err: remove(m.keys, c.ID)}
	case command.CreateUser:
		return command.Result{Err: m.createUser(c.User)}
	case command.EditUser:
		return command.Result{Err: m.editUser(c.Edit)}
	case command.DeleteUser:
		maps.DeleteFunc(m.keys, func(_ string, k access.Key) bool { return k.Owner == c.ID && c.ID != "" })
		return command.Result{Err: remove(m.users, c.ID)}
	case command.Deny:
		return m.deny(c)
	case command.Allow:
		return command.Result{Err: remove(m.denied, c.Host)}
	case command.Report:
		return command.Result{Err: m.report(c)}
	case command.Dismiss:
		return command.Result{Err: remove(m.reports, string(c.Code))}
	}
	return command.Result{} // Lead: the key and the version are the same throughout
}

func remove[T any](rows map[string]T, id string) error {
	if _, there := rows[id]; !there {
		return link.ErrNotFound
	}
	delete(rows, id)
	return nil
}

func (m *model) createKey(c command.CreateKey) error {
	k := c.Key
	k.CreatedAt = m.stamp
	if c.ExpiresIn != 0 {
		k.ExpiresAt = m.stamp.Add(c.ExpiresIn)
	}
	_, there := m.keys[k.ID]
	_, owned := m.users[k.Owner]
	hashed := false
	for _, other := range m.keys {
		hashed = hashed || other.Hash == k.Hash
	}
	over := c.ExpiresIn != 0 && !c.Key.ExpiresAt.IsZero() || !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(m.stamp)
	if k.Check() != nil || there || hashed || over || k.Owner != "" && !owned {
		return link.ErrInvalidField
	}
	m.keys[k.ID] = k
	return nil
}

func (m *model) createUser(u access.User) error {
	u.CreatedAt = m.stamp
	if _, there := m.users[u.ID]; there || u.Check() != nil {
		return link.ErrInvalidField
	}
	m.users[u.ID] = u
	return nil
}

func (m *model) editUser(e access.UserEdit) error {
	u, there := m.users[e.ID]
	if !there {
		return link.ErrNotFound
	}
	if u.Take(e); u.Check() != nil {
		return link.ErrInvalidField
	}
	m.users[e.ID] = u
	return nil
}

func (m *model) deny(c command.Deny) command.Result {
	d := access.Denied{Host: c.Host, Reason: c.Reason, CreatedAt: m.stamp}
	if d.Check() != nil {
		return command.Result{Err: link.ErrInvalidField}
	}
	if _, there := m.denied[c.Host]; there {
		return command.Result{Found: true}
	}
	m.denied[c.Host] = d
	return command.Result{}
}

// isDenied says whether a host or one above it is denied. There is nothing above an address.
func (m *model) isDenied(host string) bool {
	for d := range m.denied {
		if host == d || strings.HasSuffix(host, "."+d) && !strings.HasSuffix(host, "1") {
			return true
		}
	}
	return false
}

func (m *model) report(c command.Report) error {
	if c.Reason == "" {
		return link.ErrInvalidField
	}
	if _, err := m.owned(c.Code, nil); err != nil {
		return err
	}
	r, there := m.reports[string(c.Code)]
	if !there {
		r = access.Report{Code: string(c.Code), Reason: c.Reason, CreatedAt: m.stamp}
	}
	r.Count, r.UpdatedAt = r.Count+1, m.stamp
	m.reports[r.Code] = r
	return nil
}

// checkAuthority holds what a replica shows against the model.
func checkAuthority(t *rapid.T, m *model, r *replica) {
	t.Helper()
	got := r.picture()
	checkRows(t, m.keys, got.keys)
	checkRows(t, m.users, got.users)
	checkRows(t, m.denied, got.denied)
	checkRows(t, m.reports, got.reports)
	for _, k := range m.keys {
		if found, owner, err := r.Store().KeyByHash(k.Hash); err != nil || found != k || owner != m.users[k.Owner] {
			t.Fatalf("by its hash: %+v of %+v, %v; want %+v", found, owner, err, k)
		}
	}
}

func checkRows[T comparable](t *rapid.T, want map[string]T, got []T) {
	t.Helper()
	var rows []T
	for _, id := range slices.Sorted(maps.Keys(want)) {
		rows = append(rows, want[id])
	}
	if !slices.Equal(rows, got) {
		t.Fatalf("%+v, want %+v", got, rows)
	}
}
