package command

import (
	"fmt"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command/commandpb"
)

// CreateKey keeps a new API key. Times are cut to milliseconds on the way.
type CreateKey struct {
	// Key is the key; its CreatedAt does not travel: it becomes the entry's stamp.
	Key access.Key
	// ExpiresIn ends the key so long after it was made, by the leader's stamp; 0 if it is not asked for. It and ExpiresAt
	// exclude each other.
	ExpiresIn time.Duration
}

// Silent says that the result holds no link.
func (CreateKey) Silent() {}

func (c CreateKey) toWire(op *commandpb.Operation) {
	k := c.Key
	op.Command = &commandpb.Operation_CreateKey{CreateKey: &commandpb.CreateKey{
		Id: []byte(k.ID), Name: []byte(k.Name), Hash: k.Hash[:], Scopes: uint32(k.Scopes), Owner: []byte(k.Owner),
		ExpiresMs: timeToWire(k.ExpiresAt), ExpiresInNs: int64(c.ExpiresIn),
	}}
}

func (c CreateKey) size() int {
	return frame + len(c.Key.ID) + len(c.Key.Name) + len(c.Key.Hash) + len(c.Key.Owner)
}

func (c CreateKey) check() error {
	if c.Key.Scopes > access.AllScopes {
		return fmt.Errorf("%w: scopes %#x", ErrMalformed, uint8(c.Key.Scopes))
	}
	return nil
}

func createKeyFromWire(pb *commandpb.CreateKey) (CreateKey, error) {
	if err := known(pb); err != nil {
		return CreateKey{}, err
	}
	if pb.Scopes > uint32(access.AllScopes) {
		return CreateKey{}, fmt.Errorf("scopes %#x: %w", pb.Scopes, ErrUpgrade)
	}
	k := access.Key{
		ID: string(pb.Id), Name: string(pb.Name), Scopes: access.Scopes(pb.Scopes), Owner: string(pb.Owner),
		ExpiresAt: timeFromWire(pb.ExpiresMs),
	}
	if len(pb.Hash) != len(k.Hash) {
		return CreateKey{}, fmt.Errorf("%w: a key's hash of %d bytes", ErrMalformed, len(pb.Hash))
	}
	copy(k.Hash[:], pb.Hash)
	return CreateKey{Key: k, ExpiresIn: time.Duration(pb.ExpiresInNs)}, nil
}

// RevokeKey ends an API key.
type RevokeKey struct {
	ID string
}

// Silent says that the result holds no link.
func (RevokeKey) Silent() {}

func (c RevokeKey) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_RevokeKey{RevokeKey: &commandpb.RevokeKey{Id: []byte(c.ID)}}
}

func (c RevokeKey) size() int { return len(c.ID) }
