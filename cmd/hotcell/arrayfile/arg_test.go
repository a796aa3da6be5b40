package arrayfile

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func ptr(n int64) *int64 { return &n }

func TestParseArgValues(t *testing.T) {
	for _, test := range []struct {
		arg  string
		name string
		want any
	}{
		{"n=3", "n", json.Number("3")},
		{"n=-0.10", "n", json.Number("-0.10")},
		{"n=123456789012345678901234567890", "n", json.Number("123456789012345678901234567890")},
		{"n=1e400", "n", json.Number("1e400")},
		{"n= 3 ", "n", json.Number("3")},
		{"n=03", "n", "03"},
		{"n=1 2", "n", "1 2"},
		{"ok=true", "ok", true},
		{"ok=True", "ok", "True"},
		{"x=null", "x", nil},
		{"x=", "x", ""},
		{"x=a=b", "x", "a=b"},
		{"x=hello", "x", "hello"},
		{"x=NaN", "x", "NaN"},
		{`x="@x"`, "x", "@x"},
		{`x="hello`, "x", `"hello`},
		{"x=[1, [], \"a\"]", "x", []any{json.Number("1"), []any{}, "a"}},
		{`x={"b": 1, "a": {}, "b": 2}`, "x", Object{{"b", json.Number("2")}, {"a", Object{}}}},
		{"match=1", "match", json.Number("1")},
		{"_0=1", "_0", json.Number("1")},
	} {
		got, err := ParseArg(test.arg)
		if err != nil || got.Name != test.name || got.File != nil || !reflect.DeepEqual(got.Value, test.want) {
			t.Errorf("ParseArg(%q) = %#v, %v; want %s, %#v", test.arg, got, err, test.name, test.want)
		}
	}
}

func TestParseArgFiles(t *testing.T) {
	for _, test := range []struct {
		arg  string
		want Spec
	}{
		{"a=@f.npy", Spec{Path: "f.npy", Format: NPY}},
		{"a=@F.NPY", Spec{Path: "F.NPY", Format: NPY}},
		{"a=@d[1]:x/f.npy", Spec{Path: "d[1]:x/f.npy", Format: NPY}},
		{"a=@d[1].npy[2:]", Spec{Path: "d[1].npy", Format: NPY, Slices: []Slice{{ptr(2), nil, 1}}}},
		{"a=@f.npy[:]", Spec{Path: "f.npy", Format: NPY, Slices: []Slice{{nil, nil, 1}}}},
		{"a=@f.npy[ -3 : 4 :-1 , ::]", Spec{Path: "f.npy", Format: NPY, Slices: []Slice{{ptr(-3), ptr(4), -1}, {nil, nil, 1}}}},
		{"a=@f.npz", Spec{Path: "f.npz", Format: NPZ}},
		{"a=@f.npz[1:2]", Spec{Path: "f.npz", Format: NPZ, Slices: []Slice{{ptr(1), ptr(2), 1}}}},
		{"a=@f.npz:k", Spec{Path: "f.npz", Format: NPZ, Key: "k"}},
		{"a=@x:f.npz:a/k.npy[1:2]", Spec{Path: "x:f.npz", Format: NPZ, Key: "a/k.npy", Slices: []Slice{{ptr(1), ptr(2), 1}}}},
		{"a=@d.csv:x/f.npz:k", Spec{Path: "d.csv:x/f.npz", Format: NPZ, Key: "k"}},
		{"a=@f.csv", Spec{Path: "f.csv", Format: CSV}},
		{"a=@f.csv:A, B", Spec{Path: "f.csv", Format: CSV, Columns: []string{"A", "B"}}},
		{"a=@f.csv:price[usd]", Spec{Path: "f.csv", Format: CSV, Columns: []string{"price[usd]"}}},
		{"a=@f.csv:price[usd][1:2]", Spec{Path: "f.csv", Format: CSV, Columns: []string{"price[usd]"}, Slices: []Slice{{ptr(1), ptr(2), 1}}}},
		{`a=@f.csv:"A,B",C:D`, Spec{Path: "f.csv", Format: CSV, Columns: []string{"A,B", "C:D"}}},
	} {
		test.want.Name = "a"
		got, err := ParseArg(test.arg)
		if err != nil || got.File == nil || !reflect.DeepEqual(*got.File, test.want) {
			t.Errorf("ParseArg(%q) = %+v, %v; want %+v", test.arg, got.File, err, test.want)
		}
	}
}

func TestParseArgErrors(t *testing.T) {
	for _, test := range []struct{ arg, want string }{
		{"model.py", "write it as NAME=VALUE"},
		{"=3", "use a letter or _"},
		{"1a=3", "use a letter or _"},
		{"a-b=3", "use a letter or _"},
		{"\u00e9=3", "use a letter or _"},
		{strings.Repeat("a", 65) + "=3", "use a letter or _"},
		{"lambda=3", "keyword"},
		{"None=@f.npy", "keyword"},
		{"a=\xff", "not UTF-8"},
		{"a=" + strings.Repeat("[", 17) + strings.Repeat("]", 17), "deeper than 16"},
		{"a=@", "give one that ends in .npy"},
		{"a=@f.txt", "f.txt: give one that ends in .npy"},
		{"a=@f.txt[1:2]", "f.txt: give one that ends in .npy"},
		{"a=@f.npy:k", "f.npy:k: give one that ends in .npy"},
		{"a=@f.npy]", "no [ before"},
		{"a=@f.npy[]", "an axis is empty"},
		{"a=@f.npy[1:2,]", "an axis is empty"},
		{"a=@f.npy[3]", "write [3:4]"},
		{"a=@f.npy[-1]", "write [-1:]"},
		{"a=@f.npy[-2, :]", "write [-2:-1]"},
		{"a=@f.npy[...]", "... is not start:stop:step"},
		{"a=@f.npy[9223372036854775807]", "is not start:stop:step"},
		{"a=@f.npy[::0]", "step 0 is not possible"},
		{"a=@f.npy[::-9223372036854775808]", "is not possible"},
		{"a=@f.npy[1:2:3:4]", "more than start:stop:step"},
		{"a=@f.npy[a:b]", "a is not an integer"},
		{"a=@f.npy[9223372036854775808:]", "is not an integer of 64 bits"},
		{"a=@f.npz:k[3]", "write [3:4]"},
		{"a=@f.npy[" + strings.Repeat(":,", 32) + ":]", "33 axes"},
		{"a=@f.csv:A,,B", "a name is empty"},
		{`a=@f.csv:A"B`, "in quotes, as in CSV"},
		{"a=@f.csv:A\nB", "several lines"},
		{"a=@f\x1b[2J\u202e.txt", `f\x1b[2J\u202e.txt`},
	} {
		got, err := ParseArg(test.arg)
		checkInputError(t, "ParseArg("+test.arg+")", err, test.want)
		if !reflect.DeepEqual(got, Arg{}) {
			t.Errorf("ParseArg(%q) = %+v; want the zero Arg", test.arg, got)
		}
	}
}

// checkInputError wants one printable line of an *InputError.
func checkInputError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s = error %v; want %q", what, err, want)
		return
	}
	if _, ok := errors.AsType[*InputError](err); !ok {
		t.Errorf("%s = %T %v; want an *InputError", what, err, err)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b\u202e") || !utf8.ValidString(err.Error()) {
		t.Errorf("%s = error %q; want one printable line", what, err)
	}
}

func FuzzParseArg(f *testing.F) {
	for _, seed := range []string{"a=1", `a={"b":[1]}`, "a=@f.npy[1:2, ::-1]", "a=@f.npz:k", `a=@f.csv:"A,B",C[3:]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		arg, err := ParseArg(text)
		if err != nil {
			checkInputError(t, "ParseArg("+text+")", err, "")
			return
		}
		if arg.File == nil {
			return
		}
		if !strings.HasPrefix(text, arg.Name+"=@"+arg.File.Path) {
			t.Errorf("ParseArg(%q).File.Path = %q; want a part of it", text, arg.File.Path)
		}
		for _, s := range arg.File.Slices {
			again, err := parseSlice(s.String())
			if err != nil || !reflect.DeepEqual(again, s) {
				t.Errorf("parseSlice(%q) = %+v, %v; want %+v", s, again, err, s)
			}
		}
	})
}
