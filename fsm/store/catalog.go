package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Names in a store's directory. Everything else in it is left alone.
const (
	fileCurrent = "CURRENT"     // names the live generation
	fileTemp    = "CURRENT.tmp" // the next CURRENT, until it is renamed
	fileFirst   = "FIRST"       // there has never been a CURRENT: what lies here was not yet published
	fileLock    = "LOCK"        // held while the store is open
	suffixLoad  = ".load"       // tables of a generation that is being built
)

// maxCurrent bounds what is read of CURRENT, in bytes.
const maxCurrent = 4096

// catalog knows which generation of a store is live. A generation is a directory named by a number of six digits or more;
// CURRENT is replaced by a synced rename, so after a crash it names the old generation or the new one, whole.
type catalog struct {
	fs  FS
	dir string
}

func (c catalog) path(name string) string { return c.fs.PathJoin(c.dir, name) }

// generation gives the path of a generation's directory.
func (c catalog) generation(number uint64) string { return c.path(generationName(number)) }

func generationName(number uint64) string { return fmt.Sprintf("%06d", number) }

// parseGeneration undoes generationName.
func parseGeneration(name string) (uint64, bool) {
	number, err := strconv.ParseUint(name, 10, 64)
	return number, err == nil && number > 0 && generationName(number) == name
}

// currentText is what CURRENT holds. The format comes first and stays readable for ever.
func currentText(number uint64) string {
	text := fmt.Sprintf("tinyurl store format %d\ngeneration %s\n", storeFormat, generationName(number))
	return text + fmt.Sprintf("crc32c %08x\n", crc32.Checksum([]byte(text), castagnoli))
}

// parseCurrent undoes currentText.
func parseCurrent(text string) (uint64, error) {
	lines := strings.Split(text, "\n")
	format, ok := strings.CutPrefix(lines[0], "tinyurl store format ")
	if number, err := strconv.ParseUint(format, 10, 64); ok && err == nil && number > 0 && number != storeFormat {
		return 0, fmt.Errorf("%w: format %d, known is %d", ErrFormat, number, storeFormat)
	}
	if len(lines) > 1 {
		name, _ := strings.CutPrefix(lines[1], "generation ")
		if number, ok := parseGeneration(name); ok && currentText(number) == text {
			return number, nil
		}
	}
	return 0, fmt.Errorf("%w: CURRENT does not say which generation is live", ErrDamaged)
}

// live reads CURRENT; 0 means that there is none.
func (c catalog) live() (uint64, error) {
	f, err := c.fs.Open(c.path(fileCurrent))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCurrent))
	if err != nil {
		return 0, fmt.Errorf("read CURRENT: %w", err)
	}
	return parseCurrent(string(text))
}

// publish makes a generation the live one. The error is ErrSwapped if the rename may already be on disk.
func (c catalog) publish(number uint64) error {
	if err := c.write(fileTemp, currentText(number)); err != nil {
		return fmt.Errorf("write CURRENT: %w", err)
	}
	if err := c.fs.Rename(c.path(fileTemp), c.path(fileCurrent)); err != nil {
		return fmt.Errorf("rename CURRENT: %w", err)
	}
	if err := c.sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrSwapped, err)
	}
	return nil
}

// write makes a small file and syncs it, but not the directory.
func (c catalog) write(name, text string) error {
	f, err := c.fs.Create(c.path(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// sync makes the names in the directory durable.
func (c catalog) sync() error { return SyncDir(c.fs, c.dir) }

// has says whether a name exists.
func (c catalog) has(name string) (bool, error) {
	_, err := c.fs.Stat(c.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// leftovers lists what a crash may have left behind, beside the live generation: other generations, tables that were
// being loaded, and CURRENT.tmp. highest is the highest generation there is, live or not.
func (c catalog) leftovers(live uint64) (names []string, highest uint64, err error) {
	list, err := c.fs.List(c.dir)
	if err != nil {
		return nil, 0, err
	}
	for _, name := range list {
		number, isGeneration := parseGeneration(name)
		load, isLoad := strings.CutSuffix(name, suffixLoad)
		if _, ok := parseGeneration(load); !ok {
			isLoad = false
		}
		highest = max(highest, number)
		if isGeneration && number != live || isLoad || name == fileTemp {
			names = append(names, name)
		}
	}
	return names, highest, nil
}

// remove removes names from the directory, for good.
func (c catalog) remove(names ...string) error {
	for _, name := range names {
		if err := c.fs.RemoveAll(c.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return c.sync()
}
