// Package history is the record of a run: what clients asked of a cluster, what they were told, what was done to the cluster
// meanwhile, and what its nodes held in the end. Package judge reads it.
package history

import "time"

// Kind is what a client asked for.
type Kind string

// The kinds of operations.
const (
	// Create makes a link. With Slug set, Code is the one asked for; otherwise the cluster gives one.
	Create Kind = "create"
	// Get is a linearizable read.
	Get Kind = "get"
	// Follow is a redirect: a read of the asked node's own view, never wrong about what it answers.
	Follow Kind = "follow"
	// Delete deletes a link for good.
	Delete Kind = "delete"
	// Edit replaces the target if the link still has Expected as its version.
	Edit Kind = "edit"
	// Visit is a redirect of a link that was made with a Limit: it is counted in the log before it is answered.
	Visit Kind = "visit"
	// Grant makes an API key, Revoke ends one: the Holder.
	Grant  Kind = "grant"
	Revoke Kind = "revoke"
)

// Outcome is what the client was told.
type Outcome string

// The outcomes.
const (
	// OK: done, or found; the fields of the answer are set.
	OK Outcome = "ok"
	// NotFound: there is no such link, or key. Gone: it was deleted; to a visitor also that it is used up. Taken: the slug is another's.
	NotFound Outcome = "not_found"
	Gone     Outcome = "gone"
	Taken    Outcome = "taken"
	// Conflict: the link has another version, or the idempotency key was used for something else.
	Conflict Outcome = "conflict"
	// Refused: the cluster promised that nothing happened (overloaded, disk full, invalid).
	Refused Outcome = "refused"
	// Unauthorized: the API key that was asked with does not hold; nothing happened.
	Unauthorized Outcome = "unauthorized"
	// Unknown: a read was not answered, or a write may have happened or may yet happen (503, time-out, broken connection).
	Unknown Outcome = "unknown"
)

// Operation is one request and its answer.
type Operation struct {
	Client int    `json:"client"`
	Node   string `json:"node"` // the node that was asked
	Kind   Kind   `json:"kind"`
	// Code is the code asked for, or the one given by a create.
	Code string `json:"code,omitempty"`
	// Slug says that a create asked for Code.
	Slug bool `json:"slug,omitempty"`
	// Target is what a create or edit wants, or what a read found.
	Target string `json:"target,omitempty"`
	// Key is the idempotency key. Operations of one key are tries of one create.
	Key string `json:"key,omitempty"`
	// Expected is the version an edit demands; Version the one that was read or made.
	Expected uint64 `json:"expected,omitempty"`
	Version  uint64 `json:"version,omitempty"`
	// Limit is how many visits a create lets the link have; 0 is any number. An edit leaves it as it is.
	Limit uint64 `json:"limit,omitempty"`
	// Visits is how many visits a read was told that the link has had; Counted says that it was told.
	Visits  uint64 `json:"visits,omitempty"`
	Counted bool   `json:"counted,omitempty"`
	// Holder is the API key: the one that a Grant makes (empty until it is told which) or a Revoke ends, or that anything else was
	// asked with; there empty stands for one that always holds.
	Holder string `json:"holder,omitempty"`
	// ID is the counter's value behind a generated code, where it is known.
	ID      uint64  `json:"id,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Given is what an OK answer named instead of what was asked for: another code than a read's or a slug, or another target
	// than the one a create or edit wants. Code and Target stay what was asked for. Pending.End sees to it.
	Given string `json:"given,omitempty"`
	// Error is the text of what was not OK, for people.
	Error string `json:"error,omitempty"`
	// Call and Return order the run: every stamp is given once, Call before the request is sent and Return after its answer.
	Call   uint64 `json:"call"`
	Return uint64 `json:"return"`
	// At is when the request was sent, since the start of the run, and Took how long its answer was waited for.
	At   time.Duration `json:"at"`
	Took time.Duration `json:"took"`
}

// Fault is something done to the cluster, or undone.
type Fault struct {
	Kind  string        `json:"kind"`           // "cut", "crash", "heal"; a word of the ring
	What  string        `json:"what,omitempty"` // on whom, how much
	Stamp uint64        `json:"stamp"`          // in the order of Call and Return
	At    time.Duration `json:"at"`
}

// Entry is a log entry as one node or more held it at any time, committed or not: what is in no entry never happened.
type Entry struct {
	Node    string   `json:"node"`
	Index   uint64   `json:"index"`
	Term    uint64   `json:"term"`
	Creates []Effect `json:"creates,omitempty"`
	Deletes []string `json:"deletes,omitempty"` // codes
	Edits   []Effect `json:"edits,omitempty"`
	Visits  []string `json:"visits,omitempty"` // codes
	Grants  []string `json:"grants,omitempty"` // API keys
	Revokes []string `json:"revokes,omitempty"`
}

// Effect is what a logged command would do.
type Effect struct {
	Code   string `json:"code,omitempty"` // empty where the counter gives it
	Target string `json:"target"`
	Key    string `json:"key,omitempty"`
}

// Final is what a node held when all was healed and quiet.
type Final struct {
	Node    string `json:"node"`
	Applied uint64 `json:"applied"`
	Digest  string `json:"digest"`
	Links   uint64 `json:"links"`
	// Targets are the live links of the run, by code; Deleted its tombstones.
	Targets map[string]string `json:"targets,omitempty"`
	Deleted []string          `json:"deleted,omitempty"`
	// Visits are those that were counted of live links with a limit, by code.
	Visits map[string]uint64 `json:"visits,omitempty"`
	// Keys says of API keys whether they hold.
	Keys map[string]bool `json:"keys,omitempty"`
}

// Run is the head of a history.
type Run struct {
	Ring string `json:"ring"` // "sim", "partition"
	Name string `json:"name,omitempty"`
	Seed uint64 `json:"seed"`
	// Nodes are the members: at the end of a run those that must have a Final. A ring whose members change sets it anew.
	Nodes []string `json:"nodes"`
	// Complete says that the run came to its end in order, so that the record is whole: the faults were undone, Entries are
	// complete, and every one of Nodes has a Final. The judge accuses such a run of what it lacks. It is set last. A run that was
	// broken off is not complete, and judged by what there is.
	Complete bool `json:"complete,omitempty"`
	// LogsComplete says that Entries hold every entry there ever was, so that what they lack never happened.
	LogsComplete bool `json:"logsComplete"`
	// HealedStamp and Healed are when the last fault was undone, WritableAfter how long after it a write was first accepted on
	// the slowest node; -1 when none was.
	HealedStamp   uint64        `json:"healedStamp,omitempty"`
	Healed        time.Duration `json:"healed"`
	WritableAfter time.Duration `json:"writableAfter"`
	// Leaks are goroutines or descriptors left when all nodes were closed, for people.
	Leaks []string `json:"leaks,omitempty"`
}

// History is a whole run.
type History struct {
	Run        Run
	Operations []Operation // by Call
	Faults     []Fault
	Entries    []Entry
	Finals     []Final
}
