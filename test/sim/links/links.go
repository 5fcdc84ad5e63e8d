// Package links asks a node for links as the program does: with commands, and in a view of the state. It is for the tests of nodes.
package links

import (
	"context"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// Node is a cluster.Node, or its group.
type Node interface {
	Propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error)
	View(ctx context.Context, local bool) (*store.Store, error)
}

// Commands are those that make a link of each draft.
func Commands(drafts []link.Draft) []command.Command {
	commands := make([]command.Command, len(drafts))
	for i, d := range drafts {
		commands[i] = command.Create{Draft: d}
	}
	return commands
}

// Create makes a link of each draft and returns a result for each, in order.
func Create(ctx context.Context, n Node, drafts ...link.Draft) ([]command.Result, error) {
	return n.Propose(ctx, "", Commands(drafts))
}

// Delete deletes a link for good.
func Delete(ctx context.Context, n Node, code link.Code) error {
	results, err := n.Propose(ctx, "", []command.Command{command.Delete{Code: code}})
	if err != nil {
		return err
	}
	return results[0].Err
}

// Get looks a link up: linearizably, or in the node's own view when local is set.
func Get(ctx context.Context, n Node, code link.Code, local bool) (link.Link, error) {
	view, err := n.View(ctx, local)
	if err != nil {
		return link.Link{}, err
	}
	return view.Lookup(code)
}
