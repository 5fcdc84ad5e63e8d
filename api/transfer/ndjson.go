package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// ownLink is a line of our own export: the link as the API shows it, with the hash of its password.
type ownLink struct {
	ShortCode      string   `json:"shortCode"`
	ShortURL       string   `json:"shortUrl"`
	LongURL        string   `json:"longUrl"`
	Title          string   `json:"title"`
	Tags           []string `json:"tags"`
	Owner          string   `json:"owner"`
	CreatedAt      *stamp   `json:"createdAt"`
	UpdatedAt      *stamp   `json:"updatedAt"`
	ValidSince     *stamp   `json:"validSince"`
	ValidUntil     *stamp   `json:"validUntil"`
	MaxVisits      *count   `json:"maxVisits"`
	RedirectStatus int      `json:"redirectStatus"`
	ForwardQuery   *bool    `json:"forwardQuery"`
	Enabled        *bool    `json:"enabled"`
	HasPassword    bool     `json:"hasPassword"`
	PasswordHash   string   `json:"passwordHash,omitempty"`
	Visits         tally    `json:"visits"`
	Version        count    `json:"version"`
}

// tally is how the API shows visits.
type tally struct {
	Total   count `json:"total"`
	NonBots count `json:"nonBots"`
	Bots    count `json:"bots"`
}

// stamp is a time as the API writes it. It reads what moment reads.
type stamp struct{ moment }

// stampLayout is RFC 3339 in UTC with milliseconds.
const stampLayout = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes a stamp.
func (s stamp) MarshalJSON() ([]byte, error) {
	return s.UTC().AppendFormat(nil, `"`+stampLayout+`"`), nil
}

// stampOf gives nil for no time.
func stampOf(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	return &stamp{moment{t}}
}

// timeOf gives the zero time for nil.
func timeOf(s *stamp) time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.Time
}

// shortURL gives what people type; nothing for a link that has no code yet.
func shortURL(base, code string) string {
	if code == "" {
		return ""
	}
	return base + "/" + code
}

// ownOf gives the line of a row.
func ownOf(row *Row, base string) ownLink {
	forward, enabled := !row.DropQuery, !row.Disabled
	own := ownLink{
		ShortCode: row.ShortCode, ShortURL: shortURL(base, row.ShortCode), LongURL: row.LongURL, Title: row.Title, Tags: row.Tags,
		Owner: row.Owner, CreatedAt: stampOf(row.CreatedAt), UpdatedAt: stampOf(row.UpdatedAt),
		ValidSince: stampOf(row.ValidSince), ValidUntil: stampOf(row.ValidUntil),
		RedirectStatus: row.Redirect.Status(), ForwardQuery: &forward, Enabled: &enabled,
		HasPassword: row.PasswordHash != "", PasswordHash: row.PasswordHash,
		Visits:  tally{Total: count(row.Visits), NonBots: count(row.Visits - row.BotVisits), Bots: count(row.BotVisits)},
		Version: count(row.Version),
	}
	if row.MaxVisits > 0 {
		limit := count(row.MaxVisits)
		own.MaxVisits = &limit
	}
	if own.Tags == nil {
		own.Tags = []string{}
	}
	return own
}

// decodeOwn reads a line of our own export. A member of an unknown name is a fault: it would be lost without a word.
func decodeOwn(text []byte) (Row, error) {
	if !utf8.Valid(text) {
		return Row{}, notUTF8
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var own ownLink
	if err := decoder.Decode(&own); err != nil {
		if strings.HasPrefix(err.Error(), "json: unknown field") { // the library has no other sign of it
			return Row{}, fault("the row has a member of an unknown name")
		}
		return Row{}, jsonFault(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Row{}, fault("the line holds more than one link")
	}
	if repeats(json.NewDecoder(bytes.NewReader(text))) {
		return Row{}, fault("the row has a member twice")
	}
	return own.row()
}

// repeats reports whether an object of the next value, which is sound JSON, has two members of one name. The parser takes the last of them,
// whatever its case, and others may take the first.
func repeats(decoder *json.Decoder) bool {
	token, err := decoder.Token()
	if open, ok := token.(json.Delim); err != nil || !ok || open != '{' && open != '[' {
		return false
	}
	names := make(map[string]bool)
	for decoder.More() {
		if token == json.Delim('{') {
			name, _ := decoder.Token()
			folded := strings.ToLower(strings.ToUpper(fmt.Sprint(name)))
			if names[folded] {
				return true
			}
			names[folded] = true
		}
		if repeats(decoder) {
			return true
		}
	}
	_, err = decoder.Token()
	return err != nil
}

// row is the inverse of ownOf.
func (own *ownLink) row() (Row, error) {
	if own.HasPassword && own.PasswordHash == "" {
		return Row{}, unknownPassword
	}
	redirect, err := redirectOf(own.RedirectStatus)
	if err != nil {
		return Row{}, err
	}
	row := Row{
		ShortCode: own.ShortCode, LongURL: own.LongURL, Title: own.Title, Tags: filled(own.Tags), Owner: own.Owner,
		CreatedAt: timeOf(own.CreatedAt), UpdatedAt: timeOf(own.UpdatedAt),
		ValidSince: timeOf(own.ValidSince), ValidUntil: timeOf(own.ValidUntil),
		Redirect:     redirect,
		DropQuery:    own.ForwardQuery != nil && !*own.ForwardQuery,
		Disabled:     own.Enabled != nil && !*own.Enabled,
		PasswordHash: own.PasswordHash,
		Visits:       uint64(max(own.Visits.Total, own.Visits.NonBots+own.Visits.Bots)),
		BotVisits:    uint64(own.Visits.Bots),
		Version:      uint64(own.Version),
	}
	if own.MaxVisits != nil {
		row.MaxVisits = uint64(*own.MaxVisits)
	}
	row.ShortCode, err = parseCode(own.ShortCode)
	return row, err
}
