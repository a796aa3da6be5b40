package supervisor

import (
	"math"
	"strings"
	"testing"

	"hotcell/ipc"
	"hotcell/shm"
)

func TestCheckResults(t *testing.T) {
	float64s, err := shm.ParseDType("<f8")
	if err != nil {
		t.Fatal(err)
	}
	array := func(name string, offset int64, shape ...int64) ipc.Arg {
		return ipc.Arg{Name: name, Value: ipc.Value{Kind: ipc.KindArray, Ref: shm.Ref{DType: float64s, Shape: shape, Offset: offset}}}
	}
	span := func(name string, offset, size uint64) ipc.Arg {
		return ipc.Arg{Name: name, Value: ipc.Value{Kind: ipc.KindSpan, Offset: offset, Size: size}}
	}
	number := func(name string) ipc.Arg { return ipc.Arg{Name: name, Value: ipc.Value{Kind: ipc.KindInt}} }
	var many []ipc.Arg
	for range maxResults + 1 {
		many = append(many, number("x"))
	}
	for _, test := range []struct {
		what   string
		values []ipc.Arg
		want   string // "" is fine
	}{
		{"nothing", nil, ""},
		{"arrays one after the other", []ipc.Arg{array("a", 0, 8), array("b", 64, 2, 4)}, ""},
		{"up to the end", []ipc.Arg{array("a", 0, 128)}, ""},
		{"empty at the end", []ipc.Arg{array("a", 1024, 0)}, ""},
		{"text up to the end", []ipc.Arg{span("a", 960, 64)}, ""},
		{"beyond the end", []ipc.Arg{array("a", 0, 129)}, "a"},
		{"overlap", []ipc.Arg{array("a", 0, 16), array("b", 64, 8)}, "overlap"},
		{"negative offset", []ipc.Arg{array("a", -64, 1)}, "a"},
		{"negative length", []ipc.Arg{array("a", 0, -1)}, "a"},
		{"overflow", []ipc.Arg{array("a", 0, math.MaxInt64, 8)}, "a"},
		{"overflow by offset", []ipc.Arg{array("a", math.MaxInt64-63, 1)}, "a"},
		{"text beyond the end", []ipc.Arg{span("a", 960, 65)}, "outside the output"},
		{"texts that overlap", []ipc.Arg{span("a", 0, 100), span("b", 64, 100)}, "overlap"},
		{"text that overflows", []ipc.Arg{span("a", math.MaxUint64, 2)}, "outside the output"},
		{"text before that overflows", []ipc.Arg{span("a", 8, math.MaxUint64)}, "outside the output"},
		{"a path for a name", []ipc.Arg{number("../x")}, "is no name"},
		{"no name", []ipc.Arg{number("")}, "is no name"},
		{"the same name", []ipc.Arg{number("x"), array("x", 0, 1)}, "two results are named x"},
		{"too many", many, "1025 results"},
	} {
		_, err := checkResults(test.values, 1024)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("checkResults(%s) = %v; want %q", test.what, err, test.want)
		}
	}
}
