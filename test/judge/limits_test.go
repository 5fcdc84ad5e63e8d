package judge

import "strings"

// limited are lies about visits that are counted, keyLies about API keys.
var limited = []lie{
	{"one visitor too many", `
		a create T limit=1 = ok x
		a visit x = ok T
		b visit x = ok T`, "linearizability visits"},
	{"two visitors at once where one is let through", `
		a create T limit=1 = ok x
		p: a visit x
		q: b visit x
		p = ok T
		q = ok T`, "linearizability visits"},
	{"closed before it is used up", `
		a create T limit=2 = ok x
		a visit x = ok T
		b visit x = gone`, "linearizability visits"},
	{"closed before it is used up, as somebody without a count sees it", `
		a create T limit=1 = ok x
		b follow x = gone`, "linearizability visits"},
	{"closed, and open again", `
		a create T limit=2 = ok x
		a visit x = ok T
		p: c visit x
		b visit x = gone
		p = unknown
		b visit x = ok T`, "linearizability"},
	{"an unanswered visit explains one refusal too many", `
		a create T limit=3 = ok x
		a visit x = ok T
		c visit x = unknown
		b visit x = gone`, "linearizability visits"},
	{"refused visits are no visits", `
		a create T limit=2 = ok x
		a visit x = refused
		a visit x = ok T
		b visit x = gone`, "linearizability visits"},
	{"a visit is not counted", `
		a create T limit=1 = ok x
		a visit x = ok T
		b follow x = gone
		b get x = ok T n=0`, "linearizability visits"},
	{"a visit that was counted is not counted any more", `
		a create T limit=3 = ok x
		a visit x = ok T
		b get x = ok T n=1
		c get x = ok T n=0`, "linearizability visits"},
	{"an unanswered visit is counted, and then not", `
		a create T limit=3 = ok x
		p: a visit x
		b get x = ok T n=1
		c get x = ok T n=0`, "linearizability"},
	{"a visit that is counted twice", `
		a create T limit=3 = ok x
		a visit x = ok T
		b get x = ok T n=2`, "linearizability visits"},
	{"more were counted than may be", `
		a create T limit=1 = ok x
		a visit x = unknown
		a visit x = unknown
		b get x = ok T n=2`, "linearizability visits"},
	{"a visit is not counted in the end", `
		a create T limit=2 = ok x
		a visit x = ok T
		final a x=T n=x:0
		final b x=T n=x:0`, "linearizability visits"},
	{"nodes count differently in the end", `
		a create T limit=2 = ok x
		p: a visit x
		final a x=T n=x:1
		final b x=T n=x:0`, "finals"},
	{"a visit that was let through is in no log", `
		a create T limit=2 = ok x
		a visit x = ok T
		logs complete
		log create T
		final a x=T`, "acknowledged"},
	{"an unanswered visit explains a refusal, and is in no log", `
		a create T limit=1 = ok x
		a visit x = unknown
		b visit x = gone
		logs complete
		log create T
		final a x=T`, "linearizability visits"},
	{"a visitor of a deleted link is let through", `
		a create T limit=2 = ok x
		a delete x = ok
		b visit x = ok T`, "linearizability deletes"},
	{"a visitor is sent to what the link no longer leads to", `
		a create T limit=2 = ok x
		a edit x U if=1 = ok v=2
		b visit x = ok T`, "linearizability"},
	{"a visitor of a link with a limit gets 404", `
		a create T limit=2 = ok x
		b visit x = not_found`, "linearizability read-your-writes redirects"},
	{"a visitor of a link with a limit is sent elsewhere", `
		a create T limit=2 = ok x
		b visit x = ok U`, "linearizability read-your-writes redirects invented"},
	{"a link that is used up is gone for the API", `
		a create T limit=1 = ok x
		a visit x = ok T
		b get x = gone`, "linearizability read-your-writes"},
	{"none of many visits succeeds", quiet + strings.Repeat("a visit x = gone\n", oftenTried), "linearizability answered"},
}

var keyLies = []lie{
	{"a key is unknown where it was not made", `
		a grant k = ok
		b get x by=k = unauthorized`, "keys"},
	{"a key is refused for a write, and works again", `
		a grant k = ok
		p: a revoke k
		b create T by=k = unauthorized
		b get x by=k = not_found`, "keys"},
	{"a revoked key writes", `
		a grant k = ok
		a revoke k = ok
		b create T by=k = ok x`, "keys"},
	{"a revoked key reads", `
		a grant k = ok
		a revoke k = ok
		b get x by=k = not_found`, "keys"},
	{"a key is refused before its revocation was asked for", `
		a grant k = ok
		b get x by=k = unauthorized
		a revoke k = ok`, "keys"},
	{"a revocation that was in vain explains a refusal", `
		a grant k = ok
		p: b revoke k
		b get x by=k = unauthorized
		a revoke k = ok`, "keys"},
	{"a key is revoked twice", `
		a grant k = ok
		a revoke k = ok
		b revoke k = ok`, "keys"},
	{"a key that nobody revoked is not there", `
		a grant k = ok
		b revoke k = not_found`, "keys"},
	{"a key that was not there works", `
		a grant k = ok
		p: a revoke k
		b revoke k = not_found
		a get x by=k = not_found`, "keys"},
	{"a key is lost", `
		a grant k = ok
		final a lacks=k`, "keys"},
	{"a revoked key is there in the end", `
		a grant k = ok
		b revoke k = ok
		final a key=k`, "keys"},
	{"a key that was made is in no log", `
		a grant k = ok
		logs complete`, "keys"},
	{"a revocation is in no log", `
		a grant k = ok
		b revoke k = ok
		log grant k
		logs complete`, "keys"},
	{"an unanswered revocation explains a refusal, and is in no log", `
		a grant k = ok
		b revoke k = unknown
		a create T by=k = unauthorized
		log grant k
		logs complete`, "keys"},
	{"who asked without a key is refused", `
		a get x = unauthorized`, "answers"},
	{"a visitor is refused for a key", `
		a follow x by=k = unauthorized`, "answers"},
	{"none of many keys is made", quiet + strings.Repeat("a grant k = refused\n", oftenTried), "answered"},
}

// honestLimits are runs of clusters that count visits and keep keys as they should.
var honestLimits = map[string]string{
	"a link is used up": `
		a create T limit=2 = ok x
		b get x = ok T n=0
		b visit x = ok T
		c follow x = ok T
		b get x = ok T n=1
		a visit x = ok T
		c visit x = gone
		c follow x = gone
		b get x = ok T n=2
		final a x=T n=x:2
		final b x=T n=x:2`,
	"unanswered visits may have counted, or not, late": `
		a create T limit=2 = ok x
		a visit x = unknown
		a visit x = unknown
		a visit x = unknown
		b get x = ok T n=0
		b visit x = ok T
		b get x = ok T n=2
		b visit x = gone
		final a x=T n=x:2`,
	"visits at once": `
		a create T limit=1 = ok x
		p: a visit x
		q: b visit x
		b get x = ok T n=1
		p = gone
		q = ok T`,
	"a node that is late believes a link open that is used up": `
		a create T limit=1 = ok x
		b visit x = ok T
		c follow x = ok T`,
	"a visit is counted, and its link deleted before it is answered": `
		a create T limit=1 = ok x
		p: a visit x
		b visit x = gone
		b delete x = ok
		p = gone
		final a gone=x`,
	"a visitor is sent where the link led a moment later": `
		a create T limit=2 = ok x
		p: a visit x
		b edit x U if=1 = ok v=2
		p = ok U`,
	"a link that may have a limit": `
		p: a create slug=s T limit=1
		b visit s = ok T
		b follow s = gone
		c get s = ok T n=1
		p = ok s`,
	"a link that was deleted is gone, however often it was visited": `
		a create T limit=5 = ok x
		b delete x = ok
		a visit x = gone
		c follow x = gone`,
	"a key's life": `
		a grant k = ok
		b create T by=k = ok x
		c get x by=k = ok T
		b edit x U if=2 by=k = conflict
		a delete y by=k = not_found
		b revoke k = ok
		c get x by=k = unauthorized
		b create V by=k = unauthorized
		a revoke k = not_found
		final a x=T lacks=k`,
	"either is right while a key is revoked": `
		a grant k = ok
		p: a revoke k
		b create T by=k = ok x
		b get x by=k = ok T
		c get x by=k = unauthorized
		p = ok`,
	"either is right while it is not known whether a key was revoked": `
		a grant k = ok
		a revoke k = unknown
		b get x by=k = not_found
		c get x by=k = unauthorized
		b create T by=k = unauthorized
		b revoke k = not_found`,
	"a key whose making was not answered": `
		a grant k = unknown
		b get x by=k = unauthorized
		b get x by=k = not_found
		b get x by=k = unauthorized`,
	"a key is used before its making was answered": `
		p: a grant k
		b get x by=k = unauthorized
		c get x by=k = not_found
		p = ok`,
	"redirects do not ask for keys": `
		a grant k = ok
		a revoke k = ok
		b follow x by=k = not_found`,
}
