package partition

import (
	"fmt"
	"sync"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// make creates links through one node, and follows each on another at once.
func (u *user) make(node string) {
	for {
		pause := makePause
		if at, ok := u.load.named(node); ok && !u.makeOne(at) {
			pause = afterwards
		}
		if !u.load.rest(pause) {
			return
		}
	}
}

// makeOne creates one link, reports whether that was acknowledged, and if so follows it on a random node.
func (u *user) makeOne(at harness.Endpoint) bool {
	made, outcome := u.create(at, v1.CreateLink{LongURL: u.target()}, "")
	if outcome != history.OK {
		return false
	}
	u.note(at, made.ShortCode, made.LongURL)
	if elsewhere, ok := u.node(); ok {
		u.visit(elsewhere, made.ShortCode, &promise{target: made.LongURL})
	}
	return true
}

// note writes an acknowledged link down. No code is ever given to two links.
func (u *user) note(at harness.Endpoint, code, target string) {
	link := Link{Code: code, Target: target, Node: at.Name(), At: time.Now()}
	if other, twice := u.load.options.Book.Add(link); twice {
		u.load.violate("%s gave %s to %q, and it belongs to %q", at.Name(), code, target, other)
	}
}

// insist creates links under idempotency keys: what is not acknowledged is asked again elsewhere, and now and then what was. One
// key is one link.
func (u *user) insist() {
	for turn := 0; ; turn++ {
		key, target := fmt.Sprintf("%s-key-%d-%d", u.load.options.Name, u.number, turn), u.target()
		code := ""
		for tries, again := 0, u.r.IntN(3) == 0; tries < 60; tries++ {
			at, ok := u.node()
			if !ok {
				break
			}
			made, outcome := u.create(at, v1.CreateLink{LongURL: target}, key)
			if outcome == history.OK {
				if code != "" && code != made.ShortCode {
					u.load.violate("%s made %s under key %s, which had made %s", at.Name(), made.ShortCode, key, code)
				}
				code = made.ShortCode
				u.note(at, code, target)
				if !again {
					break
				}
				again = false
			}
			if !u.load.rest(racePause) {
				return
			}
		}
		if !u.load.rest(makePause) {
			return
		}
	}
}

// end makes links and deletes them: what is deleted is never there again, and never was not.
func (u *user) end() {
	for u.load.rest(4 * makePause) {
		at, ok := u.node()
		if !ok {
			continue
		}
		made, outcome := u.create(at, v1.CreateLink{LongURL: u.target()}, "")
		if outcome != history.OK {
			u.load.rest(afterwards)
			continue
		}
		if !u.own(at, made) {
			continue
		}
		u.endOne(made.ShortCode, &promise{target: made.LongURL})
	}
}

// own writes down an acknowledged link that does not stay as it is. No code is ever given to two links.
func (u *user) own(at harness.Endpoint, made v1.Link) bool {
	other, twice := u.load.options.Book.Doom(made.ShortCode, made.LongURL)
	if twice {
		u.load.violate("%s gave %s to %q, and it belongs to %q", at.Name(), made.ShortCode, made.LongURL, other)
	}
	return !twice
}

// endOne deletes one link and reads it before and after, each time on another node.
func (u *user) endOne(code string, p *promise) {
	steps := []func(harness.Endpoint){
		func(at harness.Endpoint) { u.get(at, code, p) },
		func(at harness.Endpoint) {
			p.mayBeGone = true
			if outcome := u.remove(at, code); outcome == history.OK {
				p.isGone = true
				u.load.options.Book.End(code)
			}
		},
		func(at harness.Endpoint) { u.get(at, code, p) },
		func(at harness.Endpoint) { u.visit(at, code, p) },
		func(at harness.Endpoint) { u.get(at, code, p) },
	}
	for _, step := range steps {
		if at, ok := u.node(); ok {
			step(at)
		}
	}
}

// read follows links on one node, half of them just made.
func (u *user) read(node string) {
	for turn := 0; ; turn++ {
		newest := 0
		if turn%2 == 0 {
			newest = recent
		}
		if link, ok := u.load.options.Book.Pick(u.r, newest); ok {
			if at, ok := u.load.named(node); ok {
				u.visitLink(at, link)
			}
		}
		if !u.load.rest(readPause) {
			return
		}
	}
}

// look reads links linearizably on all nodes.
func (u *user) look() {
	for u.load.rest(racePause) {
		if link, ok := u.load.options.Book.Pick(u.r, recent); ok {
			if at, ok := u.node(); ok {
				u.getLink(at, link)
			}
		}
	}
}

func (u *user) visitLink(at harness.Endpoint, l Link) {
	u.visit(at, l.Code, &promise{target: l.Target, known: l.Place < u.load.options.Known})
}

func (u *user) getLink(at harness.Endpoint, l Link) { u.get(at, l.Code, &promise{target: l.Target}) }

// target is a URL that nobody asks for a second time, with something in it that is easily spoilt.
func (u *user) target() string {
	n := u.load.contest.number()
	spoilt := []string{"?x=%26&y=1+2", "/a%2Fb%20c", "//double/./dots/../up?", "#ünïcode-¶", "/straße/日本語", ""}[n%6]
	return fmt.Sprintf("https://example.org/%s/%d/%d%s", u.load.options.Name, u.number, n, spoilt)
}

// contest is the race for slugs. A slug is fought over for a short while, then the next ones come. Those with odd numbers stay;
// the others are deleted by who likes.
type contest struct {
	began time.Time

	mu      sync.Mutex
	next    int
	winners map[string]string // target by slug
}

// slotLength is how long a slug is the newest, slotsOpen how many are fought over at a time.
const (
	slotLength = 400 * time.Millisecond
	slotsOpen  = 4
)

// number gives a number that nobody else in the load gets.
func (c *contest) number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.next
}

// win notes who got a slug; another one may not.
func (c *contest) win(slug, target string) (other string, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.winners == nil {
		c.winners = make(map[string]string)
	}
	if other, lost = c.winners[slug]; lost && other != target {
		return other, true
	}
	c.winners[slug] = target
	return "", false
}

// race fights for slugs with the other racers.
func (u *user) race() {
	for u.load.rest(racePause) {
		at, ok := u.node()
		if !ok {
			continue
		}
		slot := int(time.Since(u.load.contest.began)/slotLength) - u.r.IntN(slotsOpen)
		if slot < 0 {
			continue
		}
		slug := fmt.Sprintf("%s-slug-%d", u.load.options.Name, slot)
		var outcome history.Outcome
		switch chance := u.r.IntN(20); {
		case chance < 8:
			outcome = u.take(at, slug, slot%2 == 1)
		case chance < 10 && slot%2 == 0:
			outcome = u.remove(at, slug)
		case chance < 16:
			outcome = u.get(at, slug, nil)
		default:
			outcome = u.visit(at, slug, nil)
		}
		if outcome == history.Unknown {
			u.load.rest(afterwards)
		}
	}
}

// take tries to get a slug, half the time under a key, and then again elsewhere if nobody answered.
func (u *user) take(at harness.Endpoint, slug string, stays bool) history.Outcome {
	want, key := v1.CreateLink{LongURL: u.target(), CustomSlug: slug}, ""
	if u.r.IntN(2) == 0 {
		key = fmt.Sprintf("%s-%d-%d", slug, u.number, u.load.contest.number())
	}
	_, outcome := u.create(at, want, key)
	if elsewhere, ok := u.node(); ok && outcome == history.Unknown && key != "" {
		at = elsewhere
		_, outcome = u.create(at, want, key)
	}
	if outcome != history.OK {
		return outcome
	}
	if other, lost := u.load.contest.win(slug, want.LongURL); lost {
		u.load.violate("%s gave the slug %s to %q, and it belongs to %q", at.Name(), slug, want.LongURL, other)
	} else if stays {
		u.note(at, slug, want.LongURL)
	}
	return outcome
}
