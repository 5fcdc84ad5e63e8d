package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lineOf is how long the line of a visit with this code is, in bytes.
func lineOf(code string) int64 { return int64(len(named(code)[0].Append(nil)) + 1) }

// small makes a file that is full after two lines of codes of one letter.
func small(t *testing.T, files FileSystem, maxFiles int) *rotating {
	t.Helper()
	r := &rotating{files: files, path: filepath.Join(t.TempDir(), "v"), maxBytes: 2 * lineOf("a"), maxFiles: maxFiles}
	t.Cleanup(func() { _ = r.close() })
	return r
}

// wrote fails unless all is written.
func wrote(t *testing.T, r *rotating, names ...string) {
	t.Helper()
	if lost, err := writeTo(r, names...); lost != 0 || err != nil {
		t.Fatalf("writing %v: %d lost, %v", names, lost, err)
	}
}

// failed fails unless so many lines were lost for this reason.
func failed(t *testing.T, r *rotating, want error, wantLost int, names ...string) {
	t.Helper()
	if lost, err := writeTo(r, names...); lost != wantLost || !errors.Is(err, want) {
		t.Fatalf("writing %v: %d lost, %v; want %d, %v", names, lost, err, wantLost, want)
	}
}

func TestAFullFileIsRenamedAndSoManyAreKept(t *testing.T) {
	r := small(t, OS{}, 2)
	wrote(t, r, "a", "b", "c", "d", "e")
	holds(t, r.path, "e")
	holds(t, r.path+".1", "c", "d")
	holds(t, r.path+".2", "a", "b")
	wrote(t, r, "f")
	holds(t, r.path, "e", "f")
	wrote(t, r, "g")
	holds(t, r.path, "g")
	holds(t, r.path+".1", "e", "f")
	holds(t, r.path+".2", "c", "d")
	if _, err := os.Stat(r.path + ".3"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is one file more than two: %v", err)
	}
}

func TestOneFileMayBeKept(t *testing.T) {
	r := small(t, OS{}, 1)
	wrote(t, r, "a", "b", "c", "d", "e")
	holds(t, r.path, "e")
	holds(t, r.path+".1", "c", "d")
}

func TestAFileThatIsTooLargeAlreadyIsRenamed(t *testing.T) {
	r := small(t, OS{}, 2)
	wrote(t, r, "a", "b")
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	r.maxBytes--
	wrote(t, r, "c")
	holds(t, r.path, "c")
	holds(t, r.path+".1", "a", "b")
}

func TestOnlyFilesUpToAGapAreRenamed(t *testing.T) {
	r := small(t, OS{}, 4)
	wrote(t, r, "a", "b", "c", "d", "e", "f", "g")
	if err := os.Remove(r.path + ".2"); err != nil {
		t.Fatal(err)
	}
	wrote(t, r, "h", "i")
	holds(t, r.path, "i")
	holds(t, r.path+".1", "g", "h")
	holds(t, r.path+".2", "e", "f")
	holds(t, r.path+".3", "a", "b")
}

func TestWhatAnOutsideToolTookAwayIsNotMissed(t *testing.T) {
	r := small(t, OS{}, 2)
	wrote(t, r, "a", "b")
	if err := os.Rename(r.path, r.path+".moved"); err != nil {
		t.Fatal(err)
	}
	wrote(t, r, "c")
	holds(t, r.path, "c")
	holds(t, r.path+".moved", "a", "b")
}

func TestAnUnfinishedLineIsEndedFirst(t *testing.T) {
	r := small(t, OS{}, 2)
	r.maxBytes = LeastBytes
	if err := os.WriteFile(r.path, []byte(`{"time":"2026`), 0o600); err != nil {
		t.Fatal(err)
	}
	wrote(t, r, "a")
	wrote(t, r, "b")
	holds(t, r.path, `[{"time":"2026]`, "a", "b")
}

func TestAnUnfinishedLineIsEndedInAFullFileToo(t *testing.T) {
	r := small(t, OS{}, 2)
	torn := strings.Repeat("x", int(r.maxBytes)-10)
	if err := os.WriteFile(r.path, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	wrote(t, r, "a")
	holds(t, r.path, "a")
	if got, err := os.ReadFile(r.path + ".1"); err != nil || string(got) != torn+"\n" {
		t.Errorf("the earlier file holds %q, %v", got, err)
	}
}

// TestADiskThatFillsUp lets the disk fill up after every possible number of bytes: all lines are there or counted as lost.
func TestADiskThatFillsUp(t *testing.T) {
	all := 3 * int(lineOf("a"))
	for room := range all {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			disk := &badFiles{}
			r := small(t, disk, 2)
			r.maxBytes = LeastBytes
			left := room
			disk.write = func(p []byte) (int, error) {
				n := min(left, len(p))
				left -= n
				if n < len(p) {
					return n, errDisk
				}
				return n, nil
			}
			whole := room / int(lineOf("a"))
			failed(t, r, errDisk, 3-whole, "a", "b", "c")
			failed(t, r, errDisk, 1, "d")
			disk.write = nil
			wrote(t, r, "e")
			got := codes(t, r.path)
			var want []string
			want = append(want, []string{"a", "b", "c"}[:whole]...)
			if within := room % int(lineOf("a")); within > 0 {
				if len(got) <= whole {
					t.Fatalf("the file holds %q", got)
				}
				want = append(want, got[whole]) // what there is of the unfinished line
			}
			holds(t, r.path, append(want, "e")...)
		})
	}
}

func TestARotationThatFailsIsTriedAgainAndLosesNoFile(t *testing.T) {
	disk := &badFiles{}
	r := small(t, disk, 2)
	wrote(t, r, "a", "b", "c", "d")
	for _, stuck := range []string{"v.1", "v"} {
		disk.rename = func(from string) error {
			if from == stuck {
				return errDisk
			}
			return nil
		}
		for range 5 {
			failed(t, r, errDisk, 1, "x")
		}
		holds(t, r.path, "c", "d")
	}
	disk.rename = nil
	wrote(t, r, "e")
	holds(t, r.path, "e")
	holds(t, r.path+".1", "c", "d")
	holds(t, r.path+".2", "a", "b")
}

func TestAFileThatCannotBeRenamedDoesNotGrow(t *testing.T) {
	r := small(t, OS{}, 1)
	wrote(t, r, "a", "b")
	// Two names of one file: renaming one to the other says that it succeeded, and does nothing.
	if err := os.Link(r.path, r.path+".1"); err != nil {
		t.Skip("no hard links here: ", err)
	}
	failed(t, r, errStillFull, 2, "c", "d")
	holds(t, r.path, "a", "b")
	if err := os.Remove(r.path + ".1"); err != nil {
		t.Fatal(err)
	}
	wrote(t, r, "e")
	holds(t, r.path+".1", "a", "b")
}

func TestAFileThatCannotBeClosedIsAFailure(t *testing.T) {
	disk := &badFiles{close: errDisk}
	r := small(t, disk, 1)
	failed(t, r, errDisk, 1, "a", "b", "c")
	disk.close = nil
	wrote(t, r, "d")
	holds(t, r.path, "d")
	holds(t, r.path+".1", "a", "b")
}
