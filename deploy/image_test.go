package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The classic builder of old engines has to do, see the Dockerfile's first lines.
var beyondTheClassicBuilder = map[string]*regexp.Regexp{
	"RUN with options":  regexp.MustCompile(`(?m)^\s*RUN\s+--`),
	"a here-document":   regexp.MustCompile(`(?m)^\s*(RUN|COPY)\b.*<<`),
	"COPY --link":       regexp.MustCompile(`(?m)^\s*(COPY|ADD)\b.*--(link|chmod|parents|exclude)`),
	"a syntax frontend": regexp.MustCompile(`(?mi)^#\s*syntax\s*=`),
}

func TestTheDockerfileSuitsTheClassicBuilder(t *testing.T) {
	content := read(t, "../Dockerfile")
	for what, pattern := range beyondTheClassicBuilder {
		if line := pattern.FindString(content); line != "" {
			t.Errorf("%s: %q", what, line)
		}
	}
}

func TestTheImageIsStaticAndItsUserIsNotRoot(t *testing.T) {
	content := read(t, "../Dockerfile")
	for _, want := range []string{"CGO_ENABLED=0 ", "\nUSER 65532:65532\n", "\nARG GO_IMAGE=", "\nARG BASE_IMAGE=", "-tags nomsgpack"} {
		if !strings.Contains(content, want) {
			t.Errorf("the Dockerfile has no %q", strings.TrimSpace(want))
		}
	}
}

// compose runs docker-compose, whichever there is, on the compose file.
func compose(t *testing.T, environment ...string) (string, error) {
	t.Helper()
	command := exec.Command("docker-compose", "config")
	if _, err := exec.LookPath("docker-compose"); err != nil {
		command = exec.Command("docker", "compose", "config")
		if exec.Command("docker", "compose", "version").Run() != nil {
			t.Skip("NOT CHECKED: neither docker-compose nor docker compose is installed")
		}
	}
	command.Dir = "compose"
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "TINYURL_") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, environment...)
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestComposeReadsItsFile(t *testing.T) {
	if out, err := compose(t, "TINYURL_CLUSTER_SECRET=0123456789abcdef0123456789abcdef"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestComposeAsksForTheSecret(t *testing.T) {
	if _, err := os.Stat("compose/.env"); err == nil {
		t.Skip("compose/.env gives the secret here")
	}
	if out, err := compose(t); err == nil {
		t.Errorf("it starts without a secret:\n%s", out)
	}
}

func TestPublishedPortsStayOnThisMachine(t *testing.T) {
	content := read(t, "compose/docker-compose.yml")
	published := regexp.MustCompile(`(?m)^\s*ports:\s*(.*)$`).FindAllStringSubmatch(content, -1)
	if len(published) == 0 {
		t.Fatal("no port is published: the pattern may be wrong")
	}
	for _, ports := range published {
		if !strings.HasPrefix(ports[1], `["127.0.0.1:`) {
			t.Errorf("published beyond this machine: %s", ports[1])
		}
	}
}

func TestScriptsPassShellcheck(t *testing.T) {
	scripts := []string{"../.ci/run", "../test/tools/drift.sh", "image.sh", "compose/offline.sh", "compose/check.sh"}
	out, err := exec.Command(tool(t, "shellcheck"), append([]string{"--severity=warning"}, scripts...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
