package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableBytes is about how large the tables of a loaded state become.
const tableBytes = 64 << 20

// Replace puts the state in a stream in the place of the store's own, position included. The new state is built and
// verified beside the old one, which is read all the while, and then swapped in: a crash leaves one or the other, whole.
//
// accept is shown the header first and may refuse it; nil accepts all that is of the store's group. ErrFormat, ErrDamaged,
// accept's and the reader's error: the old state is untouched. ErrSwapped: the failure came after the new state was
// published, and the node has to stop.
func (s *Store) Replace(r io.Reader, accept func(Header) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	s.highest++
	number := s.highest
	g, err := s.build(number, r, accept)
	if err != nil {
		return errors.Join(fmt.Errorf("replace the state: %w", err), s.discard(number))
	}
	if err := s.catalog.publish(number); err != nil {
		err = fmt.Errorf("replace the state: %w", err)
		g.retire()
		err = errors.Join(err, g.shut())
		if errors.Is(err, ErrSwapped) {
			s.failed.report(err)
			return err
		}
		return errors.Join(err, s.discard(number))
	}
	g.alarm.arm()
	old := s.live.Swap(g)
	old.retire()
	s.retiring.Go(func() { s.retire(old) })
	return nil
}

// retire closes a generation that is no longer live, once its last reader is gone, and removes it.
func (s *Store) retire(old *generation) {
	err := errors.Join(old.shut(), s.catalog.remove(generationName(old.number)))
	if err != nil { // the next Open tries again
		s.logger.Warn("store: an old generation stays behind", "generation", old.number, "error", err)
	}
}

// discard removes what build left.
func (s *Store) discard(number uint64) error {
	name := generationName(number)
	return s.catalog.remove(name, name+suffixLoad)
}

// build makes a durable, verified generation out of a stream.
func (s *Store) build(number uint64, r io.Reader, accept func(Header) error) (*generation, error) {
	dir := s.catalog.path(generationName(number) + suffixLoad)
	if err := MakeDir(s.catalog.fs, dir); err != nil {
		return nil, err
	}
	l := &loader{fs: s.catalog.fs, dir: dir, options: tableOptions(s.options)}
	h, err := readStream(r, func(h Header) error {
		if h.Group != s.schema.group {
			return fmt.Errorf("%w: the stream is of group %d, the store of group %d", ErrDamaged, h.Group, s.schema.group)
		}
		if accept != nil {
			return accept(h)
		}
		return nil
	}, l.add)
	if err = errors.Join(err, l.finish()); err != nil {
		return nil, err
	}
	g, err := s.create(number, h.meta(), l.paths)
	if err != nil {
		return nil, err
	}
	if err := s.catalog.remove(generationName(number) + suffixLoad); err != nil {
		return nil, errors.Join(err, g.alarm.shut(g.db))
	}
	return g, nil
}

// loader writes rows that come in key order into tables, which the engine then takes in as they are.
type loader struct {
	fs      FS
	dir     string
	options sstable.WriterOptions
	table   *sstable.Writer // nil between two tables
	size    uint64          // bytes of rows in table
	paths   []string        // all tables, in order
}

// tableOptions are for tables at the engine's lowest level, which is where the engine puts them.
func tableOptions(o Options) sstable.WriterOptions {
	p := engineOptions(o, &alarm{})
	p.EnsureDefaults()
	return p.MakeWriterOptions(len(p.Levels)-1, engineFormat.MaxTableFormat())
}

// add writes one row.
func (l *loader) add(key, value []byte) error {
	if l.table == nil {
		path := l.fs.PathJoin(l.dir, fmt.Sprintf("%06d.sst", len(l.paths)+1))
		f, err := l.fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		l.table, l.size = sstable.NewWriter(objstorageprovider.NewFileWritable(f), l.options), 0
		l.paths = append(l.paths, path)
	}
	if err := l.table.Set(key, value); err != nil {
		return err
	}
	if l.size += recordSize(key, value); l.size >= tableBytes {
		return l.finish()
	}
	return nil
}

// finish closes the table at hand; its bytes are durable then.
func (l *loader) finish() error {
	if l.table == nil {
		return nil
	}
	err := l.table.Close()
	l.table = nil
	return explain(err)
}

// ingest gives tables to an engine that holds nothing yet. They are durable parts of it when it returns.
func ingest(db *pebble.DB, tables []string) error {
	if len(tables) == 0 {
		return nil
	}
	return explain(db.Ingest(context.Background(), tables))
}
