package link

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	// MaxID is the last id that has a code: 62^7 - 1.
	MaxID ID = idSpace - 1

	idSpace   = 62 * 62 * 62 * 62 * 62 * 62 * 62
	halfBits  = 21 // two halves make 42 bits, the least even number of bits that holds idSpace
	halfMask  = 1<<halfBits - 1
	codeRound = 8
)

// Codec turns ids into generated codes and back, by a keyed bijection on [0, 62^7).
//
// The bijection is a balanced Feistel network (Luby and Rackoff, "How to construct pseudorandom permutations from
// pseudorandom functions", SIAM J. Comput. 17, 1988) of 8 rounds over 42 bits, brought down to 62^7 by cycle walking
// (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002): a value outside the range is encrypted again
// until it falls inside, 1.25 passes on average. The round function is the SplitMix64 finaliser (Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", OOPSLA 2014). It is no cryptographic function: the codes hide their
// order from people who look at them, not from a cryptanalyst.
//
// A Codec is immutable and safe for use by many goroutines.
type Codec struct {
	keys [codeRound]uint64
}

// NewCodec makes the codec of a code key. Round keys are SHA-256 of a label, a block number and the key, so that a key
// with little in it still gives eight unlike rounds.
func NewCodec(key [16]byte) *Codec {
	c := &Codec{}
	for block := range 2 {
		seed := append([]byte("tinyurl code key v1 "), byte(block))
		sum := sha256.Sum256(append(seed, key[:]...))
		for i := range 4 {
			c.keys[block*4+i] = binary.BigEndian.Uint64(sum[i*8:])
		}
	}
	return c
}

// Encode gives the code of id; the empty Code for an id above MaxID.
func (c *Codec) Encode(id ID) Code {
	if id > MaxID {
		return ""
	}
	x := c.forward(uint64(id))
	for x >= idSpace {
		x = c.forward(x)
	}
	var digits [CodeLength]byte
	for i := CodeLength - 1; i >= 0; i-- {
		digits[i] = alphabet[x%62]
		x /= 62
	}
	return Code(digits[:])
}

// Decode gives the id whose code is code; false unless code is seven base62 characters. Every such code has an id, also
// one that was never given out.
func (c *Codec) Decode(code Code) (ID, bool) {
	if len(code) != CodeLength {
		return 0, false
	}
	var x uint64
	for i := range CodeLength {
		d, ok := digit(code[i])
		if !ok {
			return 0, false
		}
		x = x*62 + d
	}
	x = c.backward(x)
	for x >= idSpace {
		x = c.backward(x)
	}
	return ID(x), true
}

// forward is one pass of the network.
func (c *Codec) forward(x uint64) uint64 {
	l, r := x>>halfBits, x&halfMask
	for _, k := range &c.keys {
		l, r = r, l^mix(r, k)
	}
	return l<<halfBits | r
}

// backward undoes forward.
func (c *Codec) backward(x uint64) uint64 {
	l, r := x>>halfBits, x&halfMask
	for i := codeRound - 1; i >= 0; i-- {
		l, r = r^mix(l, c.keys[i]), l
	}
	return l<<halfBits | r
}

// mix is the round function: 21 bits from a half and a round key.
func mix(half, key uint64) uint64 {
	z := half + key
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z ^ z>>31) & halfMask
}

// digit gives the value of a base62 character.
func digit(c byte) (uint64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0'), true
	case 'A' <= c && c <= 'Z':
		return uint64(c-'A') + 10, true
	case 'a' <= c && c <= 'z':
		return uint64(c-'a') + 36, true
	}
	return 0, false
}
