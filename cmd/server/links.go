package server

import (
	"context"
	"errors"

	"tinyurl/api"
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// linkNode is what a cluster.Node does with links; it answers link.ErrNoLeader while it belongs to no cluster.
type linkNode interface {
	stateNode
	Propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error)
}

// links is a node's api.Links.
type links struct{ node linkNode }

// Create makes the drafts; see api.Links. Here drafts get what the state machine goes by: whose link it becomes, and the host it
// leads to.
func (l links) Create(ctx context.Context, by access.Holder, drafts []link.Draft) ([]api.Made, error) {
	commands := make([]command.Command, len(drafts))
	for i, d := range drafts {
		if by.OwnOnly || d.Owner == "" && d.Imported == nil {
			d.Owner = by.Owner
		}
		d.Host = link.HostOf(d.Target)
		commands[i] = command.Create{Draft: d}
	}
	results, err := l.node.Propose(ctx, by.Actor(), commands)
	if err != nil {
		return nil, err
	}
	made := make([]api.Made, len(results))
	for i, r := range results {
		made[i] = api.Made{Link: r.Link, Found: r.Found, Err: r.Err}
	}
	return made, nil
}

// Get reads a link. Another's is not there for who sees only their own, be it living or deleted.
func (l links) Get(ctx context.Context, by access.Holder, code link.Code, local bool) (link.Link, error) {
	state, by, err := view(ctx, l.node, by, local)
	if err != nil {
		return link.Link{}, err
	}
	found, err := state.Lookup(code)
	if owner := by.OwnedBy(); owner != nil && (err == nil || errors.Is(err, link.ErrGone)) && found.Owner != *owner {
		return link.Link{}, link.ErrNotFound
	}
	return found, err
}

// Edit changes a link.
func (l links) Edit(ctx context.Context, by access.Holder, edit link.Edit) (link.Link, error) {
	if edit.Set.Has(link.TargetField) {
		edit.Host = link.HostOf(edit.Target)
	}
	r, err := one(ctx, l.node, by, command.Edit{Edit: edit})
	return r.Link, err
}

// Delete deletes a link for good.
func (l links) Delete(ctx context.Context, by access.Holder, code link.Code) error {
	_, err := one(ctx, l.node, by, command.Delete{Code: code})
	return err
}

// List gives a page of links. What it counts may be newer than the links it shows, by what was written in between.
func (l links) List(ctx context.Context, by access.Holder, asked api.Listing) (api.Page, error) {
	state, by, err := view(ctx, l.node, by, asked.Local)
	if err != nil {
		return api.Page{}, err
	}
	found, err := state.List(ctx, store.Listing{
		Owner: by.OwnedBy(), Tags: asked.Tags, AllTags: asked.AllTags, Match: asked.Match, OldestFirst: asked.OldestFirst,
		After: store.Place(asked.After), Limit: asked.Limit, Examine: asked.Examine,
	})
	if err != nil {
		return api.Page{}, err
	}
	page := api.Page{Links: found.Links}
	if found.More {
		next := api.Place(found.Next)
		page.Next = &next
	}
	if asked.Count {
		tag := ""
		if len(asked.Tags) > 0 {
			tag = asked.Tags[0]
		}
		page.Total, err = state.Total(ctx, by.OwnedBy(), tag)
	}
	return page, err
}

// Tags gives a page of the tags.
func (l links) Tags(ctx context.Context, by access.Holder, asked api.TagListing) (api.TagPage, error) {
	state, by, err := view(ctx, l.node, by, asked.Local)
	if err != nil {
		return api.TagPage{}, err
	}
	found, more, err := state.Tags(ctx, by.OwnedBy(), asked.After, asked.Limit)
	if err != nil {
		return api.TagPage{}, err
	}
	page := api.TagPage{Tags: make([]api.TagCount, len(found)), More: more}
	for i, t := range found {
		page.Tags[i] = api.TagCount(t)
	}
	return page, nil
}
