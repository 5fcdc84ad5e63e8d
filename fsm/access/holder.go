package access

// Root is the id of the root key, which is no row anywhere: every node is given it, or derives it.
const Root = "root"

// Anonymous is the id of everybody who asks without a key, where that is allowed. It is no key's and no user's.
const Anonymous = "anonymous"

// Holder is somebody who asks, with a key that holds.
type Holder struct {
	// ID is the key's: it tells holders apart, and is never the secret itself.
	ID string
	// Owner is whose links they make; empty for a key of nobody's.
	Owner  string
	Scopes Scopes
	// OwnOnly says that links of others are not there for them.
	OwnOnly bool
}

// RootHolder is who has the root key.
func RootHolder() Holder { return Holder{ID: Root, Scopes: AllScopes} }

// AnonymousHolder is who asks without a key: somebody who may make links where the node they ask allows it. Those are theirs
// together: what strangers make is not found by keys of nobody's.
func AnonymousHolder() Holder { return Holder{ID: Anonymous, Owner: Anonymous, Scopes: LinksCreate} }

// Holder is who asks with k. owner is the user it belongs to, and not read if it belongs to nobody.
func (k Key) Holder(owner User) Holder {
	h := Holder{ID: k.ID, Owner: k.Owner, Scopes: k.Scopes}
	if k.Owner != "" {
		h.Scopes &= owner.Role.allows()
		h.OwnOnly = owner.Role == Creator
	}
	return h
}

// OwnedBy is the owner whose links are there for the holder; nil for all links.
func (h Holder) OwnedBy() *string {
	if !h.OwnOnly {
		return nil
	}
	return &h.Owner
}

// Actor is the id that the state machine is to judge the holder's commands by; empty where no key can be revoked: for the root key,
// and for the anonymous, whom the node has judged that they asked.
func (h Holder) Actor() string {
	if h.ID == Root || h.ID == Anonymous {
		return ""
	}
	return h.ID
}
