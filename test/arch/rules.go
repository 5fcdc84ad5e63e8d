package arch

// Rules are the walls of one house. Rooms are paths inside the module.
type Rules struct {
	Libraries []Library
	Walls     []Wall
	// Leaves import the standard library and LeafMayUse alone.
	Leaves, LeafMayUse []string
	// TestKits are what rooms lend to the tests of others: like the test room they
	// may use anything, and product code may not use them.
	TestKits []string
	// ForbiddenNames are names no package may have.
	ForbiddenNames []string
	// TopLevel are the entries that may stand in the module's root directory.
	TopLevel []string
}

// Library is something from outside that only a few rooms may import. A room
// stands for itself, not for what lies below it.
type Library struct {
	Name  string
	Paths []string
	Rooms []string
}

// Wall keeps a room and all below it from ever reaching others, directly or
// through the module's own packages. But are exceptions to Never.
type Wall struct {
	From       string
	Never, But []string
}

// Import paths of the guarded libraries.
const (
	raftPath       = "github.com/hashicorp/raft"
	raftBoltPath   = "github.com/hashicorp/raft-boltdb"
	boltPath       = "go.etcd.io/bbolt"
	raftWALPath    = "github.com/hashicorp/raft-wal"
	autopilotPath  = "github.com/hashicorp/raft-autopilot"
	memberlistPath = "github.com/hashicorp/memberlist"
	ginPath        = "github.com/gin-gonic/gin"
	pebblePath     = "github.com/cockroachdb/pebble"
	mmdbPath       = "github.com/oschwald/maxminddb-golang"
	protobufPath   = "google.golang.org/protobuf"
)

// House are the rules of tinyurl.
func House() Rules {
	return Rules{
		Libraries: []Library{
			{"gin", []string{ginPath}, []string{"api"}},
			{"raft", []string{raftPath}, []string{"fsm", "cluster", "cluster/transport", "cluster/raftlog"}},
			{"the log's engines", []string{raftBoltPath, boltPath, raftWALPath}, []string{"cluster/raftlog"}},
			{"raft-autopilot", []string{autopilotPath}, []string{"cluster"}},
			{"memberlist", []string{memberlistPath}, []string{"cluster/gossip"}},
			{"pebble", []string{pebblePath}, []string{"fsm/store"}},
			{"the country database's reader", []string{mmdbPath}, []string{"api/visits/country"}},
		},
		Walls: []Wall{
			{From: "api", Never: []string{"cluster", "fsm", "cmd", raftPath}, But: []string{"fsm/access", "fsm/link", "fsm/visit"}},
			{From: "api/client", Never: []string{"api", "fsm"}, But: []string{"api/v1"}},
			{From: "cluster", Never: []string{"api", "cmd"}},
			{From: "cluster/transport", Never: []string{"fsm"}},
			{From: "cluster/raftlog", Never: []string{"fsm"}},
			{From: "cluster/gossip", Never: []string{"fsm", raftPath}},
			{From: "fsm", Never: []string{"api", "cluster", "cmd"}},
			{From: "fsm/command", Never: []string{"fsm/store", raftPath}},
			{From: "fsm/store", Never: []string{protobufPath, raftPath}},
		},
		Leaves:         []string{"fsm/access", "fsm/link", "fsm/visit", "api/v1", "api/visits/agent", "api/visits/event", "api/visits/live", "cluster/member"},
		LeafMayUse:     []string{"golang.org/x/net/idna"},
		TestKits:       []string{"test", "api/openapi/openapitest", "cluster/transport/memnet", "fsm/store/storetest"},
		ForbiddenNames: []string{"util", "utils", "common", "types", "helper", "helpers", "misc"},
		TopLevel: []string{
			"api", "cluster", "cmd", "deploy", "fsm", "test",
			"Dockerfile", "Makefile", "go.mod", "go.sum",
			"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
			".ci", ".dockerignore", ".gitignore", ".golangci.yml",
		},
	}
}
