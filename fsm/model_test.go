package fsm

import (
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// model is the state machine as a few maps: what it says is what the real one has to say.
type model struct {
	stamp   time.Time
	counter link.ID
	links   map[link.Code]link.Link // also the deleted ones
	deleted map[link.Code]bool
	boots   map[string]uint64
	floors  map[string]uint64
	results map[string]command.Result // by node/boot/sequence
	heads   map[string]modelHead      // by scope and key
	rows    map[string]link.Link      // by scope, key and row
}

// modelHead is a client's request.
type modelHead struct {
	body    [32]byte
	expires time.Time
}

func newModel() *model {
	return &model{
		links: make(map[link.Code]link.Link), deleted: make(map[link.Code]bool), boots: make(map[string]uint64),
		floors: make(map[string]uint64), results: make(map[string]command.Result), heads: make(map[string]modelHead),
		rows: make(map[string]link.Link),
	}
}

// apply answers an entry.
func (m *model) apply(e command.Entry) [][]command.Result {
	if e.Time.After(m.stamp) {
		m.stamp = e.Time
	}
	results := make([][]command.Result, len(e.Batches))
	for i, b := range e.Batches {
		node := b.Origin.Node
		old := b.Origin.Boot < m.boots[node]
		if b.Origin.Boot > m.boots[node] {
			m.boots[node], m.floors[node] = b.Origin.Boot, 0
		}
		if !old {
			m.floors[node] = max(m.floors[node], b.Floor)
		}
		results[i] = make([]command.Result, len(b.Operations))
		for j, op := range b.Operations {
			if old || op.Sequence < m.floors[node] {
				results[i][j].Err = command.ErrStale
				continue
			}
			name := fmt.Sprintf("%s/%d/%d", node, b.Origin.Boot, op.Sequence)
			kept, known := m.results[name]
			if !known {
				kept = m.execute(op.Command)
				m.results[name] = kept
			}
			results[i][j] = kept
		}
	}
	return results
}

func (m *model) execute(c command.Command) command.Result {
	switch c := c.(type) {
	case command.Delete:
		l, known := m.links[c.Code]
		switch {
		case !known:
			return command.Result{Err: link.ErrNotFound}
		case m.deleted[c.Code]:
			return command.Result{Err: link.ErrGone}
		}
		m.deleted[l.Code] = true
		return command.Result{}
	case command.Create:
		return m.create(c.Draft)
	}
	return command.Result{} // Lead: the key and the version are the same throughout
}

func (m *model) create(d link.Draft) command.Result {
	if d.Once == nil {
		return m.make(d)
	}
	key := fmt.Sprintf("%q %q", d.Once.Scope, d.Once.Key)
	row := fmt.Sprintf("%s %d", key, d.Once.Row)
	if head, known := m.heads[key]; known && !m.stamp.Before(head.expires) {
		delete(m.heads, key)
		for r := range m.rows {
			if len(r) > len(key) && r[:len(key)+1] == key+" " {
				delete(m.rows, r)
			}
		}
	}
	head, known := m.heads[key]
	if known && head.body != d.Once.Body {
		return command.Result{Err: link.ErrKeyReused}
	}
	if made, known := m.rows[row]; known {
		return command.Result{Link: made}
	}
	r := m.make(d)
	if r.Err == nil {
		if !known {
			m.heads[key] = modelHead{d.Once.Body, m.stamp.Add(link.OnceKept)}
		}
		m.rows[row] = r.Link
	}
	return r
}

func (m *model) make(d link.Draft) command.Result {
	until := d.ValidUntil
	if d.ExpiresIn != 0 {
		until = m.stamp.Add(d.ExpiresIn)
	}
	switch {
	case d.Target == "" || len(d.Target) > link.MaxTarget || !utf8.ValidString(string(d.Target)):
		return command.Result{Err: link.ErrInvalidTarget}
	case d.ExpiresIn < 0, d.ExpiresIn != 0 && !d.ValidUntil.IsZero(), !until.IsZero() && !until.After(m.stamp):
		return command.Result{Err: link.ErrInvalidField}
	}
	words := link.WordsFor(1)
	code := d.Slug
	if code == "" {
		for taken := true; taken; {
			m.counter++
			code = testCodec.Encode(m.counter)
			_, known := m.links[code]
			taken = known || words.Reserved(code) || words.Offensive(code)
		}
	} else {
		if words.Reserved(code) {
			return command.Result{Err: link.ErrSlugReserved}
		}
		id, generated := testCodec.Decode(code)
		if _, known := m.links[code]; known || generated && id <= m.counter {
			return command.Result{Err: link.ErrSlugTaken}
		}
	}
	made := link.Link{Code: code, Target: d.Target, CreatedAt: m.stamp, UpdatedAt: m.stamp, ValidUntil: until, Version: 1}
	m.links[code] = made
	return command.Result{Link: made}
}

// codes gives every code there ever was, in order.
func (m *model) codes() []link.Code { return slices.Sorted(maps.Keys(m.links)) }
