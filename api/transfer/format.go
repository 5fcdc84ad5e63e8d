package transfer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Format names the kind of a file, in the words of the API and the CLI.
type Format string

// The formats. Those of other services are what their own export or API gives.
const (
	Auto   Format = "auto"   // whichever the first bytes look like
	Shlink Format = "shlink" // CSV of its web client
	YOURLS Format = "yourls" // SQL dump of the table …url, or CSV of its export plugins
	Kutt   Format = "kutt"   // JSON of its API's list of links
	Bitly  Format = "bitly"  // JSON of its API's list of bitlinks, or CSV
	Dub    Format = "dub"    // CSV
	Chhoto Format = "chhoto" // JSON of its API's list of links
	Golink Format = "golink" // JSON lines of /.export
	CSV    Format = "csv"    // any CSV whose header names a column for the long URL
	NDJSON Format = "ndjson" // JSON lines of our own export, with every field of a link
)

var formats = []Format{Auto, Shlink, YOURLS, Kutt, Bitly, Dub, Chhoto, Golink, CSV, NDJSON}

// ParseFormat reads the name of a format; empty means Auto.
func ParseFormat(name string) (Format, error) {
	if name == "" {
		return Auto, nil
	}
	if !slices.Contains(formats, Format(name)) {
		return "", fmt.Errorf("unknown format %.32q", name)
	}
	return Format(name), nil
}

// family is how a file is taken apart. It shows in the first bytes, also where the format is given: some services have more
// than one export.
type family uint8

const (
	csvFamily family = iota
	sqlFamily
	// jsonFamily is any JSON: one document, or one a line.
	jsonFamily
)

// familyOf tells the family by the first bytes.
func familyOf(head []byte) family {
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(head) == 0:
		return csvFamily
	case head[0] == '{' || head[0] == '[':
		return jsonFamily
	case sqlStart(head):
		return sqlFamily
	}
	return csvFamily
}

// sqlStart reports whether a text begins as dumps do.
func sqlStart(head []byte) bool {
	for _, sign := range []string{"--", "/*"} {
		if bytes.HasPrefix(head, []byte(sign)) {
			return true
		}
	}
	words := strings.Fields(strings.ToUpper(string(head[:min(len(head), 64)])))
	if len(words) < 2 {
		return false
	}
	switch words[0] {
	case "INSERT", "REPLACE", "CREATE", "DROP", "LOCK", "SET", "USE", "START":
		return !strings.ContainsAny(words[1], ",;\"")
	}
	return false
}

// detect tells the format of a file by its first bytes.
func detect(head []byte, kind family) Format {
	switch kind {
	case sqlFamily:
		return YOURLS
	case jsonFamily:
		return detectJSON(head)
	default:
		return detectCSV(head)
	}
}

// detectJSON goes by the members of the first object, and those of its first row where it is a list of rows.
func detectJSON(head []byte) Format {
	names := firstNames(head)
	has := func(all ...string) bool {
		return !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(names, name) })
	}
	inList := bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("["))
	switch {
	case has("Short", "Long"):
		return Golink
	case has("data"), inList && has("address", "target"):
		return Kutt
	case has("links"), inList && has("long_url"):
		return Bitly
	case inList:
		return Chhoto
	}
	return NDJSON
}

// firstNames gives the names of the members of the first object, as far as the head goes.
func firstNames(head []byte) []string {
	decoder := json.NewDecoder(bytes.NewReader(head))
	var names []string
	depth, name := 0, false
	for {
		token, err := decoder.Token()
		if err != nil {
			return names
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			if depth == 0 && token == json.Delim('[') {
				continue // a list of objects: the first of them is meant
			}
			depth++
			name = depth == 1
		case json.Delim(']'), json.Delim('}'):
			if depth--; depth <= 0 {
				return names
			}
			name = depth == 1
		default:
			if depth == 1 && name {
				names = append(names, fmt.Sprint(token))
			}
			name = depth == 1 && !name
		}
	}
}

// detectCSV goes by the header.
func detectCSV(head []byte) Format {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	var have []string
	for name := range strings.SplitSeq(string(line), string(separatorOf(head))) {
		have = append(have, fold(strings.Trim(name, "\" \r")))
	}
	has := func(all ...string) bool {
		return !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(have, name) })
	}
	switch {
	case has("source", "target"):
		return YOURLS
	case has("shortlink", "destinationurl"):
		return Dub
	case has("custombitlink"), has("bitlink"):
		return Bitly
	case has("version"): // our own
		return CSV
	case has("createdat", "shorturl", "longurl"):
		return Shlink
	}
	return CSV
}
