package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// demo stands in for a node of a cluster.
func demo(w http.ResponseWriter, r *http.Request) {
	answers := map[string]struct {
		status int
		body   string
	}{
		"POST /api/v1/links":            {201, `{"shortCode":"spring","shortUrl":"https://sho.rt/spring","longUrl":"https://example.com/sale","version":1}`},
		"GET /api/v1/links/spring":      {200, `{"shortCode":"spring","longUrl":"https://example.com/sale","version":1,"visits":{"total":7}}`},
		"GET /api/v1/links/autumn":      {404, `{"code":"not_found","detail":"there is no link with this code"}`},
		"GET /api/v1/links":             {200, `{"data":[{"shortCode":"spring"}],"nextCursor":"c1"}`},
		"GET /api/v1/links?cursor=c1":   {200, `{"data":[{"shortCode":"winter"}],"nextCursor":null}`},
		"PATCH /api/v1/links/spring":    {200, `{"shortCode":"spring","title":"Spring sale","version":2}`},
		"POST /api/v1/keys":             {201, `{"id":"k_1","name":"ci","scopes":["links:create"],"key":"tu_secret"}`},
		"GET /api/v1/cluster":           {200, `{"healthy":true,"members":[{"name":"n1"},{"name":"n2"},{"name":"n3"}]}`},
		"POST /api/v1/cluster/transfer": {200, `{"id":"n2-90b1d4","name":"n2"}`},
	}
	answer := answers[r.Method+" "+r.URL.RequestURI()]
	if answer.status >= 400 {
		w.Header().Set("Content-Type", v1.ProblemType)
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
}

// connect makes a client of the demo; of a node it is client.New("http://127.0.0.1:8080", key, nil).
func connect() (api *client.Client, done func()) {
	server := httptest.NewServer(http.HandlerFunc(demo))
	api, err := client.New(server.URL, "tu_key", nil)
	if err != nil {
		panic(err)
	}
	return api, server.Close
}

func Example() {
	api, done := connect()
	defer done()
	ctx := context.Background()

	// Under an idempotency key a create may be tried again, on any node: there will be one link.
	link, err := api.Create(ctx, v1.CreateLink{LongURL: "https://example.com/sale", CustomSlug: "spring", ExpiresIn: "720h"}, "order-4711")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(link.ShortURL)

	link, err = api.Get(ctx, "spring", false)
	fmt.Println(link.Visits.Total, "visits", err)
	// Output:
	// https://sho.rt/spring
	// 7 visits <nil>
}

func ExampleError() {
	api, done := connect()
	defer done()
	_, err := api.Get(context.Background(), "autumn", false)
	if refusal, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refusal.Status, refusal.Code, refusal.RetryAfter)
	}
	fmt.Println(errors.Is(err, v1.NotFound), err)
	// Output:
	// 404 not_found 0s
	// true not_found: there is no link with this code
}

func ExampleClient_List() {
	api, done := connect()
	defer done()
	for page, err := range api.List(context.Background(), client.ListOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, link := range page.Data {
			fmt.Println(link.ShortCode)
		}
	}
	// Output:
	// spring
	// winter
}

func ExampleClient_Edit() {
	api, done := connect()
	defer done()
	ctx := context.Background()
	link, err := api.Get(ctx, "spring", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Only if nobody else has changed it since.
	link, err = api.Edit(ctx, link.ShortCode, v1.EditLink{Title: v1.Set("Spring sale"), ValidUntil: v1.Clear[v1.Time]()}, link.Version)
	fmt.Println(link.Title, link.Version, err)
	// Output: Spring sale 2 <nil>
}

func ExampleClient_CreateKey() {
	api, done := connect()
	defer done()
	key, err := api.CreateKey(context.Background(), v1.CreateKey{Name: "ci", Scopes: []string{"links:create"}, ExpiresIn: "2160h"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key.ID, key.Key) // the only time that the key itself is shown
	// Output: k_1 tu_secret
}

func ExampleClient_TransferLeadership() {
	api, done := connect()
	defer done()
	ctx := context.Background()
	if status, err := api.Cluster(ctx); err != nil || !status.Healthy {
		fmt.Println("not now", err)
		return
	}
	leader, err := api.TransferLeadership(ctx, "n2-90b1d4")
	fmt.Println(leader.Name, err)
	// Output: n2 <nil>
}
