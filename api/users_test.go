package api

import (
	"regexp"
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

const (
	usersPath = "/api/v1/users"
	oneUser   = `{"name":"Ann","email":"ann@example.com","role":"creator"}`
)

func userOperations() []operation {
	return []operation{
		{"POST", usersPath, oneUser, access.Admin},
		{"GET", usersPath, "", access.Admin},
		{"PATCH", usersPath + "/" + someUser, `{"role":"admin"}`, access.Admin},
		{"DELETE", usersPath + "/" + someUser, "", access.Admin},
	}
}

func TestAUserIsMade(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", usersPath, oneUser)
	made := decode[v1.User](t, w, 201)
	if !regexp.MustCompile(`^u_[A-Za-z0-9_-]{16}$`).MatchString(made.ID) || w.Header().Get("Location") != usersPath+"/"+made.ID {
		t.Errorf("id %q, header %v", made.ID, w.Header())
	}
	if made.Name != "Ann" || made.Email != "ann@example.com" || made.Role != "creator" || !made.CreatedAt.Equal(noon) {
		t.Errorf("%+v", made)
	}
	if kept := f.kept.users[made.ID]; kept.Role != access.Creator || kept.Name != "Ann" {
		t.Errorf("kept %+v", kept)
	}
	for _, body := range []string{
		`{"name":"Bob","role":"editor"}`, `{"name":"Bob","role":"admin","email":null}`, `{"name":"Bob","role":"admin","email":""}`,
		`{"name":"` + strings.Repeat("x", access.MaxName) + `","role":"admin","email":"a@` + strings.Repeat("x", access.MaxEmail-2) + `"}`,
	} {
		decode[v1.User](t, f.do("POST", usersPath, body), 201)
	}
}

// badUsers are fields that no user can have, with what is wrong with them.
func badUsers() map[string]string {
	return map[string]string{
		`"name":null`: "name", `"name":""`: "name", `"name":" x"`: "name", `"name":"x\n"`: "name", `"name":"` + strings.Repeat("x", access.MaxName+1) + `"`: "name",
		`"email":"x"`: "email", `"email":"@x"`: "email", `"email":"x@"`: "email", `"email":"x y@z"`: "email", `"email":"x@y\u0007"`: "email",
		`"email":"a@` + strings.Repeat("x", access.MaxEmail-1) + `"`: "email",
		`"role":null`: "role", `"role":""`: "role", `"role":"owner"`: "role", `"role":"Admin"`: "role", `"role":"` + strings.Repeat("x", 100_000) + `"`: "role",
	}
}

func TestBadUsersAreRefused(t *testing.T) {
	rest := map[string]string{"name": `"role":"admin"`, "email": `"role":"admin","name":"x"`, "role": `"name":"x"`}
	for bad, element := range badUsers() {
		f := newFixture(t)
		f.refused(f.do("POST", usersPath, "{"+bad+","+rest[element]+"}"), 422, v1.InvalidField, element)
		f.refused(f.do("PATCH", usersPath+"/"+someUser, "{"+bad+"}"), 422, v1.InvalidField, element)
		if f.kept.changes != 0 || len(f.kept.edits) != 0 {
			t.Errorf("%s changed something", clip(bad, 50))
		}
	}
	f := newFixture(t)
	f.refused(f.do("POST", usersPath, `{}`), 422, v1.InvalidField, "name")
	f.refused(f.do("POST", usersPath, `{"name":"x"}`), 422, v1.InvalidField, "role")
}

func TestAnEditOfAUserChangesWhatItNames(t *testing.T) {
	for body, want := range map[string]v1.User{
		`{"name":"Bob"}`:                            {Name: "Bob", Email: "ann@example.com", Role: "editor"},
		`{"email":"b@example.com"}`:                 {Name: "Ann", Email: "b@example.com", Role: "editor"},
		`{"email":null}`:                            {Name: "Ann", Role: "editor"},
		`{"email":""}`:                              {Name: "Ann", Role: "editor"},
		`{"role":"creator"}`:                        {Name: "Ann", Email: "ann@example.com", Role: "creator"},
		`{"role":"admin","name":"B","email":"x@y"}`: {Name: "B", Email: "x@y", Role: "admin"},
	} {
		f := newFixture(t)
		got := decode[v1.User](t, f.do("PATCH", usersPath+"/"+someUser, body), 200)
		want.ID, want.CreatedAt = someUser, v1.Time{Time: noon}
		if got != want || f.kept.changes != 1 || shownUser(f.kept.users[someUser]) != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}

func TestAnEditOfNothingShowsTheUser(t *testing.T) {
	f := newFixture(t)
	if got := decode[v1.User](t, f.do("PATCH", usersPath+"/"+someUser, `{}`), 200); got.Name != "Ann" || f.kept.changes != 0 {
		t.Errorf("%+v after %d changes", got, f.kept.changes)
	}
}

func TestAUserIsDeleted(t *testing.T) {
	f := newFixture(t)
	if w := f.do("DELETE", usersPath+"/"+someUser, ""); w.Code != 204 || w.Body.Len() != 0 || len(f.kept.users) != 0 {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	f.refused(f.do("DELETE", usersPath+"/"+someUser, ""), 404, v1.NotFound)
	f.refused(f.do("PATCH", usersPath+"/"+someUser, `{"name":"x"}`), 404, v1.NotFound)
}
