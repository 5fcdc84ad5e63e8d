package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

// minExpires is the shortest life of a link.
const minExpires = time.Second

func shortenCommand(p process) *cobra.Command {
	var node remote
	var slug string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:     "shorten URL",
		Short:   "Make a short link and print it",
		Example: "  tinyurl shorten https://example.org/a/long/path --slug path --expires 24h",
		Args:    usage(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	cmd.Flags().StringVar(&slug, "slug", "", "code of your own choice")
	cmd.Flags().DurationVar(&expires, "expires", 0, "life of the link, like 24h (default: for ever)")
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wanted := v1.CreateLink{LongURL: args[0], CustomSlug: slug}
		if cmd.Flags().Changed("expires") {
			if expires < minExpires {
				return fmt.Errorf("%w: --expires must be %v or more", server.ErrUsage, minExpires)
			}
			wanted.ExpiresIn = expires.String()
		}
		api, err := node.connect(cmd, p)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(cmd, callTimeout)
		defer cancel()
		made, err := api.Create(ctx, wanted, "")
		if err != nil {
			return node.explain(err)
		}
		if output.json() {
			return writeJSON(cmd.OutOrStdout(), made)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), made.ShortURL)
		return err
	}
	return cmd
}

func resolveCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "resolve CODE",
		Short: "Print where a short link leads, without going there",
		Long:  "With a key it asks the API, without one it asks like any visitor.",
		Args:  usage(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		target, err := resolve(cmd, p, &node, args[0])
		if err != nil {
			return node.explain(err)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), target)
		return err
	}
	return cmd
}

// resolve finds where a code leads now.
func resolve(cmd *cobra.Command, p process, node *remote, code string) (string, error) {
	api, err := node.connect(cmd, p)
	if err != nil {
		return "", err
	}
	ctx, cancel := bounded(cmd, callTimeout)
	defer cancel()
	if node.key == "" {
		return api.Resolve(ctx, code)
	}
	found, err := api.Get(ctx, code, false)
	if err != nil {
		return "", err
	}
	// The API shows expired links too; they lead nowhere.
	if found.ValidUntil != nil && !time.Now().Before(found.ValidUntil.Time) {
		return "", errors.New("this link expired at " + found.ValidUntil.UTC().Format(time.RFC3339))
	}
	return found.LongURL, nil
}
