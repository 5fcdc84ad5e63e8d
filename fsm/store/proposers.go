package store

import (
	"slices"
	"strings"
)

// maxProposers is how many nodes that propose are known at a time; more only cost look-ups.
const maxProposers = 16

// proposer is what is known of a node that proposes.
type proposer struct {
	node   string
	origin Origin // as its row says
}

// proposer finds a node; nil if nothing is known. What it points to is for reading.
func (p *published) proposer(node string) *proposer {
	for i := range p.proposers {
		if p.proposers[i].node == node {
			return &p.proposers[i]
		}
	}
	return nil
}

// editProposer finds a node, which may then be changed; one that is not known takes the place of the one known longest.
func (b *Batch) editProposer(node string) *proposer {
	if !b.owned { // until now they are those of the state that readers see
		b.next.proposers, b.owned = slices.Clone(b.next.proposers), true
	}
	if p := b.next.proposer(node); p != nil {
		return p
	}
	if len(b.next.proposers) == maxProposers {
		b.next.proposers = slices.Delete(b.next.proposers, 0, 1)
	}
	// A name is a part of a whole entry, which must not be kept for its sake.
	b.next.proposers = append(b.next.proposers, proposer{node: strings.Clone(node)})
	return &b.next.proposers[len(b.next.proposers)-1]
}
