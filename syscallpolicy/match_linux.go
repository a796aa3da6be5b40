package syscallpolicy

import "math/bits"

// test is one comparison on one argument, as the kernel makes it: by value,
// without following a pointer.
type test struct {
	arg   uint
	mask  uint64
	want  uint64 // argument & mask == want
	below bool   // argument < want instead; mask is unused
}

// condition allows a call when all the tests of one alternative hold.
type condition struct {
	call  string
	words string // what it means, for people
	anyOf [][]test
}

// The kernel reads an int argument's low 32 bits only. A rule that compared
// all 64 would be dodged or refused by garbage above them; one that compares
// the width the kernel uses says exactly what will be executed.
const lowHalf = 1<<32 - 1

// isInt: the int argument has this value.
func isInt(arg uint, v uint32) test { return test{arg: arg, mask: lowHalf, want: uint64(v)} }

// hasOnlyInt: the int argument has no bits but these.
func hasOnlyInt(arg uint, allowed uint32) test {
	return test{arg: arg, mask: lowHalf &^ uint64(allowed)}
}

// is: the 64-bit argument has this value.
func is(arg uint, v uint64) test { return test{arg: arg, mask: ^uint64(0), want: v} }

// hasOnly: the 64-bit argument has no bits but these.
func hasOnly(arg uint, allowed uint64) test { return test{arg: arg, mask: ^allowed} }

// oneOf gives an alternative for each value of an int argument.
func oneOf(arg uint, values ...uint32) [][]test {
	var list [][]test
	for _, v := range values {
		list = append(list, []test{isInt(arg, v)})
	}
	return list
}

// outside gives alternatives that together hold exactly for addresses below
// low, or from high up to the end of user addresses.
//
// The end matters: kernels strip tags (LAM, TBI) from some addresses before
// use, and a tagged address is a large number, so "at least high" would hold
// for a tagged address inside the range. As libseccomp takes one comparison
// for an argument in a rule, the upper part is cut into aligned blocks, each
// a test of the address's leading bits.
func outside(arg uint, low, high, end uint64) []test {
	list := []test{{arg: arg, want: low, below: true}}
	for high < end {
		size := uint64(1) << bits.TrailingZeros64(high)
		for high+size > end {
			size /= 2
		}
		list = append(list, test{arg: arg, mask: ^(size - 1), want: high})
		high += size
	}
	return list
}

// each gives one alternative for every test of the first list, with the
// others added.
func each(first []test, others ...test) [][]test {
	var list [][]test
	for _, t := range first {
		list = append(list, append([]test{t}, others...))
	}
	return list
}
