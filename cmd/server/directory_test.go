package server

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes one file of a data directory.
func put(t *testing.T, d directory, name, content string) {
	t.Helper()
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path(name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listing is the names in a directory; nil if there is none.
func listing(t *testing.T, d directory) []string {
	t.Helper()
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTheSecretIsGivenKeptOrMadeForALoneNodeAlone(t *testing.T) {
	lone, joining := []string{}, []string{"--join=a"}
	for _, tc := range []struct {
		name      string
		args      []string
		files     map[string]string
		want      string // the secret; "made" for a new one; "" for an error
		wantFresh bool
		wantErr   string
		usage     bool
	}{
		{name: "first start of a lone node", args: lone, want: "made", wantFresh: true},
		{name: "fresh volume", args: lone, files: map[string]string{"lost+found": ""}, want: "made", wantFresh: true},
		{name: "first start cut short", args: lone, files: map[string]string{"lock": "", "secret.12.tmp": "x"}, want: "made", wantFresh: true},
		{name: "restart", args: lone, files: map[string]string{"secret": secretA + "\n", "groups": ""}, want: secretA},
		{name: "given at the first start", args: []string{"--cluster-secret", secretB}, want: secretB, wantFresh: true},
		{name: "given again", args: []string{"--cluster-secret", secretA}, files: map[string]string{"secret": secretA}, want: secretA},
		{name: "another one given", args: []string{"--cluster-secret", secretB}, files: map[string]string{"secret": secretA}, wantErr: "--cluster-secret differs"},
		{name: "lost", args: lone, files: map[string]string{"groups": ""}, wantErr: "secret is missing"},
		{name: "lost and given", args: []string{"--cluster-secret", secretB}, files: map[string]string{"groups": ""}, want: secretB, wantFresh: true},
		{name: "damaged", args: lone, files: map[string]string{"secret": "abc"}, wantErr: "is damaged"},
		{name: "joining without", args: joining, wantErr: "TINYURL_CLUSTER_SECRET", usage: true},
		{name: "forming without", args: []string{"--bootstrap-expect=3"}, wantErr: "TINYURL_CLUSTER_SECRET", usage: true},
		{name: "joining again", args: joining, files: map[string]string{"secret": secretA}, want: secretA},
		{name: "never forming without", args: []string{"--bootstrap-expect=0"}, wantErr: "TINYURL_CLUSTER_SECRET", usage: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := directory(filepath.Join(t.TempDir(), "data"))
			for name, content := range tc.files {
				put(t, d, name, content)
			}
			before := listing(t, d)
			got, fresh, err := clusterSecret(mustLoad(t, tc.args), d, bytes.NewReader(make([]byte, 32)))
			if after := listing(t, d); len(after) != len(before) {
				t.Errorf("the directory held %q and holds %q", before, after)
			}
			if tc.want == "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) || errors.Is(err, ErrUsage) != tc.usage {
					t.Errorf("error = %v, a usage error: %v", err, errors.Is(err, ErrUsage))
				}
				return
			}
			if err != nil || fresh != tc.wantFresh {
				t.Fatalf("fresh = %v, %v", fresh, err)
			}
			if tc.want == "made" {
				tc.want = strings.Repeat("A", 43)
			}
			if got.Reveal() != tc.want {
				t.Errorf("secret = %q", got.Reveal())
			}
		})
	}
}

func TestTheSecretIsKeptForTheOwnerAlone(t *testing.T) {
	d := directory(t.TempDir())
	if err := d.keepSecret(parsed(t, secretA)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.path("secret"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	kept, err := d.secret()
	if err != nil || kept.Reveal() != secretA {
		t.Errorf("kept %q, %v", kept.Reveal(), err)
	}
	if names := listing(t, d); len(names) != 1 {
		t.Errorf("left in the directory: %q", names)
	}
}

func TestTheTokenIsReadWithoutAServer(t *testing.T) {
	d := directory(t.TempDir())
	if err := errors.Join(d.keepSecret(parsed(t, secretA)), d.keepRecord(record{GossipAddr: "10.0.0.1:7946"})); err != nil {
		t.Fatal(err)
	}
	token, err := ReadToken(string(d))
	if err != nil || token.Secret.Reveal() != secretA || token.GossipAddr != "10.0.0.1:7946" || token.RootKey != parsed(t, secretA).RootKey() {
		t.Errorf("token = %+v, %v", token, err)
	}
}

func TestARootKeyOfItsOwnIsNotInTheToken(t *testing.T) {
	d := directory(t.TempDir())
	if err := errors.Join(d.keepSecret(parsed(t, secretA)), d.keepRecord(record{GossipAddr: "a:1", OwnRootKey: true})); err != nil {
		t.Fatal(err)
	}
	if token, err := ReadToken(string(d)); err != nil || token.RootKey != "" {
		t.Errorf("root key = %q, %v", token.RootKey, err)
	}
}

func TestATokenThatCannotBeReadSaysWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing there":   {nil, "no node has run"},
		"no record":       {map[string]string{"secret": secretA}, "no node has finished its first start"},
		"damaged record":  {map[string]string{"secret": secretA, "serve.json": "{"}, "serve.json is damaged"},
		"damaged secret":  {map[string]string{"secret": "x", "serve.json": "{}"}, "secret is damaged"},
		"not a directory": {map[string]string{"secret/x": ""}, "secret"},
	} {
		d := directory(filepath.Join(t.TempDir(), "data"))
		for file, content := range tc.files {
			if dir := filepath.Dir(file); dir != "." {
				if err := os.MkdirAll(d.path(dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			put(t, d, file, content)
		}
		if _, err := ReadToken(string(d)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheRecordIsWrittenOnlyWhenItChanges(t *testing.T) {
	d := directory(t.TempDir())
	stamp := func(r record) os.FileInfo {
		if err := d.keepRecord(r); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(d.path("serve.json"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := stamp(record{GossipAddr: "a:1"})
	if !os.SameFile(first, stamp(record{GossipAddr: "a:1"})) {
		t.Error("the same record was written again")
	}
	if os.SameFile(first, stamp(record{GossipAddr: "b:1"})) {
		t.Error("another record was not written")
	}
}

func TestADataDirectoryServesOneProcess(t *testing.T) {
	d := directory(filepath.Join(t.TempDir(), "a", "b"))
	lock, err := d.claim(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.claim(slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another process uses the data directory") {
		t.Errorf("second claim: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := d.claim(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("claim after the first was let go: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADataDirectoryThatIsAFileIsRefused(t *testing.T) {
	path := write(t, "file", "x")
	for _, d := range []directory{directory(path), directory(path + "/below")} {
		if _, err := d.claim(slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--data-dir") {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestTheDataDirectoryIsTheOwnersAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after fs.FileMode // before 0: it is not there yet
		says          string
	}{
		"made now":          {0, 0o700, ""},
		"closed already":    {0o700, 0o700, ""},
		"made by a user":    {0o755, 0o700, "level=INFO"},
		"a group's volume":  {0o770 | fs.ModeSetgid, 0o700, "mode=dgrwxrwx---"},
		"open to everybody": {0o777, 0o700, "level=INFO"},
		"shared by all":     {0o777 | fs.ModeSticky, 0o777 | fs.ModeSticky, "level=WARN"},
	} {
		t.Run(name, func(t *testing.T) {
			d := directory(filepath.Join(t.TempDir(), "data"))
			if tc.before != 0 {
				if err := errors.Join(os.Mkdir(string(d), 0o700), os.Chmod(string(d), tc.before)); err != nil {
					t.Fatal(err)
				}
			}
			var log recorder
			lock, err := d.claim(slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Close()
			info, err := os.Stat(string(d))
			if err != nil || info.Mode() != fs.ModeDir|tc.after {
				t.Errorf("mode %v, %v; want %v", info.Mode(), err, tc.after)
			}
			if said := log.said(); (said == "") != (tc.says == "") || !strings.Contains(said, tc.says) {
				t.Errorf("said %q, want %q", said, tc.says)
			}
		})
	}
}

func TestADataDirectoryOfAnotherOwnerIsUsedWithAWarning(t *testing.T) {
	d := directory(t.TempDir())
	if err := os.Chmod(string(d), 0o755); err != nil { //nolint:gosec // open to others is what this is about
		t.Fatal(err)
	}
	var log recorder
	d.restrict(func(string, fs.FileMode) error { return fs.ErrPermission }, slog.New(slog.NewTextHandler(&log, nil)))
	if said := log.said(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, fs.ErrPermission.Error()) {
		t.Errorf("said %q", said)
	}
}
