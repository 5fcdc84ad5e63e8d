// Package peer is the remote procedure calls between nodes: HTTP/2 POSTs over the cluster listener's mutual TLS. The caller
// is who its certificate names; a call carries its deadline and its cluster, both are enforced; errors keep their identity;
// and a caller always learns whether a call that failed may have been processed.
//
// # What an error means
//
//	ErrUnreachable                      no connection was had: surely not processed
//	ErrOverloaded, ErrOtherCluster,     the node, or this client, refused before the handler ran: surely not processed
//	ErrNoSuchCall, ErrTooLarge,
//	ErrMalformed
//	ErrUnknown                          sent, and no answer that could be read: processed once or not at all
//	anything else                       what the handler returned: processed, and this is the result
//
// Unprocessed tells the first two kinds from the others. Nothing is ever sent twice by this package, not even when HTTP/2
// would allow it: repeating is for those who know under which identity.
//
// A handler that calls a third node and passes its error on must see to the meaning: an ErrUnknown stays one, an
// ErrUnreachable does not travel (the handler was reached), but a refusal of the third node would read as the handler's own.
//
// # Identity of errors
//
// Mux and Client are given one table of codes and sentinels. Whatever sentinels an error is, by errors.Is, on the node that
// made it, it is on the caller's side too, with the same words. An error without a code is ErrInternal there, and is logged
// where it was made.
//
// # Connections
//
// A client keeps one connection to each node it calls, opened by the first call and shared by all. Those who come while it is
// being opened wait for the same attempt, each as long as its own context allows. A connection on which nothing arrives for
// two seconds is pinged and given up two seconds later, so that a node that vanished costs a caller less than 5 s; idle ones
// are closed after five minutes. A connection that takes no more requests is replaced while what is in flight on it ends.
//
// # Limits
//
// Bodies are whole in memory, 1 MiB unless a call says otherwise. A node handles 512 calls at once and refuses more at once; a
// client sends 64 at once to one node and lets more wait. A call lasts 30 s at most, whatever the caller asks.
package peer
