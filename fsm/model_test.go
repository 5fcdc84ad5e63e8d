package fsm

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
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
	rows    map[string]command.Result // by scope, key and row
	visits  map[visitKey]visit.Counts
	marks   map[string]store.VisitMark
	modelAuthority
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
		rows: make(map[string]command.Result), visits: make(map[visitKey]visit.Counts), marks: make(map[string]store.VisitMark), modelAuthority: newModelAuthority(),
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
			if kept, known := m.results[name]; known {
				results[i][j] = m.repeat(op.Command, kept)
				continue
			}
			results[i][j] = m.execute(op)
			m.results[name] = results[i][j]
		}
	}
	return results
}

func (m *model) execute(op command.Operation) command.Result {
	own, err := m.asks(op.Actor, op.Command)
	if err != nil {
		return command.Result{Err: err}
	}
	switch c := op.Command.(type) {
	case command.Create:
		return m.create(c.Draft)
	case command.Edit:
		return m.edit(c.Edit, own)
	case command.Delete:
		l, err := m.owned(c.Code, own)
		if err == nil {
			m.end(l.Code)
		}
		return command.Result{Err: err}
	case command.Consume:
		return m.consume(c.Code)
	case command.Sweep:
		m.sweep(int(c.Limit))
		return command.Result{}
	case command.Visits:
		m.countVisits(c)
		return command.Result{}
	case command.Roll:
		return command.Result{} // where visits lie makes no difference to what they are
	}
	return m.govern(op.Command)
}

// repeat answers a command that was answered before. What was made is answered as it was then, what was there before or was
// changed as it is now.
func (m *model) repeat(c command.Command, kept command.Result) command.Result {
	if kept.Err != nil || kept.Link.Code == "" {
		return kept
	}
	now, deleted := m.links[kept.Link.Code], m.deleted[kept.Link.Code]
	create, made := c.(command.Create)
	switch {
	case made && !kept.Found:
		return kept
	case made && deleted: // nothing of it is left but when it was made
		return command.Result{Found: true, Link: linkOf(create.Draft, now.Code, now.CreatedAt)}
	case deleted:
		return command.Result{Err: link.ErrGone}
	}
	return command.Result{Link: now, Found: kept.Found}
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
	if kept, known := m.rows[row]; known {
		return m.repeat(command.Create{Draft: d}, kept)
	}
	r := m.make(d)
	if r.Err == nil {
		if !known {
			m.heads[key] = modelHead{d.Once.Body, m.stamp.Add(link.OnceKept)}
		}
		m.rows[row] = r
	}
	return r
}

// codes gives every code there ever was, in order.
func (m *model) codes() []link.Code { return slices.Sorted(maps.Keys(m.links)) }
