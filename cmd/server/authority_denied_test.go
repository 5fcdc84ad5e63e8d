package server

import (
	"errors"
	"testing"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

func TestADeniedHostIsKnownWithoutAskingTheLeader(t *testing.T) {
	node := &twoViews{behind: peopled(t, func(b *store.Batch) error {
		return b.Denied().Put(access.Denied{Host: "192.0.2.7", CreatedAt: noon})
	})}
	for host, want := range map[string]bool{
		"bad.example": true, "www.bad.example": true, "a.b.c.bad.example": true, "example": false, "notbad.example": false, "bad.example.com": false,
		"192.0.2.7": true, "1.192.0.2.7": false, "": false,
	} {
		if got, err := (authority{node}).IsDenied(t.Context(), host); got != want || err != nil || node.asked != 0 {
			t.Errorf("%q: %v, %v, after %d questions", host, got, err, node.asked)
		}
	}
	node.err = link.ErrNoLeader // the node belongs to no cluster
	if got, err := (authority{node}).IsDenied(t.Context(), "bad.example"); got || !errors.Is(err, link.ErrNoLeader) {
		t.Errorf("without a cluster: %v, %v", got, err)
	}
}
