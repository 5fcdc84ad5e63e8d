// Command tinyurl is a replicated URL shortener: the server, a local cluster to try it on, and the client, in one binary.
package main

import (
	"io"
	"os"
)

func main() {
	os.Exit(run(process{args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}))
}

// process is what the command line gets from the operating system.
type process struct {
	args, environ  []string
	stdin          io.Reader
	stdout, stderr io.Writer
}
