package store

import "errors"

// What may go wrong besides what the domain knows (link.ErrNotFound, link.ErrGone, link.ErrSlugTaken). Every other error
// comes from the file system or the engine and means that the node has to stop.
var (
	// ErrFormat: the data, or a stream, was written in a format this binary does not know. Nothing was changed.
	ErrFormat = errors.New("written in a format that this version does not know")
	// ErrDamaged: what is on disk, or in a stream, is not what was once written.
	ErrDamaged = errors.New("damaged")
	// ErrLocked: another store, in this process or another, has the directory open.
	ErrLocked = errors.New("the data directory is in use")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("the store is closed")
	// ErrSwapped: Replace failed after the new state was published. Which of the two states the next Open finds is not
	// known, so nothing may be applied any more.
	ErrSwapped = errors.New("failed after the new state was published")
	// ErrMisuse: the caller broke a rule of this package (a position that does not grow, a change before its position, a
	// batch used after Commit). It is a bug, and the batch can no longer be committed.
	ErrMisuse = errors.New("store used wrongly")
)
