package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const (
	// importPatience is how long a batch is tried again while there is no leader, or too much to do.
	importPatience = 30 * time.Second
	// importPauseFirst and importPauseMost bound the pause between two tries.
	importPauseFirst = 50 * time.Millisecond
	importPauseMost  = time.Second
)

// runBatch finds out what becomes of the rows of a batch: of all, unless it ends with an error.
func (i *importCalls) runBatch(ctx context.Context, by access.Holder, dryRun bool, b *importBatch) {
	defer close(b.done)
	defer func() {
		// No recovery of net/http's or gin's reaches here.
		if cause := recover(); cause != nil {
			logPanic(i.logger, "POST", base+"/import", cause)
			b.err = errInternal
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, importPatience)
	defer cancel()
	var open []*importRow
	for n := range b.rows {
		if b.rows[n].fate == undecided {
			open = append(open, &b.rows[n])
		}
	}
	try := i.makeRows
	if dryRun {
		try = i.foresee
	}
	for pause := importPauseFirst; len(open) > 0; pause = min(2*pause, importPauseMost) {
		var again error
		if open, again, b.err = i.tryRows(ctx, by, open, try); b.err != nil || len(open) == 0 {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			b.err = again
			return
		}
	}
}

// tryRows tries rows once, within the time of a call. It gives those that may do better in a moment, with the reason; an error is for
// all of them.
func (i *importCalls) tryRows(
	ctx context.Context, by access.Holder, rows []*importRow, try func(context.Context, access.Holder, []*importRow) ([]error, error),
) (open []*importRow, again, err error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	errs, err := try(ctx, by, rows)
	if passing(err) {
		return rows, err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for n, row := range rows {
		switch {
		case errs[n] == nil:
		case passing(errs[n]):
			open, again = append(open, row), errs[n]
		case !aboutRow(errs[n]):
			return nil, nil, errs[n]
		default:
			row.fate, row.err = failed, aboutDraft(errs[n], row.draft)
		}
	}
	return open, again, nil
}

// passing reports whether the same may do better in a moment. Whether it took effect is unknown.
func passing(err error) bool {
	return errors.Is(err, link.ErrNoLeader) || errors.Is(err, link.ErrOverloaded) || errors.Is(err, context.DeadlineExceeded)
}

// aboutRow reports whether a refusal is one row's own. Any other, such as a full disk or a key that was revoked, would meet all that
// follow.
func aboutRow(err error) bool {
	for _, own := range [...]error{
		link.ErrInvalidTarget, link.ErrInvalidSlug, link.ErrSlugReserved, link.ErrInvalidField, link.ErrKeyReused, link.ErrTargetDenied,
		link.ErrSlugTaken,
	} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// makeRows asks the cluster for the links. It decides the rows that have no error.
func (i *importCalls) makeRows(ctx context.Context, by access.Holder, rows []*importRow) ([]error, error) {
	drafts := make([]link.Draft, len(rows))
	for n, row := range rows {
		drafts[n] = row.draft
	}
	made, err := create(ctx, i.links, by, drafts)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(rows))
	for n, row := range rows {
		switch code, slug := made[n].Link.Code, row.draft.Slug; {
		case errors.Is(made[n].Err, link.ErrSlugTaken) && row.draft.Imported.Conflict == link.Refuse:
			errs[n] = i.skip(ctx, by, row)
		case made[n].Err != nil:
			errs[n] = made[n].Err
		case made[n].Found:
			row.fate = overwritten
		case slug != "" && code != slug:
			row.fate, row.code = renamed, code
		default:
			row.fate = created
		}
	}
	return errs, nil
}

// skip decides a row whose code is taken: it is worth a word unless it leads to the same place, as after an import that is resumed.
func (i *importCalls) skip(ctx context.Context, by access.Holder, row *importRow) error {
	there, err := i.links.Get(ctx, by, row.draft.Slug, true)
	if errors.Is(err, link.ErrNotFound) { // this node may be behind the one that said so
		there, err = i.links.Get(ctx, by, row.draft.Slug, false)
	}
	switch {
	case err == nil && there.Target == row.draft.Target:
		row.fate = skipped
	case err == nil, errors.Is(err, link.ErrNotFound), errors.Is(err, link.ErrGone):
		row.fate, row.err = skipped, aboutDraft(link.ErrSlugTaken, row.draft)
	default:
		return fmt.Errorf("look at a code that is taken: %w", err)
	}
	return nil
}

// foresee decides rows as makeRows would, as far as this node can tell without writing anything.
func (i *importCalls) foresee(ctx context.Context, by access.Holder, rows []*importRow) ([]error, error) {
	errs := make([]error, len(rows))
	for n, row := range rows {
		denied, err := i.knownDenied(ctx, row.draft.Target)
		if err != nil {
			return nil, err
		}
		if denied {
			errs[n] = link.ErrTargetDenied
			continue
		}
		row.fate = created
		if row.draft.Slug == "" {
			continue
		}
		there, err := i.links.Get(ctx, by, row.draft.Slug, true)
		switch taken := err == nil || errors.Is(err, link.ErrGone); {
		case errors.Is(err, link.ErrNotFound):
		case !taken:
			return nil, fmt.Errorf("look whether a code is taken: %w", err)
		case row.draft.Imported.Conflict == link.Rename:
			row.fate = renamed
		case row.draft.Imported.Conflict == link.Overwrite && err == nil:
			row.fate = overwritten
		case row.draft.Imported.Conflict == link.Overwrite:
			errs[n] = link.ErrSlugTaken // it was deleted for ever
		case err == nil && there.Target == row.draft.Target:
			row.fate = skipped
		default:
			row.fate, row.err = skipped, aboutDraft(link.ErrSlugTaken, row.draft)
		}
	}
	return errs, nil
}

// knownDenied reports whether this node knows the host of a target as denied for the whole cluster.
func (i *importCalls) knownDenied(ctx context.Context, target link.Target) (bool, error) {
	host := link.HostOf(target)
	if i.denials == nil || host == "" {
		return false, nil
	}
	denied, err := i.denials.IsDenied(ctx, host)
	if err != nil {
		err = fmt.Errorf("look whether a host is denied: %w", err)
	}
	return denied, err
}
