package api

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"unicode"

	"tinyurl/api/password"
	"tinyurl/api/transfer"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// importScope is the scope of the identities of rows. It is no key's id, and the same for all keys: an import that is resumed with
// another key goes on as well.
const importScope = "import"

// importDraft judges a row as a create is judged, and makes the draft it asks for. Only an end that is over is taken: the code has
// been given out, and must not lead elsewhere.
func (r *linkRules) importDraft(row *transfer.Row, o *importOptions, by access.Holder) (link.Draft, error) {
	var want wanted
	want[inLongURL] = sent{given: true, text: row.LongURL}
	want[inTitle] = sent{given: true, text: row.Title}
	want[inTags] = sent{given: true, words: row.Tags}
	want[inCustomSlug] = sent{given: true, null: row.ShortCode == "", text: row.ShortCode}
	d, err := r.draft(&want, false)
	if err != nil {
		return link.Draft{}, err
	}
	if err := takeImported(&d, row); err != nil {
		return link.Draft{}, err
	}
	d.Owner = by.Owner
	if o.format == transfer.NDJSON { // in other files it is somebody of another service
		if d.Owner = row.Owner; len(d.Owner) > link.MaxOwner || strings.ContainsFunc(d.Owner, unicode.IsControl) {
			return link.Draft{}, invalid(link.ErrInvalidField, "owner must be the id of a user", "owner")
		}
	}
	d.Imported.Conflict = o.conflict
	d.Once = o.once(row)
	return d, nil
}

// takeImported takes what only rows of files have, or have in this form.
func takeImported(d *link.Draft, row *transfer.Row) error {
	d.ValidSince, d.ValidUntil = row.ValidSince, row.ValidUntil
	d.MaxVisits, d.Redirect, d.DropQuery, d.Disabled = row.MaxVisits, row.Redirect, row.DropQuery, row.Disabled
	// Bots never count towards MaxVisits, which is what these are for.
	d.Imported = &link.Imported{CreatedAt: row.CreatedAt, Visits: row.Visits - min(row.BotVisits, row.Visits)}
	if !d.ValidSince.IsZero() && !d.ValidUntil.IsZero() && !d.ValidUntil.After(d.ValidSince) {
		return errOrder
	}
	if d.MaxVisits > link.MaxVisitLimit {
		return wrong("maxVisits must be a whole number from 1 to "+strconv.Itoa(link.MaxVisitLimit), inMaxVisits)
	}
	if row.PasswordHash != "" {
		if err := password.Check(link.PasswordHash(row.PasswordHash)); err != nil {
			return invalid(link.ErrInvalidField, "passwordHash is none that visitors' passwords could be checked by", "passwordHash")
		}
		d.Password = link.PasswordHash(row.PasswordHash)
	}
	if err := d.Check(); err != nil {
		return wrong("a field of the row is beyond what links can have")
	}
	return nil
}

// once is the identity of a row that would otherwise make a link each time it is sent. Other rows need none: their code says
// whether they are there already. The state machine compares what was asked for by key, so each row has a key of its own; it is
// the same row as long as it leads from the same code to the same place.
func (o *importOptions) once(row *transfer.Row) *link.Once {
	if row.ShortCode != "" && o.conflict != link.Rename {
		return nil
	}
	return &link.Once{
		Scope: importScope, Key: o.id + "/" + strconv.FormatInt(row.Number, 10),
		Body: sha256.Sum256([]byte(row.ShortCode + "\n" + row.LongURL)),
	}
}
