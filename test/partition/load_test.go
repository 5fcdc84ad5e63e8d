package partition

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/history"
	"tinyurl/test/judge"
)

// The clients find nothing wrong with a node that answers as it should, ask for everything there is, and what they write down
// is found right as a whole.
func TestClientsOfAnHonestNodeFindNothing(t *testing.T) {
	seen := make(map[string]int)
	for round := 0; round < 10 && (round == 0 || len(unseen(seen)) > 0); round++ { // a busy machine may leave little in one
		honestRound(t, seen)
	}
	if missing := unseen(seen); len(missing) > 0 {
		t.Errorf("nothing was %q: %v", missing, seen)
	}
}

// unseen are the kinds of operations, and their outcomes, that clients of an honest node must have had, and have not.
func unseen(seen map[string]int) (missing []string) {
	for _, kind := range []string{
		"create ok", "get ok", "follow ok", "delete ok", "get gone", "follow gone", "get not_found", "key", "slug ok", "slug taken",
		"edit ok", "edit conflict", "visit ok", "visit gone", "grant ok", "revoke ok", "create unauthorized", "get unauthorized",
	} {
		if seen[kind] == 0 {
			missing = append(missing, kind)
		}
	}
	return missing
}

// honestRound lets clients work for two seconds and counts what they did.
func honestRound(t *testing.T, seen map[string]int) {
	t.Helper()
	l, h := loadOn(t, newFake(t), 2*time.Second)
	if err := l.violations.Err(); err != nil {
		t.Errorf("violations: %v", err)
	}
	for _, op := range h.Operations {
		seen[string(op.Kind)+" "+string(op.Outcome)]++
		if op.Key != "" {
			seen["key"]++
		}
		if op.Slug {
			seen["slug "+string(op.Outcome)]++
		}
	}
	verdict := judge.Judge(h)
	for _, v := range verdict.Violations {
		t.Errorf("judge: %s: %s", v.Checker, v.Text)
	}
	if l.figures.right == 0 || l.figures.wrong != 0 || l.figures.unavailable != 0 {
		t.Errorf("visits: %+v", &l.figures)
	}
}

// Every lie is found by the clients themselves, while they run.
func TestClientsFindLies(t *testing.T) {
	followed := func(r *http.Request, code string) bool {
		return r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api/") && strings.HasPrefix(code, "c")
	}
	lies := map[string]struct {
		lie  func(f *fake, w http.ResponseWriter, r *http.Request, code string) bool
		want string
	}{
		"404 for a link": {func(_ *fake, w http.ResponseWriter, r *http.Request, code string) bool {
			if followed(r, code) && strings.HasSuffix(code, "7") {
				problem(w, http.StatusNotFound, v1.NotFound)
				return true
			}
			return false
		}, "not_found"},
		"another target": {func(_ *fake, w http.ResponseWriter, r *http.Request, code string) bool {
			if followed(r, code) && strings.HasSuffix(code, "7") {
				redirect(w, "https://example.org/elsewhere")
				return true
			}
			return false
		}, "elsewhere"},
		"503 without Retry-After": {func(_ *fake, w http.ResponseWriter, r *http.Request, code string) bool {
			if followed(r, code) {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		}, "status 503"},
		"a read that finds nothing": {func(_ *fake, w http.ResponseWriter, r *http.Request, code string) bool {
			if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/api/v1/links/c") && strings.HasSuffix(code, "3") {
				problem(w, http.StatusNotFound, v1.NotFound)
				return true
			}
			return false
		}, "not_found"},
		"a code given out twice": {func(f *fake, _ http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodPost && f.next == 20 {
				f.next = 10
			}
			return false
		}, "belongs to"},
		"a key that makes two links": {func(f *fake, _ http.ResponseWriter, r *http.Request, _ string) bool {
			clear(f.keys)
			return false
		}, "which had made"},
		"a link that lets too many through": {func(f *fake, _ http.ResponseWriter, r *http.Request, code string) bool {
			if l, limited := f.links[code]; limited && l.limit != 0 && r.Method == http.MethodGet {
				l.visits = 0
				f.links[code] = l
			}
			return false
		}, "visitors through"},
		"a link with a limit that is deleted and followed": {func(f *fake, w http.ResponseWriter, r *http.Request, code string) bool {
			if l, limited := f.links[code]; followed(r, code) && f.gone[code] && limited && l.limit != 0 {
				redirect(w, l.target)
				return true
			}
			return false
		}, "its deletion was acknowledged"},
		"an edit that does not look at the version": {func(_ *fake, _ http.ResponseWriter, r *http.Request, _ string) bool {
			r.Header.Del("If-Match")
			return false
		}, "was edited twice"},
		"a key that is not known": {func(f *fake, w http.ResponseWriter, r *http.Request, _ string) bool {
			if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "+fakeKey) && r.Method == http.MethodGet {
				problem(w, http.StatusUnauthorized, v1.Unauthorized)
				return true
			}
			return false
		}, "nobody had revoked it"},
		"a revocation that does nothing": {func(_ *fake, w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/api/v1/keys") {
				w.WriteHeader(http.StatusNoContent)
				return true
			}
			return false
		}, "it had been revoked"},
		"the root key is refused": {func(_ *fake, w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodPost {
				problem(w, http.StatusUnauthorized, v1.Unauthorized)
				return true
			}
			return false
		}, "the root key was refused"},
		"a slug given out twice": {func(f *fake, w http.ResponseWriter, r *http.Request, code string) bool {
			if r.Method == http.MethodPost {
				for slug := range f.links {
					if strings.HasPrefix(slug, "test-slug") {
						delete(f.links, slug)
					}
				}
			}
			return false
		}, "test-slug"},
		"a deletion that does nothing": {func(_ *fake, w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusNoContent)
				return true
			}
			return false
		}, "its deletion was acknowledged"},
		"507 without need": {func(_ *fake, w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodPost {
				problem(w, http.StatusInsufficientStorage, v1.DiskFull)
				return true
			}
			return false
		}, "no disk is full"},
		"500": {func(_ *fake, w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodPost {
				problem(w, http.StatusInternalServerError, v1.Internal)
				return true
			}
			return false
		}, "500"},
	}
	for name, c := range lies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.lie = func(w http.ResponseWriter, r *http.Request, code string) bool { return c.lie(f, w, r, code) }
			l, _ := loadOn(t, f, 20*time.Second)
			if err := l.violations.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("found: %v; want %q", err, c.want)
			}
		})
	}
}

// A 503 for what every node is known to have breaks a promise; for others it is only counted.
func TestA503ForAKnownLinkIsFound(t *testing.T) {
	for known, want := range map[bool]bool{true: true, false: false} {
		f := newFake(t)
		l, _ := loadOn(t, f, 0)
		f.lie = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			problem(w, http.StatusServiceUnavailable, v1.NoLeader)
			return true
		}
		again := &Load{options: l.options, ctx: t.Context(), visitors: newHTTP(), broken: make(chan struct{})}
		again.figures.fault(time.Now())
		u := again.user()
		if outcome := u.visit(f, "c000001", &promise{target: "https://example.org/", known: known}); outcome != history.Unknown {
			t.Errorf("the outcome is %s", outcome)
		}
		if found := again.violations.Err() != nil; found != want {
			t.Errorf("known %v: found %v", known, again.violations.Err())
		}
		if again.figures.right != 0 || again.figures.unavailable+again.figures.wrong != 1 {
			t.Errorf("counted %+v", &again.figures)
		}
	}
}
