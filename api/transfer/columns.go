package transfer

import (
	"slices"
	"strings"
	"time"

	"tinyurl/fsm/link"
)

// field names what a cell may hold.
type field uint8

const (
	longURLField field = iota
	shortCodeField
	titleField
	tagsField
	createdAtField
	validUntilField
	visitsField
	validSinceField
	maxVisitsField
	redirectField
	forwardField
	enabledField
	hashField
	protectedField
	ownerField
	updatedAtField
	botsField
	versionField
	fieldCount
)

// maxColumns is the most columns of a file.
const maxColumns = 256

// names are the folded names of the columns that hold each field, the strongest first: where a row has two of them, the
// stronger one that is not empty counts.
var names = [fieldCount][]string{
	longURLField: {"longurl", "url", "destinationurl", "destination", "target", "originalurl", "longlink", "long"},
	shortCodeField: {
		"shortcode", "keyword", "slug", "alias", "customslug", "address", "shortid", "shortlink", "custombitlink", "backhalf",
		"source", "shorturl", "short", "key",
	},
	titleField:      {"title", "description", "note", "notes", "comment", "comments"},
	tagsField:       {"tags", "tag"},
	createdAtField:  {"createdat", "created", "datecreated", "timestamp", "creationdate"},
	validUntilField: {"validuntil", "expiresat", "expirein", "expirytime", "expiration"},
	visitsField:     {"clicks", "hits", "visits", "visitcount", "viewcount"},
	validSinceField: {"validsince"},
	maxVisitsField:  {"maxvisits"},
	redirectField:   {"redirectstatus"},
	forwardField:    {"forwardquery"},
	enabledField:    {"enabled"},
	hashField:       {"passwordhash"},
	protectedField:  {"haspassword"},
	ownerField:      {"owner"},
	updatedAtField:  {"updatedat"},
	botsField:       {"botvisits"},
	versionField:    {"version"},
}

// setters put the text of a cell, never empty, into a row.
var setters = [fieldCount]func(row *Row, cell string) error{
	longURLField:    setText(func(row *Row) *string { return &row.LongURL }),
	shortCodeField:  setParsed(func(row *Row) *string { return &row.ShortCode }, parseCode),
	titleField:      setText(func(row *Row) *string { return &row.Title }),
	tagsField:       func(row *Row, cell string) error { row.Tags = splitTags(cell); return nil },
	createdAtField:  setParsed(func(row *Row) *time.Time { return &row.CreatedAt }, parseTime),
	validUntilField: setParsed(func(row *Row) *time.Time { return &row.ValidUntil }, parseTime),
	visitsField:     setParsed(func(row *Row) *uint64 { return &row.Visits }, parseCount),
	validSinceField: setParsed(func(row *Row) *time.Time { return &row.ValidSince }, parseTime),
	maxVisitsField:  setParsed(func(row *Row) *uint64 { return &row.MaxVisits }, parseCount),
	redirectField:   setParsed(func(row *Row) *link.Redirect { return &row.Redirect }, parseRedirect),
	forwardField:    setParsed(func(row *Row) *bool { return &row.DropQuery }, parseNot),
	enabledField:    setParsed(func(row *Row) *bool { return &row.Disabled }, parseNot),
	hashField:       setText(func(row *Row) *string { return &row.PasswordHash }),
	protectedField:  checkProtected,
	ownerField:      setText(func(row *Row) *string { return &row.Owner }),
	updatedAtField:  setParsed(func(row *Row) *time.Time { return &row.UpdatedAt }, parseTime),
	botsField:       setParsed(func(row *Row) *uint64 { return &row.BotVisits }, parseCount),
	versionField:    setParsed(func(row *Row) *uint64 { return &row.Version }, parseCount),
}

func setText(place func(*Row) *string) func(*Row, string) error {
	return func(row *Row, cell string) error {
		*place(row) = cell
		return nil
	}
}

func setParsed[T any](place func(*Row) *T, parse func(string) (T, error)) func(*Row, string) error {
	return func(row *Row, cell string) error {
		value, err := parse(cell)
		*place(row) = value
		return err
	}
}

// parseNot reads the opposite of a bool.
func parseNot(s string) (bool, error) {
	value, err := parseBool(s)
	return !value, err
}

// checkProtected is for the column that only tells of a password. Its field comes after that of the hash.
func checkProtected(row *Row, cell string) error {
	protected, err := parseBool(cell)
	if err == nil && protected && row.PasswordHash == "" {
		return unknownPassword
	}
	return err
}

// fold makes one of all the spellings of a column's name: "Created At", "created_at" and "createdAt".
func fold(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		switch r {
		case ' ', '_', '-', '\u00a0', '\ufeff':
			return -1
		}
		return r
	}, name))
}

// columns say which cells of a row hold which field.
type columns struct {
	count int
	// places are the cells of each field, the strongest first.
	places [fieldCount][]int
	// labels are the strongest names of the fields as the file spells them, for messages.
	labels [fieldCount]string
}

// newColumns reads the names of the columns, in their order. Columns of unknown names are for no field. It fails where there
// are too many, or none for the long URL.
func newColumns(header []string) (columns, error) {
	if len(header) > maxColumns {
		return columns{}, unreadable("it has more than %d columns", maxColumns)
	}
	made := columns{count: len(header)}
	folded := make([]string, len(header))
	for i, name := range header {
		folded[i] = fold(name)
	}
	for f := range fieldCount {
		for _, name := range names[f] {
			for place, have := range folded {
				if have == name {
					made.places[f] = append(made.places[f], place)
				}
			}
			if made.labels[f] == "" && len(made.places[f]) > 0 {
				made.labels[f] = name
			}
		}
	}
	if made.places[longURLField] == nil {
		return columns{}, unreadable("it has no column for the long URL")
	}
	return made, nil
}

// row makes a row of its cells. Every error is a fault.
func (c *columns) row(cells []string) (Row, error) {
	if len(cells) > c.count && !allEmpty(cells[c.count:]) || len(cells) < c.count {
		return Row{}, faultf("the row has %d cells, not %d as the header", len(cells), c.count)
	}
	var row Row
	for f := range fieldCount {
		cell := c.cell(f, cells)
		if cell == "" {
			continue
		}
		if err := setters[f](&row, cell); err != nil {
			return Row{}, inColumn(c.labels[f], err)
		}
	}
	return row, nil
}

// cell gives the text that counts for a field.
func (c *columns) cell(f field, cells []string) string {
	for _, place := range c.places[f] {
		if cells[place] != "" {
			return cells[place]
		}
	}
	return ""
}

// inColumn says where a fault is.
func inColumn(label string, err error) error { return faultf("%s: %s", label, err) }

func allEmpty(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}
