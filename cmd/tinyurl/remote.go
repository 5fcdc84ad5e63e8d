package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

// callTimeout bounds a verb that asks a node; leave has a longer one, since it waits for the others to see the node gone.
const callTimeout = 30 * time.Second

// remote is the node a client verb talks to.
type remote struct {
	server, key, keyFile string
}

// flags adds what tells the node; the environment gives the defaults, without the key showing in the help.
func (r *remote) flags(cmd *cobra.Command, p process) {
	fallback := p.getenv("TINYURL_SERVER")
	if fallback == "" {
		fallback = "http://127.0.0.1:8080"
	}
	cmd.Flags().StringVar(&r.server, "server", fallback, "base URL of a node (TINYURL_SERVER)")
	cmd.Flags().StringVar(&r.key, "key", "", "API key (TINYURL_KEY)")
	cmd.Flags().StringVar(&r.keyFile, "key-file", "", "file that holds the API key (TINYURL_KEY_FILE)")
}

// words are the flags that name this node again in another command. The key is not among them: it must not be printed.
func (r *remote) words(cmd *cobra.Command) []string {
	var words []string
	if cmd.Flags().Changed("server") {
		words = append(words, "--server", shellQuote(r.server))
	}
	if cmd.Flags().Changed("key-file") {
		words = append(words, "--key-file", shellQuote(r.keyFile))
	}
	return words
}

// connect makes a client of the node.
func (r *remote) connect(cmd *cobra.Command, p process) (*client.Client, error) {
	key, err := r.findKey(cmd, p)
	if err != nil {
		return nil, err
	}
	r.key = key
	c, err := client.New(r.server, key, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: --server: %w", server.ErrUsage, err)
	}
	return c, nil
}

// findKey takes the key from the flags, else from the environment.
func (r *remote) findKey(cmd *cobra.Command, p process) (string, error) {
	given, file := cmd.Flags().Changed("key"), cmd.Flags().Changed("key-file")
	key, path := r.key, r.keyFile
	if !given && !file {
		key, path = p.getenv("TINYURL_KEY"), p.getenv("TINYURL_KEY_FILE")
	}
	switch {
	case key != "" && path != "":
		return "", fmt.Errorf("%w: the key and a file that holds it exclude each other", server.ErrUsage)
	case path == "":
		return key, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: reading the key: %w", server.ErrUsage, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// ask connects, does something within the time given, and explains what went wrong.
func (r *remote) ask(cmd *cobra.Command, p process, atMost time.Duration, do func(context.Context, *client.Client) error) error {
	api, err := r.connect(cmd, p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), atMost)
	defer cancel()
	return r.explain(do(ctx, api))
}

// explain adds to an error of the client what the user can do about it.
func (r *remote) explain(err error) error {
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "dial" {
		return fmt.Errorf("no node answers at %s (--server or TINYURL_SERVER names another): %w", r.server, network)
	}
	if errors.Is(err, v1.Unauthorized) {
		return fmt.Errorf("%w (the key comes from --key or TINYURL_KEY; on a node, tinyurl token --root-key prints one)", err)
	}
	return err
}
