package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// ask sends a request with a key, unless that is empty, and gives the status and the answer's fields.
func (n *testNode) ask(t *testing.T, key, method, path, body string) (status int, answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, n.HTTPURL()+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("X-Api-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, answer
}

// A key works from its making to its revocation, within what its owner may do, all the way from the listener to the log.
func TestKeysUsersAndDeniedHostsOfANode(t *testing.T) {
	n := runNode(t, "--root-key="+rootKey)
	n.ready(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	text := func(answer map[string]any, field string) string { s, _ := answer[field].(string); return s }
	must := func(want int, key, method, path, body string) map[string]any {
		t.Helper()
		status, answer := n.ask(t, key, method, path, body)
		if status != want {
			t.Errorf("%s %s: %d %v, want %d", method, path, status, answer, want)
		}
		return answer
	}
	user := text(must(201, rootKey, "POST", "/users", `{"name":"Ann","role":"creator"}`), "id")
	made := must(201, rootKey, "POST", "/keys", `{"name":"CI","scopes":["links:create","links:read","links:write","admin"],"owner":"`+user+`"}`)
	key, id := text(made, "key"), text(made, "id")
	mine := text(must(201, key, "POST", "/links", `{"longUrl":"https://a.example/"}`), "shortCode")
	others := text(must(201, rootKey, "POST", "/links", `{"longUrl":"https://b.example/"}`), "shortCode")
	if owner := text(must(200, rootKey, "GET", "/links/"+mine, ""), "owner"); owner != user {
		t.Errorf("the link is %q's, want %q's", owner, user)
	}
	must(404, key, "GET", "/links/"+others, "")
	must(404, key, "PATCH", "/links/"+others, `{"title":"x"}`)
	must(404, key, "DELETE", "/links/"+others, "")
	must(403, key, "GET", "/keys", "")
	must(401, strings.Replace(key, "tu_", "tu-", 1), "GET", "/links/"+mine, "")

	must(201, rootKey, "POST", "/deny", `{"host":"Bad.Example"}`)
	if code := text(must(422, key, "POST", "/links", `{"longUrl":"https://www.bad.example:8080/x"}`), "code"); code != "target_denied" {
		t.Errorf("a link to a denied host is %q", code)
	}
	must(422, key, "PATCH", "/links/"+mine, `{"longUrl":"https://www.bad.example/"}`)
	must(204, rootKey, "DELETE", "/deny/bad.example", "")
	must(201, key, "POST", "/links", `{"longUrl":"https://www.bad.example:8080/x"}`)

	must(204, rootKey, "DELETE", "/keys/"+id, "")
	must(401, key, "GET", "/links/"+mine, "")
	must(401, key, "POST", "/links", `{"longUrl":"https://a.example/"}`)
	second := text(must(201, rootKey, "POST", "/keys", `{"name":"CI","scopes":["links:read"],"owner":"`+user+`"}`), "key")
	must(200, second, "GET", "/links/"+mine, "")
	must(204, rootKey, "DELETE", "/users/"+user, "")
	must(401, second, "GET", "/links/"+mine, "")
	must(200, rootKey, "GET", "/links/"+mine, "")
}

// A stranger who chose a slug must not choose what others are given for their target.
func TestWhatTheAnonymousMakeIsFoundByNobodyElse(t *testing.T) {
	n := runNode(t, "--root-key="+rootKey, "--anonymous-create")
	n.ready(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	create := func(key, body string) (status int, code, owner any) {
		t.Helper()
		status, answer := n.ask(t, key, "POST", "/links", body)
		return status, answer["shortCode"], answer["owner"]
	}
	if status, _, owner := create("", `{"longUrl":"https://company.example","customSlug":"company-is-a-scam"}`); status != 201 || owner != "anonymous" {
		t.Errorf("a stranger's: %d, of %v", status, owner)
	}
	if status, code, owner := create(rootKey, `{"longUrl":"https://company.example","findIfExists":true}`); status != 201 || code == "company-is-a-scam" || owner != nil {
		t.Errorf("root is given %v of %v, status %d", code, owner, status)
	}
}
