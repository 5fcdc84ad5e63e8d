package fsm

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// drawnSlugs are few, so that commands meet. Some are codes that the counter has yet to give out, or has just given out.
var drawnSlugs = []link.Code{"", "", "", "a", "b", "c", "API", testCodec.Encode(2), testCodec.Encode(9), testCodec.Encode(17)}

func drawCommand(t *rapid.T, now time.Time) command.Command {
	code := func() link.Code {
		codes := append(drawnSlugs[3:len(drawnSlugs):len(drawnSlugs)], testCodec.Encode(1), testCodec.Encode(3), testCodec.Encode(4))
		return rapid.SampledFrom(codes).Draw(t, "code")
	}
	switch kind := rapid.IntRange(0, 61).Draw(t, "kind"); {
	case kind >= 40:
		return drawGoverning(t, now, code())
	case kind < 2:
		// A later leader brings a key and a version of its own; the state keeps the first key, and its version only rises.
		return command.Lead{CodeKey: [16]byte{rapid.Byte().Draw(t, "key")}, ClusterVersion: rapid.Uint32Range(0, MaxClusterVersion).Draw(t, "version")}
	case kind >= 38:
		return drawVisits(t, now)
	case kind < 4:
		return command.Sweep{Limit: rapid.Uint32Range(1, 3).Draw(t, "limit")}
	case kind < 8:
		return command.Delete{Code: code()}
	case kind < 13:
		return command.Consume{Code: code()}
	case kind < 21:
		return command.Edit{Edit: drawEdit(t, now, code())}
	case kind < 27:
		return command.Create{Draft: drawKeyed(t)}
	}
	return command.Create{Draft: drawDraft(t, now)}
}

func drawOwner(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "u1", "u2"}).Draw(t, "owner")
}

// drawFields draws the fields in a set, mostly such that a link can have them, and from few values.
func drawFields(t *rapid.T, now time.Time, set link.FieldSet) (f link.Fields) {
	moment := func(label string) time.Time {
		if rapid.IntRange(0, 19).Draw(t, "far") == 0 { // before and behind all stamps
			return rapid.SampledFrom([]time.Time{{}, time.UnixMilli(-1).UTC(), time.UnixMilli(0).UTC(), command.MaxTime, command.MaxTime.Add(time.Second)}).Draw(t, label)
		}
		return now.Add(time.Duration(rapid.Int64Range(-100, 1000).Draw(t, label)) * time.Second)
	}
	all := link.Fields{
		Target:     rapid.SampledFrom([]link.Target{"http://a", "http://a", "http://b/?c", "", "\xff"}).Draw(t, "target"),
		Title:      rapid.SampledFrom([]string{"", "t", "u\n"}).Draw(t, "title"),
		Tags:       rapid.SampledFrom([]link.Tags{"", "a", "b", "a\nb", "b\na"}).Draw(t, "tags"),
		ValidSince: moment("since"),
		ValidUntil: moment("until"),
		MaxVisits:  rapid.SampledFrom([]uint64{0, 1, 2, link.MaxVisitLimit, link.MaxVisitLimit + 1}).Draw(t, "limit"),
		Redirect:   rapid.SampledFrom([]link.Redirect{0, 301, 308, 302}).Draw(t, "redirect"),
		DropQuery:  rapid.Bool().Draw(t, "drop"),
		Disabled:   rapid.Bool().Draw(t, "disabled"),
		Password:   rapid.SampledFrom([]link.PasswordHash{"", "$x$", "y z"}).Draw(t, "password"),
	}
	f.Take(all, set)
	return f
}

// drawSet draws a set with few fields in it.
func drawSet(t *rapid.T) link.FieldSet {
	some := rapid.Uint16Range(0, uint16(link.AllFields))
	return link.FieldSet(some.Draw(t, "set") & some.Draw(t, "and") & some.Draw(t, "and"))
}

func drawEdit(t *rapid.T, now time.Time, code link.Code) link.Edit {
	e := link.Edit{Code: code, Set: drawSet(t)}
	e.Fields, e.Host = drawFields(t, now, e.Set), drawHost(t)
	if rapid.IntRange(0, 3).Draw(t, "if") == 0 {
		e.IfVersion = rapid.Uint64Range(1, 3).Draw(t, "version")
	}
	e.ExpiresIn = drawExpiresIn(t)
	return e
}

func drawExpiresIn(t *rapid.T) time.Duration {
	if rapid.IntRange(0, 5).Draw(t, "end") > 0 {
		return 0
	}
	return time.Duration(rapid.Int64Range(-1, 1000).Draw(t, "seconds")) * time.Second
}

func drawDraft(t *rapid.T, now time.Time) link.Draft {
	target := rapid.SampledFrom([]link.Target{"http://a", "http://b/?c", "", "\xff"}).Draw(t, "target")
	d := link.Draft{Fields: link.Fields{Target: target}, Slug: rapid.SampledFrom(drawnSlugs).Draw(t, "slug"), Owner: drawOwner(t)}
	if rapid.Bool().Draw(t, "detailed") {
		set := drawSet(t)
		d.Take(drawFields(t, now, set), set)
	}
	d.ExpiresIn, d.Host = drawExpiresIn(t), drawHost(t)
	if rapid.IntRange(0, 2).Draw(t, "find") == 0 {
		find := drawSet(t)
		d.Find = &find
	}
	if rapid.IntRange(0, 3).Draw(t, "import") == 0 {
		d.Imported = &link.Imported{
			CreatedAt: rapid.SampledFrom([]time.Time{{}, {}, now, now.Add(time.Hour), at(-time.Hour), time.UnixMilli(0).UTC(), time.UnixMilli(-1).UTC()}).Draw(t, "made"),
			Visits:    rapid.SampledFrom([]uint64{0, 1, 7, link.MaxVisitLimit, 1<<64 - 1}).Draw(t, "visits"),
			Conflict:  rapid.SampledFrom([]link.Conflict{link.Refuse, link.Overwrite, link.Rename}).Draw(t, "conflict"),
		}
	}
	return d
}

// drawKeyed draws the draft of a client's request. It follows from the body, as a request does from its hash; sometimes a key is
// used for two requests.
func drawKeyed(t *rapid.T) link.Draft {
	body := rapid.ByteRange(0, 2).Draw(t, "body")
	d := link.Draft{Fields: link.Fields{Target: link.Target(fmt.Sprintf("http://keyed/%d", body))}, Once: &link.Once{
		Scope: rapid.SampledFrom([]string{"", "s"}).Draw(t, "scope"), Key: rapid.SampledFrom([]string{"k", "l"}).Draw(t, "key"),
		Row: rapid.Uint32Range(0, 2).Draw(t, "row"), Body: [32]byte{body},
	}}
	switch body {
	case 0:
		d.ExpiresIn = time.Hour
	case 1:
		d.Find = new(link.FieldSet)
	case 2:
		d.Slug, d.Imported = "c", &link.Imported{Visits: 1, Conflict: link.Overwrite}
	}
	return d
}
