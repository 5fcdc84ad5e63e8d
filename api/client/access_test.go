package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
)

// echoing gives a client of a server that answers everything with one document, and keeps the last request: method, path and body.
func echoing(t *testing.T, status int, answer string) (c *Client, last *string) {
	t.Helper()
	last = new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*last = strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, last
}

func TestEveryCallAsksForWhatItSays(t *testing.T) {
	ctx, name := t.Context(), "Ann"
	end := v1.Time{Time: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)}
	for want, call := range map[string]func(c *Client) error{
		`POST /api/v1/keys {"name":"ci","scopes":["links:create"],"owner":"u_1","expiresAt":"2030-01-31T12:00:00.000Z"}`: func(c *Client) error {
			_, err := c.CreateKey(ctx, v1.CreateKey{Name: "ci", Scopes: []string{"links:create"}, Owner: "u_1", ExpiresAt: &end})
			return err
		},
		`DELETE /api/v1/keys/k_1%2F%3Fx`: func(c *Client) error { return c.RevokeKey(ctx, "k_1/?x") },
		`POST /api/v1/users {"name":"Ann","role":"editor"}`: func(c *Client) error {
			_, err := c.CreateUser(ctx, v1.CreateUser{Name: name, Role: "editor"})
			return err
		},
		`PATCH /api/v1/users/u_1 {"name":"Ann"}`: func(c *Client) error {
			_, err := c.EditUser(ctx, "u_1", v1.EditUser{Name: &name})
			return err
		},
		`DELETE /api/v1/users/u_1`: func(c *Client) error { return c.DeleteUser(ctx, "u_1") },
		`POST /api/v1/deny {"host":"bad.example","reason":"spam"}`: func(c *Client) error {
			_, err := c.Deny(ctx, v1.CreateDenied{Host: "bad.example", Reason: "spam"})
			return err
		},
		`DELETE /api/v1/deny/bad.example`:                         func(c *Client) error { return c.Allow(ctx, "bad.example") },
		`POST /api/v1/report {"shortCode":"abc","reason":"spam"}`: func(c *Client) error { return c.Report(ctx, v1.CreateReport{ShortCode: "abc", Reason: "spam"}) },
		`DELETE /api/v1/reports/abc`:                              func(c *Client) error { return c.Dismiss(ctx, "abc") },
		`POST /api/v1/cluster/leave`:                              func(c *Client) error { return c.Leave(ctx) },
		`POST /api/v1/cluster/members/n1-3f9c2a/remove`:           func(c *Client) error { return c.RemoveMember(ctx, "n1-3f9c2a") },
		`POST /api/v1/cluster/members/..%2Fleave/remove`:          func(c *Client) error { return c.RemoveMember(ctx, "../leave") },
		`POST /api/v1/cluster/transfer {}`: func(c *Client) error {
			_, err := c.TransferLeadership(ctx, "")
			return err
		},
		`POST /api/v1/cluster/transfer {"to":"n1-3f9c2a"}`: func(c *Client) error {
			_, err := c.TransferLeadership(ctx, "n1-3f9c2a")
			return err
		},
		`GET /api/v1/cluster/autopilot`: func(c *Client) error {
			_, err := c.Autopilot(ctx)
			return err
		},
		`GET /api/v1/links/a%2Fb/qr?format=png&level=H&margin=0&size=64`: func(c *Client) error {
			_, _, err := c.QR(ctx, "a/b", QROptions{Format: "png", Size: 64, Margin: new(int), Level: "H"})
			return err
		},
		`GET /api/v1/links/abc/qr`: func(c *Client) error {
			_, _, err := c.QR(ctx, "abc", QROptions{})
			return err
		},
		`POST /api/v1/links {"longUrl":"https://example.com","findIfExists":true}`: func(c *Client) error {
			_, _, err := c.CreateOrFind(ctx, v1.CreateLink{LongURL: "https://example.com"}, "")
			return err
		},
	} {
		status := http.StatusOK
		if strings.HasPrefix(want, "DELETE ") || strings.HasSuffix(want, "/remove") || strings.Contains(want, "/report ") || strings.HasSuffix(want, "/leave") {
			status = http.StatusNoContent
		}
		c, last := echoing(t, status, "{}")
		if err := call(c); err != nil || *last != want {
			t.Errorf("asked %s (%v), want %s", *last, err, want)
		}
		if welcome := answering(t, 200, "text/html", "<h1>Welcome</h1>"); status == http.StatusNoContent && !errors.Is(call(welcome), ErrNoAnswer) {
			t.Errorf("%s: a page was taken for an answer", want)
		}
		refusing := answering(t, 403, v1.ProblemType, `{"code":"forbidden"}`)
		if err := call(refusing); !errors.Is(err, v1.Forbidden) {
			t.Errorf("%s: a refusal is %v", want, err)
		}
	}
}

// walk counts the entries of a list, and gives the error it ended with.
func walk[P any](list iter.Seq2[P, error], size func(P) int) (entries int, err error) {
	for page, err := range list {
		if err != nil {
			return entries, err
		}
		entries += size(page)
	}
	return entries, nil
}

func TestListsOfTheOperatorsAreReadPageByPage(t *testing.T) {
	pages := []string{`{"data":[{},{}],"nextCursor":"one"}`, `{"data":[{}],"nextCursor":null}`}
	from := Paging{PageSize: 2, Cursor: "zero"}
	for name, list := range map[string]func(c *Client) (int, error){
		"keys": func(c *Client) (int, error) {
			return walk(c.Keys(t.Context(), from), func(p v1.KeyPage) int { return len(p.Data) })
		},
		"users": func(c *Client) (int, error) {
			return walk(c.Users(t.Context(), from), func(p v1.UserPage) int { return len(p.Data) })
		},
		"deny": func(c *Client) (int, error) {
			return walk(c.Denied(t.Context(), from), func(p v1.DeniedPage) int { return len(p.Data) })
		},
		"reports": func(c *Client) (int, error) {
			return walk(c.Reports(t.Context(), from), func(p v1.ReportPage) int { return len(p.Data) })
		},
	} {
		c, asked := asking(t, pages...)
		want := []string{"GET /api/v1/" + name + "?cursor=zero&limit=2 ", "GET /api/v1/" + name + "?cursor=one&limit=2 "}
		if n, err := list(c); n != 3 || err != nil || !cmp.Equal(*asked, want) {
			t.Errorf("%s: %d entries, %v, asked for %q", name, n, err, *asked)
		}
		if _, err := list(c); !errors.Is(err, v1.NoLeader) {
			t.Errorf("%s: a failing node: %v", name, err)
		}
	}
}

func TestAFoundLinkIsToldFromANewOne(t *testing.T) {
	for status, want := range map[int]bool{http.StatusOK: true, http.StatusCreated: false} {
		c, _ := echoing(t, status, `{"shortCode":"abc"}`)
		link, found, err := c.CreateOrFind(context.Background(), v1.CreateLink{LongURL: "https://example.com"}, "")
		if err != nil || found != want || link.ShortCode != "abc" {
			t.Errorf("status %d: %+v, found %v, %v", status, link, found, err)
		}
	}
}

func TestAPictureComesAsItIs(t *testing.T) {
	c := answering(t, 200, "image/png", "\x89PNG")
	picture, mediaType, err := c.QR(t.Context(), "abc", QROptions{})
	if string(picture) != "\x89PNG" || mediaType != "image/png" || err != nil {
		t.Errorf("%q of %s, %v", picture, mediaType, err)
	}
}
