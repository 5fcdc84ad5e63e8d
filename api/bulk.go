package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// createLinks serves POST /links/bulk: a bad row says why, and the good ones stand. All good rows go to the cluster as one
// request, which may cut them into several entries; an error of the request as a whole leaves the fate of each row open, and
// the same call under the same Idempotency-Key finishes what was begun.
func (o *linkCalls) createLinks(ctx context.Context, c *call) (reply, error) {
	reading := &patience{ctx: ctx}
	rows, err := o.rowsOf(c.body, reading)
	if err != nil {
		return reply{}, err
	}
	if err := o.bodies.hold(c, bodyFactor*int64(len(c.body))+rowBytes*int64(len(rows))); err != nil {
		return reply{}, err
	}
	once, err := onceOf(c)
	if err != nil {
		return reply{}, err
	}
	results := make([]v1.Result, len(rows))
	drafts := make([]link.Draft, 0, len(rows))
	var secrets passwords
	places := make([]int, 0, len(rows)) // drafts[i] is of row places[i]
	for i, raw := range rows {
		if err := reading.spend(len(raw)); err != nil {
			return reply{}, err
		}
		draft, err := o.rowDraft(ctx, raw, rowOf(once, i), &secrets)
		if err != nil {
			results[i] = o.failed(c, err)
			continue
		}
		drafts, places = append(drafts, draft), append(places, i)
	}
	// With nothing to ask for, the cluster is left alone: an answer about bad rows needs no leader.
	if len(drafts) == 0 {
		return reply{status: http.StatusOK, body: &v1.Results{Results: results}}, nil
	}
	made, err := create(ctx, o.links, c.by, drafts)
	if err != nil {
		return reply{}, err
	}
	for i, m := range made {
		if errors.Is(m.Err, link.ErrKeyReused) {
			return reply{}, about(m.Err) // the key is the call's, not the row's
		}
		results[places[i]] = o.result(c, m, drafts[i])
	}
	return reply{status: http.StatusOK, body: &v1.Results{Results: results}}, nil
}

// rowsOf takes {"links":[…]} apart. What is wrong out here is wrong with the call; what is wrong inside of a row is that
// row's affair, even a wrong type or an unknown field. Rows are counted before any is read.
func (o *linkCalls) rowsOf(body []byte, reading *patience) ([]json.RawMessage, error) {
	if err := wellFormed(body, reading); err != nil {
		return nil, err
	}
	fields, err := members(body, func(name string) bool { return name == "links" })
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, invalid(errJSON, "links is missing", "links")
	}
	limit := o.bulkRows
	rows, ok, err := elements(fields[0].value, limit)
	if err != nil {
		return nil, invalid(errJSON, "links must be an array", "links")
	}
	if !ok {
		return nil, invalid(link.ErrInvalidField, fmt.Sprintf("links holds more than %d rows", limit), "links")
	}
	return rows, nil
}

// rowDraft reads one row of a bulk.
func (o *linkCalls) rowDraft(ctx context.Context, raw []byte, once *link.Once, secrets *passwords) (link.Draft, error) {
	want, err := parseWanted(raw, ofCreate)
	if err != nil {
		return link.Draft{}, err
	}
	draft, err := o.rules.draft(&want, once != nil)
	if err != nil {
		return link.Draft{}, err
	}
	draft.Once = once
	if err := secrets.take(&want); err != nil {
		return link.Draft{}, err
	}
	draft.Password, err = o.protect(ctx, &want)
	return draft, err
}

// rowOf is the identity of a row: the call's, with the row's own number.
func rowOf(call *link.Once, row int) *link.Once {
	if call == nil {
		return nil
	}
	own := *call
	own.Row = uint32(row)
	return &own
}

// result is what became of a row that asked the cluster for a link.
func (o *linkCalls) result(c *call, m Made, d link.Draft) v1.Result {
	switch {
	case m.Err != nil:
		return o.failed(c, aboutDraft(m.Err, d))
	case m.Found:
		return v1.Result{Status: http.StatusOK, Link: o.shown(m.Link)}
	}
	return v1.Result{Status: http.StatusCreated, Link: o.shown(m.Link)}
}

// failed is the result of a row that made no link: the problem that a single create would have been answered with.
func (o *linkCalls) failed(c *call, err error) v1.Result {
	problem, row := o.problems.describe(c.request, err)
	return v1.Result{Status: row.status, Error: &problem}
}
