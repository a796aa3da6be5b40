package npy

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"hotcell/shm"
)

// golden is a header that numpy wrote; testdata/make.py made it.
type golden struct {
	Descr   string
	Shape   []int64
	Fortran bool
	Header  []byte
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	text, err := os.ReadFile("testdata/headers.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 80 {
		t.Fatalf("headers.json holds %d headers, %v; want more", len(all), err)
	}
	return all
}

func (g golden) header(t testing.TB) Header {
	t.Helper()
	d, err := shm.ParseDType(g.Descr)
	if err != nil {
		t.Fatal(err)
	}
	h := Header{DType: d, Fortran: g.Fortran, DataOffset: int64(len(g.Header))}
	if len(g.Shape) > 0 {
		h.Shape = g.Shape
	}
	return h
}

func TestAgainstNumpy(t *testing.T) {
	versions := make(map[byte]int)
	for _, g := range readGolden(t) {
		versions[g.Header[6]]++
		want := g.header(t)
		if got := AppendHeader([]byte("before"), want); !bytes.Equal(got, append([]byte("before"), g.Header...)) {
			t.Errorf("AppendHeader(%s %d) = %q; want %q", g.Descr, g.Shape, got, g.Header)
		}
		stream := strings.NewReader(string(g.Header) + "data")
		if got, err := ReadHeaderStream(iotest.OneByteReader(stream)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ReadHeaderStream(%q) = %+v, %v; want %+v", g.Header, got, err, want)
		}
		if rest, err := io.ReadAll(stream); string(rest) != "data" || err != nil {
			t.Errorf("ReadHeaderStream(%q) leaves %q, %v; want data", g.Header, rest, err)
		}
	}
	if versions[1] < 80 || versions[3] < 1 {
		t.Errorf("headers.json has versions %v; want 1 and 3", versions)
	}
}

// file makes an .npy file.
func file(version byte, dict string, data int) []byte {
	b := append([]byte(magic), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(dict)))
	}
	return append(append(b, dict...), make([]byte, data)...)
}

func read(data []byte) (Header, error) {
	return ReadHeader(bytes.NewReader(data), int64(len(data)))
}

func TestReadHeader(t *testing.T) {
	const dict = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n"
	for _, test := range []struct {
		version byte
		dict    string
		descr   string
		shape   []int64
		fortran bool
	}{
		{1, dict, "<f8", []int64{2, 3}, true},
		{2, dict, "<f8", []int64{2, 3}, true},
		{3, dict, "<f8", []int64{2, 3}, true},
		{1, `{"shape":(6,),"descr":"<f8","fortran_order":False}`, "<f8", []int64{6}, false},
		{1, "{'descr': '<f8', 'fortran_order': False, 'shape': (6L,)}", "<f8", []int64{6}, false},
		{1, "{'descr': '<f8', 'fortran_order': False, 'shape': ()}", "<f8", nil, false},
		{1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 5)}", "<f8", []int64{0, 5}, false},
		{1, "{'descr': [('\xe9', '<f8')], 'fortran_order': False, 'shape': (6,)}", "[('\u00e9', '<f8')]", []int64{6}, false},
		{2, "{'descr': [('\xe9', '<f8')], 'fortran_order': False, 'shape': (6,)}", "[('\u00e9', '<f8')]", []int64{6}, false},
		{3, "{'descr': [('\u20ac', '<f8')], 'fortran_order': False, 'shape': (6,)}", "[('\u20ac', '<f8')]", []int64{6}, false},
		{1, dict + strings.Repeat(" ", maxHeader-len(dict)), "<f8", []int64{2, 3}, true},
	} {
		for _, more := range []int{0, 1} {
			data := file(test.version, test.dict, 48+more)
			h, err := read(data)
			if err != nil || h.DType.Descr() != test.descr || !reflect.DeepEqual(h.Shape, test.shape) || h.Fortran != test.fortran {
				t.Errorf("ReadHeader(%.200q) = %+v, %v; want %s %d, Fortran %v", data, h, err, test.descr, test.shape, test.fortran)
			}
			if want := int64(len(data) - 48 - more); h.DataOffset != want {
				t.Errorf("ReadHeader(%.200q) has its data at %d; want %d", data, h.DataOffset, want)
			}
		}
	}
}

// with makes a file whose dict has a value changed.
func with(key, value string) []byte {
	dict := map[string]string{"descr": "'<f8'", "fortran_order": "False", "shape": "(6,)"}
	dict[key] = value
	return file(1, "{'descr': "+dict["descr"]+", 'fortran_order': "+dict["fortran_order"]+", 'shape': "+dict["shape"]+", }\n", 48)
}

func TestReadHeaderErrors(t *testing.T) {
	good := with("", "")
	for _, test := range []struct {
		data []byte
		want string
	}{
		{nil, "empty, not an .npy file"},
		{[]byte("a,b\n1,2\n"), "not an .npy file"},
		{[]byte("PK\x03\x04"), "not an .npy file"},
		{good[:3], "truncated: the file ends within the header"},
		{good[:7], "truncated: the file ends within the header"},
		{good[:9], "truncated: the file ends within the header"},
		{good[:50], "truncated: the file ends within the header"},
		{good[:len(good)-48], "truncated: the header asks for 48 bytes of elements, the file has 0"},
		{good[:len(good)-1], "truncated: the header asks for 48 bytes of elements, the file has 47"},
		{[]byte("\x93NUMPY\x00\x00"), "version 0.0"},
		{[]byte("\x93NUMPY\x04\x00"), "version 4.0"},
		{[]byte("\x93NUMPY\x01\x01"), "version 1.1"},
		{[]byte("\x93NUMPY\x01\x00\xff\xff"), "a header of 65535 bytes"},
		{[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "a header of 4294967295 bytes"},
		{file(3, "\xff", 0), "not UTF-8"},
		{file(1, "", 0), "text ends early"},
		{file(1, "()", 0), "not a dict"},
		{file(1, "{}", 0), "no descr"},
		{file(1, "{'descr': '<f8', 'shape': ()}", 8), "no fortran_order"},
		{file(1, "{'descr': '<f8', 'fortran_order': False}", 8), "no shape"},
		{file(1, "{'a\x1b\n': 1}", 8), "header: byte"},
		{file(1, `{'a\x1b': 1}`, 8), `an unknown key "a\x1b"`},
		{file(1, "{1: 1}", 8), "a key that is not a string"},
		{file(1, "{'shape': (), 'shape': ()}", 8), `the key "shape" comes twice`},
		{file(1, "{'descr': __import__('os')}", 8), "no string"},
		{with("descr", "'|O'"), "object"},
		{with("descr", "'|O8'"), "object"},
		{with("descr", "[('a', '|O8')]"), "object"},
		{with("descr", "''"), "not one like"},
		{with("descr", "\"[('a', '<i4')]\""), "descr is neither"},
		{with("descr", "('<f8', (2,))"), "descr is neither"},
		{with("descr", "'<f16'"), "x.astype('f8')"},
		{with("fortran_order", "0"), "neither True nor False"},
		{with("shape", "[6]"), "shape is not a tuple"},
		{with("shape", "6"), "shape is not a tuple"},
		{with("shape", "(6)"), "needs a comma"},
		{with("shape", "('6',)"), "else than integers"},
		{with("shape", "(True,)"), "else than integers"},
		{with("shape", "(-6,)"), "negative"},
		{with("shape", "(4611686018427387904,)"), "takes more than 2^63-1 bytes"},
		{with("shape", "(4611686018427387904, 4)"), "takes more than 2^63-1 bytes"},
		{with("shape", "(0, 4611686018427387904)"), "takes more than 2^63-1 bytes"},
		{with("shape", "(1152921504606846975,)"), "truncated: the header asks for 9223372036854775800 bytes"},
		{with("shape", "(99999999999999999999,)"), "not an integer of 64 bits"},
		{with("shape", "("+strings.Repeat("1,", 33)+")"), "33 axes"},
	} {
		h, err := read(test.data)
		if !reflect.DeepEqual(h, Header{}) {
			t.Errorf("ReadHeader(%q) = %+v; want none", test.data, h)
		}
		checkError(t, test.data, err, test.want)
	}
}

func checkError(t *testing.T, data []byte, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("ReadHeader(%q) = error %v; want %q", data, err, want)
	} else if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("ReadHeader(%q) = error %q; want one printable line", data, err)
	}
}

// What a reader says of itself, such as a damaged archive, is not truncation.
func TestReadHeaderBrokenReader(t *testing.T) {
	good := with("", "")
	broken := errors.New("broken")
	for n := range len(good) - 48 {
		r := io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(broken))
		if h, err := ReadHeaderStream(r); !errors.Is(err, broken) {
			t.Errorf("ReadHeaderStream(%d bytes, then an error) = %+v, %v; want the error", n, h, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	for _, g := range readGolden(f)[:25] {
		f.Add(append(g.Header, make([]byte, 48)...))
	}
	f.Add(with("shape", "(4611686018427387904, 4)"))
	f.Add(file(3, "{'descr': [('\u20ac', '<f8')], 'fortran_order': False, 'shape': (6,)}", 48))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := read(data)
		if err != nil {
			checkError(t, data, err, "")
			return
		}
		size, err := h.bytes()
		if err != nil || size > int64(len(data))-h.DataOffset {
			t.Errorf("ReadHeader(%q) = %+v of %d bytes, %v; the file has %d", data, h, size, err, len(data))
		}
		written := AppendHeader(nil, h)
		h.DataOffset = int64(len(written))
		if again, err := ReadHeaderStream(bytes.NewReader(written)); err != nil || !reflect.DeepEqual(again, h) || len(written)%64 != 0 {
			t.Errorf("ReadHeaderStream(%q) = %+v, %v; want %+v", written, again, err, h)
		}
	})
}
