package visit

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	precision = 11
	registers = 1 << precision
	rankBits  = 6
	maxRank   = 64 - precision + 1
	// maxSparse is how many registers are kept one by one. More take less room as a table.
	maxSparse = 448
	denseSize = registers * rankBits / 8
)

// Sketch estimates how many different visitors there were, from hashes of 64 bits: HyperLogLog (Flajolet, Fusy, Gandouet and
// Meunier 2007), with the estimator of Ertl ("New cardinality estimation algorithms for HyperLogLog sketches", 2017). The zero Sketch has
// seen nobody. A Sketch that was copied must not be added to any more: copies share memory.
type Sketch struct {
	sparse []uint32 // register and rank, in order; until there are too many
	dense  []byte   // a rank for each register, or nil
}

// cell is what a hash has to say: which register, and a rank from 1.
func cell(hash uint64) (register, rank uint32) {
	register = uint32(hash >> (64 - precision))
	rank = uint32(bits.LeadingZeros64(hash<<precision|1<<(precision-1))) + 1
	return register, rank
}

// Add notes a visitor.
func (s *Sketch) Add(hash uint64) {
	register, rank := cell(hash)
	s.raise(register, rank)
}

// raise brings a register up to a rank.
func (s *Sketch) raise(register, rank uint32) {
	if s.dense != nil {
		s.dense[register] = max(s.dense[register], byte(rank))
		return
	}
	i, found := slices.BinarySearchFunc(s.sparse, register, func(c, register uint32) int { return cmp.Compare(c>>rankBits, register) })
	c := register<<rankBits | rank
	if found {
		s.sparse[i] = max(s.sparse[i], c)
		return
	}
	s.sparse = slices.Insert(s.sparse, i, c)
	if len(s.sparse) > maxSparse {
		s.spread()
	}
}

// spread makes a table of the registers.
func (s *Sketch) spread() {
	s.dense = make([]byte, registers)
	for _, c := range s.sparse {
		s.dense[c>>rankBits] = byte(c & (1<<rankBits - 1))
	}
	s.sparse = nil
}

// merge gives a sketch of the visitors of both. Neither is changed, but the result may be one of them.
func (s Sketch) merge(o Sketch) Sketch {
	switch {
	case o.dense == nil && len(o.sparse) == 0:
		return s
	case s.dense == nil && len(s.sparse) == 0:
		return o
	case s.dense == nil && o.dense != nil:
		return o.merge(s)
	}
	sum := Sketch{sparse: slices.Clone(s.sparse), dense: slices.Clone(s.dense)}
	for _, c := range o.sparse {
		sum.raise(c>>rankBits, c&(1<<rankBits-1))
	}
	for register, rank := range o.dense {
		sum.dense[register] = max(sum.dense[register], rank)
	}
	return sum
}

// Estimate is about how many different visitors were added: within 2.3 % in two of three cases.
func (s Sketch) Estimate() uint64 {
	var counts [maxRank + 1]int
	counts[0] = registers - len(s.sparse)
	for _, c := range s.sparse {
		counts[c&(1<<rankBits-1)]++
	}
	if s.dense != nil {
		counts[0] = 0
		for _, rank := range s.dense {
			counts[rank]++
		}
	}
	const m = float64(registers)
	z := m * tau(1-float64(counts[maxRank])/m)
	for k := maxRank - 1; k >= 1; k-- {
		z = (z + float64(counts[k])) / 2
	}
	z += m * sigma(float64(counts[0])/m)
	return uint64(math.Round(m * m / (2 * math.Ln2 * z)))
}

// sigma is the correction for registers that nobody reached, tau for those that are full (Ertl 2017, algorithm 6).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for last := -1.0; z != last; {
		x *= x
		last = z
		z += x * y
		y += y
	}
	return z
}

func tau(x float64) float64 {
	if x <= 0 || x >= 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for last := -1.0; z != last; {
		x = math.Sqrt(x)
		last = z
		y /= 2
		z -= (1 - x) * (1 - x) * y
	}
	return z / 3
}

// append appends the sketch: the number of registers and each with the distance from the one before and its rank, or one more than
// maxSparse and all ranks, four in three bytes.
func (s Sketch) append(buf []byte) []byte {
	if s.dense == nil {
		buf = binary.AppendUvarint(buf, uint64(len(s.sparse)))
		last := uint32(0)
		for _, c := range s.sparse {
			buf = binary.AppendUvarint(buf, uint64(c>>rankBits-last))
			buf = append(buf, byte(c&(1<<rankBits-1)))
			last = c >> rankBits
		}
		return buf
	}
	buf = binary.AppendUvarint(buf, maxSparse+1)
	for i := 0; i < registers; i += 4 {
		four := uint32(s.dense[i])<<18 | uint32(s.dense[i+1])<<12 | uint32(s.dense[i+2])<<6 | uint32(s.dense[i+3])
		buf = append(buf, byte(four>>16), byte(four>>8), byte(four))
	}
	return buf
}

// sketchOf undoes append, strictly.
func sketchOf(r *reader) Sketch {
	n := int(r.number(maxSparse + 1))
	if n > maxSparse {
		return denseOf(r)
	}
	var s Sketch
	if n > 0 {
		s.sparse = make([]uint32, 0, n+1)
	}
	register := uint32(0)
	for i := range n {
		step := uint32(r.number(registers))
		rank := r.bytes(1)
		if r.err != nil {
			return Sketch{}
		}
		register += step
		if i > 0 && step == 0 || register >= registers || rank[0] == 0 || rank[0] > maxRank {
			r.fail(fmt.Errorf("%w: a register out of order", ErrMalformed))
			return Sketch{}
		}
		s.sparse = append(s.sparse, register<<rankBits|uint32(rank[0]))
	}
	return s
}

func denseOf(r *reader) Sketch {
	packed := r.bytes(denseSize)
	if r.err != nil {
		return Sketch{}
	}
	dense := make([]byte, 0, registers)
	used := 0
	for ; len(packed) > 0; packed = packed[3:] {
		four := uint32(packed[0])<<16 | uint32(packed[1])<<8 | uint32(packed[2])
		for shift := 18; shift >= 0; shift -= rankBits {
			rank := byte(four >> shift & (1<<rankBits - 1))
			if rank > maxRank {
				r.fail(fmt.Errorf("%w: a rank of %d", ErrMalformed, rank))
				return Sketch{}
			}
			if rank > 0 {
				used++
			}
			dense = append(dense, rank)
		}
	}
	if used <= maxSparse {
		r.fail(fmt.Errorf("%w: a table of %d registers", ErrMalformed, used))
		return Sketch{}
	}
	return Sketch{dense: dense}
}
