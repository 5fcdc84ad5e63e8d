package password

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"tinyurl/fsm/link"
)

// parameters are what the work of a hash is measured by: KiB of memory, passes over it, and lanes that may be worked on at once.
type parameters struct {
	memory, passes uint32
	lanes          uint8
}

// Bounds of what is checked. Hashes come from imports and backups as well: whoever may write them must not be able to have every
// visit cost gigabytes or minutes.
const (
	maxMemory = 64 << 10 // KiB
	maxPasses = 8
	maxLanes  = 4
	minLength = 8 // bytes of salt and of hash
	maxLength = 64
)

// phc is a hash in its parts (https://github.com/P-H-C/phc-string-format).
type phc struct {
	parameters
	salt, key []byte
}

// encode writes the parts as they are kept.
func (p phc) encode() link.PasswordHash {
	b64 := base64.RawStdEncoding.EncodeToString
	return link.PasswordHash(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.memory, p.passes, p.lanes, b64(p.salt), b64(p.key)))
}

// parse takes a hash apart and judges what it would cost.
func parse(kept link.PasswordHash) (phc, error) {
	parts := strings.Split(string(kept), "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, fmt.Errorf("%w: it is not of the form $argon2id$v=%d$…", errUnreadable, argon2.Version)
	}
	with, err := parseParameters(parts[3])
	if err != nil {
		return phc{}, err
	}
	p := phc{parameters: with}
	if p.salt, err = parseBytes(parts[4]); err != nil {
		return phc{}, err
	}
	if p.key, err = parseBytes(parts[5]); err != nil {
		return phc{}, err
	}
	return p, nil
}

// parseParameters reads "m=19456,t=2,p=1", in this order alone, as the format asks for.
func parseParameters(text string) (parameters, error) {
	var found [3]uint32
	fields := strings.Split(text, ",")
	if len(fields) != len(found) {
		return parameters{}, fmt.Errorf("%w: parameters", errUnreadable)
	}
	for i, bound := range []struct {
		name string
		most uint64
	}{{"m=", maxMemory}, {"t=", maxPasses}, {"p=", maxLanes}} {
		digits, ok := strings.CutPrefix(fields[i], bound.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n == 0 || n > bound.most {
			return parameters{}, fmt.Errorf("%w: %s must be 1 to %d", errUnreadable, bound.name, bound.most)
		}
		found[i] = uint32(n)
	}
	return parameters{memory: found[0], passes: found[1], lanes: uint8(found[2])}, nil //nolint:gosec // at most maxLanes
}

// parseBytes reads base64 without padding.
func parseBytes(text string) ([]byte, error) {
	if len(text) > base64.RawStdEncoding.EncodedLen(maxLength) {
		return nil, fmt.Errorf("%w: more than %d bytes", errUnreadable, maxLength)
	}
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < minLength {
		return nil, fmt.Errorf("%w: it must hold %d bytes or more of base64", errUnreadable, minLength)
	}
	return b, nil
}

// Check reports whether kept is a hash that Verify could compare a password with; the error says why not.
func Check(kept link.PasswordHash) error {
	_, err := parse(kept)
	return err
}
