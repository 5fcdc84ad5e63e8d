package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var openTests = map[string]func(*testing.T, Fixture){
	"an empty store opens again empty":                       testEmptyReopened,
	"a directory has one store at a time":                    testLocked,
	"a newer format is refused and nothing is touched":       testNewerFormat,
	"a damaged directory is refused in words":                testDamagedDirectory,
	"a store that was never published is made anew":          testUnpublished,
	"leftovers of a crash are removed and all else is left":  testLeftovers,
	"another group's state is refused":                       testOtherGroup,
	"a flipped bit in a table stops the node":                testFlippedTable,
	"options without a way to report a failure are refused":  testNoFatal,
	"groups of one number space do not see each other's end": testLastGroup,
}

// tree lists every file below dir with its content, the lock aside.
func tree(t *testing.T, fs store.FS, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	names, err := fs.List(dir)
	if errors.Is(err, os.ErrNotExist) {
		return files
	}
	must(t, err)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		must(t, err)
		if info.IsDir() {
			for sub, content := range tree(t, fs, path) {
				files[name+"/"+sub] = content
			}
			continue
		}
		f, err := fs.Open(path)
		must(t, err)
		content, err := io.ReadAll(f)
		must(t, err, f.Close())
		files[name] = string(content)
	}
	return files
}

// put writes a file.
func put(t *testing.T, fs store.FS, path, content string) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write([]byte(content))
	must(t, err, f.Sync(), f.Close())
}

func testEmptyReopened(t *testing.T, f Fixture) {
	for range 3 {
		s := open(t, f.FS, f.FS.PathJoin(f.Dir, "deep", "down"))
		verified(t, s)
		if got := describe(s); got != "entry 0/0 counter 0 links 0 stamp 0001-01-01 00:00:00 +0000 UTC version 0 digest "+
			strings.Repeat("0", 64)+" boundary 0 "+strings.Repeat("0", 64) {
			t.Errorf("an empty store says %s", got)
		}
		must(t, s.Close())
	}
}

func testLocked(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	_, err := store.Open(f.Dir, options(t, f.FS))
	wants(t, err, store.ErrLocked)
	change(t, s, func(*store.Batch) {}) // the refusal did the first one no harm
	must(t, s.Close())
	must(t, open(t, f.FS, f.Dir).Close())
}

func testNewerFormat(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(*store.Batch) {})
	must(t, s.Close())
	put(t, f.FS, f.FS.PathJoin(f.Dir, "CURRENT"), "tinyurl store format 4\nin words nobody knows yet\n")
	put(t, f.FS, f.FS.PathJoin(f.Dir, "CURRENT.tmp"), "left over")
	must(t, f.FS.MkdirAll(f.FS.PathJoin(f.Dir, "000009"), 0o755))
	before := tree(t, f.FS, f.Dir)
	_, err := store.Open(f.Dir, options(t, f.FS))
	wants(t, err, store.ErrFormat)
	if !strings.Contains(err.Error(), f.Dir) || !strings.Contains(err.Error(), "format 4") {
		t.Errorf("the refusal does not say what or where: %v", err)
	}
	after := tree(t, f.FS, f.Dir)
	if fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the directory was changed")
	}
}

func testDamagedDirectory(t *testing.T, f Fixture) {
	current := func(t *testing.T, dir, content string) { put(t, f.FS, f.FS.PathJoin(dir, "CURRENT"), content) }
	for name, damage := range map[string]func(t *testing.T, dir string){
		"CURRENT empty":  func(t *testing.T, dir string) { current(t, dir, "") },
		"CURRENT zeroed": func(t *testing.T, dir string) { current(t, dir, strings.Repeat("\x00", 60)) },
		"CURRENT with another checksum": func(t *testing.T, dir string) {
			current(t, dir, "tinyurl store format 3\ngeneration 000001\ncrc32c 00000000\n")
		},
		"CURRENT missing": func(t *testing.T, dir string) { must(t, f.FS.Remove(f.FS.PathJoin(dir, "CURRENT"))) },
		"generation missing": func(t *testing.T, dir string) {
			must(t, f.FS.RemoveAll(f.FS.PathJoin(dir, "000001")))
		},
		"generation empty": func(t *testing.T, dir string) {
			must(t, f.FS.RemoveAll(f.FS.PathJoin(dir, "000001")), f.FS.MkdirAll(f.FS.PathJoin(dir, "000001"), 0o755))
		},
		"manifest cut off": func(t *testing.T, dir string) {
			names, err := f.FS.List(f.FS.PathJoin(dir, "000001"))
			must(t, err)
			for _, name := range names {
				if strings.HasPrefix(name, "MANIFEST") {
					put(t, f.FS, f.FS.PathJoin(dir, "000001", name), "")
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := f.FS.PathJoin(f.Dir, strings.ReplaceAll(name, " ", "-"))
			s := open(t, f.FS, dir)
			change(t, s, func(*store.Batch) {})
			must(t, s.Close())
			damage(t, dir)
			before := tree(t, f.FS, dir)
			_, err := store.Open(dir, options(t, f.FS))
			wants(t, err, store.ErrDamaged)
			if !strings.Contains(err.Error(), dir) {
				t.Errorf("the refusal does not say where: %v", err)
			}
			for name, content := range before {
				if after, ok := tree(t, f.FS, dir)[name]; !ok || after != content {
					t.Errorf("%s was changed", name)
				}
			}
		})
	}
}

func testUnpublished(t *testing.T, f Fixture) {
	put2 := func(name, content string) { put(t, f.FS, f.FS.PathJoin(f.Dir, name), content) }
	must(t, f.FS.MkdirAll(f.FS.PathJoin(f.Dir, "000001"), 0o755))
	put2("FIRST", "")
	put2("000001/MANIFEST-000001", "half a file")
	put2("CURRENT.tmp", "tinyurl store for")
	s := open(t, f.FS, f.Dir)
	if s.Position().Index != 0 {
		t.Errorf("position %v", s.Position())
	}
	must(t, s.Close())
	for _, name := range []string{"FIRST", "CURRENT.tmp"} {
		if _, ok := tree(t, f.FS, f.Dir)[name]; ok {
			t.Errorf("%s is left", name)
		}
	}
}

func testLeftovers(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(*store.Batch) {})
	must(t, s.Close())
	for _, dir := range []string{"000007", "000008.load", "1234567", "snapshots", "00009", "x.load"} {
		must(t, f.FS.MkdirAll(f.FS.PathJoin(f.Dir, dir), 0o755))
	}
	for _, name := range []string{"000007/000001.sst", "CURRENT.tmp", "FIRST", "notes.txt"} {
		put(t, f.FS, f.FS.PathJoin(f.Dir, name), "x")
	}
	s = open(t, f.FS, f.Dir)
	names, err := f.FS.List(f.Dir)
	must(t, err)
	slices.Sort(names)
	if want := []string{"000001", "00009", "CURRENT", "LOCK", "notes.txt", "snapshots", "x.load"}; !slices.Equal(names, want) {
		t.Errorf("left are %v, want %v", names, want)
	}
	if s.Position().Index != 1 {
		t.Errorf("position %v", s.Position())
	}
}

func testOtherGroup(t *testing.T, f Fixture) {
	must(t, open(t, f.FS, f.Dir).Close())
	o := options(t, f.FS)
	o.Group = 1
	_, err := store.Open(f.Dir, o)
	wants(t, err, store.ErrDamaged)
	must(t, open(t, f.FS, f.Dir).Close())
}

func testFlippedTable(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		for i := range 2000 {
			must(t, b.AddGenerated(aLink(nextCode(b), fmt.Sprintf("https://example.com/%d/%d", i*7919%2000, i))))
		}
	})
	codec, _ := s.Codec()
	must(t, s.Close())
	must(t, open(t, f.FS, f.Dir).Close()) // a reopening turns the log into a table
	flipped := 0
	for name, content := range tree(t, f.FS, f.Dir) {
		if strings.HasSuffix(name, ".sst") && len(content) > 4096 {
			flip := []byte(content)
			for at := len(flip) / 8; at < len(flip)/2; at += 2000 { // the state row comes first, and is read at once
				flip[at] ^= 1
			}
			put(t, f.FS, f.FS.PathJoin(f.Dir, name), string(flip))
			flipped++
		}
	}
	if flipped == 0 {
		t.Fatal("no table to damage")
	}
	failures := make(chan error, 100)
	o := options(t, f.FS)
	o.Fatal = func(err error) { failures <- err }
	s, err := store.Open(f.Dir, o)
	must(t, err)
	defer s.Close()
	wants(t, s.Verify(context.Background()), store.ErrDamaged)
	wants(t, <-failures, store.ErrDamaged)
	for id := link.ID(1); id <= 2000; id++ { // those in whole blocks too
		if _, err := s.Lookup(codec.Encode(id)); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("link %d was served after damage: %v", id, err)
		}
	}
	_, err = s.NewBatch()
	wants(t, err, store.ErrDamaged)
	if len(failures) != 0 {
		t.Errorf("Fatal was called %d times more", len(failures))
	}
}

func testNoFatal(t *testing.T, f Fixture) {
	for _, o := range []store.Options{
		{FS: f.FS},
		{FS: f.FS, Fatal: func(error) {}, MemTableBytes: 1},
		{FS: f.FS, Fatal: func(error) {}, CacheBytes: -1},
		{FS: f.FS, Fatal: func(error) {}, HotBytes: -1},
		{FS: f.FS, Fatal: func(error) {}, CacheBytes: 1 << 20, HotBytes: 1<<20 + 1},
	} {
		if _, err := store.Open(f.Dir, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if files := tree(t, f.FS, f.Dir); len(files) != 0 {
		t.Errorf("%v was left", files)
	}
}

func testLastGroup(t *testing.T, f Fixture) {
	o := options(t, f.FS)
	o.Group = 1<<32 - 1
	s, err := store.Open(f.Dir, o)
	must(t, err)
	defer s.Close()
	Script{Seed: 1}.Feed(t, s, 1, 50, 5)
	verified(t, s)
}
