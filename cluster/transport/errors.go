package transport

import "errors"

// Why a connection between two nodes was refused, beyond what the identity package says of certificates. The side that
// refuses logs the reason, and the side that dialled gets it as one of these.
var (
	// ErrOtherCluster: the two nodes belong to different clusters of one secret, or to one cluster before and after a recovery.
	ErrOtherCluster = errors.New("the node belongs to another cluster")
	// ErrNotAddressed: the connection was meant for another node; the address it was dialled at is out of date.
	ErrNotAddressed = errors.New("the connection was meant for another node")
	// ErrUnknownGroup: the node has no such raft group, or has not opened it yet.
	ErrUnknownGroup = errors.New("the node has no such group")
	// ErrNotItself: the header names another sender than the sender's certificate.
	ErrNotItself = errors.New("the sender is not who its certificate names")
	// ErrHeader: the header is damaged, or of a version the node does not know.
	ErrHeader = errors.New("bad connection header")
	// ErrUnresolved: nothing is known of where the node is. There is no fallback: an address that is guessed could be
	// another node's.
	ErrUnresolved = errors.New("no address is known for the node")
	// ErrStalled: this node's own disk or state machine does not move, so it may not look like a leader to others.
	ErrStalled = errors.New("this node is stalled and must not lead")
	// ErrPastTerm: the message is of a term that this node itself has left; nobody waits for its answer any more.
	ErrPastTerm = errors.New("the message is of an earlier term")
	// ErrNotAnID: raft was configured with an address that is not the server's id.
	ErrNotAnID = errors.New("a raft address must be the server's id")
	// ErrGroupTaken: the group already has a stream on this listener.
	ErrGroupTaken = errors.New("the group is already open")
)
