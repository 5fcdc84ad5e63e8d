package main

import (
	"context"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

func denyCommand(p process) *cobra.Command {
	return groupCommand("deny", "Refuse links to hosts", denyAddCommand(p), denyListCommand(p), denyRemoveCommand(p))
}

func denyAddCommand(p process) *cobra.Command {
	var reason string
	cmd := eachCommand(p, &cobra.Command{
		Use:     "add HOST...",
		Short:   "Refuse new links to hosts, and to names below them",
		Example: "  tinyurl deny add bad.example worse.example --reason phishing",
	}, "denied", func(api *client.Client, ctx context.Context, host string) error {
		_, err := api.Deny(ctx, v1.CreateDenied{Host: host, Reason: reason})
		return err
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for other operators")
	return cmd
}

func denyListCommand(p process) *cobra.Command {
	verb := &cobra.Command{Short: "List the hosts that are denied", Example: "  tinyurl deny list --limit 50"}
	return listCommand(p, verb, func(api *client.Client, ctx context.Context, rows int) listing[v1.DeniedPage, v1.Denied] {
		return listing[v1.DeniedPage, v1.Denied]{
			pages:  api.Denied(ctx, paging(rows)),
			part:   func(page v1.DeniedPage) ([]v1.Denied, bool) { return page.Data, page.NextCursor != nil },
			header: []string{"HOST", "CREATED", "REASON"},
			row:    func(d v1.Denied) []string { return []string{d.Host, moment(d.CreatedAt), d.Reason} },
		}
	})
}

func denyRemoveCommand(p process) *cobra.Command {
	return eachCommand(p, &cobra.Command{
		Use: "remove HOST...", Short: "Take links to hosts again", Example: "  tinyurl deny remove bad.example",
	}, "allowed", (*client.Client).Allow)
}
