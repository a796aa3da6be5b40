package jsonvalue

import (
	"bytes"
	"math"
	"strconv"
)

// appendFloat writes a float of 16, 32 or 64 bits as Python's repr does, with
// a point or an exponent, so that it reads back as a float.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if bits == 16 {
		f, bits = shortest16(f), 64
	}
	begin := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	e := begin + bytes.IndexByte(dst[begin:], 'e')
	if exponent, _ := strconv.Atoi(string(dst[e+1:])); exponent < -4 || exponent >= 16 {
		return dst
	}
	dst = strconv.AppendFloat(dst[:begin], f, 'f', -1, bits)
	if bytes.IndexByte(dst[begin:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

func appendComplex(dst []byte, re, im float64, bits int) []byte {
	dst = appendFloat(append(dst, '['), re, bits)
	dst = appendFloat(append(dst, ','), im, bits)
	return append(dst, ']')
}

// float16 widens an IEEE 754 half: 1 sign bit, 5 of exponent, 10 of fraction.
func float16(bits uint16) float64 {
	fraction, exponent := float64(bits&0x3ff), int(bits>>10&0x1f)
	var f float64
	switch {
	case exponent == 0:
		f = math.Ldexp(fraction, -24)
	case exponent < 31:
		f = math.Ldexp(1024+fraction, exponent-25)
	case fraction == 0:
		f = math.Inf(1)
	default:
		f = math.NaN()
	}
	return math.Copysign(f, float64(1-2*int(bits>>15)))
}

// shortest16 gives the float64 that is written as the shortest decimal which
// reads as the half f, and not as one of its neighbours. f is finite.
func shortest16(f float64) float64 {
	magnitude := math.Abs(f)
	_, exponent := math.Frexp(magnitude) // below 2^exponent
	step := math.Ldexp(1, max(exponent-11, -24))
	below := step
	if magnitude == math.Ldexp(1, exponent-1) && exponent > -13 {
		below = step / 2 // the neighbour below a power of 2 is nearer
	}
	// A tie reads as the even neighbour, so the ends belong to an even half.
	even := math.Mod(magnitude/step, 2) == 0
	low, high := magnitude-below/2, magnitude+step/2
	reads := func(decimal float64) bool {
		return low < decimal && decimal < high || even && (decimal == low || decimal == high)
	}
	for digits := range 5 {
		if decimal := rounded(magnitude, digits); reads(decimal) {
			return math.Copysign(decimal, f)
		}
		// Of two that are equally near the upper one may read where the other
		// does not: above a power of 2 there is more room.
		if decimal := rounded(magnitude*(1+0x1p-40), digits); reads(decimal) {
			return math.Copysign(decimal, f)
		}
	}
	return f
}

// rounded gives the decimal of so many digits after the first, nearest to f.
func rounded(f float64, digits int) float64 {
	decimal, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', digits, 64), 64)
	if err != nil {
		return f // no finite float comes here with such a text
	}
	return decimal
}
