package arrayfile

import (
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"testing"
)

type goldenArray struct {
	Member  string
	Slice   string
	Descr   string
	Shape   []int64
	Fortran bool
	Data    []byte
}

type goldenColumns struct {
	Spec   string
	Shape  []int64
	SHA256 string
}

// golden is what numpy says; testdata/make.py wrote it.
type golden struct {
	Arrays  []goldenArray
	Slices  map[string]string // of arange(4), its digits in order
	Columns []goldenColumns
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Arrays) < 50 || len(g.Slices) < 500 || len(g.Columns) < 4 {
		t.Fatalf("golden.json has %d arrays, %d slices, %d columns; want more", len(g.Arrays), len(g.Slices), len(g.Columns))
	}
	return g
}

// indices gives what an axis takes, in the order of the result.
func (a axis) indices() []int64 {
	taken := make([]int64, a.count)
	for j := range a.count {
		place := j
		if a.reverse {
			place = a.count - 1 - j
		}
		taken[place] = a.low + j*a.step
	}
	return taken
}

func TestSliceAgainstNumpy(t *testing.T) {
	for text, want := range readGolden(t).Slices {
		s, err := parseSlice(text)
		if err != nil {
			t.Errorf("parseSlice(%q) = error %v", text, err)
			continue
		}
		a, err := s.apply(0, 4)
		if err != nil {
			t.Errorf("(%s).apply(0, 4) = error %v; want %q", text, err, want)
			continue
		}
		got := ""
		for _, i := range a.indices() {
			got += strconv.FormatInt(i, 10)
		}
		if got != want {
			t.Errorf("(%s).apply(0, 4) takes %q; want %q", text, got, want)
		}
	}
}

func TestSliceOutOfRange(t *testing.T) {
	for _, test := range []struct {
		text   string
		length int64
		want   string
	}{
		{"100:200", 50, "slice [100:200] is out of range: axis 2 has 50 elements"},
		{"49:51", 50, "slice [49:51] is out of range: axis 2 has 50 elements"},
		{"-51:", 50, "slice [-51:] is out of range: axis 2 has 50 elements"},
		{":-51:-1", 50, "slice [:-51:-1] is out of range: axis 2 has 50 elements"},
		{"0:1", 0, "slice [0:1] is out of range: axis 2 has 0 elements"},
		{"-9223372036854775808:", 50, "slice [-9223372036854775808:] is out of range: axis 2 has 50 elements"},
	} {
		s, err := parseSlice(test.text)
		if err != nil {
			t.Errorf("parseSlice(%q) = error %v", test.text, err)
			continue
		}
		if a, err := s.apply(2, test.length); err == nil || err.Error() != test.want {
			t.Errorf("(%s).apply(2, %d) = %+v, %v; want error %q", test.text, test.length, a, err, test.want)
		}
	}
}

// FuzzSlice compares with the definition: walk from start in steps until stop.
func FuzzSlice(f *testing.F) {
	f.Add("1:2", uint8(5))
	f.Add("::-1", uint8(5))
	f.Add("-3::9223372036854775807", uint8(7))
	f.Add("3::-9223372036854775807", uint8(0))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		length := int64(size)
		s, err := parseSlice(text)
		if err != nil {
			return
		}
		a, err := s.apply(0, length)
		if err != nil {
			return
		}
		want := walk(s, length)
		if got := a.indices(); !reflect.DeepEqual(got, want) {
			t.Errorf("(%s).apply(0, %d) takes %v; want %v", s, length, got, want)
		}
	})
}

func walk(s Slice, length int64) []int64 {
	absolute := func(end *int64, open int64) int64 {
		switch {
		case end == nil:
			return open
		case *end < 0:
			return *end + length
		}
		return *end
	}
	taken := []int64{}
	if s.Step > 0 {
		for i := absolute(s.Start, 0); i < absolute(s.Stop, length); i += s.Step {
			taken = append(taken, i)
			if s.Step > length {
				break
			}
		}
		return taken
	}
	for i := min(absolute(s.Start, length-1), length-1); i > absolute(s.Stop, -1); i += s.Step {
		taken = append(taken, i)
		if s.Step < -length {
			break
		}
	}
	return taken
}
