package shm

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Align is what the offset of every array in a region is a multiple of: a
// cache line, which is enough for any element and any vector instruction.
const Align = 64

// AlignUp is the first multiple of Align that is not below n.
func AlignUp(n int64) int64 { return (n + Align - 1) / Align * Align }

// MaxAxes is numpy's own bound (64 only since numpy 2).
const MaxAxes = 32

// MaxRefs bounds the arrays that CheckAll takes, and with them its work.
const MaxRefs = 1024

// Ref says where in a region an array lies and what it is. The elements are
// contiguous, in C order or, if Fortran, in Fortran order. A Ref that a
// sandbox sent is a claim: Check or CheckAll comes before any other use.
type Ref struct {
	Name    string
	DType   DType
	Shape   []int64 // empty for a scalar
	Fortran bool
	Offset  int64
}

// Bytes is the size of the array's elements. As in numpy an array with an
// axis of length 0 has 0 bytes, but its other axes must not overflow either,
// so that what is computed from them later cannot.
func (r Ref) Bytes() (int64, error) {
	size := int64(r.DType.ItemSize())
	if size == 0 {
		return 0, errors.New("an array without a dtype")
	}
	if len(r.Shape) > MaxAxes {
		return 0, fmt.Errorf("an array of %d axes; at most %d are possible", len(r.Shape), MaxAxes)
	}
	empty := false
	for axis, n := range r.Shape {
		switch {
		case n < 0:
			return 0, fmt.Errorf("axis %d has a negative length, %d", axis, n)
		case n == 0:
			empty = true
		case size > math.MaxInt64/n:
			return 0, fmt.Errorf("shape %d of %d-byte elements takes more than 2^63-1 bytes", r.Shape, r.DType.ItemSize())
		default:
			size *= n
		}
	}
	if empty {
		return 0, nil
	}
	return size, nil
}

// Len is the number of elements, 0 for a reference that Bytes refuses.
func (r Ref) Len() int64 {
	size, err := r.Bytes()
	if err != nil {
		return 0
	}
	return size / int64(r.DType.ItemSize())
}

// Strides gives for each axis the bytes from one index to the next. It is nil
// for a reference that Bytes refuses.
func (r Ref) Strides() []int64 {
	if _, err := r.Bytes(); err != nil {
		return nil
	}
	strides := make([]int64, len(r.Shape))
	next := int64(r.DType.ItemSize())
	for i := range r.Shape {
		axis := i
		if !r.Fortran {
			axis = len(r.Shape) - 1 - i
		}
		strides[axis] = next
		next *= max(1, r.Shape[axis])
	}
	return strides
}

// Equal tells whether both are the same array at the same place. The name
// does not count.
func (r Ref) Equal(o Ref) bool {
	return r.DType.Descr() == o.DType.Descr() && r.Fortran == o.Fortran && r.Offset == o.Offset && slices.Equal(r.Shape, o.Shape)
}

// Check tells whether the array lies inside a region of regionSize bytes, at
// an aligned offset. It does not look at the name: the array of a call's
// argument has none of its own.
func (r Ref) Check(regionSize int64) error {
	size, err := r.Bytes()
	switch {
	case err != nil:
		return err
	case r.Offset%Align != 0:
		return fmt.Errorf("offset %d is not a multiple of %d", r.Offset, Align)
	case !within(r.Offset, size, regionSize):
		return fmt.Errorf("%d bytes at offset %d lie outside the region of %d", size, r.Offset, regionSize)
	}
	return nil
}

// CheckAll checks the arrays that share a region: each by itself, that there
// are at most MaxRefs of them, that their names are valid and different, and
// that no two have a byte in common. Arrays that overlap would pass a bound
// on the region and still make a host copy it once for each of them.
func CheckAll(refs []Ref, regionSize int64) error {
	if len(refs) > MaxRefs {
		return fmt.Errorf("%d arrays; at most %d are allowed", len(refs), MaxRefs)
	}
	names := make(map[string]bool, len(refs))
	for _, r := range refs {
		if !ValidName(r.Name) {
			return fmt.Errorf("array %s: not a valid name", shown(r.Name))
		}
		if names[r.Name] {
			return fmt.Errorf("array %s: a second one of this name", r.Name)
		}
		names[r.Name] = true
		if err := r.Check(regionSize); err != nil {
			return fmt.Errorf("array %s: %w", r.Name, err)
		}
	}
	return checkApart(refs)
}

// checkApart wants checked references.
func checkApart(refs []Ref) error {
	type span struct {
		from, to int64
		name     string
	}
	var spans []span
	for _, r := range refs {
		if size, _ := r.Bytes(); size > 0 {
			spans = append(spans, span{r.Offset, r.Offset + size, r.Name})
		}
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Compare(a.from, b.from)
	})
	for i := 1; i < len(spans); i++ {
		if before := spans[i-1]; before.to > spans[i].from {
			return fmt.Errorf("array %s: overlaps %s", spans[i].name, before.name)
		}
	}
	return nil
}

// ValidName tells whether an array may have the name:
// [A-Za-z_][A-Za-z0-9_]{0,63}. Such a name is safe as a file's, as a Python
// identifier's (but for keywords) and on a terminal.
func ValidName(name string) bool {
	if name == "" || len(name) > 64 || '0' <= name[0] && name[0] <= '9' {
		return false
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
