package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// encodeKey appends the value of an API key. Its id is in the row's key, as those of the others below are.
func encodeKey(buf []byte, k access.Key) ([]byte, error) {
	created, err1 := stampOf(k.CreatedAt)
	expires, err2 := stampOf(k.ExpiresAt)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if k.Scopes == 0 || k.Scopes > access.AllScopes || k.Name == "" || len(k.Name) > access.MaxName || len(k.Owner) > access.MaxID {
		return nil, fmt.Errorf("%w: the scopes, the name or the owner of a key cannot be", ErrMisuse)
	}
	buf = append(append(buf, valueVersion, 0), k.Hash[:]...)
	buf = binary.AppendUvarint(buf, uint64(k.Scopes))
	buf = binary.AppendUvarint(buf, created)
	buf = binary.AppendUvarint(buf, expires)
	return appendText(appendText(buf, k.Name), k.Owner), nil
}

func decodeKey(id string, value []byte) (access.Key, error) {
	d := reader{rest: value}
	d.head(0)
	k := access.Key{ID: id}
	copy(k.Hash[:], d.take(len(k.Hash)))
	k.Scopes = access.Scopes(d.known(uint64(access.AllScopes)))
	k.CreatedAt, k.ExpiresAt = timeOf(d.stamp()), timeOf(d.stamp())
	k.Name, k.Owner = d.someText(access.MaxName), d.text(access.MaxID)
	return k, d.end("key")
}

// encodeUser appends the value of a user.
func encodeUser(buf []byte, u access.User) ([]byte, error) {
	created, err := stampOf(u.CreatedAt)
	if err != nil {
		return nil, err
	}
	if !u.Role.Valid() || u.Name == "" || len(u.Name) > access.MaxName || len(u.Email) > access.MaxEmail {
		return nil, fmt.Errorf("%w: the role, the name or the address of a user cannot be", ErrMisuse)
	}
	buf = binary.AppendUvarint(append(buf, valueVersion, 0), created)
	buf = binary.AppendUvarint(buf, uint64(u.Role))
	return appendText(appendText(buf, u.Name), u.Email), nil
}

func decodeUser(id string, value []byte) (access.User, error) {
	d := reader{rest: value}
	d.head(0)
	u := access.User{ID: id, CreatedAt: timeOf(d.stamp()), Role: access.Role(d.known(uint64(access.AdminRole)))}
	u.Name, u.Email = d.someText(access.MaxName), d.text(access.MaxEmail)
	return u, d.end("user")
}

// encodeDenied appends the value of a denied host.
func encodeDenied(buf []byte, r access.Denied) ([]byte, error) {
	created, err := stampOf(r.CreatedAt)
	if err != nil {
		return nil, err
	}
	if len(r.Reason) > access.MaxReason {
		return nil, fmt.Errorf("%w: a reason of %d bytes", ErrMisuse, len(r.Reason))
	}
	buf = binary.AppendUvarint(append(buf, valueVersion, 0), created)
	return appendText(buf, r.Reason), nil
}

func decodeDenied(host string, value []byte) (access.Denied, error) {
	d := reader{rest: value}
	d.head(0)
	r := access.Denied{Host: host, CreatedAt: timeOf(d.stamp()), Reason: d.text(access.MaxReason)}
	return r, d.end("denied host")
}

// encodeReport appends the value of a report.
func encodeReport(buf []byte, r access.Report) ([]byte, error) {
	created, err1 := stampOf(r.CreatedAt)
	updated, err2 := stampOf(r.UpdatedAt)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if r.Count == 0 || r.Reason == "" || len(r.Reason) > access.MaxReason {
		return nil, fmt.Errorf("%w: a report without a number or a reason, or with a long one", ErrMisuse)
	}
	buf = binary.AppendUvarint(append(buf, valueVersion, 0), r.Count)
	buf = binary.AppendUvarint(buf, created)
	buf = binary.AppendUvarint(buf, updated)
	return appendText(buf, r.Reason), nil
}

func decodeReport(code string, value []byte) (access.Report, error) {
	d := reader{rest: value}
	d.head(0)
	r := access.Report{Code: code, Count: d.some(1<<64 - 1), CreatedAt: timeOf(d.stamp()), UpdatedAt: timeOf(d.stamp())}
	r.Reason = d.someText(access.MaxReason)
	return r, d.end("report")
}

// known takes a number that is not 0. One above limit is of a newer version.
func (r *reader) known(limit uint64) uint64 {
	n := r.uvarint()
	if r.require(n != 0); n > limit {
		r.bad, r.newer = true, true
		return 0
	}
	return n
}

// shelf is a key space whose rows stand in the order of their ids, with what is particular to it.
type shelf[T any] struct {
	space  byte
	maxID  int // the longest id, in bytes
	id     func(T) string
	encode func([]byte, T) ([]byte, error)
	decode func(string, []byte) (T, error)
}

var (
	keyShelf    = shelf[access.Key]{spaceKeys, access.MaxID, func(k access.Key) string { return k.ID }, encodeKey, decodeKey}
	userShelf   = shelf[access.User]{spaceUsers, access.MaxID, func(u access.User) string { return u.ID }, encodeUser, decodeUser}
	deniedShelf = shelf[access.Denied]{spaceDenied, access.MaxHost, func(d access.Denied) string { return d.Host }, encodeDenied, decodeDenied}
	reportShelf = shelf[access.Report]{spaceReports, link.MaxSlug, func(r access.Report) string { return r.Code }, encodeReport, decodeReport}
)

// checkShelf says whether a row of one of the shelves could have been written.
func checkShelf(space byte, id string, value []byte) (ok bool, err error) {
	switch space {
	case spaceKeys:
		return keyShelf.check(id, value)
	case spaceUsers:
		return userShelf.check(id, value)
	case spaceDenied:
		return deniedShelf.check(id, value)
	}
	return reportShelf.check(id, value)
}

func (s shelf[T]) takes(id string) bool { return id != "" && len(id) <= s.maxID }

func (s shelf[T]) check(id string, value []byte) (ok bool, err error) {
	_, err = s.decode(id, value)
	return s.takes(id), err
}

// key appends the key of a row.
func (s shelf[T]) key(of schema, buf []byte, id string) []byte {
	return append(of.prefix(buf, s.space), id...)
}

// keyHash appends the key of the place where a key is found by what is kept of its secret.
func (s schema) keyHash(buf []byte, h access.Hash) []byte {
	return append(s.prefix(buf, spaceKeyHashes), h[:]...)
}

// ownedKeys appends what the keys of the places of an owner's API keys begin with.
func (s schema) ownedKeys(buf []byte, owner string) []byte {
	return appendShort(s.prefix(buf, spaceOwnedKeys), owner)
}

func (s schema) ownedKey(buf []byte, owner, id string) []byte {
	return append(s.ownedKeys(buf, owner), id...)
}
