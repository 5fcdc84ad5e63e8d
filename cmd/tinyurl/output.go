package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// format is the value of -o: one of a few words, the first of which is the default.
type format struct {
	words  []string
	chosen string
}

// outputFlag adds -o with the words it takes.
func outputFlag(cmd *cobra.Command, words ...string) *format {
	f := &format{words: words, chosen: words[0]}
	cmd.Flags().VarP(f, "output", "o", "output: "+strings.Join(words, " or "))
	offer(cmd, "output", words...)
	return f
}

// offer has the shell complete a flag with words.
func offer(cmd *cobra.Command, flag string, words ...string) {
	// It fails for flags that there are not, and for those that have their words.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// String, Set and Type make it a flag.
func (f *format) String() string { return f.chosen }

// Set refuses words that are not on the list.
func (f *format) Set(word string) error {
	if !slices.Contains(f.words, word) {
		return fmt.Errorf("it is not one of %s", strings.Join(f.words, ", "))
	}
	f.chosen = word
	return nil
}

// Type is what the help shows behind the flag.
func (f *format) Type() string { return strings.Join(f.words, "|") }

func (f *format) json() bool { return f.chosen == "json" }

// writeJSON prints a document for programs, and for people in a hurry.
func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}
