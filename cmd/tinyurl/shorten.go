package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// minExpires is the shortest life of a link.
const minExpires = time.Second

func shortenCommand(p process) *cobra.Command {
	var node remote
	var fields fieldFlags
	var slug string
	var find, found bool
	cmd := &cobra.Command{
		Use:   "shorten URL",
		Short: "Make a short link and print it",
		Example: "  tinyurl shorten https://example.org/a/long/path --slug path --expires 24h\n" +
			"  tinyurl shorten https://example.org/ --find --tag spring --title 'Spring sale'",
		Args: usage(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	fields.flags(cmd)
	cmd.Flags().StringVar(&slug, "slug", "", "code of your own choice")
	cmd.Flags().BoolVar(&find, "find", false, "print the link there is that leads there and is like the one asked for, if there is one")
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wanted := v1.CreateLink{LongURL: args[0], CustomSlug: slug}
		if err := fields.create(cmd, p, &wanted); err != nil {
			return err
		}
		return question[v1.Link]{
			atMost: callTimeout,
			call: func(ctx context.Context, api *client.Client) (link v1.Link, err error) {
				if find {
					link, found, err = api.CreateOrFind(ctx, wanted, "")
					return link, err
				}
				return api.Create(ctx, wanted, "")
			},
			text: func(w io.Writer, link v1.Link) error {
				if found {
					fmt.Fprintln(cmd.ErrOrStderr(), "this link was there before")
				}
				return writeShortURL(w, link)
			},
		}.put(cmd, p, &node, output)
	}
	return cmd
}

// writeShortURL prints of a link what visitors follow.
func writeShortURL(w io.Writer, link v1.Link) error {
	_, err := fmt.Fprintln(w, link.ShortURL)
	return err
}

func resolveCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:     "resolve CODE",
		Short:   "Print where a short link leads, without going there",
		Long:    "With a key it asks the API, without one it asks like any visitor.",
		Example: "  tinyurl resolve spring",
		Args:    names(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return node.ask(cmd, p, callTimeout, func(ctx context.Context, api *client.Client) error {
			find := api.Resolve
			if node.key != "" {
				find = func(ctx context.Context, code string) (string, error) { return targetNow(ctx, api, code) }
			}
			target, err := find(ctx, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), target)
			return err
		})
	}
	return cmd
}

// targetNow asks the API where a code leads now.
func targetNow(ctx context.Context, api *client.Client, code string) (string, error) {
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
