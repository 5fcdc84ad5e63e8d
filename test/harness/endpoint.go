package harness

// Endpoint is a node as its users see it.
type Endpoint interface {
	// Name is the node's name, for messages.
	Name() string
	// URL is the base of its HTTP listener, without a slash at the end.
	URL() string
	// Serving reports whether the node is known to be up and ready. The stretch number changes with everything that is done
	// to the node, so that a node that serves before and after a request, in one stretch, served all the while.
	Serving() (stretch uint64, ok bool)
}

// Endpoints gives the nodes as they are now; nodes may come and go while a load runs.
type Endpoints func() []Endpoint
