package rounds

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
)

// columns are those of the table.
var columns = []string{"row", "side", "rate/s", "spread", "server CPU µs", "p50", "p99", "generator", "busy", "value"}

// gap is what the table has between two cells. No cell is empty, but for the first one of a second side, and none has two spaces.
var gap = regexp.MustCompile(` {2,}`)

// Join puts what several runs printed together: their lines as they came, then one table of all their rows.
func Join(out io.Writer, runs ...io.Reader) error {
	var table [][]string
	for _, run := range runs {
		lines, inTable := bufio.NewScanner(run), false
		for lines.Scan() {
			line := lines.Text()
			cells := gap.Split(line, -1)
			switch {
			case len(cells) == len(columns) && cells[0] == columns[0] && cells[1] == columns[1]:
				inTable = true
			case inTable && len(cells) == len(columns):
				table = append(table, cells)
			case line != "":
				fmt.Fprintln(out, line)
				inTable = false
			}
		}
		if err := lines.Err(); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n"+strings.Join(columns, "\t"))
	for _, cells := range table {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}
