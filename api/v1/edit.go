package v1

import "encoding/json"

// EditLink asks for changes of a link. A field whose Change is zero stays as it is; Set gives it a value, and Clear its default,
// which is none but for RedirectStatus (302), ForwardQuery and Enabled (true).
type EditLink struct {
	// LongURL cannot be cleared.
	LongURL    Change[string]   `json:"longUrl,omitzero"`
	Title      Change[string]   `json:"title,omitzero"`
	Tags       Change[[]string] `json:"tags,omitzero"`
	ValidSince Change[Time]     `json:"validSince,omitzero"`
	ValidUntil Change[Time]     `json:"validUntil,omitzero"`
	// ExpiresIn ends the link so long after the edit. It cannot be cleared; ValidUntil can.
	ExpiresIn      Change[string] `json:"expiresIn,omitzero"`
	MaxVisits      Change[uint64] `json:"maxVisits,omitzero"`
	RedirectStatus Change[int]    `json:"redirectStatus,omitzero"`
	ForwardQuery   Change[bool]   `json:"forwardQuery,omitzero"`
	Enabled        Change[bool]   `json:"enabled,omitzero"`
	Password       Change[string] `json:"password,omitzero"`
}

// Change is what an edit does to one field. The zero Change does nothing.
type Change[T any] struct {
	made  bool
	value *T
}

// Set gives a field a value.
func Set[T any](value T) Change[T] { return Change[T]{made: true, value: &value} }

// Clear takes a field's value away.
func Clear[T any]() Change[T] { return Change[T]{made: true} }

// IsZero reports whether nothing changes, so that the field is not sent.
func (c Change[T]) IsZero() bool { return !c.made }

// MarshalJSON writes the value, or null for a field that is cleared.
func (c Change[T]) MarshalJSON() ([]byte, error) { return json.Marshal(c.value) }

// UnmarshalJSON reads what MarshalJSON wrote: null clears.
func (c *Change[T]) UnmarshalJSON(text []byte) error {
	c.made, c.value = true, nil
	return json.Unmarshal(text, &c.value)
}
