package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// base is the path of version 1 of the API.
const base = "/api/v1"

// createLink serves POST /links. Shape is judged before fields, and fields before anything is asked of the cluster, so that
// a request that cannot succeed is told so with or without a leader.
func (s *Server) createLink(ctx context.Context, c *call) (reply, error) {
	if err := wellFormed(c.body, &patience{ctx: ctx}); err != nil {
		return reply{}, err
	}
	want, err := parseWanted(c.body)
	if err != nil {
		return reply{}, err
	}
	once, err := onceOf(c)
	if err != nil {
		return reply{}, err
	}
	draft, err := s.draft(&want, once != nil)
	if err != nil {
		return reply{}, err
	}
	draft.Once = once
	made, err := s.create(ctx, []link.Draft{draft})
	if err != nil {
		return reply{}, err
	}
	if err := made[0].Err; err != nil {
		return reply{}, about(err)
	}
	return reply{
		status: http.StatusCreated,
		// The resource, not the short URL: RFC 9110 wants the place where what was made can be read.
		header: []headerLine{{"Location", base + "/links/" + string(made[0].Link.Code)}},
		body:   s.shown(made[0].Link),
	}, nil
}

// getLink serves GET /links/{code}. An expired link is shown like any other: this is its owner's view, not a visitor's.
func (s *Server) getLink(ctx context.Context, c *call) (reply, error) {
	code, err := link.ParseCode(c.code)
	if err != nil {
		return reply{}, err
	}
	local := false
	switch consistency := c.query.Get("consistency"); {
	case !c.query.Has("consistency"), consistency == "linearizable":
	case consistency == "local":
		local = true
	default:
		return reply{}, invalid(link.ErrInvalidField, "consistency must be local or linearizable", "consistency")
	}
	found, err := s.config.Links.Get(ctx, code, local)
	if err != nil {
		return reply{}, err
	}
	header := []headerLine{{"ETag", strconv.Quote(strconv.FormatUint(found.Version, 10))}}
	if late := s.config.Resolver.Staleness(); local && late > 0 {
		header = append(header, headerLine{redirect.StalenessHeader, redirect.Milliseconds(late)})
	}
	return reply{status: http.StatusOK, header: header, body: s.shown(found)}, nil
}

// deleteLink serves DELETE /links/{code}. Deleting twice is "gone", as every later read of the code is.
func (s *Server) deleteLink(ctx context.Context, c *call) (reply, error) {
	code, err := link.ParseCode(c.code)
	if err != nil {
		return reply{}, err
	}
	if err := s.config.Links.Delete(ctx, code); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// create hands drafts over and checks that one answer came for each: a result given to the wrong row would be a wrong link.
func (s *Server) create(ctx context.Context, drafts []link.Draft) ([]Made, error) {
	made, err := s.config.Links.Create(ctx, drafts)
	if err != nil {
		return nil, fmt.Errorf("create %d links: %w", len(drafts), err)
	}
	if len(made) != len(drafts) {
		return nil, fmt.Errorf("create %d links: %d answers", len(drafts), len(made))
	}
	return made, nil
}

// shown is a link as the API writes it. The short URL is this node's: nodes may have different public names.
func (s *Server) shown(l link.Link) *v1.Link {
	out := &v1.Link{
		ShortCode: string(l.Code),
		ShortURL:  s.config.PublicURL + "/" + string(l.Code),
		LongURL:   string(l.Target),
		CreatedAt: v1.Time{Time: l.CreatedAt},
		UpdatedAt: v1.Time{Time: l.UpdatedAt},
		Version:   l.Version,
	}
	if !l.ValidUntil.IsZero() {
		out.ValidUntil = &v1.Time{Time: l.ValidUntil}
	}
	return out
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
	case errors.Is(err, link.ErrKeyReused):
		return invalid(err, link.ErrKeyReused.Error(), idempotencyKey)
	}
	return err
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
	once := &link.Once{Scope: c.principal.ID, Key: key}
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
