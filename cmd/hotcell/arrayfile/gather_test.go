package arrayfile

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// pick is the definition of a selection, one element at a time.
func pick(data []byte, shape []int64, fortran bool, item int64, taken [][]int64) []byte {
	order := make([]int, len(shape))
	for i := range order {
		order[i] = i
		if fortran {
			order[i] = len(shape) - 1 - i
		}
	}
	var walkAxis func(k int, offset int64) []byte
	walkAxis = func(k int, offset int64) []byte {
		if k == len(order) {
			return data[offset*item : (offset+1)*item]
		}
		var all []byte
		for _, i := range taken[order[k]] {
			all = append(all, walkAxis(k+1, offset*shape[order[k]]+i)...)
		}
		return all
	}
	return walkAxis(0, 0)
}

func randomSlice(r *rand.Rand, length int64) Slice {
	end := func() *int64 {
		if r.IntN(2) == 0 {
			return nil
		}
		return ptr(r.Int64N(2*length+1) - length)
	}
	step := r.Int64N(4) + 1
	if r.IntN(3) == 0 {
		step = -step
	}
	return Slice{end(), end(), step}
}

func TestGatherAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	runs := 0
	for range 5000 {
		item := r.Int64N(5) + 1
		shape := make([]int64, r.IntN(4))
		size := item
		for i := range shape {
			shape[i] = r.Int64N(6) + 1
			size *= shape[i]
		}
		given := make([]Slice, r.IntN(len(shape)+1))
		taken := make([][]int64, len(shape))
		for i, length := range shape {
			s := Slice{Step: 1}
			if i < len(given) {
				given[i] = randomSlice(r, length)
				s = given[i]
			}
			taken[i] = walk(s, length)
		}
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		fortran := r.IntN(2) == 0
		want := pick(data, shape, fortran, item, taken)

		p, selected, err := newPlan(shape, fortran, item, given)
		if err != nil || p.size != int64(len(want)) {
			t.Fatalf("newPlan(%v, %v, %d, %v) = %+v, %v, %v; want %d bytes", shape, fortran, item, given, p, selected, err, len(want))
		}
		for _, window := range []int{1, 7, 32, windowSize} {
			got := make([]byte, p.size)
			src := &forward{r: bytes.NewReader(append([]byte("head"), data...))}
			if err := gather(got, src, 4, p, window); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("gather(%v, %v, %d, %v; window %d) = %x, %v; want %x", shape, fortran, item, given, window, got, err, want)
			}
		}
		if off, ok := p.contiguous(); ok && p.size > 0 {
			runs++
			if got := data[off : off+p.size]; !bytes.Equal(got, want) {
				t.Fatalf("contiguous(%v, %v, %d, %v) = %x; want %x", shape, fortran, item, given, got, want)
			}
		}
	}
	if runs < 500 {
		t.Errorf("%d of 5000 selections were contiguous; want at least 500", runs)
	}
}

// A one-copy load hangs on these.
func TestPlanContiguous(t *testing.T) {
	for _, test := range []struct {
		shape   []int64
		fortran bool
		slices  string
		offset  int64
		want    bool
	}{
		{[]int64{10, 4}, false, ":", 0, true},
		{[]int64{10, 4}, false, "2:5", 8, true},
		{[]int64{10, 4}, false, "2:5, 1:3", 0, false},
		{[]int64{10, 4}, false, "2:3, 1:3", 9, true},
		{[]int64{10, 4}, false, "::2", 0, false},
		{[]int64{10, 4}, false, "9::-10", 36, true},
		{[]int64{10, 4}, false, "::-1", 0, false},
		{[]int64{10, 4}, true, "2:5", 0, false},
		{[]int64{10, 4}, true, ":, 1:3", 10, true},
		{[]int64{1, 4}, false, "::-1", 0, true},
		{[]int64{}, false, "", 0, true},
	} {
		var given []Slice
		if test.slices != "" {
			var err error
			if given, err = parseSlices(test.slices); err != nil {
				t.Fatal(err)
			}
		}
		p, _, err := newPlan(test.shape, test.fortran, 1, given)
		if err != nil {
			t.Fatal(err)
		}
		if off, ok := p.contiguous(); ok != test.want || off != test.offset && ok {
			t.Errorf("newPlan(%v, %v, [%s]).contiguous() = %d, %v; want %d, %v", test.shape, test.fortran, test.slices, off, ok, test.offset, test.want)
		}
	}
}

func TestGatherTruncated(t *testing.T) {
	given := []Slice{{nil, nil, 2}}
	p, _, err := newPlan([]int64{10}, false, 8, given)
	if err != nil {
		t.Fatal(err)
	}
	for _, window := range []int{8, windowSize} {
		err := gather(make([]byte, p.size), bytes.NewReader(make([]byte, 70)), 0, p, window)
		if want := "truncated: 2 bytes are missing at offset 70"; err == nil || err.Error() != want {
			t.Errorf("gather(window %d) = %v; want %q", window, err, want)
		}
	}
}
