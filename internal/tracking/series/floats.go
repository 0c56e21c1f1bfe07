package series

import (
	"math"
	"math/bits"
)

// Values are written in the shortest of these ways.
const (
	xorValues     = 0 // Gorilla: each value's bits XOR those of the one before
	decimalValues = 1 // whole numbers, to be divided by a power of ten
	singleValues  = 2 // numbers of 32 bits, as integers in their order
	splitValues   = 3 // numbers of 32 bits, exponents apart from the rest
	doubleValues  = 4 // numbers of 64 bits, as integers in their order
)

const maxDecimals = 9

// pow10 are the powers of ten that decimal values are divided by: all exact.
func pow10(decimals int) float64 {
	return [maxDecimals + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}[decimals]
}

// scaled fills out with values as whole numbers times the smallest power of ten
// that gives all of them back exactly. ok is false when there is none.
func scaled(values []float64, out []int64) (decimals int, ok bool) {
	factor := 1.0
	for at := 0; at < len(values); {
		whole := math.Round(values[at] * factor)
		if math.Abs(whole) < 1<<53 && whole/factor == values[at] {
			out[at] = int64(whole)
			at++
			continue
		}
		if decimals == maxDecimals || !(math.Abs(values[at]) < 1<<53) {
			return 0, false
		}
		decimals++
		factor = pow10(decimals)
		at = 0
	}
	return decimals, true
}

// xor appends values as in Gorilla (Pelkonen et al., VLDB 2015): 0 for the same
// value again; 10 and the differing bits when they lie within the last window;
// 11, the count of zeros before, the length, and the bits, for a new window.
func (w *bitWriter) xor(values []float64) {
	last := math.Float64bits(values[0])
	w.write(last, 64)
	leading, trailing := 65, 0
	for _, value := range values[1:] {
		next := math.Float64bits(value)
		diff := next ^ last
		last = next
		if diff == 0 {
			w.write(0, 1)
			continue
		}
		lead, trail := bits.LeadingZeros64(diff), bits.TrailingZeros64(diff)
		length, needed := 64-leading-trailing, 64-lead-trail
		// A window that is much too wide costs more than a new one.
		if lead >= leading && trail >= trailing && length <= needed+12 {
			w.write(0b01, 2)
			w.write(diff>>trailing, length)
			continue
		}
		leading, trailing = lead, trail
		w.write(0b11, 2)
		w.write(uint64(leading), 6)
		w.write(uint64(needed-1), 6)
		w.write(diff>>trailing, needed)
	}
}

func (r *bitReader) xor(values []float64) {
	last := r.read(64)
	values[0] = math.Float64frombits(last)
	length, trailing := 0, 0
	for i := 1; i < len(values) && !r.short; i++ {
		if r.read(1) == 1 {
			if r.read(1) == 1 {
				leading := int(r.read(6))
				length = int(r.read(6)) + 1
				trailing = 64 - leading - length
			}
			if length == 0 || trailing < 0 {
				r.short = true
				return
			}
			last ^= r.read(length) << trailing
		}
		values[i] = math.Float64frombits(last)
	}
}

// doubles fills out with values as integers in the order of the values. What is
// smooth, or goes in equal steps, has small second differences then.
func doubles(values []float64, out []int64) {
	for i, value := range values {
		out[i] = int64(math.Float64bits(value))
		if out[i] < 0 {
			out[i] = math.MinInt64 - out[i]
		}
	}
}

func ofDouble(whole int64) Value {
	if whole < 0 {
		whole = math.MinInt64 - whole
	}
	return Value(math.Float64frombits(uint64(whole))).canonical()
}
