package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

func keysCommand(p process) *cobra.Command {
	return groupCommand("keys", "Make, list and revoke API keys", keysCreateCommand(p), keysListCommand(p), keysRevokeCommand(p))
}

// scopes are what a key can be allowed.
func scopes() []string {
	return []string{"links:create", "links:read", "links:write", "stats:read", "admin"}
}

func keysCreateCommand(p process) *cobra.Command {
	var node remote
	var wanted v1.CreateKey
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API key and print it, this once",
		Long:  "The key is printed on standard output and kept nowhere: the cluster has its hash alone.",
		Example: "  tinyurl keys create ci --scope links:create --expires 2160h >ci.key\n" +
			"  tinyurl keys create ann --scope links:create,links:read,links:write --owner u_5kFd2x",
		Args: usage(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	f := cmd.Flags()
	f.StringSliceVar(&wanted.Scopes, "scope", nil, "what the key is allowed: "+strings.Join(scopes(), ", ")+"; may be given again")
	f.StringVar(&wanted.Owner, "owner", "", "id of the user whose key it is (default: nobody's)")
	f.DurationVar(&expires, "expires", 0, "life of the key, like 2160h (default: for ever)")
	offer(cmd, "scope", scopes()...)
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		wanted.Name = args[0]
		if len(wanted.Scopes) == 0 {
			return fmt.Errorf("%w: --scope is needed: %s", server.ErrUsage, strings.Join(scopes(), ", "))
		}
		if f.Changed("owner") && wanted.Owner == "" {
			return fmt.Errorf("%w: --owner is empty", server.ErrUsage)
		}
		if f.Changed("expires") {
			if wanted.ExpiresIn, err = lifeFlag(expires); err != nil {
				return err
			}
		}
		return question[v1.Key]{
			atMost: callTimeout,
			call: func(ctx context.Context, api *client.Client) (v1.Key, error) {
				return api.CreateKey(ctx, wanted)
			},
			text: func(w io.Writer, made v1.Key) error {
				fmt.Fprintf(cmd.ErrOrStderr(), "the key %s has the id %s; it is shown this once only\n", made.Name, made.ID)
				_, err := fmt.Fprintln(w, made.Key)
				return err
			},
		}.put(cmd, p, &node, output)
	}
	return cmd
}

func keysListCommand(p process) *cobra.Command {
	return listCommand(p, &cobra.Command{Short: "List API keys", Example: "  tinyurl keys list --all"}, func(api *client.Client, ctx context.Context, rows int) listing[v1.KeyPage, v1.Key] {
		return listing[v1.KeyPage, v1.Key]{
			pages:  api.Keys(ctx, paging(rows)),
			part:   func(page v1.KeyPage) ([]v1.Key, bool) { return page.Data, page.NextCursor != nil },
			header: []string{"ID", "NAME", "SCOPES", "OWNER", "CREATED", "EXPIRES"},
			row: func(k v1.Key) []string {
				owner := ""
				if k.Owner != nil {
					owner = *k.Owner
				}
				return []string{k.ID, k.Name, strings.Join(k.Scopes, ","), owner, moment(k.CreatedAt), someday(k.ExpiresAt)}
			},
		}
	})
}

func keysRevokeCommand(p process) *cobra.Command {
	return eachCommand(p, &cobra.Command{
		Use: "revoke ID...", Short: "Revoke API keys: every node refuses them from then on", Example: "  tinyurl keys revoke k_7Hq2Lm",
	}, "revoked", (*client.Client).RevokeKey)
}
