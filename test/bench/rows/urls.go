//go:build linux

package rows

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"tinyurl/test/bench/load"
)

// madeUp is how many URLs are made up where none are given.
const madeUp = 20_000

// readURLs reads one URL a line; an empty path makes some up, of about 110 bytes, half of them chance, so
// that they are not packed much better than real ones.
func readURLs(path string) ([]string, error) {
	if path == "" {
		urls := make([]string, madeUp)
		chance := rand.New(rand.NewPCG(1, 2))
		for i := range urls {
			urls[i] = fmt.Sprintf("https://www.example.org/%016x/%016x/article-%d.html?session=%016x&source=mail",
				chance.Uint64(), chance.Uint64(), i, chance.Uint64())
		}
		return urls, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var urls []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if plain(lines.Text()) {
			urls = append(urls, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(urls) == 0 {
		return nil, errors.New("there is no URL in " + path)
	}
	return urls, nil
}

// plain reports whether a URL can stand everywhere it has to: in JSON, in a line, and in nginx's configuration, which knows no
// way to write a dollar sign.
func plain(url string) bool {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") || len(url) > 2000 {
		return false
	}
	for _, r := range url {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"\$;{}<>`, r) {
			return false
		}
	}
	return true
}

// creations are the bodies of creates, one for each URL.
func creations(urls []string) [][]byte {
	bodies := make([][]byte, len(urls))
	for i, url := range urls {
		bodies[i] = fmt.Appendf(nil, `{"longUrl":%s}`, quoted(url))
	}
	return bodies
}

// bulks are n bodies of bulk creates.
func (b *Bench) bulks(n, rowsEach int) [][]byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = b.bulk(nil, i*rowsEach, rowsEach)
	}
	return bodies
}

// bulk appends the body of a bulk create to dst: the URLs from number first on, again from the beginning after the last.
func (b *Bench) bulk(dst []byte, first, rows int) []byte {
	dst = append(dst, `{"links":[`...)
	for i := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.bodies[(first+i)%len(b.bodies)]...)
	}
	return append(dst, "]}"...)
}

func quoted(text string) []byte {
	q, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string is always JSON
	}
	return q
}

// posting sends bodies by chance, each connection in an order of its own.
func posting(host, path string, bodies [][]byte) func(int) load.Source {
	post := load.NewPost(host, path, rootKey)
	return func(int) load.Source {
		random := rand.New(rand.NewPCG(rand.Uint64(), 1))
		return func(dst []byte) []byte { return post.Append(dst, bodies[random.IntN(len(bodies))]) }
	}
}
