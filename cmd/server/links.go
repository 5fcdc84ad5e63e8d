package server

import (
	"context"

	"tinyurl/api"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// linkNode is what a cluster.Node does with links; it answers link.ErrNoLeader while it belongs to no cluster.
type linkNode interface {
	Propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error)
	Get(ctx context.Context, code link.Code, local bool) (link.Link, error)
	View(ctx context.Context, local bool) (*store.Store, error)
}

// links is a node's api.Links.
type links struct{ node linkNode }

// Create makes the drafts; see api.Links.
func (l links) Create(ctx context.Context, drafts []link.Draft) ([]api.Made, error) {
	commands := make([]command.Command, len(drafts))
	for i, d := range drafts {
		commands[i] = command.Create{Draft: d}
	}
	results, err := l.node.Propose(ctx, "", commands)
	if err != nil {
		return nil, err
	}
	made := make([]api.Made, len(results))
	for i, r := range results {
		made[i] = api.Made{Link: r.Link, Found: r.Found, Err: r.Err}
	}
	return made, nil
}

// Get reads a link.
func (l links) Get(ctx context.Context, code link.Code, local bool) (link.Link, error) {
	return l.node.Get(ctx, code, local)
}

// Edit changes a link.
func (l links) Edit(ctx context.Context, edit link.Edit) (link.Link, error) {
	r, err := l.one(ctx, command.Edit{Edit: edit})
	return r.Link, err
}

// Delete deletes a link for good.
func (l links) Delete(ctx context.Context, code link.Code) error {
	_, err := l.one(ctx, command.Delete{Code: code})
	return err
}

// one proposes one command; a refusal is its error.
func (l links) one(ctx context.Context, c command.Command) (command.Result, error) {
	results, err := l.node.Propose(ctx, "", []command.Command{c})
	if err != nil {
		return command.Result{}, err
	}
	return results[0], results[0].Err
}

// List gives a page of links. What it counts may be newer than the links it shows, by what was written in between.
func (l links) List(ctx context.Context, asked api.Listing) (api.Page, error) {
	view, err := l.node.View(ctx, asked.Local)
	if err != nil {
		return api.Page{}, err
	}
	found, err := view.List(ctx, store.Listing{
		Tags: asked.Tags, AllTags: asked.AllTags, Match: asked.Match, OldestFirst: asked.OldestFirst,
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
		page.Total, err = view.Total(ctx, nil, tag)
	}
	return page, err
}

// Tags gives a page of the tags.
func (l links) Tags(ctx context.Context, asked api.TagListing) (api.TagPage, error) {
	view, err := l.node.View(ctx, asked.Local)
	if err != nil {
		return api.TagPage{}, err
	}
	found, more, err := view.Tags(ctx, nil, asked.After, asked.Limit)
	if err != nil {
		return api.TagPage{}, err
	}
	page := api.TagPage{Tags: make([]api.TagCount, len(found)), More: more}
	for i, t := range found {
		page.Tags[i] = api.TagCount(t)
	}
	return page, nil
}
