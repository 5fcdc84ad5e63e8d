package transfer_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"tinyurl/api/transfer"
)

// TestFilesOfOpenQuotesAreReadInOnePass has files in which every line opens a quote that the next one seems to close. Scanned anew from
// each line, they would take hours.
func TestFilesOfOpenQuotesAreReadInOnePass(t *testing.T) {
	const lines = 400_000
	open := "a\",\"b\n"
	for name, file := range map[string]string{
		"to the end":         strings.Repeat(open, lines),
		"then text":          strings.Repeat(open, lines) + "\"x\n",
		"with stray quotes":  strings.Repeat(strings.Repeat(open, 1000)+"\"x\n", lines/1000),
		"with long rows":     strings.Repeat(strings.Repeat(open, lines/4)+strings.Repeat("x", 1<<20)+"\n", 4),
		"with doubled ones":  strings.Repeat("a\",\"\"\"b\n", lines),
		"without separators": strings.Repeat("\"b\n", lines),
	} {
		t.Run(name, func(t *testing.T) {
			const good = "https://e.com,good\nhttps://e.com,\"g\no\"\n"
			source := strings.NewReader("longUrl,title\n" + good + file + strings.Repeat("x", 64) + "\n" + good)
			r, err := transfer.NewReader(source, transfer.CSV)
			if err != nil {
				t.Fatal(err)
			}
			taken, wrong := 0, 0
			for {
				_, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				switch {
				case err == nil:
					taken++
				case bad(err):
					wrong++
				default:
					t.Fatal(err)
				}
			}
			if taken < 3 || wrong < lines/4 {
				t.Errorf("%d rows were taken, %d were bad", taken, wrong)
			}
		})
	}
}
