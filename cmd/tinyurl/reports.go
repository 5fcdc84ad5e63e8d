package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

func reportsCommand(p process) *cobra.Command {
	return groupCommand("reports", "See what visitors have reported", reportsListCommand(p), reportsDismissCommand(p))
}

func reportsListCommand(p process) *cobra.Command {
	verb := &cobra.Command{Short: "List the links that were reported", Example: "  tinyurl reports list --all -o json"}
	return listCommand(p, verb, func(api *client.Client, ctx context.Context, rows int) listing[v1.ReportPage, v1.Report] {
		return listing[v1.ReportPage, v1.Report]{
			pages:  api.Reports(ctx, paging(rows)),
			part:   func(page v1.ReportPage) ([]v1.Report, bool) { return page.Data, page.NextCursor != nil },
			header: []string{"CODE", "COUNT", "FIRST", "LAST", "REASON"},
			row: func(r v1.Report) []string {
				return []string{r.ShortCode, strconv.FormatUint(r.Count, 10), moment(r.CreatedAt), moment(r.UpdatedAt), r.Reason}
			},
		}
	})
}

func reportsDismissCommand(p process) *cobra.Command {
	return eachCommand(p, &cobra.Command{
		Use: "dismiss CODE...", Short: "Forget what was reported of links; the links stay as they are", Example: "  tinyurl reports dismiss spring",
	}, "dismissed", (*client.Client).Dismiss)
}
