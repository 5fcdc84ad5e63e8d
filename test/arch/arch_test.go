package arch

import (
	"slices"
	"strings"
	"testing"
)

func TestTheHouseKeepsItsWalls(t *testing.T) {
	graph, err := Load("../..", "nomsgpack")
	if err != nil {
		t.Fatal(err)
	}
	// A graph that lacks the house would pass for the wrong reason.
	for _, room := range []string{"fsm/link", "test/arch"} {
		if _, ok := graph.Packages[graph.Module+"/"+room]; !ok {
			t.Fatalf("go list does not show %s", room)
		}
	}
	for _, v := range Check(graph, House()) {
		t.Error(v)
	}
}

func TestEveryRoomThatARuleNamesExists(t *testing.T) {
	graph, err := Load("../..", "nomsgpack")
	if err != nil {
		t.Fatal(err)
	}
	rules := House()
	rooms := slices.Clone(rules.Leaves)
	for _, l := range rules.Libraries {
		rooms = append(rooms, l.Rooms...)
	}
	for _, w := range rules.Walls {
		rooms = append(rooms, w.From)
		rooms = append(rooms, w.But...)
	}
	for _, kit := range rules.TestKits {
		if kit != "test" { // a directory of packages, none itself
			rooms = append(rooms, kit)
		}
	}
	slices.Sort(rooms)
	for _, room := range slices.Compact(rooms) {
		if _, ok := graph.Packages[graph.Module+"/"+room]; !ok {
			t.Errorf("no package %s: its rule guards nothing", room)
		}
	}
}

func TestEveryGuardedLibraryIsUsed(t *testing.T) {
	graph, err := Load("../..", "nomsgpack")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range House().Libraries {
		used := false
		for path := range graph.Packages {
			used = used || withinAny(path, l.Paths)
		}
		if !used {
			t.Errorf("nothing imports %s: its path may be spelt wrong", l.Name)
		}
	}
}

func TestTheRootDirectoryHoldsTheFixedSet(t *testing.T) {
	top, err := TopLevel("../..")
	if err != nil {
		t.Skipf("NOT CHECKED: the root directory is known from git only: %v", err)
	}
	if len(top) < 5 {
		t.Fatalf("git lists only %q", top)
	}
	for _, entry := range top {
		if !slices.Contains(House().TopLevel, entry) {
			t.Errorf("%s has no place in the root directory", entry)
		}
	}
}

// house makes a graph from lines "package -> import import …". What does not
// begin with "m/" and has no dot in its first element is the standard library.
func house(lines ...string) Graph {
	g := Graph{Module: "m", Packages: map[string]Package{}}
	add := func(path string) Package {
		p, ok := g.Packages[path]
		if !ok {
			first, _, _ := strings.Cut(path, "/")
			p = Package{Path: path, Name: path[strings.LastIndexByte(path, '/')+1:], Standard: first != "m" && !strings.Contains(first, ".")}
			g.Packages[path] = p
		}
		return p
	}
	for _, line := range lines {
		from, imports, _ := strings.Cut(line, " -> ")
		p := add(from)
		for _, imported := range strings.Fields(imports) {
			add(imported)
			p.Imports = append(p.Imports, imported)
		}
		g.Packages[from] = p
	}
	return g
}

func TestCheckFindsWhatBreaksAWall(t *testing.T) {
	const raft = "github.com/hashicorp/raft"
	cases := map[string]struct {
		house []string
		want  []string // a part of each violation, in order
	}{
		"a sound house": {
			house: []string{
				"m/cmd/tinyurl -> m/api m/cluster m/fsm",
				"m/api -> m/api/redirect m/fsm/link github.com/gin-gonic/gin",
				"m/api/client -> m/api/v1 net/http",
				"m/cluster -> m/fsm m/cluster/gossip m/cluster/member " + raft,
				"m/cluster/gossip -> m/cluster/member github.com/hashicorp/memberlist",
				"m/fsm -> m/fsm/store " + raft,
				"m/fsm/store -> m/fsm/link github.com/cockroachdb/pebble/v2/vfs",
				"m/fsm/link -> net/url golang.org/x/net/idna",
			},
		},
		"gin below api": {
			house: []string{"m/api/redirect -> github.com/gin-gonic/gin/binding"},
			want:  []string{"m/api/redirect: imports github.com/gin-gonic/gin/binding (gin only in api)"},
		},
		"raft in the wiring": {
			house: []string{"m/cmd/server -> " + raft},
			want:  []string{"m/cmd/server: imports " + raft},
		},
		"a relative of raft is not raft": {
			house: []string{"m/cluster -> " + raft + "-autopilot", "m/cluster/raftlog -> " + raft + "-boltdb/v2"},
		},
		"bolt outside the log": {
			house: []string{"m/cluster -> " + raft + "-boltdb/v2"},
			want:  []string{"only in cluster/raftlog"},
		},
		"memberlist in cluster": {
			house: []string{"m/cluster -> github.com/hashicorp/memberlist"},
			want:  []string{"memberlist only in cluster/gossip"},
		},
		"the engine in the state machine": {
			house: []string{"m/fsm -> github.com/cockroachdb/pebble/v2"},
			want:  []string{"pebble only in fsm/store"},
		},
		"a leaf with a dependency": {
			house: []string{"m/api/v1 -> encoding/json github.com/google/uuid"},
			want:  []string{"m/api/v1: imports github.com/google/uuid (a leaf"},
		},
		"a leaf with a neighbour": {
			house: []string{"m/cluster/member -> m/fsm/link"},
			want:  []string{"m/cluster/member: imports m/fsm/link (a leaf"},
		},
		"api by a detour": {
			house: []string{"m/api -> m/api/redirect", "m/api/redirect -> m/fsm/store", "m/fsm/store -> m/fsm/link"},
			want: []string{
				"m/api: imports m/api/redirect -> m/fsm/store (api never",
				"m/api/redirect: imports m/fsm/store (api never",
			},
		},
		"api to raft through cluster names the first step": {
			house: []string{"m/api -> m/cluster", "m/cluster -> " + raft},
			want:  []string{"m/api: imports m/cluster (api never"},
		},
		"cluster to api": {
			house: []string{"m/cluster/peer -> m/api/v1"},
			want:  []string{"m/cluster/peer: imports m/api/v1 (cluster never"},
		},
		"the state machine to cluster": {
			house: []string{"m/fsm -> m/cluster/member"},
			want:  []string{"m/fsm: imports m/cluster/member (fsm never"},
		},
		"the transport to the state machine": {
			house: []string{"m/cluster/transport -> m/fsm/command", "m/fsm/command -> "},
			want:  []string{"m/cluster/transport: imports m/fsm/command (cluster/transport never"},
		},
		"protobuf bytes in the store": {
			house: []string{"m/fsm/store -> google.golang.org/protobuf/proto"},
			want:  []string{"m/fsm/store: imports google.golang.org/protobuf/proto"},
		},
		"the product on its tests": {
			house: []string{"m/cmd/tinyurl -> m/test/harness"},
			want:  []string{"m/cmd/tinyurl: imports m/test/harness (only tests"},
		},
		"the product on a kit for tests": {
			house: []string{"m/fsm -> m/fsm/store/storetest", "m/fsm/store/storetest -> github.com/cockroachdb/pebble/v2/vfs"},
			want:  []string{"m/fsm: imports m/fsm/store/storetest (only tests"},
		},
		"tests are exempt": {
			house: []string{"m/test/sim -> m/api m/cluster github.com/gin-gonic/gin " + raft},
		},
		"a package of odds and ends": {
			house: []string{"m/cluster/util -> strings"},
			want:  []string{"m/cluster/util: is named util"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found := Check(house(c.house...), House())
			if len(found) != len(c.want) {
				t.Fatalf("found %v, want %d", found, len(c.want))
			}
			for i, v := range found {
				if !strings.Contains(v.String(), c.want[i]) {
					t.Errorf("found %q, want %q in it", v, c.want[i])
				}
			}
		})
	}
}

func TestReadRefusesWhatItCannotJudge(t *testing.T) {
	const own = `{"ImportPath":"m/a","Name":"a","Module":{"Path":"m","Main":true},"Imports":["fmt"]}`
	cases := map[string]struct{ out, want string }{
		"a package that does not load": {own + `{"ImportPath":"m/b","Error":{"Err":"no such thing"}}`, "m/b: no such thing"},
		"only other modules":           {`{"ImportPath":"x","Module":{"Path":"x"}}`, "no package of the main module"},
		"nothing":                      {"", "no package of the main module"},
		"broken output":                {own + `{"ImportPath":`, "output of go list"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := read(strings.NewReader(c.out)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("read: %v, want %q", err, c.want)
			}
		})
	}
	graph, err := read(strings.NewReader(own + `{"ImportPath":"fmt","Standard":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if graph.Module != "m" || !graph.Packages["fmt"].Standard || len(graph.Packages["m/a"].Imports) != 1 {
		t.Errorf("read %+v", graph)
	}
}
