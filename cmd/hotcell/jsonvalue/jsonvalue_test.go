package jsonvalue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"hotcell/ipc"
	"hotcell/shm"
)

func dtype(t testing.TB, descr string) shm.DType {
	t.Helper()
	d, err := shm.ParseDType(descr)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func array(t testing.TB, descr string, shape ...int64) ipc.Value {
	t.Helper()
	return ipc.Value{Kind: ipc.KindArray, Ref: shm.Ref{DType: dtype(t, descr), Shape: shape}}
}

// golden is what numpy says; testdata/make.py wrote it.
type golden struct {
	Arrays []struct {
		Descr   string
		Shape   []int64
		Fortran bool
		Data    []byte
		DType   string
		Value   *string // nil for a large array
	}
	Checksums map[string]string
}

func readGolden(t testing.TB) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil || len(g.Arrays) < 80 {
		t.Fatalf("golden.json holds %d arrays, %v; want more", len(g.Arrays), err)
	}
	return g
}

func TestAgainstNumpy(t *testing.T) {
	for _, want := range readGolden(t).Arrays {
		const offset = 64
		v := array(t, want.Descr, want.Shape...)
		v.Ref.Fortran, v.Ref.Offset = want.Fortran, offset
		region := bytes.NewReader(append(make([]byte, offset), want.Data...))
		name := fmt.Sprintf("%s %v %x", want.Descr, want.Shape, want.Data[:min(64, len(want.Data))])
		if got := DType(v); got != want.DType {
			t.Errorf("DType(%s) = %q; want %q", name, got, want.DType)
		}
		got, err := Encode(v, region)
		switch {
		case err != nil:
			t.Errorf("Encode(%s) = error %v", name, err)
		case want.Value == nil && got != nil:
			t.Errorf("Encode(%s) = %s; want none", name, got)
		case want.Value != nil && string(got) != *want.Value:
			t.Errorf("Encode(%s)\n got %s\nwant %s", name, got, *want.Value)
		}
	}
}

func checkSum(t *testing.T, g golden, name string, texts [][]byte) {
	t.Helper()
	sum := sha256.Sum256(append(bytes.Join(texts, []byte("\n")), '\n'))
	if want, ok := g.Checksums[name]; !ok || hex.EncodeToString(sum[:]) != want {
		t.Errorf("the texts of %s, from %s on, are not numpy's", name, texts[0])
	}
}

// mixed is make.py's.
func mixed(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 }

func TestFloatsAgainstNumpy(t *testing.T) {
	g := readGolden(t)
	var halves, singles, doubles [][]byte
	for i := range 1 << 16 {
		halves = append(halves, appendFloat(nil, float16(uint16(i)), 16))
	}
	for i := range 20000 {
		singles = append(singles, appendFloat(nil, float64(math.Float32frombits(uint32(mixed(i)>>32))), 32))
		doubles = append(doubles, appendFloat(nil, math.Float64frombits(mixed(i)), 64))
	}
	checkSum(t, g, "float16", halves)
	checkSum(t, g, "float32", singles)
	checkSum(t, g, "float64", doubles)
}

func TestTimesAgainstNumpy(t *testing.T) {
	g := readGolden(t)
	for _, unit := range []string{"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"} {
		for _, shift := range []int{8, 20, 40} {
			var texts [][]byte
			for i := range 1000 {
				texts = append(texts, appendTime(nil, int64(mixed(i))>>shift, 1, unit))
			}
			checkSum(t, g, fmt.Sprintf("M8[%s]>>%d", unit, shift), texts)
		}
	}
}

// Where numpy's int64 overflows, the text is right all the same.
func TestFarTimes(t *testing.T) {
	for _, test := range []struct {
		count    int64
		multiple int
		unit     string
		want     string
	}{
		{math.MaxInt64, 1, "Y", `"9223372036854777777"`},
		{math.MinInt64 + 1, 1, "Y", `"-9223372036854773837"`},
		{math.MaxInt64, math.MaxInt32, "Y", `"19807040619342712359383730099"`},
		{math.MaxInt64, 12, "M", `"9223372036854777777-01"`},
		{-1, 12, "M", `"1969-01"`},
		{146097, 100, "W", `"281970-01-01"`},
		{-146097, 7, "D", `"-830-01-01"`},
		{math.MaxInt64, 1, "D", `"25252734927768524-07-27"`},
		{math.MaxInt64, 86400, "s", `"25252734927768524-07-27T00:00:00"`},
		{math.MaxInt64, 1000, "ms", `"292277026596-12-04T15:30:07.000"`},
		{-1, 1000, "ms", `"1969-12-31T23:59:59.000"`},
		{math.MaxInt64, 1000, "as", `"1970-01-01T02:33:43.372036854775807000"`},
	} {
		if got := string(appendTime(nil, test.count, test.multiple, test.unit)); got != test.want {
			t.Errorf("%d times %d %s = %s; want %s", test.count, test.multiple, test.unit, got, test.want)
		}
	}
}

func TestScalars(t *testing.T) {
	bigInt := func(s string) *big.Int {
		v, _ := new(big.Int).SetString(s, 10)
		return v
	}
	for _, test := range []struct {
		v     ipc.Value
		dtype string
		want  string
	}{
		{ipc.Value{}, "none", "null"},
		{ipc.Value{Kind: ipc.KindBool, Bool: true}, "bool", "true"},
		{ipc.Value{Kind: ipc.KindBool}, "bool", "false"},
		{ipc.Value{Kind: ipc.KindInt}, "int", "0"},
		{ipc.Value{Kind: ipc.KindInt, Int: bigInt("-5")}, "int", "-5"},
		{ipc.Value{Kind: ipc.KindInt, Int: bigInt("9007199254740992")}, "int", "9007199254740992"},
		{ipc.Value{Kind: ipc.KindInt, Int: bigInt("9007199254740993")}, "int", `"9007199254740993"`},
		{ipc.Value{Kind: ipc.KindInt, Int: bigInt("-9007199254740993")}, "int", `"-9007199254740993"`},
		{ipc.Value{Kind: ipc.KindInt, Int: bigInt("-1" + strings.Repeat("0", 400))}, "int", `"-1` + strings.Repeat("0", 400) + `"`},
		{ipc.Value{Kind: ipc.KindFloat, Float: 1}, "float", "1.0"},
		{ipc.Value{Kind: ipc.KindFloat, Float: math.Copysign(0, -1)}, "float", "-0.0"},
		{ipc.Value{Kind: ipc.KindFloat, Float: 0.1}, "float", "0.1"},
		{ipc.Value{Kind: ipc.KindFloat, Float: 1e16}, "float", "1e+16"},
		{ipc.Value{Kind: ipc.KindFloat, Float: 123456789012345680}, "float", "1.2345678901234568e+17"},
		{ipc.Value{Kind: ipc.KindFloat, Float: 9999999999999998}, "float", "9999999999999998.0"},
		{ipc.Value{Kind: ipc.KindFloat, Float: 0.0001}, "float", "0.0001"},
		{ipc.Value{Kind: ipc.KindFloat, Float: 0.00001}, "float", "1e-05"},
		{ipc.Value{Kind: ipc.KindFloat, Float: math.NaN()}, "float", `"NaN"`},
		{ipc.Value{Kind: ipc.KindFloat, Float: math.Inf(1)}, "float", `"Infinity"`},
		{ipc.Value{Kind: ipc.KindFloat, Float: math.Inf(-1)}, "float", `"-Infinity"`},
		{ipc.Value{Kind: ipc.KindComplex, Complex: complex(0.5, math.Inf(-1))}, "complex", `[0.5,"-Infinity"]`},
		{ipc.Value{Kind: ipc.KindText, Text: "<é&\n\"\x00\u202e"}, "str", `"<é&\n\"\u0000` + "\u202e\""},
		{ipc.Value{Kind: ipc.KindText, Text: "a\xffb"}, "str", `"a\ufffdb"`},
		{ipc.Value{Kind: ipc.KindSpan, Offset: math.MaxUint64, Size: math.MaxUint64}, "str", ""},
		{ipc.Value{Kind: ipc.KindList}, "list", ""},
		{ipc.Value{Kind: ipc.KindDict}, "dict", ""},
		{ipc.Value{Kind: 99}, "", ""},
	} {
		got, err := Encode(test.v, nil)
		if err != nil || string(got) != test.want {
			t.Errorf("Encode(%+v) = %s, %v; want %s", test.v, got, err, test.want)
		}
		if got := DType(test.v); got != test.dtype {
			t.Errorf("DType(%+v) = %q; want %q", test.v, got, test.dtype)
		}
	}
}

func TestInvalidText(t *testing.T) {
	for _, test := range []struct {
		codes []uint32
		want  string
	}{
		{[]uint32{0x41, 0x10ffff, 0, 0}, "\"A\U0010ffff\""},
		{[]uint32{0x110000, 0xffffffff, 0xd800, 0xdfff}, "\"\ufffd\ufffd\ufffd\ufffd\""},
		{[]uint32{0, 0, 0, 0}, `""`},
		{[]uint32{0, 0, 0x41, 0}, `"\u0000\u0000A"`},
		{[]uint32{0xffff, 0x2028, 0x1b, 0}, "\"\uffff\\u2028\\u001b\""},
	} {
		for descr, order := range map[string]binary.AppendByteOrder{"<U4": binary.LittleEndian, ">U4": binary.BigEndian} {
			var data []byte
			for _, c := range test.codes {
				data = order.AppendUint32(data, c)
			}
			got, err := Encode(array(t, descr), bytes.NewReader(data))
			if err != nil || string(got) != test.want {
				t.Errorf("Encode(%s of %#x) = %s, %v; want %s", descr, test.codes, got, err, test.want)
			}
		}
	}
}

// An array of few bytes may have a text of any length: it then has none.
func TestLongTexts(t *testing.T) {
	zeros := bytes.NewReader(make([]byte, 16<<20))
	name := strings.Repeat("x", 1000)
	for _, test := range []struct {
		v    ipc.Value
		want int // bytes of text, -1 for none
	}{
		{array(t, "|S1048576"), 2},
		{array(t, "|b1", 16), 16*6 + 1},
		{array(t, "|b1", 17), -1},
		{array(t, "<f8", 1<<40, 0), -1},
		{array(t, "<f8", 0, 1<<40), 2},
		{array(t, "<f8", 1000, 0), 3001},
		{array(t, "[('a', '|b1', (1048576,))]"), -1},
		{array(t, "[('a', '|b1', (1048576,))]", 16), -1},
		{array(t, "[('a', [('"+name+"', '|b1')], (1048576,))]", 16), -1},
		{array(t, "[('a', [('"+name+"', '|b1')], (1024, 1024))]"), -1},
		{array(t, "[('a', '|b1', (100,))]", 16), 16*(100*6+len(`{"a":[]}`)) + 1},
	} {
		got, err := Encode(test.v, zeros)
		if err != nil || len(got) != max(0, test.want) || (got == nil) != (test.want < 0) {
			t.Errorf("Encode(%.60s %d) = %d bytes, %v; want %d", test.v.Ref.DType, test.v.Ref.Shape, len(got), err, test.want)
		}
	}
	full := bytes.NewReader(bytes.Repeat([]byte{0xff}, 1<<20))
	for _, descr := range []string{"|S1048576", "<U262144", ">U262144"} {
		if got, err := Encode(array(t, descr), full); err != nil || !json.Valid(got) {
			t.Errorf("Encode(%s) = %d bytes, %v; want text, as any plain element has", descr, len(got), err)
		}
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errors.New("broken") }

func TestEncodeErrors(t *testing.T) {
	eight := bytes.NewReader(make([]byte, 8))
	ref := func(r shm.Ref) ipc.Value { return ipc.Value{Kind: ipc.KindArray, Ref: r} }
	f8 := dtype(t, "<f8")
	for _, test := range []struct {
		name   string
		v      ipc.Value
		region io.ReaderAt
	}{
		{"no dtype", ref(shm.Ref{}), eight},
		{"negative length", ref(shm.Ref{DType: f8, Shape: []int64{-1}}), eight},
		{"overflow", ref(shm.Ref{DType: f8, Shape: []int64{math.MaxInt64}}), eight},
		{"overflow beside 0", ref(shm.Ref{DType: f8, Shape: []int64{math.MaxInt64, 0}}), eight},
		{"axes", ref(shm.Ref{DType: f8, Shape: make([]int64, 33)}), eight},
		{"negative offset", ref(shm.Ref{DType: f8, Offset: -8}), eight},
		{"offset at the end", ref(shm.Ref{DType: f8, Offset: 8}), eight},
		{"offset past the end", ref(shm.Ref{DType: f8, Offset: math.MaxInt64}), eight},
		{"too short", ref(shm.Ref{DType: f8, Shape: []int64{2}}), eight},
		{"no region", ref(shm.Ref{DType: f8}), nil},
		{"broken region", ref(shm.Ref{DType: f8}), broken{}},
	} {
		if got, err := Encode(test.v, test.region); err == nil || got != nil {
			t.Errorf("%s: Encode = %s, %v; want an error", test.name, got, err)
		}
	}
	if got := DType(ref(shm.Ref{})); got != "" {
		t.Errorf("DType of no dtype = %q; want none", got)
	}
	// Without elements nothing is read.
	if got, err := Encode(array(t, "<f8", 0), nil); err != nil || string(got) != "[]" {
		t.Errorf("Encode of no elements = %s, %v; want []", got, err)
	}
}

// FuzzEncode wants valid JSON of bounded size for any bytes of any array.
func FuzzEncode(f *testing.F) {
	for _, g := range readGolden(f).Arrays {
		var shape []byte
		for _, n := range g.Shape {
			shape = append(shape, byte(min(n, 255)))
		}
		f.Add(g.Descr, shape, g.Fortran, g.Data)
	}
	f.Fuzz(func(t *testing.T, descr string, shape []byte, fortran bool, data []byte) {
		d, err := shm.ParseDType(descr)
		if err != nil {
			return
		}
		v := ipc.Value{Kind: ipc.KindArray, Ref: shm.Ref{DType: d, Fortran: fortran}}
		for _, n := range shape {
			v.Ref.Shape = append(v.Ref.Shape, int64(n))
		}
		if DType(v) == "" {
			t.Errorf("DType(%s) is empty", descr)
		}
		got, err := Encode(v, bytes.NewReader(data))
		size, bad := v.Ref.Bytes()
		switch {
		case bad != nil:
			if err == nil {
				t.Errorf("Encode(%s %v) = %s; want error %v", descr, shape, got, bad)
			}
		case size > int64(len(data)):
			if err == nil && v.Ref.Len() <= maxElements {
				t.Errorf("Encode(%s %v) of %d bytes = %s; want an error", descr, shape, len(data), got)
			}
		case err != nil:
			t.Errorf("Encode(%s %v) of %x = error %v", descr, shape, data, err)
		case got != nil && (!json.Valid(got) || len(got) > maxText):
			t.Errorf("Encode(%s %v) of %x = %d bytes %.200s; want valid JSON of bounded size", descr, shape, data, len(got), got)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range []int64{1, 16} {
		b.Run(strconv.FormatInt(n, 10), func(b *testing.B) {
			v := array(b, "<f8", n)
			region := bytes.NewReader(make([]byte, 8*n))
			for b.Loop() {
				if _, err := Encode(v, region); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
