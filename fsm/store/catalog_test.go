package store

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func TestCurrentIsGolden(t *testing.T) {
	want := "tinyurl store format 3\ngeneration 000042\ncrc32c " // and eight digits
	if got := currentText(42); !strings.HasPrefix(got, want) || len(got) != len(want)+9 {
		t.Errorf("CURRENT is %q", got)
	}
}

func TestCurrentIsReadStrictly(t *testing.T) {
	good := currentText(42)
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"good":                      {good, nil},
		"a newer format":            {"tinyurl store format 4\nwhatever", ErrFormat},
		"an older format":           {strings.Replace(good, "format 3", "format 2", 1), ErrFormat},
		"a newer format alone":      {"tinyurl store format 100", ErrFormat},
		"format 0":                  {strings.Replace(good, "format 3", "format 0", 1), ErrDamaged},
		"no format":                 {strings.Replace(good, "format 3", "format x", 1), ErrDamaged},
		"empty":                     {"", ErrDamaged},
		"cut off":                   {good[:len(good)-1], ErrDamaged},
		"the first line":            {good[:23], ErrDamaged},
		"too long":                  {good + "\n", ErrDamaged},
		"another generation":        {strings.Replace(good, "42", "43", 1), ErrDamaged},
		"a generation out of shape": {strings.Replace(good, "000042", "42", 1), ErrDamaged},
	} {
		number, err := parseCurrent(c.text)
		if !errors.Is(err, c.want) || c.want == nil && number != 42 {
			t.Errorf("%s: generation %d, %v, want %v", name, number, err, c.want)
		}
	}
}

func TestGenerationNamesAreCanonical(t *testing.T) {
	for name, want := range map[string]uint64{
		"000001": 1, "123456": 123456, "1234567": 1234567, "0000001": 0, "000000": 0, "1": 0, "00001x": 0, "": 0, "-00001": 0, "+00001": 0,
	} {
		if got, ok := parseGeneration(name); got != want && ok || ok != (want != 0) {
			t.Errorf("%q is generation %d, %v", name, got, ok)
		}
	}
}

func TestPublishReplacesCurrentWhole(t *testing.T) {
	fs := vfs.NewCrashableMem()
	c := catalog{fs: fs, dir: "a/b"}
	if err := MakeDir(fs, c.dir); err != nil {
		t.Fatal(err)
	}
	for number := uint64(1); number < 4; number++ {
		if err := c.publish(number); err != nil {
			t.Fatal(err)
		}
		// What was published is there after a crash that loses all that was not synced, its directories included.
		crashed := catalog{fs: fs.CrashClone(vfs.CrashCloneCfg{}), dir: c.dir}
		if got, err := crashed.live(); got != number || err != nil {
			t.Errorf("after a crash generation %d is live, %v, want %d", got, err, number)
		}
	}
}

func TestPublishSaysWhetherItMayHaveHappened(t *testing.T) {
	for _, c := range []struct {
		kind    errorfs.OpKind
		swapped bool
	}{{errorfs.OpCreate, false}, {errorfs.OpFileWrite, false}, {errorfs.OpFileSync, false}, {errorfs.OpRename, false}, {errorfs.OpOpenDir, true}} {
		mem := vfs.NewMem()
		good := catalog{fs: mem, dir: ""}
		if err := good.publish(1); err != nil {
			t.Fatal(err)
		}
		bad := catalog{dir: "", fs: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == c.kind {
				return errorfs.ErrInjected
			}
			return nil
		}))}
		err := bad.publish(2)
		if !errors.Is(err, errorfs.ErrInjected) || errors.Is(err, ErrSwapped) != c.swapped {
			t.Errorf("operation %d fails: %v", c.kind, err)
		}
		if got, err := good.live(); err != nil || (got == 2) != c.swapped {
			t.Errorf("operation %d fails: generation %d is live, %v", c.kind, got, err)
		}
	}
}

func TestLeftoversAreOursOnly(t *testing.T) {
	fs := vfs.NewMem()
	c := catalog{fs: fs, dir: "d"}
	for _, dir := range []string{"000001", "000002", "000003.load", "1000000", "000004.loads", "x", "0005"} {
		if err := fs.MkdirAll("d/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.write(fileTemp, ""), c.write(fileCurrent, ""), c.write("other", "")); err != nil {
		t.Fatal(err)
	}
	names, highest, err := c.leftovers(2)
	slices.Sort(names)
	if want := []string{"000001", "000003.load", "1000000", "CURRENT.tmp"}; err != nil || !slices.Equal(names, want) || highest != 1000000 {
		t.Errorf("%v, highest %d, %v", names, highest, err)
	}
	if err := c.remove(append(names, "not there")...); err != nil {
		t.Fatal(err)
	}
	if names, _, err = c.leftovers(2); len(names) != 0 || err != nil {
		t.Errorf("left are %v, %v", names, err)
	}
}
