package arrayfile

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const stocks = "../../../testdata/data/eu-stock-indices.csv"

// load gives the input of a spec's text and the bytes of its region.
func load(t *testing.T, text string) (*Input, []byte, error) {
	t.Helper()
	spec, err := ParseSpec(text)
	if err != nil {
		t.Fatalf("ParseSpec(%q) = error %v", text, err)
	}
	spec.Name = "x"
	input, err := Load(spec)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { input.Region.Close() })
	data := make([]byte, input.Region.Size())
	if _, err := input.Region.ReadAt(data, 0); err != nil && len(data) > 0 {
		t.Fatalf("Load(%q): read region: %v", text, err)
	}
	return input, data, nil
}

// unpack gives a member of dtypes.npz as an .npy file of its own.
func unpack(t *testing.T, member string) string {
	t.Helper()
	archive, err := zip.OpenReader("testdata/dtypes.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	r, err := archive.Open(member + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, member+".npy", data)
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadAgainstNumpy(t *testing.T) {
	for _, want := range readGolden(t).Arrays {
		for _, spec := range []string{
			unpack(t, want.Member) + want.Slice,
			"testdata/dtypes.npz:" + want.Member + want.Slice,
			"testdata/dtypes-deflated.npz:" + want.Member + ".npy" + want.Slice,
		} {
			input, data, err := load(t, spec)
			if err != nil {
				t.Errorf("Load(%q) = error %v", spec, err)
				continue
			}
			ref := input.Ref
			if ref.Name != "x" || ref.Offset != 0 || ref.DType.Descr() != want.Descr || ref.Fortran != want.Fortran ||
				len(ref.Shape) != len(want.Shape) || len(want.Shape) > 0 && !reflect.DeepEqual(ref.Shape, want.Shape) {
				t.Errorf("Load(%q).Ref = %+v; want %s %v, Fortran %v", spec, ref, want.Descr, want.Shape, want.Fortran)
			}
			if !bytes.Equal(data, want.Data) {
				t.Errorf("Load(%q) holds %x; want %x", spec, data, want.Data)
			}
		}
	}
}

func TestLoadIsFrozen(t *testing.T) {
	for _, spec := range []string{unpack(t, "line"), unpack(t, "line") + "[::2]", unpack(t, "empty"), stocks + ":DAX"} {
		input, _, err := load(t, spec)
		if err != nil {
			t.Fatalf("Load(%q) = error %v", spec, err)
		}
		seals, err := unix.FcntlInt(input.Region.File().Fd(), unix.F_GET_SEALS, 0)
		want := unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
		if err != nil || seals&want != want {
			t.Errorf("Load(%q) has seals %#x, %v; want %#x", spec, seals, err, want)
		}
	}
}

func TestLoadColumns(t *testing.T) {
	for _, want := range readGolden(t).Columns {
		input, data, err := load(t, stocks+":"+want.Spec)
		if err != nil {
			t.Errorf("Load(%s) = error %v", want.Spec, err)
			continue
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != want.SHA256 || !reflect.DeepEqual(input.Ref.Shape, want.Shape) {
			t.Errorf("Load(%s) = %v, sum %s; want %v, sum %s", want.Spec, input.Ref.Shape, got, want.Shape, want.SHA256)
		}
	}
}

// header makes an .npy file of version 1.0 from the text of its dict.
func header(dict string, data int) []byte {
	file := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(dict)+1))
	return append(append(file, dict+"\n"...), make([]byte, data)...)
}

func TestLoadErrors(t *testing.T) {
	line := unpack(t, "line")
	whole, err := os.ReadFile(line)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := os.ReadFile("testdata/dtypes.npz")
	if err != nil {
		t.Fatal(err)
	}
	const huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,), }"
	const long = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,), }"
	fifo := filepath.Join(t.TempDir(), "fifo.npy")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	device := filepath.Join(t.TempDir(), "null.npy")
	if err := os.Symlink("/dev/null", device); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ spec, want string }{
		{"missing.npy", "missing.npy: no such file or directory; check the path"},
		{line + "/x.npy", "not a directory"},
		{strings.Repeat("x", 300) + ".npy", "file name too long"},
		{fifo, "not a regular file"},
		{device, "not a regular file"},
		{writeDir(t), "is a directory"},
		{writeFile(t, "empty.npy", nil), "empty.npy: "},
		{writeFile(t, "text.npy", []byte("a,b\n1,2\n")), "text.npy: "},
		{writeFile(t, "short.npy", whole[:len(whole)-1]), "truncated"},
		{writeFile(t, "huge.npy", header(huge, 64)), "huge.npy: "},
		{writeFile(t, "long.npy", header(long, 64)), "truncated"},
		{writeFile(t, "object.npy", header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8)), "object"},
		{line + "[100:200]", "line.npy: slice [100:200] is out of range: axis 0 has 50 elements"},
		{line + "[:, :]", "slices for 2 axes, the array has 1"},
		{"testdata/dtypes.npz", "name one of its arrays as FILE.npz:KEY; it has i1, i2, i2be, i4"},
		{"testdata/dtypes.npz:zz", "no array zz; it has i1, i2, i2be, i4"},
		{"testdata/dtypes.npz:line[51:]", "member line.npy: slice [51:] is out of range"},
		{writeFile(t, "cut.npz", stored[:len(stored)/2]), "damaged, or not an .npz archive"},
		{writeFile(t, "flipped.npz", flip(stored, bytes.Index(stored, []byte("line.npy"))+400)) + ":line", "member line.npy: damaged: zip: checksum error"},
		{archive(t, "a.npy", header(huge, 64)) + ":a", "member a.npy: "},
		{archive(t, "a.npy", header(long, 64)) + ":a", "member a.npy: truncated"},
		{archive(t, "a.txt", []byte("text")) + ":a.txt", "member a.txt: "},
		{archive(t, "a\x1b[2J\n", nil) + ":b", `it has "a\x1b[2J\n"`},
	} {
		spec, err := ParseSpec(test.spec)
		if err == nil {
			_, err = Load(spec)
		}
		checkInputError(t, "Load("+test.spec+")", err, test.want)
	}
}

func writeDir(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dir.npy")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func flip(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[i] ^= 1
	return data
}

func archive(t testing.TB, name string, data []byte) string {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	member, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "f.npz", file.Bytes())
}

// A megabyte of zeros in a kilobyte is legal; what bounds it is the limit.
func TestLoadLimited(t *testing.T) {
	const dict = "{'descr': '<f8', 'fortran_order': False, 'shape': (131072,), }"
	bomb := archive(t, "a.npy", header(dict, 1<<20)) + ":a"
	for _, test := range []struct {
		spec     string
		maxBytes int64
		want     string // "" for no error
	}{
		{bomb, 1 << 20, ""},
		{bomb, 1<<20 - 1, "take 1048576 bytes, at most 1048575 are allowed; select fewer with a slice"},
		{bomb + "[::2]", 1 << 19, ""},
		{unpack(t, "line"), 399, "take 400 bytes"},
		{stocks + ":DAX", 1860 * 8, ""},
		{stocks + ":DAX", 1860*8 - 1, "more than 14879 bytes of numbers"},
	} {
		spec, err := ParseSpec(test.spec)
		if err != nil {
			t.Fatal(err)
		}
		input, err := LoadLimited(spec, test.maxBytes)
		if test.want != "" {
			checkInputError(t, "LoadLimited("+test.spec+")", err, test.want)
			continue
		}
		if err != nil {
			t.Errorf("LoadLimited(%q, %d) = error %v", test.spec, test.maxBytes, err)
			continue
		}
		input.Region.Close()
	}
}

// What the archive's directory says of a member is checked before the member
// is read, its claimed size before it is allocated.
func TestLoadLyingDirectory(t *testing.T) {
	path := archive(t, "a.npy", header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000,), }", 64))
	honest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	directory := bytes.LastIndex(honest, []byte("PK\x01\x02"))
	for _, test := range []struct {
		offset int // of the field in the member's directory entry
		value  uint32
		want   string
	}{
		{24, 1_000_000_200, "damaged: 1000000200 bytes cannot come from"},
		{20, 1 << 30, "truncated: it claims more bytes than the archive has"},
		{24, 100, "truncated: the header asks for 1000000"},
		{8, 8<<16 | 1, "encrypted"},
		{8, 14 << 16, "compression method 14 is not supported"},
		{42, 1 << 30, "damaged"},
	} {
		data := bytes.Clone(honest)
		binary.LittleEndian.PutUint32(data[directory+test.offset:], test.value)
		_, err := Load(Spec{Name: "x", Path: writeFile(t, "lie.npz", data), Format: NPZ, Key: "a"})
		checkInputError(t, "Load(lie.npz)", err, test.want)
	}
}

func FuzzLoad(f *testing.F) {
	grid := header("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", 48)
	zipped, err := os.ReadFile(archive(f, "a.npy", grid))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(grid, "", false)
	f.Add(zipped, "a", true)
	path := filepath.Join(f.TempDir(), "f")
	f.Fuzz(func(t *testing.T, data []byte, key string, zipped bool) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		spec := Spec{Name: "x", Path: path, Format: NPY, Key: key}
		if zipped {
			spec.Format = NPZ
		}
		input, err := LoadLimited(spec, 1<<20)
		if err != nil {
			checkInputError(t, "LoadLimited", err, "")
			return
		}
		defer input.Region.Close()
		size, err := input.Ref.Bytes()
		if err != nil || size != input.Region.Size() {
			t.Errorf("LoadLimited gives %d bytes, %v for %+v", input.Region.Size(), err, input.Ref)
		}
	})
}
