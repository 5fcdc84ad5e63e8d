package harness

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// tailLines is how many lines of a node's log a failed test shows.
const tailLines = 60

// openLog appends to a node's log.
func openLog(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// mark begins a new life in a log and returns where it begins.
func mark(log *os.File, text string) (int64, error) {
	if _, err := fmt.Fprintf(log, "--- %s\n", text); err != nil {
		return 0, err
	}
	return log.Seek(0, io.SeekEnd)
}

// readLog is a log from an offset on; what cannot be read is told in its place.
func readLog(path string, from int64) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// tail is the end of a text, in lines.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// crashed gives the first line of a log that tells of a crash of the program itself.
func crashed(text string) (string, bool) {
	for line := range strings.Lines(text) {
		for _, word := range []string{"panic:", "fatal error:", "WARNING: DATA RACE", "level=ERROR msg=\"http: panic"} {
			if strings.Contains(line, word) {
				return strings.TrimSpace(line), true
			}
		}
	}
	return "", false
}
