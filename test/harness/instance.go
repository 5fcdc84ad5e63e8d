package harness

import (
	"errors"
	"os"
	"time"
)

// instance is one life of a node, from a start to its end.
type instance interface {
	// stop asks for an orderly end and does not wait.
	stop() error
	// signal sends a signal; errNoProcess where there is no process to send it to.
	signal(os.Signal) error
	// done is closed when the life is over; exit may be asked then.
	done() <-chan struct{}
	exit() Exit
}

// launcher starts nodes in one of the two ways.
type launcher interface {
	// launch starts a node with these arguments and this environment and nothing else of the surroundings.
	launch(n *Node, args, environ []string, log *os.File) (instance, error)
}

// Exit is how a life ended.
type Exit struct {
	// Code is the exit code; -1 when a signal ended the process.
	Code int
	// Err is what Run of an in-process node returned, or why the process ended.
	Err error
}

// errNoProcess is the answer to a signal for a node that has no process of its own.
var errNoProcess = errors.New("a node inside the test process takes no signals")

// endWithin is how long a life may take to end once it was told to.
const endWithin = 35 * time.Second
