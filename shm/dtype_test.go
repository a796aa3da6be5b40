package shm

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func parsed(t testing.TB, descr string) DType {
	t.Helper()
	d, err := ParseDType(descr)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// golden is one dtype as numpy sees it; testdata/make.py wrote it.
type golden struct {
	Given, Descr string
	ItemSize     int
	Kind, Unit   string
	Multiple     int
	Fields       []struct {
		Name, Descr string
		Shape       []int64
		Offset      int
	}
}

func TestDTypeAgainstNumpy(t *testing.T) {
	text, err := os.ReadFile("testdata/dtypes.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 50 {
		t.Fatalf("dtypes.json holds %d dtypes, %v; want more", len(all), err)
	}
	for _, want := range all {
		d, err := ParseDType(want.Given)
		if err != nil || d.Descr() != want.Descr || d.ItemSize() != want.ItemSize || string(rune(d.Kind())) != want.Kind {
			t.Errorf("ParseDType(%q) = %s, %d bytes, %c, %v; want %+v", want.Given, d, d.ItemSize(), d.Kind(), err, want)
			continue
		}
		if multiple, unit := d.Unit(); multiple != want.Multiple || unit != want.Unit {
			t.Errorf("%s.Unit() = %d, %q; want %d, %q", d, multiple, unit, want.Multiple, want.Unit)
		}
		if big := want.Descr[0] == '>'; d.BigEndian() != big {
			t.Errorf("%s.BigEndian() = %v; want %v", d, d.BigEndian(), big)
		}
		var fields []Field
		for _, f := range want.Fields {
			field := Field{Name: f.Name, DType: parsed(t, f.Descr), Offset: f.Offset}
			if len(f.Shape) > 0 {
				field.Shape = f.Shape
			}
			fields = append(fields, field)
		}
		if got := d.Fields(); !reflect.DeepEqual(got, fields) {
			t.Errorf("%s.Fields() = %+v; want %+v", d, got, fields)
		}
	}
}

func TestZeroDType(t *testing.T) {
	var d DType
	multiple, unit := d.Unit()
	if d.Descr() != "" || d.Kind() != 0 || d.ItemSize() != 0 || d.BigEndian() || multiple != 1 || unit != "" || d.Fields() != nil {
		t.Errorf("DType{} = %q, kind %d, %d bytes; want nothing", d.Descr(), d.Kind(), d.ItemSize())
	}
}

func TestDTypeEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"<f8", "<f8", true},
		{"<f8", ">f8", false},
		{"<u1", "|u1", true},
		{"<M8[1s]", "<M8[s]", true},
		{"[('a','<i4'),('','|V2'),('','|V2')]", `[("a", "<i4"), ("", "|V4"), ]`, true},
		{"[('a', '<i4')]", "[('b', '<i4')]", false},
	} {
		if got := parsed(t, test.a) == parsed(t, test.b); got != test.want {
			t.Errorf("(%s == %s) = %v; want %v", test.a, test.b, got, test.want)
		}
	}
}

// nested is a structure n deep.
func nested(n int) string {
	return strings.Repeat("[('a', ", n) + "'<i4'" + strings.Repeat(")]", n)
}

// wide is a structure of n fields.
func wide(n int) string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf("('%x','|b1')", i)
	}
	return "[" + strings.Join(fields, ",") + "]"
}

func TestDTypeBounds(t *testing.T) {
	for _, test := range []struct {
		good, bad, want string
	}{
		{"|S1048576", "|S1048577", "from 1 to 1048576"},
		{"|S1", "|S0", "from 1 to 1048576"},
		{"<U262144", "<U262145", "more than 1048576 bytes"},
		{"<U1", "<U0", "from 1 to"},
		{nested(8), nested(9), "deeper than 8"},
		{wide(512), wide(513), "more than 512 fields"},
		{"[('a', '<i8', (131072,))]", "[('a', '<i8', (131073,))]", "more than 1048576 bytes"},
		{"[('a', '<i8', (131071,)), ('b', '<i8')]", "[('a', '<i8', (131072,)), ('b', '|i1')]", "more than 1048576 bytes"},
		{"[('a', '|i1'), ('', '|V1048575')]", "[('a', '|i1'), ('', '|V1048576')]", "more than 1048576 bytes"},
		{"[('a', '|i1', (" + strings.Repeat("1,", 32) + "))]", "[('a', '|i1', (" + strings.Repeat("1,", 33) + "))]", "33 axes"},
		{"[('" + strings.Repeat("a", 8192-13) + "', '|b1')]", "[('" + strings.Repeat("a", 8192-12) + "', '|b1')]", "8193 bytes"},
		// Short as given, too long in the normal form.
		{"[('" + strings.Repeat("\u0080", 2000) + "', '|b1')]", "[('" + strings.Repeat("\u0080", 2500) + "', '|b1')]", "once written out"},
		{"[('a', '|i1', (1048576,))]", "[('a', '<f8', (4611686018427387904, 4))]", "more than 1048576 bytes"},
	} {
		if _, err := ParseDType(test.good); err != nil {
			t.Errorf("ParseDType(%.60q) = error %v", test.good, err)
		}
		checkError(t, test.bad, test.want)
	}
}

// checkError wants one short printable line.
func checkError(t *testing.T, descr, want string) {
	t.Helper()
	d, err := ParseDType(descr)
	if err == nil || d != (DType{}) || !strings.Contains(err.Error(), want) {
		t.Errorf("ParseDType(%.60q) = %q, %v; want an error with %q", descr, d, err, want)
		return
	}
	if text := err.Error(); len(text) > 2000 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("ParseDType(%.60q) = error %q; want one short printable line", descr, text)
	}
}

func TestParseDTypeErrors(t *testing.T) {
	for _, test := range []struct{ descr, want string }{
		{"", "not one like <f8"},
		{"f8", "not one like <f8"},
		{"=f8", "not one like <f8"},
		{"<f", "size is missing"},
		{" <f8", "not one like <f8"},
		{"<f8 ", "size is not a number"},
		{"<f08", "size is not a number"},
		{"<f+8", "size is not a number"},
		{"<f99999999999999999999", "size is not a number"},
		{"|f8", "byte order is missing"},
		{"|U3", "byte order is missing"},
		{"|M8[s]", "byte order is missing"},
		{"<f16", "longdouble"},
		{"<c32", "x.astype('c16')"},
		{"<i3", "not a supported type"},
		{"|b2", "not a supported type"},
		{"<q8", "not a supported type"},
		{"<S-1", "from 1 to"},
		{"|O", "object arrays are refused"},
		{"|O8", "object arrays are refused"},
		{"|V8", "raw bytes"},
		{"<M4[s]", "not a supported type"},
		{"<M8[]", "unit is not one of"},
		{"<M8[25]", "unit is not one of"},
		{"<M8[x]", "unit is not one of"},
		{"<M8[s/10]", "unit is not one of"},
		{"<M8[generic]", "unit is not one of"},
		{"<M8s", "not in brackets"},
		{"<M8[s", "not in brackets"},
		{"<M8[0s]", "multiple of its unit"},
		{"<M8[025s]", "multiple of its unit"},
		{"<M8[-1s]", "unit is not one of"},
		{"<M8[2147483648s]", "multiple of its unit"},
		{"<f8[s]", "size is not a number"},
		{"<f8\x1b[2J\u202e\n", `\x1b[2J\u202e\n`},
		{strings.Repeat("x", 5000), "..."},
		{strings.Repeat("[", 5000), "brackets deeper"},
		{strings.Repeat("[", 1<<20), "1048576 bytes"},
	} {
		checkError(t, test.descr, test.want)
	}
}

func TestParseStructErrors(t *testing.T) {
	for _, test := range []struct{ descr, want string }{
		{"[]", "without fields"},
		{"[('', '|V4')]", "without fields"},
		{"[('a', '<i4')", "byte 13"},
		{"[('a', '<i4')] ]", "more text"},
		{"['<i4']", "a field is not (name, type)"},
		{"[('a',)]", "a field is not (name, type)"},
		{"[('a', '<i4', (1,), 1)]", "a field is not (name, type)"},
		{"[['a', '<i4']]", "a field is not (name, type)"},
		{"[(1, '<i4')]", "name is not a string"},
		{"[(('title', 'a'), '<i4')]", "titles are not supported"},
		{"[('a', 4)]", `field "a": its type is neither`},
		{"[('a', ('<i4', (2,)))]", `field "a": its type is neither`},
		{"[('a', '|O8')]", `field "a": object arrays`},
		{"[('a', [('b', '|O8')])]", `field "a": field "b": object arrays`},
		{"[('a', '[]')]", "not one like"},
		{"[('a', '|V4')]", "raw bytes"},
		{"[('a', '<i4'), ('a', '<i4')]", "a second one of this name"},
		{"[('a', '<i4', 2)]", "its shape is not a tuple"},
		{"[('a', '<i4', ())]", "its shape is not a tuple"},
		{"[('a', '<i4', (0,))]", "lengths from 1 on"},
		{"[('a', '<i4', (-1,))]", "lengths from 1 on"},
		{"[('a', '<i4', ('1',))]", "lengths from 1 on"},
		{"[('a', '<i4', (True,))]", "lengths from 1 on"},
		{"[('', '<i4'), ('a', '<i4')]", "is not padding"},
		{"[('', '|V0'), ('a', '<i4')]", "is not padding"},
		{"[('', '|V04'), ('a', '<i4')]", "is not padding"},
		{"[('', '|V-4'), ('a', '<i4')]", "is not padding"},
		{"[('', '|V4', (2,)), ('a', '<i4')]", "is not padding"},
		{"[('', [('b', '<i4')]), ('a', '<i4')]", "is not padding"},
		{"[('', '|V9999999999'), ('a', '<i4')]", "more than 1048576 bytes"},
		{"[('\xff', '<i4')]", "not UTF-8"},
		{"[('a\x1b\u202e', '<q4')]", `field "a\x1b\u202e"`},
	} {
		checkError(t, test.descr, test.want)
	}
}

func FuzzDType(f *testing.F) {
	for _, seed := range []string{
		"<f8", "|S5", "<U7", "<M8[25s]", ">m8", "<b1", nested(3), wide(3),
		`[('a\x41', '|i1'), ("", '|V3'), ('b', [('c', '>f4', (2, 3))], (1,))]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, descr string) {
		d, err := ParseDType(descr)
		if err != nil {
			checkError(t, descr, "")
			return
		}
		if again, err := ParseDType(d.Descr()); err != nil || again != d {
			t.Errorf("ParseDType(%q) = %+v, %v; want %+v", d.Descr(), again, err, d)
		}
		if d.ItemSize() < 1 || d.ItemSize() > 1<<20 || len(d.Descr()) > 8<<10 {
			t.Errorf("%q has %d bytes", d, d.ItemSize())
		}
		checkFields(t, d)
	})
}

// checkFields wants them one behind the other inside the element.
func checkFields(t *testing.T, d DType) {
	t.Helper()
	end := 0
	for _, field := range d.Fields() {
		if field.Offset < end || field.DType.ItemSize() < 1 {
			t.Errorf("%s: field %q of %s at %d, before %d", d, field.Name, field.DType, field.Offset, end)
		}
		size := field.DType.ItemSize()
		for _, n := range field.Shape {
			size *= int(n)
		}
		end = field.Offset + size
		checkFields(t, field.DType)
	}
	if end > d.ItemSize() || (d.Kind() == Struct) != slices.Contains([]byte(d.Descr()), '(') {
		t.Errorf("%s: fields end at %d of %d", d, end, d.ItemSize())
	}
}
