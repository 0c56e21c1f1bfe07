package series

import (
	"math"
	"math/bits"
)

// Most values come from tensors of 32-bit numbers, which the 64 bits of XOR cost
// dearly: what little their differences share is lost at every change of sign or
// exponent. As integers, numbers of 32 bits lie in the order of their values:
// the bits without the sign, negated with it.
const (
	mantissaBits = 23
	mantissaMask = 1<<mantissaBits - 1
	signBit      = 1 << 31
)

// singles fills out with values as such integers. It reports false when one of
// them is not a number of 32 bits.
func singles(values []float64, out []int64) bool {
	for i, value := range values {
		single := float32(value)
		if float64(single) != value && value == value {
			return false
		}
		raw := int64(math.Float32bits(single))
		if raw >= signBit {
			raw = signBit - raw
		}
		out[i] = raw
	}
	return true
}

func ofSingle(whole int64) Value {
	raw := uint32(max(whole, -whole))
	if whole < 0 {
		raw |= signBit
	}
	return Value(math.Float32frombits(raw)).canonical()
}

// split appends numbers of 32 bits whose order helps little, as noise: blocks
// with their greatest exponent in 8 bits, then for each number how far below its
// own is, and its sign and mantissa in 24 bits.
func (w *bitWriter) split(values []int64) {
	for rest := values; len(rest) > 0; rest = rest[min(blockLength, len(rest)):] {
		block := rest[:min(blockLength, len(rest))]
		top := int64(0)
		for _, v := range block {
			top = max(top, max(v, -v)>>mantissaBits)
		}
		w.write(uint64(top), 8)
		for _, v := range block {
			size := max(v, -v)
			code, n := gamma(uint64(top - size>>mantissaBits + 1))
			w.write(code|(uint64(size&mantissaMask)<<1|uint64(v)>>63)<<n, n+mantissaBits+1)
		}
	}
}

func (r *bitReader) split(values []int64) {
	top := int64(0)
	for i := range values {
		if i%blockLength == 0 {
			top = int64(r.read(8))
		}
		exponent := top - int64(r.gamma()) + 1
		rest := int64(r.read(mantissaBits + 1))
		if exponent < 0 {
			r.short = true
			return
		}
		values[i] = exponent<<mantissaBits | rest>>1
		if rest&1 == 1 {
			values[i] = -values[i]
		}
	}
}

// gamma returns Elias' gamma code of v, which is from 1 to 256, and its length: as
// many zeros as it has bits after its first one, that one, and those bits.
func gamma(v uint64) (code uint64, length int) {
	n := bits.Len64(v) - 1
	return 1<<n | (v&^(1<<n))<<(n+1), 2*n + 1
}

func (r *bitReader) gamma() uint64 {
	n := 0
	for r.read(1) == 0 {
		if n++; n > 8 || r.short {
			r.short = true
			return 1
		}
	}
	return 1<<n | r.read(n)
}
