package link

import "time"

// Draft is what a caller asks for when it makes a link.
type Draft struct {
	Fields
	// Slug is the code the caller chose; empty asks for a generated one.
	Slug Code
	// ExpiresIn ends the link so long after it was made, by the leader's stamp; 0 if it is not asked for. It and ValidUntil
	// exclude each other, and it has no meaning for an imported link.
	ExpiresIn time.Duration
	// Owner is whose link it becomes.
	Owner string
	// Host is the target's host as HostOf gives it, for the list of denied hosts; empty asks for no check.
	Host string
	// Find asks for the oldest link of the owner's with the same target, and with the same values of the other fields that it
	// names, in place of a new one; nil asks for a new one.
	Find *FieldSet
	// Imported is what a link brings along from where it was made before; nil for a new one.
	Imported *Imported
	// Once makes retries of one request give one link; nil asks for none.
	Once *Once
}

// Imported is what a link has from another service.
type Imported struct {
	// CreatedAt is when it was made there, from 1970 on; zero if nobody knows, and what is still to come counts as now.
	CreatedAt time.Time
	// Visits are what was counted there, at most MaxVisitLimit.
	Visits uint64
	// Conflict says what becomes of a row whose slug is taken.
	Conflict Conflict
}

// Conflict is what becomes of an imported link whose slug is taken.
type Conflict uint8

const (
	// Refuse leaves the link that is there: ErrSlugTaken.
	Refuse Conflict = iota
	// Overwrite gives that link the fields of the imported one. Its owner and its CreatedAt stay, its visits become the more of the
	// two. Deleted links stay deleted: ErrSlugTaken.
	Overwrite
	// Rename makes the imported link under a generated code.
	Rename
)

// Once is the identity of a client's request (its Idempotency-Key). It is kept for OnceKept.
type Once struct {
	// Scope is who asks (an API key's id): equal keys in two scopes are strangers.
	Scope string
	// Key is the client's own word, 1 to MaxKey bytes.
	Key string
	// Row is the position in a bulk, from 0; a single create is row 0 of its own kind, told apart by Body.
	Row uint32
	// Body is the SHA-256 of the request (method, path and body). The same key with another body is ErrKeyReused.
	Body [32]byte
}

// Edit is a change of a link.
type Edit struct {
	Code Code
	// Set names the fields that are changed to those of Fields; the others of Fields are not read.
	Set FieldSet
	Fields
	// ExpiresIn ends the link so long after the edit, by the leader's stamp; 0 if it is not asked for. It and ValidUntil exclude
	// each other.
	ExpiresIn time.Duration
	// Host is that of a target that is set, see Draft.
	Host string
	// IfVersion is the version that the link must have, else ErrPrecondition; 0 takes any.
	IfVersion uint64
}
