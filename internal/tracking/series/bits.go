package series

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends groups of bits, the lowest bit first.
type bitWriter struct {
	out     []byte
	pending uint64
	have    int // bits in pending, below 64
}

// write appends the lowest n bits of v; the others are zero.
func (w *bitWriter) write(v uint64, n int) {
	w.pending |= v << w.have
	if w.have+n < 64 {
		w.have += n
		return
	}
	w.out = binary.LittleEndian.AppendUint64(w.out, w.pending)
	w.pending = v >> (64 - w.have)
	w.have += n - 64
}

// close appends what is pending, filled up to a whole byte.
func (w *bitWriter) close() []byte {
	for ; w.have > 0; w.have -= 8 {
		w.out = append(w.out, byte(w.pending))
		w.pending >>= 8
	}
	w.have, w.pending = 0, 0
	return w.out
}

func (w *bitWriter) reset() { w.out, w.pending, w.have = w.out[:0], 0, 0 }

// append appends what was written to from, which is not closed.
func (w *bitWriter) append(from *bitWriter) {
	for out := from.out; len(out) > 0; out = out[8:] {
		w.write(binary.LittleEndian.Uint64(out), 64)
	}
	w.write(from.pending, from.have)
}

// size is how many bits were written.
func (w *bitWriter) size() int { return 8*len(w.out) + w.have }

// bitReader reads what a bitWriter wrote. Past the end it gives zeros and is
// marked as short, which its user must check.
type bitReader struct {
	in      []byte
	pending uint64
	have    int
	short   bool
}

func (r *bitReader) read(n int) uint64 {
	mask := uint64(1)<<n - 1 // all ones for 64, as a shift by 64 gives 0
	if r.have >= n {
		v := r.pending & mask
		r.pending >>= n
		r.have -= n
		return v
	}
	var next uint64
	got := min(8, len(r.in))
	if got == 8 {
		next = binary.LittleEndian.Uint64(r.in)
	} else {
		for i, b := range r.in {
			next |= uint64(b) << (8 * i)
		}
	}
	r.in = r.in[got:]
	v := (r.pending | next<<r.have) & mask
	used := n - r.have
	if 8*got < used {
		r.short = true
		r.pending, r.have = 0, 0
		return 0
	}
	r.pending, r.have = next>>used, 8*got-used
	return v
}

// zigzag gives small numbers of either sign small codes.
func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// Integers are written as differences: those of neighbours (order 1), or the
// differences of those (order 2), whichever are shorter. They come in blocks,
// each with the width in bits of its greatest one.
const (
	blockLength = 32
	widthBits   = 7 // a width is from 0 to 64
)

// differences turns values into their differences of the given order, in place
// of out. The first stands for itself. Overflow wraps around, and back again.
func differences(values []int64, order int, out []uint64) []uint64 {
	out = out[:0]
	var last, step int64
	for i, v := range values {
		d := v - last
		last = v
		if order == 2 && i > 1 {
			d, step = d-step, d
		} else if i == 1 {
			step = d
		}
		out = append(out, zigzag(d))
	}
	return out
}

// integers appends values. The slices of scratch are reused.
func (w *bitWriter) integers(values []int64, scratch *[2][]uint64) {
	scratch[0] = differences(values, 1, scratch[0])
	scratch[1] = differences(values, 2, scratch[1])
	order := 1
	if cost(scratch[1]) < cost(scratch[0]) {
		order = 2
	}
	w.write(uint64(order-1), 1)
	codes := scratch[order-1]
	w.block(codes[:1])
	for rest := codes[1:]; len(rest) > 0; rest = rest[min(blockLength, len(rest)):] {
		w.block(rest[:min(blockLength, len(rest))])
	}
}

func width(block []uint64) int {
	var all uint64
	for _, v := range block {
		all |= v
	}
	return bits.Len64(all)
}

// cost is how many bits the blocks of codes take, without the first code.
func cost(codes []uint64) int {
	total := 0
	for rest := codes[1:]; len(rest) > 0; rest = rest[min(blockLength, len(rest)):] {
		block := rest[:min(blockLength, len(rest))]
		total += widthBits + len(block)*width(block)
	}
	return total
}

func (w *bitWriter) block(block []uint64) {
	n := width(block)
	w.write(uint64(n), widthBits)
	if n == 0 {
		return
	}
	for _, v := range block {
		w.write(v, n)
	}
}

// integers fills values.
func (r *bitReader) integers(values []int64) {
	order := int(r.read(1)) + 1
	var last, step int64
	n := 0
	for i := range values {
		if i <= 1 || (i-1)%blockLength == 0 {
			if n = int(r.read(widthBits)); n > 64 {
				r.short = true
				return
			}
		}
		d := int64(0)
		if n > 0 {
			d = unzigzag(r.read(n))
		}
		if order == 2 && i > 1 {
			d += step
		}
		if i > 0 {
			step = d
		}
		last += d
		values[i] = last
	}
}
