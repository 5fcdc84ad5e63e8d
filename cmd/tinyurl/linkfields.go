package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

// fieldFlags are the flags for fields of a link that shorten and links edit have in common.
type fieldFlags struct {
	title            string
	tags             []string
	since, until     string
	expires          time.Duration
	maxVisits        uint64
	status           int
	forward, enabled bool
	password         secret
}

func (f *fieldFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.title, "title", "", "title, for people")
	flags.StringArrayVar(&f.tags, "tag", nil, "tag; may be given again")
	flags.StringVar(&f.since, "valid-since", "", "when the link begins to redirect, like 2030-01-31T12:00:00Z")
	flags.StringVar(&f.until, "valid-until", "", "when the link ends")
	flags.DurationVar(&f.expires, "expires", 0, "life of the link from now on, like 24h (default: for ever)")
	flags.Uint64Var(&f.maxVisits, "max-visits", 0, "how often the link may be followed")
	flags.IntVar(&f.status, "redirect-status", 302, "status of the redirect: 301, 302, 307 or 308")
	flags.BoolVar(&f.forward, "forward-query", true, "add a visitor's query to the target's")
	flags.BoolVar(&f.enabled, "enabled", true, "let the link redirect")
	f.password.flags(cmd, "password", "password that visitors are asked for")
	offer(cmd, "redirect-status", "301", "302", "307", "308")
}

// create puts what was given into a new link.
func (f *fieldFlags) create(cmd *cobra.Command, p process, link *v1.CreateLink) (err error) {
	given := cmd.Flags().Changed
	link.Title, link.Tags, link.MaxVisits = f.title, f.tags, f.maxVisits
	if given("max-visits") && f.maxVisits == 0 {
		return fmt.Errorf("%w: --max-visits must be 1 or more", server.ErrUsage)
	}
	if link.ValidSince, err = timeFlag("valid-since", f.since); err != nil {
		return err
	}
	if link.ValidUntil, err = timeFlag("valid-until", f.until); err != nil {
		return err
	}
	if link.ExpiresIn, err = f.life(cmd); err != nil {
		return err
	}
	if given("redirect-status") {
		link.RedirectStatus = f.status
	}
	if given("forward-query") {
		link.ForwardQuery = &f.forward
	}
	if given("enabled") {
		link.Enabled = &f.enabled
	}
	link.Password, err = f.password.read(cmd, p.stdin)
	return err
}

// life is --expires as the API wants it; empty if it was not given.
func (f *fieldFlags) life(cmd *cobra.Command) (string, error) {
	if !cmd.Flags().Changed("expires") {
		return "", nil
	}
	return lifeFlag(f.expires)
}

func lifeFlag(life time.Duration) (string, error) {
	if life < minExpires {
		return "", fmt.Errorf("%w: --expires must be %v or more", server.ErrUsage, minExpires)
	}
	return life.String(), nil
}

// timeFlag reads a moment; nil if there is none.
func timeFlag(name, text string) (*v1.Time, error) {
	if text == "" {
		return nil, nil
	}
	var t v1.Time
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return nil, fmt.Errorf("%w: --%s must be a time like 2030-01-31T12:00:00Z", server.ErrUsage, name)
	}
	return &t, nil
}

// maxSecret is the longest secret read from a file, in bytes.
const maxSecret = 64 << 10

// secret is a flag whose value others should not see; its twin names a file that holds it.
type secret struct{ name, value, file string }

func (s *secret) flags(cmd *cobra.Command, name, meaning string) {
	s.name = name
	cmd.Flags().StringVar(&s.value, name, "", meaning+"; other users of this machine can see it")
	cmd.Flags().StringVar(&s.file, name+"-file", "", "file that holds it (- for standard input)")
}

// given reports whether there is one.
func (s *secret) given(cmd *cobra.Command) bool {
	return cmd.Flags().Changed(s.name) || cmd.Flags().Changed(s.name+"-file")
}

// read gives the secret; empty if there is none.
func (s *secret) read(cmd *cobra.Command, stdin io.Reader) (string, error) {
	value, file := cmd.Flags().Changed(s.name), cmd.Flags().Changed(s.name+"-file")
	switch {
	case value && file:
		return "", fmt.Errorf("%w: --%s and --%s-file exclude each other", server.ErrUsage, s.name, s.name)
	case !value && !file:
		return "", nil
	}
	text := s.value
	if file {
		var err error
		if text, err = secretIn(s.file, stdin); err != nil {
			return "", fmt.Errorf("%w: --%s-file: %w", server.ErrUsage, s.name, err)
		}
	}
	if text == "" {
		return "", fmt.Errorf("%w: --%s is empty", server.ErrUsage, s.name)
	}
	return text, nil
}

// secretIn is what a file holds, without the end of its line.
func secretIn(path string, stdin io.Reader) (string, error) {
	from := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxSecret))
	return strings.TrimRight(string(text), "\r\n"), err
}
