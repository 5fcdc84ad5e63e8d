// Package agent tells what a User-Agent header says: which browser, on which system, on what kind of device, or that it is a program.
package agent

// Class is what is kept of a user agent. Of every field there are a few dozen values at most, whatever is asked about.
type Class struct {
	// Browser is its name without a version, such as "Chrome", or "Other".
	Browser string
	// System is "Windows", "macOS", "iOS", "Android", "Linux", "ChromeOS" or "Other".
	System string
	// Device is "desktop", "mobile", "tablet", "tv", "bot" or "other"; consoles, cars and headsets are "other".
	Device string
	// Bot is what IsBot says. Of a bot the browser and the system are "Other": it names what it pretends to be.
	Bot bool
}

// maxRead is how much of a User-Agent is read, in bytes.
const maxRead = 512

// Names of what is not told apart any further.
const (
	other       = "Other"
	otherDevice = "other"
	bot         = "bot"
)

// Classify tells what a User-Agent says. Only its first 512 bytes are read, in any mix of upper and lower case, and nothing in them
// is too odd for an answer.
func Classify(userAgent string) Class {
	userAgent = userAgent[:min(len(userAgent), maxRead)]
	if IsBot(userAgent) {
		return Class{Browser: other, System: other, Device: bot, Bot: true}
	}
	return Class{
		Browser: browsers.name(userAgent, other),
		System:  systems.name(userAgent, other),
		Device:  devices.name(userAgent, otherDevice),
	}
}

// namer gives what has one of several marks a name. If it has more than one mark, the one that stands first in the table counts.
type namer struct {
	marks index
	names []string
}

// mark is a part of a User-Agent, in lower case, and the name of whoever shows it.
type mark struct{ text, name string }

func newNamer(table []mark) namer {
	n := namer{names: make([]string, len(table))}
	texts := make([]string, len(table))
	for i, m := range table {
		texts[i], n.names[i] = m.text, m.name
	}
	n.marks = newIndex(texts)
	return n
}

// name is the name of whoever says s, or unknown.
func (n *namer) name(s, unknown string) string {
	if i, found := n.marks.first(s); found {
		return n.names[i]
	}
	return unknown
}
