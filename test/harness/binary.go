package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binaryVariable names the program under test.
const binaryVariable = "TINYURL_BINARY"

// Binary is the program under test: what TINYURL_BINARY names, else one that is built now, as `make build` does.
func Binary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv(binaryVariable); path != "" {
		absolute, err := filepath.Abs(path)
		if err == nil {
			_, err = os.Stat(absolute)
		}
		if err != nil {
			tb.Fatalf("%s: %v", binaryVariable, err)
		}
		return absolute
	}
	path, err := Build(tb.Context(), tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Build makes the program in a directory and gives its path.
func Build(ctx context.Context, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	path := filepath.Join(dir, "tinyurl")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "nomsgpack", "-o", path, "tinyurl/cmd/tinyurl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
}

// Output is what a finished command left.
type Output struct {
	Stdout, Stderr string
	Code           int
}

// Run runs the program to its end, within a time, with only this environment beside PATH.
func Run(tb testing.TB, binary string, within time.Duration, environ []string, args ...string) Output {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + tb.TempDir()}, environ...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || ctx.Err() != nil {
		tb.Fatalf("tinyurl %q: %v (%v)\n%s%s", args, err, ctx.Err(), stdout.String(), stderr.String())
	}
	return Output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// CLI runs a client verb against a node.
func (c *Cluster) CLI(n *Node, args ...string) Output {
	c.tb.Helper()
	return Run(c.tb, c.options.Binary, time.Minute, []string{"TINYURL_SERVER=" + n.URL(), "TINYURL_KEY=" + c.key}, args...)
}
