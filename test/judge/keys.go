package judge

import (
	"fmt"
	"slices"

	"tinyurl/test/history"
)

// apiKey is everything about one API key. It is absent, holds, and is revoked, and never comes back.
type apiKey struct {
	holder                string
	grants, revokes, uses []int // by Call
}

// readKeys sorts the operations on API keys, and those that were asked with one.
func (r *record) readKeys() {
	byHolder := make(map[string]*apiKey)
	for i := range r.h.Operations {
		o := &r.h.Operations[i]
		if o.Holder == "" {
			continue
		}
		k := byHolder[o.Holder]
		if k == nil {
			k = &apiKey{holder: o.Holder}
			byHolder[o.Holder] = k
			r.keys = append(r.keys, k)
		}
		switch {
		case o.Kind == history.Grant:
			k.grants = append(k.grants, i)
		case o.Kind == history.Revoke:
			k.revokes = append(k.revokes, i)
		case asksWithKey(o):
			k.uses = append(k.uses, i)
		}
	}
}

// asksWithKey reports whether an operation is one for which a key must hold at some moment between its call and its return: a write
// or a linearizable read.
func asksWithKey(o *history.Operation) bool {
	return o.Holder != "" && slices.Contains([]history.Kind{history.Create, history.Get, history.Edit, history.Delete}, o.Kind)
}

// accepts reports whether an answer shows that the key held, or that it did not.
func accepts(o *history.Operation) (holds, said bool) {
	switch o.Outcome {
	case history.Unauthorized:
		return false, true
	case history.OK, history.NotFound, history.Gone, history.Taken, history.Conflict:
		return true, true
	default: // what is refused as too much may be refused before anybody looks at the key
		return false, false
	}
}

// revocation is when a key may have been revoked: after lo, the call of a revocation, and before hi, the answer of one that did it, or
// any sign that it had been done. Without a sign hi is never; lo is never where nobody can have revoked it.
type revocation struct {
	lo, hi     uint64
	from, sign int // operations
}

// checkKeys: a key works on every node from the answer that made it, and on none from the answer that revoked it. In between, and
// while it is not known whether a revocation took effect, either is right, but once refused it never works again.
func checkKeys(t *trial) {
	if len(t.keys) == 0 {
		t.skip("nobody made an API key")
	}
	for _, k := range t.keys {
		made := t.granted(k)
		if made < 0 {
			continue // nobody has the secret of a key whose making was not answered
		}
		r := t.revoked(k)
		for _, i := range append(slices.Clone(k.revokes), k.uses...) {
			o := &t.h.Operations[i]
			if o.Call < t.h.Operations[made].Return {
				continue
			}
			if o.Kind == history.Revoke && o.Outcome == history.NotFound {
				t.keyRefused(k, made, r, i, "said that there is no such key")
			}
			if holds, said := accepts(o); o.Kind != history.Revoke && said && !holds {
				t.keyRefused(k, made, r, i, fmt.Sprintf("refused it for a %s", o.Kind))
			}
		}
		r = t.signs(k, made, r)
		for _, i := range k.uses {
			o := &t.h.Operations[i]
			if holds, _ := accepts(o); holds && o.Call > r.hi {
				t.accuse("", fmt.Sprintf("key %s had been revoked, and node %s then accepted it for a %s", k.holder, o.Node, o.Kind), r.from, r.sign, i)
			}
		}
		t.keyInTheEnd(k, made, r)
	}
	if t.logged != nil {
		t.keysLogged()
	}
}

// granted is the answer that made the key, -1 if there was none.
func (t *trial) granted(k *apiKey) int {
	for _, i := range k.grants {
		if t.h.Operations[i].Outcome == history.OK {
			return i
		}
	}
	return -1
}

// revoked is when revocations may have taken effect, as far as their own answers tell. One that was acknowledged is the one that did it.
func (t *trial) revoked(k *apiKey) revocation {
	r := revocation{lo: never, hi: never, from: -1, sign: -1}
	for _, i := range k.revokes {
		o := &t.h.Operations[i]
		switch {
		case o.Outcome == history.OK && r.sign >= 0:
			t.accuse("", fmt.Sprintf("key %s was revoked twice", k.holder), r.sign, i)
		case o.Outcome == history.OK:
			r = revocation{lo: o.Call, hi: o.Return, from: i, sign: i}
		case o.Outcome == history.Unknown && r.lo == never && (t.logged == nil || t.logged.revokes[k.holder]):
			r.lo, r.from = o.Call, i
		}
	}
	return r
}

// signs brings hi down to the first refusal.
func (t *trial) signs(k *apiKey, made int, r revocation) revocation {
	for _, i := range append(slices.Clone(k.revokes), k.uses...) {
		o := &t.h.Operations[i]
		refused := o.Outcome == history.Unauthorized || o.Kind == history.Revoke && o.Outcome == history.NotFound
		if refused && o.Call > t.h.Operations[made].Return && o.Return < r.hi {
			r.hi, r.sign = o.Return, i
		}
	}
	return r
}

func (t *trial) keyRefused(k *apiKey, made int, r revocation, i int, how string) {
	if o := &t.h.Operations[i]; o.Return < r.lo {
		t.accuse("", fmt.Sprintf("key %s had been made, nobody had asked to revoke it, and node %s %s", k.holder, o.Node, how), made, i, r.from)
	}
}

// keyInTheEnd compares with what the nodes held.
func (t *trial) keyInTheEnd(k *apiKey, made int, r revocation) {
	for _, f := range t.h.Finals {
		holds, told := f.Keys[k.holder]
		switch {
		case told && holds && r.hi != never:
			t.accuse("", fmt.Sprintf("key %s had been revoked, and holds on node %s in the end", k.holder, f.Node), r.from, r.sign)
		case told && !holds && r.lo == never:
			t.accuse("", fmt.Sprintf("key %s had been made, nobody had asked to revoke it, and node %s lacks it in the end", k.holder, f.Node), made)
		}
	}
}

// keysLogged: what was acknowledged is in a log.
func (t *trial) keysLogged() {
	for _, k := range t.keys {
		for _, i := range append(slices.Clone(k.grants), k.revokes...) {
			o, logged := &t.h.Operations[i], t.logged.grants
			if o.Kind == history.Revoke {
				logged = t.logged.revokes
			}
			if o.Outcome == history.OK && !logged[k.holder] {
				t.accuse("", fmt.Sprintf("a %s of key %s was acknowledged and is in no node's log", o.Kind, k.holder), i)
			}
		}
	}
}
