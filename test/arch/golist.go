package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// Load reads the import graph of the packages below dir from `go list`,
// as it is under the build tags given.
func Load(dir, tags string) (Graph, error) {
	out, err := output(dir, "go", "list", "-deps", "-tags", tags,
		"-json=ImportPath,Name,Standard,Imports,Module,Error", "./...")
	if err != nil {
		return Graph{}, err
	}
	return read(bytes.NewReader(out))
}

// read makes a graph of go list's output, a stream of JSON objects.
func read(out io.Reader) (Graph, error) {
	g := Graph{Packages: map[string]Package{}}
	for decoder := json.NewDecoder(out); ; {
		var p struct {
			ImportPath, Name string
			Standard         bool
			Imports          []string
			Module           *struct {
				Path string
				Main bool
			}
			Error *struct{ Err string }
		}
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			if g.Module == "" {
				return g, errors.New("go list names no package of the main module")
			}
			return g, nil
		case err != nil:
			return g, fmt.Errorf("output of go list: %w", err)
		case p.Error != nil:
			return g, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		if p.Module != nil && p.Module.Main {
			g.Module = p.Module.Path
		}
		g.Packages[p.ImportPath] = Package{Path: p.ImportPath, Name: p.Name, Standard: p.Standard, Imports: p.Imports}
	}
}

// TopLevel lists what stands in the root directory of the working tree that
// dir belongs to, ignored files left out.
func TopLevel(dir string) ([]string, error) {
	root, err := output(dir, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	files, err := output(strings.TrimSpace(string(root)), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var top []string
	for file := range strings.SplitSeq(strings.TrimRight(string(files), "\x00"), "\x00") {
		entry, _, _ := strings.Cut(file, "/")
		top = append(top, entry)
	}
	slices.Sort(top)
	return slices.Compact(top), nil
}

// output runs a command in dir and returns its standard output; what it says on
// standard error goes into the error.
func output(dir, name string, args ...string) ([]byte, error) {
	command := exec.Command(name, args...)
	command.Dir = dir
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, args[0], err, problems.String())
	}
	return out, nil
}
