// Package arch keeps the walls of the house: which room may use which library
// and which other room. It judges an import graph, so that its tests can judge
// made-up houses as well as this one.
package arch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Package is one node of the import graph.
type Package struct {
	// Path is the import path.
	Path string
	// Name is the name in the package clause; empty where there are only tests.
	Name string
	// Standard tells that the package belongs to the standard library.
	Standard bool
	// Imports are the packages that its non-test files import. What tests
	// import is not judged: they may use any library to drive their room.
	Imports []string
}

// Graph is a module and all that it depends on, by import path.
type Graph struct {
	// Module is the path that the module's own packages begin with.
	Module   string
	Packages map[string]Package
}

// Violation is one import, or one name, that a rule forbids.
type Violation struct {
	Rule    string
	Package string
	// Detail names what was found, for an import the whole way to it.
	Detail string
}

// String is the line a failed test prints.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (%s)", v.Package, v.Detail, v.Rule)
}

// Check returns every violation of the rules in the graph, ordered by package.
func Check(g Graph, rules Rules) []Violation {
	var found []Violation
	for _, path := range g.own() {
		room := g.room(path)
		if withinAny(room, rules.TestKits) {
			continue
		}
		for _, check := range []func(Graph, Rules, string, string) []Violation{
			checkLibraries, checkLeaf, checkWalls, checkTestKits, checkName,
		} {
			found = append(found, check(g, rules, path, room)...)
		}
	}
	slices.SortFunc(found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail))
	})
	return found
}

// own are the module's own packages in order.
func (g Graph) own() []string {
	var own []string
	for path := range g.Packages {
		if within(path, g.Module) {
			own = append(own, path)
		}
	}
	slices.Sort(own)
	return own
}

// room is the path of an own package inside the module, "." for its root.
func (g Graph) room(path string) string {
	if path == g.Module {
		return "."
	}
	return strings.TrimPrefix(path, g.Module+"/")
}

// within reports whether path is root or lies below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func withinAny(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return within(path, root) })
}

// checkLibraries finds direct imports of a guarded library outside its rooms.
func checkLibraries(g Graph, rules Rules, path, room string) []Violation {
	var found []Violation
	for _, l := range rules.Libraries {
		if slices.Contains(l.Rooms, room) {
			continue
		}
		for _, imported := range g.Packages[path].Imports {
			if withinAny(imported, l.Paths) {
				found = append(found, Violation{
					Rule:    l.Name + " only in " + strings.Join(l.Rooms, ", "),
					Package: path, Detail: "imports " + imported,
				})
			}
		}
	}
	return found
}

// checkLeaf finds imports of a leaf beyond the standard library.
func checkLeaf(g Graph, rules Rules, path, room string) []Violation {
	if !slices.Contains(rules.Leaves, room) {
		return nil
	}
	var found []Violation
	for _, imported := range g.Packages[path].Imports {
		if !g.Packages[imported].Standard && !withinAny(imported, rules.LeafMayUse) {
			found = append(found, Violation{
				Rule:    "a leaf imports the standard library alone",
				Package: path, Detail: "imports " + imported,
			})
		}
	}
	return found
}

// checkWalls finds ways, through any number of packages, from a room to one it
// must not know.
func checkWalls(g Graph, rules Rules, path, room string) []Violation {
	var found []Violation
	for _, w := range rules.Walls {
		if !within(room, w.From) {
			continue
		}
		forbidden := func(p string) bool {
			if within(p, g.Module) {
				p = g.room(p)
			}
			return withinAny(p, w.Never) && !withinAny(p, w.But) && !within(p, w.From)
		}
		if way := g.way(path, forbidden); way != nil {
			found = append(found, Violation{
				Rule:    w.From + " never imports " + strings.Join(w.Never, ", "),
				Package: path, Detail: "imports " + strings.Join(way, " -> "),
			})
		}
	}
	return found
}

// checkTestKits finds product code that imports what is for tests.
func checkTestKits(g Graph, rules Rules, path, _ string) []Violation {
	var found []Violation
	for _, imported := range g.Packages[path].Imports {
		if within(imported, g.Module) && withinAny(g.room(imported), rules.TestKits) {
			found = append(found, Violation{
				Rule:    "only tests import " + strings.Join(rules.TestKits, ", "),
				Package: path, Detail: "imports " + imported,
			})
		}
	}
	return found
}

// checkName finds packages named after nothing in particular.
func checkName(g Graph, rules Rules, path, _ string) []Violation {
	name := g.Packages[path].Name
	base := path[strings.LastIndexByte(path, '/')+1:]
	if !slices.Contains(rules.ForbiddenNames, name) && !slices.Contains(rules.ForbiddenNames, base) {
		return nil
	}
	return []Violation{{
		Rule:    "packages are named after what they hold",
		Package: path, Detail: "is named " + cmp.Or(name, base),
	}}
}

// way is the shortest path of imports from a package to one that wanted
// accepts, without the package itself; nil when there is none. It looks only
// through the module's own packages: what a library imports is its business.
func (g Graph) way(from string, wanted func(string) bool) []string {
	came := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		imports := slices.Sorted(slices.Values(g.Packages[queue[0]].Imports))
		for _, next := range imports {
			if _, seen := came[next]; seen {
				continue
			}
			came[next] = queue[0]
			if wanted(next) {
				return g.back(came, from, next)
			}
			if within(next, g.Module) {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// back unwinds the steps that way took.
func (g Graph) back(came map[string]string, from, to string) []string {
	var steps []string
	for p := to; p != from; p = came[p] {
		steps = append(steps, p)
	}
	slices.Reverse(steps)
	return steps
}
