// Package wire is a network of simulated hosts: streams and packets with latency, jitter, loss and cuts, hosts that crash, stand
// still and come back at other addresses.
//
// It blocks in no way but those testing/synctest knows (channels, sync.Cond, timers), and holds no lock while it waits, so whole
// clusters run on it in virtual time; outside a bubble it runs in real time. It is made for hours of virtual time: a message
// of a stream costs no allocation, and a timer only where somebody waits for it, one for each direction.
//
// What is modelled is what TCP and UDP show to a program, not how they do it:
//
//   - A stream keeps its order: no byte arrives before one that was written earlier.
//   - A cut holds bytes back; they are sent again, at the growing intervals of TCP, and so arrive some time after the cut is
//     healed, unless the sender has lost patience before (Patience).
//   - Whoever sends to a socket that is gone is told so by a reset, a round trip later, if the reset gets through.
//   - Silence is no error: the other side of a machine that lost its power hears nothing, until it loses patience or the machine
//     is back and knows nothing of the connection.
//
// Bandwidth is unlimited.
package wire
