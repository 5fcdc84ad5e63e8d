package main

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestTheHelpOfEveryVerbHasAnExample(t *testing.T) {
	var look func(*cobra.Command)
	look = func(verb *cobra.Command) {
		for _, below := range verb.Commands() {
			look(below)
		}
		if !verb.HasSubCommands() && (verb.Short == "" || verb.Example == "") {
			t.Errorf("%s: short text %q, example %q", verb.CommandPath(), verb.Short, verb.Example)
		}
	}
	look(rootCommand(process{}))
}
