package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// base is the path of version 1 of the API.
const base = "/api/v1"

// linkCalls are the operations with links.
type linkCalls struct {
	links      Links
	statistics Statistics // nil for none
	rules      *linkRules
	passwords  Passwords
	// staleness is how old this node's own view may be.
	staleness func() time.Duration
	// publicURL is what short URLs begin with.
	publicURL string
	// creating is what making links one at a time is to whoever shows no key.
	creating keyless
	bulkRows int
	bodies   *budget
	problems *problems
}

// newLinkCalls makes the operations of s.
func newLinkCalls(s *Server) *linkCalls {
	c := &s.config
	return &linkCalls{
		links: c.Links, statistics: c.Statistics, passwords: c.Passwords, staleness: c.Resolver.Staleness, publicURL: c.PublicURL,
		rules:    &linkRules{targets: c.TargetRules, words: c.Words, denied: c.Admission.Denied, now: c.Resolver.Now},
		creating: c.Admission.creating(), bulkRows: c.Limits.BulkRows, bodies: &s.bodies, problems: s.problems,
	}
}

// endpoints are the operations, within limits.
func (o *linkCalls) endpoints(l Limits) []endpoint {
	one := base + "/links/:code"
	return []endpoint{
		{method: http.MethodPost, path: base + "/links", scope: access.LinksCreate, keyless: o.creating, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: o.createLink},
		{method: http.MethodPost, path: base + "/links/bulk", scope: access.LinksCreate, takesBody: true, bodyLimit: l.BulkBody, timeout: l.BulkCall, serve: o.createLinks},
		{method: http.MethodGet, path: base + "/links", scope: access.LinksRead, query: listQuery(), bodyLimit: l.Body, timeout: l.Call, serve: o.listLinks},
		{method: http.MethodGet, path: one, scope: access.LinksRead, query: single(consistency), bodyLimit: l.Body, timeout: l.Call, serve: o.getLink},
		{method: http.MethodPatch, path: one, scope: access.LinksWrite, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: o.editLink},
		{method: http.MethodDelete, path: one, scope: access.LinksWrite, bodyLimit: l.Body, timeout: l.Call, serve: o.deleteLink},
		{method: http.MethodGet, path: one + "/qr", scope: access.LinksRead, query: qrQuery(), bodyLimit: l.Body, timeout: l.Call, serve: o.getQR},
		{method: http.MethodGet, path: base + "/tags", scope: access.LinksRead, query: tagsQuery(), bodyLimit: l.Body, timeout: l.Call, serve: o.listTags},
	}
}

// createLink serves POST /links. Shape is judged before fields, and fields before anything is asked of the cluster, so that
// a request that cannot succeed is told so with or without a leader.
func (o *linkCalls) createLink(ctx context.Context, c *call) (reply, error) {
	draft, err := o.readDraft(ctx, c)
	if err != nil {
		return reply{}, err
	}
	made, err := create(ctx, o.links, c.by, []link.Draft{draft})
	if err != nil {
		return reply{}, err
	}
	if err := made[0].Err; err != nil {
		return reply{}, aboutDraft(err, draft)
	}
	if made[0].Found {
		return reply{status: http.StatusOK, body: o.told(ctx, c.by, made[0].Link)}, nil
	}
	return reply{
		status: http.StatusCreated,
		// The resource, not the short URL: RFC 9110 wants the place where what was made can be read.
		header: []headerLine{{"Location", base + "/links/" + string(made[0].Link.Code)}},
		body:   o.shown(made[0].Link),
	}, nil
}

// readDraft reads the one link of a body.
func (o *linkCalls) readDraft(ctx context.Context, c *call) (link.Draft, error) {
	if err := wellFormed(c.body, &patience{ctx: ctx}); err != nil {
		return link.Draft{}, err
	}
	want, err := parseWanted(c.body, ofCreate)
	if err != nil {
		return link.Draft{}, err
	}
	if err := refuseAnonymous(c, &want); err != nil {
		return link.Draft{}, err
	}
	once, err := onceOf(c)
	if err != nil {
		return link.Draft{}, err
	}
	draft, err := o.rules.draft(&want, once != nil)
	if err != nil {
		return link.Draft{}, err
	}
	draft.Once = once
	draft.Password, err = o.protect(ctx, &want)
	return draft, err
}

// getLink serves GET /links/{code}. An expired link is shown like any other: this is its owner's view, not a visitor's.
func (o *linkCalls) getLink(ctx context.Context, c *call) (reply, error) {
	code, err := link.ParseCode(c.code)
	if err != nil {
		return reply{}, err
	}
	local, err := localOf(c)
	if err != nil {
		return reply{}, err
	}
	found, err := o.links.Get(ctx, c.by, code, local)
	if err != nil {
		return reply{}, err
	}
	shown := o.shown(found)
	if err := withTotals(ctx, o.statistics, c.by, []link.Link{found}, []*v1.Link{shown}); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, header: append(o.lateness(local), etagOf(found)), body: shown}, nil
}

// consistency is the query parameter of reads that may be of this node's own view.
const consistency = "consistency"

// localOf reads it.
func localOf(c *call) (bool, error) {
	switch value := c.query.Get(consistency); {
	case !c.query.Has(consistency), value == "linearizable":
		return false, nil
	case value == "local":
		return true, nil
	}
	return false, invalid(link.ErrInvalidField, "consistency must be local or linearizable", consistency)
}

// lateness is the header line that says how old an answer of this node's own view may be; none for others.
func (o *linkCalls) lateness(local bool) []headerLine {
	if late := o.staleness(); local && late > 0 {
		return []headerLine{{redirect.StalenessHeader, redirect.Milliseconds(late)}}
	}
	return nil
}

// deleteLink serves DELETE /links/{code}. Deleting twice is "gone", as every later read of the code is.
func (o *linkCalls) deleteLink(ctx context.Context, c *call) (reply, error) {
	code, err := link.ParseCode(c.code)
	if err != nil {
		return reply{}, err
	}
	if err := o.links.Delete(ctx, c.by, code); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// create hands drafts over and checks that one answer came for each: a result given to the wrong row would be a wrong link.
func create(ctx context.Context, links Links, by access.Holder, drafts []link.Draft) ([]Made, error) {
	made, err := links.Create(ctx, by, drafts)
	if err != nil {
		return nil, fmt.Errorf("create %d links: %w", len(drafts), err)
	}
	if len(made) != len(drafts) {
		return nil, fmt.Errorf("create %d links: %d answers", len(drafts), len(made))
	}
	return made, nil
}

// shown is a link as the API writes it. The short URL is this node's: nodes may have different public names.
func (o *linkCalls) shown(l link.Link) *v1.Link {
	return &v1.Link{
		ShortCode:      string(l.Code),
		ShortURL:       o.shortURL(l.Code),
		LongURL:        string(l.Target),
		Title:          l.Title,
		Tags:           shownTags(l.Tags),
		Owner:          unless(l.Owner, ""),
		CreatedAt:      v1.Time{Time: l.CreatedAt},
		UpdatedAt:      v1.Time{Time: l.UpdatedAt},
		ValidSince:     shownTime(l.ValidSince),
		ValidUntil:     shownTime(l.ValidUntil),
		MaxVisits:      unless(l.MaxVisits, 0),
		RedirectStatus: l.Redirect.Status(),
		ForwardQuery:   !l.DropQuery,
		Enabled:        !l.Disabled,
		HasPassword:    l.Password != "",
		// Bots never count towards MaxVisits, which is what these were counted for.
		Visits:  v1.Visits{Total: l.Visits, NonBots: l.Visits},
		Version: l.Version,
	}
}

// shownTags are tags as the API writes them: a list, even of none.
func shownTags(all link.Tags) []string {
	if all == "" {
		return []string{} // as most are
	}
	return slices.Collect(all.All())
}

// unless gives a value, or nil for the one that means none.
func unless[T comparable](value, none T) *T {
	if value == none {
		return nil
	}
	found := value // the address of value itself would cost memory also where there is none
	return &found
}

// shortURL is where a code is visited.
func (o *linkCalls) shortURL(code link.Code) string { return o.publicURL + "/" + string(code) }

// shownTime is a moment as the API writes it; nil for none.
func shownTime(t time.Time) *v1.Time {
	if t.IsZero() {
		return nil
	}
	return &v1.Time{Time: t}
}

// about names the element at fault in a refusal that was made behind the API, where no element names are known.
func about(err error) error {
	switch {
	case errors.Is(err, link.ErrSlugTaken):
		return invalid(err, link.ErrSlugTaken.Error(), "customSlug")
	case errors.Is(err, link.ErrSlugReserved):
		return invalid(err, link.ErrSlugReserved.Error(), "customSlug")
	case errors.Is(err, link.ErrInvalidSlug):
		return invalid(err, link.ErrInvalidSlug.Error(), "customSlug")
	case errors.Is(err, link.ErrInvalidTarget):
		return invalid(err, link.ErrInvalidTarget.Error(), "longUrl")
	case errors.Is(err, link.ErrTargetDenied):
		return invalid(err, link.ErrTargetDenied.Error(), "longUrl")
	case errors.Is(err, link.ErrKeyReused):
		return invalid(err, link.ErrKeyReused.Error(), idempotencyKey)
	}
	return err
}

// aboutDraft is about for a create.
func aboutDraft(err error, d link.Draft) error {
	if errors.Is(err, link.ErrInvalidField) {
		return aboutTimes(err, d.Fields, link.AllFields, d.ExpiresIn != 0)
	}
	return about(err)
}

// idempotencyKey is the header that makes a create happen once.
const idempotencyKey = "Idempotency-Key"

// onceOf reads the Idempotency-Key of a call; nil without one. A key that is there but cannot be used is refused: its
// sender counts on it.
func onceOf(c *call) (*link.Once, error) {
	keys := c.request.Header[idempotencyKey]
	if len(keys) == 0 {
		return nil, nil
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > link.MaxKey || !printable(key) {
		return nil, invalid(link.ErrInvalidField,
			"Idempotency-Key must be given once, with 1 to "+strconv.Itoa(link.MaxKey)+" printable ASCII characters", idempotencyKey)
	}
	// The body is hashed as it was sent: a client that retries sends the same bytes.
	once := &link.Once{Scope: c.by.ID, Key: key}
	sum := sha256.New()
	// The parts cannot run into each other: neither method nor path holds a line break.
	_, _ = io.WriteString(sum, c.request.Method+"\n"+c.request.URL.Path+"\n")
	_, _ = sum.Write(c.body)
	sum.Sum(once.Body[:0])
	return once, nil
}

// printable reports whether text is ASCII without control characters.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
