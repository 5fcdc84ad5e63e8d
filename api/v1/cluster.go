package v1

// Cluster is the status document of GET /api/v1/cluster: the cluster as the answering node sees it.
type Cluster struct {
	ClusterID string `json:"clusterId"`
	// ClusterVersion is the replicated version that selects commands and word lists; it only rises.
	ClusterVersion uint32  `json:"clusterVersion"`
	Node           Node    `json:"node"`
	Groups         []Group `json:"groups"`
	// Members lists every member once, this node included.
	Members []Member `json:"members"`
	Healthy bool     `json:"healthy"`
	// FailureTolerance is how many voters may fail from here without loss of the quorum.
	FailureTolerance int      `json:"failureTolerance"`
	Warnings         []string `json:"warnings"`
}

// Node is the node that answered.
type Node struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Version       string `json:"version"`
	UptimeSeconds int64  `json:"uptimeSeconds"`
	HTTPURL       string `json:"httpUrl"`
}

// Group is one raft group as this node sees it.
type Group struct {
	ID uint32 `json:"id"`
	// State is leader, follower, candidate, or a word for a group not running (forming, stopped).
	State string `json:"state"`
	Term  uint64 `json:"term"`
	// Leader is nil when unknown.
	Leader *Leader `json:"leader"`
	// Quorum reports whether a quorum of voters can be reached, as far as this node knows.
	Quorum       bool   `json:"quorum"`
	LastIndex    uint64 `json:"lastIndex"`
	CommitIndex  uint64 `json:"commitIndex"`
	AppliedIndex uint64 `json:"appliedIndex"`
	// LastContactMs is the time since the leader was heard, 0 on the leader; -1 means never.
	LastContactMs int64 `json:"lastContactMs"`
	// StalenessMs is the time since this node last had all that the leader had committed.
	StalenessMs int64    `json:"stalenessMs"`
	Snapshot    Snapshot `json:"snapshot"`
	// Links counts living links, Counter is the last id given out.
	Links   uint64 `json:"links"`
	Counter uint64 `json:"counter"`
	Digest  Digest `json:"digest"`
}

// Leader names a group's leader and where its API listens.
type Leader struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	HTTPURL string `json:"httpUrl"`
}

// Snapshot is the position of the newest snapshot; zero means none.
type Snapshot struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
}

// Digest is the digest of the replicated state at Index, in hexadecimal. Two nodes with one Index have one Value.
type Digest struct {
	Index uint64 `json:"index"`
	Value string `json:"value"`
}

// Member is one member of the cluster.
type Member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Address is the cluster address, host:port.
	Address string `json:"address"`
	HTTPURL string `json:"httpUrl"`
	// Status is gossip's word: alive, failed or left.
	Status string `json:"status"`
	Voter  bool   `json:"voter"`
	// Role is leader, follower, replica or joining.
	Role    string `json:"role"`
	Healthy bool   `json:"healthy"`
	// Reachable reports whether this node could ask the member just now.
	Reachable bool   `json:"reachable"`
	Version   string `json:"version"`
	Progress
	// StableSince is when the member last became healthy; nil when it is not.
	StableSince *Time  `json:"stableSince"`
	Zone        string `json:"zone"`
	// Error says why the member is not healthy or not reachable; empty when it is.
	Error string `json:"error"`
}

// Progress is how far a member is. Its fields stand in the member's own object.
type Progress struct {
	// LastContactMs is the time since the member and the leader last heard of each other; -1 means never.
	LastContactMs int64  `json:"lastContactMs"`
	LastIndex     uint64 `json:"lastIndex"`
	// TrailsBy is how many log entries the member is behind the leader.
	TrailsBy uint64 `json:"trailsBy"`
}

// TransferLeadership asks for another leader.
type TransferLeadership struct {
	// To is the id of the voter that is to lead; empty leaves the choice to the cluster.
	To string `json:"to,omitempty"`
}

// Autopilot is what the leader makes of the members.
type Autopilot struct {
	// Healthy: every member is.
	Healthy bool `json:"healthy"`
	// FailureTolerance is how many voters may fail from here without loss of the quorum.
	FailureTolerance int `json:"failureTolerance"`
	// Leader is the id of the leader, whose judgement this is.
	Leader string `json:"leader"`
	// Servers are all members, in the order of their ids.
	Servers []AutopilotServer `json:"servers"`
}

// AutopilotServer is one member. A member that is healthy for long enough gets a vote, if there is one to be had.
type AutopilotServer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Status is gossip's word: alive, failed, left or unknown.
	Status  string `json:"status"`
	Voter   bool   `json:"voter"`
	Healthy bool   `json:"healthy"`
	// StableSince is since when the member has been healthy, or has not been.
	StableSince Time `json:"stableSince"`
	// LastContactMs is the time since it and the leader last heard of each other, -1 for never. LastTerm and LastIndex name the last
	// entry of its log. All three are as it last told them.
	LastContactMs int64  `json:"lastContactMs"`
	LastTerm      uint64 `json:"lastTerm"`
	LastIndex     uint64 `json:"lastIndex"`
}
