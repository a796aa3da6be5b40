package arrayfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

func floats(data []byte) []float64 {
	values := make([]float64, len(data)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return values
}

func TestCSV(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		text, columns string
		want          []float64
		shape         []int64
	}{
		{"a,b\n1,2\n3,4\n", "b", []float64{2, 4}, []int64{2}},
		{"a,b\n1,2\n3,4\n", "b,a", []float64{2, 1, 4, 3}, []int64{2, 2}},
		{"a,b\n1,2\n3,4", "a,a", []float64{1, 1, 3, 3}, []int64{2, 2}},
		{"a,b\r\n1,2\r\n", "a", []float64{1}, []int64{1}},
		{"\xef\xbb\xbfa,b\n1,2\n", "a", []float64{1}, []int64{1}},
		{"\xef\xbb\xbf\"a\", \"b c \"\n \"1\", \" -2.5e-3 \"\n", "b c", []float64{-2.5e-3}, []int64{1}},
		{"a,b\n,NA\nNaN,nan\n-inf,Infinity\n", "a,b", []float64{nan, nan, nan, nan, math.Inf(-1), math.Inf(1)}, []int64{3, 2}},
		{"a,b\nx,2\n", "b", []float64{2}, []int64{1}},
		{"a\n", "a", []float64{}, []int64{0}},
		{"a,b\n0.1,1e-400\n", "a,b", []float64{0.1, 0}, []int64{1, 2}},
		{"a,b\n1,2\n3,4\n5,6\n", "a[::-2]", []float64{5, 1}, []int64{2}},
		{"a,\"b,c\"\n1,2\n", `"b,c"`, []float64{2}, []int64{1}},
	} {
		input, data, err := load(t, writeFile(t, "f.csv", []byte(test.text))+":"+test.columns)
		if err != nil {
			t.Errorf("Load(%q, %s) = error %v", test.text, test.columns, err)
			continue
		}
		same := func(a, b float64) bool { return a == b || a != a && b != b }
		if got := floats(data); !slices.EqualFunc(got, test.want, same) || !slices.Equal(input.Ref.Shape, test.shape) || input.Ref.DType.Descr() != "<f8" {
			t.Errorf("Load(%q, %s) = %v %v; want %v %v", test.text, test.columns, input.Ref.Shape, got, test.shape, test.want)
		}
	}
}

func TestCSVErrors(t *testing.T) {
	for _, test := range []struct{ text, columns, want string }{
		{"", ":a", "f.csv: empty; the first line must name the columns"},
		{"a,b\n1,2\n", "", "name a column as FILE.csv:COLUMN; it has a, b"},
		{"a,b\n1,2\n", ":c", "no column c; it has a, b"},
		{"a,b\n1,2\n", ":A", "no column A; it has a, b"},
		{"a,a\n1,2\n", ":a", "several columns are named a"},
		{"a,b\n1,2\n3,abc\n", ":b", `f.csv: line 3, column b: "abc" is not a number`},
		{"a,b\n1,2\n\n3,\"x\n\ny\"\n", ":b", `line 4, column b: "x\n\ny" is not a number`},
		{"a,b\n1,0x10\n", ":b", `"0x10" is not a number`},
		{"a,b\n1,1_000\n", ":b", `"1_000" is not a number`},
		{"a,b\n1,1e999\n", ":b", `"1e999" does not fit into a float64`},
		{"a,b\n1,2\n3\n", ":a", "line 3: the number of fields is not the header's 2"},
		{"a,b\n1,2\n3,\"4\n", ":a", `line 3, byte 6: extraneous or missing " in quoted-field`},
		{"a,b\n1,\x1b[2J\n", ":b", `"\x1b[2J" is not a number`},
		{"a,b\n1," + strings.Repeat("z", 300) + "\n", ":b", strings.Repeat("z", 200) + `"... is not a number`},
		{"a,b\n1,2\n", ":a[3:]", "slice [3:] is out of range: axis 0 has 1 elements"},
		{strings.Repeat("c,", 29) + "d\n", ":e", " c, c and 10 more"},
	} {
		spec, err := ParseSpec(writeFile(t, "f.csv", []byte(test.text)) + test.columns)
		if err == nil {
			_, err = Load(spec)
		}
		checkInputError(t, "Load("+test.text+test.columns+")", err, test.want)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,2\nNA,\"3\"\n"), "a,b")
	f.Add([]byte("\xef\xbb\xbf\"a\"\r\n-1e5\r\n"), "a")
	f.Fuzz(func(t *testing.T, text []byte, columns string) {
		wanted, err := parseColumns(columns)
		if err != nil {
			return
		}
		table, err := newTable(bytes.NewReader(text), wanted)
		if err != nil {
			return
		}
		const limit = 1 << 12
		data, err := table.values(limit)
		if err == nil && (int64(len(data)) != table.rows*int64(8*len(wanted)) || len(data) > limit) {
			t.Errorf("values of %q = %d bytes in %d rows; want 8 for each of %d columns", text, len(data), table.rows, len(wanted))
		}
	})
}
