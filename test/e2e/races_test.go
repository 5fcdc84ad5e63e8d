package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// racersEach is how many requests race on every node.
const racersEach = 100

// told is what a racer was told.
type told struct {
	status int
	link   v1.Link
}

// race sends one request from many goroutines to every node at once, and gives what each was told. A node that sheds, or has
// lost its leader, is asked again: what is judged is what answers of substance say together.
func race(t *testing.T, c *harness.Cluster, each int, request func(n *harness.Node) (*http.Request, error)) []told {
	t.Helper()
	visitor := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: each},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer visitor.CloseIdleConnections()
	nodes := c.Nodes()
	answers := make([]told, each*len(nodes))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-start
			answers[i] = ask(t, visitor, nodes[i%len(nodes)], request)
		})
	}
	close(start)
	all.Wait()
	return answers
}

// ask sends a request until it is answered for good.
func ask(t *testing.T, visitor *http.Client, n *harness.Node, request func(*harness.Node) (*http.Request, error)) told {
	for range 100 {
		r, err := request(n)
		if err != nil {
			t.Error(err)
			return told{}
		}
		response, err := visitor.Do(r.WithContext(t.Context()))
		if err != nil {
			t.Error(err)
			return told{}
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		_ = response.Body.Close()
		if err != nil {
			t.Error(err)
			return told{}
		}
		if response.StatusCode == http.StatusServiceUnavailable {
			continue
		}
		answer := told{status: response.StatusCode}
		if response.StatusCode/100 == 2 {
			if err := json.Unmarshal(body, &answer.link); err != nil {
				t.Error(err)
			}
		}
		return answer
	}
	t.Error("a hundred answers of 503")
	return told{}
}

// apiCall makes requests of the JSON API.
func apiCall(c *harness.Cluster, method, path, body string, header ...string) func(*harness.Node) (*http.Request, error) {
	return func(n *harness.Node) (*http.Request, error) {
		r, err := http.NewRequest(method, n.URL()+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+c.Key())
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r, nil
	}
}

// statuses counts answers by their status.
func statuses(answers []told) map[int]int {
	counts := map[int]int{}
	for _, a := range answers {
		counts[a.status]++
	}
	return counts
}

func expect(t *testing.T, what string, got, want map[int]int) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: answers by status %v, want %v", what, got, want)
	}
}

// Whoever races on any of three nodes, one wins, exactly.
func TestRacesHaveOneWinner(t *testing.T) {
	c := harness.Start(t, harness.Options{})
	racers := racersEach * len(c.Nodes())
	const rounds = 3
	for round := range rounds {
		slug := fmt.Sprintf("the-one-%d", round)
		expect(t, "one slug", statuses(race(t, c, racersEach, apiCall(c, "POST", "/api/v1/links",
			fmt.Sprintf(`{"longUrl":"https://example.org/%d","customSlug":%q}`, round, slug)))), map[int]int{201: 1, 409: racers - 1})

		found := race(t, c, racersEach, apiCall(c, "POST", "/api/v1/links",
			fmt.Sprintf(`{"longUrl":"https://example.org/found/%d","findIfExists":true,"tags":["found"]}`, round)))
		expect(t, "findIfExists", statuses(found), map[int]int{201: 1, 200: racers - 1})
		for _, a := range found {
			if a.link.ShortCode != found[0].link.ShortCode {
				t.Errorf("findIfExists gave %s and %s", found[0].link.ShortCode, a.link.ShortCode)
			}
		}

		changed := race(t, c, racersEach, apiCall(c, "PATCH", "/api/v1/links/"+slug, `{"title":"changed"}`, "If-Match", `"1"`))
		expect(t, "PATCH with one ETag", statuses(changed), map[int]int{200: 1, 412: racers - 1})
	}
	state := c.Converged(convergeTime)
	if state.Links != 2*rounds {
		t.Errorf("%d links were made, want %d", state.Links, 2*rounds)
	}
	t.Logf("FIGURES %s: %d rounds of %d racers on three nodes: one slug, one findIfExists, one PATCH", t.Name(), rounds, racers)
}

// A link that may be followed ten times is followed ten times.
func TestALimitedLinkIsFollowedExactlyAsOftenAsItMay(t *testing.T) {
	const visits, most = 334, 10 // on each of three nodes
	c := harness.Start(t, harness.Options{})
	n := c.Node(0)
	made := ask(t, http.DefaultClient, n, apiCall(c, "POST", "/api/v1/links", `{"longUrl":"https://example.org/few","maxVisits":10}`))
	if made.status != http.StatusCreated {
		t.Fatalf("the link was answered with %d", made.status)
	}
	answers := race(t, c, visits, func(n *harness.Node) (*http.Request, error) {
		return http.NewRequest(http.MethodGet, n.URL()+"/"+made.link.ShortCode, nil)
	})
	expect(t, "visits", statuses(answers), map[int]int{302: most, 410: visits*len(c.Nodes()) - most})
	left := ask(t, http.DefaultClient, n, apiCall(c, "GET", "/api/v1/links/"+made.link.ShortCode, ""))
	if left.link.Visits.Total != most {
		t.Errorf("%d visits were counted, want %d", left.link.Visits.Total, most)
	}
	t.Logf("FIGURES %s: %d visits over three nodes at once: %v", t.Name(), len(answers), statuses(answers))
}
