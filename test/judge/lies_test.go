package judge

import (
	"slices"
	"strings"
	"testing"
)

// lie is a run that broke a promise, and all the checkers that must find it.
type lie struct {
	name, lines string
	found       string // checkers, in the order they run
}

// quiet begins a run that is complete, and healed at its beginning.
const quiet = `
		complete a b
		logs complete
		fault cut a
		healed
		final a
		final b
`

var lies = []lie{
	{"an acknowledged link is not found", `
		a create T = ok x
		b get x = not_found`, "linearizability read-your-writes"},
	{"an acknowledged link is 404 for a visitor", `
		a create T = ok x
		b follow x = not_found`, "linearizability read-your-writes redirects"},
	{"an acknowledged link was never deleted and is gone", `
		a create T = ok x
		b get x = gone`, "linearizability read-your-writes"},
	{"an acknowledged link leads elsewhere", `
		a create T = ok x
		a create U = ok y
		b get x = ok U`, "linearizability read-your-writes invented"},
	{"a visitor is sent to another link's target", `
		a create T = ok x
		a create U = ok y
		b follow x = ok U`, "linearizability read-your-writes redirects invented"},
	{"an unanswered create is seen, and then not", `
		a create slug=s T = unknown
		b get s = ok T
		c get s = not_found`, "linearizability"},
	{"a redirect shows a link, and then it was never there", `
		a create slug=s T = unknown
		b follow s = ok T
		c follow s = not_found`, "linearizability redirects"},
	{"a deleted link is a 404", `
		a create T = ok x
		b delete x = ok
		c follow x = not_found`, "linearizability redirects"},
	{"two reads see different winners", `
		p: a create slug=s T
		q: a create slug=s U
		b get s = ok T
		c get s = ok U`, "linearizability"},
	{"taken by nobody", `
		a create slug=s T = taken`, "linearizability"},
	{"taken by oneself", `
		a create slug=s T key=k = unknown
		a create slug=s T key=k = taken
		b get s = ok T`, "linearizability"},
	{"a stale read after an edit", `
		a create T = ok x
		a edit x U if=1 = ok v=2
		b get x = ok T v=1`, "linearizability"},
	{"two edits of one version", `
		a create T = ok x
		a edit x U if=1 = ok v=2
		b edit x V if=1 = ok v=2`, "linearizability"},
	{"a conflict with nobody", `
		a create T = ok x
		a edit x U if=1 = conflict`, "linearizability"},
	{"an edit counts wrongly", `
		a create T = ok x
		a edit x U if=1 = ok v=3`, "linearizability"},
	{"two deletes of one link", `
		a create T = ok x
		a delete x = ok
		b delete x = ok`, "linearizability"},
	{"a slug is given again after its delete", `
		a create slug=s T = ok s
		a delete s = ok
		b create slug=s U = ok s`, "linearizability unique"},
	{"a lost edit", `
		a create T = ok x
		a edit x U if=1 = ok v=2
		final a x=T`, "linearizability"},
	{"a delete undone in the end", `
		a create T = ok x
		a delete x = ok
		final a x=T`, "linearizability acknowledged finals"},
	{"a code is given out twice", `
		a create T = ok x
		b create U = ok x`, "linearizability unique"},
	{"a code is given out twice at once", `
		p: a create T
		b create U = ok x id=1
		p = ok x id=1`, "linearizability unique"},
	{"an id is given out twice", `
		a create T = ok x id=1
		b create U = ok y id=1`, "unique"},
	{"ids run backwards", `
		a create T = ok x id=5
		b create U = ok y id=4`, "unique"},
	{"ids run backwards across others", `
		a create T = ok x id=5
		p: a create V
		b create U = ok y id=7
		p = ok z id=4`, "unique"},
	{"a link is lost on one node", `
		a create T = ok x
		final a x=T
		final b links=1`, "acknowledged finals"},
	{"a link is lost on all nodes", `
		a create T = ok x
		final a
		final b`, "linearizability acknowledged finals"},
	{"a link became a tombstone", `
		a create T = ok x
		final a gone=x`, "linearizability acknowledged finals"},
	{"a link's target was spoilt", `
		a create http://a/?b=c = ok x
		final a x=http://a/?b=C`, "linearizability acknowledged invented"},
	{"a link is lost and nobody lists links", `
		a create T = ok x
		final a nothing= links=7`, "finals"},
	{"an acknowledged create is in no log", `
		logs complete
		log create U key=u
		a create T key=k = ok x`, "acknowledged"},
	{"an acknowledged delete is in no log", `
		logs complete
		log create T key=k
		a create T key=k = ok x
		a delete x = ok`, "acknowledged"},
	{"an acknowledged edit is in no log", `
		logs complete
		log create T key=k
		a create T key=k = ok x
		a edit x U if=1 = ok`, "acknowledged"},
	{"an unanswered delete is in no log and was done", `
		logs complete
		log create T key=k
		a create T key=k = ok x
		a delete x = unknown
		b get x = gone`, "linearizability read-your-writes"},
	{"an unanswered create is in no log and is found", `
		logs complete
		a create slug=s T = unknown
		b get s = ok T`, "linearizability invented"},
	{"a link nobody asked for", `
		a get x = ok T`, "linearizability invented"},
	{"a slug that nobody made is taken, and a create is unanswered", `
		a create T = unknown
		a create slug=race-1 U = taken`, "linearizability"},
	{"a slug that nobody made is taken and deleted, and a create is unanswered", `
		a create T = unknown
		a create slug=race-1 U = taken
		a delete race-1 = unknown
		final a aB3xYz9=T`, "linearizability"},
	{"a slug that nobody made is deleted, and a create is unanswered", `
		a create T = unknown
		a delete race-1 = ok
		a get race-1 = gone`, "linearizability"},
	{"a slug that nobody made leads to an unanswered create's target", `
		a create T = unknown
		a follow race-1 = ok T`, "linearizability redirects invented"},
	{"a slug that nobody made is edited, and a create is unanswered", `
		a create T = unknown
		a edit race-1 U if=1 = ok`, "linearizability"},
	{"a code that nobody made is deleted, and the unanswered create is another code", `
		logs complete
		log create T
		log delete aB3xYz0
		a create T = unknown
		a delete aB3xYz0 = ok
		a get aB3xYz0 = gone
		final a aB3xYz9=T gone=aB3xYz0`, "linearizability"},
	{"a code that nobody made is gone, and the unanswered create was read elsewhere", `
		a create T = unknown
		b get aB3xYz9 = ok T
		a get aB3xYz0 = gone`, "linearizability"},
	{"two codes that nobody made beside two unanswered creates of one target", `
		a create T = unknown
		a create T = unknown
		a delete aB3xYz0 = ok
		final a aB3xYz9=T aB3xYz8=T`, "linearizability"},
	{"a link that was refused", `
		a create T = refused
		b follow x = ok T`, "linearizability redirects invented"},
	{"a link is found before it was asked for", `
		b get s = ok T
		a create slug=s T = ok s`, "linearizability invented"},
	{"a visitor is sent on before it was asked for", `
		b follow s = ok T
		a create slug=s T = ok s`, "linearizability redirects invented"},
	{"a node holds what nobody asked for", `
		a create T = ok x
		final a x=T y=U`, "linearizability invented finals"},
	{"an edit shows before it was asked for", `
		a create T = ok x
		b follow x = ok U
		c edit x U if=1 = ok`, "linearizability read-your-writes redirects invented"},
	{"a deleted link is found", `
		a create T = ok x
		b delete x = ok
		c get x = ok T`, "linearizability deletes"},
	{"a deleted link redirects when all is well", `
		a create T = ok x
		b delete x = ok
		c follow x at=20s = ok T`, "deletes"},
	{"a deleted link redirects long after the healing", `
		a create T = ok x
		fault cut c
		b delete x = ok
		healed
		c follow x at=30s = ok T`, "deletes"},
	{"the node that deleted it redirects", `
		a create T = ok x
		b delete x = ok
		b follow x = ok T`, "views"},
	{"the node that edited it redirects to the old target", `
		a create T = ok x
		b edit x U if=1 = ok v=2
		b follow x = ok T`, "views"},
	{"a node showed it gone and redirects", `
		a create T = ok x
		b delete x = ok
		c follow x = gone
		c follow x = ok T`, "views"},
	{"a node's redirects go back to the old target", `
		a create T = ok x
		b edit x U if=1 = ok v=2
		c follow x = ok U
		c follow x = ok T`, "views"},
	{"another node's crash is no excuse", `
		a create T = ok x
		b delete x = ok
		c follow x = gone
		fault crash a
		c follow x = ok T
		healed`, "views"},
	{"a cut is no excuse", `
		a create T = ok x
		b delete x = ok
		fault cut b
		b follow x = ok T
		healed`, "views"},
	{"a retry makes a second link", `
		a create T key=k = ok x
		b create T key=k = ok y`, "retries"},
	{"an unanswered try made a second link", `
		a create T key=k = unknown
		b create T key=k = ok x
		final a x=T y=T`, "linearizability invented retries finals"},
	{"an unanswered create made two links", `
		a create T = unknown
		final a 5hbA0cd=T 5hbA0ce=T`, "retries finals"},
	{"a key made links of two requests", `
		a create T key=k = ok x
		b create U key=k = ok y`, "retries"},
	{"a key conflicts with nothing", `
		a create T key=k = conflict`, "retries"},
	{"digests differ", `
		final a digest=1
		final b digest=2`, "finals"},
	{"one node is behind", `
		final a applied=8
		final b applied=9`, "finals"},
	{"nodes count differently", `
		a create T = unknown
		final a nothing= links=0
		final b nothing= links=1`, "finals"},
	{"nodes hold different targets", `
		a create T = ok x
		a edit x U if=1 = unknown
		final a x=T
		final b x=U`, "finals"},
	{"tombstones differ", `
		a create T = ok x
		a delete x = ok
		final a gone=x
		final b`, "finals"},
	{"one link too many", `
		a create T = ok x
		final a x=T links=2`, "finals"},
	{"a node counts fewer than it holds", `
		a create T = unknown
		final a 5hbA0cd=T links=0`, "finals"},
	{"no write was accepted any more", `
		fault cut a
		healed
		writable -1ns`, "healing"},
	{"writes were accepted too late", `
		fault cut a
		healed
		writable 10.1s`, "healing"},
	{"something was left", `
		leak goroutine-7`, "healing"},
	{"a complete run in which nothing was asked", `
		complete a
		logs complete
		final a`, "evidence"},
	{"a complete run whose logs are not", `
		complete a
		a get x = not_found
		final a`, "evidence"},
	{"a complete run without what a member held", `
		complete a b
		logs complete
		a get x = not_found
		final a`, "evidence"},
	{"a complete run without what anybody held", `
		complete a b
		logs complete
		a get x = not_found`, "evidence"},
	{"a complete run with numbers only", `
		complete a
		logs complete
		log create T
		a create T = ok x
		final a nothing= links=1`, "evidence"},
	{"a complete run that was not healed", `
		complete a
		logs complete
		a get x = not_found
		fault cut a
		final a`, "evidence"},
	{"a complete run of nobody", `
		complete
		logs complete
		a get x = not_found
		final a`, "evidence"},
	{"a redirect is not answered when all is well", quiet + `
		a follow x at=11s = unknown took=1s`, "answered"},
	{"a read is refused by a node without a leader when all is well", quiet + `
		b get x at=11s = unknown took=1100ms`, "answered"},
	{"a read is never answered when all is well", quiet + `
		p: b get x at=11s
		a get x at=20s = not_found`, "answered"},
	{"a read was not answered before something was broken again", quiet + `
		b get x at=11s = unknown took=4s
		fault stop b`, "answered"},
	{"none of many creates succeeds", quiet + strings.Repeat("a create T = refused\n", oftenTried), "answered"},
	{"none of many gets succeeds", quiet + strings.Repeat("a get x = not_found\n", oftenTried), "answered"},
	{"none of many redirects succeeds", quiet + strings.Repeat("a follow x = not_found\n", oftenTried), "answered"},
	{"none of many deletes succeeds", quiet + strings.Repeat("a delete x = not_found\n", oftenTried), "answered"},
	{"a create is not found", `
		a create T = not_found`, "answers"},
	{"a generated code is taken", `
		a create T = taken`, "answers"},
	{"a read conflicts", `
		a get x = conflict`, "answers"},
	{"a key that was not given conflicts", `
		a create T = conflict`, "answers"},
	{"a create is answered with another slug", `
		a create slug=s T = ok s given=r`, "answers"},
	{"a create is answered with another target", `
		a create T = ok x given=U`, "answers"},
	{"a redirect to nowhere", `
		a create T = ok x
		b follow x = ok`, "linearizability read-your-writes redirects invented answers"},
}

func TestEveryLieIsFound(t *testing.T) {
	for _, l := range slices.Concat(lies, limited, keyLies) {
		t.Run(l.name, func(t *testing.T) {
			v := Judge(tell(t, l.lines))
			if got := strings.Join(accusers(v), " "); got != l.found {
				t.Errorf("found by %q, want %q", got, l.found)
				for _, violation := range v.Violations {
					t.Logf("%s: %s %+v", violation.Checker, violation.Text, violation.Operations)
				}
			}
		})
	}
}

func TestEveryCheckerFindsSomething(t *testing.T) {
	for _, name := range Checkers() {
		alone := slices.ContainsFunc(slices.Concat(lies, limited, keyLies), func(l lie) bool { return slices.Contains(strings.Fields(l.found), name) })
		if !alone {
			t.Errorf("no lie is found by %q", name)
		}
	}
}
