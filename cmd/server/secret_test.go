package server

import (
	"errors"
	"strings"
	"testing"

	"tinyurl/api"
)

func TestASecretOnTheCommandLineIsWarnedOfAndNotRepeated(t *testing.T) {
	n, err := openNode(t, "--root-key="+secretB)
	if err != nil {
		t.Fatal(err)
	}
	if log := n.said(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "flag=--root-key ") || strings.Contains(log, secretB) {
		t.Errorf("log:\n%s", log)
	}
	if n, err = openNode(t, "--root-key-file="+write(t, "key", secretB)); err != nil {
		t.Fatal(err)
	}
	if log := n.said(); strings.Contains(log, "command line") {
		t.Errorf("log:\n%s", log)
	}
}

func TestTheLastVoterMustNotLeaveAndTheAPISaysSo(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	if err := n.Leave(t.Context()); !errors.Is(err, api.ErrPrecondition) || !strings.Contains(err.Error(), "last voter") {
		t.Errorf("Leave = %v", err)
	}
}
