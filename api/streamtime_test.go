package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

// overTLS gives a client that speaks HTTP/2 with a node of such limits, in memory.
func overTLS(t *testing.T, limits Limits) (*shelf, *client.Client) {
	t.Helper()
	f := newFixture(t, func(c *Config) { c.Limits = limits })
	s := newShelf(f)
	own := newCertificate(t, "sho.rt")
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "sho.rt"}, ForceAttemptHTTP2: true}
	through(transport, f.inMemory(t, limits, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own, nil }))
	t.Cleanup(transport.CloseIdleConnections)
	api, err := client.New("https://sho.rt", testKey, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return s, api
}

// dribble is a file whose pieces come one by one, each a while after the one before has been read.
type dribble struct {
	pieces []string
	pause  time.Duration
	// left is what has come and was not read yet; begun says that something has come.
	left  string
	begun bool
}

func (d *dribble) Read(p []byte) (int, error) {
	if d.left == "" {
		if len(d.pieces) == 0 {
			return 0, io.EOF
		}
		if d.begun {
			<-time.After(d.pause)
		}
		d.left, d.pieces, d.begun = d.pieces[0], d.pieces[1:], true
	}
	n := copy(p, d.left)
	d.left = d.left[n:]
	return n, nil
}

// In HTTP/2 a deadline is a timer of the stream: it must not strike while nobody reads, or nobody writes.
func TestAStreamOfHTTP2MayStandStillInOneDirection(t *testing.T) {
	const patience = 300 * time.Millisecond
	inBubble(t, "nothing is written", func(t *testing.T) {
		_, api := overTLS(t, Limits{ReadHeader: time.Second, Read: 5 * time.Second, Write: patience})
		file := &dribble{pause: patience / 10, pieces: []string{"longUrl\n" + strings.Repeat("\n", 64<<10)}}
		file.pieces = append(file.pieces, slices.Repeat([]string{strings.Repeat("https://example.com/\n", 100)}, 30)...)
		counts, err := api.Import(t.Context(), file, client.ImportOptions{StartRow: 3001}, nil)
		if want := (v1.ImportCounts{LastRow: 3000}); err != nil || counts != want {
			t.Errorf("%+v, %v", counts, err)
		}
	})
	inBubble(t, "nothing is read", func(t *testing.T) {
		s, api := overTLS(t, Limits{ReadHeader: time.Second, Read: patience, Write: 5 * time.Second, Call: 5 * time.Second})
		s.refuse = func(context.Context, int) error {
			<-time.After(3 * patience)
			return nil
		}
		rows := (importsInFlight + 2) * maxImportRows
		// The rest comes while all batches are under way and nobody reads.
		file := &dribble{pause: 2 * patience, pieces: []string{csvOf(rows) + strings.Repeat("\n", 64<<10), "\n"}}
		counts, err := api.Import(t.Context(), file, client.ImportOptions{}, nil)
		if err != nil || counts.Created != int64(rows) {
			t.Errorf("%+v, %v", counts, err)
		}
	})
	inBubble(t, "nothing comes", func(t *testing.T) {
		_, api := overTLS(t, Limits{ReadHeader: time.Second, Read: patience, Write: 5 * time.Second})
		pieces := []string{csvOf(3) + strings.Repeat("\n", 64<<10), "late\n"}
		counts, err := api.Import(t.Context(), &dribble{pause: 4 * patience, pieces: pieces}, client.ImportOptions{}, nil)
		if !errors.Is(err, v1.RequestTimeout) || counts.LastRow != 3 {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

// An answer that ends before the file has been sent is heard all the same.
func TestTheLastLineIsHeardByWhoStillSends(t *testing.T) {
	for range 5 {
		f := newFixture(t)
		s := newShelf(f)
		s.refuse = func(_ context.Context, call int) error {
			if call > 3 {
				return link.ErrDiskFull
			}
			return nil
		}
		api, err := client.New("http://"+f.listen(t, Limits{}, nil), testKey, nil)
		if err != nil {
			t.Fatal(err)
		}
		file := io.MultiReader(strings.NewReader("longUrl\n"), strings.NewReader(strings.Repeat("https://example.com/0123456789\n", 1<<20)))
		if _, err := api.Import(t.Context(), file, client.ImportOptions{}, nil); !errors.Is(err, v1.DiskFull) {
			t.Error(err)
		}
	}
}

// Who waits for an import hears that it lives.
func TestProgressIsToldWhenNothingElseIs(t *testing.T) {
	t.Run("rows are passed over", func(t *testing.T) {
		bubble.Test(t, func(t *testing.T) {
			f := newFixture(t)
			newShelf(f)
			file := &dribble{pause: time.Second, pieces: []string{"longUrl\n" + strings.Repeat("\n", 64<<10)}}
			file.pieces = append(file.pieces, slices.Repeat([]string{"https://example.com/\n"}, 35)...)
			request := httptest.NewRequest("POST", importPath+"?startRow=36", file)
			request.Header.Set("Authorization", "Bearer "+testKey)
			answer := httptest.NewRecorder()
			f.ServeHTTP(answer, request)
			got := readImport(t, answer)
			if len(got.progress) != 3 || got.progress[0] != (v1.ImportCounts{LastRow: 35}) || !*got.last.Complete {
				t.Errorf("%+v, %+v", got.progress, got.last)
			}
		})
	})
	t.Run("the cluster takes its time", func(t *testing.T) {
		bubble.Test(t, func(t *testing.T) {
			f := newFixture(t)
			newShelf(f).refuse = func(_ context.Context, call int) error {
				<-time.After(4 * time.Second)
				if call < 4 {
					return link.ErrNoLeader
				}
				return nil
			}
			got := f.imports("", csvOf(1))
			if len(got.progress) != 1 || got.progress[0] != (v1.ImportCounts{}) || got.last.Created != 1 {
				t.Errorf("%+v, %+v", got.progress, got.last)
			}
		})
	})
}

// A file that ends before the row an import goes on at is another file, or the rest of one.
func TestAFileWithFewerRowsThanStartRowIsNotComplete(t *testing.T) {
	f := newFixture(t)
	newShelf(f)
	for query, complete := range map[string]bool{"?startRow=10": true, "?startRow=11": true, "?startRow=12": false, "?startRow=500": false} {
		got := f.imports(query, csvOf(10))
		if *got.last.Complete != complete {
			t.Errorf("%s: %+v", query, got.last)
		}
		if !complete && (got.last.Error.Code != v1.InvalidField || got.last.Error.Detail != "the file has fewer rows than startRow" || got.counts().Rows != 0) {
			t.Errorf("%s: %+v", query, got.last)
		}
	}
}
