package ratelimit

import "container/list"

// Latest keeps something of each of the keys that were used last, and forgets the key used longest ago when there are too many. It
// is not safe for use by several goroutines.
type Latest[K comparable, V any] struct {
	most  int // keys
	known map[K]*list.Element
	order *list.List // of *remembered, the latest first
}

// remembered is what is kept of a key.
type remembered[K comparable, V any] struct {
	key   K
	value V
}

// NewLatest remembers at most so many keys.
func NewLatest[K comparable, V any](most int) *Latest[K, V] {
	return &Latest[K, V]{most: most, known: make(map[K]*list.Element), order: list.New()}
}

// Of gives what is kept of a key, and begins with nothing for a new one. It may be changed until the next call.
func (l *Latest[K, V]) Of(key K) *V {
	if known, ok := l.known[key]; ok {
		l.order.MoveToFront(known)
		return &known.Value.(*remembered[K, V]).value
	}
	if len(l.known) >= l.most {
		delete(l.known, l.order.Remove(l.order.Back()).(*remembered[K, V]).key)
	}
	kept := &remembered[K, V]{key: key}
	l.known[key] = l.order.PushFront(kept)
	return &kept.value
}
