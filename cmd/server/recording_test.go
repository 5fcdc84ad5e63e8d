package server

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tinyurl/api/redirect"
	"tinyurl/api/visits"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

// made makes a link under a slug.
func (n *testNode) made(t *testing.T, slug link.Code, tags link.Tags) {
	t.Helper()
	eventually(t, "a link is made", func() bool {
		made, err := links{n.node}.Create(t.Context(), access.Holder{Scopes: access.AllScopes}, []link.Draft{
			{Fields: link.Fields{Target: "https://example.com/", Tags: tags}, Slug: slug},
		})
		return err == nil && made[0].Err == nil
	})
}

// followed visits a code without following where it leads.
func (n *testNode) followed(t *testing.T, code string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.HTTPURL()+"/"+code, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// counted is how often people visited.
func (n *testNode) counted(t *testing.T, of visit.Subject) uint64 {
	t.Helper()
	state, err := n.node.View(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	totals, err := state.VisitTotals(t.Context(), []visit.Subject{of})
	if err != nil {
		t.Fatal(err)
	}
	return totals[0].Humans
}

func TestVisitsAreCountedAndAStopLosesNone(t *testing.T) {
	log := filepath.Join(t.TempDir(), "visits.log")
	n := runNode(t, "--visit-log="+log)
	n.made(t, "tagged", "t")
	n.made(t, "plain", "")
	for range 5 {
		n.followed(t, "tagged")
		n.followed(t, "nothing")
	}
	eventually(t, "visits are counted", func() bool { return n.counted(t, visit.Subject{Kind: visit.OfAll}) == 5 })
	for range 3 {
		n.followed(t, "plain")
	}
	n.stop()
	if err := <-n.done; err != nil {
		t.Fatal(err)
	}
	again := runNode(t, "--data-dir="+n.dir)
	again.ready(t)
	for of, want := range map[visit.Subject]uint64{
		{Kind: visit.OfAll}: 8, {Kind: visit.OfOrphans}: 5, {Kind: visit.OfLink, Name: "tagged"}: 5, {Kind: visit.OfLink, Name: "plain"}: 3,
		{Kind: visit.OfTag, Name: "t"}: 5,
	} {
		if got := again.counted(t, of); got != want {
			t.Errorf("%+v was visited %d times, want %d", of, got, want)
		}
	}
	lines, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(lines), `"browser":"Firefox"`); n != 13 || strings.Contains(string(lines), "127.0.0.1") {
		t.Errorf("the log has %d visits, want 13 and no address:\n%s", n, lines)
	}
}

// deaf is a sink that takes nothing.
type deaf struct{}

func (deaf) Begin(context.Context) (uint64, error)           { return 0, link.ErrNoLeader }
func (deaf) Send(context.Context, visits.Mark, []byte) error { return link.ErrNoLeader }
func (deaf) Tags([]string) [][]string                        { return nil }

func TestVisitsThatNobodyTookComeWithTheNextStart(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	n.stop()
	if err := <-n.done; err != nil {
		t.Fatal(err)
	}
	kept := spool{directory(n.dir)}
	r, err := visits.New(visits.Config{Sink: deaf{}, Spool: kept, Salt: func(visit.Day) (salt [16]byte) { return salt }})
	if err != nil {
		t.Fatal(err)
	}
	r.Record(redirect.Visited{Code: "x", Status: http.StatusFound, Agent: "Mozilla/5.0 Firefox/132.0"})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := runNode(t, "--data-dir="+n.dir)
	again.ready(t)
	eventually(t, "the visit is counted", func() bool { return again.counted(t, visit.Subject{Kind: visit.OfLink, Name: "x"}) == 1 })
	again.stop()
	if err := <-again.done; err != nil {
		t.Fatal(err)
	}
	if left, err := kept.Load(); len(left) > 0 || err != nil {
		t.Errorf("%d bytes are still kept, %v", len(left), err)
	}
}

func TestRecordingCanBeSwitchedOff(t *testing.T) {
	n := runNode(t, "--record-visits=false")
	if n.recording.taker() != nil {
		t.Error("something records")
	}
	n.ready(t)
}
