package store

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// engineFormat pins the engine's own format. Raising it makes the data unreadable to older binaries, so storeFormat rises
// with it.
const engineFormat = pebble.FormatTableFormatV6

// bloomBits per key give one false look-up in a hundred: most look-ups of a create miss.
const bloomBits = 10

// engineOptions are the engine's options for a store or a checkpoint of it.
func engineOptions(o Options, a *alarm) *pebble.Options {
	p := &pebble.Options{
		FS:                          o.FS,
		FormatMajorVersion:          engineFormat,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: memTables,
		Logger:                      engineLog{logger: o.Logger, alarm: a},
		EventListener: &pebble.EventListener{
			BackgroundError: a.report,
			DataCorruption:  func(info pebble.DataCorruptionInfo) { a.report(fmt.Errorf("%w: %v", ErrDamaged, info)) },
		},
		CompactionConcurrencyRange: func() (int, int) { return 1, max(1, min(3, runtime.GOMAXPROCS(0)/2)) },
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		p.Levels[i].FilterType = pebble.TableFilter
	}
	return p
}

// openEngine opens the engine in path. That it finds something missing or malformed is ErrDamaged; that the file system
// refuses a call is not.
func openEngine(path string, p *pebble.Options, a *alarm) (db *pebble.DB, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open %s: %w", path, explainOpen(err))
		}
	}()
	defer a.recoverFault(&err)
	return pebble.Open(path, p)
}

// explainOpen is explain for the engine's refusal to open, most of which it does not mark as corruption.
func explainOpen(err error) error {
	err = explain(err)
	var call syscall.Errno
	if errors.Is(err, ErrDamaged) || errors.As(err, &call) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// readEngine copies the value of a key; nil if it has no row.
func readEngine(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err)
	}
	defer closer.Close()
	return append([]byte{}, value...), nil
}
