// Package transport is the cluster plane's connections: one TLS listener that hands raft and RPC apart by ALPN, the header
// that makes sure two nodes mean the same group of the same cluster, and the wrapper around raft's network transport that
// keeps clear of its known traps.
//
// # From a socket to a caller
//
//	net.Listener  bound elsewhere
//	  handshaker  TLS 1.3, both certificates; at most MaxHandshakes at once, HandshakeTimeout each; says why it failed
//	  http.Server ALPN: "h2" goes to the handler (package peer), "tinyurl-raft/1" to serveRaft
//	  serveRaft   greeting, header, verdict; HeaderTimeout for the three
//	  Stream      one raft group's connections, as raft.StreamLayer
//	  Raft        raft.NetworkTransport and what it needs to be safe
//
// The handshake is not left to http.Server, which could do it, because it reports a failure as a line of text: here it is an
// error with a reason (identity.Explain), it is counted, and strangers that say nothing take up a bounded number of places, which
// they lose to newcomers: see door. Connections that have shaken hands have places of their own.
//
// # Who is who
//
// A node is its id. Raft's configuration, its LocalAddr and the addresses it dials are ids; a Resolver turns an id into
// host:port at the moment of dialling, and when it cannot, the dial fails: a remembered address may be another node's by now.
// Who moves is followed: see moves.go.
// Four checks stand between an id and the wrong node: the dialler refuses a certificate that names another (ErrOtherNode);
// the acceptor refuses a sender its certificate does not name (ErrNotItself), a message to another node (ErrNotAddressed), and
// another cluster's or generation's messages (ErrOtherCluster). Without them a node at a reused address could acknowledge for
// two voters.
//
// Every refusal is known on both sides: it is logged where it is made, and it comes back to the dialler as an error of this
// package or of package identity, and is logged there as well; each kind twice a minute at most.
//
// # The acceptor speaks first
//
// In TLS 1.3 a client has finished before the server has looked at its certificate. If it wrote at once, and the server refused
// it, the client's own bytes in the server's buffer would turn the server's explanation into a TCP reset. So on both protocols
// the dialler waits for the acceptor's first byte: HTTP/2 servers send settings unasked, and raft connections begin with a
// greeting. A Dialer that succeeds has therefore been accepted, and one that fails has sent nothing that could be processed.
// It costs one way on the wire for each new connection; connections are kept.
//
// # Limits
//
// A message that was delayed on its way is not told from a fresh one: LeaderCommit is as old as the network and a paused
// process make it. Acks rest on no clock at all. Connections to members that are idle are ended by TCP's keep-alive (raft) or
// by pings (HTTP/2). A snapshot has RPCTimeout for each 4 MiB, and each single write of it half a minute.
package transport
