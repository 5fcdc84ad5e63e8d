package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// shape reads a member of the type that a field must have.
type shape func(member) (sent, error)

// textual is the shape of strings.
func textual(m member) (v sent, err error) {
	v.given = true
	v.text, err = m.text()
	return v, err
}

// listed is the shape of lists of strings, of which one beyond limit is enough to refuse them.
func listed(limit int) shape {
	return func(m member) (v sent, err error) {
		v.given = true
		v.words, err = m.words(limit + 1)
		return v, err
	}
}

// readObject reads a body that is one object of the fields known: shape first, so that a request with two faults gets the JSON one.
// Null is of every shape.
func readObject(ctx context.Context, body []byte, known map[string]shape) (map[string]sent, error) {
	if err := wellFormed(body, &patience{ctx: ctx}); err != nil {
		return nil, err
	}
	found, err := members(body, func(name string) bool { return known[name] != nil })
	if err != nil {
		return nil, err
	}
	fields := make(map[string]sent, len(found))
	for _, m := range found {
		v := sent{given: true, null: true}
		if string(m.value) != "null" {
			if v, err = known[m.name](m); err != nil {
				return nil, err
			}
		}
		fields[m.name] = v
	}
	return fields, nil
}

// has reports whether a value was given, and not null.
func (v sent) has() bool { return v.given && !v.null }

// wrongField is the refusal of one field.
func wrongField(name, detail string) error { return invalid(link.ErrInvalidField, detail, name) }

// nameIn reads the name of a user or a key, which they must have.
func nameIn(fields map[string]sent) (string, error) {
	name := fields["name"]
	if !name.has() {
		return "", wrongField("name", "name is missing")
	}
	if err := (access.User{ID: someID, Name: name.text, Role: access.Creator}).Check(); err != nil {
		return "", wrongField("name", "name must have 1 to "+strconv.Itoa(access.MaxName)+" bytes without control characters, and no space at its ends")
	}
	return name.text, nil
}

// reasonIn reads a reason; empty if none was given.
func reasonIn(fields map[string]sent) (string, error) {
	reason := fields["reason"].text
	if reason != "" && access.CheckReason(reason) != nil {
		return "", wrongField("reason", "reason must have at most "+strconv.Itoa(access.MaxReason)+" bytes, without control characters")
	}
	return reason, nil
}

// momentIn reads a moment in RFC 3339. Milliseconds are what answers can show, so no more is kept.
func momentIn(name, text string) (time.Time, error) {
	var moment v1.Time
	if err := moment.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, wrongField(name, name+" must be an RFC 3339 time, such as 2030-01-31T12:00:00Z")
	}
	t := moment.UTC().Truncate(time.Millisecond)
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, wrongField(name, name+" must be in the years 1970 to 9999")
	}
	return t, nil
}

// lifeIn reads how long something is to live. It is handed on as it is: it counts from the leader's stamp, not from this node's
// clock.
func lifeIn(name, text string) (time.Duration, error) {
	life, err := time.ParseDuration(text)
	if err != nil || life < minExpiresIn {
		return 0, wrongField(name, name+" must be a duration of a second or more, such as 24h or 90m")
	}
	return life.Truncate(time.Millisecond), nil
}

// someID is an id like any other, where one is checked for something else.
const someID = "x"

// checkID is link.ErrNotFound for what can be nobody's id.
func checkID(id string) error {
	if (access.User{ID: id, Name: someID, Role: access.Creator}).Check() != nil {
		return link.ErrNotFound
	}
	return nil
}

// kept is a list of what is kept for the whole cluster, and how it is shown.
type kept[T, V any] struct {
	// name is what cursors of the list belong to.
	name string
	// ask gives a part of the list.
	ask func(ctx context.Context, by access.Holder, span Span) ([]T, bool, error)
	// place is what stands in a cursor behind the last of a page.
	place func(T) string
	show  func(T) V
}

// pageQuery are the parameters of such lists.
func pageQuery() []parameter { return single("limit", "cursor") }

// page gives the page that a call asks for, and the cursor of the next one; nil if there is none.
func (k kept[T, V]) page(ctx context.Context, bodies *budget, c *call) (shown []V, next *string, err error) {
	span, err := k.span(c)
	if err != nil {
		return nil, nil, err
	}
	if err := bodies.hold(c, int64(span.Limit)*rowBytes); err != nil {
		return nil, nil, err
	}
	found, more, err := k.ask(ctx, c.by, span)
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", k.name, err)
	}
	shown = make([]V, len(found))
	for i, one := range found {
		shown[i] = k.show(one)
	}
	if last := len(found) - 1; more && last >= 0 {
		cursor := seal(k.name, []byte(k.place(found[last])))
		next = &cursor
	}
	return shown, next, nil
}

// span reads the query.
func (k kept[T, V]) span(c *call) (span Span, err error) {
	if span.Limit, err = limitOf(c, usualPage, maxPage); err != nil {
		return span, err
	}
	if c.query.Has("cursor") {
		after, err := unseal(k.name, c.query.Get("cursor"))
		if err != nil {
			return span, err
		}
		span.After = string(after)
	}
	return span, nil
}
