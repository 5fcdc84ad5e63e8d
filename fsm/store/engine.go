package store

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// engineFormat pins the engine's own format. Raising it makes the data unreadable to older binaries, so storeFormat rises
// with it.
const engineFormat = pebble.FormatTableFormatV6

// bloomBits per key give one false look-up in a hundred: most look-ups of a create miss.
const bloomBits = 10

// engineOptions are the engine's options for a store or a checkpoint of it.
func engineOptions(o Options, f *failure) *pebble.Options {
	p := &pebble.Options{
		FS:                          o.FS,
		FormatMajorVersion:          engineFormat,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: memTables,
		Logger:                      engineLog{logger: o.Logger, failed: f},
		EventListener: &pebble.EventListener{
			BackgroundError: f.report,
			DataCorruption:  func(info pebble.DataCorruptionInfo) { f.report(fmt.Errorf("%w: %v", ErrDamaged, info)) },
		},
		CompactionConcurrencyRange: func() (int, int) { return 1, max(1, min(3, runtime.GOMAXPROCS(0)/2)) },
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		p.Levels[i].FilterType = pebble.TableFilter
	}
	return p
}

// openEngine opens the engine in path. What it finds damaged is ErrDamaged, also where the engine gives up by panicking.
func openEngine(path string, p *pebble.Options) (db *pebble.DB, err error) {
	defer recoverFault(&err)
	db, err = pebble.Open(path, p)
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return nil, fmt.Errorf("%w: there is no data in %s: %w", ErrDamaged, path, err)
	default:
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
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
