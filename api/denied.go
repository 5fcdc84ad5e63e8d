package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// denialCalls are the operations with the list of denied hosts.
type denialCalls struct {
	denials Denials // nil leaves the operations out
	bodies  *budget
}

// endpoints are the operations, within limits.
func (d *denialCalls) endpoints(l Limits) []endpoint {
	if d.denials == nil {
		return nil
	}
	all := base + "/deny"
	return []endpoint{
		{method: http.MethodPost, path: all, scope: access.Admin, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: d.denyHost},
		{method: http.MethodGet, path: all, scope: access.Admin, query: pageQuery(), bodyLimit: l.Body, timeout: l.Call, serve: d.listDenied},
		{method: http.MethodDelete, path: all + "/:host", scope: access.Admin, bodyLimit: l.Body, timeout: l.Call, serve: d.allowHost},
	}
}

// denyHost serves POST /deny. A host that is denied already stays as it is, and is shown.
func (d *denialCalls) denyHost(ctx context.Context, c *call) (reply, error) {
	fields, err := readObject(ctx, c.body, map[string]shape{"host": textual, "reason": textual})
	if err != nil {
		return reply{}, err
	}
	var denied access.Denied
	if denied.Host, err = DeniedHost(fields["host"].text); err != nil {
		return reply{}, wrongField("host", "host must be the name or the address of a host, without scheme, port and path, such as example.com")
	}
	if denied.Reason, err = reasonIn(fields); err != nil {
		return reply{}, err
	}
	stands, found, err := d.denials.Deny(ctx, c.by, denied)
	if err != nil {
		return reply{}, fmt.Errorf("deny a host: %w", err)
	}
	if found {
		return reply{status: http.StatusOK, body: shownDenied(stands)}, nil
	}
	return reply{
		status: http.StatusCreated, header: []headerLine{{"Location", base + "/deny/" + url.PathEscape(stands.Host)}}, body: shownDenied(stands),
	}, nil
}

// DeniedHost gives the one spelling of a host that is to be denied. The error says that there can be no such host, or that it is a
// pattern: names below a host are denied with it, and nothing else can be said of many at once.
func DeniedHost(text string) (string, error) {
	host, err := link.ParseHost(text)
	if err != nil {
		return "", err
	}
	if strings.ContainsFunc(host, notInDenied) && host[0] != '[' {
		return "", fmt.Errorf("%w: %q is no host", link.ErrInvalidField, text)
	}
	return host, access.Denied{Host: host}.Check()
}

// notInDenied reports whether r is in no name that anybody registers, though browsers may take it for a host's.
func notInDenied(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
}

// listDenied serves GET /deny.
func (d *denialCalls) listDenied(ctx context.Context, c *call) (reply, error) {
	data, next, err := kept[access.Denied, v1.Denied]{
		name: "deny", ask: d.denials.Denied, place: func(one access.Denied) string { return one.Host }, show: shownDenied,
	}.page(ctx, d.bodies, c)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: v1.DeniedPage{Data: data, NextCursor: next}}, nil
}

// allowHost serves DELETE /deny/{host}.
func (d *denialCalls) allowHost(ctx context.Context, c *call) (reply, error) {
	host, err := DeniedHost(c.host)
	if err != nil {
		err = link.ErrNotFound // what cannot be denied is not
	} else {
		err = d.denials.Allow(ctx, c.by, host)
	}
	if err != nil {
		return reply{}, missing(err, "this host is not denied")
	}
	return reply{status: http.StatusNoContent}, nil
}

// shownDenied is a denied host as the API writes it.
func shownDenied(d access.Denied) v1.Denied {
	return v1.Denied{Host: d.Host, Reason: d.Reason, CreatedAt: v1.Time{Time: d.CreatedAt}}
}
