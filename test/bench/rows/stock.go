//go:build linux

package rows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/test/bench/load"
)

const (
	codeLength = 7
	bulkRows   = 1000 // of one request that fills
	// fillers is how many of these are in flight: a node takes in about four thousand links at once.
	fillers = 4
	// A block that is refused is sent again so often, after so long.
	refusals     = 100
	refusalPause = 20 * time.Millisecond
)

// stock is a lone node that is filled with links once and used by many rows. It grows, and never shrinks.
type stock struct {
	node *node
	// codes are those of all links, one after the other; the link number i leads to the URL number i, from the beginning after
	// the last.
	codes []byte
	again atomic.Int64 // blocks that were sent again
	// bulk appends the body that makes links; nil for those of the bench.
	bulk func(dst []byte, first, rows int) []byte
}

// filled starts a lone node, fills it, and waits until it is at rest.
func (b *Bench) filled(ctx context.Context, name string, links int, more ...string) (*stock, error) {
	n, err := b.lone(ctx, name, more...)
	if err != nil {
		return nil, err
	}
	s := &stock{node: n}
	if err := s.grow(ctx, links); err != nil {
		return nil, err
	}
	return s, b.calm(ctx, n.process)
}

// stocked gives the node that rows share, started and at rest, with so many links at least. It is filled once in a run.
func (b *Bench) stocked(ctx context.Context, links int) (*stock, error) {
	if b.stock == nil {
		n, err := b.node("stock")
		if err != nil {
			return nil, err
		}
		if b.offers("redirect-addr") {
			if n.redirect, err = b.ports.Take(); err != nil {
				return nil, err
			}
			n.args = append(n.args, "--redirect-addr", n.redirect)
		}
		b.stock = &stock{node: n}
	}
	if n := b.stock.node; n.process == nil || n.process.Ended() != nil {
		n.processors = nil
		if err := n.start(); err != nil {
			return nil, err
		}
		if err := n.ready(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.stock.grow(ctx, links); err != nil {
		return nil, err
	}
	return b.stock, b.calm(ctx, b.stock.node.process)
}

// links is how many there are.
func (s *stock) links() int { return len(s.codes) / codeLength }

// grow makes links until there are so many, as fast as the node takes them.
func (s *stock) grow(ctx context.Context, links int) error {
	have := s.links()
	if have >= links {
		return nil
	}
	began := time.Now()
	blocks := (links - have + bulkRows - 1) / bulkRows
	grown := make([]byte, (have+blocks*bulkRows)*codeLength)
	copy(grown, s.codes)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	bulk := s.bulk
	if bulk == nil {
		bulk = s.node.bench.bulk
	}
	hand := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: fillers}, Timeout: time.Minute}
	defer hand.CloseIdleConnections()
	var next atomic.Int64
	var all sync.WaitGroup
	for range fillers {
		all.Go(func() {
			var body []byte
			for ctx.Err() == nil {
				block := int(next.Add(1)) - 1
				if block >= blocks {
					return
				}
				first := have + block*bulkRows
				body = bulk(body[:0], first, bulkRows)
				if err := s.block(ctx, hand, body, grown[first*codeLength:][:bulkRows*codeLength]); err != nil {
					cancel(fmt.Errorf("fill %s: %w", s.node.name, err))
				}
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	s.codes = grown
	took := time.Since(began)
	s.node.bench.Report.Note("filled %s from %d to %d links in %v: %.0f links/s; %d blocks were refused at first", s.node.name, have, s.links(),
		took.Round(time.Millisecond), float64(s.links()-have)/took.Seconds(), s.again.Swap(0))
	return nil
}

// block makes one block of links and keeps their codes. A node that has too much to do at the moment is asked again.
func (s *stock) block(ctx context.Context, hand *http.Client, body, codes []byte) error {
	for refused := 0; ; refused++ {
		err := s.try(ctx, hand, body, codes)
		if !errors.Is(err, errBusy) || refused == refusals {
			return err
		}
		s.again.Add(1)
		select {
		case <-time.After(refusalPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errBusy says that a node refused a block, or cannot say what became of all of it. What it may have made is too many, which
// does no harm.
var errBusy = errors.New("the node is busy")

// try sends a block once.
func (s *stock) try(ctx context.Context, hand *http.Client, body, codes []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.node.http+"/api/v1/links/bulk", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+rootKey)
	response, err := hand.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	n := takeCodes(codes, answer)
	if n != len(codes)/codeLength && (bytes.Contains(answer, []byte(`"overloaded"`)) || bytes.Contains(answer, []byte(`"no_leader"`))) {
		return fmt.Errorf("%w: %.300s", errBusy, answer)
	}
	if n != len(codes)/codeLength {
		return fmt.Errorf("%d links were made of %d: %s %.300s", n, len(codes)/codeLength, response.Status, answer)
	}
	return nil
}

// takeCodes copies the codes of an answer, in order, and returns how many there are.
func takeCodes(codes, answer []byte) int {
	name := []byte(`"shortCode":"`)
	for n := 0; ; n++ {
		i := bytes.Index(answer, name)
		if i < 0 || len(answer) < i+len(name)+codeLength+1 || answer[i+len(name)+codeLength] != '"' {
			return n
		}
		if len(codes) < (n+1)*codeLength {
			return n + 1
		}
		copy(codes[n*codeLength:], answer[i+len(name):][:codeLength])
		answer = answer[i+len(name)+codeLength:]
	}
}

// visiting is a load of redirects upon one server.
func (s *stock) visiting(host string, links int) load.Config {
	return load.Config{Targets: []string{host}, Connections: visitors, Status: 302, Location: true, Source: following(host, s.first(links))}
}

// visitors is how many connections follow links.
const visitors = 64

// write writes every link of the first so many to a file, in the form given: code, then URL. For a reader that takes upper and
// lower case for the same, folded leaves out what such a reader has seen before.
func (s *stock) write(path, form string, links int, folded bool) error {
	urls := s.node.bench.urls
	seen := map[string]bool{}
	var text bytes.Buffer
	for i := range min(links, s.links()) {
		code := s.codes[i*codeLength:][:codeLength]
		if folded {
			lower := strings.ToLower(string(code))
			if seen[lower] {
				continue
			}
			seen[lower] = true
		}
		fmt.Fprintf(&text, form, code, urls[i%len(urls)])
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// first gives the codes of the first so many links.
func (s *stock) first(links int) []byte { return s.codes[:min(links, s.links())*codeLength] }

// following asks a server for codes by chance, each connection in an order of its own.
func following(host string, codes []byte) func(int) load.Source {
	before, after := load.Get(host, "/")
	return func(int) load.Source {
		chance := rand.NewPCG(rand.Uint64(), 1)
		n := uint64(len(codes) / codeLength)
		return func(dst []byte) []byte {
			at := chance.Uint64() % n * codeLength
			dst = append(dst, before...)
			dst = append(dst, codes[at:at+codeLength]...)
			return append(dst, after...)
		}
	}
}
