package arrayfile

import (
	"fmt"
	"slices"
)

// plan is a selection from an array in C order: axes of strides that shrink,
// and a contiguous tail below them.
type plan struct {
	axes []planAxis
	item int64 // bytes that every selected index of the last axis takes whole
	size int64 // bytes selected
}

type planAxis struct {
	axis
	stride int64 // bytes from one index to the next in the file
	out    int64 // the same in the result
}

// newPlan applies the slices to an array of the given shape and gives the
// shape of the selection. The array's bytes must be known not to overflow
// int64. An array in Fortran order is the transposed one in C order, and the
// selection keeps its order, so that nothing is transposed on the way.
func newPlan(shape []int64, fortran bool, itemSize int64, given []Slice) (plan, []int64, error) {
	if len(given) > len(shape) {
		return plan{}, nil, fmt.Errorf("slices for %d axes, the array has %d", len(given), len(shape))
	}
	axes := make([]planAxis, len(shape))
	selected := make([]int64, len(shape))
	for i, length := range shape {
		s := Slice{Step: 1}
		if i < len(given) {
			s = given[i]
		}
		a, err := s.apply(i, length)
		if err != nil {
			return plan{}, nil, err
		}
		axes[i].axis, selected[i] = a, a.count
	}
	if slices.Contains(selected, 0) || itemSize == 0 {
		return plan{}, selected, nil
	}
	if fortran {
		slices.Reverse(axes)
	}
	return layOut(axes, itemSize), selected, nil
}

// layOut computes the strides; no axis is empty here, so that none of them
// exceeds the array's size.
func layOut(axes []planAxis, itemSize int64) plan {
	stride, out := itemSize, itemSize
	for i := len(axes) - 1; i >= 0; i-- {
		a := &axes[i]
		a.stride, a.out = stride, out
		stride *= a.length
		out *= a.count
	}
	p := plan{axes: axes, item: itemSize, size: out}
	for n := len(p.axes); n > 0 && p.axes[n-1].whole(); n-- {
		p.item *= p.axes[n-1].length
		p.axes = p.axes[:n-1]
	}
	return p
}

// contiguous gives where the selection begins, if it is one run of bytes.
func (p plan) contiguous() (offset int64, ok bool) {
	for i, a := range p.axes {
		last := i == len(p.axes)-1
		if a.count != 1 && (!last || a.step != 1 || a.reverse) {
			return 0, false
		}
		offset += a.low * a.stride
	}
	return offset, true
}
