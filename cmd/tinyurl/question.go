package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
)

// question is one call of a node whose answer is printed.
type question[T any] struct {
	atMost time.Duration
	call   func(context.Context, *client.Client) (T, error)
	// text prints the answer for people; for programs it is printed as it came.
	text func(io.Writer, T) error
}

// put asks the node and prints what it answers on standard output.
func (q question[T]) put(cmd *cobra.Command, p process, node *remote, output *format) error {
	return node.ask(cmd, p, q.atMost, func(ctx context.Context, api *client.Client) error {
		answer, err := q.call(ctx, api)
		if err != nil {
			return err
		}
		if output.json() {
			return writeJSON(cmd.OutOrStdout(), answer)
		}
		return q.text(cmd.OutOrStdout(), answer)
	})
}
