package harness

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Tree is what a directory holds: for every path in it the mode and the content, in a form that can be compared. A
// directory that is not there holds nothing.
func Tree(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	tree := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		tree[name] = info.Mode().String()
		if entry.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			tree[name] += fmt.Sprintf(" %d bytes %x", len(content), sha256.Sum256(content))
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	return tree
}

// TreeDiff names what differs between two trees.
func TreeDiff(before, after map[string]string) []string {
	var diff []string
	for name, was := range before {
		if is, there := after[name]; !there {
			diff = append(diff, name+" is gone")
		} else if is != was {
			diff = append(diff, name+": "+was+" became "+is)
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			diff = append(diff, name+" is new")
		}
	}
	return diff
}
