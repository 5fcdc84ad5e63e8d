package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"tinyurl/api/ratelimit"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// reportCalls are the operations with reports of abuse.
type reportCalls struct {
	reports Reports // nil leaves the operations out
	// each and all bound how often they are made: by an address, and by all of them.
	each   *ratelimit.Buckets[netip.Addr]
	all    *ratelimit.Buckets[struct{}]
	bodies *budget
}

// endpoints are the operations, within limits. Making a report takes no key, and has a limit of its own.
func (r *reportCalls) endpoints(l Limits) []endpoint {
	if r.reports == nil {
		return nil
	}
	all := base + "/reports"
	return []endpoint{
		{method: http.MethodPost, path: base + "/report", keyless: keyIgnored, limit: r.each, takesBody: true, bodyLimit: reportBody, timeout: l.Call, serve: r.report},
		{method: http.MethodGet, path: all, scope: access.Admin, query: pageQuery(), bodyLimit: l.Body, timeout: l.Call, serve: r.listReports},
		{method: http.MethodDelete, path: all + "/:code", scope: access.Admin, bodyLimit: l.Body, timeout: l.Call, serve: r.dismissReport},
	}
}

// reportBody is the longest body of a report, in bytes: anybody may send one.
const reportBody = 16 << 10

// report serves POST /report.
func (r *reportCalls) report(ctx context.Context, c *call) (reply, error) {
	fields, err := readObject(ctx, c.body, map[string]shape{"shortCode": textual, "reason": textual})
	if err != nil {
		return reply{}, err
	}
	code, err := link.ParseCode(fields["shortCode"].text)
	if err != nil {
		return reply{}, wrongField("shortCode", "shortCode must be the code of a link, without the host before it")
	}
	reason, err := reasonIn(fields)
	switch {
	case err != nil:
		return reply{}, err
	case reason == "":
		return reply{}, wrongField("reason", "reason is missing")
	}
	// After the address's own bucket, so that no single address can empty this one, and only for what goes into the log.
	var left ratelimit.State
	if err := charge(&left, r.all, struct{}{}); err != nil {
		return reply{}, err
	}
	if err := r.reports.Report(ctx, code, reason); err != nil {
		return reply{}, fmt.Errorf("report: %w", err)
	}
	return reply{status: http.StatusNoContent}, nil
}

// listReports serves GET /reports.
func (r *reportCalls) listReports(ctx context.Context, c *call) (reply, error) {
	data, next, err := kept[access.Report, v1.Report]{
		name: "reports", ask: r.reports.Reports, place: func(one access.Report) string { return one.Code }, show: shownReport,
	}.page(ctx, r.bodies, c)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: v1.ReportPage{Data: data, NextCursor: next}}, nil
}

// dismissReport serves DELETE /reports/{code}.
func (r *reportCalls) dismissReport(ctx context.Context, c *call) (reply, error) {
	code, err := link.ParseCode(c.code)
	if err == nil {
		err = r.reports.Dismiss(ctx, c.by, code)
	}
	if err != nil {
		return reply{}, missing(err, "this link is not reported")
	}
	return reply{status: http.StatusNoContent}, nil
}

// shownReport is what was said of a link as the API writes it.
func shownReport(r access.Report) v1.Report {
	return v1.Report{
		ShortCode: r.Code, Reason: r.Reason, Count: r.Count, CreatedAt: v1.Time{Time: r.CreatedAt}, UpdatedAt: v1.Time{Time: r.UpdatedAt},
	}
}
