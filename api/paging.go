package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"tinyurl/fsm/link"
)

// A page of a list tells with its cursor where the next one begins. To clients a cursor is a word without meaning; in it are a
// version, the place where the page ended, and a sum over both and the query, by which a cursor is known that was changed on the
// way or belongs to another query. It is no secret: all that a made-up cursor gets at is what the query gets at anyway.

const (
	// cursorVersion is the first byte of a cursor.
	cursorVersion = 1
	// cursorSum is how much of the sum there is in a cursor, in bytes.
	cursorSum = 12
	// maxCursor is the longest cursor that is read, in bytes.
	maxCursor = 512
)

// seal makes the cursor of a place in what a query finds.
func seal(query string, place []byte) string {
	token := append([]byte{cursorVersion}, place...)
	sum := sha256.Sum256(append([]byte(strconv.Quote(query)), token...))
	return base64.RawURLEncoding.EncodeToString(append(token, sum[:cursorSum]...))
}

// unseal gives back the place of a cursor. errCursor: seal did not make it for this query.
func unseal(query, text string) ([]byte, error) {
	refused := invalid(errCursor, errCursor.Error(), "cursor")
	if len(text) > maxCursor {
		return nil, refused
	}
	token, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(token) < 1+cursorSum {
		return nil, refused
	}
	place := token[1 : len(token)-cursorSum]
	// This also tells other spellings of the same bytes, which are none of ours.
	if seal(query, place) != text {
		return nil, refused
	}
	return place, nil
}

// limitOf reads the parameter that says how long a page may be.
func limitOf(c *call, usual, most int) (int, error) {
	if !c.query.Has("limit") {
		return usual, nil
	}
	n, err := strconv.Atoi(c.query.Get("limit"))
	if err != nil || n < 1 || n > most {
		return 0, invalid(link.ErrInvalidField, "limit must be a number from 1 to "+strconv.Itoa(most), "limit")
	}
	return n, nil
}
