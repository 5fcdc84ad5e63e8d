package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tinyurl/cmd/server"
)

func tokenCommand(p process) *cobra.Command {
	var dir string
	var rootKey bool
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the command that joins a new node to this cluster, or the root key",
		Long: "Reads a node's data directory; no server has to run. What it prints opens the whole cluster: whoever has it can join\n" +
			"nodes and use every right of the API.",
		Example: "  tinyurl token --data-dir ./tinyurl-data",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printToken(cmd, p, dir, rootKey)
		},
	}
	fallback := p.getenv("TINYURL_DATA_DIR")
	if fallback == "" {
		fallback = "./tinyurl-data"
	}
	cmd.Flags().StringVar(&dir, "data-dir", fallback, "data directory of a node")
	cmd.Flags().BoolVar(&rootKey, "root-key", false, "print the API key with every scope instead")
	return cmd
}

func printToken(cmd *cobra.Command, p process, dir string, rootKey bool) error {
	token, err := server.ReadToken(dir)
	if err != nil {
		return err
	}
	if !rootKey {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "TINYURL_CLUSTER_SECRET=%s tinyurl join %s\n", shellQuote(token.Secret.Reveal()), token.GossipAddr)
		return err
	}
	if token.RootKey == "" {
		// The environment that serve was given is often at hand, as in a container.
		token.RootKey = p.getenv("TINYURL_ROOT_KEY")
	}
	if token.RootKey == "" {
		return errors.New("this cluster was given a root key of its own (--root-key), which no node keeps: look where serve gets it from")
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), token.RootKey)
	return err
}
