package sim

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/test/history"
)

// collect reads what all disks hold: every log entry there ever was, and the state of every member.
func (l *life) collect() {
	w := l.world
	found := l.entries()
	var codec *link.Codec
	visited := map[string]uint64{}
	for _, m := range w.members() {
		if m.current() == nil {
			continue
		}
		c, err := l.final(m, found, visited)
		if err != nil {
			w.problem("final", "%s: %v", m.name, err)
		}
		if c != nil {
			codec = c
		}
	}
	if l.healed {
		least, most := w.visits.bounds()
		for _, wrong := range miscounts(visited, least, most) {
			w.problem("visits", "%s", wrong)
		}
	}
	var members []string
	for _, m := range w.members() {
		members = append(members, m.name)
	}
	w.recorder.Change(func(r *history.Run) {
		r.LogsComplete = true
		r.Nodes, r.Complete = members, l.healed // a life without a cluster has nothing to show
	})
	l.codec = codec
}

// named are the slugs and API keys that logs ask for.
type named struct{ slugs, keys map[string]bool }

// entries records every entry once, with a node that held it, and returns what it asks for.
func (l *life) entries() named {
	w := l.world
	seen := map[string]bool{}
	found := named{slugs: map[string]bool{}, keys: map[string]bool{}}
	for _, m := range w.machines {
		for _, d := range m.disks() {
			for _, e := range d.Entries() {
				if e.Type != raft.LogCommand {
					continue
				}
				id := fmt.Sprintf("%d %d %x", e.Index, e.Term, sha256.Sum256(e.Data))
				if seen[id] {
					continue
				}
				seen[id] = true
				decoded, err := command.DecodeEntry(e.Data)
				if err != nil {
					w.problem("entry", "%s holds entry %d of term %d, which nobody can read: %v", m.name, e.Index, e.Term, err)
					continue
				}
				w.recorder.Entry(effects(m.name, e.Index, e.Term, decoded, found))
			}
		}
	}
	return found
}

// effects is what an entry would do; what it asks for is added to found.
func effects(node string, index, term uint64, entry command.Entry, found named) history.Entry {
	e := history.Effects(entry)
	e.Node, e.Index, e.Term = node, index, term
	for _, made := range e.Creates {
		if made.Code != "" {
			found.slugs[made.Code] = true
		}
	}
	for _, id := range e.Grants {
		found.keys[id] = true
	}
	return e
}

// final opens the store a closed node left and records all that is in it; the number of visits it counted is added to visited.
func (l *life) final(m *machine, found named, visited map[string]uint64) (*link.Codec, error) {
	var failure error
	s, err := store.Open(path.Join("/data/groups/0", "state"), store.Options{
		FS: m.store().FS(), CacheBytes: 1 << 20, Fatal: func(err error) { failure = err },
	})
	if err != nil {
		return nil, err
	}
	position, digest := s.CurrentDigest()
	f := history.Final{
		Node: m.name, Applied: position.Index, Digest: digest.String(), Links: s.Links(), Targets: map[string]string{}, Visits: map[string]uint64{}, Keys: map[string]bool{},
	}
	look := func(code link.Code) error {
		got, err := s.Lookup(code)
		switch {
		case err == nil:
			f.Targets[string(code)] = string(got.Target)
			if got.MaxVisits != 0 {
				f.Visits[string(code)] = got.Visits
			}
		case errors.Is(err, link.ErrGone):
			f.Deleted = append(f.Deleted, string(code))
		case !errors.Is(err, link.ErrNotFound):
			return err
		}
		return nil
	}
	codec, _ := s.Codec()
	for id := link.ID(1); codec != nil && id <= s.Counter(); id++ {
		err = errors.Join(err, look(codec.Encode(id)))
	}
	for slug := range found.slugs {
		err = errors.Join(err, look(link.Code(slug)))
	}
	for id := range found.keys {
		_, _, missing := s.Key(id)
		f.Keys[id] = missing == nil
		if missing != nil && !errors.Is(missing, link.ErrNotFound) {
			err = errors.Join(err, missing)
		}
	}
	n, unread := counts(s)
	visited[m.name], err = n, errors.Join(err, unread)
	err = errors.Join(err, s.Verify(context.Background())) // the digest is kept as rows change; here all rows are read
	if got := uint64(len(f.Targets)); err == nil && got != f.Links {
		err = fmt.Errorf("%d links are found where %d are counted", got, f.Links)
	}
	l.world.recorder.Final(f)
	return codec, errors.Join(err, failure, s.Close())
}

// number fills in the ids of generated codes.
func number(h history.History, codec *link.Codec) {
	if codec == nil {
		return
	}
	for i := range h.Operations {
		op := &h.Operations[i]
		if op.Kind != history.Create || op.Slug || op.Outcome != history.OK {
			continue
		}
		if id, ok := codec.Decode(link.Code(op.Code)); ok {
			op.ID = uint64(id)
		}
	}
}
