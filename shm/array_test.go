package shm

import (
	"slices"
	"strings"
	"testing"
)

type price float64

func TestDTypeOf(t *testing.T) {
	for want, got := range map[string]DType{
		"|i1": DTypeOf[int8](), "i2": DTypeOf[int16](), "i4": DTypeOf[int32](), "i8": DTypeOf[int64](),
		"|u1": DTypeOf[uint8](), "u2": DTypeOf[uint16](), "u4": DTypeOf[uint32](), "u8": DTypeOf[uint64](),
		"f4": DTypeOf[float32](), "f8": DTypeOf[float64](), "c8": DTypeOf[complex64](), "c16": DTypeOf[complex128](),
	} {
		if !strings.HasSuffix(got.Descr(), want) {
			t.Errorf("dtype of a Go type is %v; want %s", got, want)
		}
	}
	if DTypeOf[price]() != DTypeOf[float64]() {
		t.Error("a named type has another dtype")
	}
}

// What one side writes by its slice the other sees by its own.
func TestMakeAndOf(t *testing.T) {
	region, ref, x, err := Make[float64]("test", 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer region.Close()
	if len(x) != 6 || cap(x) != 6 || ref.Len() != 6 || region.Size() != 48 {
		t.Fatalf("Make gave %d elements, %v and %d bytes; want 6, 6 and 48", len(x), ref, region.Size())
	}
	for i := range x {
		x[i] = float64(i) / 2
	}
	file, err := region.ReadOnly()
	if err != nil {
		t.Fatal(err)
	}
	other, err := Adopt(file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for range 2 { // the second time it is mapped
		y, err := Of[float64](other, ref)
		if err != nil || !slices.Equal(x, y) {
			t.Errorf("Of = %v, %v; want %v", y, err, x)
		}
	}
	part := Ref{DType: ref.DType, Shape: []int64{1}, Offset: 0}
	if y, err := Of[float64](other, part); err != nil || len(y) != 1 {
		t.Errorf("Of a part = %v, %v", y, err)
	}
}

func TestOfFrozen(t *testing.T) {
	region, err := Frozen("test", []byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	defer region.Close()
	ref := Ref{DType: DTypeOf[uint8](), Shape: []int64{3}}
	if b, err := Of[uint8](region, ref); err != nil || !slices.Equal(b, []uint8{1, 2, 3}) {
		t.Errorf("Of = %v, %v", b, err)
	}
}

func TestOfRefuses(t *testing.T) {
	region, ref, _, err := Make[int32]("test", 32)
	if err != nil {
		t.Fatal(err)
	}
	defer region.Close()
	swapped := ">i4"
	if ref.DType.BigEndian() {
		swapped = "<i4"
	}
	other, err := ParseDType(swapped)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		ref  Ref
		want string
	}{
		{"another type", Ref{Name: "x", DType: DTypeOf[float32](), Shape: []int64{1}}, "array x has the dtype"},
		{"the other byte order", Ref{Name: "x", DType: other, Shape: []int64{1}}, "array x has the dtype " + swapped},
		{"no type", Ref{Shape: []int64{1}}, "has the dtype"},
		{"beyond the end", Ref{DType: ref.DType, Shape: []int64{33}}, "lie outside the region"},
		{"not aligned", Ref{DType: ref.DType, Shape: []int64{1}, Offset: 4}, "not a multiple"},
		{"a negative length", Ref{DType: ref.DType, Shape: []int64{-1}}, "negative"},
	} {
		if x, err := Of[int32](region, test.ref); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Of = %v, %v; want an error with %q", test.name, x, err, test.want)
		}
	}
	if x, err := Of[int32](region, Ref{DType: ref.DType, Shape: []int64{0}}); err != nil || len(x) != 0 {
		t.Errorf("Of an empty array = %v, %v", x, err)
	}
	if _, _, _, err := Make[int32]("test", 1<<40, 1<<40); err == nil {
		t.Error("Make of more than there are numbers for succeeded")
	}
}
