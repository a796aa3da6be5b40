package ipc

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hotcell/shm"
)

const goldenFolder = "../testdata/wire"

// golden are the frames that both ends of the wire are tested with.
var golden = map[string]struct {
	seq     uint32
	message Message
}{
	"boot":   {0, &Boot{Path: []string{"/usr/lib/python3.11", "/opt/é"}, Modules: []string{"numpy", "numpy.linalg"}, Shared: true}},
	"ready":  {0, &Ready{Version: "3.11.2", Numpy: "1.24.2", Failed: []string{"scipy: ModuleNotFoundError: No module named 'scipy'"}, Threaded: "tables"}},
	"fork":   {0, &Fork{Token: token, Filter: filter, WaitKillable: true, Grants: 1 << 44, Warm: true, Output: 4096}},
	"forked": {0, &Forked{Token: token}},
	"failed": {0, &Failed{Token: token, Stage: "namespaces", Errno: 1, Text: "unshare: Operation not permitted"}},
	"exited": {0, &Exited{Token: token, Status: 9}},

	"hello":   {0, &Hello{Listener: 5, Landlock: 4}},
	"locked":  {0, &Locked{}},
	"waiting": {0, &Waiting{}},
	"load": {0, &Load{
		Function: "model", Modules: "math numpy", Recursion: 1000, Seed: counting(32), Seeded: true, Threads: 2,
		Env: []string{"TZ=UTC"},
		Files: []File{
			{Path: "model.py", Size: 73},
			{Module: "helpers", Path: "helpers/__init__.py", Package: true, Offset: 73, Size: 62},
		},
		Args: []Arg{
			{"history", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f8"), Shape: []int64{100}, Offset: 800}}},
			{"window", integer("20")},
		},
		Regions: []Region{{ID: 1, Size: 8000, Passed: true}}, Output: 4096,
		Functions: []string{"rate"}, Exchange: 8192,
	}},
	"loaded": {0, &Loaded{}},
	"call": {0, &Call{Args: []Arg{
		{"x", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f8"), Shape: []int64{3}}}},
		{"scale", Value{Kind: KindFloat, Float: 2}},
	}, Regions: []Region{{ID: 2, Size: 24, Passed: true}}, Forget: []uint64{1}, Out: []Arg{
		{"z", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f4"), Shape: []int64{2}, Offset: 64}}},
	}}},
	"output": {0, &Output{Size: 4096, Once: true}},
	"result": {0, &Result{Values: []Arg{
		{"y", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f8"), Shape: []int64{3}}}},
		{"n", integer("3")},
	}}},
	"exception": {0, &Exception{Cause: CauseRaised, Class: "ValueError", Message: "x is negative: é",
		Traceback: "Traceback (most recent call last):\n  File \"model.py\", line 2, in model\n" +
			"    raise ValueError(\"x is negative: é\")\nValueError: x is negative: é\n",
		File: "model.py", Line: 2}},
	"ask":    {7, &Ask{Kind: "import", Target: "scipy.stats"}},
	"answer": {7, &Answer{Text: "import of scipy.stats is not allowed"}},

	"invoke": {8, &Invoke{Function: "rate", Args: []Arg{
		{"_0", Value{Kind: KindText, Text: "EUR"}},
		{"at", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<i8"), Shape: []int64{2}, Offset: 64}}},
	}}},
	"returned": {8, &Returned{Value: float(1.25)}},

	"open":     {0, &Open{Client: "python 3.11"}},
	"opened":   {0, &Opened{Version: "1.0", PID: 4242}},
	"launched": {0, &Launched{}},
	"launch": {0, &Launch{
		Function: "model", Interpreter: "cpython", Options: []string{"memory=256M"}, Env: []string{"TZ=UTC"}, Seed: 7, Seeded: true,
		Files:   []File{{Path: "model.py", Size: 73}},
		Args:    []Arg{{"x", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f8"), Shape: []int64{3}}}}},
		Regions: []Region{{ID: 9, Size: 24, Passed: true}}, Follow: true, Ask: true, Functions: []string{"rate"},
	}},
	"request": {3, &Request{
		Args:    []Arg{{"x", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f8"), Shape: []int64{3}}}}, {"n", integer("5")}},
		Regions: []Region{{ID: 9, Size: 24}}, Forget: []uint64{8}, Release: []uint64{1, 2}, Timeout: 1_000_000_000, Results: 1,
		Out: []Arg{{"y", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f4"), Shape: []int64{2}}}}},
	}},
	"reply": {3, &Reply{
		Values: []Arg{{"y", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<f8"), Shape: []int64{3}}}}},
		Region: Region{ID: 3, Size: 4096, Passed: true}, Forget: []uint64{2},
	}},
	"failure": {3, &Failure{Verdict: "exception", Source: "model", Reason: "ValueError: x", Class: "ValueError", Message: "x",
		Traceback: "Traceback", File: "model.py", Line: 2, Ended: true}},
	"question": {0, &Question{Kind: "open", Target: "/etc/hosts", Write: true, Syscall: "openat"}},
	"decision": {0, &Decision{Effect: "virtual", Errno: 1, Content: []byte("{}"), Always: true}},
	"inquire":  {0, &Inquire{}},
	"figures":  {0, &Figures{Size: 300}},
	"cancel":   {0, &Cancel{}},
	"close":    {0, &Close{}},
	"attach":   {4, &Attach{Regions: []uint64{9, 12}}},
	"attached": {4, &Attached{Granted: []uint64{2, 0}, Output: 4096, Timeout: 2_000_000_000}},
	"delegate": {6, &Delegate{Function: "rate", Args: []Arg{
		{"_0", Value{Kind: KindText, Text: "EUR"}},
		{"at", Value{Kind: KindArray, Ref: shm.Ref{DType: dtype("<i8"), Shape: []int64{2}, Offset: 64}}},
	}, Size: 4096}},
	"delivered": {6, &Delivered{Value: float(1.25)}},
	"heard":     {5, &Heard{Frame: []byte{23, 0, 1, 0}, Late: 1}},

	"value-none": {0, result(Arg{"v", Value{}})},
	"value-bool": {0, result(Arg{"t", Value{Kind: KindBool, Bool: true}}, Arg{"f", Value{Kind: KindBool}})},
	"value-int": {0, result(lettered(integer("0"), integer("1"), integer("-1"), integer("255"), integer("256"),
		integer("-9223372036854775808"), integer("1000000000000000000000000000000"))...)},
	"value-float": {0, result(lettered(float(0.1), float(math.Copysign(0, -1)), float(5e-324), float(math.Inf(1)), float(math.Inf(-1)),
		float(math.Float64frombits(0x7ff8<<48)), float(math.Float64frombits(0xfffc0000deadbeef)))...)},
	"value-complex": {0, result(Arg{"v", Value{Kind: KindComplex, Complex: complex(1.5, math.Copysign(0, -1))}})},
	"value-text":    {0, result(Arg{"a", Value{Kind: KindText}}, Arg{"b", Value{Kind: KindText, Text: "aé€\U0001f600\x00"}})},
	"value-array": {0, result(lettered(
		array(shm.Ref{DType: dtype("<c16"), Fortran: true, Offset: 64, Shape: []int64{2, 3}}),
		array(shm.Ref{DType: dtype("|b1")}),
		array(shm.Ref{DType: dtype("<i2"), Offset: 128, Shape: []int64{3, 0, 2}}),
		array(shm.Ref{DType: dtype("[('a', '<i4'), ('', '|V4'), ('b', '>f8', (2,))]"), Offset: 192, Shape: []int64{5}}),
		array(shm.Ref{DType: dtype("<M8[25s]"), Offset: 320, Shape: []int64{1}}),
		array(shm.Ref{DType: dtype("|S5"), Offset: 384, Shape: []int64{2}}),
		array(shm.Ref{DType: dtype("<U7"), Offset: 448, Shape: []int64{1}}))...)},
	"value-span": {0, result(Arg{"v", Value{Kind: KindSpan, Offset: 64, Size: 100000}})},
	"value-list": {0, &Call{Args: []Arg{
		{"a", Value{Kind: KindList}},
		{"b", Value{Kind: KindList, List: []Value{
			integer("1"), {Kind: KindList, List: []Value{{Kind: KindText, Text: "x"}}}, {},
		}}},
	}}},
	"value-dict": {0, &Call{Args: []Arg{{"v", Value{Kind: KindDict, Dict: []Arg{
		{"b", Value{Kind: KindBool, Bool: true}},
		{"a", Value{Kind: KindDict, Dict: []Arg{{"", float(0.5)}}}},
	}}}}}},
}

const token = 0x0102030405060708

var filter = []byte{6, 0, 0, 0, 0, 0, 0, 0x80, 6, 0, 0, 0, 0, 0, 0xff, 0x7f}

func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func result(values ...Arg) *Result { return &Result{Values: values} }

// lettered names values a, b, c and so on.
func lettered(values ...Value) []Arg {
	var args []Arg
	for i, v := range values {
		args = append(args, Arg{string(rune('a' + i)), v})
	}
	return args
}

func float(f float64) Value { return Value{Kind: KindFloat, Float: f} }

func array(r shm.Ref) Value { return Value{Kind: KindArray, Ref: r} }

func integer(digits string) Value {
	v, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		panic(digits)
	}
	return Value{Kind: KindInt, Int: v}
}

func dtype(descr string) shm.DType {
	d, err := shm.ParseDType(descr)
	if err != nil {
		panic(err)
	}
	return d
}

// readGolden gives the bytes of a frame: hexadecimal digits, and comments
// from # to the end of a line.
func readGolden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldenFolder, name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.TrimSpace(code))
	}
	frame, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s.hex: %v", name, err)
	}
	return frame
}

// decode reads a datagram as Receive does.
func decode(datagram []byte) (Message, uint32, error) {
	f, err := ParseFrame(datagram)
	if err != nil {
		return nil, 0, err
	}
	m, err := Decode(f)
	return m, f.Seq, err
}

func TestGoldenDecode(t *testing.T) {
	for name, want := range golden {
		m, seq, err := decode(readGolden(t, name))
		if err != nil {
			t.Errorf("decode %s.hex = error %v", name, err)
			continue
		}
		// A NaN is not equal to itself: its bits are checked by TestGoldenEncode.
		if name != "value-float" && !reflect.DeepEqual(m, want.message) || seq != want.seq {
			t.Errorf("decode %s.hex = %+v, %d; want %+v, %d", name, m, seq, want.message, want.seq)
		}
	}
}

func TestGoldenEncode(t *testing.T) {
	for name, m := range golden {
		want := readGolden(t, name)
		if got := AppendFrame(nil, Encode(m.message, m.seq)); !bytes.Equal(got, want) {
			t.Errorf("encode %s:\n got %x\nwant %x", name, got, want)
		}
		if got := Size(m.message); got != len(want) {
			t.Errorf("Size(%s) = %d; want %d", name, got, len(want))
		}
	}
}

// Every type and every kind has a frame, and no file is left unread.
func TestGoldenComplete(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(golden) {
		t.Errorf("%s holds %d files, of which %d are tested", goldenFolder, len(files), len(golden))
	}
	for typ, name := range typeNames {
		if m, ok := golden[name]; !ok || m.message.Type() != typ {
			t.Errorf("no golden frame of type %v", typ)
		}
	}
	kinds := map[ValueKind]bool{}
	for _, m := range golden {
		switch m := m.message.(type) {
		case *Call:
			for _, a := range m.Args {
				kinds[a.Value.Kind] = true
			}
		case *Result:
			for _, a := range m.Values {
				kinds[a.Value.Kind] = true
			}
		}
	}
	for kind := KindNone; kind <= KindDict; kind++ {
		if !kinds[kind] {
			t.Errorf("no golden frame holds a value of kind %d", kind)
		}
	}
}
