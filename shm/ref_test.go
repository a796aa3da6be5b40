package shm

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestRefBytes(t *testing.T) {
	const most = math.MaxInt64
	for _, test := range []struct {
		descr string
		shape []int64
		want  int64 // -1 for an error
	}{
		{"<f8", nil, 8},
		{"<f8", []int64{3}, 24},
		{"<i2", []int64{2, 3, 4}, 48},
		{"<i2", []int64{2, 0, 4}, 0},
		{"|i1", []int64{most}, most},
		{"|i1", []int64{most, 1, 1}, most},
		{"|i1", []int64{most, 2}, -1},
		{"<i2", []int64{most/2 + 1}, -1},
		{"<i2", []int64{most / 2}, most - 1},
		{"<f8", []int64{1 << 61}, -1},
		{"<f8", []int64{1 << 62, 4}, -1}, // 0 modulo 2^64
		{"<f8", []int64{0, 1 << 62}, -1},
		{"<f8", []int64{1 << 62, 0}, -1},
		{"<f8", []int64{-1}, -1},
		{"<f8", []int64{0, -1}, -1},
		{"<f8", []int64{-1, -1}, -1},
		{"<f8", []int64{math.MinInt64}, -1},
		{"|i1", slices.Repeat([]int64{1}, 32), 1},
		{"|i1", slices.Repeat([]int64{1}, 33), -1},
		{"|i1", slices.Repeat([]int64{0}, 33), -1},
	} {
		r := Ref{DType: parsed(t, test.descr), Shape: test.shape}
		got, err := r.Bytes()
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("Ref{%s %d}.Bytes() = %d, %v; want %d", test.descr, test.shape, got, err, test.want)
		}
		if want := max(0, test.want) / int64(r.DType.ItemSize()); r.Len() != want {
			t.Errorf("Ref{%s %d}.Len() = %d; want %d", test.descr, test.shape, r.Len(), want)
		}
		if got := r.Strides(); (got == nil) != (test.want < 0) {
			t.Errorf("Ref{%s %d}.Strides() = %d", test.descr, test.shape, got)
		}
	}
	if size, err := (Ref{Shape: []int64{3}}).Bytes(); err == nil {
		t.Errorf("Ref without a dtype has %d bytes; want an error", size)
	}
}

func TestRefStrides(t *testing.T) {
	for _, test := range []struct {
		shape   []int64
		c, fort []int64
	}{
		{nil, []int64{}, []int64{}},
		{[]int64{5}, []int64{2}, []int64{2}},
		{[]int64{2, 3, 4}, []int64{24, 8, 2}, []int64{2, 4, 12}},
		{[]int64{2, 0, 4}, []int64{8, 8, 2}, []int64{2, 4, 4}},
	} {
		r := Ref{DType: parsed(t, "<i2"), Shape: test.shape}
		if got := r.Strides(); !slices.Equal(got, test.c) {
			t.Errorf("Strides() of %d in C order = %d; want %d", test.shape, got, test.c)
		}
		r.Fortran = true
		if got := r.Strides(); !slices.Equal(got, test.fort) {
			t.Errorf("Strides() of %d in Fortran order = %d; want %d", test.shape, got, test.fort)
		}
	}
}

func TestRefCheck(t *testing.T) {
	for _, test := range []struct {
		length, offset, region int64
		want                   string // "" for no error
	}{
		{8, 0, 64, ""},
		{8, 64, 128, ""},
		{9, 64, 128, "72 bytes at offset 64 lie outside the region of 128"},
		{8, 128, 128, "outside the region"},
		{0, 128, 128, ""},
		{0, 192, 128, "outside the region"},
		{0, 0, 0, ""},
		{1, 0, 0, "outside the region"},
		{1, 8, 128, "offset 8 is not a multiple of 64"},
		{1, -8, 128, "offset -8 is not a multiple of 64"},
		{1, -64, 128, "outside the region"},
		{1, math.MinInt64, 128, "outside the region"},
		{7, math.MaxInt64 &^ 63, math.MaxInt64, ""},
		{8, math.MaxInt64 &^ 63, math.MaxInt64, "outside the region"},
		{1 << 59, math.MaxInt64 &^ 63, math.MaxInt64, "outside the region"},
		{1 << 60, 0, math.MaxInt64, "takes more than"},
		{0, 0, -1, "outside the region"},
		{-1, 0, 64, "negative length"},
	} {
		err := Ref{DType: parsed(t, "<f8"), Shape: []int64{test.length}, Offset: test.offset}.Check(test.region)
		if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("Ref{<f8 [%d] at %d}.Check(%d) = %v; want %q", test.length, test.offset, test.region, err, test.want)
		}
	}
}

// many gives n arrays without a byte, each with a name of its own.
func many(t *testing.T, n int) []Ref {
	refs := make([]Ref, n)
	for i := range refs {
		refs[i] = Ref{Name: fmt.Sprintf("r%d", i), DType: parsed(t, "<f8"), Shape: []int64{0}}
	}
	return refs
}

func TestCheckAll(t *testing.T) {
	ref := func(name string, offset, length int64) Ref {
		return Ref{Name: name, DType: parsed(t, "|u1"), Shape: []int64{length}, Offset: offset}
	}
	for _, test := range []struct {
		refs []Ref
		want string // "" for no error
	}{
		{nil, ""},
		{[]Ref{ref("a", 0, 64), ref("b", 64, 192)}, ""},
		{[]Ref{ref("b", 64, 192), ref("a", 0, 64)}, ""},
		{[]Ref{ref("a", 0, 64), ref("b", 0, 0), ref("c", 64, 0)}, ""},
		{many(t, MaxRefs), ""},
		{many(t, MaxRefs+1), "1025 arrays; at most 1024"},
		{[]Ref{ref("a", 0, 65), ref("b", 64, 1)}, "array b: overlaps a"},
		{[]Ref{ref("a", 64, 1), ref("b", 0, 256)}, "array a: overlaps b"},
		{[]Ref{ref("a", 64, 1), ref("b", 64, 1)}, "overlaps"},
		{[]Ref{ref("a", 0, 256), ref("b", 64, 1), ref("c", 128, 1)}, "overlaps a"},
		{[]Ref{ref("a", 0, 1), ref("a", 64, 1)}, "array a: a second one"},
		{[]Ref{ref("a", 0, 257)}, "array a: 257 bytes at offset 0 lie outside"},
		{[]Ref{ref("a", 0, 1), {Name: "b", Shape: []int64{1}}}, "array b: an array without a dtype"},
		{[]Ref{ref("", 0, 1)}, `array "": not a valid name`},
		{[]Ref{ref("../a\x1b", 0, 1)}, `array "../a\x1b": not a valid name`},
	} {
		err := CheckAll(test.refs, 256)
		if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("CheckAll(%.200v) = %v; want %q", fmt.Sprint(test.refs), err, test.want)
		}
	}
}

func TestValidName(t *testing.T) {
	for _, name := range []string{"a", "_", "Z9_", "result_1", strings.Repeat("a", 64)} {
		if !ValidName(name) {
			t.Errorf("ValidName(%q) = false; want true", name)
		}
	}
	for _, name := range []string{"", "1a", "a-b", "a.b", "a/b", "..", "a b", "a\x00", "a\n", "\u00e9", strings.Repeat("a", 65)} {
		if ValidName(name) {
			t.Errorf("ValidName(%q) = true; want false", name)
		}
	}
}

// inBounds is the definition of what Check accepts, in numbers that cannot
// overflow.
func inBounds(r Ref, region int64) bool {
	size := big.NewInt(int64(r.DType.ItemSize()))
	empty := len(r.Shape) > MaxAxes
	if empty {
		return false
	}
	for _, n := range r.Shape {
		if n < 0 {
			return false
		}
		empty = empty || n == 0
		size.Mul(size, big.NewInt(max(1, n)))
	}
	if !size.IsInt64() {
		return false
	}
	if empty {
		size.SetInt64(0)
	}
	end := size.Add(size, big.NewInt(r.Offset))
	return r.Offset >= 0 && r.Offset%64 == 0 && end.Cmp(big.NewInt(region)) <= 0
}

// lastByte is where the element of the highest indices ends, by the strides.
func lastByte(r Ref) *big.Int {
	end := big.NewInt(r.Offset)
	end.Add(end, big.NewInt(int64(r.DType.ItemSize())))
	for axis, stride := range r.Strides() {
		step := new(big.Int).Mul(big.NewInt(stride), big.NewInt(r.Shape[axis]-1))
		end.Add(end, step)
	}
	return end
}

func FuzzRef(f *testing.F) {
	f.Add("<f8", int64(3), int64(4), int64(1), uint8(0), false, int64(64), int64(160))
	f.Add("|i1", int64(math.MaxInt64), int64(1), int64(2), uint8(1), true, int64(0), int64(math.MaxInt64))
	f.Add("[('a', '<i4'), ('b', '|S3')]", int64(0), int64(1<<62), int64(-1), uint8(31), true, int64(-64), int64(-1))
	f.Fuzz(func(t *testing.T, descr string, a, b, c int64, more uint8, fortran bool, offset, region int64) {
		d, err := ParseDType(descr)
		if err != nil {
			return
		}
		shape := append([]int64{a, b, c}, slices.Repeat([]int64{1}, int(more))...)
		r := Ref{Name: "x", DType: d, Shape: shape, Fortran: fortran, Offset: offset}
		err = r.Check(region)
		if want := inBounds(r, region); (err == nil) != want {
			t.Fatalf("%+v.Check(%d) = %v; want in bounds: %v", r, region, err, want)
		}
		if all := CheckAll([]Ref{r}, region); (all == nil) != (err == nil) {
			t.Errorf("CheckAll(%+v, %d) = %v; want %v", r, region, all, err)
		}
		if err != nil || r.Len() == 0 {
			return
		}
		if end := lastByte(r); end.Cmp(big.NewInt(region)) > 0 {
			t.Errorf("%+v has strides %d, which end at %d of %d", r, r.Strides(), end, region)
		}
		if twice := CheckAll([]Ref{r, {Name: "y", DType: d, Offset: offset}}, region); twice == nil {
			t.Errorf("CheckAll(%+v twice) = nil; want an overlap", r)
		}
	})
}

func ExampleRef_Check() {
	dtype, err := ParseDType("<f8")
	if err != nil {
		panic(err)
	}
	claim := Ref{Name: "prices", DType: dtype, Shape: []int64{1000, 2}, Offset: 64}
	fmt.Println(claim.Check(4096))
	fmt.Println(claim.Check(64 << 10))
	// Output:
	// 16000 bytes at offset 64 lie outside the region of 4096
	// <nil>
}
