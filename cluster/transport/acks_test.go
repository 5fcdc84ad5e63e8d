package transport

import (
	"testing"

	"tinyurl/cluster/member"
)

func TestOnlyMessagesSentAfterTheReadBeganConfirmIt(t *testing.T) {
	voters := []member.ID{idA, idB, idC}
	a := newAcks()
	early := a.sending()
	read := a.Now()
	a.record(idB, 5, early) // sent before, acknowledged after
	if a.Since(5, read, voters, idA) {
		t.Error("an acknowledgement of a message older than the read counted")
	}
	late := a.sending()
	if a.Since(5, read, voters, idA) {
		t.Error("a message that was only sent counted")
	}
	a.record(idB, 5, late)
	if !a.Since(5, read, voters, idA) {
		t.Error("self and one of three voters are no quorum")
	}
	if a.Since(5, a.Now(), voters, idA) {
		t.Error("the same acknowledgement confirms a later read")
	}
}

func TestAnAcknowledgementThatOvertakesAnotherIsNotUndone(t *testing.T) {
	voters := []member.ID{idA, idB, idC}
	a := newAcks()
	first := a.sending()
	read := a.Now()
	second := a.sending()
	a.record(idB, 5, second)
	a.record(idB, 5, first)
	if !a.Since(5, read, voters, idA) {
		t.Error("the older acknowledgement, arriving later, took the newer one's place")
	}
}

func TestAcknowledgementsOfAnotherTermDoNotCount(t *testing.T) {
	voters := []member.ID{idA, idB, idC}
	a := newAcks()
	read := a.Now()
	a.record(idB, 5, a.sending())
	for _, term := range []uint64{4, 6} {
		if a.Since(term, read, voters, idA) {
			t.Errorf("term 5 confirmed term %d", term)
		}
	}
	a.record(idC, 6, a.sending())
	a.record(idB, 5, a.sending()) // a straggler
	if a.Since(5, read, voters, idA) {
		t.Error("a term that is over is still confirmed")
	}
	if !a.Since(6, read, voters, idA) {
		t.Error("the straggler undid the new term")
	}
	if a.Since(6, read, []member.ID{idA, idB, idC, "d-000004"}, idA) {
		t.Error("the old term's acknowledgement counts in the new one")
	}
}

func TestOnlyVotersMakeAQuorum(t *testing.T) {
	d, e := member.ID("d-000004"), member.ID("e-000005")
	for _, c := range []struct {
		name   string
		voters []member.ID
		acked  []member.ID
		want   bool
	}{
		{"alone", []member.ID{idA}, nil, true},
		{"one of two", []member.ID{idA, idB}, nil, false},
		{"two of two", []member.ID{idA, idB}, []member.ID{idB}, true},
		{"non-voters only", []member.ID{idA, idB, idC}, []member.ID{d, e}, false},
		{"two of four", []member.ID{idA, idB, idC, d}, []member.ID{idB}, false},
		{"three of five", []member.ID{idA, idB, idC, d, e}, []member.ID{idB, e}, true},
		{"self is no voter", []member.ID{idB, idC}, []member.ID{idB}, false},
		{"self is no voter, all others", []member.ID{idB, idC}, []member.ID{idB, idC}, true},
		{"no voters", nil, []member.ID{idB}, false},
	} {
		a := newAcks()
		read := a.Now()
		for _, id := range c.acked {
			a.record(id, 1, a.sending())
		}
		if got := a.Since(1, read, c.voters, idA); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestChangedIsClosedByTheNextAcknowledgement(t *testing.T) {
	a := newAcks()
	stale := a.sending()
	a.record(idB, 5, a.sending())
	first, second := a.Changed(), a.Changed()
	a.record(idB, 5, stale) // changes nothing
	select {
	case <-first:
		t.Fatal("closed by an acknowledgement that changed nothing")
	default:
	}
	a.record(idB, 5, a.sending())
	<-first
	<-second
	select {
	case <-a.Changed():
		t.Error("the next one is closed already")
	default:
	}
}
