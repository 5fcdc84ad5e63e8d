package judge

import (
	"maps"
	"strings"
	"testing"
)

// honest are runs of clusters that keep their promises, whatever it looks like.
var honest = map[string]string{
	"nothing happened": ``,
	"a link's life": `
		a create T key=k = ok x id=1
		b get x = ok T v=1
		c follow x = ok T
		b edit x U if=1 = ok v=2
		c get x = ok U v=2
		a edit x V if=1 = conflict
		c delete x = ok
		a get x = gone
		c follow x = gone
		a delete x = gone
		a edit x V if=2 = gone
		final a gone=x
		final b gone=x`,
	"nothing is there": `
		a get x = not_found
		b follow x = not_found
		c delete x = not_found
		c edit x T if=1 = not_found
		final a`,
	"a slug is taken": `
		a create slug=s T = ok s
		b create slug=s U = taken
		c delete s = ok
		b create slug=s U = taken
		final a gone=s`,
	"a slug is taken while the other one asks": `
		p: a create slug=s T
		b create slug=s U = taken
		b get s = ok T
		p = ok s`,
	"a slug is taken by one who never learns of it": `
		p: a create slug=s T
		b create slug=s U = taken
		b get s = ok T
		final a s=T`,
	"a slug that reads as a generated code is taken by the counter": `
		a get 5hbA0cd = not_found
		b create slug=5hbA0cd T = taken
		b get 5hbA0cd = not_found
		final a`,
	"a read while the create is under way": `
		p: a create slug=s T
		b get s = ok T
		p = ok s`,
	"reads while the create is under way, before and after": `
		p: a create slug=s T
		b get s = not_found
		b get s = ok T
		p = ok s`,
	"an unanswered create never happened": `
		a create slug=s T = unknown
		b get s = not_found
		final a`,
	"an unanswered create happened late": `
		a create slug=s T = unknown
		b get s = not_found
		b get s = ok T
		final a s=T`,
	"an unanswered create without a slug is found by chance": `
		a create T = unknown
		b get 5hbA0cd = ok T
		c follow 5hbA0cd = ok T
		final a 5hbA0cd=T`,
	"an unanswered create without a slug is found and deleted": `
		a create T = unknown
		b delete 5hbA0cd = ok
		b get 5hbA0cd = gone
		final a gone=5hbA0cd`,
	"two unanswered creates with one target, one of them deleted unseen": `
		a create T = unknown
		a create T = unknown
		b get 5hbA0cd = ok T
		b delete 5hbA0ce = ok
		final a 5hbA0cd=T gone=5hbA0ce`,
	"an unanswered create is deleted unseen and another link edited to its target": `
		a create T = unknown
		a create U = ok 5hbA0cd
		a edit 5hbA0cd T if=1 = ok
		b get 5hbA0cd = ok T
		b delete 5hbA0ce = ok
		final a 5hbA0cd=T gone=5hbA0ce`,
	"an unanswered create without a slug is edited unseen": `
		a create T = unknown
		b edit 5hbA0cd U if=1 = ok
		b get 5hbA0cd = ok U v=2
		final a 5hbA0cd=U`,
	"two unanswered creates with one target": `
		a create T = unknown
		a create T = unknown
		final a 5hbA0cd=T 5hbA0ce=T`,
	"a refused create": `
		a create slug=s T = refused
		b get s = not_found
		final a`,
	"retries": `
		a create T key=k = unknown
		b create T key=k = refused
		b create T key=k = ok x id=3
		c create T key=k = ok x id=3
		final a x=T`,
	"a retry after the delete": `
		a create slug=s T key=k = unknown
		b get s = ok T
		b delete s = ok
		c create slug=s T key=k = ok s
		c get s = gone
		final a gone=s`,
	"a create is known by its first answer": `
		p: a create T key=k
		b create T key=k = ok x id=1
		c create U = ok y id=2
		p = ok x id=1
		final a x=T y=U`,
	"a key is used for two things": `
		a create T key=k = ok x
		b create U key=k = conflict
		final a x=T`,
	"a key is used for two things, the first unanswered": `
		a create T key=k = unknown
		b create U key=k = ok y
		a create T key=k = conflict
		final a y=U`,
	"two links with one target": `
		a create T = ok x id=1
		a create T = ok y id=2
		final a x=T y=T`,
	"ids overtake each other": `
		p: a create T
		b create U = ok y id=2
		p = ok x id=1
		final a x=T y=U`,
	"an unanswered delete never happened": `
		a create T = ok x
		b delete x = unknown
		c get x = ok T
		final a x=T`,
	"an unanswered delete happened late": `
		a create T = ok x
		b delete x = unknown
		c get x = ok T
		c get x = gone
		final a gone=x`,
	"a delete is seen before it is answered": `
		a create T = ok x
		p: b delete x
		c follow x = gone
		c get x = gone
		p = ok
		final a`,
	"a redirect elsewhere is late": `
		a create T = ok x
		b delete x = ok
		c follow x = ok T
		c follow x = gone
		b follow x = gone`,
	"a redirect is late for long while there are faults": `
		a create T = ok x
		fault cut c
		b delete x = ok
		c follow x at=50s = ok T
		healed
		c follow x at=55s = ok T
		c follow x at=70s = gone`,
	"a redirect after an edit is late": `
		a create T = ok x
		b edit x U if=1 = ok v=2
		c follow x = ok T
		c follow x = ok U`,
	"a node is a new process and late again": `
		a create T = ok x
		b delete x = ok
		b follow x = gone
		fault crash b
		b follow x = ok T
		healed`,
	"a node is a new process and was not named": `
		a create T = ok x
		b edit x U if=1 = ok v=2
		fault power-off
		b follow x = ok T
		healed`,
	"a node acknowledged before it had applied": `
		a create T = ok x
		b delete x = ok took=600ms
		b follow x = ok T`,
	"no answers": `
		a create T = ok x
		b get x = unknown
		b follow x = unknown
		p: b get x
		c delete x = unknown
		final a`,
	"edits between reads of the same": `
		a create T = ok x
		b get x = ok T
		b edit x U if=1 = ok
		b get x = ok U
		b edit x T if=2 = ok v=3
		b get x = ok T
		b get x = ok T v=3
		final a x=T`,
	"an unanswered edit happened": `
		a create T = ok x
		b edit x U if=1 = unknown
		c get x = ok U v=2
		c follow x = ok U
		final a x=U`,
	"an edit whatever the version": `
		a create T = ok x
		b edit x U = ok v=2
		final a x=U`,
	"the logs are complete": `
		logs complete
		log create T key=k
		log create slug=s U
		log delete s
		log edit x V
		a create T key=k = ok x
		a create slug=s U = unknown
		b delete s = unknown
		b create W key=other = unknown
		c edit x V if=1 = ok v=2
		final a x=V`,
	"nodes that tell numbers only": `
		a create T = ok x
		a create U = unknown
		final a nothing= links=2
		final b nothing= links=2`,
	"a complete run": quiet + `
		log create T
		a create T key=k = unknown
		a get x at=11s = not_found
		b follow x = not_found`,
	"a complete run that nobody hurt": `
		complete a
		logs complete
		a get x = not_found
		final a`,
	"what is missing in a run that was broken off": `
		fault cut a
		a create T = ok x
		b get x at=30s = unknown took=8s` + "\n" + strings.Repeat("b delete x = unknown\n", oftenTried),
	"reads that are not answered soon after the healing": quiet + `
		a get x at=9s = unknown took=4s
		p: a get x at=9500ms
		a get x at=30s = not_found`,
	"clients without patience": quiet + `
		a get x at=11s = unknown took=900ms
		p: b follow x at=20s`,
	"reads that are not answered when something is broken again": quiet + `
		p: a get x at=11s
		b get x at=11s = not_found
		q: a get x at=12s
		fault stop a
		b get x at=20s = unknown took=4s
		q = unknown`,
	"reads on a node that is no member any more": quiet + `
		c get x at=11s = unknown took=4s`,
	"a kind of operation that is seldom tried": quiet + strings.Repeat("a get x = not_found\n", oftenTried-1),
	"healed in time": `
		fault cut a
		healed
		writable 9s`,
}

func TestWhoKeptItsPromisesIsNotAccused(t *testing.T) {
	runs := maps.Clone(honest)
	maps.Copy(runs, honestLimits)
	for name, lines := range runs {
		t.Run(name, func(t *testing.T) {
			v := Judge(tell(t, lines))
			for _, violation := range v.Violations {
				t.Errorf("%s: %s %+v", violation.Checker, violation.Text, violation.Operations)
			}
		})
	}
}
