// Package manifests reads the Dockerfile and the compose file the way engines of
// today do; deploy's own tests see to engines of yesterday.
package manifests

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// lint parses a Dockerfile and returns every warning of buildkit's linter.
func lint(t *testing.T, dockerfile string) (warnings []string, err error) {
	t.Helper()
	parsed, err := parser.Parse(strings.NewReader(dockerfile))
	if err != nil {
		return nil, err
	}
	for _, w := range parsed.Warnings {
		warnings = append(warnings, w.Short)
	}
	judge := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		warnings = append(warnings, rule+": "+message)
	}})
	_, _, err = instructions.Parse(parsed.AST, judge)
	return warnings, err
}

func TestBuildkitFindsNothingWrongWithTheDockerfile(t *testing.T) {
	content, err := os.ReadFile("../../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	warnings, err := lint(t, string(content))
	if err != nil {
		t.Error(err)
	}
	for _, w := range warnings {
		t.Error(w)
	}
}

func TestABadDockerfileIsFound(t *testing.T) {
	for name, content := range map[string]string{
		"an instruction nobody knows": "FROM scratch\nCOPPY a b\n",
		"an unknown option":           "FROM scratch\nCOPY --frm=x a b\n",
		"mixed case":                  "FROM scratch as Build\nuser 1\nCOPY a b\n",
		"a maintainer":                "FROM scratch\nMAINTAINER me\n",
	} {
		if warnings, err := lint(t, content); err == nil && len(warnings) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}

// load reads a compose file strictly: keys that the specification does not know
// are errors.
func load(path string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("tinyurl"),
		cli.WithEnv([]string{"TINYURL_CLUSTER_SECRET=0123456789abcdef0123456789abcdef"}))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func TestTheComposeFileLoadsStrictly(t *testing.T) {
	project, err := load("../../../deploy/compose/docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 4 {
		t.Errorf("%d services, want three nodes and a load balancer", len(project.Services))
	}
	published := 0
	for name, service := range project.Services {
		for _, port := range service.Ports {
			published++
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes port %s beyond this machine", name, port.Published)
			}
		}
	}
	if published == 0 {
		t.Error("nothing is published")
	}
}

func TestAMisspeltComposeFileIsFound(t *testing.T) {
	path := t.TempDir() + "/docker-compose.yml"
	if err := os.WriteFile(path, []byte("services:\n  n1:\n    image: x\n    enviroment: {A: b}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(path); err == nil {
		t.Error("a key that nobody knows passes")
	}
}
