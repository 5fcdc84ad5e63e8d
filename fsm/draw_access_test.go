package fsm

import (
	"time"

	"pgregory.net/rapid"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// drawnKeys are the ids of keys: few, so that commands meet.
var drawnKeys = []string{"k1", "k2", "k3"}

// drawHost draws the host of a target, or none.
func drawHost(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "bad.example", "x.bad.example", "notbad.example", "10.0.0.1"}).Draw(t, "host")
}

// drawGoverning draws a command of who may do what, and of what is said and refused of links.
func drawGoverning(t *rapid.T, now time.Time, code link.Code) command.Command {
	key := rapid.SampledFrom(append(drawnKeys, ""))
	user := rapid.SampledFrom([]string{"u1", "u1", "u2", "u2", ""})
	host := rapid.SampledFrom([]string{"bad.example", "example", "x.bad.example", "10.0.0.1", "0.0.1", "Bad.example", ""})
	reason := rapid.SampledFrom([]string{"r", "q", ""})
	switch rapid.IntRange(0, 13).Draw(t, "governing") {
	case 0, 1, 2, 3:
		return drawKey(t, now, key.Draw(t, "id"), user.Draw(t, "owner"))
	case 4:
		return command.RevokeKey{ID: key.Draw(t, "id")}
	case 5, 6, 7:
		return command.CreateUser{User: access.User{
			ID: user.Draw(t, "id"), Name: rapid.SampledFrom([]string{"n", "m", "n", ""}).Draw(t, "name"), Role: access.Role(rapid.IntRange(0, 3).Draw(t, "role")),
		}}
	case 8:
		e := access.UserEdit{ID: user.Draw(t, "id")}
		if rapid.Bool().Draw(t, "with a role") {
			role := access.Role(rapid.IntRange(0, 3).Draw(t, "role"))
			e.Role = &role
		}
		if rapid.Bool().Draw(t, "with an address") {
			email := rapid.SampledFrom([]string{"", "a@b", "a"}).Draw(t, "email")
			e.Email = &email
		}
		return command.EditUser{Edit: e}
	case 9:
		return command.DeleteUser{ID: user.Draw(t, "id")}
	case 10:
		return command.Deny{Host: host.Draw(t, "host"), Reason: reason.Draw(t, "reason")}
	case 11:
		return command.Allow{Host: host.Draw(t, "host")}
	case 12:
		return command.Report{Code: code, Reason: reason.Draw(t, "reason")}
	}
	return command.Dismiss{Code: code}
}

func drawKey(t *rapid.T, now time.Time, id, owner string) command.CreateKey {
	c := command.CreateKey{Key: access.Key{ID: id, Name: "n", Hash: access.Hash{rapid.ByteRange(0, 5).Draw(t, "hash")}, Scopes: access.AllScopes, Owner: owner}}
	switch rapid.IntRange(0, 5).Draw(t, "scopes or end") {
	case 0:
		c.Key.Scopes = access.Scopes(rapid.Uint8Range(0, uint8(access.AllScopes)).Draw(t, "scopes"))
	case 1:
		c.ExpiresIn = drawExpiresIn(t)
	case 2:
		c.Key.ExpiresAt = now.Add(time.Duration(rapid.Int64Range(-100, 1000).Draw(t, "until")) * time.Second)
	case 3:
		c.ExpiresIn, c.Key.ExpiresAt = drawExpiresIn(t), now.Add(time.Hour)
	}
	return c
}
