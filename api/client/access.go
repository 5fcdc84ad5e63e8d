package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"tinyurl/api/v1"
)

const (
	keysPath    = "/api/v1/keys"
	usersPath   = "/api/v1/users"
	denyPath    = "/api/v1/deny"
	reportsPath = "/api/v1/reports"
)

// CreateKey makes an API key. Key is in this answer and never again: after a lost answer the key is to be looked for in Keys, revoked,
// and another made.
func (c *Client) CreateKey(ctx context.Context, key v1.CreateKey) (v1.Key, error) {
	return posted[v1.Key](ctx, c, keysPath, key)
}

// Keys gives all API keys, page by page as List does.
func (c *Client) Keys(ctx context.Context, p Paging) iter.Seq2[v1.KeyPage, error] {
	return listed[v1.Key](ctx, c, keysPath, p)
}

// RevokeKey ends a key: every node refuses it from now on. v1.NotFound: there is none of that id.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, keysPath+"/"+url.PathEscape(id), header{}, nil, nil)
}

// CreateUser makes a user.
func (c *Client) CreateUser(ctx context.Context, user v1.CreateUser) (v1.User, error) {
	return posted[v1.User](ctx, c, usersPath, user)
}

// Users gives all users, page by page as List does.
func (c *Client) Users(ctx context.Context, p Paging) iter.Seq2[v1.UserPage, error] {
	return listed[v1.User](ctx, c, usersPath, p)
}

// EditUser changes a user and gives them as they are then. v1.NotFound: there is none of that id.
func (c *Client) EditUser(ctx context.Context, id string, change v1.EditUser) (v1.User, error) {
	var changed v1.User
	err := c.call(ctx, http.MethodPatch, usersPath+"/"+url.PathEscape(id), header{}, change, &changed)
	return changed, err
}

// DeleteUser deletes a user. Their keys end with them, their links stay. v1.NotFound: there is none of that id.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, usersPath+"/"+url.PathEscape(id), header{}, nil, nil)
}

// Deny has links to a host, and to names below it, refused, and gives the host as it is written in the list. One that is denied
// already stays as it is.
func (c *Client) Deny(ctx context.Context, host v1.CreateDenied) (v1.Denied, error) {
	return posted[v1.Denied](ctx, c, denyPath, host)
}

// Denied gives all hosts that are denied, page by page as List does.
func (c *Client) Denied(ctx context.Context, p Paging) iter.Seq2[v1.DeniedPage, error] {
	return listed[v1.Denied](ctx, c, denyPath, p)
}

// Allow takes a host off the list. v1.NotFound: it is not there.
func (c *Client) Allow(ctx context.Context, host string) error {
	return c.call(ctx, http.MethodDelete, denyPath+"/"+url.PathEscape(host), header{}, nil, nil)
}

// Report tells the operators of a link that should not be. It needs no key.
func (c *Client) Report(ctx context.Context, report v1.CreateReport) error {
	return c.call(ctx, http.MethodPost, "/api/v1/report", header{}, report, nil)
}

// Reports gives all links that were reported, page by page as List does.
func (c *Client) Reports(ctx context.Context, p Paging) iter.Seq2[v1.ReportPage, error] {
	return listed[v1.Report](ctx, c, reportsPath, p)
}

// Dismiss forgets what was reported of a link; the link stays as it is. v1.NotFound: it is not reported.
func (c *Client) Dismiss(ctx context.Context, code string) error {
	return c.call(ctx, http.MethodDelete, reportsPath+"/"+url.PathEscape(code), header{}, nil, nil)
}

// posted makes something, and gives what was made.
func posted[T any](ctx context.Context, c *Client, path string, in any) (made T, err error) {
	err = c.call(ctx, http.MethodPost, path, header{}, in, &made)
	return made, err
}

// listed gives a list page by page.
func listed[T any](ctx context.Context, c *Client, path string, p Paging) iter.Seq2[v1.Page[T], error] {
	return pages(ctx, c, path, p.query(), p.Cursor, func(page v1.Page[T]) *string { return page.NextCursor })
}
