package shm

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"
)

// Number is a Go type whose values cross as they lie in memory.
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64 | ~complex64 | ~complex128
}

// DTypeOf is the element type of a slice of T on this machine.
func DTypeOf[T Number]() DType {
	t := reflect.TypeFor[T]()
	letter := "i"
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		letter = "u"
	case reflect.Float32, reflect.Float64:
		letter = "f"
	case reflect.Complex64, reflect.Complex128:
		letter = "c"
	}
	order := ">"
	switch {
	case t.Size() == 1:
		order = "|"
	case binary.NativeEndian.Uint16([]byte{1, 0}) == 1:
		order = "<"
	}
	d, err := ParseDType(order + letter + strconv.Itoa(int(t.Size())))
	if err != nil {
		panic("bug: " + err.Error())
	}
	return d
}

// Make makes a region of one array of zeros that this process alone writes, by
// the slice that it gives: what a host shares with models. The slice has the
// elements in C order and lives until the region's Close. Many models may be
// given the region, or parts of it by a Ref of another offset and shape.
func Make[T Number](name string, shape ...int64) (*Region, Ref, []T, error) {
	ref := Ref{Name: name, DType: DTypeOf[T](), Shape: shape}
	size, err := ref.Bytes()
	if err != nil {
		return nil, ref, nil, fmt.Errorf("make array: %w", err)
	}
	region, memory, err := Owned(name, size)
	if err != nil {
		return nil, ref, nil, fmt.Errorf("make array: %w", err)
	}
	return region, ref, elements[T](memory), nil
}

// Of gives the elements of an array in a region without a copy, in the order in
// which they lie there: C order, or Fortran order if the reference says so. It
// is for a region that no sandbox can write, as that of results; the slice lives
// until the region's Close (of results: their Close) and is only read.
//
// An error says that the array is of another type than T, in another byte order
// too, or does not lie in the region.
func Of[T Number](region *Region, ref Ref) ([]T, error) {
	if want := DTypeOf[T](); ref.DType != want {
		return nil, fmt.Errorf("array %s has the dtype %v, and %v was wanted", ref.Name, ref.DType, want)
	}
	if err := ref.Check(region.Size()); err != nil {
		return nil, fmt.Errorf("array %s: %w", ref.Name, err)
	}
	size, err := ref.Bytes()
	if err != nil || size == 0 {
		return nil, err
	}
	memory, err := region.View()
	if err != nil {
		return nil, fmt.Errorf("array %s: %w", ref.Name, err)
	}
	return elements[T](memory[ref.Offset : ref.Offset+size]), nil
}
