package harness

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// Source gives the next long URL, or false when there are no more. It is safe for concurrent use.
type Source func() (url string, ok bool)

// Once gives each URL of a list once.
func Once(urls []string) Source {
	var next atomic.Int64
	return func() (string, bool) {
		i := next.Add(1) - 1
		if i >= int64(len(urls)) {
			return "", false
		}
		return urls[i], true
	}
}

// Cycle gives the URLs of a list again and again.
func Cycle(urls []string) Source {
	var next atomic.Int64
	return func() (string, bool) {
		if len(urls) == 0 {
			return "", false
		}
		return urls[(next.Add(1)-1)%int64(len(urls))], true
	}
}

// ReadURLs reads a file of one URL a line.
func ReadURLs(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var urls []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := lines.Text(); line != "" {
			urls = append(urls, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return urls, nil
}

// MadeUpURLs are n different URLs, with everything among them that is easily spoilt on the way: escapes, queries, fragments,
// letters beyond ASCII, hosts beyond ASCII, and the longest that is accepted.
func MadeUpURLs(n int) []string {
	urls := make([]string, n)
	for i := range urls {
		switch i % 10 {
		case 0:
			urls[i] = fmt.Sprintf("https://example.org/a%%2Fb%%20c/%d?x=%%26&y=1+2&z=%%E2%%82%%AC", i)
		case 1:
			urls[i] = fmt.Sprintf("http://example.net:8080/%d;p=1//double/./dots/../up?", i)
		case 2:
			urls[i] = fmt.Sprintf("https://example.com/straße/日本語/%d#ünïcode-¶", i)
		case 3:
			urls[i] = fmt.Sprintf("https://bücher.example/%d", i)
		case 4:
			urls[i] = fmt.Sprintf("https://user@example.com/%d?q=<\">{}|\\^`'", i)
		case 5:
			urls[i] = fmt.Sprintf("HTTPS://EXAMPLE.com/Upper/%d", i)
		case 6:
			urls[i] = fmt.Sprintf("https://[2001:db8::%x]/%d", i%65536, i)
		default:
			urls[i] = fmt.Sprintf("https://www.example.com/articles/%d/index.html?utm_source=mail&id=%d", i, i*7919)
		}
		if i%500 == 499 {
			head := fmt.Sprintf("https://example.com/long/%d/", i)
			urls[i] = head + strings.Repeat("x", 8192-len(head))
		}
	}
	return urls
}
